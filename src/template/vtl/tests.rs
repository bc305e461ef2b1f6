//! What templates see of a call, through the engine.

use super::*;
use crate::template::{Context, Identity, Limits, OverrideValue, Params, RenderErrorKind};

struct Call {
    body: &'static str,
    context: Context,
    overrides: Overrides,
}

fn call(body: &'static str) -> Call {
    let identity = Identity {
        source_ip: Some("192.0.2.7".into()),
        ..Identity::default()
    };
    Call {
        body,
        context: Context {
            stage: Some("prod".into()),
            identity: Some(identity),
            request_time_epoch: Some(1_715_000_000_000),
            ..Context::default()
        },
        overrides: Overrides::default(),
    }
}

impl Call {
    fn render(&self, template: &str) -> Result<(String, Overrides), RenderError> {
        let params = Params {
            path: &[("id".into(), "p1".into()), ("both".into(), "path".into())],
            querystring: &[("q".into(), "a b".into()), ("both".into(), "query".into())],
            header: &[("X-Token".into(), "t".into())],
        };
        let scope = Scope {
            body: self.body.as_bytes(),
            params,
            context: &self.context,
            stage_variables: &[("table".to_owned(), "items".to_owned())],
            overrides: &self.overrides,
            limits: &Limits::default(),
        };
        let mut out = String::new();
        let overrides = Vtl::default()
            .compile(template, "application/json")
            .unwrap()
            .render(&scope, &mut out)?;
        Ok((out, overrides))
    }

    fn text(&self, template: &str) -> String {
        self.render(template)
            .unwrap_or_else(|error| panic!("{template}: {error}"))
            .0
    }
}

#[test]
fn the_payload() {
    let json = call(r#"{"a": {"b": [1, "x/y"]}, "n": null}"#);
    assert_eq!(
        json.text("$input.json('$.a')$input.path('$.a')"),
        r#"{"b":[1,"x/y"]}{b=[1,"x\/y"]}"#
    );
    assert_eq!(
        json.text("$input.json('$.n')|$input.json('$.nope')|$input.path('$.n')|"),
        r#"""|""||"#
    );
    assert_eq!(
        json.text("#set($a = $input.path('$.a'))#set($a.c = 1)$input.json('$.a.c')"),
        "1"
    );
    assert_eq!(
        json.text("#set($p = 'a')$input.json(\"$.${p}.b\")$input.json(\"$.${p}.b\")"),
        r#"[1,"x/y"][1,"x/y"]"#
    );
    assert_eq!(json.text("$input.body.length()$input.body.nope"), "35");
    let empty = call("");
    assert_eq!(empty.text("$input.body $input.json('$')"), "{} {}");
    let form = call("a=b&c=d");
    assert_eq!(
        form.text("$input.json('$')$input.path('$').split('&').get(1)"),
        r#""a=b&c=d"c=d"#
    );
}

#[test]
fn a_broken_payload_fails_only_when_it_is_read() {
    let broken = call("{a");
    assert_eq!(
        broken.text("$input.body#if(false)$input.json('$')#end"),
        "{a"
    );
    for template in ["$input.json('$')", "#if(true)$input.path('$.x')#end"] {
        let error = broken.render(template).unwrap_err();
        assert_eq!(error.kind(), RenderErrorKind::Payload);
        assert!(
            error.message().starts_with("Could not process payload"),
            "{error}"
        );
    }
}

#[test]
fn parameters() {
    let call = call("");
    assert_eq!(
        call.text("$input.params('id')$input.params('both')$input.params('x-token')|"),
        "p1path|"
    );
    assert_eq!(
        call.text("$input.params()"),
        "{path={id=p1, both=path}, querystring={q=a b, both=query}, header={X-Token=t}}"
    );
    assert_eq!(call.text("$input.params().header.get('X-Token')"), "t");
    assert_eq!(
        call.text("$stageVariables.table$stageVariables.nope$stageVariables"),
        "items{table=items}"
    );
}

#[test]
fn the_context() {
    let call = call("");
    assert_eq!(
        call.text("$context.stage $context.identity.sourceIp $context.identity.user|"),
        "prod 192.0.2.7 |"
    );
    assert_eq!(call.text("[$context][$context.identity]"), "[][]");
    assert_eq!(
        call.text("#set($t = $context.requestTimeEpoch + 1)$t"),
        "1715000000001"
    );
    assert_eq!(
        call.text("$context.keySet().size()$context.authorizer.keySet()"),
        "5"
    );
}

#[test]
fn overrides() {
    let mut call = call("");
    let template = "#set($context.requestOverride.header.X-A = 'v')$context.responseOverride.header.put('b', ['1', '2'])\
                    #set($context.responseOverride.status = 404)$context.requestOverride.header.X-A";
    let (text, overrides) = call.render(template).unwrap();
    assert_eq!(text, "v");
    let wanted = r#"{"requestOverride":{"header":{"X-A":"v"}},"responseOverride":{"header":{"b":["1","2"]},"status":404}}"#;
    assert_eq!(
        overrides.to_json(),
        serde_json::from_str::<serde_json::Value>(wanted).unwrap()
    );

    // The next template sees them, and may overwrite each once.
    call.overrides = overrides;
    assert_eq!(
        call.text("$context.requestOverride.header.X-A$context.responseOverride.status"),
        "v404"
    );
    let (_, overrides) = call
        .render("#set($context.responseOverride.status = 200)")
        .unwrap();
    assert_eq!(
        overrides.response_status(),
        Some(&OverrideValue::Integer(200))
    );
    assert_eq!(overrides.request_headers().count(), 1);
    let twice =
        "#set($context.responseOverride.status = 200)#set($context.responseOverride.status = 201)";
    assert_eq!(
        call.render(twice).unwrap_err().kind(),
        RenderErrorKind::Template
    );
    let (_, untouched) = call.render("no context").unwrap();
    assert_eq!(untouched, call.overrides);
}

#[test]
fn util() {
    let call = call("");
    assert_eq!(
        call.text("$util.escapeJavaScript('a/b')$util.urlEncode('a b')$util.urlDecode('a+b')"),
        "a\\/ba+ba b"
    );
    assert_eq!(
        call.text("$util.base64Encode('a')$util.base64Decode('YQ==')$util.parseJson('[1, 2]')"),
        "YQ==a[1, 2]"
    );
    assert_eq!(
        call.text("$util.parseJson('{')|$util.urlEncode(5)|$util.nope('x')|$util"),
        "|||"
    );
    assert_eq!(
        call.render("$util.urlDecode('%')").unwrap_err().kind(),
        RenderErrorKind::Template
    );
}

#[test]
fn what_reads_the_body() {
    let reads = |source: &str| {
        Vtl::default()
            .compile(source, "application/json")
            .unwrap()
            .reads_body()
    };
    for source in [
        "$input.body",
        "$input.json('$')",
        "#set($x = $input)",
        "#if($x)$input.path('$')#end",
    ] {
        assert!(reads(source), "{source}");
    }
    for source in ["", "$input.params('x')", "$context.stage", "input.body"] {
        assert!(!reads(source), "{source}");
    }
}

#[test]
fn a_syntax_error_says_where() {
    let error = Vtl::default()
        .compile("a\n#if(x)b#end", "text/plain")
        .unwrap_err();
    assert_eq!(error.position().map(|at| at.line), Some(2));
    assert!(format!("{error:#}").contains("2 | #if(x)b#end"));
}

#[test]
fn host_methods_keep_to_the_limits() {
    for (start, method) in [("aaaa", "base64Encode"), ("'", "escapeJavaScript")] {
        let template = format!(
            "#set($s = \"{start}\")#foreach($i in [1..1000])#set($s = $util.{method}($s))#end$s.length()"
        );
        let error = call("").render(&template).unwrap_err();
        assert_eq!(error.kind(), RenderErrorKind::Limit, "{method}: {error}");
    }
}
