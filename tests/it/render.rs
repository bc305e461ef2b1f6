//! `apigw render`, run as a user runs it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::cli::{Document, apigw, outcome, run};

/// Runs with something on standard input.
fn piped(arguments: &[&str], input: impl AsRef<[u8]>) -> (i32, String, String) {
    let mut command = apigw();
    let mut child = command
        .arg("render")
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_vec();
    let writer = std::thread::spawn(move || {
        // A program that fails early does not read all of it.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    outcome(output)
}

fn template(source: &str) -> Document {
    Document::new("vtl", source)
}

#[test]
fn the_output_is_exact() {
    let document = template("{\n  \"n\": $input.json('$.n')}");
    let body = Document::new("json", r#"{"n": [1, "é"]}"#);
    let done = run(&["render", document.path(), "--body", body.path()]);
    assert_eq!(done, (0, "{\n  \"n\": [1,\"é\"]}".into(), String::new()));
    assert_eq!(piped(&["-"], ""), (0, String::new(), String::new()));
    assert_eq!(
        piped(&["-"], "a\r\n\n"),
        (0, "a\r\n\n".into(), String::new())
    );
}

#[test]
fn everything_a_request_has_can_be_given() {
    let source = "$input.params('a')|$input.params().path.a|$input.params().header.X-Two|$input.params('x-two')|\
                  $input.params('q')|$stageVariables.v|$stageVariables.w|$input.body";
    let document = template(source);
    let mut command = apigw();
    command
        .args([
            "render",
            document.path(),
            "--path",
            "a=path",
            "--query",
            "a=query",
            "--header",
            "X-Two=2",
        ])
        .args([
            "--query",
            "q=first",
            "--query",
            "q=k=v",
            "--stage-variable",
            "v=",
            "--stage-variable",
            "w=x y",
        ]);
    let done = outcome(command.output().unwrap());
    assert_eq!(done, (0, "path|path|2||k=v||x y|{}".into(), String::new()));

    let mut command = apigw();
    let command = command
        .args(["render", document.path()])
        .env("APIGW_STAGE_VARIABLE", "v=1\nw=2\n");
    assert_eq!(outcome(command.output().unwrap()).1, "|||||1|2|{}");
}

#[test]
fn the_context_is_laid_over_an_invented_one() {
    let source = "$context.stage $context.apiId $context.identity.sourceIp $context.identity.userAgent \
                  $context.authorizer.claims.sub $context.identity.caller|$context.requestTimeEpoch";
    let plain = piped(&["-"], source);
    let wanted = "default local 127.0.0.1 apigw  |1735689600000";
    assert_eq!(plain, (0, wanted.into(), String::new()));
    let facts = r#"{"stage": "prod", "identity": {"sourceIp": "192.0.2.7"}, "authorizer": {"claims": {"sub": "s"}}}"#;
    let context = Document::new("json", facts);
    let wanted = "prod local 192.0.2.7 apigw s |1735689600000";
    assert_eq!(piped(&["-", "--context", context.path()], source).1, wanted);

    let document = template(source);
    assert_eq!(piped(&[document.path(), "--context", "-"], facts).1, wanted);
    let mut command = apigw();
    let command = command
        .args(["render", document.path()])
        .env("APIGW_CONTEXT", context.path());
    assert_eq!(outcome(command.output().unwrap()).1, wanted);
}

#[test]
fn overrides_go_to_standard_error() {
    let source = "#set($context.requestOverride.header.X-A = ['1', '2'])#set($context.responseOverride.status = 404)done";
    let (code, out, err) = piped(&["-"], source);
    assert_eq!((code, out.as_str()), (0, "done"));
    let overrides: Value = serde_json::from_str(&err).unwrap();
    let wanted = json!({"requestOverride": {"header": {"X-A": ["1", "2"]}}, "responseOverride": {"status": 404}});
    assert_eq!(overrides, wanted);
}

#[test]
fn the_trace_tells_sets_branches_rounds_and_what_has_no_value() {
    let source = "#set($root = $input.path('$'))\n#if($root.n > 3)\nbig\n#elseif($root.n == 2)\ntwo $input.pth('$.a')\n#else\n\
                  none\n#end\n  #set($m = {'k=': \"$root.n\"})\n#set($m['k='] = $nope)\n#if(false)#else x#end\n\
                  #set($context.responseOverride.status = 500)\n#foreach($i in [1..2])$util.urlencode($i)#end\n\
                  #set($n = 1 / 0)";
    let document = template(source);
    let (code, out, err) = piped(&[document.path(), "--body", "-", "--trace"], r#"{"n": 2}"#);
    assert_eq!((code, out.as_str()), (0, "two \n x"));
    let file = document.path();
    let wanted = [
        "1:1: set $root to {\"n\":2}",
        "2:1: not taken: #if($root.n > 3)",
        "4:1: taken: #elseif($root.n == 2)",
        "5:5: no value: $input.pth('$.a') (did you mean `$input.path`?)",
        "9:3: set $m to {\"k=\":\"2\"}",
        "10:17: no value: $nope",
        "10:1: set $m['k='] to \"\"",
        "11:1: not taken: #if(false)",
        "11:11: taken: #else",
        "12:1: set $context.responseOverride.status to 500",
        "13:1: round 1: #foreach($i in [1..2])",
        "13:23: no value: $util.urlencode($i) (did you mean `$util.urlEncode`?)",
        "13:1: round 2: #foreach($i in [1..2])",
        "13:23: no value: $util.urlencode($i) (did you mean `$util.urlEncode`?)",
        "13:1: ended after 2 rounds: #foreach($i in [1..2])",
        "14:1: not set: $n",
    ];
    let mut wanted = wanted.map(|line| format!("{file}:{line}\n")).concat();
    wanted.push_str("{\"responseOverride\":{\"status\":500}}\n");
    assert_eq!(err, wanted);
}

#[test]
fn the_trace_goes_as_far_as_the_rendering() {
    let (code, out, err) = piped(&["-", "--trace"], "x#set($s = 'abc')\n$s.charAt(3)");
    assert_eq!((code, out.as_str()), (1, ""));
    let mut lines = err.lines();
    assert_eq!(lines.next(), Some("<stdin>:1:2: set $s to \"abc\""));
    assert!(
        lines.next().unwrap().starts_with("error[render]: "),
        "{err}"
    );
    assert_eq!(lines.next(), Some(" --> <stdin>:2:3"));
}

#[test]
fn errors_show_the_line_and_the_place() {
    let document = template("{\n  é #if(x)1#end\n}");
    let (code, out, err) = run(&["render", document.path()]);
    assert_eq!((code, out.as_str()), (1, ""));
    let place = format!("\n --> {}:2:9\n", document.path());
    assert!(
        err.starts_with("error[template]: unexpected `x`") && err.contains(&place),
        "{err}"
    );
    assert!(
        err.contains("\n  |\n2 |   é #if(x)1#end\n  |         ^\n  |\n  = help: "),
        "{err}"
    );

    let (code, out, err) = piped(&["-"], "text\n$input.params('q', 1 + 1)");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("<stdin>:2:"), "{err}");

    let body = Document::new("json", r#"{"a": "#);
    let (code, out, err) = piped(&["-", "--body", body.path()], "ab $input.json('$.a')");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("error[payload]: "), "{err}");
    assert!(
        err.contains("--> <stdin>:1:10\n") && err.contains("= help: "),
        "{err}"
    );

    let endless =
        "#foreach($a in [1..1000])#foreach($a in [1..1000])#foreach($a in [1..1000])#end#end#end";
    let (code, _, err) = piped(&["-"], endless);
    assert_eq!(code, 1);
    assert!(err.contains("error[limit]: "), "{err}");
}

#[test]
fn what_cannot_be_read_is_named() {
    for (arguments, wanted) in [
        (&["nowhere.vtl"][..], "there is no file nowhere.vtl"),
        (
            &["-", "--body", "nowhere.json"],
            "there is no file nowhere.json",
        ),
        (
            &["-", "--context", "nowhere.json"],
            "there is no file nowhere.json",
        ),
        (
            &["--cases", "nowhere.jsonl"],
            "there is no file nowhere.jsonl",
        ),
        (&["/"], "cannot read the template /"),
    ] {
        let (code, out, err) = piped(arguments, "x");
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}");
        assert!(err.starts_with(&format!("error: {wanted}")), "{err}");
    }
    let (code, _, err) = piped(&["-"], b"a\nb\xff");
    assert_eq!(code, 1);
    assert!(
        err.starts_with("error: <stdin>:2: the template is not UTF-8\n  help: "),
        "{err}"
    );
    let (code, _, err) = piped(&["-"], vec![b' '; 11 << 20]);
    assert_eq!(code, 1);
    assert!(err.contains("has more than 10485760 bytes"), "{err}");
    // A payload may be anything.
    let body = Document::new("bin", b"a\xff");
    let done = piped(&["-", "--body", body.path()], "$input.body");
    assert_eq!(done, (0, "a\u{FFFD}".into(), String::new()));

    let context = Document::new("json", "{\"a\":\n 1,}");
    let (code, _, err) = piped(&["-", "--context", context.path()], "x");
    assert_eq!(code, 1);
    let wanted = format!(
        "error[context]: trailing comma\n --> {}:2:4\n",
        context.path()
    );
    assert!(err.starts_with(&wanted), "{err}");
    let context = Document::new("json", "[]");
    let (code, _, err) = piped(&["-", "--context", context.path()], "x");
    assert_eq!(code, 1);
    assert!(err.contains("is no JSON object\n  help: "), "{err}");
}

#[test]
fn wrong_usage_is_told_with_2() {
    for (arguments, wanted) in [
        (&[][..], "TEMPLATE"),
        (
            &["-", "--body", "-"],
            "the template and --body cannot both be standard input",
        ),
        (
            &["-", "--context", "-"],
            "the template and --context cannot both be standard input",
        ),
        (&["x", "--cases", "-"], "cannot be used with"),
        (&["--cases", "-", "--trace"], "cannot be used with"),
        (&["--cases", "-", "--body", "x"], "cannot be used with"),
        (
            &["-", "--header", "secret"],
            "a header has no name, or no `=` behind it\n  help: write --header NAME=VALUE",
        ),
        (&["-", "--query", "=x"], "a query parameter has no name"),
        (&["-", "--path", "x"], "a path parameter has no name"),
        (
            &["-", "--stage-variable", "x"],
            "a stage variable has no name",
        ),
        (&["-", "--engine", "jinja"], "possible values: vtl, tera"),
        (
            &["-", "--engine", "tera", "--trace"],
            "--trace follows templates in VTL only",
        ),
    ] {
        let (code, out, err) = piped(arguments, "x");
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?} {err}");
        assert!(err.contains(wanted), "{err}");
        assert!(!err.contains("secret"), "{err}");
    }
    let (code, out, _) = run(&["render", "--help"]);
    assert_eq!(code, 0);
    assert!(out.contains("Examples:\n  apigw render order.vtl"), "{out}");
}

#[test]
fn templates_in_tera() {
    let source = r#"{"q": "{{ params(name="q") }}"}{{ override_response_status(value=404) }}"#;
    let done = piped(&["-", "--engine", "tera", "--query", "q=\""], source);
    let overrides = "{\"responseOverride\":{\"status\":404}}\n";
    assert_eq!(done, (0, r#"{"q": "\""}"#.into(), overrides.into()));
    let text = [
        "-",
        "--engine",
        "tera",
        "--query",
        "q=\"",
        "--content-type",
        "text/plain",
    ];
    assert_eq!(piped(&text, "{{ params(name=\"q\") }}").1, "\"");
    let (code, _, err) = piped(&["-", "--engine", "tera"], "a\n{% if %}");
    assert_eq!(code, 1);
    assert!(
        err.starts_with("error[template]: ") && err.contains(" --> <stdin>:2:7\n"),
        "{err}"
    );
}

#[test]
fn cases_are_answered_line_by_line() {
    let cases = [
        r#"{"name": "sum", "template": "$input.json('$.a')", "body": "{\"a\": 1}"}"#,
        "",
        r##"{"name": "parse", "template": "#if("}"##,
        r##"{"name": "fails", "template": "#include('x')"}"##,
        r##"{"name": 4, "template": "#set($context.responseOverride.status = 1)\u2028\n$stageVariables.v", "stageVariables": {"v": "é"}}"##,
        "nonsense",
    ]
    .join("\n");
    let (code, out, err) = piped(&["--cases", "-"], &cases);
    assert_eq!((code, err.as_str()), (0, ""));
    let answers: Vec<Value> = out
        .split_terminator('\n')
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 5, "{out}");
    assert_eq!(answers[0], json!({"name": "sum", "output": "1"}));
    assert_eq!(answers[1]["kind"], "parse");
    assert_eq!(answers[2]["kind"], "runtime");
    let overridden = json!({"name": 4, "output": "\u{2028}\né", "overrides": {"responseOverride": {"status": 1}}});
    assert_eq!(answers[3], overridden);
    assert_eq!(
        (&answers[4]["name"], &answers[4]["kind"]),
        (&Value::Null, &json!("parse"))
    );

    let file = Document::new("jsonl", &cases);
    assert_eq!(run(&["render", "--cases", file.path()]).1, out);
    let (code, _, err) = piped(&["--cases", "-"], b"\n\xff");
    assert_eq!(
        (code, err.as_str()),
        (1, "error: <stdin>:2: the line is not UTF-8\n")
    );
}

/// The answer to one case is there before the next is written.
#[test]
fn a_program_can_talk_to_it() {
    use std::io::{BufRead, BufReader};
    let mut command = apigw();
    let mut child = command
        .args(["render", "--cases", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for number in 0..3 {
        writeln!(stdin, "{{\"name\": {number}, \"template\": \"x\"}}").unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, format!("{{\"name\":{number},\"output\":\"x\"}}\n"));
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// The program answers the cases of the project as the library does, which is tested against what is expected.
#[test]
fn case_files_go_through_the_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vtl");
    let text = fs::read_to_string(folder.join("realworld.jsonl")).unwrap();
    let (code, out, err) = piped(&["--cases", "-"], &text);
    assert_eq!((code, err.as_str()), (0, ""));
    let mut answers = out.split_terminator('\n');
    for line in text.split_terminator('\n') {
        let case: Value = serde_json::from_str(line).unwrap();
        let answer: Value = serde_json::from_str(answers.next().unwrap()).unwrap();
        assert_eq!(answer["name"], case["name"]);
        assert_eq!(
            answer.get("output").unwrap_or(&Value::Null),
            &case["expected"],
            "{}",
            case["name"]
        );
    }
    assert_eq!(answers.next(), None);
}
