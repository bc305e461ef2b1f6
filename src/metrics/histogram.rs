//! Durations in buckets, by status, counted without a lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::call::{Failure, Outcome};

/// The upper bounds of the buckets, as they are printed in seconds and in microseconds.
// OpenTelemetry: semantic conventions for HTTP metrics, ExplicitBucketBoundaries.
pub(super) const BOUNDS: [(&str, u64); 14] = [
    ("0.005", 5_000),
    ("0.01", 10_000),
    ("0.025", 25_000),
    ("0.05", 50_000),
    ("0.075", 75_000),
    ("0.1", 100_000),
    ("0.25", 250_000),
    ("0.5", 500_000),
    ("0.75", 750_000),
    ("1", 1_000_000),
    ("2.5", 2_500_000),
    ("5", 5_000_000),
    ("7.5", 7_500_000),
    ("10", 10_000_000),
];

/// One histogram. The bucket after the last bound is for what is longer.
#[derive(Default)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Histogram {
    fn observe(&self, duration: Duration) {
        let at = BOUNDS.partition_point(|(_, bound)| Duration::from_micros(*bound) < duration);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(super) fn buckets(&self) -> [u64; BOUNDS.len() + 1] {
        std::array::from_fn(|at| {
            self.buckets
                .get(at)
                .map_or(0, |bucket| bucket.load(Ordering::Relaxed))
        })
    }

    pub(super) fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
}

type Century = [OnceLock<Box<Histogram>>; 100];

/// A histogram for each status, made when the status is first seen, and for what had none.
pub(super) struct Histograms {
    by_status: [OnceLock<Box<Century>>; 10],
    failed: [Histogram; Failure::ALL.len()],
}

impl Default for Histograms {
    fn default() -> Self {
        Self {
            by_status: std::array::from_fn(|_| OnceLock::new()),
            failed: std::array::from_fn(|_| Histogram::default()),
        }
    }
}

impl Histograms {
    pub(super) fn observe(&self, outcome: Outcome, duration: Duration) {
        let histogram = match outcome {
            Outcome::Status(status) => {
                let (hundreds, rest) = (usize::from(status / 100), usize::from(status % 100));
                self.by_status
                    .get(hundreds)
                    .map(|century| {
                        century.get_or_init(|| Box::new(std::array::from_fn(|_| OnceLock::new())))
                    })
                    .and_then(|century| century.get(rest))
                    .map(|slot| &**slot.get_or_init(Box::default))
            }
            Outcome::Failed(failure) => self.failed.get(failure as usize),
        };
        if let Some(histogram) = histogram {
            histogram.observe(duration);
        }
    }

    /// Those that counted something.
    pub(super) fn seen(&self) -> impl Iterator<Item = (Outcome, &Histogram)> {
        let centuries = (0u16..).step_by(100).zip(&self.by_status);
        let by_status = centuries
            .filter_map(|(hundreds, century)| Some((hundreds, century.get()?)))
            .flat_map(|(hundreds, century)| {
                let numbered = (hundreds..).zip(century.iter());
                numbered
                    .filter_map(|(status, slot)| Some((Outcome::Status(status), &**slot.get()?)))
            });
        let failed = Failure::ALL
            .into_iter()
            .map(Outcome::Failed)
            .zip(&self.failed);
        by_status
            .chain(failed.filter(|(_, histogram)| histogram.buckets() != [0; BOUNDS.len() + 1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let histogram = Histogram::default();
        for micros in [0, 5_000, 5_001, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let buckets = histogram.buckets();
        assert_eq!(
            (buckets[0], buckets[1], buckets[13], buckets[14]),
            (2, 1, 1, 1)
        );
        assert_eq!(histogram.sum(), Duration::from_micros(20_010_002));
    }

    #[test]
    fn each_status_has_its_own() {
        let histograms = Histograms::default();
        let outcomes = [
            Outcome::Status(200),
            Outcome::Status(404),
            Outcome::Status(999),
            Outcome::Failed(Failure::Timeout),
        ];
        for outcome in outcomes {
            histograms.observe(outcome, Duration::ZERO);
        }
        let seen: Vec<Outcome> = histograms.seen().map(|(outcome, _)| outcome).collect();
        assert_eq!(seen, outcomes);
    }
}
