//! Names of methods as a template has them, and the methods of a class by such names.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::overload::Method;
use super::quick::Quick;
use crate::vtl::ast::Piece;

/// The name of a method, looked up once.
#[derive(Debug)]
pub(crate) struct Name {
    text: Piece,
    /// Its place among the names that any class has; `None` where only a host object can have it.
    number: Option<u16>,
    quick: Option<Quick>,
}

impl Name {
    /// The name `text`, which stands at `piece`.
    pub(crate) fn new(text: &str, piece: Piece) -> Self {
        Name {
            text: piece,
            number: numbers().get(text).copied(),
            quick: Quick::of(text),
        }
    }

    pub(crate) fn text(&self) -> Piece {
        self.text
    }

    /// The method of this name that can do without a search.
    #[inline]
    pub(crate) fn quick(&self) -> Option<Quick> {
        self.quick
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
        all.get(usize::from(number)).map_or(&[], Vec::as_slice)
    }

    fn sorted(&self) -> Box<[Vec<&'static Method>]> {
        let numbers = numbers();
        let mut sorted = vec![Vec::new(); numbers.len()].into_boxed_slice();
        for method in self.own.iter().chain(super::common::METHODS) {
            let place = numbers
                .get(method.name)
                .and_then(|at| sorted.get_mut(usize::from(*at)));
            if let Some(methods) = place {
                methods.push(method);
            }
        }
        sorted
    }
}

/// Every name that a class has, with its number.
fn numbers() -> &'static HashMap<&'static str, u16, foldhash::fast::FixedState> {
    static NUMBERS: OnceLock<HashMap<&'static str, u16, foldhash::fast::FixedState>> =
        OnceLock::new();
    NUMBERS.get_or_init(|| {
        let mut numbers = HashMap::default();
        for table in super::TABLES {
            for method in table.own.iter().chain(super::common::METHODS) {
                let next = u16::try_from(numbers.len()).unwrap_or(u16::MAX);
                numbers.entry(method.name).or_insert(next);
            }
        }
        numbers
    })
}
