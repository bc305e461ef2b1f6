//! `$foreach`: what a loop knows about itself.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::value::{Map, Value};

/// The state of one running loop, shared with whoever keeps `$foreach`.
pub struct LoopScope {
    pub(crate) index: Cell<i32>,
    pub(crate) has_next: Cell<bool>,
    pub(crate) parent: Option<Rc<LoopScope>>,
    values: RefCell<Option<Map>>,
}

impl LoopScope {
    pub(crate) fn new(parent: Option<Rc<LoopScope>>) -> Self {
        LoopScope {
            index: Cell::new(-1),
            has_next: Cell::new(true),
            parent,
            values: RefCell::new(None),
        }
    }

    /// What the template has put into `$foreach`.
    pub(crate) fn values(&self) -> Map {
        self.values
            .borrow_mut()
            .get_or_insert_with(Map::hash)
            .clone()
    }

    /// What the template has put into `$foreach` under this name.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        self.values.borrow().as_ref()?.get_str(name)
    }

    /// The outermost loop, which may be this one.
    pub(crate) fn topmost(this: &Rc<LoopScope>) -> Rc<LoopScope> {
        let mut top = this;
        while let Some(next) = &top.parent {
            top = next;
        }
        Rc::clone(top)
    }
}

impl fmt::Debug for LoopScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoopScope({})", self.index.get())
    }
}
