//! cargo bench --bench vtl [-- NAME [COUNT [parse]]]
//!
//! Seven mapping templates: what parsing and rendering one takes, the reading of its body included. The outputs are
//! compared with what they must be. How often a rendering allocates is what a test has counted. With `ORACLE=run.sh`, a program that times Apache Velocity with `--bench FILE`,
//! its processor time is measured in the same run and shown as a ratio. With a name, that template alone is rendered
//! COUNT times, or parsed so often, for a profiler that counts instructions or allocations.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

#[path = "vtl/request.rs"]
mod request;

use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tower_apigw::template::{Engine, Limits, Overrides, Template, Vtl};

use crate::request::{NAMES, Request, read};

fn compile(source: &str) -> Arc<dyn Template> {
    Vtl::default()
        .compile(source, "application/json")
        .expect("a template")
}

/// The smallest time of one call in many short batches: what other processes do is left out.
fn least(mut call: impl FnMut()) -> Duration {
    let mut least = Duration::MAX;
    for _ in 0..400 {
        let start = Instant::now();
        for _ in 0..10 {
            call();
        }
        least = least.min(start.elapsed() / 10);
    }
    least
}

/// Microseconds of processor time that Velocity takes to render each template, and to parse and render it.
fn velocity(program: &str, request: &Value) -> Vec<(f64, f64)> {
    let mut lines = String::new();
    for name in NAMES {
        let mut case = request.clone();
        case["name"] = json!(name);
        case["template"] = json!(read(&format!("{name}.vtl")));
        case["body"] = json!(read(&format!("{name}.body")));
        lines.push_str(&format!("{case}\n"));
    }
    let file = std::env::temp_dir().join(format!("vtl-bench-{}.jsonl", std::process::id()));
    fs::write(&file, lines).expect("a temporary file");
    let output = Command::new(program).arg("--bench").arg(&file).output();
    let _ = fs::remove_file(&file);
    let output = String::from_utf8(output.expect("Velocity's times").stdout).expect("text");
    let times = output.lines().map(|line| {
        let mut times = line
            .split("cpu=")
            .skip(1)
            .filter_map(|part| part.split('\t').next()?.trim().parse().ok());
        let both = times.next().expect("a time");
        (times.next().expect("a time"), both)
    });
    times.collect()
}

fn main() {
    let request: Value = serde_json::from_str(&read("request.json")).expect("JSON");
    let (overrides, limits) = (Overrides::default(), Limits::default());
    let allocations = read("allocations.txt");
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let reference = match (std::env::var("ORACLE"), arguments.is_empty()) {
        (Ok(program), true) => velocity(&program, &request),
        _ => Vec::new(),
    };
    let request = Request::of(&request);
    println!(
        "{:<26} {:>10} {:>10} {:>12} {:>12} {:>12}",
        "template", "parse", "render", "to Velocity", "both", "allocations"
    );
    for (at, name) in NAMES.into_iter().enumerate() {
        if arguments.first().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let (source, body) = (read(&format!("{name}.vtl")), read(&format!("{name}.body")));
        let scope = request.scope(body.as_bytes(), &overrides, &limits);
        let template = compile(&source);
        let mut out = String::new();
        template.render(&scope, &mut out).expect("an output");
        assert_eq!(out, read(&format!("{name}.expected")), "{name}");
        let mut render = || {
            out.clear();
            black_box(template.render(&scope, &mut out)).expect("an output");
        };
        if let Some(count) = arguments.get(1).and_then(|count| count.parse().ok()) {
            match arguments.get(2) {
                Some(_) => (0..count).for_each(|_: u32| drop(black_box(compile(&source)))),
                None => (0..count).for_each(|_: u32| render()),
            }
            continue;
        }
        let render = least(render);
        let parse = least(|| drop(black_box(compile(&source))));
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let ratios = match reference.get(at) {
            Some((rendering, both)) => format!(
                "{:>12.2} {:>12.2}",
                micros(render) / rendering,
                micros(render + parse) / both
            ),
            None => format!("{:>12} {:>12}", "-", "-"),
        };
        println!(
            "{name:<26} {:>7.2} µs {:>7.2} µs {ratios} {:>12}",
            micros(parse),
            micros(render),
            allocations
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_default()
                .trim()
        );
    }
}
