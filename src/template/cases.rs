//! Rendering many cases: one JSON line in, one JSON line out.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

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
    let answer = match parse_strict(line, &mut Plain) {
        Ok(case) => answer(engine, limits, &case),
        Err(error) => Answer::error(
            Value::Null,
            format!("the line is not JSON: {error}"),
            "parse",
        ),
    };
    serde_json::to_string(&answer).unwrap_or_default()
}

#[derive(Serialize, Default)]
struct Answer {
    name: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Overrides::is_empty")]
    overrides: Overrides,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

impl Answer {
    fn error(name: Value, error: String, kind: &'static str) -> Self {
        Self {
            name,
            error: Some(error),
            kind: Some(kind),
            ..Self::default()
        }
    }
}

fn answer(engine: &dyn Engine, limits: &Limits, case: &Value) -> Answer {
    let name = case.get("name").cloned().unwrap_or_default();
    let text = |key: &str| case.get(key).map(text).unwrap_or_default();
    let media_type = case
        .get("contentType")
        .and_then(Value::as_str)
        .unwrap_or("application/json");
    let template = match engine.compile(&text("template"), media_type) {
        Ok(template) => template,
        Err(error) => {
            let kind = if error.is_late() { "runtime" } else { "parse" };
            return Answer::error(name, error.to_string(), kind);
        }
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
        Err(error) => Answer::error(name, error.to_string(), "runtime"),
        Ok(overrides) => Answer {
            name,
            output: Some(output),
            overrides,
            ..Answer::default()
        },
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
