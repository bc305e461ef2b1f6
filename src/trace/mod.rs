//! What happened to one request, step by step: an explicit opt-in for tests, and what `apigw invoke`
//! prints.
//!
//! A [`Trace`] is put on a request as an extension. Every layer that the request passes tells it
//! what it did and which rule decided; a request without one pays nothing for it but a look at the
//! extensions. Secrets ([`Step`] says which) are masked before they are kept, also where a mapping or a
//! template puts them.
//!
//! ```
//! use std::convert::Infallible;
//! use http::{Request, Response};
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_apigw::integration::{Integration, IntegrationResponse, Method};
//! use tower_apigw::layer::IntegrationLayer;
//! use tower_apigw::mapping::{Plan, Stage};
//! use tower_apigw::trace::{Rule, Step, Trace};
//! use tower_apigw::Body;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let integration = Integration::http("GET", "http://backend.example/pets")
//!     .response(IntegrationResponse::new(200))
//!     .response(IntegrationResponse::new(404).selection_pattern("4\\d{2}"));
//! let plan = Plan::compile(&integration, &Method::new("GET", "/pets"), Stage::new("prod"))?;
//! let backend = service_fn(|_: Request<Body>| async {
//!     Ok::<_, Infallible>(Response::builder().status(410).body(Body::empty()).unwrap_or_default())
//! });
//!
//! let trace = Trace::new();
//! let request = Request::get("/pets").extension(trace.clone()).body(Body::empty())?;
//! IntegrationLayer::new(plan).layer(backend).oneshot(request).await?;
//!
//! let steps = trace.steps();
//! let Some(Step::Selection { subject, rule, .. }) =
//!     steps.iter().find(|step| matches!(step, Step::Selection { .. })) else { panic!() };
//! assert_eq!((subject.as_str(), *rule), ("410", Rule::PatternMatches));
//! assert!(trace.log().contains("Method completed with status: 404"));
//! # Ok(()) }
//! ```

mod explain;
mod log;
mod mask;
mod payload;
mod phrase;
mod rule;
mod step;
mod template;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderMap;

use self::mask::Secrets;

pub use payload::Payload;
pub use rule::Rule;
pub use step::{Fate, HeaderFate, Side, Step, TemplateStep, Tried, Values};
pub use template::TemplateSteps;

pub(crate) use mask::{header_pairs, masked_uri, values};

/// A record of one request; its clones share the record.
///
/// It holds what it is told until its last clone is gone: the bodies of the request as a whole where
/// they are in memory, and up to [`Payload::MOST`] bytes of a stream.
#[derive(Clone, Default)]
pub struct Trace {
    record: Arc<Mutex<Record>>,
}

#[derive(Default)]
struct Record {
    steps: Vec<Step>,
    /// Values of secret headers and parameters, wherever they are mapped to.
    secrets: Secrets,
}

impl Record {
    /// The steps without their secrets: what streams brought is looked through when it is read out,
    /// as a whole.
    fn shown(&self) -> Vec<Step> {
        let mut steps = self.steps.clone();
        for step in &mut steps {
            self.secrets.hide(step);
        }
        steps
    }
}

impl Trace {
    /// A record with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The steps until now. The bodies of streams are in them as far as they were read.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.with(|record| record.shown())
    }

    /// The steps in the words of the log that API Gateway's test of a method gives
    /// (`TestInvokeMethod`), one line each. As there, what is longer than 1,024 bytes ends with `[TRUNCATED]`;
    /// [`steps`](Self::steps) have all of it. An answer that broke off is told as API Gateway would answer it,
    /// with 504, though the client has its status already.
    #[must_use]
    pub fn log(&self) -> String {
        log::render(&self.steps())
    }

    /// The record as JSON: an object with the member `steps`.
    #[must_use]
    pub fn to_json(&self) -> String {
        #[derive(serde::Serialize)]
        struct Steps<'a> {
            steps: &'a [Step],
        }
        let steps = &self.steps();
        serde_json::to_string_pretty(&Steps { steps }).unwrap_or_default()
    }

    /// Adds a step and gives its place in the record.
    pub(crate) fn record(&self, step: Step) -> usize {
        self.with(|record| {
            record.steps.push(step);
            record.steps.len() - 1
        })
    }

    /// Adds a step about a message with these headers and this query, and gives its place. What
    /// secret ones of them hold is masked wherever it turns up.
    pub(crate) fn record_message(&self, step: Step, headers: &HeaderMap, query: &str) -> usize {
        self.with(|record| {
            record.secrets.of_headers(headers);
            record.secrets.of_query(query);
        });
        self.record(step)
    }

    /// More of the body that the step at `place` tells of has come.
    pub(crate) fn extend(&self, place: usize, data: &Bytes) {
        self.with(|record| {
            if let Some(body) = record.steps.get_mut(place).and_then(Step::body_mut) {
                body.extend(data);
            }
        });
    }

    /// The body that the step at `place` tells of broke off.
    pub(crate) fn break_off(&self, place: usize) {
        self.with(|record| {
            if let Some(body) = record.steps.get_mut(place).and_then(Step::body_mut) {
                body.break_off();
            }
        });
    }

    fn with<T>(&self, read: impl FnOnce(&mut Record) -> T) -> T {
        // What a thread that panicked left is still a list of steps.
        read(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.with(|record| record.steps.len());
        f.debug_struct("Trace").field("steps", &steps).finish()
    }
}
