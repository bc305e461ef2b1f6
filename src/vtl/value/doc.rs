//! A document as one flat row of nodes, from which values are made as they are looked at.
//!
//! A list or map of a document is a place in the row. Reading it needs no object of its own; the first write to it,
//! or a look that the row is bad at, copies that one level out of the row, and from then on the copy counts. A copy
//! holds its document, and the document its copies, so whoever made the document has to [`release`](Doc::release) it.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::list::ListInner;
use super::map::MapInner;
use super::{List, ListKind, Map, MapKind, Str, Value, double_text};
use crate::vtl::eval::Number;

/// A list or map that is longer than this is not searched in the row.
const LONG: u32 = 16;

/// A value in the row. Containers are followed by what they hold, maps by keys and values in turn.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Int(i32),
    Long(i64),
    Double(f64),
    /// A part of the document's text.
    Text {
        start: u32,
        len: u32,
    },
    /// A key, which is a text, and how many nodes behind the one of its map it stands.
    Key {
        start: u32,
        len: u32,
        back: u32,
    },
    /// How many items, how many nodes with itself, and which of the containers it is.
    List {
        count: u32,
        span: u32,
        number: u32,
    },
    Map {
        count: u32,
        span: u32,
        number: u32,
    },
    /// One of the values that fit in no node.
    Other(u32),
}

impl Node {
    /// How many nodes the value takes.
    #[inline]
    fn span(self) -> u32 {
        match self {
            Node::List { span, .. } | Node::Map { span, .. } => span,
            _ => 1,
        }
    }
}

/// Whether two texts are one. Most are short, and a call for them would take longer than the comparison.
#[inline]
pub(crate) fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && match a.len() {
            0 => true,
            len @ 1..=3 => {
                a.last() == b.last() && a.first() == b.first() && a.get(len / 2) == b.get(len / 2)
            }
            4..=7 => ends::<4>(a, b),
            8..=16 => ends::<8>(a, b),
            _ => a.last() == b.last() && a == b,
        }
}

/// Whether the first and the last `N` bytes are the same.
#[inline]
fn ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.last_chunk::<N>() == b.last_chunk::<N>() && a.first_chunk::<N>() == b.first_chunk::<N>()
}

/// A document.
pub(crate) struct Doc {
    text: Arc<str>,
    nodes: Vec<Node>,
    others: Vec<Value>,
    containers: u32,
    /// What was copied out of the row, by the numbers of the containers.
    copies: OnceCell<Box<[OnceCell<Box<Copied>>]>>,
}

enum Copied {
    List(ListInner),
    Map(MapInner),
}

impl Doc {
    pub(super) fn new(
        text: Arc<str>,
        nodes: Vec<Node>,
        others: Vec<Value>,
        containers: u32,
    ) -> Self {
        Doc {
            text,
            nodes,
            others,
            containers,
            copies: OnceCell::new(),
        }
    }

    /// A document that is nothing but its text, for strings to be cut out of it.
    pub(crate) fn of_text(text: Arc<str>) -> Rc<Doc> {
        Rc::new(Doc::new(text, Vec::new(), Vec::new(), 0))
    }

    #[inline]
    pub(super) fn slice(&self, start: u32, len: u32) -> &str {
        let start = start as usize;
        self.text
            .get(start..start + len as usize)
            .unwrap_or_default()
    }

    /// All of its text as bytes.
    #[inline]
    pub(super) fn whole(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The same, for comparisons: without a look at where characters end.
    #[inline]
    pub(super) fn bytes(&self, start: u32, len: u32) -> &[u8] {
        let start = start as usize;
        let bytes = self.text.as_bytes();
        bytes.get(start..start + len as usize).unwrap_or_default()
    }

    #[inline]
    pub(super) fn node(&self, at: u32) -> Node {
        self.nodes.get(at as usize).copied().unwrap_or(Node::Null)
    }

    /// The address of a node, which no other value has.
    pub(super) fn address(&self, at: u32) -> usize {
        self.nodes
            .get(at as usize)
            .map_or(0, |node| std::ptr::from_ref(node) as usize)
    }

    /// Whether the container still is what the row says.
    #[inline]
    pub(crate) fn is_plain(&self, at: u32) -> bool {
        let Some(copies) = self.copies.get() else {
            return true;
        };
        match self.node(at) {
            Node::List { number, .. } | Node::Map { number, .. } => copies
                .get(number as usize)
                .is_none_or(|copy| copy.get().is_none()),
            _ => true,
        }
    }

    #[inline]
    pub(super) fn count(&self, at: u32) -> u32 {
        match self.node(at) {
            Node::List { count, .. } | Node::Map { count, .. } => count,
            _ => 0,
        }
    }

    /// The first node inside a container.
    pub(super) fn first(at: u32) -> u32 {
        at + 1
    }

    /// The node behind a value.
    #[inline]
    pub(super) fn after(&self, at: u32) -> u32 {
        at + self.node(at).span()
    }

    /// Whether searching a plain container one by one is good enough.
    #[inline]
    pub(super) fn is_short(&self, at: u32) -> bool {
        self.count(at) <= LONG
    }

    /// The value of a key of a plain map.
    #[inline]
    pub(super) fn member(&self, at: u32, key: &[u8]) -> Option<u32> {
        let mut entry = Doc::first(at);
        for _ in 0..self.count(at) {
            if self.is_key(entry, key) {
                return Some(entry + 1);
            }
            entry = self.after(entry + 1);
        }
        None
    }

    #[inline]
    fn is_key(&self, at: u32, key: &[u8]) -> bool {
        match self.nodes.get(at as usize) {
            Some(&Node::Key { start, len, .. }) if len as usize == key.len() => {
                same_bytes(self.bytes(start, len), key)
            }
            _ => false,
        }
    }

    /// The value of a property of a plain map, unless that takes more than a look at the row. The hint is how many
    /// nodes behind its map the key was the last time: maps in a list mostly are of the same form.
    #[inline(always)]
    pub(crate) fn property(&self, at: u32, name: &[u8], hint: &AtomicU32) -> Option<u32> {
        let last = hint.load(Ordering::Relaxed);
        let guess = at.saturating_add(last);
        if let Some(&Node::Key { start, len, back }) = self.nodes.get(guess as usize)
            && back == last
            && len as usize == name.len()
            && same_bytes(self.bytes(start, len), name)
        {
            return Some(guess + 1);
        }
        self.search(at, name, hint)
    }

    #[inline(never)]
    fn search(&self, at: u32, name: &[u8], hint: &AtomicU32) -> Option<u32> {
        let searched = matches!(self.node(at), Node::Map { count, .. } if count <= LONG);
        if !searched || matches!(name, b"class" | b"Class") {
            return None;
        }
        let found = self.member(at, name)?;
        hint.store(found - 1 - at, Ordering::Relaxed);
        Some(found)
    }

    /// The keys and values of a plain map.
    pub(super) fn entries(&self, at: u32) -> impl Iterator<Item = (u32, u32)> {
        let mut entry = Doc::first(at);
        (0..self.count(at)).map(move |_| {
            let pair = (entry, entry + 1);
            entry = self.after(entry + 1);
            pair
        })
    }

    /// The items of a plain list.
    pub(super) fn items(&self, at: u32) -> impl Iterator<Item = u32> {
        let mut item = Doc::first(at);
        (0..self.count(at)).map(move |_| {
            let this = item;
            item = self.after(item);
            this
        })
    }

    /// The text of a node, if it is one.
    #[inline]
    pub(crate) fn text(&self, at: u32) -> Option<&str> {
        match self.node(at) {
            Node::Text { start, len } => Some(self.slice(start, len)),
            _ => None,
        }
    }

    /// Prints a node, if it is a text, a number or a Boolean.
    #[inline]
    pub(crate) fn print_scalar(&self, at: u32, out: &mut String) -> bool {
        match self.node(at) {
            Node::Text { start, len } => out.push_str(self.slice(start, len)),
            Node::Int(v) => out.push_str(itoa::Buffer::new().format(v)),
            Node::Long(v) => out.push_str(itoa::Buffer::new().format(v)),
            Node::Double(v) => double_text(v, out),
            Node::Bool(v) => out.push_str(if v { "true" } else { "false" }),
            _ => return false,
        }
        true
    }

    /// The number of a node, if it is one of the common types.
    #[inline]
    pub(crate) fn number(&self, at: u32) -> Option<Number> {
        match self.node(at) {
            Node::Int(v) => Some(Number::Int(v)),
            Node::Double(v) => Some(Number::Double(v)),
            _ => None,
        }
    }

    /// One of the values that fit in no node.
    pub(super) fn other(&self, at: u32) -> Value {
        self.others.get(at as usize).cloned().unwrap_or_default()
    }

    /// The value of a node.
    #[inline]
    pub(crate) fn value(this: &Rc<Doc>, at: u32) -> Value {
        match this.node(at) {
            Node::Null => Value::Null,
            Node::Bool(v) => Value::Bool(v),
            Node::Int(v) => Value::Int(v),
            Node::Long(v) => Value::Long(v),
            Node::Double(v) => Value::Double(v),
            Node::Text { start, len } | Node::Key { start, len, .. } => {
                Value::Str(Str::cut(this, start, len))
            }
            Node::List { .. } => Value::List(List::of_doc(this, at)),
            Node::Map { .. } => Value::Map(Map::of_doc(this, at)),
            Node::Other(at) => this.other(at),
        }
    }

    /// The copy of a container, made now if there is none.
    fn copied(this: &Rc<Doc>, at: u32) -> Option<&Copied> {
        let number = match this.node(at) {
            Node::List { number, .. } | Node::Map { number, .. } => number,
            _ => return None,
        };
        let copies = this
            .copies
            .get_or_init(|| (0..this.containers).map(|_| OnceCell::new()).collect());
        let copy = copies.get(number as usize)?;
        Some(copy.get_or_init(|| Box::new(Doc::copy(this, at))))
    }

    fn copy(this: &Rc<Doc>, at: u32) -> Copied {
        if let Node::List { .. } = this.node(at) {
            let items = this.items(at).map(|item| Doc::value(this, item));
            return Copied::List(ListInner::new(ListKind::JsonArray, items.collect()));
        }
        let map = MapInner::new(MapKind::Linked, this.count(at) as usize);
        for (key, value) in this.entries(at) {
            map.store(Doc::value(this, key), Doc::value(this, value));
        }
        map.changes.set(0);
        Copied::Map(map)
    }

    /// The list at a place, as an object of its own.
    pub(super) fn list(this: &Rc<Doc>, at: u32) -> Option<&ListInner> {
        match Doc::copied(this, at) {
            Some(Copied::List(list)) => Some(list),
            _ => None,
        }
    }

    /// The map at a place, as an object of its own.
    pub(super) fn map(this: &Rc<Doc>, at: u32) -> Option<&MapInner> {
        match Doc::copied(this, at) {
            Some(Copied::Map(map)) => Some(map),
            _ => None,
        }
    }

    /// Empties everything that was copied out of the row. No value of the document may be looked at afterwards.
    pub(crate) fn release(&self) {
        for copy in self.copies.get().into_iter().flatten() {
            match copy.get().map(Box::as_ref) {
                Some(Copied::List(list)) => list.empty(),
                Some(Copied::Map(map)) => map.empty(),
                None => {}
            }
        }
    }
}

impl std::fmt::Debug for Doc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Doc({} nodes)", self.nodes.len())
    }
}
