//! A template and a payload, split at the first NUL, with everything that API Gateway offers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_apigw::template::{Context, Engine, Identity, Limits, Overrides, Params, Scope, Vtl};

fuzz_target!(|input: (&str, &[u8])| {
    let (source, body) = input;
    let Ok(template) = Vtl::default().compile(source, "application/json") else { return };
    let pairs = [("id".into(), "7".into()), ("name".into(), "a b".into())];
    let context = Context {
        stage: Some("fuzz".into()),
        request_time_epoch: Some(1),
        identity: Some(Identity::default()),
        ..Context::default()
    };
    let scope = Scope {
        body,
        params: Params { path: &pairs, querystring: &pairs, header: &pairs },
        context: &context,
        stage_variables: &[("v".to_owned(), "w".to_owned())],
        overrides: &Overrides::default(),
        limits: &Limits::default(),
    };
    let mut out = String::new();
    let first = template.render(&scope, &mut out);
    // Rendering is a function: the same again gives the same.
    let mut again = String::new();
    let second = template.render(&scope, &mut again);
    assert_eq!(first.is_ok(), second.is_ok());
    if first.is_ok() {
        assert_eq!(out, again);
    }
});
