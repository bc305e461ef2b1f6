//! `$foreach`: what a loop knows about itself.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::value::{Map, Value, dismantle};

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

    /// Makes it the state of a loop that begins.
    pub(crate) fn begin(&mut self, parent: Option<Rc<LoopScope>>) {
        self.index.set(-1);
        self.has_next.set(true);
        self.values.take();
        self.parent = parent;
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
        // No real nesting is deeper; only a template that plays with `$foreach` makes longer chains.
        for _ in 0..1000 {
            match &top.parent {
                Some(next) => top = next,
                None => break,
            }
        }
        Rc::clone(top)
    }

    /// Takes out what it holds.
    pub(crate) fn dismantle(&mut self, queue: &mut Vec<Value>) {
        queue.extend(self.parent.take().map(Value::Loop));
        queue.extend(self.values.get_mut().take().map(Value::Map));
    }
}

impl Drop for LoopScope {
    fn drop(&mut self) {
        if self.parent.is_some() || self.values.get_mut().is_some() {
            let mut queue = Vec::new();
            self.dismantle(&mut queue);
            dismantle(queue);
        }
    }
}

impl fmt::Debug for LoopScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoopScope({})", self.index.get())
    }
}
