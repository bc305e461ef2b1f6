//! Lists and arrays: one shared, mutable sequence with a kind.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::doc::Doc;
use super::{Value, note_list};
use crate::vtl::object::Exception;

/// Which Java class a [`List`] stands for; it decides how the list prints and what it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListKind {
    /// `java.util.ArrayList`: literals, ranges, `parseJson`. Prints `[a, b]`.
    ArrayList,
    /// json-smart's `JSONArray`: what a JSON document holds. Prints compact JSON.
    JsonArray,
    /// `String[]`, from `split`. Fixed length.
    StringArray,
    /// `char[]`, from `toCharArray`. Fixed length.
    CharArray,
    /// `byte[]`, from `bytes`. Fixed length.
    ByteArray,
    /// `Object[]`, from `toArray`. Fixed length.
    ObjectArray,
}

impl ListKind {
    /// Whether this is an array, with a fixed length and no list behaviour of its own.
    #[must_use]
    pub fn is_array(self) -> bool {
        !matches!(self, ListKind::ArrayList | ListKind::JsonArray)
    }

    pub(crate) fn class_name(self) -> &'static str {
        match self {
            ListKind::ArrayList => "java.util.ArrayList",
            ListKind::JsonArray => "net.minidev.json.JSONArray",
            ListKind::StringArray => "[Ljava.lang.String;",
            ListKind::CharArray => "[C",
            ListKind::ByteArray => "[B",
            ListKind::ObjectArray => "[Ljava.lang.Object;",
        }
    }
}

/// A shared, mutable list. Clones are the same list.
#[derive(Clone)]
pub struct List(pub(super) ListRepr);

#[derive(Clone)]
pub(super) enum ListRepr {
    Own(Rc<ListInner>),
    /// A list of a document.
    Doc(Rc<Doc>, u32),
}

pub(crate) struct ListInner {
    kind: ListKind,
    changes: Cell<u32>,
    pub(super) cells: RefCell<Vec<Value>>,
}

impl ListInner {
    pub(super) fn new(kind: ListKind, items: Vec<Value>) -> Self {
        ListInner {
            kind,
            changes: Cell::new(0),
            cells: RefCell::new(items),
        }
    }

    pub(super) fn empty(&self) {
        let _old = std::mem::take(&mut *self.cells.borrow_mut());
        self.changed();
    }

    fn changed(&self) {
        self.changes.set(self.changes.get().wrapping_add(1));
    }
}

impl List {
    /// A list of the given kind.
    #[must_use]
    pub fn new(kind: ListKind, items: Vec<Value>) -> Self {
        List(ListRepr::Own(Rc::new(ListInner::new(kind, items))))
    }

    pub(super) fn of_doc(doc: &Rc<Doc>, at: u32) -> Self {
        List(ListRepr::Doc(Rc::clone(doc), at))
    }

    /// The document and the place in it, as long as the list is what stands there.
    #[inline]
    pub(crate) fn plain(&self) -> Option<(&Rc<Doc>, u32)> {
        match &self.0 {
            ListRepr::Doc(doc, at) if doc.is_plain(*at) => Some((doc, *at)),
            _ => None,
        }
    }

    /// The list as an object; one of a document becomes one of its own.
    fn inner(&self) -> Option<&ListInner> {
        match &self.0 {
            ListRepr::Own(inner) => Some(inner),
            ListRepr::Doc(doc, at) => Doc::list(doc, *at),
        }
    }

    /// A JSON document's array.
    #[must_use]
    pub fn json(items: Vec<Value>) -> Self {
        List::new(ListKind::JsonArray, items)
    }

    /// A plain list.
    #[must_use]
    pub fn array_list(items: Vec<Value>) -> Self {
        List::new(ListKind::ArrayList, items)
    }

    /// What Java class the list stands for.
    #[must_use]
    pub fn kind(&self) -> ListKind {
        match &self.0 {
            ListRepr::Own(inner) => inner.kind,
            ListRepr::Doc(..) => ListKind::JsonArray,
        }
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.plain() {
            Some((doc, at)) => doc.count(at) as usize,
            None => self.look(<[Value]>::len),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at `index`, counted from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Value> {
        match self.plain() {
            Some((doc, at)) if doc.is_short(at) => {
                let item = doc.items(at).nth(index)?;
                Some(Doc::value(doc, item))
            }
            _ => self.look(|items| items.get(index).cloned()),
        }
    }

    /// The item at `index` if `place` is what the call for the one before has left, 0 before the first.
    #[inline]
    pub(super) fn next(&self, index: usize, place: &Cell<u32>) -> Option<Value> {
        let Some((doc, at)) = self.plain() else {
            return self.look(|items| items.get(index).cloned());
        };
        if index >= doc.count(at) as usize {
            return None;
        }
        let item = match (index, place.get()) {
            (0, _) => Doc::first(at),
            (_, 0) => doc.items(at).nth(index)?,
            (_, place) => place,
        };
        place.set(doc.after(item));
        Some(Doc::value(doc, item))
    }

    /// The items as they are now.
    #[must_use]
    pub fn items(&self) -> Vec<Value> {
        match self.plain() {
            Some((doc, at)) => doc.items(at).map(|item| Doc::value(doc, item)).collect(),
            None => self.look(<[Value]>::to_vec),
        }
    }

    /// Looks at the items; nothing may change the list meanwhile.
    pub(crate) fn look<T>(&self, f: impl FnOnce(&[Value]) -> T) -> T {
        match self.inner() {
            Some(inner) => f(&inner.cells.borrow()),
            None => f(&[]),
        }
    }

    /// Appends an item.
    pub fn push(&self, item: Value) {
        note_list(self, &item);
        self.change(|items| items.push(item));
    }

    /// Changes the items; counts as a structural change, which iterators notice.
    pub(crate) fn change<T: Default>(&self, f: impl FnOnce(&mut Vec<Value>) -> T) -> T {
        let Some(inner) = self.inner() else {
            return T::default();
        };
        let result = f(&mut inner.cells.borrow_mut());
        inner.changed();
        result
    }

    /// Replaces the item at a Java index.
    pub(crate) fn set(&self, index: i32, item: Value) -> Result<Value, Exception> {
        note_list(self, &item);
        let len = self.len();
        let at = usize::try_from(index).map_err(|_| out_of_bounds(index, len))?;
        let replaced = self.inner().and_then(|inner| {
            let mut cells = inner.cells.borrow_mut();
            cells.get_mut(at).map(|cell| std::mem::replace(cell, item))
        });
        replaced.ok_or_else(|| out_of_bounds(index, len))
    }

    /// The item at a Java index.
    pub(crate) fn at(&self, index: i32) -> Result<Value, Exception> {
        let found = usize::try_from(index).ok().and_then(|i| self.get(i));
        found.ok_or_else(|| out_of_bounds(index, self.len()))
    }

    pub(crate) fn changes(&self) -> u32 {
        match self.plain() {
            Some(_) => 0,
            None => self.inner().map_or(0, |inner| inner.changes.get()),
        }
    }

    pub(crate) fn same(&self, other: &List) -> bool {
        self.address() == other.address()
    }

    /// Whether dropping this does not drop the items.
    pub(super) fn is_shared(&self) -> bool {
        match &self.0 {
            ListRepr::Own(inner) => Rc::strong_count(inner) > 1,
            ListRepr::Doc(..) => true,
        }
    }

    /// What no other list has.
    pub(crate) fn address(&self) -> usize {
        match &self.0 {
            ListRepr::Own(inner) => Rc::as_ptr(inner).cast::<()>() as usize,
            ListRepr::Doc(doc, at) => doc.address(*at),
        }
    }
}

/// Java's complaint about an index.
pub(crate) fn out_of_bounds(index: i32, len: usize) -> Exception {
    Exception::new(format!("index {index} out of bounds for length {len}"))
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Value::List(self.clone()).fmt(f)
    }
}
