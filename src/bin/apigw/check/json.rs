//! Findings as one JSON list.

use serde_json::{Value, json};

use super::Checked;

/// One list over all documents, in the order of the command line and of the lines.
pub(super) fn write(all: &[Checked]) -> String {
    let mut list = Vec::new();
    for checked in all {
        let file = checked.document.name();
        for finding in &checked.findings {
            let position = finding.position;
            list.push(json!({
                "code": finding.code,
                "severity": finding.severity.to_string(),
                "file": file,
                "line": position.map(|at| at.line),
                "column": position.map(|at| at.column),
                "pointer": finding.pointer,
                "message": finding.message,
                "help": finding.help,
            }));
        }
    }
    format!("{:#}\n", Value::Array(list))
}
