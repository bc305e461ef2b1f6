//! The floors of the house: a room uses only what stands below it, and the bare core has no heavy
//! crate.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The rooms, each on its floor. What stands on one floor does not use its neighbours; the floors
/// with a half are the order inside one of the design's floors.
const FLOORS: &[(&str, f32)] = &[
    ("vtl", 0.0),
    ("jsonpath", 0.0),
    ("integration", 0.0),
    ("diagnostic", -0.5),
    ("java_regex", -0.5),
    ("tls", -0.5),
    ("error", 0.0),
    ("body", 0.5),
    ("template", 1.0),
    ("target", 1.0),
    ("trace_context", 1.0),
    ("aws", 1.25),
    ("trace", 1.5),
    ("signing", 1.0),
    ("mapping", 2.0),
    ("gateway_response", 2.5),
    ("credentials", 2.75),
    ("metrics", 2.75),
    ("access_log", 2.75),
    ("layer", 3.0),
    ("backend", 4.0),
    ("openapi", 4.0),
    ("lint", 4.5),
    ("server", 4.0),
];

fn floor(room: &str) -> Option<f32> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, floor)| *floor)
}

/// The code of a line, without a comment at its end.
fn code(line: &str) -> &str {
    let end = line
        .match_indices("//")
        .find(|(at, _)| !line[..*at].ends_with(':'));
    end.map_or(line, |(at, _)| &line[..at])
}

fn identifier(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// How a file breaks the floors. `path` is below `src`.
fn breaches(path: &Path, text: &str) -> Vec<String> {
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
    let room = parts[0].trim_end_matches(".rs");
    let mut out = Vec::new();
    let Some(own) = floor(room) else {
        return vec![format!(
            "{}: the room `{room}` has no floor",
            path.display()
        )];
    };
    // How many `super` lead out of the room.
    let depth = parts.len() - usize::from(parts.last() == Some(&"mod.rs"));
    for (index, line) in text.lines().enumerate() {
        let mut breach =
            |what: String| out.push(format!("{}:{}: {what}", path.display(), index + 1));
        let line = code(line);
        let mut inside = line;
        while let Some(at) = inside.find("crate::") {
            let before = inside[..at].chars().next_back();
            inside = &inside[at + "crate::".len()..];
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let used = match identifier(inside) {
                "Body" | "BodyError" => "body",
                used => used,
            };
            match floor(used) {
                _ if used == room => {}
                Some(below) if below < own => {}
                Some(_) => breach(format!(
                    "`{room}` uses `{used}`, which does not stand below it"
                )),
                None if inside.starts_with('{') => breach("one `use` per room, please".to_owned()),
                None => breach(format!("`crate::{used}` is no room with a floor")),
            }
        }
        let mut rest = line
            .trim_start_matches("pub ")
            .trim_start_matches("pub(crate) ");
        let at_top = rest.starts_with("use super::");
        rest = rest.trim_start().trim_start_matches("use ");
        let mut up = 0;
        while let Some(inner) = rest.strip_prefix("super::") {
            up += 1;
            rest = inner;
        }
        if up > depth || at_top && up >= depth {
            breach("`super` leads out of the room, unseen by this test".to_owned());
        }
    }
    out
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|it| it == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn a_room_uses_only_what_stands_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let (mut rooms, mut wrong) = (BTreeSet::new(), Vec::new());
    for file in &files {
        let path = file.strip_prefix(&src).unwrap();
        let room = path
            .iter()
            .next()
            .unwrap()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs");
        // The door of the house, and the programs, use anything.
        if room == "lib" || room == "bin" {
            continue;
        }
        rooms.insert(room.to_owned());
        wrong.extend(breaches(path, &fs::read_to_string(file).unwrap()));
    }
    assert!(
        wrong.is_empty(),
        "{} breaches:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        rooms.len() >= 12 && files.len() > 60,
        "only {} files in {rooms:?} were read",
        files.len()
    );
}

#[test]
fn a_breach_is_seen() {
    let breaches = |path: &str, text: &str| breaches(Path::new(path), text).len();
    assert_eq!(
        breaches(
            "mapping/plan.rs",
            "use crate::target::Target;\nuse crate::mapping::Call;"
        ),
        0
    );
    assert_eq!(
        breaches(
            "mapping/plan.rs",
            "use crate::gateway_response::GatewayResponses;"
        ),
        1
    );
    assert_eq!(
        breaches(
            "mapping/plan.rs",
            "    let x = crate::layer::x(crate::openapi::y);"
        ),
        2
    );
    assert_eq!(
        breaches(
            "mapping/plan.rs",
            "/// See [`crate::layer`].\n// crate::layer"
        ),
        0
    );
    assert_eq!(breaches("jsonpath/mod.rs", "use crate::vtl::Span;"), 1);
    assert_eq!(breaches("error.rs", "use crate::{Body, layer};"), 1);
    assert_eq!(breaches("error.rs", "use crate::Body;"), 1);
    assert_eq!(breaches("attic/mod.rs", ""), 1);
    assert_eq!(breaches("target.rs", "use super::layer::Call;"), 1);
    assert_eq!(breaches("layer/mod.rs", "use super::openapi::Api;"), 1);
    assert_eq!(breaches("layer/sigv4.rs", "use super::future::Step;"), 0);
    assert_eq!(
        breaches(
            "layer/sigv4.rs",
            "pub(crate) use super::super::openapi::Api;"
        ),
        1
    );
    assert_eq!(
        breaches("target.rs", "mod tests {\n    use super::*;\n}"),
        0
    );
}

/// What `cargo tree` prints, or `None` where it cannot run.
fn tree(arguments: &[&str]) -> Option<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--offline", "--prefix", "none"])
        .args(arguments)
        .output();
    match out {
        Ok(out) if out.status.success() => Some(String::from_utf8(out.stdout).unwrap()),
        Ok(out) => {
            println!(
                "skipped: cargo tree says {}",
                String::from_utf8_lossy(&out.stderr)
            );
            None
        }
        Err(error) => {
            println!("skipped: cargo cannot be run: {error}");
            None
        }
    }
}

#[test]
fn the_bare_core_has_no_heavy_crate() {
    let Some(tree) = tree(&["--no-default-features", "-e", "normal"]) else {
        return;
    };
    let crates: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(
        crates.contains("tower-apigw") && crates.contains("http"),
        "{tree}"
    );
    let heavy = [
        "annotate-snippets",
        "aws-sigv4",
        "axum",
        "clap",
        "hyper",
        "h2",
        "hyper-util",
        "mio",
        "rustls",
        "serde-saphyr",
        "socket2",
        "tera",
        "tokio-rustls",
        "tonic",
        "tower-http",
        "tracing-subscriber",
    ];
    let found: Vec<&str> = heavy
        .into_iter()
        .filter(|name| crates.contains(name))
        .collect();
    assert!(found.is_empty(), "the core depends on {found:?}");
}

#[test]
fn the_bare_core_has_no_network() {
    let Some(tree) = tree(&["--no-default-features", "-e", "features,normal"]) else {
        return;
    };
    assert!(tree.contains("tokio feature \"time\""), "{tree}");
    for feature in ["net", "full", "fs", "process", "rt-multi-thread"] {
        let line = format!("tokio feature \"{feature}\"");
        assert!(!tree.contains(&line), "the core turns on {line}");
    }
}
