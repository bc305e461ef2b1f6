//! Rendering many cases: one JSON line in, one JSON line out.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::template::json::{Plain, parse_strict};
use crate::template::{Context, Engine, Limits, Overrides, Params, Scope};

/// Renders one case.
///
/// The line is an object with `template` and, optionally, `name`, `body` (text), `params` (objects `path`, `querystring`
/// and `header`), `context`, `stageVariables` and `contentType`. The answer is `{"name", "output"}` with `overrides` if
/// there are any, or `{"name", "error", "kind"}` where the kind is `parse` or `runtime`.
///
/// ```
/// use tower_apigw::template::{Limits, Vtl, render_case};
///
/// let line = r##"{"name": "n", "template": "#set($context.responseOverride.status = 404)$input.json('$.a')", "body": "{\"a\": 1}"}"##;
/// let answer = render_case(&Vtl::default(), &Limits::default(), line);
/// assert_eq!(answer, r#"{"name":"n","output":"1","overrides":{"responseOverride":{"status":404}}}"#);
/// ```
pub fn render_case(engine: &dyn Engine, limits: &Limits, line: &str) -> String {
    match parse_strict(line, &mut Plain) {
        Ok(case) => answer(engine, limits, &case).to_string(),
        Err(error) => json!({"name": null, "error": format!("the line is not JSON: {error}"), "kind": "parse"}).to_string(),
    }
}

fn answer(engine: &dyn Engine, limits: &Limits, case: &Value) -> Value {
    let name = case.get("name").cloned().unwrap_or_default();
    let text = |key: &str| case.get(key).map(text).unwrap_or_default();
    let media_type = case
        .get("contentType")
        .and_then(Value::as_str)
        .unwrap_or("application/json");
    let template = match engine.compile(&text("template"), media_type) {
        Ok(template) => template,
        Err(error) => return json!({"name": name, "error": error.to_string(), "kind": "parse"}),
    };
    let groups = ["path", "querystring", "header"].map(|group| {
        let given = case
            .get("params")
            .and_then(|params| params.get(group))
            .and_then(Value::as_object);
        pairs(given)
    });
    let [path, querystring, header] = &groups;
    let stage_variables = pairs(case.get("stageVariables").and_then(Value::as_object));
    let stage_variables: Vec<_> = stage_variables
        .into_iter()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let context = Context {
        extra: case
            .get("context")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
        ..Context::default()
    };
    let body = text("body");
    let scope = Scope {
        body: body.as_bytes(),
        params: Params {
            path,
            querystring,
            header,
        },
        context: &context,
        stage_variables: &stage_variables,
        overrides: &Overrides::default(),
        limits,
    };
    let mut output = String::new();
    match template.render(&scope, &mut output) {
        Err(error) => json!({"name": name, "error": error.to_string(), "kind": "runtime"}),
        Ok(overrides) if overrides.is_empty() => json!({"name": name, "output": output}),
        Ok(overrides) => json!({"name": name, "output": output, "overrides": overrides.to_json()}),
    }
}

fn pairs(given: Option<&Map<String, Value>>) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    let given = given
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null());
    given
        .map(|(name, value)| (Cow::Borrowed(name.as_str()), text(value)))
        .collect()
}

fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}
