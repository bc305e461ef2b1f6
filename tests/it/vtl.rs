//! Mapping templates in VTL: the cases of `tests/vtl`, the optional corpora beside the repository, errors, properties.

mod allocations;
mod cases;
mod errors;
mod properties;
mod wild;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tower_apigw::template::{Limits, Vtl, render_case};

/// The folder of the project's own cases.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vtl")
}

/// The files of a folder with this extension, in order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}

/// Whether a case comes out as it says: `expected` is a text, or null for an error, whose kind `expected_error` may
/// tell; no `overrides` are none.
fn passes(case: &Value, line: &str) -> bool {
    let answer = render_case(&Vtl::default(), &Limits::default(), line);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let overrides = |value: &Value| match &value["overrides"] {
        Value::Null => Value::Object(Map::new()),
        overrides => overrides.clone(),
    };
    match &case["expected"] {
        Value::Null => {
            let kind = case.get("expected_error").filter(|kind| !kind.is_null());
            answer.get("error").is_some()
                && kind.is_none_or(|kind| answer.get("kind") == Some(kind))
        }
        expected => answer.get("output") == Some(expected) && overrides(&answer) == overrides(case),
    }
}
