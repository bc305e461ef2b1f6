//! Takes apart values that contain themselves: reference counting alone would keep them for ever.
//!
//! Only a write into a list or map can close a circle, so every container that got another one is noted. What is
//! still there when the next rendering on this thread starts, and contains itself, is emptied.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::{Rc, Weak};

use super::drop::is_container;
use super::list::{ListInner, ListRepr};
use super::map::{MapInner, MapRepr};
use super::{List, Map, Value};

enum Suspect {
    List(Weak<ListInner>),
    Map(Weak<MapInner>),
}

thread_local! {
    static SUSPECTS: RefCell<Vec<Suspect>> = const { RefCell::new(Vec::new()) };
}

/// How many values one sweep looks at.
const BUDGET: usize = 200_000;

/// Notes that the list got this item.
pub(crate) fn note_list(list: &List, item: &Value) {
    // What a document holds goes with it.
    let ListRepr::Own(list) = &list.0 else { return };
    if !is_container(item) {
        return;
    }
    SUSPECTS.with_borrow_mut(|all| match all.last() {
        Some(Suspect::List(last)) if last.as_ptr() == Rc::as_ptr(list) => {}
        _ => all.push(Suspect::List(Rc::downgrade(list))),
    });
}

/// Notes that the map got this value.
pub(crate) fn note_map(map: &Map, item: &Value) {
    // What a document holds goes with it.
    let MapRepr::Own(map) = &map.0 else { return };
    if !is_container(item) {
        return;
    }
    SUSPECTS.with_borrow_mut(|all| match all.last() {
        Some(Suspect::Map(last)) if last.as_ptr() == Rc::as_ptr(map) => {}
        _ => all.push(Suspect::Map(Rc::downgrade(map))),
    });
}

/// Empties what contains itself.
pub(crate) fn sweep() {
    let suspects = SUSPECTS.with_borrow_mut(std::mem::take);
    let mut budget = BUDGET;
    for suspect in suspects {
        match suspect {
            Suspect::List(list) => {
                if let Some(list) = list.upgrade().map(|list| List(ListRepr::Own(list)))
                    && reaches(&Value::List(list.clone()), &mut budget)
                {
                    list.change(std::mem::take);
                }
            }
            Suspect::Map(map) => {
                if let Some(map) = map.upgrade().map(|map| Map(MapRepr::Own(map)))
                    && reaches(&Value::Map(map.clone()), &mut budget)
                {
                    map.clear();
                }
            }
        }
    }
}

fn address(value: &Value) -> usize {
    match value {
        Value::List(list) => list.address(),
        Value::Map(map) => map.address(),
        _ => 0,
    }
}

/// Whether the container is among what it contains.
fn reaches(from: &Value, budget: &mut usize) -> bool {
    let wanted = address(from);
    let mut seen = HashSet::new();
    let mut queue = vec![from.clone()];
    while let Some(value) = queue.pop() {
        let before = queue.len();
        match &value {
            Value::List(list) => {
                queue.extend(list.items().into_iter().filter(is_container));
            }
            Value::Map(map) => map.each(|key, value| {
                queue.extend(
                    [key, value]
                        .into_iter()
                        .filter(|v| is_container(v))
                        .cloned(),
                );
            }),
            Value::View(view) => queue.push(Value::Map(view.map.clone())),
            Value::Entry(entry) => {
                queue.extend([Value::Map(entry.map.clone()), entry.value.clone()]);
            }
            Value::Iter(iter) => queue.extend(iter.held()),
            Value::Loop(scope) => {
                queue.push(Value::Map(scope.values()));
                queue.extend(scope.parent.clone().map(Value::Loop));
            }
            _ => {}
        }
        let Some(left) = budget.checked_sub(1 + queue.len() - before) else {
            *budget = 0;
            return false;
        };
        *budget = left;
        let mut kept = before;
        while kept < queue.len() {
            let address = queue.get(kept).map_or(0, address);
            if address == wanted {
                return true;
            }
            if address != 0 && !seen.insert(address) {
                queue.swap_remove(kept);
            } else {
                kept += 1;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_opened() {
        let list = List::array_list(vec![]);
        let map = Map::linked();
        map.put("list".into(), list.clone().into()).unwrap();
        list.push(map.into());
        let ListRepr::Own(weak) = &list.0 else {
            panic!()
        };
        let weak = Rc::downgrade(weak);
        drop(list);
        assert!(weak.upgrade().is_some());
        sweep();
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn straight_values_stay() {
        let outer = List::array_list(vec![]);
        outer.push(List::array_list(vec![Value::Int(1)]).into());
        sweep();
        assert_eq!(Value::from(outer).to_text().unwrap(), "[[1]]");
    }
}
