//! The text format of Prometheus.

use std::fmt::{Formatter, Result, Write as _};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::metrics::RouteMetrics;
use crate::metrics::call::Outcome;
use crate::metrics::histogram::{BOUNDS, Histograms};

/// Writes all metrics of `routes`, one metric after the other as the format wants it.
pub(super) fn write(f: &mut Formatter<'_>, routes: &[RouteMetrics]) -> Result {
    let labels: Vec<Labels> = routes.iter().map(Labels::new).collect();
    let all = || routes.iter().zip(&labels);

    head(
        f,
        "http_server_request_duration_seconds",
        "histogram",
        "time from a request to the last byte of its answer",
    )?;
    for (route, labels) in all() {
        durations(
            f,
            "http_server_request_duration_seconds",
            &labels.http,
            &route.series.server,
        )?;
    }
    head(
        f,
        "http_server_active_requests",
        "gauge",
        "requests being answered",
    )?;
    for (route, labels) in all() {
        let active = route.series.active.load(Ordering::Relaxed);
        writeln!(f, "http_server_active_requests{{{}}} {active}", labels.http)?;
    }
    head(
        f,
        "http_client_request_duration_seconds",
        "histogram",
        "time from a request to a backend to the head of its answer",
    )?;
    for (route, labels) in all() {
        durations(
            f,
            "http_client_request_duration_seconds",
            &labels.http,
            &route.series.client,
        )?;
    }
    // AWS: api-gateway-metrics-and-dimensions.
    counter(
        f,
        "aws_apigateway_count_total",
        "Count: all requests",
        all(),
        |_| true,
    )?;
    counter(
        f,
        "aws_apigateway_4xx_errors_total",
        "4XXError: answers with a status from 400 to 499",
        all(),
        |outcome| matches!(outcome, Outcome::Status(400..=499)),
    )?;
    counter(
        f,
        "aws_apigateway_5xx_errors_total",
        "5XXError: answers with a status from 500 to 599",
        all(),
        |outcome| matches!(outcome, Outcome::Status(500..=599)),
    )?;
    head(
        f,
        "aws_apigateway_latency_milliseconds",
        "summary",
        "Latency: time from a request to the last byte of its answer",
    )?;
    for (route, labels) in all() {
        summary(
            f,
            "aws_apigateway_latency_milliseconds",
            &labels.aws,
            &route.series.server,
        )?;
    }
    head(
        f,
        "aws_apigateway_integration_latency_milliseconds",
        "summary",
        "IntegrationLatency: time from a request to a backend to its answer",
    )?;
    for (route, labels) in all() {
        summary(
            f,
            "aws_apigateway_integration_latency_milliseconds",
            &labels.aws,
            &route.series.client,
        )?;
    }
    Ok(())
}

/// The labels of a route, under both systems' names.
struct Labels {
    http: String,
    aws: String,
}

impl Labels {
    fn new(route: &RouteMetrics) -> Self {
        let (method, path) = (escaped(&route.series.method), escaped(&route.series.route));
        Self {
            http: format!("http_request_method=\"{method}\",http_route=\"{path}\""),
            aws: format!("method=\"{method}\",resource=\"{path}\""),
        }
    }
}

fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}

fn head(f: &mut Formatter<'_>, name: &str, kind: &str, help: &str) -> Result {
    writeln!(f, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn durations(f: &mut Formatter<'_>, name: &str, labels: &str, of: &Histograms) -> Result {
    for (outcome, histogram) in of.seen() {
        let mut labels = labels.to_owned();
        match outcome {
            Outcome::Status(status) => {
                write!(labels, ",http_response_status_code=\"{status}\"")?;
            }
            Outcome::Failed(failure) => write!(labels, ",error_type=\"{}\"", failure.as_str())?,
        }
        let mut count = 0;
        let bounds = BOUNDS.iter().map(|(bound, _)| *bound).chain(["+Inf"]);
        for (bound, bucket) in bounds.zip(histogram.buckets()) {
            count += bucket;
            writeln!(f, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}")?;
        }
        let sum = histogram.sum().as_secs_f64();
        writeln!(
            f,
            "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}"
        )?;
    }
    Ok(())
}

fn counter<'a>(
    f: &mut Formatter<'_>,
    name: &str,
    help: &str,
    routes: impl Iterator<Item = (&'a RouteMetrics, &'a Labels)>,
    counts: impl Fn(Outcome) -> bool,
) -> Result {
    head(f, name, "counter", help)?;
    for (route, labels) in routes {
        let seen = route.series.server.seen();
        let counted = seen.filter(|(outcome, _)| counts(*outcome));
        let count: u64 = counted
            .map(|(_, it)| it.buckets().iter().sum::<u64>())
            .sum();
        writeln!(f, "{name}{{{}}} {count}", labels.aws)?;
    }
    Ok(())
}

fn summary(f: &mut Formatter<'_>, name: &str, labels: &str, of: &Histograms) -> Result {
    let (mut sum, mut count) = (Duration::ZERO, 0);
    for (_, histogram) in of.seen() {
        sum = sum.saturating_add(histogram.sum());
        count += histogram.buckets().iter().sum::<u64>();
    }
    let sum = sum.as_secs_f64() * 1000.0;
    writeln!(
        f,
        "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}"
    )
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::metrics::{Call, Failure, Metrics};

    #[test]
    fn what_ended_is_printed() {
        let metrics = Metrics::new();
        let route = metrics.route("ANY", "/a\"\\\n{b+}");
        let answered = |call: fn(_) -> Call, status: u16| {
            call(route.clone()).answered(StatusCode::from_u16(status).unwrap());
        };
        answered(Call::server, 200);
        answered(Call::server, 404);
        answered(Call::server, 404);
        answered(Call::server, 502);
        drop(Call::server(route.clone()));
        answered(Call::client, 200);
        Call::client(route.clone()).failed(Failure::Timeout);
        let open = Call::server(route.clone());
        let text = metrics.to_string();
        drop(open);
        let http = r#"http_request_method="ANY",http_route="/a\"\\\n{b+}""#;
        let aws = r#"method="ANY",resource="/a\"\\\n{b+}""#;
        for line in [
            format!(
                "http_server_request_duration_seconds_bucket{{{http},http_response_status_code=\"404\",le=\"0.005\"}} 2"
            ),
            format!(
                "http_server_request_duration_seconds_bucket{{{http},http_response_status_code=\"404\",le=\"+Inf\"}} 2"
            ),
            format!(
                "http_server_request_duration_seconds_count{{{http},http_response_status_code=\"404\"}} 2"
            ),
            format!(
                "http_server_request_duration_seconds_count{{{http},error_type=\"cancelled\"}} 1"
            ),
            format!("http_server_active_requests{{{http}}} 1"),
            format!(
                "http_client_request_duration_seconds_count{{{http},http_response_status_code=\"200\"}} 1"
            ),
            format!(
                "http_client_request_duration_seconds_count{{{http},error_type=\"timeout\"}} 1"
            ),
            format!("aws_apigateway_count_total{{{aws}}} 5"),
            format!("aws_apigateway_4xx_errors_total{{{aws}}} 2"),
            format!("aws_apigateway_5xx_errors_total{{{aws}}} 1"),
            format!("aws_apigateway_latency_milliseconds_count{{{aws}}} 5"),
            format!("aws_apigateway_integration_latency_milliseconds_count{{{aws}}} 2"),
            "aws_apigateway_count_total{method=\"_OTHER\",resource=\"unmatched\"} 0".to_owned(),
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        assert!(
            metrics
                .to_string()
                .contains(&format!("http_server_active_requests{{{http}}} 0\n"))
        );
    }

    #[test]
    fn each_metric_has_one_head_before_its_samples() {
        let metrics = Metrics::new();
        metrics.route("GET", "/");
        let text = metrics.to_string();
        let mut current = String::new();
        let mut heads = Vec::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                current = rest.split(' ').next().unwrap().to_owned();
                heads.push(current.clone());
            } else if !line.starts_with('#') {
                assert!(line.starts_with(&current), "{line}");
            }
        }
        assert_eq!(heads.len(), 8);
        heads.dedup();
        assert_eq!(heads.len(), 8);
    }
}
