//! A step as a line for people.

use std::fmt;

use crate::trace::payload::Payload;
use crate::trace::rule::Rule;
use crate::trace::step::{Fate, Side, Step, Values};

/// How many steps of a template are shown.
const MOST: usize = 100;

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Response => "response",
        })
    }
}

/// One line, or several for a template; the rule that decided stands behind a dash.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { method, path, .. } => write!(f, "request: {method} {path}"),
            Self::Route {
                resource,
                path_parameters,
                stage,
                integration,
                rule,
                ..
            } => {
                write!(
                    f,
                    "route: {resource} at stage {stage}, a {integration} integration"
                )?;
                named(f, path_parameters)?;
                write!(f, " — {}", rule.says())
            }
            Self::Validation { rule, message } => {
                f.write_str("validation")?;
                if let Some(message) = message {
                    write!(f, ": {message}")?;
                }
                write!(f, " — {}", rule.says())
            }
            Self::Parameter {
                side,
                to,
                from,
                values,
                rule,
            } => {
                write!(f, "{side} parameter: {to} = {from}")?;
                texts(f, values)?;
                write!(f, " — {}", rule.says())
            }
            Self::Template {
                side,
                media_type,
                key,
                rule,
            } => {
                match key {
                    Some(key) => write!(f, "{side} template: {key}")?,
                    None => write!(f, "{side} template: none")?,
                }
                if let Some(media_type) = media_type {
                    write!(f, ", for {media_type}")?;
                }
                write!(f, " — {}", rule.says())
            }
            Self::Conversion { side, rule } => write!(f, "{side} body — {}", rule.says()),
            Self::Rendered {
                side,
                output,
                overrides,
                steps,
                error,
                rule,
            } => {
                match (output, error) {
                    (_, Some(error)) => write!(f, "{side} template failed: {error}")?,
                    (Some(output), None) => {
                        write!(f, "{side} template rendered: {} bytes", output.len())?;
                    }
                    (None, None) => write!(f, "{side} template rendered")?,
                }
                if let Some(overrides) = overrides {
                    write!(f, ", overrides {overrides}")?;
                }
                write!(f, " — {}", rule.says())?;
                for step in steps.iter().take(MOST) {
                    write!(f, "\n    {}:{} {}", step.line, step.column, step.what)?;
                }
                match steps.len().checked_sub(MOST) {
                    None | Some(0) => Ok(()),
                    Some(more) => write!(f, "\n    and {more} more, which the JSON has"),
                }
            }
            Self::Override {
                side,
                what,
                values,
                rule,
            } => {
                write!(f, "{side} override: {what}")?;
                texts(f, values)?;
                write!(f, " — {}", rule.says())
            }
            Self::MockStatus { status, rule } => {
                write!(f, "mock: status {status} — {}", rule.says())
            }
            Self::IntegrationRequest {
                method, uri, body, ..
            } => write!(
                f,
                "integration request: {method} {uri}, {} bytes",
                body.length()
            ),
            Self::Answer {
                status,
                body,
                latency_us,
                ..
            } => write!(
                f,
                "answer: {status}, {}, after {}",
                bytes(body),
                millis(*latency_us)
            ),
            Self::Selection {
                subject,
                tried,
                rule,
                status_code,
            } => {
                write!(f, "selection: {subject:?}")?;
                if let Some(status) = status_code {
                    write!(f, " selects {status}")?;
                }
                write!(f, " — {}", rule.says())?;
                for one in tried {
                    let pattern = one.pattern.as_deref().unwrap_or("(default)");
                    write!(f, "\n    {pattern} → {}: {}", one.status_code, one.why)?;
                }
                Ok(())
            }
            Self::Headers { side, headers } => {
                write!(f, "{side} headers:")?;
                for (index, header) in headers.iter().enumerate() {
                    let fate = match header.fate {
                        Fate::Dropped => "dropped",
                        Fate::Remapped => "remapped",
                    };
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma} {} {fate}", header.name)?;
                }
                for rule in [Rule::DroppedHeader, Rule::RemappedHeader] {
                    if headers.iter().any(|header| header.rule == rule) {
                        write!(f, " — {}", rule.says())?;
                    }
                }
                Ok(())
            }
            Self::Failure {
                kind,
                message,
                cause,
                response_type,
                gateway_response,
                rule,
            } => {
                write!(f, "failure: {message}")?;
                if let Some(cause) = cause {
                    write!(f, ": {cause}")?;
                }
                write!(f, " — {kind}, answered by {gateway_response}")?;
                if gateway_response != response_type {
                    write!(f, " for {response_type}")?;
                }
                write!(f, ": {}", rule.says())
            }
            Self::MethodResponse {
                status,
                body,
                elapsed_us,
                ..
            } => write!(
                f,
                "method response: {status}, {}, after {}",
                bytes(body),
                millis(*elapsed_us)
            ),
        }
    }
}

fn bytes(body: &Payload) -> String {
    let end = if body.is_broken() {
        " and then it broke off"
    } else {
        ""
    };
    format!("{} bytes{end}", body.length())
}

fn millis(micros: u64) -> String {
    format!("{}.{:03} ms", micros / 1000, micros % 1000)
}

fn texts(f: &mut fmt::Formatter<'_>, values: &[String]) -> fmt::Result {
    f.write_str(" → ")?;
    match values {
        [] => f.write_str("nothing"),
        [one] => write!(f, "{one:?}"),
        many => write!(f, "{many:?}"),
    }
}

fn named(f: &mut fmt::Formatter<'_>, values: &Values) -> fmt::Result {
    for (name, values) in values.iter() {
        write!(f, ", {name} = {:?}", values.join(","))?;
    }
    Ok(())
}
