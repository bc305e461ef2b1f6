//! What is read from files and from standard input.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::exit::Failure;

/// The most that is read of one file: what API Gateway takes as a payload, and far more than it takes as a template.
const MOST: u64 = 10 << 20;

/// The most that is read of a body of a message: so much more than API Gateway takes that it is for its limits to refuse.
const MOST_OF_BODY: u64 = 64 << 20;

/// Reads a file as it is; `-` is standard input.
pub(crate) fn bytes(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    within(MOST, path, what)
}

/// The same for what holds the body of a message.
pub(crate) fn body(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    within(MOST_OF_BODY, path, what)
}

fn within(most: u64, path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One byte more than is allowed shows that there is too much, whatever else follows.
    let read = if path == Path::new("-") {
        io::stdin().lock().take(most + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
    };
    let name = name(path);
    match read {
        Ok(size) if u64::try_from(size).is_ok_and(|size| size <= most) => Ok(bytes),
        Ok(_) => Err(Failure::document(format!(
            "the {what} {name} has more than {most} bytes"
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
pub(crate) fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "<stdin>".into()
    } else {
        path.display().to_string()
    }
}
