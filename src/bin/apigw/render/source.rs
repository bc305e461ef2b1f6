//! What is read from files and from standard input.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::exit::Failure;

/// The most that is read of one file: what API Gateway takes as a payload, and far more than it takes as a template.
const MOST: u64 = 10 << 20;

/// A text, and how its place is told.
#[derive(Debug)]
pub(super) struct Source {
    name: String,
    text: String,
    lines: Vec<usize>,
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
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Self { name, text, lines }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self
            .lines
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or_default();
        let before = self.text.get(start..at).unwrap_or_default();
        (line, 1 + before.chars().count())
    }
}

/// Reads a file as it is; `-` is standard input.
pub(super) fn bytes(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One byte more than is allowed shows that there is too much, whatever else follows.
    let read = if path == Path::new("-") {
        io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes))
    };
    let name = name(path);
    match read {
        Ok(size) if u64::try_from(size).is_ok_and(|size| size <= MOST) => Ok(bytes),
        Ok(_) => Err(Failure::document(format!(
            "the {what} {name} has more than {MOST} bytes"
        ))),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::document(format!(
            "there is no file {name}"
        ))
        .help(format!(
            "give the path of the {what}, or - for standard input"
        ))),
        Err(error) => Err(Failure::document(format!(
            "cannot read the {what} {name}: {error}"
        ))),
    }
}

/// How a file is called in what the user is told.
pub(super) fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "<stdin>".into()
    } else {
        path.display().to_string()
    }
}
