//! The log of a request in the words of API Gateway's own.

use std::fmt::Write as _;

use crate::trace::payload::Payload;
use crate::trace::step::{Step, Values};

/// Lines in the order and the words of `TestInvokeMethod`.
// Recorded: T:test_apigw_test_invoke_method_api, T:test_invoke_test_method,
// T:test_failed_invoke_test_method.
pub(super) fn render(steps: &[Step]) -> String {
    // The body of a proxy streams: what was sent of it is all that is known.
    let sent = steps.iter().find_map(|step| match step {
        Step::IntegrationRequest { body, .. } => Some(body),
        _ => None,
    });
    let mut log = Log {
        sent,
        ..Log::default()
    };
    for step in steps {
        log.step(step);
    }
    log.text
}

#[derive(Default)]
struct Log<'a> {
    sent: Option<&'a Payload>,
    text: String,
    request: Option<Head>,
    /// Milliseconds since 1970.
    now: i64,
    failed: bool,
}

struct Head {
    time: i64,
    query: Values,
    headers: Values,
}

impl Log<'_> {
    fn line(&mut self, text: &str) {
        let date = java_date(self.now);
        let _ = writeln!(self.text, "{date} : {text}");
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Request {
                request_id,
                time,
                method,
                path,
                query,
                headers,
            } => {
                self.now = *time;
                let _ = writeln!(self.text, "Execution log for request {request_id}");
                self.line(&format!("Starting execution for request: {request_id}"));
                self.line(&format!("HTTP Method: {method}, Resource Path: {path}"));
                self.request = Some(Head {
                    time: *time,
                    query: query.clone(),
                    headers: headers.clone(),
                });
            }
            Step::Route {
                path_parameters,
                body,
                ..
            } => {
                let path = map(path_parameters);
                self.line(&format!("Method request path: {path}"));
                if let Some(head) = self.request.take() {
                    self.line(&format!(
                        "Method request query string: {}",
                        map(&head.query)
                    ));
                    self.line(&format!("Method request headers: {}", map(&head.headers)));
                    self.request = Some(head);
                }
                let body = text(body.as_ref().or(self.sent));
                self.line(&format!(
                    "Method request body before transformations: {body}"
                ));
            }
            Step::IntegrationRequest {
                uri, headers, body, ..
            } => {
                self.line(&format!("Endpoint request URI: {uri}"));
                self.line(&format!("Endpoint request headers: {}", map(headers)));
                self.line(&format!(
                    "Endpoint request body after transformations: {}",
                    body.text()
                ));
                self.line(&format!("Sending request to {uri}"));
            }
            Step::Answer {
                status,
                headers,
                body,
                latency,
            } => {
                let latency = latency / 1000;
                self.now = self
                    .now
                    .saturating_add(i64::try_from(latency).unwrap_or(i64::MAX));
                self.line(&format!(
                    "Received response. Status: {status}, Integration latency: {latency} ms"
                ));
                self.line(&format!("Endpoint response headers: {}", map(headers)));
                self.line(&format!(
                    "Endpoint response body before transformations: {}",
                    body.text()
                ));
            }
            Step::Failure { message, kind, .. } => {
                self.failed = true;
                let line = failure(kind, message);
                self.line(&line);
            }
            Step::MethodResponse {
                status,
                headers,
                body,
                elapsed,
            } => {
                if let Some(head) = &self.request {
                    let elapsed = i64::try_from(elapsed / 1000).unwrap_or(i64::MAX);
                    self.now = self.now.max(head.time.saturating_add(elapsed));
                }
                if !self.failed {
                    self.line(&format!(
                        "Method response body after transformations: {}",
                        body.text()
                    ));
                    self.line(&format!("Method response headers: {}", map(headers)));
                    // Observed: the phrase of a network error; where an answer breaks off behind its head is not known.
                    self.line(match body.is_broken() {
                        true => {
                            "Execution failed due to a network error communicating with endpoint"
                        }
                        false => "Successfully completed execution",
                    });
                }
                self.line(&format!("Method completed with status: {status}"));
            }
            _ => {}
        }
    }
}

/// The line of a failure.
// Observed: the execution log's phrases by failure.
fn failure(kind: &str, message: &str) -> String {
    let capital = || -> String {
        let mut chars = message.chars();
        chars
            .next()
            .map(|first| first.to_uppercase().chain(chars).collect())
            .unwrap_or_default()
    };
    let prefix = "Execution failed due to configuration error: ";
    match kind {
        _ if message.starts_with("execution failed") => capital(),
        "Configuration" | "Template" | "RefusedHeader" | "ResponseTooLarge" => {
            format!("{prefix}{}", capital())
        }
        "MissingParameters" => format!("Missing required request parameters: [{message}]"),
        _ => capital(),
    }
}

/// `{name=value, other=a,b}`
fn map(values: &Values) -> String {
    let mut out = String::from("{");
    for (index, (name, values)) in values.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(out, "{comma}{name}={}", values.join(","));
    }
    out.push('}');
    out
}

fn text(body: Option<&Payload>) -> String {
    body.map(|body| body.text().into_owned())
        .unwrap_or_default()
}

/// `Sat Jan 01 00:00:00 UTC 2000`, as Java prints a `Date`.
fn java_date(millis: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let seconds = u64::try_from(millis.div_euclid(1000)).unwrap_or_default();
    let day = usize::try_from(seconds / 86_400 % 7)
        .ok()
        .and_then(|index| DAYS.get(index))
        .unwrap_or(&"Thu");
    let time = std::time::Duration::from_secs(seconds);
    let time = std::time::SystemTime::UNIX_EPOCH.checked_add(time);
    // `dd/MMM/yyyy:HH:mm:ss +0000`
    let common =
        crate::template::common_log_time(time.unwrap_or(std::time::SystemTime::UNIX_EPOCH));
    let mut parts = common.splitn(3, '/');
    let (date, month) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let rest = parts.next().unwrap_or_default();
    let (year, clock) = rest.split_once(':').unwrap_or_default();
    let clock = clock.split(' ').next().unwrap_or_default();
    format!("{day} {month} {date} {clock} UTC {year}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_java_s() {
        assert_eq!(java_date(0), "Thu Jan 01 00:00:00 UTC 1970");
        assert_eq!(java_date(951_782_400_999), "Tue Feb 29 00:00:00 UTC 2000");
        assert_eq!(java_date(1_638_384_155_000), "Wed Dec 01 18:42:35 UTC 2021");
        assert_eq!(java_date(i64::MIN), "Thu Jan 01 00:00:00 UTC 1970");
    }

    #[test]
    fn failures_are_told_in_aws_s_words() {
        for (kind, message, line) in [
            (
                "Timeout",
                "execution failed due to a timeout error",
                "Execution failed due to a timeout error",
            ),
            (
                "Configuration",
                "unable to base64 decode the body",
                "Execution failed due to configuration error: Unable to base64 decode the body",
            ),
            (
                "MissingParameters",
                "a, b",
                "Missing required request parameters: [a, b]",
            ),
        ] {
            assert_eq!(failure(kind, message), line);
        }
    }
}
