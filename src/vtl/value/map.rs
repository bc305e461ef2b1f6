//! Maps: in insertion order or in Java's hash order, with a printing rule and a writing rule.

use std::cell::{Cell, Ref, RefCell};
use std::fmt;
use std::rc::Rc;

use super::cells::{Cells, same_key, small};
use super::doc::Doc;
use super::{Str, Value, hash_code, note_map};
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
pub struct Map(pub(super) MapRepr);

#[derive(Clone)]
pub(super) enum MapRepr {
    Own(Rc<MapInner>),
    /// A map of a document.
    Doc(Rc<Doc>, u32),
}

pub(crate) struct MapInner {
    kind: MapKind,
    quiet: Cell<bool>,
    once: Cell<bool>,
    /// Keys that may be written once more although they are there.
    open: RefCell<Vec<Value>>,
    buckets: Cell<usize>,
    pub(super) changes: Cell<u32>,
    pub(super) cells: RefCell<Cells>,
}

impl MapInner {
    pub(super) fn new(kind: MapKind, capacity: usize) -> Self {
        MapInner {
            kind,
            quiet: Cell::new(false),
            once: Cell::new(false),
            open: RefCell::default(),
            buckets: Cell::new(16),
            changes: Cell::new(0),
            cells: RefCell::new(Cells::with_capacity(capacity)),
        }
    }

    pub(super) fn store(&self, key: Value, value: Value) -> Option<Value> {
        let mut cells = self.cells.borrow_mut();
        let previous = cells.insert(key, value);
        if previous.is_none() {
            self.changed();
            // Java doubles the table when three quarters of it are in use.
            if cells.len() * 4 > self.buckets.get() * 3 {
                self.buckets.set(self.buckets.get() * 2);
            }
        }
        previous
    }

    pub(super) fn empty(&self) {
        let _old = std::mem::take(&mut *self.cells.borrow_mut());
        self.changed();
    }

    fn changed(&self) {
        self.changes.set(self.changes.get().wrapping_add(1));
    }

    /// Allows to write one key once more; false if that was not foreseen.
    fn spend(&self, key: &Value) -> bool {
        let mut open = self.open.borrow_mut();
        match open.iter().position(|known| same_key(known, key)) {
            Some(at) => {
                open.swap_remove(at);
                true
            }
            None => false,
        }
    }
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
        Map(MapRepr::Own(Rc::new(MapInner::new(kind, capacity))))
    }

    pub(super) fn of_doc(doc: &Rc<Doc>, at: u32) -> Self {
        Map(MapRepr::Doc(Rc::clone(doc), at))
    }

    /// The document and the place in it, as long as the map is what stands there.
    #[inline]
    pub(crate) fn plain(&self) -> Option<(&Rc<Doc>, u32)> {
        match &self.0 {
            MapRepr::Doc(doc, at) if doc.is_plain(*at) => Some((doc, *at)),
            _ => None,
        }
    }

    /// The map as an object; one of a document becomes one of its own.
    pub(super) fn inner(&self) -> Option<&MapInner> {
        match &self.0 {
            MapRepr::Own(inner) => Some(inner),
            MapRepr::Doc(doc, at) => Doc::map(doc, *at),
        }
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
        if let Some(inner) = self.inner() {
            inner.quiet.set(true);
        }
        self
    }

    /// From now on, writing a key that is there already fails. Keys written by [`seed_str`](Map::seed_str) may be
    /// written once more.
    pub fn write_once(&self) {
        if let Some(inner) = self.inner() {
            inner.once.set(true);
        }
    }

    /// Whether [`quiet`](Map::quiet) was asked for.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        match &self.0 {
            MapRepr::Own(inner) => inner.quiet.get(),
            MapRepr::Doc(..) => {
                self.plain().is_none() && self.inner().is_some_and(|inner| inner.quiet.get())
            }
        }
    }

    /// In which order the map iterates.
    #[must_use]
    pub fn kind(&self) -> MapKind {
        match &self.0 {
            MapRepr::Own(inner) => inner.kind,
            MapRepr::Doc(..) => MapKind::Linked,
        }
    }

    pub(crate) fn class_name(&self) -> &'static str {
        match self.kind() {
            MapKind::Linked => "java.util.LinkedHashMap",
            MapKind::Hash => "java.util.HashMap",
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.plain() {
            Some((doc, at)) => doc.count(at) as usize,
            None => self.look().map_or(0, |cells| cells.len()),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a string key.
    #[must_use]
    pub fn get_str(&self, key: &str) -> Option<Value> {
        match self.plain() {
            Some((doc, at)) if doc.is_short(at) => doc
                .member(at, key.as_bytes())
                .map(|found| Doc::value(doc, found)),
            _ => self.look()?.get_str(key).cloned(),
        }
    }

    /// Appends the value of a property if it is a text.
    pub(crate) fn print_member(&self, name: &str, out: &mut String) -> bool {
        if self.plain().is_some() || matches!(name, "class" | "Class") {
            return false;
        }
        let Some(cells) = self.look() else {
            return false;
        };
        match cells.get_str(name) {
            Some(Value::Str(text)) => {
                out.push_str(text);
                true
            }
            _ => false,
        }
    }

    /// The value of any key.
    #[must_use]
    pub fn get(&self, key: &Value) -> Option<Value> {
        match key {
            Value::Str(text) => self.get_str(text),
            other => self.look()?.get(other).cloned(),
        }
    }

    /// Whether the string key is there.
    #[must_use]
    pub fn contains_str(&self, key: &str) -> bool {
        match self.plain() {
            Some((doc, at)) if doc.is_short(at) => doc.member(at, key.as_bytes()).is_some(),
            _ => self
                .look()
                .is_some_and(|cells| cells.get_str(key).is_some()),
        }
    }

    /// Whether the key is there.
    #[must_use]
    pub fn contains(&self, key: &Value) -> bool {
        match key {
            Value::Str(text) => self.contains_str(text),
            other => self.look().is_some_and(|cells| cells.get(other).is_some()),
        }
    }

    /// Writes an entry for the host; [`write_once`](Map::write_once) does not count it.
    pub fn put_str(&self, key: impl Into<Str>, value: Value) {
        self.store(Value::Str(key.into()), value);
    }

    /// Writes an entry that a template may overwrite once even in a [`write_once`](Map::write_once) map.
    pub fn seed_str(&self, key: impl Into<Str>, value: Value) {
        let key = Value::Str(key.into());
        if let Some(inner) = self.inner() {
            inner.open.borrow_mut().push(key.clone());
        }
        self.store(key, value);
    }

    /// Java's `put`: gives the previous value, or null.
    ///
    /// # Errors
    /// Fails on the second write of one key if [`write_once`](Map::write_once) is set, and for keys nested too deeply.
    pub fn put(&self, key: Value, value: Value) -> Result<Value, Exception> {
        check_key(&key)?;
        if let Some(inner) = self.inner()
            && inner.once.get()
            && self.contains(&key)
            && !inner.spend(&key)
        {
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

    fn store(&self, key: Value, value: Value) -> Option<Value> {
        self.inner()?.store(key, value)
    }

    /// Removes an entry and gives its value.
    pub fn remove(&self, key: &Value) -> Option<Value> {
        let inner = self.inner()?;
        let removed = inner.cells.borrow_mut().remove(key);
        if removed.is_some() {
            inner.changed();
        }
        removed
    }

    /// Removes all entries.
    pub fn clear(&self) {
        if let Some(inner) = self.inner() {
            inner.empty();
        }
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
        if let Some((doc, at)) = self.plain() {
            for (key, value) in doc.entries(at) {
                f(&Doc::value(doc, key), &Doc::value(doc, value));
            }
            return;
        }
        let (Some(inner), Some(cells)) = (self.inner(), self.look()) else {
            return;
        };
        match inner.kind {
            MapKind::Hash if cells.len() == 1 => cells.iter().for_each(|(k, v)| f(k, v)),
            MapKind::Linked => cells.iter().for_each(|(k, v)| f(k, v)),
            MapKind::Hash => {
                let mask = inner.buckets.get() - 1;
                let mut order: Vec<(usize, &Value, &Value)> = cells
                    .iter()
                    .map(|(k, v)| {
                        let h = hash_code(k, &small(), 0).unwrap_or(0) as u32;
                        ((h ^ (h >> 16)) as usize & mask, k, v)
                    })
                    .collect();
                order.sort_by_key(|(bucket, _, _)| *bucket);
                order.into_iter().for_each(|(_, k, v)| f(k, v));
            }
        }
    }

    /// The entries; `None` while one is being written, when a map is asked about as a part of its own new key.
    pub(crate) fn look(&self) -> Option<Ref<'_, Cells>> {
        self.inner()?.cells.try_borrow().ok()
    }

    pub(crate) fn changes(&self) -> u32 {
        match self.plain() {
            Some(_) => 0,
            None => self.inner().map_or(0, |inner| inner.changes.get()),
        }
    }

    pub(crate) fn same(&self, other: &Map) -> bool {
        self.address() == other.address()
    }

    /// What no other map has.
    pub(crate) fn address(&self) -> usize {
        match &self.0 {
            MapRepr::Own(inner) => Rc::as_ptr(inner).cast::<()>() as usize,
            MapRepr::Doc(doc, at) => doc.address(*at),
        }
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
