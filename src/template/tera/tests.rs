//! What Tera templates see of a call.

use super::*;
use crate::template::{Context, Limits, OverrideValue, Params};

fn render_within(
    body: &str,
    source: &str,
    media_type: &str,
    limits: &Limits,
) -> Result<(String, Overrides), RenderError> {
    let context = Context {
        stage: Some("prod".into()),
        request_time_epoch: Some(7),
        identity: Some(crate::template::Identity::default()),
        ..Context::default()
    };
    let mut before = Overrides::default();
    before.set_response_status(OverrideValue::Integer(202));
    let scope = Scope {
        body: body.as_bytes(),
        params: Params {
            path: &[("id".into(), "p\"1".into())],
            ..Params::default()
        },
        context: &context,
        stage_variables: &[("table".to_owned(), "items".to_owned())],
        overrides: &before,
        limits,
    };
    let mut out = String::from(">");
    let overrides = Tera::default()
        .compile(source, media_type)
        .unwrap()
        .render(&scope, &mut out)?;
    Ok((out, overrides))
}

fn render(body: &str, source: &str, media_type: &str) -> Result<(String, Overrides), RenderError> {
    render_within(body, source, media_type, &Limits::default())
}

fn json(body: &str, source: &str) -> String {
    match render(body, source, "application/json") {
        Ok((text, _)) => text,
        Err(error) => panic!("{source}: {error}"),
    }
}

#[test]
fn facts() {
    assert_eq!(
        json(
            "",
            "{{ context.stage }}{{ context.requestTimeEpoch }}{{ stage_variables.table }}"
        ),
        ">prod7items"
    );
    assert_eq!(
        json("", "{{ context.responseOverride.status }}{{ input.body }}"),
        ">202{}"
    );
    assert_eq!(
        json(
            "",
            "{{ params(name='id') }}|{{ params(name='no') }}|{{ input.params.path.id }}"
        ),
        ">p\\\"1||p\\\"1"
    );
    assert_eq!(json("a\"b", "{% set i = input %}{{ i.body }}"), ">a\\\"b");
}

#[test]
fn json_is_escaped_where_it_must_be() {
    let body = r#"{"a": "x\"y", "l": [1, 1e21, 12345678901234567890, null, true], "o": {"k": 1}}"#;
    assert_eq!(
        json(body, r#"{"a": "{{ input_path(path="$.a") }}"}"#),
        r#">{"a": "x\"y"}"#
    );
    assert_eq!(
        json(body, "{{ input_json(path='$.l') }}"),
        ">[1,1e+21,12345678901234567890,null,true]"
    );
    assert_eq!(
        json(
            body,
            "{{ input_json(path='$.nope') }}{{ input_path(path='$.o') | json_encode }}"
        ),
        r#">null{"k":1}"#
    );
    assert_eq!(
        json(
            body,
            "{{ input_json(path=\"$['o','a']\") }}{{ input_json(path='$..k') }}"
        ),
        r#">{"o":{"k":1},"a":"x\"y"}[1]"#
    );
    let (text, _) = render(body, "{{ input_path(path='$.a') }}", "text/plain").unwrap();
    assert_eq!(text, ">x\"y");
    let (text, _) = render(
        body,
        "{{ input_path(path='$.a') }}",
        "application/hal+json; charset=utf-8",
    )
    .unwrap();
    assert_eq!(text, ">x\\\"y");
}

#[test]
fn functions_of_util() {
    assert_eq!(
        json(
            "",
            "{{ 'a/b' | util_escape_javascript }}{{ 'a b' | util_url_encode }}{{ 'a+b' | util_url_decode }}"
        ),
        ">a\\/ba+ba b"
    );
    assert_eq!(
        json(
            "",
            "{{ 'a' | util_base64_encode }}{{ 'YQ' | util_base64_decode }}"
        ),
        ">YQ==a"
    );
    assert_eq!(
        json(
            "",
            "{% set v = '{\"a\": [1]}' | util_parse_json %}{{ v.a[0] }}"
        ),
        ">1"
    );
}

#[test]
fn overrides_are_collected() {
    let source = "{{ override_request_header(name='x', value=['1', '2']) }}{{ override_response_status(value=404) }}";
    let (text, overrides) = render("", source, "application/json").unwrap();
    assert_eq!(text, ">");
    assert_eq!(
        overrides.request_headers().next().unwrap().1.texts(),
        ["1", "2"]
    );
    assert_eq!(
        overrides.response_status(),
        Some(&OverrideValue::Integer(404))
    );
    let twice = "{{ override_request_path(name='x', value=1) }}{{ override_request_path(name='x', value=2) }}";
    let error = render("", twice, "application/json").unwrap_err();
    assert_eq!(error.kind(), RenderErrorKind::Template);
    assert!(error.message().contains("only once"), "{error}");
}

#[test]
fn errors_are_typed() {
    let error = render("{a", "{{ input_json(path='$') }}", "application/json").unwrap_err();
    assert_eq!(error.kind(), RenderErrorKind::Payload);
    assert!(
        error.message().starts_with("Could not process payload"),
        "{error}"
    );
    assert_eq!(
        json("{a", "{% if false %}{{ input_json(path='$') }}{% endif %}"),
        ">"
    );
    let error = render("{}", "a\n{{ input_json(path='$[') }}", "application/json").unwrap_err();
    assert_eq!(
        (error.kind(), error.position().unwrap().line),
        (RenderErrorKind::Template, 2)
    );
    let error = render("", "{{ nope.x }}", "application/json").unwrap_err();
    assert_eq!(error.kind(), RenderErrorKind::Template);
    let limits = Limits {
        output: 1000,
        ..Limits::default()
    };
    let long = "{% for i in range(end=1000) %}abcdef{% endfor %}";
    let error = render_within("", long, "text/plain", &limits).unwrap_err();
    assert_eq!(error.kind(), RenderErrorKind::Limit);
}

#[test]
fn compile_errors_say_where() {
    for (source, line) in [
        ("a\n{{ x", Some(2)),
        ("{% if %}", Some(1)),
        ("{{ 1 | nope }}", Some(1)),
        ("{% include 'x' %}", None),
    ] {
        let error = Tera::default().compile(source, "text/plain").unwrap_err();
        if line.is_some() {
            assert_eq!(error.position().map(|at| at.line), line, "{error}");
        }
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn what_reads_the_body() {
    let reads = |source: &str| {
        Tera::default()
            .compile(source, "text/plain")
            .unwrap()
            .reads_body()
    };
    for source in [
        "{{ input.body }}",
        "{{ input_json(path='$') }}",
        "{% set i = input %}{{ i.body }}",
    ] {
        assert!(reads(source), "{source}");
    }
    for source in [
        "",
        "{{ params(name='x') }}",
        "{{ input.params.path.id }}",
        "{{ context.stage }}",
    ] {
        assert!(!reads(source), "{source}");
    }
}
