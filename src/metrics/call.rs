//! One request, or one call of a backend, while it is timed.

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::metrics::RouteMetrics;

/// Why there was no status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Who asked went away.
    Cancelled,
    Timeout,
    Network,
}

impl Failure {
    pub(super) const ALL: [Self; 3] = [Self::Cancelled, Self::Timeout, Self::Network];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::Network => "network",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Status(u16),
    Failed(Failure),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Server,
    Client,
}

/// Counts when it is dropped; as cancelled unless an end was told.
#[derive(Debug)]
pub(crate) struct Call {
    route: RouteMetrics,
    side: Side,
    began: Instant,
    outcome: Outcome,
}

impl Call {
    /// A request of a client.
    pub(crate) fn server(route: RouteMetrics) -> Self {
        route.series.active.fetch_add(1, Ordering::Relaxed);
        Self::new(route, Side::Server)
    }

    /// A call of a backend.
    pub(crate) fn client(route: RouteMetrics) -> Self {
        Self::new(route, Side::Client)
    }

    fn new(route: RouteMetrics, side: Side) -> Self {
        Self {
            route,
            side,
            began: Instant::now(),
            outcome: Outcome::Failed(Failure::Cancelled),
        }
    }

    pub(crate) fn answered(&mut self, status: http::StatusCode) {
        self.outcome = Outcome::Status(status.as_u16());
    }

    pub(crate) fn failed(&mut self, failure: Failure) {
        self.outcome = Outcome::Failed(failure);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let series = &self.route.series;
        let histograms = match self.side {
            Side::Server => {
                series.active.fetch_sub(1, Ordering::Relaxed);
                &series.server
            }
            Side::Client => &series.client,
        };
        histograms.observe(self.outcome, self.began.elapsed());
    }
}
