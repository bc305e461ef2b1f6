//! What the layers tell an access log about one request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderValue, StatusCode};

use crate::error::{Error, ErrorKind};
use crate::gateway_response::{Described, describe};
use crate::mapping::{MethodRequest, Plan, Stage};

/// One request, as it goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record(Arc<Mutex<Recorded>>);

/// What was told.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// As the API took it.
    pub(super) request: Option<Arc<MethodRequest>>,
    pub(super) stage: Option<Arc<Stage>>,
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) integration: Option<Integration>,
    pub(super) integration_error: Option<String>,
    pub(super) failure: Option<Described>,
}

/// The head of a backend's answer.
#[derive(Debug, Clone)]
pub(crate) struct Integration {
    pub(crate) status: StatusCode,
    pub(crate) latency: Duration,
    pub(crate) request_id: Option<HeaderValue>,
}

impl Record {
    pub(super) fn lock(&self) -> MutexGuard<'_, Recorded> {
        // Fields are replaced whole, whatever panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The API that the request is for, and the plan of its route if it has one.
    pub(crate) fn routed(
        &self,
        request: &Arc<MethodRequest>,
        stage: &Arc<Stage>,
        plan: Option<&Arc<Plan>>,
    ) {
        let mut recorded = self.lock();
        recorded.request = Some(Arc::clone(request));
        recorded.stage = Some(Arc::clone(stage));
        recorded.plan = plan.cloned();
    }

    /// The backend answered. The last of several answers counts.
    pub(crate) fn answered(&self, integration: Integration) {
        let mut recorded = self.lock();
        recorded.integration = Some(integration);
        recorded.integration_error = None;
    }

    /// The backend gave no answer.
    pub(crate) fn unanswered(&self, error: &Error) {
        self.lock().integration_error = Some(error.message().to_owned());
    }

    /// The request got a gateway response.
    pub(crate) fn failed(&self, error: &Error) {
        let mut recorded = self.lock();
        // An answer that could not be used is an error of the integration as well.
        if recorded.integration.is_some() && describes_answer(error.kind()) {
            recorded.integration_error = Some(error.message().to_owned());
        }
        recorded.failure = Some(describe(error));
    }
}

fn describes_answer(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Function | ErrorKind::Network | ErrorKind::Timeout | ErrorKind::ResponseTooLarge
    )
}
