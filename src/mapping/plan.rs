//! What an integration means: every expression, template, pattern and URI parsed.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header;

use crate::diagnostic::Diagnostic;
use crate::error::{Error, ErrorKind};
use crate::integration::{
    ContentHandling, Integration, IntegrationResponse, IntegrationType, Method,
    PassthroughBehavior, Protocol, SelectionSubject,
};
use crate::mapping::aws::{AwsPlan, FunctionPlan};
use crate::mapping::compile::Compiler;
use crate::mapping::content::{Conversion, request_conversion};
use crate::mapping::grpc;
use crate::mapping::method_request::text;
use crate::mapping::parameters::Assignment;
use crate::mapping::path::ResourcePath;
use crate::mapping::selection::Selection;
use crate::mapping::stage::Stage;
use crate::mapping::templates::{Choice, TemplateTable};
use crate::mapping::uri::UriTemplate;
use crate::mapping::validation::{Models, Validator};
use crate::target::Target;

/// An integration, compiled for one method of an API at one stage.
///
/// Every URI, mapping expression, JSON path, template and pattern is parsed here, once; serving a
/// request parses no configuration.
///
/// ```
/// use tower_apigw::integration::{Integration, IntegrationResponse, Method};
/// use tower_apigw::mapping::{Plan, Stage};
///
/// let integration = Integration::http("POST", "https://pets.example.com/{id}")
///     .request_parameter("integration.request.path.id", "method.request.path.petId")
///     .response(IntegrationResponse::new(200));
/// let plan = Plan::compile(&integration, &Method::new("POST", "/pets/{petId}"), Stage::new("prod"))?;
/// assert!(plan.warnings().is_empty());
///
/// // All mistakes are told at once, each with the place where it stands.
/// let wrong = integration.uri("pets").request_parameter("integration.request.header.X", "oops");
/// let error = Plan::compile(&wrong, &Method::new("POST", "/pets/{petId}"), Stage::new("prod")).unwrap_err();
/// let places: Vec<_> = error.findings().iter().map(|finding| finding.pointer.as_str()).collect();
/// assert_eq!(places, ["/uri", "/requestParameters/integration.request.header.X"]);
/// # Ok::<_, tower_apigw::mapping::PlanError>(())
/// ```
#[derive(Debug)]
pub struct Plan {
    pub(crate) stage: Arc<Stage>,
    pub(crate) kind: IntegrationType,
    /// None keeps the client's.
    pub(crate) method: Option<http::Method>,
    pub(crate) resource: ResourcePath,
    pub(crate) uri: Option<UriTemplate>,
    /// What an integration with a service of AWS needs beside its URI.
    pub(crate) aws: Option<AwsPlan>,
    /// What is checked before anything else; none for most methods.
    pub(crate) validator: Option<Validator>,
    pub(crate) parameters: Vec<Assignment>,
    pub(crate) templates: TemplateTable,
    pub(crate) passthrough: PassthroughBehavior,
    pub(crate) content_handling: Option<ContentHandling>,
    pub(crate) responses: Vec<ResponsePlan>,
    pub(crate) selection: Selection,
    pub(crate) selection_subject: SelectionSubject,
    pub(crate) declared: Option<BTreeSet<u16>>,
    pub(crate) timeout: Duration,
    /// `responseTransferMode: STREAM`
    pub(crate) stream: bool,
    pub(crate) target: Target,
    pub(crate) reads: Reads,
    /// Why every request fails.
    pub(crate) failure: Option<(ErrorKind, String)>,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// One integration response, compiled.
#[derive(Debug)]
pub(crate) struct ResponsePlan {
    pub(crate) status: http::StatusCode,
    /// As written; none for the default.
    pub(crate) pattern: Option<String>,
    pub(crate) parameters: Vec<Assignment>,
    pub(crate) templates: TemplateTable,
    pub(crate) content_handling: Option<ContentHandling>,
    pub(crate) reads_body: bool,
}

/// What has to be kept or collected because something reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// The client's body is collected before the integration request is made.
    pub(crate) request_body: bool,
    /// A mapping or a validator reads it, whatever its type is.
    pub(crate) request_body_by_rule: bool,
    /// The client's headers are read after the integration request was made.
    pub(crate) headers_later: bool,
}

impl Plan {
    /// Compiles `integration` for `method` at `stage`.
    ///
    /// # Errors
    /// All mistakes at once, with the warnings beside them; the pointers start at the integration
    /// object, for a mistake in a model at the document that holds it.
    pub fn compile(
        integration: &Integration,
        method: &Method,
        stage: impl Into<Arc<Stage>>,
    ) -> Result<Self, PlanError> {
        Self::compile_with(integration, method, stage.into(), &mut Models::default())
    }

    /// The same for a method of an API, whose methods share their models.
    pub(crate) fn compile_with(
        integration: &Integration,
        method: &Method,
        stage: Arc<Stage>,
        models: &mut Models,
    ) -> Result<Self, PlanError> {
        Compiler::new(integration, method, stage).compile(models)
    }

    /// A plan that answers every request with AWS's 500 for a broken configuration; `reason` goes
    /// to the log.
    pub fn failing(
        method: &Method,
        stage: impl Into<Arc<Stage>>,
        reason: impl Into<String>,
    ) -> Self {
        let resource = ResourcePath::parse(&method.resource).or_else(|_| ResourcePath::parse("/"));
        Self {
            stage: stage.into(),
            kind: IntegrationType::Mock,
            method: None,
            resource: resource.unwrap_or_default(),
            uri: None,
            aws: None,
            validator: None,
            parameters: Vec::new(),
            templates: TemplateTable::default(),
            passthrough: PassthroughBehavior::WhenNoMatch,
            content_handling: None,
            responses: Vec::new(),
            selection: Selection::new(Vec::new(), None, true),
            selection_subject: SelectionSubject::default(),
            declared: None,
            timeout: DEFAULT_TIMEOUT,
            stream: false,
            target: Target::new(),
            reads: Reads::default(),
            failure: Some((ErrorKind::Configuration, reason.into())),
            warnings: Vec::new(),
        }
    }

    /// What may not mean what its author thinks.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The type of the integration.
    pub fn kind(&self) -> IntegrationType {
        self.kind
    }

    /// How long the backend may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The resource path, as written.
    pub fn resource(&self) -> &str {
        self.resource.as_str()
    }

    /// The stage.
    pub fn stage(&self) -> &Arc<Stage> {
        &self.stage
    }

    /// Why every request will fail, if it will.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_ref().map(|(_, reason)| reason.as_str())
    }

    /// Whether something reads the names of the client's headers, so that a server should keep
    /// their spelling.
    pub fn reads_header_names(&self) -> bool {
        self.kind == IntegrationType::AwsProxy
            || self.reads.headers_later
            || self.templates.iter().next().is_some()
            || self.parameters.iter().any(Assignment::reads_header)
            || self.validator.as_ref().is_some_and(Validator::reads_header)
    }

    /// Whether the client's body is collected before the integration request is made.
    pub fn collects_request_body(&self) -> bool {
        self.reads.request_body
    }

    /// What is called, if it is a function.
    pub(crate) fn function(&self) -> Option<&FunctionPlan> {
        self.aws.as_ref()?.function.as_ref()
    }

    /// Whether the answer of the backend is passed on as it comes.
    pub(crate) fn streams_answer(&self) -> bool {
        self.stream
    }

    /// Whether a request goes on before the first of its body is there: HTTP/2 needs not know how to
    /// frame it, and a client of gRPC may wait for the answer's head first.
    pub(crate) fn begins_at_once(&self, headers: &http::HeaderMap) -> bool {
        self.target.protocol == Protocol::Http2 || grpc::is_named(headers)
    }

    /// Whether a body that would be collected can pass unread: there is no template for it, and its
    /// type is binary.
    pub(crate) fn passes_unread(&self, headers: &http::HeaderMap) -> bool {
        if self.kind != IntegrationType::Http || self.reads.request_body_by_rule {
            return false;
        }
        let content_type = headers.get(header::CONTENT_TYPE).map(text);
        let content_type = content_type.as_deref();
        let binary = self.stage.binary_media_types.contain(content_type);
        request_conversion(binary, self.content_handling) == Conversion::Keep
            && matches!(
                self.templates
                    .for_request(content_type, self.passthrough)
                    .choice,
                Choice::Pass
            )
    }

    pub(crate) fn resource_path(&self) -> &ResourcePath {
        &self.resource
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.failure {
            None => Ok(()),
            Some((kind, reason)) => Err(Error::new(*kind, reason.clone())),
        }
    }
}

/// AWS: limits — 29 seconds unless the integration says otherwise.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_millis(29_000);

/// An integration that cannot be served: every mistake in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    pub(crate) findings: Vec<Diagnostic>,
    /// How many of the findings, the last ones, are about models.
    pub(crate) of_models: usize,
}

impl PlanError {
    /// The mistakes and warnings, in the order of the integration's fields.
    pub fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }

    /// The findings for the document that holds the integration at `pointer`.
    #[cfg(feature = "openapi")]
    pub(crate) fn into_findings_at(mut self, pointer: &str) -> Vec<Diagnostic> {
        let own = self.findings.len().saturating_sub(self.of_models);
        for finding in self.findings.iter_mut().take(own) {
            finding.pointer.insert_str(0, pointer);
        }
        self.findings
    }

    /// The same, owned.
    pub fn into_findings(self) -> Vec<Diagnostic> {
        self.findings
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for PlanError {}

impl ResponsePlan {
    pub(crate) fn pattern_of(response: &IntegrationResponse) -> Option<&str> {
        response
            .selection_pattern
            .as_deref()
            .filter(|pattern| !pattern.is_empty())
    }
}
