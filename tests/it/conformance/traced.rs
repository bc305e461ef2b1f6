//! Cases played with a trace, which has to name the rule that decided.

use http::Request;
use serde_json::Value;
use tower::ServiceExt;
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::mapping::OriginalHeaderNames;
use tower_apigw::trace::Trace;

use super::backend::Backend;
use super::case::{Case, body_of, header_lines};
use super::{api_of, folder};
use crate::support::text;

/// A case, which of its steps (from 1), and the rules that decide it: the kind of a step of the
/// trace, its side where it has one, and the rule; they have to come in this order.
const DECIDED: &[(&str, usize, &[&str])] = &[
    (
        "selection/status-ranges-docs",
        1,
        &[
            "selection pattern-matches",
            "response template json-template application/json",
        ],
    ),
    (
        "selection/http-nothing-matches",
        1,
        &[
            "selection no-response",
            "failure Configuration API_CONFIGURATION_ERROR uncustomized-type",
        ],
    ),
    (
        "selection/http-codes",
        1,
        &[
            "selection default-response",
            "response template no-template",
        ],
    ),
    (
        "passthrough/default-template-key",
        1,
        &["request template default-template $default"],
    ),
    (
        "passthrough/json-template-never",
        1,
        &["request template json-without-content-type application/json"],
    ),
    (
        "passthrough/never-without-templates",
        1,
        &[
            "request template never-refuses",
            "failure UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE uncustomized-type",
        ],
    ),
    (
        "passthrough/xml-template-when-no-templates",
        1,
        &[
            "request template when-no-templates-refuses",
            "failure UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE uncustomized-type",
        ],
    ),
    (
        "passthrough/unset-behaves-like-when-no-match",
        1,
        &["request template when-no-match-passes"],
    ),
    (
        "override/response-header-beats-mapping",
        1,
        &[
            "response parameter mapped method.response.header.note",
            "response override override-wins header.note",
        ],
    ),
    (
        "override/status-replaces-mapped-status",
        1,
        &[
            "selection default-response",
            "response override override-wins status",
        ],
    ),
    (
        "override/same-parameter-twice-fails",
        1,
        &[
            "request template json-without-content-type application/json",
            "failure Template DEFAULT_5XX uncustomized-type",
        ],
    ),
    (
        "override/new-query-and-path-values",
        1,
        &[
            "request override override-wins querystring.b",
            "request override override-wins path.node",
        ],
    ),
    (
        "mock/status-code-must-be-an-integer",
        1,
        &["failure Configuration API_CONFIGURATION_ERROR uncustomized-type"],
    ),
    (
        "mock/response-override-set-in-request-template",
        1,
        &[
            "selection pattern-matches",
            "response override override-wins header.brew",
            "response override override-wins status",
        ],
    ),
    (
        "binary/request-convert-to-text-template-sees-base64-png",
        1,
        &[
            "request template template-of-media-type image/png",
            "request conversion encoded-as-base64",
        ],
    ),
    (
        "headers/http-response-mappings-remapped",
        1,
        &[
            "response parameter mapped method.response.header.Date",
            "response headers date=remapped",
        ],
    ),
    (
        "headers/http-mapped-hop-headers-are-dropped",
        1,
        &[
            "request parameter mapped integration.request.header.Via",
            "request headers via=dropped",
        ],
    ),
    (
        "headers/http-proxy-drops-from-client",
        1,
        &["request headers via=dropped"],
    ),
    (
        "headers/http-refused-mappings-content-length",
        1,
        &["failure RefusedHeader DEFAULT_5XX uncustomized-type"],
    ),
    (
        "param-mapping/names-are-case-sensitive",
        1,
        &[
            "request parameter no-value integration.request.header.x-from-query",
            "request parameter mapped integration.request.header.x-on",
        ],
    ),
    (
        "param-mapping/broken-json-with-json-path",
        1,
        &["failure BrokenJson DEFAULT_4XX uncustomized-type"],
    ),
    (
        "validation/missing-header",
        1,
        &[
            "validation required-parameters",
            "failure MissingParameters BAD_REQUEST_PARAMETERS uncustomized-type",
        ],
    ),
    (
        "validation/everything-present",
        1,
        &[
            "validation validation-passed",
            "request template template-of-media-type application/json",
        ],
    ),
    (
        "validation/payload-against-schema",
        1,
        &[
            "validation body-matches-model",
            "failure InvalidBody BAD_REQUEST_BODY uncustomized-type",
        ],
    ),
    (
        "failure/http-timeout",
        1,
        &["failure Timeout INTEGRATION_TIMEOUT uncustomized-type"],
    ),
    (
        "failure/unreachable-address",
        1,
        &["failure Network INTEGRATION_FAILURE uncustomized-type"],
    ),
    (
        "response-mapping/body-json-path-without-match",
        1,
        &[
            "response parameter no-value method.response.header.x-first",
            "response parameter mapped method.response.header.x-fixed",
        ],
    ),
];

/// Plays one step of a case; the steps of its trace.
fn trace_of(name: &str, step: usize) -> Vec<Value> {
    let topic = name.split('/').next().unwrap();
    let cases = Case::of_topic(&folder(), topic);
    let case = cases.iter().find(|case| case.name == name);
    let case = case.unwrap_or_else(|| panic!("there is no case {name}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let backend = Backend::start().await;
        let case = case.against(backend.port);
        let service = api_of(&case).unwrap().into_service(HttpClient::new());
        let step = &case.steps()[step - 1];
        backend.arm(Some(step["backend"].clone()).filter(|script| !script.is_null()));
        let sent = &step["request"];
        let mut request = Request::builder()
            .method(sent["method"].as_str().unwrap())
            .uri(sent["path"].as_str().unwrap());
        let lines = header_lines(sent);
        for (name, value) in &lines {
            request = request.header(name, value);
        }
        let trace = Trace::new();
        let request = request
            .extension(OriginalHeaderNames::new(lines.iter().map(|(name, _)| name)))
            .extension(trace.clone())
            .body(Body::from(body_of(sent).unwrap_or_default()));
        let response = service.oneshot(request.unwrap()).await.unwrap();
        let status = u64::from(response.status().as_u16());
        text(response.into_body()).await;
        let wanted = step["expect"]["status"].as_u64();
        assert_eq!(wanted.or(Some(status)), Some(status), "{name}");
        let json: Value = serde_json::from_str(&trace.to_json()).unwrap();
        json["steps"].as_array().unwrap().clone()
    })
}

/// `selection pattern-matches`, `request template default-template`, `failure Timeout`.
fn line(step: &Value) -> Option<String> {
    let text = |name: &str| step[name].as_str();
    let kind = text("step")?;
    let decided = match text("rule") {
        Some(rule) if kind == "failure" => {
            let (kind, response) = (text("kind")?, text("gatewayResponse")?);
            format!("{kind} {response} {rule}")
        }
        Some(rule) => rule.to_owned(),
        None if kind == "headers" => {
            let fate = |header: &Value| {
                format!(
                    "{}={}",
                    header["name"].as_str().unwrap(),
                    header["fate"].as_str().unwrap()
                )
            };
            let fates: Vec<String> = step["headers"].as_array()?.iter().map(fate).collect();
            fates.join(" ")
        }
        None => return None,
    };
    let mut line = match text("side") {
        Some(side) => format!("{side} {kind} {decided}"),
        None => format!("{kind} {decided}"),
    };
    for detail in ["to", "what", "key"] {
        if let Some(detail) = text(detail) {
            line.push_str(&format!(" {detail}"));
        }
    }
    Some(line)
}

/// What of a step has no rule though it should; steps that show a message as it was have none.
fn without_a_rule(step: &Value) -> bool {
    let rule = |of: &Value| of["rule"].as_str().is_some_and(|rule| !rule.is_empty());
    match step["step"].as_str() {
        Some("request" | "integration-request" | "answer" | "method-response") => rule(step),
        Some("headers") => !step["headers"].as_array().unwrap().iter().all(rule),
        _ => !rule(step),
    }
}

#[test]
fn the_trace_names_the_rule_that_decided() {
    let mut wrong = Vec::new();
    for (name, step, rules) in DECIDED {
        let steps = trace_of(name, *step);
        let without = steps.iter().find(|step| without_a_rule(step));
        wrong.extend(without.map(|step| format!("{name}: the rule of {step}")));
        let lines: Vec<String> = steps.iter().filter_map(line).collect();
        let mut rest = lines.iter();
        // Of several headers in one step the one that is looked for is enough.
        let same = |line: &str, rule: &str| {
            let one = rule.rsplit(' ').next().unwrap_or_default();
            line == rule || (rule.contains("headers ") && line.split(' ').any(|part| part == one))
        };
        let all = rules.iter().all(|rule| rest.any(|line| same(line, rule)));
        if !all {
            wrong.push(format!(
                "{name} {step}: {rules:?} not among\n    {}",
                lines.join("\n    ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
