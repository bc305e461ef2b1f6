//! Strings: texts of their own, or cuts out of a document.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use super::Value;
use super::doc::{Doc, same_bytes};

/// A string, read as a `&str`. Cloning is cheap.
#[derive(Clone)]
pub struct Str(Repr);

#[derive(Clone)]
enum Repr {
    Own(Rc<str>),
    Static(&'static str),
    /// A text of a template or a host, which threads share.
    Shared(Arc<str>),
    Cut {
        doc: Rc<Doc>,
        start: u32,
        len: u32,
    },
}

impl Str {
    /// A text of the program.
    pub(crate) const fn fixed(text: &'static str) -> Self {
        Str(Repr::Static(text))
    }

    /// How many bytes it has.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        match &self.0 {
            Repr::Own(text) => text.len(),
            Repr::Static(text) => text.len(),
            Repr::Shared(text) => text.len(),
            Repr::Cut { len, .. } => *len as usize,
        }
    }

    /// A part of a document's text.
    pub(crate) fn cut(doc: &Rc<Doc>, start: u32, len: u32) -> Self {
        Str(Repr::Cut {
            doc: Rc::clone(doc),
            start,
            len,
        })
    }

    /// The text.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Own(text) => text,
            Repr::Static(text) => text,
            Repr::Shared(text) => text,
            Repr::Cut { doc, start, len } => doc.slice(*start, *len),
        }
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Own(text) => text.as_bytes(),
            Repr::Static(text) => text.as_bytes(),
            Repr::Shared(text) => text.as_bytes(),
            Repr::Cut { doc, start, len } => doc.bytes(*start, *len),
        }
    }

    /// Where the first of these values stands that is the same text.
    pub(crate) fn position_in(&self, values: &[Value]) -> Option<usize> {
        let text = self.as_bytes();
        let same = |value: &Value| match value {
            Value::Str(other) => other == self,
            _ => false,
        };
        // Texts of one document, as most are, are looked up in it without the way through each value; most of those
        // that are of one length differ in their last byte.
        let (Repr::Cut { doc: own, len, .. }, Some((last, before))) = (&self.0, text.split_last())
        else {
            return values.iter().position(same);
        };
        let (whole, size) = (own.whole(), *len);
        values.iter().position(|value| match value {
            Value::Str(Str(Repr::Cut { doc, start, len })) if Rc::ptr_eq(doc, own) => {
                let end = *start as usize + before.len();
                *len == size && whole.get(end) == Some(last) && same(value)
            }
            other => same(other),
        })
    }

    /// A part of it, by bytes; empty where that is no text. What is cut out of a document needs no room of its own.
    pub(crate) fn part(&self, from: usize, len: usize) -> Str {
        let Some(part) = self.as_str().get(from..from.saturating_add(len)) else {
            return Str::fixed("");
        };
        match (&self.0, u32::try_from(from), u32::try_from(len)) {
            (Repr::Cut { doc, start, .. }, Ok(from), Ok(len)) => Str::cut(doc, start + from, len),
            _ => Str::from(part),
        }
    }

    /// The same without a look at where characters end: the caller knows that a character begins and ends there.
    #[inline]
    pub(crate) fn cut_at(&self, from: usize, len: usize) -> Str {
        match (&self.0, u32::try_from(from), u32::try_from(len)) {
            (Repr::Cut { doc, start, .. }, Ok(from), Ok(len)) => Str::cut(doc, start + from, len),
            _ => self.part(from, len),
        }
    }

    /// The text with an owner of its own, who keeps no document alive.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        match &self.0 {
            Repr::Shared(text) => Arc::clone(text),
            Repr::Own(_) | Repr::Static(_) | Repr::Cut { .. } => Arc::from(self.as_str()),
        }
    }
}

impl Deref for Str {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Str {
    #[inline]
    fn eq(&self, other: &Str) -> bool {
        self.size() == other.size() && same_bytes(self.as_bytes(), other.as_bytes())
    }
}

impl Eq for Str {}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl From<Arc<str>> for Str {
    fn from(text: Arc<str>) -> Self {
        Str(Repr::Shared(text))
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Str(Repr::Own(Rc::from(text)))
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Str(Repr::Own(Rc::from(text)))
    }
}
