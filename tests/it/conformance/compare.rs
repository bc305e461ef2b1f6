//! What a backend and a client saw, held against what a case expects; each difference is a line.

use fancy_regex::Regex;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::backend::Recorded;
use super::case::decode_base64;
use crate::support::{Lines, joined};

/// An answer as the client got it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Lines,
    pub(super) body: Vec<u8>,
}

pub(super) fn check_answer(expected: &Value, answer: &Answer) -> Vec<String> {
    let mut out = Vec::new();
    let number = u64::from(answer.status);
    let right = match &expected["status"] {
        Value::Null => true,
        Value::Array(any) => any.iter().any(|one| one.as_u64() == Some(number)),
        Value::String(text) => matches_text(text, &answer.status.to_string()),
        one => one.as_u64() == Some(number),
    };
    if !right {
        out.push(format!(
            "status: wanted {}, got {number}",
            expected["status"]
        ));
    }
    check_headers(expected, &answer.headers, "response", &mut out);
    check_body(expected, &answer.body, "response", &mut out);
    out
}

pub(super) fn check_backend(expected: &Value, got: &Recorded) -> Vec<String> {
    let mut out = Vec::new();
    let (path, query) = got.path_and_query();
    if let Some(method) = expected["method"].as_str()
        && method != got.method
    {
        out.push(format!(
            "backend method: wanted {method}, got {}",
            got.method
        ));
    }
    if let Some(wanted) = expected["path"].as_str()
        && !matches_text(wanted, path)
    {
        out.push(format!("backend path: wanted {wanted:?}, got {path:?}"));
    }
    let query: Vec<(String, String)> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(decoded_pair)
        .collect();
    if let Some(wanted) = pairs(&expected["query"])
        && sorted(wanted.clone()) != sorted(query.clone())
    {
        out.push(format!("backend query: wanted {wanted:?}, got {query:?}"));
    }
    if let Some(wanted) = pairs(&expected["query_subset"]) {
        let mut left = query.clone();
        for pair in wanted {
            match left.iter().position(|it| *it == pair) {
                Some(index) => drop(left.remove(index)),
                None => out.push(format!("backend query: {pair:?} is missing in {query:?}")),
            }
        }
    }
    if let Some(action) = expected["aws_action"].as_str() {
        let target = joined(&got.headers, "x-amz-target").unwrap_or_default();
        let in_query = query
            .iter()
            .any(|(name, value)| name == "Action" && value == action);
        if !in_query && !target.ends_with(&format!(".{action}")) {
            out.push(format!(
                "backend: the action {action} is neither in ?Action= nor in X-Amz-Target \
                 (query {query:?}, target {target:?})"
            ));
        }
    }
    check_headers(expected, &got.headers, "backend", &mut out);
    check_body(expected, &got.body, "backend", &mut out);
    out
}

fn check_headers(expected: &Value, headers: &Lines, who: &str, out: &mut Vec<String>) {
    for (name, wanted) in expected["headers"].as_object().into_iter().flatten() {
        let got = joined(headers, name);
        if !got
            .as_deref()
            .is_some_and(|got| matches_header(wanted, got))
        {
            out.push(format!("{who} header {name}: wanted {wanted}, got {got:?}"));
        }
    }
    for name in expected["absent_headers"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("a header name is a text");
        if let Some(got) = joined(headers, name) {
            out.push(format!("{who} header {name}: must be absent, is {got:?}"));
        }
    }
}

fn check_body(expected: &Value, body: &[u8], who: &str, out: &mut Vec<String>) {
    let text = String::from_utf8_lossy(body);
    if let Some(wanted) = expected["body"].as_str()
        && wanted.as_bytes() != body
    {
        out.push(format!(
            "{who} body: wanted {:?}, got {:?}",
            short(wanted),
            short(&text)
        ));
    }
    if let Some(wanted) = expected["body_base64"].as_str()
        && decode_base64(wanted) != body
    {
        out.push(format!(
            "{who} body: wanted the base64 {}, got {:?}",
            short(wanted),
            short(&text)
        ));
    }
    if let Some(pattern) = expected["body_re"].as_str()
        && !finds(pattern, &text)
    {
        out.push(format!(
            "{who} body: {:?} does not match {pattern:?}",
            short(&text)
        ));
    }
    for (key, subset) in [("body_json", false), ("body_json_subset", true)] {
        let Some(wanted) = expected.get(key) else {
            continue;
        };
        match serde_json::from_str(&text) {
            Ok(got) => compare_json(wanted, &got, subset, &format!("{who} body $"), out),
            Err(_) => out.push(format!("{who} body is not JSON: {:?}", short(&text))),
        }
    }
    if let Some(wanted) = pairs(&expected["body_form"]) {
        let got: Vec<_> = text.split('&').map(decoded_pair).collect();
        if sorted(wanted.clone()) != sorted(got.clone()) {
            out.push(format!("{who} form body: wanted {wanted:?}, got {got:?}"));
        }
    }
}

const ABSENT: &str = "__absent__";

fn compare_json(wanted: &Value, got: &Value, subset: bool, place: &str, out: &mut Vec<String>) {
    match (wanted, got) {
        (Value::String(text), _) if text == ABSENT => {
            out.push(format!("{place}: must be absent, is {}", short_json(got)));
        }
        (Value::String(text), _) if text.starts_with("re:") => match scalar(got) {
            Some(scalar) if matches_text(text, &scalar) => {}
            Some(scalar) => out.push(format!("{place}: {scalar:?} does not match {text:?}")),
            None => out.push(format!(
                "{place}: wanted a text like {text:?}, got {}",
                short_json(got)
            )),
        },
        (Value::Object(members), Value::Object(found)) => {
            for (key, wanted) in members {
                let place = format!("{place}.{key}");
                match found.get(key) {
                    Some(got) => compare_json(wanted, got, subset, &place, out),
                    None if wanted == ABSENT => {}
                    None => out.push(format!(
                        "{place}: is missing, wanted {}",
                        short_json(wanted)
                    )),
                }
            }
            if !subset {
                for (key, got) in found.iter().filter(|(key, _)| !members.contains_key(*key)) {
                    out.push(format!("{place}.{key}: unexpected {}", short_json(got)));
                }
            }
        }
        (Value::Array(items), Value::Array(found)) if items.len() == found.len() => {
            for (index, (wanted, got)) in items.iter().zip(found).enumerate() {
                compare_json(wanted, got, subset, &format!("{place}[{index}]"), out);
            }
        }
        (Value::Number(wanted), Value::Number(got)) if wanted.as_f64() == got.as_f64() => {}
        _ if wanted == got => {}
        _ => out.push(format!(
            "{place}: wanted {}, got {}",
            short_json(wanted),
            short_json(got)
        )),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn matches_text(wanted: &str, got: &str) -> bool {
    match wanted.strip_prefix("re:") {
        Some(pattern) => finds(pattern, got),
        None => wanted == got,
    }
}

/// Values of one header compare the same however they were spread over lines.
fn matches_header(wanted: &Value, got: &str) -> bool {
    match wanted {
        Value::Array(any) => any.iter().any(|one| matches_header(one, got)),
        Value::String(text) if text.starts_with("re:") => matches_text(text, got),
        Value::String(text) => squeezed(text) == squeezed(got),
        other => panic!("{other} is no header value"),
    }
}

fn squeezed(value: &str) -> String {
    value
        .split(',')
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(",")
}

fn finds(pattern: &str, text: &str) -> bool {
    let regex =
        Regex::new(&format!("(?s){pattern}")).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    regex
        .is_match(text)
        .unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

fn pairs(value: &Value) -> Option<Vec<(String, String)>> {
    let text = |value: &Value| value.as_str().expect("a pair holds texts").to_owned();
    Some(
        value
            .as_array()?
            .iter()
            .map(|pair| (text(&pair[0]), text(&pair[1])))
            .collect(),
    )
}

fn decoded_pair(part: &str) -> (String, String) {
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    (decode(name), decode(value))
}

fn sorted(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort();
    pairs
}

fn short(text: &str) -> String {
    const MOST: usize = 240;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

fn short_json(value: &Value) -> String {
    short(&value.to_string())
}

#[test]
fn a_difference_is_found() {
    let answer = |body: &str| Answer {
        status: 200,
        headers: vec![("X-A".into(), "1".into()), ("x-a".into(), "2".into())],
        body: body.into(),
    };
    let check = |expected: Value, body: &str| check_answer(&expected, &answer(body)).len();
    use serde_json::json;
    assert_eq!(
        check(
            json!({"status": [404, 200], "headers": {"x-a": "1 ,2"}}),
            ""
        ),
        0
    );
    assert_eq!(
        check(
            json!({"status": "re:4..", "headers": {"x-a": "1"}, "absent_headers": ["X-a"]}),
            ""
        ),
        3
    );
    assert_eq!(
        check(
            json!({"body_json": {"a": "re:^1$", "b": "__absent__"}}),
            r#"{"a": 1}"#
        ),
        0
    );
    assert_eq!(check(json!({"body_json": {"a": 1}}), r#"{"a": true}"#), 1);
    assert_eq!(
        check(json!({"body_json": {"a": [1.0]}}), r#"{"a": [1], "c": 2}"#),
        1
    );
    assert_eq!(
        check(
            json!({"body_json_subset": {"a": [1.0]}}),
            r#"{"a": [1], "c": 2}"#
        ),
        0
    );
    assert_eq!(
        check(json!({"body_json_subset": {"a": [1]}}), r#"{"a": [1, 2]}"#),
        1
    );
    assert_eq!(check(json!({"body_json": null}), "null"), 0);
    assert_eq!(
        check(json!({"body_form": [["a b", "c"], ["d", ""]]}), "d&a+b=%63"),
        0
    );
    assert_eq!(
        check(
            json!({"body": "x", "body_re": "^y", "body_base64": "eA=="}),
            "y"
        ),
        2
    );
}
