//! The cases of `tests/jsonpath`: what Jayway JsonPath 2.0.0 finds, we find.

use std::fs;
use std::path::Path as FilePath;

use serde_json::{Value, json};
use tower_apigw::jsonpath::Path;

/// What a path comes to, in the words of a case.
fn outcome(path: &str, document: &Value) -> Value {
    let Ok(parsed) = Path::parse(path) else {
        return json!({ "path": path, "error": "parse" });
    };
    let Ok(found) = parsed.evaluate(&document) else {
        return json!({ "path": path, "error": "evaluate" });
    };
    let definite = parsed.is_definite();
    match found.to_value() {
        Some(value) => json!({ "path": path, "definite": definite, "expected": value }),
        None => json!({ "path": path, "definite": definite, "missing": true }),
    }
}

#[test]
fn finds_what_the_reference_finds() {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("tests/jsonpath");
    let (mut cases, mut wrong) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let mut lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let document = lines.next().unwrap()["document"].take();
        for case in lines {
            cases += 1;
            let outcome = outcome(case["path"].as_str().unwrap(), &document);
            if outcome != case {
                let name = file.file_name().unwrap().to_string_lossy();
                wrong.push(format!("{name}: expected {case}\n  found {outcome}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {cases} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(cases > 1500, "only {cases} cases were found");
}

#[test]
fn evaluation_works_across_threads() {
    let path = Path::parse("$.list[?(@.name =~ /a.*/i)].name").unwrap();
    let document = json!({"list": [{"name": "Ann"}, {"name": "Bob"}]});
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let found = path.evaluate(&&document).unwrap();
                assert_eq!(found.to_value(), Some(json!(["Ann"])));
            });
        }
    });
}
