//! The selection patterns of a document, each compiled and tried once.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::java_regex::{self, JavaRegex};
use crate::openapi::{MAX_PATTERN_BYTES, MAX_PATTERNS};

/// How many parts of patterns are compared.
const MAX_WORK: usize = 5_000_000;

/// What is known of a document's patterns. Equal ones share it; those beyond the number that an API may have are
/// not looked at.
#[derive(Debug)]
pub(super) struct Patterns {
    known: [RefCell<HashMap<String, Option<Rc<Tried>>>>; 2],
    /// How long those are that are known.
    bytes: Cell<usize>,
    /// What is left of the work of comparing them.
    pub(super) work: Cell<usize>,
}

/// A pattern, and the numbers that it matches.
#[derive(Debug)]
pub(super) struct Tried {
    regex: JavaRegex,
    numbers: OnceCell<Vec<u16>>,
    longer: OnceCell<bool>,
}

impl Default for Patterns {
    fn default() -> Self {
        Self {
            known: Default::default(),
            bytes: Cell::new(0),
            work: Cell::new(MAX_WORK),
        }
    }
}

impl Patterns {
    /// `None` for one that is none, or that is one too many. Those for numbers have bounds of their own.
    pub(super) fn get(&self, text: &str, numbers: bool) -> Option<Rc<Tried>> {
        let [of_texts, of_numbers] = &self.known;
        let known = if numbers { of_numbers } else { of_texts };
        let mut known = known.borrow_mut();
        if let Some(tried) = known.get(text) {
            return tried.clone();
        }
        let bytes = self.bytes.get().saturating_add(text.len());
        if known.len() >= MAX_PATTERNS || bytes > MAX_PATTERN_BYTES {
            return None;
        }
        self.bytes.set(bytes);
        let tried = java_regex::compile_selection(text, numbers)
            .ok()
            .map(|regex| {
                Rc::new(Tried {
                    regex,
                    numbers: OnceCell::new(),
                    longer: OnceCell::new(),
                })
            });
        known.insert(text.to_owned(), tried.clone());
        tried
    }
}

impl Tried {
    pub(super) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text).unwrap_or(false)
    }

    /// The numbers up to 999 that it matches.
    pub(super) fn numbers(&self) -> &[u16] {
        let matches = |number: &u16| self.regex.matches_number(*number);
        self.numbers
            .get_or_init(|| (0..=999).filter(matches).collect())
    }

    /// Whether it matches a number of four digits.
    pub(super) fn is_longer(&self) -> bool {
        let mut longer = 1_000..=9_999_u16;
        *self
            .longer
            .get_or_init(|| longer.any(|number| self.matches(&number.to_string())))
    }
}
