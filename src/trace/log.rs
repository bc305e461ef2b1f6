//! The log of a request in the words of API Gateway's own.

use std::fmt::Write as _;

use crate::trace::payload::Payload;
use crate::trace::phrase;
use crate::trace::step::{Side, Step, Values};

/// How much of one entry is shown, in bytes.
// AWS: log events of more than 1,024 bytes are cut off. LocalStack, measured against AWS: 998 of the headers
// behind `Endpoint request headers: `.
const MOST: usize = 1024;

/// Lines in the order and the words of `TestInvokeMethod`.
// Recorded: T:test_apigw_test_invoke_method_api, T:test_invoke_test_method,
// T:test_failed_invoke_test_method.
pub(super) fn render(steps: &[Step]) -> String {
    // The body of a proxy streams: what was sent of it is all that is known.
    let sent = steps.iter().find_map(|step| match step {
        Step::IntegrationRequest { body, .. } => Some(body),
        _ => None,
    });
    // A failure is told where it is answered.
    let elapsed = steps.iter().find_map(|step| match step {
        Step::MethodResponse { elapsed_us, .. } => Some(*elapsed_us),
        _ => None,
    });
    let mut log = Log {
        sent,
        elapsed_us: elapsed.unwrap_or_default(),
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
    /// Until the answer to the client.
    elapsed_us: u64,
    /// Names of headers as mappings and overrides write them.
    names: Vec<&'a str>,
    text: String,
    request: Option<Head>,
    /// Milliseconds since 1970.
    now: i64,
    failed: bool,
}

struct Head {
    id: String,
    time: i64,
    query: Values,
    headers: Values,
}

impl<'a> Log<'a> {
    fn line(&mut self, text: &str) {
        let date = java_date(self.now);
        let shown = text
            .get(..text.floor_char_boundary(MOST))
            .unwrap_or_default();
        let cut = match shown.len() < text.len() {
            true => " [TRUNCATED]",
            false => "",
        };
        let _ = writeln!(self.text, "{date} : {shown}{cut}");
    }

    /// What is told from here on happened as the client was answered.
    fn answered(&mut self) {
        if let Some(head) = &self.request {
            let elapsed = i64::try_from(self.elapsed_us / 1000).unwrap_or(i64::MAX);
            self.now = self.now.max(head.time.saturating_add(elapsed));
        }
    }

    /// The headers of the method response without those that its test does not show.
    // Recorded: neither the length nor the ids of the request; names as they are written.
    fn method_headers(&self, headers: &Values) -> Values {
        let id = self.request.as_ref().map(|head| head.id.as_str());
        let mut shown = Values::default();
        for (name, values) in headers.iter() {
            let own = name.eq_ignore_ascii_case("x-amzn-requestid")
                && values.first().map(String::as_str) == id;
            if own || is_of_the_front(name) {
                continue;
            }
            let mut known = self.names.iter().chain(NAMES);
            let written = known.find(|written| written.eq_ignore_ascii_case(name));
            for value in values {
                shown.push(written.copied().unwrap_or(name), value.clone());
            }
        }
        shown
    }

    fn step(&mut self, step: &'a Step) {
        match step {
            Step::Request {
                request_id,
                time_ms,
                method,
                path,
                query,
                headers,
            } => {
                self.now = *time_ms;
                let _ = writeln!(self.text, "Execution log for request {request_id}");
                self.line(&format!("Starting execution for request: {request_id}"));
                self.line(&format!("HTTP Method: {method}, Resource Path: {path}"));
                self.request = Some(Head {
                    id: request_id.clone(),
                    time: *time_ms,
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
                latency_us,
            } => {
                let latency = latency_us / 1000;
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
            Step::Parameter {
                side: Side::Response,
                to,
                ..
            } => self.names.extend(to.splitn(4, '.').nth(3)),
            Step::Override {
                side: Side::Response,
                what,
                ..
            } => self.names.extend(what.strip_prefix("header.")),
            Step::Failure { message, kind, .. } => {
                self.failed = true;
                self.answered();
                for line in phrase::lines(kind, message) {
                    self.line(&line);
                }
            }
            Step::MethodResponse {
                status,
                headers,
                body,
                ..
            } => {
                self.answered();
                let mut status = *status;
                if body.is_broken() && !self.failed {
                    // Chosen: API Gateway, which waits for the end of an answer, gives this one to its client;
                    // here the client has the status already.
                    self.line(
                        "Execution failed due to a network error communicating with endpoint",
                    );
                    status = 504;
                } else if !self.failed {
                    self.line(&format!(
                        "Method response body after transformations: {}",
                        body.text()
                    ));
                    let headers = self.method_headers(headers);
                    self.line(&format!("Method response headers: {}", map(&headers)));
                    self.line("Successfully completed execution");
                }
                self.line(&format!("Method completed with status: {status}"));
            }
            _ => {}
        }
    }
}

/// Names of headers that API Gateway sets, as it writes them.
const NAMES: &[&str] = &["Content-Type", "X-Amzn-Trace-Id", "x-amzn-ErrorType"];

/// Whether a header is set outside of what a test of a method runs.
fn is_of_the_front(name: &str) -> bool {
    ["content-length", "x-amz-apigw-id"]
        .iter()
        .any(|front| name.eq_ignore_ascii_case(front))
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
}
