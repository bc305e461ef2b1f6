//! Findings as SARIF 2.1.0, which code scanning reads.

use std::path::{Component, Path};

use serde_json::{Map, Value, json};
use tower_apigw::diagnostic::{Diagnostic, Severity};
use tower_apigw::lint::Rule;

use super::Checked;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One run over all documents.
pub(super) fn write(all: &[Checked]) -> String {
    let mut results = Vec::new();
    for checked in all {
        let artifact = artifact(checked.document.path());
        for finding in &checked.findings {
            results.push(result(finding, &artifact));
        }
    }
    let rules: Vec<Value> = Rule::ALL.iter().map(rule).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "apigw",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "shortDescription": {"text": rule.summary},
        "help": {"text": format!("{}\n\nSource: {}", rule.help, rule.source)},
        "defaultConfiguration": {"level": level(rule.severity)},
    })
}

fn result(finding: &Diagnostic, artifact: &Value) -> Value {
    let mut place = Map::new();
    place.insert("artifactLocation".into(), artifact.clone());
    if let Some(position) = finding.position {
        place.insert(
            "region".into(),
            json!({"startLine": position.line, "startColumn": position.column}),
        );
    }
    let text = match &finding.help {
        Some(help) => format!("{}\nHelp: {help}", finding.message),
        None => finding.message.clone(),
    };
    let mut location = json!({"physicalLocation": place});
    if let (Some(location), false) = (location.as_object_mut(), finding.pointer.is_empty()) {
        location.insert(
            "logicalLocations".into(),
            json!([{"fullyQualifiedName": finding.pointer}]),
        );
    }
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": {"text": text},
        "locations": [location],
    });
    let index = Rule::ALL.iter().position(|rule| rule.code == finding.code);
    if let (Some(result), Some(index)) = (result.as_object_mut(), index) {
        result.insert("ruleIndex".into(), index.into());
    }
    result
}

/// The document as a relative URI where it can be one.
fn artifact(path: &Path) -> Value {
    let below = std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
    let path = below.as_deref().unwrap_or(path);
    let mut segments = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => segments.push(encoded(&name.to_string_lossy())),
            Component::ParentDir => segments.push("..".to_owned()),
            Component::RootDir | Component::Prefix(_) | Component::CurDir => {}
        }
    }
    let uri = segments.join("/");
    if path.is_absolute() {
        json!({"uri": format!("file:///{uri}")})
    } else {
        json!({"uri": uri})
    }
}

/// A segment of a path in a URI.
fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
