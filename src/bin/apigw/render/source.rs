//! The text of a template, and how places in it are told.

use std::path::Path;

use crate::exit::Failure;
use crate::input::{bytes, name};

/// A text, and how its place is told.
#[derive(Debug)]
pub(super) struct Source {
    name: String,
    text: String,
}

impl Source {
    /// Reads a file; `-` is standard input. `what` is for the message to the user.
    pub(super) fn read(path: &Path, what: &str) -> Result<Self, Failure> {
        let name = name(path);
        let text = String::from_utf8(bytes(path, what)?).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let before = error.as_bytes().get(..at).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            Failure::document(format!("{name}:{line}: the {what} is not UTF-8")).help(format!(
                "save it as UTF-8; the first wrong byte is byte {at}"
            ))
        })?;
        Ok(Self::new(name, text))
    }

    fn new(name: String, text: String) -> Self {
        Self { name, text }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}
