//! Writes the row of nodes of a document.

use std::rc::Rc;
use std::sync::Arc;

use super::Value;
use super::doc::{Doc, Node};

/// A document that is being written: values in the order in which they stand in it.
#[derive(Debug)]
pub(crate) struct DocBuilder {
    nodes: Vec<Node>,
    others: Vec<Value>,
    /// What is not verbatim in the source; counted from its end on.
    more: String,
    source: usize,
    containers: u32,
}

/// A container that is being written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open {
    at: usize,
    count: u32,
    number: u32,
    /// One bit for each key so far, by its length and ends.
    seen: u64,
    /// Whether two keys had the same bit.
    perhaps_double: bool,
}

/// So many keys are compared one by one.
const FEW: usize = 16;

/// The longest text a document can have, in bytes.
pub(crate) const MAX_TEXT: usize = 1 << 31;

fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl DocBuilder {
    /// A document whose text begins with `source` bytes, at most [`MAX_TEXT`], that are given at the end.
    pub(crate) fn new(source: usize) -> Self {
        // A rough guess: most documents have a value or key every five to ten bytes.
        DocBuilder::with_capacity(source, (source / 6).clamp(8, 4096))
    }

    /// The same, with room for as many values and keys.
    pub(crate) fn with_capacity(source: usize, nodes: usize) -> Self {
        DocBuilder {
            nodes: Vec::with_capacity(nodes),
            others: Vec::new(),
            more: String::new(),
            source,
            containers: 0,
        }
    }

    #[inline]
    fn push(&mut self, node: Node) {
        self.nodes.push(node);
    }

    pub(crate) fn null(&mut self) {
        self.push(Node::Null);
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.push(Node::Bool(value));
    }

    #[inline]
    pub(crate) fn integer(&mut self, value: i64) {
        self.push(i32::try_from(value).map_or(Node::Long(value), Node::Int));
    }

    pub(crate) fn double(&mut self, value: f64) {
        self.push(Node::Double(value));
    }

    /// A value that holds no others.
    pub(crate) fn other(&mut self, value: Value) {
        self.push(Node::Other(short(self.others.len())));
        self.others.push(value);
    }

    /// A text that stands in the source.
    #[inline]
    pub(crate) fn verbatim(&mut self, start: usize, len: usize) {
        self.push(Node::Text {
            start: short(start),
            len: short(len),
        });
    }

    /// Any other text.
    #[inline]
    pub(crate) fn text(&mut self, text: &str) {
        self.verbatim(self.source + self.more.len(), text.len());
        self.more.push_str(text);
    }

    /// A key of a map that stands in the source.
    #[inline]
    pub(crate) fn key(&mut self, open: &mut Open, start: usize, key: &[u8]) {
        match (key.first(), key.last()) {
            (Some(first), Some(last)) => {
                let sign = usize::from(*first) * 5 + usize::from(*last) * 3 + key.len() * 11;
                let bit = 1 << (sign % 64);
                open.perhaps_double |= open.seen & bit != 0;
                open.seen |= bit;
            }
            _ => open.perhaps_double = true,
        }
        let back = short(self.nodes.len() - open.at);
        self.push(Node::Key {
            start: short(start),
            len: short(key.len()),
            back,
        });
    }

    /// Any other key of a map.
    pub(crate) fn made_key(&mut self, open: &mut Open, key: &str) {
        self.key(open, self.source + self.more.len(), key.as_bytes());
        self.more.push_str(key);
    }

    #[inline]
    pub(crate) fn open(&mut self) -> Open {
        let open = Open {
            at: self.nodes.len(),
            count: 0,
            number: self.containers,
            seen: 0,
            perhaps_double: false,
        };
        self.containers += 1;
        self.push(Node::Null);
        open
    }

    /// Counts an item or entry that has been written.
    #[inline]
    pub(crate) fn count(open: &mut Open) {
        open.count += 1;
    }

    #[inline]
    pub(crate) fn close_list(&mut self, open: Open) {
        let span = short(self.nodes.len() - open.at);
        if let Some(node) = self.nodes.get_mut(open.at) {
            *node = Node::List {
                count: open.count,
                span,
                number: open.number,
            };
        }
    }

    /// Ends a map. `source` is the text that verbatim texts are a part of.
    #[inline]
    pub(crate) fn close_map(&mut self, open: Open, source: &str) {
        let mut count = open.count;
        if self.has_double(open, source) {
            count = self.merge(open, source);
        }
        let span = short(self.nodes.len() - open.at);
        if let Some(node) = self.nodes.get_mut(open.at) {
            *node = Node::Map {
                count,
                span,
                number: open.number,
            };
        }
    }

    /// The text of a key, wherever it stands.
    #[inline]
    fn key_at<'a>(&'a self, at: usize, source: &'a str) -> &'a [u8] {
        let Some(&Node::Key { start, len, .. }) = self.nodes.get(at) else {
            return &[];
        };
        let (start, len) = (start as usize, len as usize);
        let text = match start.checked_sub(self.source) {
            Some(start) => self.more.as_bytes().get(start..start + len),
            None => source.as_bytes().get(start..start + len),
        };
        text.unwrap_or_default()
    }

    fn after(&self, at: usize) -> usize {
        match self.nodes.get(at) {
            Some(Node::List { span, .. } | Node::Map { span, .. }) => at + *span as usize,
            _ => at + 1,
        }
    }

    /// Whether a key is there twice.
    fn has_double(&self, open: Open, source: &str) -> bool {
        if !open.perhaps_double {
            return false;
        }
        if open.count as usize > FEW {
            let mut seen = std::collections::HashSet::with_capacity(open.count as usize);
            let mut at = open.at + 1;
            while at < self.nodes.len() {
                if !seen.insert(self.key_at(at, source)) {
                    return true;
                }
                at = self.after(at + 1);
            }
            return false;
        }
        let mut keys: [&[u8]; FEW] = [&[]; FEW];
        let mut at = open.at + 1;
        for known in 0..FEW {
            if at >= self.nodes.len() {
                break;
            }
            let key = self.key_at(at, source);
            let (before, rest) = keys.split_at_mut(known);
            if before.contains(&key) {
                return true;
            }
            rest.iter_mut().take(1).for_each(|place| *place = key);
            at = self.after(at + 1);
        }
        false
    }

    /// Makes one entry of those with the same key: the place of the first, the value of the last.
    fn merge(&mut self, open: Open, source: &str) -> u32 {
        let mut entries: indexmap::IndexMap<&[u8], (usize, std::ops::Range<usize>)> =
            indexmap::IndexMap::with_capacity(open.count as usize);
        let mut at = open.at + 1;
        while at < self.nodes.len() {
            let end = self.after(at + 1);
            entries
                .entry(self.key_at(at, source))
                .or_insert((at, 0..0))
                .1 = at + 1..end;
            at = end;
        }
        let mut merged = Vec::with_capacity(self.nodes.len() - open.at);
        for (key, value) in entries.values() {
            merged.extend(self.nodes.get(*key).copied());
            merged.extend_from_slice(self.nodes.get(value.clone()).unwrap_or_default());
        }
        let count = short(entries.len());
        drop(entries);
        self.nodes.truncate(open.at + 1);
        self.nodes.append(&mut merged);
        let mut at = open.at + 1;
        while at < self.nodes.len() {
            if let Some(Node::Key { back, .. }) = self.nodes.get_mut(at) {
                *back = short(at - open.at);
            }
            at = self.after(at + 1);
        }
        count
    }

    /// The document. `source` is the text whose length was given at the start.
    pub(crate) fn finish(self, source: &str) -> Rc<Doc> {
        let text = match (source, self.more.as_str()) {
            (text, "") | ("", text) => Arc::from(text),
            (source, more) => Arc::from([source, more].concat()),
        };
        Rc::new(Doc::new(text, self.nodes, self.others, self.containers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_twice_is_one_entry() {
        let source = "kkab";
        let mut doc = DocBuilder::new(source.len());
        let mut open = doc.open();
        for (key, value) in [(0, 1), (2, 2), (1, 3)] {
            doc.key(&mut open, key, &source.as_bytes()[key..=key]);
            doc.integer(value);
            DocBuilder::count(&mut open);
        }
        doc.made_key(&mut open, "é");
        let inner = doc.open();
        doc.close_list(inner);
        DocBuilder::count(&mut open);
        doc.close_map(open, source);
        let doc = doc.finish(source);
        let value = Doc::value(&doc, 0);
        assert_eq!(value.to_text().unwrap(), "{k=3, a=2, é=[]}");
    }

    #[test]
    fn many_keys() {
        let source = "0123456789abcdefghijklmnopqrstuvwxyz5";
        let mut doc = DocBuilder::new(source.len());
        let mut open = doc.open();
        for at in 0..source.len() {
            doc.key(&mut open, at, &source.as_bytes()[at..=at]);
            doc.integer(at as i64);
            DocBuilder::count(&mut open);
        }
        doc.close_map(open, source);
        let doc = doc.finish(source);
        let value = Doc::value(&doc, 0);
        let map = value.as_map().unwrap();
        assert_eq!(map.len(), 36);
        assert_eq!(map.get_str("5").unwrap().to_text().unwrap(), "36");
        doc.release();
    }
}
