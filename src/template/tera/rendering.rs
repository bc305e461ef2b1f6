//! The state of the rendering that runs on this thread.
//!
//! Tera's functions are shared by all renderings and get no state of ours, and a rendering is synchronous: so its state
//! lies in a thread-local slot while it runs.

use std::cell::RefCell;

use tera::Value;

use super::value::Tree;
use crate::template::json::parse_lenient;
use crate::template::{OverrideValue, Overrides, RenderErrorKind, Scope};

/// What the functions of one rendering work on.
#[derive(Debug)]
pub(super) struct Rendering {
    /// The payload, or why it is none.
    pub(super) payload: Option<Result<Value, String>>,
    /// `path`, `querystring` and `header`.
    pub(super) params: Option<Value>,
    overrides: Overrides,
    set: Vec<(Place, String)>,
    failure: Option<Failure>,
}

/// Where an override goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    RequestHeader,
    RequestQuerystring,
    RequestPath,
    ResponseHeader,
    ResponseStatus,
}

/// Why one of our functions failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: RenderErrorKind,
    pub(super) message: String,
}

thread_local! {
    static CURRENT: RefCell<Option<Rendering>> = const { RefCell::new(None) };
}

/// A rendering in progress; puts back what was there before.
pub(super) struct Entered {
    before: Option<Rendering>,
}

impl Rendering {
    pub(super) fn new(scope: &Scope<'_>, params: Option<Value>, content: bool) -> Self {
        let read = || {
            parse_lenient(&scope.body_text(), &mut Tree).map_err(|error| error.payload_message())
        };
        Self {
            payload: content.then(read),
            params,
            overrides: scope.overrides.clone(),
            set: Vec::new(),
            failure: None,
        }
    }

    /// Makes this the rendering that functions work on.
    pub(super) fn enter(self) -> Entered {
        Entered {
            before: CURRENT.replace(Some(self)),
        }
    }

    /// Runs `f` on the current rendering.
    pub(super) fn with<T>(
        f: impl FnOnce(&mut Rendering) -> Result<T, Failure>,
    ) -> tera::TeraResult<T> {
        CURRENT.with_borrow_mut(|current| {
            let Some(rendering) = current else {
                return Err(tera::Error::message("there is no rendering"));
            };
            f(rendering).map_err(|failure| {
                let error = tera::Error::message(&failure.message);
                rendering.failure = Some(failure);
                error
            })
        })
    }

    /// Sets an override, which may happen once in a rendering.
    pub(super) fn set(
        &mut self,
        place: Place,
        name: &str,
        value: OverrideValue,
    ) -> Result<(), Failure> {
        if self
            .set
            .iter()
            .any(|(known, set)| *known == place && set == name)
        {
            let message =
                format!("the override of `{name}` is set already, and can be set only once");
            return Err(Failure::template(message));
        }
        self.set.push((place, name.to_owned()));
        match place {
            Place::RequestHeader => self.overrides.set_request("header", name, value),
            Place::RequestQuerystring => self.overrides.set_request("querystring", name, value),
            Place::RequestPath => self.overrides.set_request("path", name, value),
            Place::ResponseHeader => self.overrides.set_response("header", name, value),
            Place::ResponseStatus => self.overrides.set_response_status(value),
        }
        Ok(())
    }
}

impl Entered {
    /// Ends the rendering.
    pub(super) fn leave(self) -> (Overrides, Option<Failure>) {
        let rendering = CURRENT.take();
        rendering
            .map(|rendering| (rendering.overrides, rendering.failure))
            .unwrap_or_default()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

impl Failure {
    pub(super) fn template(message: String) -> Self {
        Self {
            kind: RenderErrorKind::Template,
            message,
        }
    }

    pub(super) fn payload(message: &str) -> Self {
        Self {
            kind: RenderErrorKind::Payload,
            message: message.to_owned(),
        }
    }
}
