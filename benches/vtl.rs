//! cargo bench --bench vtl [-- NAME [COUNT [parse]]]
//!
//! Seven mapping templates: what parsing and rendering one takes, the reading of its body included. The outputs are
//! compared with what they must be. With `ORACLE=run.sh`, a program that times Apache Velocity with `--bench FILE`,
//! its processor time is measured in the same run and shown as a ratio. With a name, that template alone is rendered
//! COUNT times, or parsed so often, for a profiler that counts instructions or allocations.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

use std::borrow::Cow;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tower_apigw::template::{
    Context, Engine, Identity, Limits, Overrides, Params, Scope, Template, Text, Vtl,
};

const NAMES: [&str; 7] = [
    "1-minimal",
    "2-passthrough",
    "3-dynamodb-100-items",
    "4-set-if-math-200-lines",
    "5-form-to-json-overrides",
    "6-mapped-request",
    "7-mapped-response",
];

fn read(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/vtl");
    fs::read_to_string(folder.join(file)).expect("a file of the bench")
}

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

fn pairs(object: &Value) -> Vec<Pair<'_>> {
    let entries = object.as_object().into_iter().flatten();
    entries
        .map(|(name, value)| {
            let value = value.as_str().unwrap_or_default();
            (Cow::Borrowed(name.as_str()), Cow::Borrowed(value))
        })
        .collect()
}

fn context(facts: &Value) -> Context {
    let text = |value: &Value| value.as_str().map(Text::from);
    Context {
        account_id: text(&facts["accountId"]),
        api_id: text(&facts["apiId"]),
        stage: text(&facts["stage"]),
        http_method: text(&facts["httpMethod"]),
        path: text(&facts["path"]),
        resource_path: text(&facts["resourcePath"]),
        request_id: text(&facts["requestId"]),
        request_time: text(&facts["requestTime"]),
        request_time_epoch: facts["requestTimeEpoch"].as_i64(),
        protocol: text(&facts["protocol"]),
        identity: Some(Identity {
            source_ip: text(&facts["identity"]["sourceIp"]),
            user_agent: text(&facts["identity"]["userAgent"]),
            ..Identity::default()
        }),
        authorizer: facts["authorizer"].as_object().cloned(),
        ..Context::default()
    }
}

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
    let parameters = &request["params"];
    let [path, querystring, header] =
        ["path", "querystring", "header"].map(|group| pairs(&parameters[group]));
    let stage_variables: Vec<(String, String)> = pairs(&request["stageVariables"])
        .into_iter()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let context = context(&request["context"]);
    let (overrides, limits) = (Overrides::default(), Limits::default());
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let reference = match (std::env::var("ORACLE"), arguments.is_empty()) {
        (Ok(program), true) => velocity(&program, &request),
        _ => Vec::new(),
    };
    println!(
        "{:<26} {:>10} {:>10} {:>12} {:>12}",
        "template", "parse", "render", "to Velocity", "both"
    );
    for (at, name) in NAMES.into_iter().enumerate() {
        if arguments.first().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let (source, body) = (read(&format!("{name}.vtl")), read(&format!("{name}.body")));
        let scope = Scope {
            body: body.as_bytes(),
            params: Params {
                path: &path,
                querystring: &querystring,
                header: &header,
            },
            context: &context,
            stage_variables: &stage_variables,
            overrides: &overrides,
            limits: &limits,
        };
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
            "{name:<26} {:>7.2} µs {:>7.2} µs {ratios}",
            micros(parse),
            micros(render)
        );
    }
}
