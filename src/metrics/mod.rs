//! Counts of what an API answered and how long that took, as Prometheus reads them.
//!
//! A [`Metrics`] keeps one [`RouteMetrics`] for each method and resource path, so that the number
//! of series is that of the document and no client can add to it. Counting is atomics without a
//! lock. [`MetricsLayer`](crate::layer::MetricsLayer) counts around one integration,
//! `openapi::Api::metrics` around each of an API.
//!
//! | name | labels | is |
//! |---|---|---|
//! | `http_server_request_duration_seconds` | method, route, status or `error_type` | a histogram, to the last byte of the answer |
//! | `http_server_active_requests` | method, route | how many are being answered |
//! | `http_client_request_duration_seconds` | method, route, status or `error_type` | a histogram of calls to the backend, to the head of its answer |
//! | `aws_apigateway_count_total` | method, resource | AWS's `Count` |
//! | `aws_apigateway_4xx_errors_total`, `aws_apigateway_5xx_errors_total` | method, resource | AWS's `4XXError` and `5XXError` |
//! | `aws_apigateway_latency_milliseconds` | method, resource | AWS's `Latency`: sum and count |
//! | `aws_apigateway_integration_latency_milliseconds` | method, resource | AWS's `IntegrationLatency`: sum and count |
//!
//! The first three have OpenTelemetry's names, boundaries and labels: `http_request_method` (the
//! method of the route, so `ANY` where it is), `http_route`, `http_response_status_code`. What ends
//! without an answer has `error_type` instead of a status: `cancelled` when the client went away,
//! `timeout` or `network` for calls to backends.
//!
//! What no route matches is counted as the route `unmatched`, what is answered before a route is
//! looked for as `refused` ([`Metrics::refused`]).
//!
//! ```
//! use tower_apigw::metrics::Metrics;
//!
//! let metrics = Metrics::new();
//! metrics.route("GET", "/pets/{id}");
//! assert!(metrics.to_string().contains(
//!     "http_server_active_requests{http_request_method=\"GET\",http_route=\"/pets/{id}\"} 0\n"
//! ));
//! ```

mod call;
mod histogram;
mod text;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;

use crate::metrics::call::Outcome;
use crate::metrics::histogram::Histograms;

pub(crate) use call::{Call, Failure};

/// So many routes are told apart over all reloads; what comes later is counted together.
const ROUTES: usize = 10_000;
/// No resource path begins so.
const UNMATCHED: &str = "unmatched";
const REFUSED: &str = "refused";
const OVERFLOW: &str = "overflow";
/// OpenTelemetry's word for a method that is not told.
const OTHER: &str = "_OTHER";

/// The counts of all routes. Clones share them; [`Display`](fmt::Display) prints them in the text
/// format of Prometheus (version 0.0.4).
#[derive(Clone)]
pub struct Metrics {
    shared: Arc<Shared>,
}

struct Shared {
    unmatched: RouteMetrics,
    refused: RouteMetrics,
    overflow: RouteMetrics,
    /// Locked to add routes and to print, never to count.
    routes: Mutex<Vec<RouteMetrics>>,
}

impl Metrics {
    /// Without routes.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                unmatched: RouteMetrics::new(OTHER, UNMATCHED),
                refused: RouteMetrics::new(OTHER, REFUSED),
                overflow: RouteMetrics::new(OTHER, OVERFLOW),
                routes: Mutex::new(Vec::new()),
            }),
        }
    }

    /// The counts of a method and a resource path; the same whenever it is asked for. After 10,000
    /// of them, what is new shares the counts of the route `overflow`.
    pub fn route(&self, method: &str, resource: &str) -> RouteMetrics {
        let mut routes = self.routes();
        let known = routes
            .iter()
            .find(|route| &*route.series.route == resource && &*route.series.method == method);
        if let Some(known) = known {
            return known.clone();
        }
        if routes.len() >= ROUTES {
            return self.shared.overflow.clone();
        }
        let route = RouteMetrics::new(method, resource);
        routes.push(route.clone());
        route
    }

    /// The counts of requests that no route matches.
    pub fn unmatched(&self) -> RouteMetrics {
        self.shared.unmatched.clone()
    }

    /// The counts of requests that are answered before a route is looked for: what a server refuses
    /// to take for a request ([`Server::on_refusal`](crate::server::Server::on_refusal)), what is
    /// shed under load.
    pub fn refused(&self) -> RouteMetrics {
        self.shared.refused.clone()
    }

    fn routes(&self) -> MutexGuard<'_, Vec<RouteMetrics>> {
        // What a panic may have interrupted is a push.
        self.shared
            .routes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// All that were added, and the three for the others.
    fn all(&self) -> Vec<RouteMetrics> {
        let mut all = self.routes().clone();
        all.push(self.shared.unmatched.clone());
        all.push(self.shared.refused.clone());
        all.push(self.shared.overflow.clone());
        all
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("routes", &self.routes().len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write(f, &self.all())
    }
}

/// The counts of one route. Clones share them.
#[derive(Clone)]
pub struct RouteMetrics {
    series: Arc<Series>,
}

struct Series {
    method: Box<str>,
    route: Box<str>,
    active: AtomicU64,
    server: Histograms,
    client: Histograms,
}

impl RouteMetrics {
    fn new(method: &str, route: &str) -> Self {
        Self {
            series: Arc::new(Series {
                method: method.into(),
                route: route.into(),
                active: AtomicU64::new(0),
                server: Histograms::default(),
                client: Histograms::default(),
            }),
        }
    }
}

impl RouteMetrics {
    /// Counts a request of which nothing was seen but its answer.
    ///
    /// ```
    /// use std::time::Duration;
    /// use http::StatusCode;
    /// use tower_apigw::metrics::Metrics;
    ///
    /// let metrics = Metrics::new();
    /// metrics.refused().count(StatusCode::BAD_REQUEST, Duration::ZERO);
    /// assert!(metrics.to_string().contains(
    ///     "aws_apigateway_4xx_errors_total{method=\"_OTHER\",resource=\"refused\"} 1\n"
    /// ));
    /// ```
    pub fn count(&self, status: StatusCode, duration: Duration) {
        let outcome = Outcome::Status(status.as_u16());
        self.series.server.observe(outcome, duration);
    }
}

impl fmt::Debug for RouteMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteMetrics")
            .field("method", &self.series.method)
            .field("route", &self.series.route)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_bounded_and_kept() {
        let metrics = Metrics::new();
        for number in 0..ROUTES + 5 {
            // Dedup is quadratic, which a document of usual size does not feel.
            if number < ROUTES {
                metrics
                    .routes()
                    .push(RouteMetrics::new("GET", &format!("/{number}")));
            }
        }
        let first = metrics.route("GET", "/0");
        assert!(Arc::ptr_eq(
            &first.series,
            &metrics.route("GET", "/0").series
        ));
        let late = metrics.route("GET", "/late");
        assert!(Arc::ptr_eq(&late.series, &metrics.shared.overflow.series));
        assert_eq!(metrics.routes().len(), ROUTES);
    }
}
