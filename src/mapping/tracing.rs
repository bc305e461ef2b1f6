//! What the rules did, as steps of a trace. Nothing here decides anything.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::error::{Error, ErrorKind};
use crate::java_regex;
use crate::mapping::call::Call;
use crate::mapping::content::Conversion;
use crate::mapping::context::Facts;
use crate::mapping::method_request::{MethodRequest, OriginalHeaderNames, text};
use crate::mapping::parameters::Assignment;
use crate::mapping::path::ResourcePath;
use crate::mapping::plan::{Plan, ResponsePlan};
use crate::mapping::query;
use crate::mapping::selection::Subject;
use crate::mapping::stage::Stage;
use crate::mapping::templates::Chosen;
use crate::template::{OverrideMap, OverrideValue, Overrides, RenderError};
use crate::trace::{
    self, Fate, HeaderFate, Payload, Rule, Side, Step, TemplateStep, Trace, Tried, Values,
};

/// The head of the client's request.
pub(crate) fn request(request: &MethodRequest, headers: &HeaderMap) -> Step {
    let mut query = Values::default();
    for (name, value) in query::decode(request.uri.query().unwrap_or_default()) {
        let shown = trace::values(&name, "", &[value]).pop();
        query.push(&name, shown.unwrap_or_default());
    }
    Step::Request {
        request_id: text(&request.arrival.request_id).into_owned(),
        time_ms: request.arrival.epoch_millis(),
        method: request.method.to_string(),
        path: request.uri.path().to_owned(),
        query,
        headers: spelled(headers, request.names.as_ref()),
    }
}

/// Headers under the names that the client wrote.
fn spelled(headers: &HeaderMap, names: Option<&OriginalHeaderNames>) -> Values {
    trace::header_pairs(headers, |name, index| {
        let same = |line: &&str| line.eq_ignore_ascii_case(name.as_str());
        names?.iter().filter(same).nth(index).map(str::to_owned)
    })
}

/// The method that was found for a request.
pub(crate) fn route(plan: &Plan, request: &MethodRequest, body: Option<&Bytes>) -> Step {
    route_of(
        &plan.resource,
        &plan.stage,
        plan.kind.as_str(),
        request,
        body,
    )
}

fn route_of(
    resource: &ResourcePath,
    stage: &Stage,
    integration: &str,
    request: &MethodRequest,
    body: Option<&Bytes>,
) -> Step {
    let mut path_parameters = Values::default();
    for (name, value) in resource.values(request.uri.path()) {
        path_parameters.push(name, value.to_owned());
    }
    Step::Route {
        resource: resource.as_str().to_owned(),
        path_parameters,
        stage: stage.name.to_string(),
        integration: integration.to_owned(),
        body: body.map(Payload::whole),
        rule: if resource.is_greedy() {
            Rule::GreedyPath
        } else if resource.has_variables() {
            Rule::PathWithVariables
        } else {
            Rule::PathWithoutVariables
        },
    }
}

/// How the validation of a request went.
pub(crate) fn validation(checked: &Result<(), Error>) -> Step {
    match checked {
        Ok(()) => Step::Validation {
            rule: Rule::ValidationPassed,
            message: None,
        },
        Err(error) => Step::Validation {
            rule: match error.kind() {
                ErrorKind::MissingParameters => Rule::RequiredParameters,
                _ => Rule::BodyMatchesModel,
            },
            message: Some(error.validation().unwrap_or(error.message()).to_owned()),
        },
    }
}

/// A mapped parameter with what its source gave.
pub(crate) fn parameter(side: Side, assignment: &Assignment, values: &[String]) -> Step {
    let (to, from) = &*assignment.written;
    Step::Parameter {
        side,
        to: to.clone(),
        from: from.clone(),
        values: trace::values(to, from, values),
        rule: if values.iter().all(String::is_empty) {
            Rule::NoValue
        } else {
            Rule::Mapped
        },
    }
}

/// Which template was chosen.
pub(crate) fn template(side: Side, media_type: Option<&str>, chosen: &Chosen<'_>) -> Step {
    Step::Template {
        side,
        media_type: media_type.map(str::to_owned),
        key: chosen.key.map(str::to_owned),
        rule: chosen.rule,
    }
}

/// What is done to a body besides templates.
pub(crate) fn conversion(side: Side, conversion: Conversion) -> Step {
    Step::Conversion {
        side,
        rule: match conversion {
            Conversion::Keep => Rule::KeptAsItIs,
            Conversion::Text => Rule::ReadAsText,
            Conversion::Decode => Rule::DecodedFromBase64,
            Conversion::Encode => Rule::EncodedAsBase64,
        },
    }
}

/// How a rendering went.
pub(crate) fn rendered(
    side: Side,
    rendered: Result<(&str, &Overrides), &RenderError>,
    steps: Vec<TemplateStep>,
) -> Step {
    let rule = match rendered {
        Ok(_) => Rule::TemplateRendered,
        Err(_) => Rule::TemplateFailed,
    };
    let (output, overrides, error) = match rendered {
        Ok((output, overrides)) => {
            let overrides = (!overrides.is_empty()).then(|| masked(overrides));
            (Some(output.to_owned()), overrides, None)
        }
        Err(error) => (None, None, Some(error.to_string())),
    };
    Step::Rendered {
        side,
        output,
        overrides,
        steps,
        error,
        rule,
    }
}

/// Overrides as JSON, without the values of secret headers.
fn masked(overrides: &Overrides) -> String {
    fn hidden(tree: &OverrideMap) -> OverrideMap {
        let hide = |(name, value): &(String, OverrideValue)| {
            let value = match value {
                OverrideValue::Map(inner) => OverrideValue::Map(hidden(inner)),
                OverrideValue::Text(text) => {
                    let shown = trace::values(name, "", std::slice::from_ref(text)).pop();
                    OverrideValue::Text(shown.unwrap_or_default())
                }
                other => other.clone(),
            };
            (name.clone(), value)
        };
        tree.iter().map(hide).collect()
    }
    let masked = Overrides::from_trees(hidden(overrides.request()), hidden(overrides.response()));
    masked.to_json().to_string()
}

/// The overrides of one side that are put over what was mapped.
pub(crate) fn overrides(trace: &Trace, side: Side, overrides: &Overrides) {
    let one = |place: &str, name: &str, value: &OverrideValue| {
        let texts: Vec<String> = value.texts().iter().map(|text| text.to_string()).collect();
        trace.record(Step::Override {
            side,
            what: format!("{place}.{name}"),
            values: trace::values(name, "", &texts),
            rule: Rule::OverrideWins,
        });
    };
    match side {
        Side::Request => {
            for (name, value) in overrides.request_headers() {
                one("header", name, value);
            }
            for (name, value) in overrides.request_querystring() {
                one("querystring", name, value);
            }
            for (name, value) in overrides.request_path() {
                one("path", name, value);
            }
        }
        Side::Response => {
            for (name, value) in overrides.response_headers() {
                one("header", name, value);
            }
        }
    }
}

/// The override of the status, taken or not.
pub(crate) fn status(value: &OverrideValue, taken: bool) -> Step {
    Step::Override {
        side: Side::Response,
        what: "status".into(),
        values: vec![value.text().into_owned()],
        rule: if taken {
            Rule::OverrideWins
        } else {
            Rule::OverrideStatusIgnored
        },
    }
}

/// Which integration response was selected; `chosen` is what the rule gave.
pub(crate) fn selection(call: &Call, subject: Subject<'_>, chosen: Option<usize>) -> Step {
    let plan = &call.plan;
    let text = subject.to_string();
    let mut tried = Vec::new();
    let mut found = None;
    for (pattern, index) in plan.selection.in_order() {
        let response = plan.responses.get(index);
        let status_code = response.map_or(0, |response| response.status.as_u16());
        let matches = pattern.is_some_and(|pattern| pattern.is_match(&text).unwrap_or(false));
        let why = match pattern {
            _ if found.is_some() => "not tried: one before it matches".to_owned(),
            Some(_) if matches => format!("matches the whole of {text:?}"),
            Some(_) if matches_part(response, &text) => {
                format!("matches a part of {text:?}; a pattern has to match the whole")
            }
            Some(_) => format!("does not match {text:?}"),
            None => "the default".to_owned(),
        };
        if found.is_none() && (matches || pattern.is_none()) {
            found = Some(index);
        }
        tried.push(Tried {
            pattern: response.and_then(|response| response.pattern.clone()),
            status_code,
            chosen: chosen == Some(index),
            why,
        });
    }
    let status_code = chosen.and_then(|index| plan.responses.get(index));
    let status_code = status_code.map(|response| response.status.as_u16());
    let rule = match chosen.and_then(|index| plan.responses.get(index)) {
        None => Rule::NoResponse,
        Some(response)
            if plan
                .declared
                .as_ref()
                .is_some_and(|declared| !declared.contains(&response.status.as_u16())) =>
        {
            Rule::UndeclaredResponse
        }
        Some(response) if response.pattern.is_some() => Rule::PatternMatches,
        Some(_) => Rule::DefaultResponse,
    };
    Step::Selection {
        subject: text,
        tried,
        rule,
        status_code,
    }
}

/// Whether a pattern would match if it did not have to match the whole of a text.
fn matches_part(response: Option<&ResponsePlan>, text: &str) -> bool {
    let pattern = response.and_then(|response| response.pattern.as_deref());
    pattern
        .and_then(|pattern| java_regex::compile(pattern).ok())
        .is_some_and(|pattern| pattern.is_match(text).unwrap_or(false))
}

/// The headers that are there before and not after, or under another name.
pub(crate) fn fates(
    trace: &Trace,
    side: Side,
    before: &[http::HeaderName],
    after: &HeaderMap<HeaderValue>,
) {
    let headers: Vec<HeaderFate> = before
        .iter()
        .filter(|name| !after.contains_key(*name))
        .map(|name| {
            let (fate, rule) = match after.contains_key(crate::mapping::headers::remapped(name)) {
                true => (Fate::Remapped, Rule::RemappedHeader),
                false => (Fate::Dropped, Rule::DroppedHeader),
            };
            HeaderFate {
                name: name.as_str().to_owned(),
                fate,
                rule,
            }
        })
        .collect();
    if !headers.is_empty() {
        trace.record(Step::Headers { side, headers });
    }
}

/// The facts' trace, if there is one.
impl Facts<'_> {
    pub(crate) fn trace(&self) -> Option<&Trace> {
        self.request.trace.as_ref()
    }
}
