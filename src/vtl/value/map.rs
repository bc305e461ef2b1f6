//! Maps: in insertion order or in Java's hash order, with a printing rule and a writing rule.

use std::cell::{Cell, Ref, RefCell};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::{Equivalent, IndexMap};

use super::{Value, equals, hash_code, note_map};
use crate::vtl::meter::Meter;
use crate::vtl::object::Exception;

/// In which order a [`Map`] iterates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKind {
    /// `LinkedHashMap`: in the order of insertion.
    Linked,
    /// `HashMap`: in the order of Java's buckets.
    Hash,
}

/// A shared, mutable map. Clones are the same map.
#[derive(Clone)]
pub struct Map(pub(crate) Rc<MapInner>);

pub(crate) type Cells = IndexMap<Key, Value, foldhash::fast::RandomState>;

pub(crate) struct MapInner {
    kind: MapKind,
    quiet: Cell<bool>,
    once: Cell<bool>,
    open: RefCell<Vec<Key>>,
    buckets: Cell<usize>,
    pub(crate) changes: Cell<u32>,
    pub(crate) cells: RefCell<Cells>,
}

/// A value as a key: equal when Java's `equals` says so.
#[derive(Clone)]
pub(crate) struct Key(pub(crate) Value);

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
        match (&self.0, &other.0) {
            (Value::Str(a), Value::Str(b)) => a == b,
            (a, b) => equals(a, b, &small(), 0).unwrap_or(false),
        }
    }
}

impl Eq for Key {}

impl Equivalent<Key> for StrKey<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        key.0.as_str() == Some(self.0)
    }
}

fn small() -> Meter {
    Meter::new(10_000, usize::MAX)
}

impl Map {
    /// An empty map.
    #[must_use]
    pub fn new(kind: MapKind) -> Self {
        Map::with_capacity(kind, 0)
    }

    /// An empty map with room for `capacity` entries.
    #[must_use]
    pub fn with_capacity(kind: MapKind, capacity: usize) -> Self {
        Map(Rc::new(MapInner {
            kind,
            quiet: Cell::new(false),
            once: Cell::new(false),
            open: RefCell::default(),
            buckets: Cell::new(16),
            changes: Cell::new(0),
            cells: RefCell::new(IndexMap::with_capacity_and_hasher(
                capacity,
                foldhash::fast::RandomState::default(),
            )),
        }))
    }

    /// An empty map in insertion order.
    #[must_use]
    pub fn linked() -> Self {
        Map::new(MapKind::Linked)
    }

    /// An empty map in hash order.
    #[must_use]
    pub fn hash() -> Self {
        Map::new(MapKind::Hash)
    }

    /// Makes the map print nothing, as `$context` and the maps in it do.
    #[must_use]
    pub fn quiet(self) -> Self {
        self.0.quiet.set(true);
        self
    }

    /// From now on, writing a key that is there already fails. Keys written by [`seed_str`](Map::seed_str) may be
    /// written once more.
    pub fn write_once(&self) {
        self.0.once.set(true);
    }

    /// Whether [`quiet`](Map::quiet) was asked for.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.0.quiet.get()
    }

    /// In which order the map iterates.
    #[must_use]
    pub fn kind(&self) -> MapKind {
        self.0.kind
    }

    pub(crate) fn class_name(&self) -> &'static str {
        match self.0.kind {
            MapKind::Linked => "java.util.LinkedHashMap",
            MapKind::Hash => "java.util.HashMap",
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.look().map_or(0, |cells| cells.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a string key.
    #[must_use]
    pub fn get_str(&self, key: &str) -> Option<Value> {
        self.look()?.get(&StrKey(key)).cloned()
    }

    /// The value of any key.
    #[must_use]
    pub fn get(&self, key: &Value) -> Option<Value> {
        match key {
            Value::Str(text) => self.get_str(text),
            other => self.look()?.get(&Key(other.clone())).cloned(),
        }
    }

    /// Whether the string key is there.
    #[must_use]
    pub fn contains_str(&self, key: &str) -> bool {
        self.look()
            .is_some_and(|cells| cells.contains_key(&StrKey(key)))
    }

    /// Whether the key is there.
    #[must_use]
    pub fn contains(&self, key: &Value) -> bool {
        match key {
            Value::Str(text) => self.contains_str(text),
            other => self
                .look()
                .is_some_and(|cells| cells.contains_key(&Key(other.clone()))),
        }
    }

    /// Writes an entry for the host; [`write_once`](Map::write_once) does not count it.
    pub fn put_str(&self, key: impl Into<Arc<str>>, value: Value) {
        self.store(Value::Str(key.into()), value);
    }

    /// Writes an entry that a template may overwrite once even in a [`write_once`](Map::write_once) map.
    pub fn seed_str(&self, key: impl Into<Arc<str>>, value: Value) {
        let key = Value::Str(key.into());
        self.0.open.borrow_mut().push(Key(key.clone()));
        self.store(key, value);
    }

    /// Java's `put`: gives the previous value, or null.
    ///
    /// # Errors
    /// Fails on the second write of one key if [`write_once`](Map::write_once) is set, and for keys nested too deeply.
    pub fn put(&self, key: Value, value: Value) -> Result<Value, Exception> {
        check_key(&key)?;
        if self.0.once.get() && self.contains(&key) && !self.spend(&key) {
            return Err(Exception::new(format!(
                "{} is set already, and can be set only once",
                key.to_text()?
            )));
        }
        Ok(self.overwrite(key, value).unwrap_or_default())
    }

    /// Writes past the writing rule, as `putAll` does in Java.
    pub(crate) fn overwrite(&self, key: Value, value: Value) -> Option<Value> {
        note_map(self, &value);
        note_map(self, &key);
        self.store(key, value)
    }

    fn spend(&self, key: &Value) -> bool {
        let mut open = self.0.open.borrow_mut();
        match open.iter().position(|k| k == &Key(key.clone())) {
            Some(at) => {
                open.swap_remove(at);
                true
            }
            None => false,
        }
    }

    fn store(&self, key: Value, value: Value) -> Option<Value> {
        let mut cells = self.0.cells.borrow_mut();
        let previous = cells.insert(Key(key), value);
        if previous.is_none() {
            self.changed();
            // Java doubles the table when three quarters of it are in use.
            if cells.len() * 4 > self.0.buckets.get() * 3 {
                self.0.buckets.set(self.0.buckets.get() * 2);
            }
        }
        previous
    }

    /// Removes an entry and gives its value.
    pub fn remove(&self, key: &Value) -> Option<Value> {
        let removed = match key {
            Value::Str(text) => self.0.cells.borrow_mut().shift_remove(&StrKey(text)),
            other => self.0.cells.borrow_mut().shift_remove(&Key(other.clone())),
        };
        if removed.is_some() {
            self.changed();
        }
        removed
    }

    /// Removes all entries.
    pub fn clear(&self) {
        let _old = std::mem::take(&mut *self.0.cells.borrow_mut());
        self.changed();
    }

    /// The keys as they are now, in iteration order.
    #[must_use]
    pub fn keys(&self) -> Vec<Value> {
        self.walk(|key, _| key.clone())
    }

    /// The values as they are now, in iteration order.
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        self.walk(|_, value| value.clone())
    }

    /// The entries as they are now, in iteration order.
    #[must_use]
    pub fn entries(&self) -> Vec<(Value, Value)> {
        self.walk(|key, value| (key.clone(), value.clone()))
    }

    fn walk<T>(&self, mut f: impl FnMut(&Value, &Value) -> T) -> Vec<T> {
        let mut all = Vec::with_capacity(self.len());
        self.each(|key, value| all.push(f(key, value)));
        all
    }

    /// Looks at the entries in iteration order; nothing may change the map meanwhile.
    pub(crate) fn each(&self, mut f: impl FnMut(&Value, &Value)) {
        let Some(cells) = self.look() else { return };
        match self.0.kind {
            MapKind::Linked => cells.iter().for_each(|(k, v)| f(&k.0, v)),
            MapKind::Hash => {
                let mask = self.0.buckets.get() - 1;
                let mut order: Vec<(usize, &Key, &Value)> = cells
                    .iter()
                    .map(|(k, v)| {
                        let h = hash_code(&k.0, &small(), 0).unwrap_or(0) as u32;
                        ((h ^ (h >> 16)) as usize & mask, k, v)
                    })
                    .collect();
                order.sort_by_key(|(bucket, _, _)| *bucket);
                order.into_iter().for_each(|(_, k, v)| f(&k.0, v));
            }
        }
    }

    /// The entries; `None` while one is being written, when a map is asked about as a part of its own new key.
    pub(crate) fn look(&self) -> Option<Ref<'_, Cells>> {
        self.0.cells.try_borrow().ok()
    }

    pub(crate) fn changes(&self) -> u32 {
        self.0.changes.get()
    }

    fn changed(&self) {
        self.0.changes.set(self.0.changes.get().wrapping_add(1));
    }

    pub(crate) fn same(&self, other: &Map) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// Refuses keys that no hash code can be computed for.
fn check_key(key: &Value) -> Result<(), Exception> {
    match key {
        Value::List(_) | Value::Map(_) | Value::View(_) | Value::Entry(_) => {
            hash_code(key, &small(), 0).map(|_| ())
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (key, value) in self.entries() {
            map.key(&key);
            match value {
                Value::Map(_) => map.value(&"{..}"),
                other => map.value(&other),
            };
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_order_is_javas() {
        // Recorded: the keys of $context.identity on AWS.
        let recorded = [
            "cognitoIdentityPoolId",
            "accountId",
            "cognitoIdentityId",
            "caller",
            "sourceIp",
            "principalOrgId",
            "accessKey",
            "cognitoAuthenticationType",
            "cognitoAuthenticationProvider",
            "userArn",
            "userAgent",
            "user",
        ];
        let map = Map::hash();
        for key in recorded {
            map.put_str(key, Value::Null);
        }
        let keys: Vec<String> = map.keys().iter().map(|k| k.to_text().unwrap()).collect();
        assert_eq!(keys, recorded);
    }

    #[test]
    fn written_once() {
        let map = Map::hash();
        map.put_str("fixed", Value::Int(1));
        map.seed_str("seeded", Value::Int(1));
        map.write_once();
        assert!(map.put("fixed".into(), Value::Int(2)).is_err());
        assert!(map.put("seeded".into(), Value::Int(2)).is_ok());
        assert!(map.put("seeded".into(), Value::Int(3)).is_err());
        assert!(map.put("new".into(), Value::Int(1)).is_ok());
        assert!(map.put("new".into(), Value::Int(2)).is_err());
        map.remove(&"new".into());
        assert!(map.put("new".into(), Value::Int(2)).is_ok());
    }

    #[test]
    fn keys_have_types() {
        let map = Map::linked();
        map.put(Value::Int(1), "int".into()).unwrap();
        map.put("1".into(), "text".into()).unwrap();
        assert_eq!(map.len(), 2);
        assert_eq!(map.get(&Value::Int(1)).unwrap().as_str(), Some("int"));
        assert!(map.get(&Value::Long(1)).is_none());
    }
}
