//! Entries of maps, and the live views a map gives of itself.

use std::rc::Rc;

use super::{Map, MapKind, Value};

/// One entry of a map, as `entrySet()` gives it. Reading it reads the map.
#[derive(Debug, Clone)]
pub struct Entry {
    pub(crate) map: Map,
    pub(crate) key: Value,
    pub(crate) value: Value,
}

impl Entry {
    pub(crate) fn of(map: &Map, key: Value, value: Value) -> Value {
        Value::Entry(Rc::new(Entry {
            map: map.clone(),
            key,
            value,
        }))
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &Value {
        &self.key
    }

    /// The value the map holds now, or held when the entry was taken out.
    #[must_use]
    pub fn value(&self) -> Value {
        self.map
            .get(&self.key)
            .unwrap_or_else(|| self.value.clone())
    }
}

/// Which part of the map a [`View`] shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewKind {
    Keys,
    Values,
    Entries,
}

/// A live view of a map: `keySet()`, `values()` or `entrySet()`.
#[derive(Debug, Clone)]
pub struct View {
    pub(crate) map: Map,
    pub(crate) kind: ViewKind,
}

impl View {
    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The elements as they are now.
    #[must_use]
    pub fn items(&self) -> Vec<Value> {
        match self.kind {
            ViewKind::Keys => self.map.keys(),
            ViewKind::Values => self.map.values(),
            ViewKind::Entries => self
                .map
                .entries()
                .into_iter()
                .map(|(key, value)| Entry::of(&self.map, key, value))
                .collect(),
        }
    }

    pub(crate) fn class_name(&self) -> &'static str {
        match (self.map.kind(), self.kind) {
            (MapKind::Linked, ViewKind::Keys) => "java.util.LinkedHashMap$LinkedKeySet",
            (MapKind::Linked, ViewKind::Values) => "java.util.LinkedHashMap$LinkedValues",
            (MapKind::Linked, ViewKind::Entries) => "java.util.LinkedHashMap$LinkedEntrySet",
            (MapKind::Hash, ViewKind::Keys) => "java.util.HashMap$KeySet",
            (MapKind::Hash, ViewKind::Values) => "java.util.HashMap$Values",
            (MapKind::Hash, ViewKind::Entries) => "java.util.HashMap$EntrySet",
        }
    }
}
