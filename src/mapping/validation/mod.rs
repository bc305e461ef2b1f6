//! Request validation: what a method asks of a request before its integration is called.
//!
//! Required parameters come first; only when all are there is the body checked against the model
//! for its media type. Models need the feature `validation`.

#[cfg(feature = "validation")]
mod bundle;
#[cfg(feature = "validation")]
mod explain;
#[cfg(feature = "validation")]
mod model;
mod models;
mod parameters;

use crate::error::Error;
use crate::integration::Method;
use crate::mapping::context::Facts;

pub(crate) use models::Models;

pub(crate) use models::Findings;

use models::Compiled;
use parameters::Required;

/// What a method's request validator checks; a method without one has none.
#[derive(Debug)]
pub(crate) struct Validator {
    parameters: Vec<Required>,
    models: Compiled,
}

impl Validator {
    /// The validator of `method`, if there is something to check.
    pub(crate) fn compile(
        method: &Method,
        models: &mut Models,
        findings: &mut Findings,
    ) -> Option<Self> {
        let parameters = match method.validate_parameters {
            true => Required::of(method),
            false => Vec::new(),
        };
        let models = match method.validate_body {
            true => models.compile(method, findings),
            false => Compiled::default(),
        };
        (!parameters.is_empty() || !models.is_empty()).then_some(Self { parameters, models })
    }

    /// Whether bodies must be collected for it.
    pub(crate) fn reads_body(&self) -> bool {
        !self.models.is_empty()
    }

    /// Whether it looks for headers by name.
    pub(crate) fn reads_header(&self) -> bool {
        self.parameters.iter().any(Required::is_header)
    }

    /// Checks a request.
    // Recorded: a request that lacks both is told about its parameters.
    pub(crate) fn check(&self, facts: &Facts<'_>) -> Result<(), Error> {
        parameters::check(&self.parameters, facts)?;
        self.models.check(facts)
    }
}
