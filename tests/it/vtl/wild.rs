//! The optional corpus of templates as people publish them, and what Velocity makes of them.

use std::collections::BTreeMap;
use std::fs;
use std::panic;
use std::path::Path;

use serde_json::{Map, Value, json};
use tower_apigw::template::{Engine, Limits, Vtl, render_case};

use super::folder;

/// The hash of what Velocity 1.7 gives, by the name of the template.
fn expected() -> BTreeMap<String, u64> {
    let text = fs::read_to_string(folder().join("wild.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, hash) = line.split_once(' ').unwrap();
            (name.to_owned(), u64::from_str_radix(hash, 16).unwrap())
        })
        .collect()
}

/// FNV-1a.
fn hash(before: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(before, step)
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(k, v)| (k.clone(), sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// What one answer comes to, as the file of hashes has it.
fn told(answer: &Value) -> String {
    let mut told = match &answer["output"] {
        Value::String(output) => format!("={output}"),
        _ => format!("!{}", answer["kind"].as_str().unwrap()),
    };
    if answer["overrides"].is_object() {
        told.push_str(&format!("\u{1}{}", sorted(&answer["overrides"])));
    }
    told.push('\0');
    told
}

#[test]
fn published_templates_render_as_velocity_renders_them() {
    let wild = Path::new("../shared/wild");
    let Ok(index) = fs::read_to_string(wild.join("vtl/index.json")) else {
        println!("skipped: there are no templates at {}", wild.display());
        return;
    };
    let index: Vec<Value> = serde_json::from_str(&index).unwrap();
    let facts = fs::read_to_string(folder().join("wild-facts.json")).unwrap();
    let facts: Value = serde_json::from_str(&facts).unwrap();
    let expected = expected();
    let (mut parsed, mut refused, mut outputs, mut failures, mut equal) = (0, 0, 0, 0, 0);
    let mut wrong = Vec::new();
    for entry in &index {
        let file = entry["file"].as_str().unwrap();
        let name = Path::new(file).file_stem().unwrap().to_str().unwrap();
        let source = fs::read_to_string(wild.join(file)).unwrap();
        let parses = entry["velocity17_parses"] == true;
        match Vtl::default().compile(&source, "application/json") {
            Ok(_) => parsed += 1,
            Err(error) => {
                refused += 1;
                if parses || error.position().is_none() {
                    wrong.push(format!("{name}: {error}"));
                }
            }
        }
        let mut found = 0xcbf2_9ce4_8422_2325;
        for body in facts["bodies"].as_array().unwrap() {
            let case = json!({
                "template": source, "body": body, "params": facts["params"], "context": facts["context"],
                "stageVariables": facts["stageVariables"],
            });
            let line = case.to_string();
            let answer =
                panic::catch_unwind(|| render_case(&Vtl::default(), &Limits::default(), &line));
            let Ok(answer) = answer else {
                wrong.push(format!("{name} panics with the body {body}"));
                continue;
            };
            let answer: Value = serde_json::from_str(&answer).unwrap();
            outputs += usize::from(answer.get("output").is_some());
            failures += usize::from(answer["kind"] == "runtime");
            found = hash(found, told(&answer).as_bytes());
        }
        match expected.get(name) {
            Some(wanted) if *wanted == found => equal += 1,
            Some(_) => wrong.push(format!("{name}: not what Velocity gives")),
            None => println!("{name} is new"),
        }
    }
    println!(
        "{} templates: {parsed} parse, {refused} are refused; {outputs} renderings, {failures} fail; \
         {equal} templates give what Velocity gives",
        index.len()
    );
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
