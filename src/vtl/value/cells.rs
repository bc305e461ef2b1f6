//! The entries of a map: a plain list while they are few, with an index beyond that.

use std::hash::{Hash, Hasher};

use indexmap::{Equivalent, IndexMap};

use super::drop::is_container;
use super::{Value, equals, hash_code};
use crate::vtl::meter::Meter;

/// Up to this many entries are searched one by one.
pub(super) const FEW: usize = 12;

type Indexed = IndexMap<Key, Value, foldhash::fast::RandomState>;

/// Entries in the order of insertion.
pub(crate) struct Cells(Repr);

enum Repr {
    /// No key is a container: such a key is found by the hash it had when it was written.
    Few(Vec<(Value, Value)>),
    Many(Box<Indexed>),
}

/// A value as a key: equal when Java's `equals` says so.
struct Key(Value);

struct StrKey<'a>(&'a str);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.0 {
            Value::Str(text) => state.write(text.as_bytes()),
            other => state.write_i32(hash_code(other, &small(), 0).unwrap_or(0)),
        }
    }
}

impl Hash for StrKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0.as_bytes());
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        same_key(&self.0, &other.0)
    }
}

impl Eq for Key {}

impl Equivalent<Key> for StrKey<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        key.0.as_str() == Some(self.0)
    }
}

/// Bounds what comparing and hashing one key may cost.
pub(super) fn small() -> Meter {
    Meter::new(10_000, usize::MAX)
}

/// Whether two keys are one.
pub(super) fn same_key(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Str(_), _) | (_, Value::Str(_)) => false,
        (a, b) => equals(a, b, &small(), 0).unwrap_or(false),
    }
}

impl Default for Cells {
    fn default() -> Self {
        Cells(Repr::Few(Vec::new()))
    }
}

impl Cells {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Cells(Repr::Few(Vec::with_capacity(capacity)))
    }

    pub(crate) fn len(&self) -> usize {
        match &self.0 {
            Repr::Few(entries) => entries.len(),
            Repr::Many(entries) => entries.len(),
        }
    }

    pub(crate) fn get_str(&self, key: &str) -> Option<&Value> {
        match &self.0 {
            Repr::Few(entries) => {
                let found = entries.iter().find(|(k, _)| k.as_str() == Some(key));
                found.map(|(_, value)| value)
            }
            Repr::Many(entries) => entries.get(&StrKey(key)),
        }
    }

    pub(crate) fn get(&self, key: &Value) -> Option<&Value> {
        match (&self.0, key) {
            (_, Value::Str(text)) => self.get_str(text),
            (Repr::Few(entries), key) => {
                let found = entries.iter().find(|(k, _)| same_key(k, key));
                found.map(|(_, value)| value)
            }
            (Repr::Many(entries), key) => entries.get(&Key(key.clone())),
        }
    }

    /// Writes an entry; one that is there keeps its place and its key.
    pub(crate) fn insert(&mut self, key: Value, value: Value) -> Option<Value> {
        if let Repr::Few(entries) = &mut self.0 {
            if entries.len() < FEW && !is_container(&key) {
                if let Some((_, old)) = entries.iter_mut().find(|(k, _)| same_key(k, &key)) {
                    return Some(std::mem::replace(old, value));
                }
                entries.push((key, value));
                return None;
            }
            let entries = std::mem::take(entries);
            let entries = entries.into_iter().map(|(key, value)| (Key(key), value));
            self.0 = Repr::Many(Box::new(entries.collect()));
        }
        match &mut self.0 {
            Repr::Many(entries) => entries.insert(Key(key), value),
            Repr::Few(_) => None,
        }
    }

    pub(crate) fn remove(&mut self, key: &Value) -> Option<Value> {
        match (&mut self.0, key) {
            (Repr::Few(entries), key) => {
                let at = entries.iter().position(|(k, _)| same_key(k, key))?;
                Some(entries.remove(at).1)
            }
            (Repr::Many(entries), Value::Str(text)) => entries.shift_remove(&StrKey(text)),
            (Repr::Many(entries), key) => entries.shift_remove(&Key(key.clone())),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Value, &Value)> {
        let (few, many) = match &self.0 {
            Repr::Few(entries) => (Some(entries), None),
            Repr::Many(entries) => (None, Some(entries)),
        };
        let few = few.into_iter().flatten().map(|(k, v)| (k, v));
        few.chain(
            many.into_iter()
                .flat_map(|all| all.iter())
                .map(|(k, v)| (&k.0, v)),
        )
    }

    /// Takes out the containers among keys and values; the rest is dropped.
    pub(super) fn containers(&mut self, queue: &mut Vec<Value>) {
        match std::mem::take(self).0 {
            Repr::Few(entries) => {
                let parts = entries.into_iter().flat_map(|(key, value)| [key, value]);
                queue.extend(parts.filter(is_container));
            }
            Repr::Many(entries) => {
                let parts = entries.into_iter().flat_map(|(key, value)| [key.0, value]);
                queue.extend(parts.filter(is_container));
            }
        }
    }
}
