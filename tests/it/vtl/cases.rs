//! The case files: a case as `render_case` takes it, with `expected`, `overrides`, `tier` and `topic`, one a line.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{files, folder, passes};

/// Cases that are known to fail, with the reason.
fn not_yet() -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder().join("not-yet.txt")).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, reason) = line.split_once(": ").unwrap();
            assert!(!reason.trim().is_empty(), "{name} has no reason");
            (name.to_owned(), reason.to_owned())
        })
        .collect()
}

/// Names of the cases that fail, and how many there are of each tier.
fn run(file: &Path, tiers: &mut BTreeMap<String, (usize, usize)>) -> Vec<String> {
    let mut failed = Vec::new();
    let text = fs::read_to_string(file).unwrap();
    for line in text.split('\n').filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line).unwrap();
        let pass = passes(&case, line);
        if !pass {
            failed.push(case["name"].as_str().unwrap().to_owned());
        }
        let (good, all) = tiers
            .entry(case["tier"].as_str().unwrap().to_owned())
            .or_default();
        *good += usize::from(pass);
        *all += 1;
    }
    failed
}

#[test]
fn cases_pass_except_those_that_are_listed() {
    let (mut tiers, mut failed) = (BTreeMap::new(), Vec::new());
    for file in files(&folder(), "jsonl") {
        failed.extend(run(&file, &mut tiers));
    }
    println!("{tiers:?} (passed, all)");
    let all: usize = tiers.values().map(|(_, all)| all).sum();
    assert!(all >= 1_468, "only {all} cases were found");
    let mut listed: Vec<_> = not_yet().into_keys().collect();
    listed.sort();
    failed.sort();
    let news: Vec<_> = failed
        .iter()
        .filter(|name| !listed.contains(name))
        .collect();
    assert!(news.is_empty(), "cases that fail: {news:?}");
    let stale: Vec<_> = listed
        .iter()
        .filter(|name| !failed.contains(name))
        .collect();
    assert!(
        stale.is_empty(),
        "not-yet.txt lists cases that pass or are gone: {stale:?}"
    );
}

/// Templates and outputs of others, recorded on AWS; they are not ours to keep.
#[test]
fn recorded_cases_pass() {
    let file = Path::new("../shared/vtl/corpus/aws-recorded.jsonl");
    if !file.exists() {
        println!("skipped: there is no {}", file.display());
        return;
    }
    let mut tiers = BTreeMap::new();
    let failed = run(file, &mut tiers);
    println!("{tiers:?} (passed, all)");
    assert!(failed.is_empty(), "cases that fail: {failed:?}");
}
