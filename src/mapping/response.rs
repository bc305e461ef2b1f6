//! The method response: status, headers and body out of the backend's answer.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use crate::error::Error;
use crate::mapping::call::{Call, convert, convert_for_template, readable, render};
use crate::mapping::content::{self, Conversion};
use crate::mapping::headers::{self, ResponseHeader};
use crate::mapping::method_request::text;
use crate::mapping::parameters::{Answered, Parameter, Parameters};
use crate::mapping::plan::{Plan, ResponsePlan};
use crate::mapping::request::header_value;
use crate::mapping::selection::Subject;
use crate::mapping::templates::{Choice, Chosen};
use crate::mapping::tracing;
use crate::template::OverrideValue;
use crate::trace::{Side, Trace};

/// The status that a MOCK integration answers with: any integer, so that it is no `StatusCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MockStatus(pub(crate) i64);

/// Which integration response was chosen; goes up to the layer that maps the body.
#[derive(Debug, Clone)]
pub(crate) struct Selected {
    pub(crate) index: usize,
    /// The backend's, by which its body is text or binary.
    pub(crate) content_type: Option<HeaderValue>,
}

/// What the client is told when nobody said what a body is.
// AWS: known-issues — never derived from the key of a template.
const DEFAULT_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/json");

/// Chooses the integration response for a subject.
pub(crate) fn select(call: &Call, subject: Subject<'_>) -> Result<usize, Error> {
    let plan = &*call.plan;
    let chosen = plan.selection.choose(subject);
    if let Some(trace) = &call.request.trace {
        trace.record(tracing::selection(call, subject, chosen));
    }
    let index = chosen.ok_or_else(|| {
        Error::configuration(format!(
            "no match for output mapping and no default output mapping configured. \
             Endpoint Response Status Code: {subject}"
        ))
    })?;
    if let (Some(declared), Some(chosen)) = (&plan.declared, plan.responses.get(index))
        && !declared.contains(&chosen.status.as_u16())
    {
        return Err(Error::configuration(format!(
            "output mapping refers to an invalid method response: {}",
            chosen.status.as_u16()
        )));
    }
    Ok(index)
}

/// The headers of the method response, in place of those of the backend.
pub(crate) fn map_headers(
    call: &Call,
    chosen: &ResponsePlan,
    out: &mut HeaderMap,
    body: Option<&Bytes>,
) -> Result<(), Error> {
    let mapped = if chosen.parameters.is_empty() {
        Parameters::default()
    } else {
        let answer = Answered {
            headers: out,
            body,
            of_function: call.plan.function().is_some(),
        };
        Parameters::of_response(&chosen.parameters, &call.facts(), &answer)?
    };
    out.clear();
    for parameter in &mapped.headers {
        apply(out, parameter)?;
    }
    if let Some(trace) = &call.request.trace {
        let names = mapped.headers.iter();
        let names: Vec<HeaderName> = names.filter_map(|one| one.header.clone()).collect();
        tracing::fates(trace, Side::Response, &names, out);
    }
    finish(out);
    if call.plan.kind != crate::integration::IntegrationType::Mock {
        // Recorded: T:test_invocation_trace_id
        out.insert(headers::TRACE_ID, call.request.arrival.trace.clone());
    }
    Ok(())
}

fn finish(out: &mut HeaderMap) {
    // Mostly there, and an entry would make room for one more.
    if !out.contains_key(header::CONTENT_TYPE) {
        out.insert(header::CONTENT_TYPE, DEFAULT_CONTENT_TYPE);
    }
}

fn apply(out: &mut HeaderMap, parameter: &Parameter) -> Result<(), Error> {
    let Some(name) = &parameter.header else {
        return Ok(());
    };
    let name = match headers::mapped_response_header(name) {
        ResponseHeader::Sent => name.clone(),
        ResponseHeader::Remapped => headers::remapped(name),
        ResponseHeader::Dropped => return Ok(()),
    };
    for (index, value) in parameter.values.iter().enumerate() {
        let value = header_value(&parameter.name, value)?;
        if index == 0 {
            out.insert(name.clone(), value);
        } else {
            out.append(name.clone(), value);
        }
    }
    Ok(())
}

/// Renames and drops the headers of a backend behind a proxy integration.
pub(crate) fn proxy_headers(out: &mut HeaderMap, trace: Option<&Trace>) {
    let Some(trace) = trace else {
        return rename_headers(out);
    };
    let before: Vec<HeaderName> = out.keys().cloned().collect();
    rename_headers(out);
    tracing::fates(trace, Side::Response, &before, out);
}

fn rename_headers(out: &mut HeaderMap) {
    let repeated = out.len() > out.keys_len();
    // Most answers have a length and a date, and little else to rename.
    loop {
        let mut concerned = [const { None }; 4];
        let mut places = concerned.iter_mut();
        for name in out.keys() {
            match headers::proxied_response_header(name) {
                ResponseHeader::Sent => {}
                fate @ (ResponseHeader::Remapped | ResponseHeader::Dropped) => {
                    let Some(place) = places.next() else {
                        break;
                    };
                    *place = Some((name.clone(), fate));
                }
            }
        }
        // None of the new names is renamed in turn, so that this ends.
        let full = places.len() == 0;
        for (name, fate) in concerned.into_iter().flatten() {
            let renamed = (fate == ResponseHeader::Remapped).then(|| headers::remapped(&name));
            rename(out, &name, renamed, repeated);
        }
        if !full {
            break;
        }
    }
    finish(out);
}

fn rename(out: &mut HeaderMap, name: &HeaderName, renamed: Option<HeaderName>, repeated: bool) {
    if !repeated {
        if let (Some(value), Some(renamed)) = (out.remove(name), renamed) {
            out.append(renamed, value);
        }
        return;
    }
    let values: Vec<HeaderValue> = match out.entry(name) {
        header::Entry::Occupied(found) => found.remove_entry_mult().1.collect(),
        header::Entry::Vacant(_) => return,
    };
    if let Some(renamed) = renamed {
        for value in values {
            out.append(renamed.clone(), value);
        }
    }
}

/// What is done to the body of an answer.
#[derive(Debug)]
pub(crate) struct BodyPlan<'a> {
    chosen: Chosen<'a>,
    conversion: Conversion,
}

impl<'a> BodyPlan<'a> {
    pub(crate) fn new(call: &'a Call, selected: &Selected) -> Option<Self> {
        let chosen = call.plan.responses.get(selected.index)?;
        let accept = call.accept.as_ref().map(text);
        let types = &call.plan.stage.binary_media_types;
        let content_type = selected.content_type.as_ref().map(text);
        Some(Self {
            chosen: chosen.templates.for_response(accept.as_deref()),
            conversion: content::response_conversion(
                types.contain(content_type.as_deref()),
                types.contain(accept.as_deref()),
                chosen.content_handling,
            ),
        })
    }

    /// Tells a trace what was chosen.
    pub(crate) fn told(&self, call: &Call) {
        if let Some(trace) = &call.request.trace {
            let accept = call.accept.as_ref().map(text);
            trace.record(tracing::template(
                Side::Response,
                accept.as_deref(),
                &self.chosen,
            ));
            trace.record(tracing::conversion(Side::Response, self.conversion));
        }
    }

    /// Whether the body can pass without being seen.
    pub(crate) fn passes(&self) -> bool {
        matches!(self.chosen.choice, Choice::Pass) && self.conversion == Conversion::Keep
    }

    /// The body of the method response; overrides of the template go over `status` and `headers`.
    pub(crate) fn map(
        &self,
        call: &Call,
        body: Bytes,
        status: &mut StatusCode,
        headers: &mut HeaderMap,
    ) -> Result<Bytes, Error> {
        let body = match self.chosen.choice {
            Choice::Render(template) => {
                let body = convert_for_template(self.conversion, body)?;
                readable(self.conversion, &body)?;
                let (rendered, left) = render(
                    Side::Response,
                    template.as_ref(),
                    &call.facts(),
                    &body,
                    &call.overrides,
                )?;
                override_response(call, &left, status, headers)?;
                return Ok(Bytes::from(rendered));
            }
            Choice::Pass | Choice::Refuse => convert(self.conversion, body)?,
        };
        // Recorded: T:test_integration_mock_with_response_override_in_request_template
        override_response(call, &call.overrides, status, headers)?;
        Ok(body)
    }
}

/// Applies what the request template alone left, where no body is mapped.
pub(crate) fn override_response(
    call: &Call,
    overrides: &crate::template::Overrides,
    status: &mut StatusCode,
    headers: &mut HeaderMap,
) -> Result<(), Error> {
    let mut parameters = Parameters::default();
    parameters.override_response(overrides)?;
    let trace = call.request.trace.as_ref();
    if let Some(trace) = trace {
        tracing::overrides(trace, Side::Response, overrides);
    }
    for parameter in &parameters.headers {
        apply(headers, parameter)?;
    }
    // LocalStack: "AWS ignores the status if the override isn't an integer between 100 and 599".
    if let Some(value) = overrides.response_status() {
        let overridden = status_override(value);
        if let Some(trace) = trace {
            trace.record(tracing::status(value, overridden.is_some()));
        }
        *status = overridden.unwrap_or(*status);
    }
    Ok(())
}

fn status_override(value: &OverrideValue) -> Option<StatusCode> {
    let OverrideValue::Integer(number) = value else {
        return None;
    };
    let number = u16::try_from(*number)
        .ok()
        .filter(|number| (200..600).contains(number))?;
    StatusCode::from_u16(number).ok()
}

/// The plan of a call, for what outlives it.
pub(crate) fn chosen(plan: &Arc<Plan>, index: usize) -> Option<&ResponsePlan> {
    plan.responses.get(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_many_headers_are_renamed() {
        for repeated in [false, true] {
            let mut headers = HeaderMap::new();
            let renamed = [
                "connection",
                "content-length",
                "date",
                "server",
                "www-authenticate",
                "x-amzn-requestid",
            ];
            for name in renamed.iter().chain(&["via", "keep-alive", "x-other"]) {
                headers.append(*name, HeaderValue::from_static("1"));
                if repeated {
                    headers.append(*name, HeaderValue::from_static("2"));
                }
            }
            rename_headers(&mut headers);
            let count = if repeated { 2 } else { 1 };
            for name in renamed {
                assert!(!headers.contains_key(name), "{name}");
                let name = format!("x-amzn-remapped-{name}");
                assert_eq!(headers.get_all(&name).iter().count(), count, "{name}");
            }
            assert_eq!(headers.get_all("x-other").iter().count(), count);
            // And the media type that every answer has.
            assert_eq!(headers.keys_len(), renamed.len() + 2, "{headers:?}");
        }
    }
}
