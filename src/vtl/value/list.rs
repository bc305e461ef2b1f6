//! Lists and arrays: one shared, mutable sequence with a kind.

use std::cell::{Cell, Ref, RefCell};
use std::fmt;
use std::rc::Rc;

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
pub struct List(pub(crate) Rc<ListInner>);

pub(crate) struct ListInner {
    pub(crate) kind: ListKind,
    pub(crate) changes: Cell<u32>,
    pub(crate) cells: RefCell<Vec<Value>>,
}

impl List {
    /// A list of the given kind.
    #[must_use]
    pub fn new(kind: ListKind, items: Vec<Value>) -> Self {
        List(Rc::new(ListInner {
            kind,
            changes: Cell::new(0),
            cells: RefCell::new(items),
        }))
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
        self.0.kind
    }

    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.cells.borrow().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at `index`, counted from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Value> {
        self.0.cells.borrow().get(index).cloned()
    }

    /// The items as they are now.
    #[must_use]
    pub fn items(&self) -> Vec<Value> {
        self.0.cells.borrow().clone()
    }

    /// A look at the items; nothing may change the list meanwhile.
    pub(crate) fn borrow(&self) -> Ref<'_, Vec<Value>> {
        self.0.cells.borrow()
    }

    /// Appends an item.
    pub fn push(&self, item: Value) {
        note_list(self, &item);
        self.0.cells.borrow_mut().push(item);
        self.changed();
    }

    /// Changes the items; counts as a structural change, which iterators notice.
    pub(crate) fn change<T>(&self, f: impl FnOnce(&mut Vec<Value>) -> T) -> T {
        let result = f(&mut self.0.cells.borrow_mut());
        self.changed();
        result
    }

    /// Replaces the item at a Java index.
    pub(crate) fn set(&self, index: i32, item: Value) -> Result<Value, Exception> {
        note_list(self, &item);
        let mut cells = self.0.cells.borrow_mut();
        let len = cells.len();
        let cell = usize::try_from(index).ok().and_then(|i| cells.get_mut(i));
        match cell {
            Some(cell) => Ok(std::mem::replace(cell, item)),
            None => Err(out_of_bounds(index, len)),
        }
    }

    /// The item at a Java index.
    pub(crate) fn at(&self, index: i32) -> Result<Value, Exception> {
        let cells = self.0.cells.borrow();
        match usize::try_from(index).ok().and_then(|i| cells.get(i)) {
            Some(value) => Ok(value.clone()),
            None => Err(out_of_bounds(index, cells.len())),
        }
    }

    pub(crate) fn changes(&self) -> u32 {
        self.0.changes.get()
    }

    fn changed(&self) {
        self.0.changes.set(self.0.changes.get().wrapping_add(1));
    }

    pub(crate) fn same(&self, other: &List) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
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
