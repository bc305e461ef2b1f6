//! Iterators, which fail when what they iterate over changes under them.

use std::cell::{Cell, RefCell};

use super::{Entry, List, Map, Value, View, ViewKind};
use crate::vtl::object::Exception;

/// What an [`Iter`] walks over.
#[derive(Debug)]
pub(crate) enum Source {
    List(List),
    View(View),
    Items,
}

/// A Java iterator.
#[derive(Debug)]
pub struct Iter {
    pub(crate) source: RefCell<Source>,
    /// Keys of the map, or free-standing items.
    pub(crate) items: RefCell<Vec<Value>>,
    cursor: Cell<usize>,
    /// Where the next item of a list stands in its document.
    place: Cell<u32>,
    last: Cell<Option<usize>>,
    changes: Cell<u32>,
}

impl Iter {
    pub(crate) fn over_list(list: &List, cursor: usize) -> Self {
        Iter::make(
            Source::List(list.clone()),
            Vec::new(),
            list.changes(),
            cursor,
        )
    }

    pub(crate) fn over_view(view: &View) -> Self {
        Iter::make(
            Source::View(view.clone()),
            view.map.keys(),
            view.map.changes(),
            0,
        )
    }

    pub(crate) fn over_map(map: &Map, kind: ViewKind) -> Self {
        Iter::over_view(&View {
            map: map.clone(),
            kind,
        })
    }

    fn make(source: Source, items: Vec<Value>, changes: u32, cursor: usize) -> Self {
        Iter {
            source: RefCell::new(source),
            items: RefCell::new(items),
            cursor: Cell::new(cursor),
            place: Cell::new(0),
            last: Cell::new(None),
            changes: Cell::new(changes),
        }
    }

    /// The containers it holds.
    pub(super) fn held(&self) -> Vec<Value> {
        let mut held = self.items.borrow().clone();
        match &*self.source.borrow() {
            Source::List(list) => held.push(Value::List(list.clone())),
            Source::View(view) => held.push(Value::Map(view.map.clone())),
            Source::Items => {}
        }
        held
    }

    /// Java's `hasNext()`.
    #[must_use]
    #[inline]
    pub fn has_next(&self) -> bool {
        match &*self.source.borrow() {
            Source::List(list) => self.cursor.get() != list.len(),
            Source::View(_) | Source::Items => self.cursor.get() < self.items.borrow().len(),
        }
    }

    /// Java's `next()`.
    ///
    /// # Errors
    /// Fails at the end, and when the collection was changed since the iterator was made.
    pub fn next_item(&self) -> Result<Value, Exception> {
        let at = self.cursor.get();
        let item = match &*self.source.borrow() {
            Source::List(list) => {
                // An array has no count of changes: its length never changes.
                if list.changes() != self.changes.get() {
                    return Err(concurrent());
                }
                list.next(at, &self.place)
            }
            Source::View(view) => {
                if view.map.changes() != self.changes.get() {
                    return Err(concurrent());
                }
                self.items.borrow().get(at).cloned().map(|key| {
                    let value = |key: &Value| view.map.get(key).unwrap_or_default();
                    match view.kind {
                        ViewKind::Keys => key,
                        ViewKind::Values => value(&key),
                        ViewKind::Entries => {
                            let value = value(&key);
                            Entry::of(&view.map, key, value)
                        }
                    }
                })
            }
            Source::Items => self.items.borrow().get(at).cloned(),
        };
        let item = item.ok_or_else(|| Exception::new("NoSuchElementException: no next element"))?;
        self.last.set(Some(at));
        self.cursor.set(at + 1);
        Ok(item)
    }

    /// Java's `remove()`: takes away what `next()` gave last.
    ///
    /// # Errors
    /// Fails when `next()` was not called before, or the collection has a fixed size.
    pub fn remove_last(&self) -> Result<(), Exception> {
        let illegal = || Exception::new("IllegalStateException: nothing to remove");
        let at = self.last.take().ok_or_else(illegal)?;
        match &*self.source.borrow() {
            Source::List(list) if !list.kind().is_array() => {
                if list.changes() != self.changes.get() {
                    return Err(concurrent());
                }
                list.change(|cells| (at < cells.len()).then(|| cells.remove(at)));
                self.cursor.set(at);
                self.changes.set(list.changes());
            }
            Source::View(view) => {
                if view.map.changes() != self.changes.get() {
                    return Err(concurrent());
                }
                if let Some(key) = self.items.borrow().get(at) {
                    view.map.remove(key);
                }
                self.changes.set(view.map.changes());
            }
            Source::List(_) | Source::Items => {
                return Err(Exception::new("UnsupportedOperationException: remove"));
            }
        }
        Ok(())
    }
}

fn concurrent() -> Exception {
    Exception::new("ConcurrentModificationException: the collection changed during the iteration")
}
