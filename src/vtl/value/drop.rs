//! Taking values apart without recursion, so that deep nesting cannot exhaust the stack.

use std::rc::Rc;

use super::iter::Source;
use super::list::{ListInner, ListRepr};
use super::map::{MapInner, MapRepr};
use super::{Iter, List, Map, Value};

/// Whether a value holds others.
pub(super) fn is_container(value: &Value) -> bool {
    matches!(
        value,
        Value::List(_)
            | Value::Map(_)
            | Value::View(_)
            | Value::Entry(_)
            | Value::Iter(_)
            | Value::Loop(_)
    )
}

/// Whether dropping a value drops at most so many levels of maps inside each other.
fn is_flat(value: &Value, levels: u32) -> bool {
    match value {
        Value::Map(Map(MapRepr::Own(map))) => match map.cells.try_borrow() {
            _ if Rc::strong_count(map) > 1 => true,
            Ok(cells) if levels > 0 => cells
                .iter()
                .all(|(k, v)| is_flat(k, levels - 1) && is_flat(v, levels - 1)),
            _ => false,
        },
        Value::Map(_) => true,
        other => !is_container(other),
    }
}

/// Drops values one by one; what only they hold joins the queue first.
pub(crate) fn dismantle(mut queue: Vec<Value>) {
    while let Some(value) = queue.pop() {
        match value {
            Value::List(list) => empty_list(&list, &mut queue),
            Value::Map(map) => empty_map(&map, &mut queue),
            Value::View(view) => {
                if let Ok(view) = Rc::try_unwrap(view) {
                    empty_map(&view.map, &mut queue);
                }
            }
            Value::Entry(entry) => {
                if let Ok(entry) = Rc::try_unwrap(entry) {
                    queue.extend([Value::Map(entry.map), entry.key, entry.value]);
                }
            }
            Value::Iter(iter) if Rc::strong_count(&iter) == 1 => {
                take_iter(&iter, &mut queue);
            }
            Value::Loop(scope) => {
                if let Some(mut scope) = Rc::into_inner(scope) {
                    scope.dismantle(&mut queue);
                }
            }
            _ => {}
        }
    }
}

fn empty_list(list: &List, queue: &mut Vec<Value>) {
    if let ListRepr::Own(list) = &list.0
        && Rc::strong_count(list) == 1
        && let Ok(mut cells) = list.cells.try_borrow_mut()
    {
        queue.extend(cells.drain(..).filter(is_container));
    }
}

fn empty_map(map: &Map, queue: &mut Vec<Value>) {
    if let MapRepr::Own(map) = &map.0
        && Rc::strong_count(map) == 1
        && let Ok(mut cells) = map.cells.try_borrow_mut()
    {
        cells.containers(queue);
    }
}

fn take_iter(iter: &Iter, queue: &mut Vec<Value>) {
    queue.extend(iter.items.take().into_iter().filter(is_container));
    match iter.source.replace(Source::Items) {
        Source::List(list) => queue.push(Value::List(list)),
        Source::View(view) => queue.push(Value::Map(view.map)),
        Source::Items => {}
    }
}

impl Drop for ListInner {
    fn drop(&mut self) {
        let cells = self.cells.get_mut();
        if cells.iter().any(is_container) {
            dismantle(std::mem::take(cells));
        }
    }
}

impl Drop for MapInner {
    fn drop(&mut self) {
        let cells = self.cells.get_mut();
        if !cells.iter().all(|(k, v)| is_flat(k, 2) && is_flat(v, 2)) {
            let mut queue = Vec::with_capacity(cells.len());
            cells.containers(&mut queue);
            dismantle(queue);
        }
    }
}

impl Drop for Iter {
    fn drop(&mut self) {
        let shared = match self.source.get_mut() {
            Source::List(list) => list.is_shared(),
            Source::View(_) => false,
            Source::Items => true,
        };
        if !shared || !self.items.get_mut().is_empty() {
            let mut queue = Vec::new();
            take_iter(self, &mut queue);
            dismantle(queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Iter, List, Map, Value};
    use std::rc::Rc;

    #[test]
    fn a_million_levels() {
        let mut value = Value::Null;
        for i in 0..1_000_000 {
            let list = List::array_list(vec![value]);
            value = match i % 3 {
                0 => Value::List(list),
                1 => Value::Iter(Rc::new(Iter::over_list(&list, 0))),
                _ => {
                    let map = Map::linked();
                    map.put_str("k", Value::List(list));
                    Value::Map(map)
                }
            };
        }
        drop(value);
    }
}
