//! Names of methods as a template has them, and the methods of a class by such names.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::overload::Method;

/// The name of a method, looked up once.
#[derive(Debug)]
pub(crate) struct Name {
    text: Arc<str>,
    /// Its place among the names that any class has; `None` where only a host object can have it.
    number: Option<usize>,
}

impl Name {
    pub(crate) fn new(text: &str) -> Self {
        Name {
            text: text.into(),
            number: numbers().get(text).copied(),
        }
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }
}

/// The methods of a class.
pub(super) struct Table {
    own: &'static [Method],
    /// By the number of the name; those of every object behind the class's own.
    by_name: OnceLock<Box<[Vec<&'static Method>]>>,
}

impl Table {
    pub(super) const fn new(own: &'static [Method]) -> Self {
        Table {
            own,
            by_name: OnceLock::new(),
        }
    }

    /// The methods of this name.
    pub(super) fn of(&self, name: &Name) -> &[&'static Method] {
        let Some(number) = name.number else {
            return &[];
        };
        let all = self.by_name.get_or_init(|| self.sorted());
        all.get(number).map_or(&[], Vec::as_slice)
    }

    fn sorted(&self) -> Box<[Vec<&'static Method>]> {
        let numbers = numbers();
        let mut sorted = vec![Vec::new(); numbers.len()].into_boxed_slice();
        for method in self.own.iter().chain(super::common::METHODS) {
            let place = numbers.get(method.name).and_then(|at| sorted.get_mut(*at));
            if let Some(methods) = place {
                methods.push(method);
            }
        }
        sorted
    }
}

/// Every name that a class has, with its number.
fn numbers() -> &'static HashMap<&'static str, usize, foldhash::fast::FixedState> {
    static NUMBERS: OnceLock<HashMap<&'static str, usize, foldhash::fast::FixedState>> =
        OnceLock::new();
    NUMBERS.get_or_init(|| {
        let mut numbers = HashMap::default();
        for table in super::TABLES {
            for method in table.own.iter().chain(super::common::METHODS) {
                let next = numbers.len();
                numbers.entry(method.name).or_insert(next);
            }
        }
        numbers
    })
}
