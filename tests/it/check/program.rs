//! The command `apigw check`, run as a user runs it.

use std::collections::BTreeSet;
use std::process::Output;

use serde_json::Value;

use crate::cli::apigw;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/check");
const PETSTORE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi/petstore.yaml");
const MISTAKES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi/mistakes.yaml");

fn case(name: &str) -> String {
    format!("{CASES}/{name}.yaml")
}

/// The exit code, standard output and standard error.
fn check(arguments: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = apigw().arg("check").args(arguments).output().unwrap();
    (
        status.code().unwrap(),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

#[test]
fn findings_are_shown_with_their_lines() {
    let file = case("pattern-newline");
    let (code, out, err) = check(&[&file, "--allow", "integration-type"]);
    assert_eq!(code, 0, "{out}{err}");
    let expected = format!(
        "warning[pattern-newline]: `.` stops at the end of a line: `.*Bad.*` (and 1 more) does not match an error message of several lines
  --> {file}:13:11
   |
13 |           '.*Bad.*': {{statusCode: 400}}
   |           ^^^^^^^^^
   |
   = at /paths/~1function/get/x-amazon-apigateway-integration/responses/.*Bad.*
   = help: begin the pattern with `(?s)`, or write `[\\s\\S]*` for `.*`

"
    );
    assert_eq!(out, expected);
    assert_eq!(
        err,
        "checked 1 document: 1 warning, 3 notes (3 not shown; --level note shows all)\n"
    );
}

#[test]
fn exit_codes() {
    let newline = case("pattern-newline");
    let deny = ["--deny", "warnings"];
    for (arguments, expected) in [
        (vec![PETSTORE], 0),
        (vec![newline.as_str()], 0),
        (vec![newline.as_str(), deny[0], deny[1]], 1),
        (
            vec![
                newline.as_str(),
                deny[0],
                deny[1],
                "--allow",
                "pattern-newline,integration-type",
            ],
            0,
        ),
        (vec![MISTAKES], 1),
        // Errors cannot be allowed.
        (vec![MISTAKES, "--allow", "type", "--allow", "value"], 1),
        (vec![PETSTORE, MISTAKES], 1),
        (vec!["no-such-file.yaml"], 1),
        (vec![], 2),
        (vec![newline.as_str(), "--allow", "no-such-rule"], 2),
        (vec![newline.as_str(), "--format", "xml"], 2),
        (vec!["--explain", "no-such-rule"], 2),
        (vec!["--explain", "json-escape"], 0),
    ] {
        let (code, out, err) = check(&arguments);
        assert_eq!(code, expected, "{arguments:?}\n{out}{err}");
    }
}

#[test]
fn nothing_to_report_is_said() {
    let allowed = "integration-type";
    let (code, out, err) = check(&[PETSTORE, "--level", "error", "--allow", allowed]);
    assert_eq!((code, out.as_str()), (0, ""), "{err}");
    assert!(err.starts_with("checked 1 document: "), "{err}");
}

#[test]
fn what_is_no_document_is_a_finding() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let (code, out, _) = check(&[file]);
    assert_eq!(code, 1);
    assert!(
        out.starts_with("error[") && out.contains(&format!(" --> {file}:")),
        "{out}"
    );
}

#[test]
fn what_cannot_be_read_silences_nothing_else() {
    let file = case("pattern-newline");
    let empty = std::env::temp_dir().join(format!("apigw-empty-{}.yaml", std::process::id()));
    std::fs::write(&empty, " \n").unwrap();
    let gone = "no-such-file.yaml";
    let empty_name = empty.to_str().unwrap();
    let (code, out, _) = check(&[gone, &file, empty_name, "--format", "json"]);
    assert_eq!(code, 1, "{out}");
    let list: Value = serde_json::from_str(&out).unwrap();
    let of = |code: &str, file: &str| {
        let mut list = list.as_array().unwrap().iter();
        list.any(|it| it["code"] == code && it["file"] == file)
    };
    assert!(
        of("unreadable", gone) && of("unreadable", empty_name),
        "{out}"
    );
    assert!(of("pattern-newline", &file), "{out}");

    let (code, out, err) = check(&[gone, &file]);
    assert_eq!(code, 1);
    assert!(
        out.contains("error[unreadable]: there is no file no-such-file.yaml"),
        "{out}"
    );
    assert!(out.contains("warning[pattern-newline]"), "{out}");
    assert!(
        err.starts_with("checked 2 documents: 1 error, 1 warning"),
        "{err}"
    );

    for files in [vec![empty_name], vec![gone, file.as_str()]] {
        let (code, out, _) = check(&[files.as_slice(), &["--format", "sarif"]].concat());
        assert_eq!(code, 1);
        let log: Value = serde_json::from_str(&out).unwrap();
        let schema = serde_json::from_str(include_str!("sarif.schema.json")).unwrap();
        jsonschema::validate(&schema, &log).unwrap_or_else(|error| panic!("{error}\n{log:#}"));
        assert_eq!(log["runs"][0]["results"][0]["ruleId"], "unreadable");
    }
    std::fs::remove_file(empty).unwrap();
}

#[test]
fn no_colours_outside_of_a_terminal() {
    let (_, out, err) = check(&[&case("pattern-newline"), MISTAKES]);
    assert!(!out.is_empty() && !out.contains('\x1b') && !err.contains('\x1b'));
}

#[test]
fn stage_variables_of_several_documents() {
    let (with, without) = (case("stage-variable-unused"), case("pattern-newline"));
    let unused = |files: &[&str]| {
        let mut arguments = vec![
            "--stage-variable",
            "given=backend.example",
            "--stage-variable",
            "idle=secret-value",
        ];
        arguments.extend(files);
        let (_, out, err) = check(&arguments);
        assert!(!out.contains("secret-value") && !err.contains("secret-value"));
        let of = |name: &str| out.contains(&format!("reads the stage variable {name:?}"));
        (of("given"), of("idle"))
    };
    assert_eq!(unused(&[&with]), (false, true));
    assert_eq!(unused(&[&without]), (true, true));
    assert_eq!(unused(&[&with, &without]), (false, true));
}

#[test]
fn json_is_one_list() {
    let (file, other) = (case("json-escape"), case("pattern-never"));
    let (code, out, err) = check(&[&file, &other, "--format", "json", "--level", "note"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let Value::Array(list) = serde_json::from_str(&out).unwrap() else {
        panic!("{out}");
    };
    let keys = [
        "code", "severity", "file", "line", "column", "pointer", "message", "help",
    ];
    for finding in &list {
        let found: Vec<&String> = finding.as_object().unwrap().keys().collect();
        assert_eq!(found, keys);
        let severity = finding["severity"].as_str().unwrap();
        assert!(["note", "warning", "error"].contains(&severity));
    }
    let found = list.iter().find(|it| it["code"] == "json-escape").unwrap();
    assert_eq!(
        (
            &found["file"],
            found["line"].as_u64(),
            found["column"].as_u64()
        ),
        (&Value::from(file), Some(16), Some(29))
    );
    assert!(list.iter().any(|it| it["file"] == other.as_str()));
    assert!(list.iter().any(|it| it["severity"] == "note"));
}

/// What SARIF 2.1.0 asks of a log, as far as this one goes.
#[test]
fn sarif_has_the_shape_that_code_scanning_reads() {
    let output = apigw()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["check", "--format", "sarif", "--level", "note"])
        .args([
            "tests/check/json-escape.yaml",
            "tests/openapi/mistakes.yaml",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema = serde_json::from_str(include_str!("sarif.schema.json")).unwrap();
    jsonschema::validate(&schema, &log).unwrap_or_else(|error| panic!("{error}\n{log:#}"));

    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: BTreeSet<&str> = rules.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len());
    let results = run["results"].as_array().unwrap();
    let mut levels = BTreeSet::new();
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        levels.insert(result["level"].as_str().unwrap());
    }
    assert_eq!(
        levels.into_iter().collect::<Vec<_>>(),
        ["error", "note", "warning"]
    );
    let escape = results
        .iter()
        .find(|it| it["ruleId"] == "json-escape")
        .unwrap();
    let place = &escape["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"]["uri"],
        "tests/check/json-escape.yaml"
    );
    assert_eq!(place["region"]["startLine"], 16);
    assert_eq!(place["region"]["startColumn"], 29);
}

#[test]
fn the_length_of_a_document_that_is_too_long_is_not_made_up() {
    let path = std::env::temp_dir().join(format!("apigw-check-long-{}.yaml", std::process::id()));
    std::fs::write(&path, vec![b'a'; 8 << 20]).unwrap();
    let (code, out, _) = check(&[path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("error[size]: the document has more than 6291456 bytes\n"),
        "{out}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn an_explanation_that_cannot_be_written_fails() {
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_apigw"))
        .args(["check", "--explain", "all"])
        .stdout(full)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.starts_with("error: cannot write the explanation: "),
        "{error}"
    );
}

#[test]
fn rules_are_explained() {
    let (code, out, _) = check(&["--explain", "pattern-newline"]);
    assert_eq!(code, 0);
    assert!(
        out.starts_with("pattern-newline (warning): ") && out.contains("\nSource: AWS: "),
        "{out}"
    );
    let (code, out, _) = check(&["--explain", "all"]);
    assert_eq!(
        (code, out.lines().count()),
        (0, tower_apigw::lint::Rule::ALL.len())
    );
}
