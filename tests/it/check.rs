//! The lints: a case for each rule, the table of the rules, and real documents.

#[cfg(feature = "cli")]
mod program;
mod wild;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use tower_apigw::diagnostic::Diagnostic;
use tower_apigw::lint::{self, Rule};
use tower_apigw::mapping::Stage;
use tower_apigw::openapi::Import;

/// The findings about a document at a stage with one variable.
fn findings(document: &[u8]) -> Vec<Diagnostic> {
    let import = Import::from_slice(document).unwrap();
    let stage = Stage::new("prod")
        .variable("given", "backend.example")
        .variable("idle", "x");
    lint::check(&import, &stage)
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it != "txt"))
        .collect();
    cases.sort();
    cases
}

/// What a case is about: its own rule, and what the others do not say of every document.
fn told(finding: &Diagnostic, rule: &str) -> bool {
    let everywhere = ["buffered", "stage-variable-unused", "integration-type"];
    finding.code == rule || !everywhere.contains(&finding.code)
}

#[test]
fn each_rule_finds_what_is_written_beside_its_case() {
    let (mut wrong, mut silent) = (String::new(), Vec::new());
    let cases = cases();
    assert!(cases.len() > 30, "the cases are missing");
    for path in &cases {
        let rule = path.file_stem().unwrap().to_str().unwrap();
        let mut found = String::new();
        let mut fired = Rule::find(rule).is_none();
        for finding in findings(&fs::read(path).unwrap()) {
            fired |= finding.code == rule;
            if told(&finding, rule) {
                assert!(finding.help.is_some(), "{finding}");
                let _ = writeln!(found, "{finding}");
            }
        }
        if !fired {
            silent.push(rule.to_owned());
        }
        let beside = path.with_extension("txt");
        if env::var_os("UPDATE").is_some() {
            fs::write(beside, found).unwrap();
        } else if fs::read_to_string(beside).unwrap_or_default() != found {
            let _ = writeln!(wrong, "--- {rule}\n{found}");
        }
    }
    assert!(silent.is_empty(), "these never fire: {silent:?}");
    assert!(
        wrong.is_empty(),
        "UPDATE=1 rewrites what is expected\n{wrong}"
    );
}

#[test]
fn the_table_in_the_documentation_has_every_rule() {
    let mut table = "| code | severity | what | source |\n|---|---|---|---|\n".to_owned();
    let mut codes = BTreeSet::new();
    for rule in Rule::ALL {
        assert!(codes.insert(rule.code), "{} stands twice", rule.code);
        assert!(!rule.help.is_empty() && rule.source.len() > 3, "{rule:?}");
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            rule.code, rule.severity, rule.summary, rule.source
        );
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lint/rules.md");
    if env::var_os("UPDATE").is_some() {
        fs::write(file, table).unwrap();
    } else {
        assert_eq!(fs::read_to_string(file).unwrap(), table);
    }
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

/// Every code in the source is a rule: the first argument of what makes findings.
#[test]
fn every_code_is_a_rule() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for room in ["openapi", "mapping", "gateway_response", "lint"] {
        sources(&src.join(room), &mut files);
    }
    let makers = ["error(", "warning(", "warn(", "note(", "fatal(", "tell("];
    let mut codes = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // Tests make up codes of their own.
        let text = text.split("#[cfg(test)]").next().unwrap();
        for maker in makers {
            for (at, _) in text.match_indices(maker) {
                let rest = text[at + maker.len()..].trim_start();
                let rest = rest
                    .strip_prefix("Diagnostic::warning,")
                    .or_else(|| rest.strip_prefix("Diagnostic::note,"))
                    .unwrap_or(rest);
                let Some((code, after)) = rest
                    .trim_start()
                    .strip_prefix('"')
                    .and_then(|rest| rest.split_once('"'))
                else {
                    continue;
                };
                let word = code.chars().all(|c| c.is_ascii_lowercase() || c == '-');
                if word && after.starts_with(',') {
                    codes.insert(code.to_owned());
                }
            }
        }
    }
    assert!(codes.len() > 40, "only {codes:?} were read");
    let unknown: Vec<&String> = codes
        .iter()
        .filter(|code| Rule::find(code).is_none())
        .collect();
    assert!(
        unknown.is_empty(),
        "src/lint/rules.rs does not know {unknown:?}"
    );
}

#[test]
fn findings_stand_where_the_reference_does() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check/places.json");
    let text = fs::read(file).unwrap();
    let found = findings(&text);
    let finding = found.iter().find(|it| it.code == "json-escape").unwrap();
    let at = finding.position.unwrap();
    let text = String::from_utf8(text).unwrap();
    let line = text.lines().nth(at.line - 1).unwrap();
    let rest: String = line.chars().skip(at.column - 1).collect();
    assert!(rest.starts_with("$input.params('q')"), "{finding}");
}

#[test]
fn any_document_is_checked_without_panic() {
    for path in cases() {
        let bytes = fs::read(&path).unwrap();
        for cut in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.clone();
            changed.remove(cut);
            if let Ok(import) = Import::from_slice(&changed) {
                let found = lint::check(&import, &Stage::default());
                for finding in found {
                    assert!(Rule::find(finding.code).is_some(), "{finding}");
                }
            }
        }
    }
}

#[test]
fn findings_are_bounded() {
    let mut template = String::new();
    for number in 0..3_000 {
        let _ = write!(template, "\"a{number}\": \"$input.params('a')\", ");
    }
    let document = serde_json::json!({
        "openapi": "3.0.1", "paths": {"/a": {"get": {"x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": format!("{{{template}}}")},
            "responses": {"default": {"statusCode": 200}},
        }}}},
    });
    let found = findings(document.to_string().as_bytes());
    assert!((1_000..2_100).contains(&found.len()), "{}", found.len());
    assert_eq!(found.last().unwrap().code, "too-many-findings");
}

#[test]
fn variables_that_are_set_from_each_other_take_no_power_of_time() {
    // Each of them took minutes.
    for (line, print) in [
        ("#set($a=$a)", r#"{"a": "$a"}"#),
        ("#set($t=$a)#set($a=$b)#set($b=$t)", r#"{"a": "$a"}"#),
        ("#set($c=$c.trim())", r#"{"c": "$c"}"#),
        (
            r##"#foreach($x in [1])#set($i="$i$x")#set($i="$i,")#set($i=$i)#end"##,
            r#"{"i": "$i"}"#,
        ),
    ] {
        let template = format!("#set($a = $input.params('q')){}{print}", line.repeat(100));
        let document = serde_json::json!({
            "openapi": "3.0.1",
            "info": {"title": "t", "version": "1"},
            "paths": {"/": {"get": {
                "responses": {},
                "x-amazon-apigateway-integration": {
                    "type": "http",
                    "httpMethod": "GET",
                    "uri": "http://backend.example/",
                    "requestTemplates": {"application/json": template},
                    "responses": {"default": {"statusCode": "200"}}
                }
            }}}
        });
        let codes: Vec<_> = findings(document.to_string().as_bytes())
            .into_iter()
            .map(|finding| finding.code)
            .collect();
        assert!(!codes.contains(&"template-syntax"), "{codes:?}");
    }
    // What is within reach is still found.
    let template = r#"#set($a = $input.params('q'))#set($b = $a)#set($c = $b){"c": "$c"}"#;
    let document = format!(
        r#"{{"openapi": "3.0.1", "info": {{"title": "t", "version": "1"}}, "paths": {{"/": {{"get": {{"responses": {{}},
        "x-amazon-apigateway-integration": {{"type": "http", "httpMethod": "GET", "uri": "http://backend.example/",
        "requestTemplates": {{"application/json": {}}}, "responses": {{"default": {{"statusCode": "200"}}}}}}}}}}}}}}"#,
        serde_json::Value::from(template)
    );
    let found = findings(document.as_bytes());
    assert!(
        found.iter().any(|finding| finding.code == "json-escape"),
        "{found:?}"
    );
}

/// An operation whose integration has these members.
fn operation(members: &str) -> String {
    format!(
        r#"{{"responses": {{"200": {{"description": "ok"}}}}, "x-amazon-apigateway-integration": {{{members}}}}}"#
    )
}

fn document(paths: &[String]) -> Vec<Diagnostic> {
    let text = format!(
        r#"{{"openapi": "3.0.1", "info": {{"title": "x", "version": "1"}}, "paths": {{{}}}}}"#,
        paths.join(",")
    );
    lint::check(
        &Import::from_slice(text.as_bytes()).unwrap(),
        &Stage::default(),
    )
}

/// Each of these took from a minute to hours before in a build like this one.
#[test]
fn hostile_documents_take_time_that_grows_with_their_length() {
    let begun = std::time::Instant::now();
    let mock = |template: &str| {
        let quoted = serde_json::to_string(template).unwrap();
        operation(&format!(
            r#""type": "mock", "requestTemplates": {{"application/json": {quoted}}}, "responses": {{"default": {{"statusCode": "200"}}}}"#
        ))
    };
    let left_out = |found: &[Diagnostic]| {
        let last = found.last().unwrap();
        assert_eq!(last.code, "too-many-findings");
        assert!(found.len() <= 2_100, "{}", found.len());
    };
    // Variables that are set from each other, each many times.
    let sets = "#set($a = $b)\n#set($b = \"$a\")\n".repeat(7_000);
    let found = document(&[format!(r#""/p": {{"get": {}}}"#, mock(&sets))]);
    assert!(found.len() < 10, "{found:?}");
    // More findings than anybody reads, in one line.
    let names = "$zzz.yyy ".repeat(30_000);
    left_out(&document(&[format!(
        r#""/p": {{"get": {}}}"#,
        mock(&names)
    )]));
    // The same of what is found when the document is compiled.
    let variables = "$stageVariables.v1 ".repeat(15_000);
    left_out(&document(&[format!(
        r#""/p": {{"get": {}}}"#,
        mock(&variables)
    )]));
    // A path of many variables.
    let path: Vec<String> = (0..60_000).map(|number| format!("{{a{number}}}")).collect();
    document(&[format!(
        r#""/{}": {{"get": {}}}"#,
        path.join("/"),
        mock("{}")
    )]);
    // Many patterns, and one that is long.
    let http = |patterns: &[String]| {
        let responses: Vec<String> = patterns
            .iter()
            .map(|it| format!(r#""{it}": {{"statusCode": "200"}}"#))
            .collect();
        operation(&format!(
            r#""type": "http", "httpMethod": "GET", "uri": "http://a.example/", "responses": {{{}}}"#,
            responses.join(",")
        ))
    };
    let many: Vec<String> = (0..2_001).map(|number| format!("4.{number}")).collect();
    let found = document(&[format!(r#""/p": {{"get": {}}}"#, http(&many))]);
    let error = found.iter().find(|finding| finding.is_error()).unwrap();
    assert_eq!(error.code, "selection-pattern");
    assert!(
        error.message.starts_with("the API has more than 2000"),
        "{}",
        error.message
    );
    let long = ["(a|b)*".repeat(10_000)];
    let found = document(&[format!(r#""/p": {{"get": {}}}"#, http(&long))]);
    let error = found.iter().find(|finding| finding.is_error()).unwrap();
    assert!(
        error.message.ends_with("60000 bytes, more than 32768"),
        "{}",
        error.message
    );
    let taken = begun.elapsed();
    assert!(taken < std::time::Duration::from_secs(40), "{taken:?}");
}
