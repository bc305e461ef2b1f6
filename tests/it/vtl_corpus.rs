//! Renders the optional corpus of mapping templates and holds the pass counts per tier.
//!
//! A corpus line is a case as [`render_case`] takes it, with `expected` (text, or null for an error), `overrides`, `tier`
//! and `topic`. The folder is beside the repository; without it the test says so and passes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tower_apigw::template::{Limits, Vtl, render_case};

/// How many cases of each tier pass at least.
const REACHED: [(&str, usize); 3] = [("aws", 262), ("core", 1402), ("quirk", 70)];

#[test]
fn the_corpus_passes_as_far_as_before() {
    let folder = Path::new("../shared/vtl/corpus");
    let Ok(entries) = fs::read_dir(folder) else {
        println!("skipped: no corpus at {}", folder.display());
        return;
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    files.sort();

    let mut tiers: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut topics: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut missed = Vec::new();
    for file in files {
        let lines = fs::read_to_string(&file).expect("a readable corpus file");
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let case: Value = serde_json::from_str(line).expect("a line of JSON");
            let pass = passes(&case, line);
            if !pass {
                missed.push(case["name"].to_string());
            }
            for (counts, key) in [(&mut tiers, "tier"), (&mut topics, "topic")] {
                let key = case[key].as_str().unwrap_or("?").to_owned();
                let (good, all) = counts.entry(key).or_default();
                *good += usize::from(pass);
                *all += 1;
            }
        }
    }
    for (name, (good, all)) in topics.iter().chain(&tiers) {
        println!("{name}: {good} of {all}");
    }
    println!("missed: {}", missed.join(" "));
    for (tier, least) in REACHED {
        let good = tiers.get(tier).map_or(0, |(good, _)| *good);
        assert!(
            good >= least,
            "tier {tier}: {good} pass, {least} passed before"
        );
    }
}

fn passes(case: &Value, line: &str) -> bool {
    let answer = render_case(&Vtl::default(), &Limits::default(), line);
    let answer: Value = serde_json::from_str(&answer).expect("an answer in JSON");
    let overrides = |value: &Value| match &value["overrides"] {
        Value::Null => Value::Object(serde_json::Map::new()),
        overrides => overrides.clone(),
    };
    match &case["expected"] {
        Value::Null => answer.get("error").is_some(),
        expected => answer.get("output") == Some(expected) && overrides(&answer) == overrides(case),
    }
}
