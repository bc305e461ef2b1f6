//! A value of the document together with its JSON pointer.

use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, pointer_token};

#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    pub(super) value: &'a Value,
    pub(super) pointer: String,
}

impl<'a> At<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            value,
            pointer: String::new(),
        }
    }

    /// The member `key`; `None` when it is not there, `null`, or this is no object.
    pub(super) fn member(&self, key: &str) -> Option<Self> {
        let value = self.value.as_object()?.get(key)?;
        (!value.is_null()).then(|| self.below(key, value))
    }

    /// The members of an object, in the order written; nothing for anything else.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'a str, Self)> + use<'a> {
        let pointer = self.pointer.clone();
        self.value
            .as_object()
            .into_iter()
            .flat_map(Map::iter)
            .map(move |(key, value)| {
                let below = format!("{pointer}/{}", pointer_token(key));
                (
                    key.as_str(),
                    Self {
                        value,
                        pointer: below,
                    },
                )
            })
    }

    /// The items of a list; nothing for anything else.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> + use<'a> {
        let pointer = self.pointer.clone();
        self.value
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .map(move |(index, value)| Self {
                value,
                pointer: format!("{pointer}/{index}"),
            })
    }

    fn below(&self, key: &str, value: &'a Value) -> Self {
        Self {
            value,
            pointer: format!("{}/{}", self.pointer, pointer_token(key)),
        }
    }

    pub(super) fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.pointer.clone(), message)
    }

    pub(super) fn warning(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, self.pointer.clone(), message)
    }
}
