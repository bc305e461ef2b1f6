//! Where a template language meets a call.
//!
//! An [`Engine`] compiles sources to [`Template`]s; a template is rendered with a [`Scope`], which borrows the facts of
//! one call and knows no HTTP types. What a rendering changes besides its output comes back as [`Overrides`].
//!
//! ```text
//!   source ──Engine::compile──▶ Template ──render(Scope)──▶ output + Overrides
//!                                            │
//!           body · Params · Context · stage variables · earlier Overrides · Limits
//! ```
//!
//! [`Vtl`] is the engine API Gateway has. `Tera` (feature `tera`) sees the same facts under names that suit it.
//!
//! ```
//! use tower_apigw::template::{Context, Engine, Limits, Overrides, Params, Scope, Vtl};
//!
//! let source = "#set($context.requestOverride.header.X-Stage = $context.stage)$input.params('q')";
//! let template = Vtl::default().compile(source, "application/json").unwrap();
//! assert!(!template.reads_body());
//!
//! let scope = Scope {
//!     body: b"",
//!     params: Params { querystring: &[("q".into(), "books".into())], ..Params::default() },
//!     context: &Context { stage: Some("prod".into()), ..Context::default() },
//!     stage_variables: &[],
//!     overrides: &Overrides::default(),
//!     limits: &Limits::default(),
//! };
//! let mut out = String::new();
//! let overrides = template.render(&scope, &mut out).unwrap();
//! assert_eq!(out, "books");
//! assert_eq!(overrides.request_headers().next().unwrap().1.texts(), ["prod"]);
//! ```

mod cases;
mod context;
mod error;
mod json;
mod overrides;
mod scope;
#[cfg(feature = "tera")]
mod tera;
mod time;
mod util;
mod vtl;

pub use self::cases::render_case;
pub use self::context::{Context, Facts, Identity, Text};
pub use self::error::{CompileError, Position, RenderError, RenderErrorKind};
pub use self::overrides::{OverrideMap, OverrideValue, Overrides};
pub use self::scope::{Pairs, Params, Scope};
#[cfg(feature = "tera")]
pub use self::tera::Tera;
pub use self::vtl::Vtl;
pub use crate::vtl::Limits;

pub(crate) use self::time::common_log_time;

use std::fmt::Debug;
use std::sync::Arc;

use crate::vtl::Trace;

/// A template language.
pub trait Engine {
    /// Compiles a source. `media_type` is the one the output will have; an engine may escape by it.
    ///
    /// # Errors
    /// The source is not of this language.
    fn compile(&self, source: &str, media_type: &str) -> Result<Arc<dyn Template>, CompileError>;
}

/// A compiled template.
pub trait Template: Debug + Send + Sync {
    /// Appends the output to `out` and gives the overrides as they are afterwards, those of the scope included.
    ///
    /// # Errors
    /// The template failed, a budget ran out or the payload is broken; what `out` then holds is to be thrown away.
    fn render(&self, scope: &Scope<'_>, out: &mut String) -> Result<Overrides, RenderError>;

    /// As [`render`](Template::render), and tells every step to `trace`. An engine that knows no steps just renders.
    ///
    /// # Errors
    /// As [`render`](Template::render).
    fn render_traced(
        &self,
        scope: &Scope<'_>,
        out: &mut String,
        trace: &mut dyn Trace,
    ) -> Result<Overrides, RenderError> {
        let _ = trace;
        self.render(scope, out)
    }

    /// Whether a rendering may look at the body. `false` is a promise, `true` is not.
    fn reads_body(&self) -> bool;

    /// Whether a rendering may look at parameters at all. `false` is a promise, `true` is not.
    fn reads_parameters(&self) -> bool {
        true
    }

    /// Whether a rendering may look at the parameter of this name, in the path, the query or the headers. `false` is a
    /// promise, `true` is not.
    fn reads_parameter(&self, name: &str) -> bool {
        let _ = name;
        true
    }

    /// Whether a rendering may look at `$context` at all. `false` is a promise, `true` is not.
    fn reads_any_context(&self) -> bool {
        true
    }

    /// Whether a rendering may look at this fact of `$context`, such as `requestId`. `false` is a promise, `true` is not.
    fn reads_context(&self, name: &str) -> bool {
        let _ = name;
        true
    }

    /// The source it was compiled from.
    fn source(&self) -> &str;
}
