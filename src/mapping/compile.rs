//! Compiling an integration into a plan: one pass that finds every mistake.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::diagnostic::{Diagnostic, pointer_token};
use crate::integration::{
    ConnectionType, Integration, IntegrationResponse, IntegrationType, Method, PassthroughBehavior,
    Protocol, ResponseTransferMode, SelectionSubject, TemplateEngine, Templates,
};
use crate::java_regex;
use crate::mapping::aws::Compiled;
use crate::mapping::expression::{Side, Source};
use crate::mapping::path::ResourcePath;
use crate::mapping::plan::{DEFAULT_TIMEOUT, Plan, PlanError, Reads, ResponsePlan};
use crate::mapping::selection::Selection;
use crate::mapping::stage::Stage;
use crate::mapping::templates::TemplateTable;
use crate::mapping::uri::{self, UriTemplate};
use crate::mapping::validation::{Findings, Models, Validator};
use crate::template::{Engine, Template, Vtl};

pub(crate) struct Compiler<'a> {
    pub(super) integration: &'a Integration,
    pub(super) method: &'a Method,
    pub(super) stage: Arc<Stage>,
    pub(super) findings: Vec<Diagnostic>,
}

/// Whether a template may look at the client's headers.
fn reads_headers(template: &Arc<dyn Template>) -> bool {
    template.reads_parameters()
        || ["domainName", "domainPrefix", "identity"]
            .iter()
            .any(|fact| template.reads_context(fact))
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(integration: &'a Integration, method: &'a Method, stage: Arc<Stage>) -> Self {
        Self {
            integration,
            method,
            stage,
            findings: Vec::new(),
        }
    }

    pub(crate) fn compile(mut self, models: &mut Models) -> Result<Plan, PlanError> {
        let kind = self.integration.kind;
        let resource = ResourcePath::parse(&self.method.resource).unwrap_or_else(|message| {
            self.error(
                "resource",
                "",
                message,
                "write a path such as `/pets/{petId}`",
            );
            ResourcePath::default()
        });
        let method = self.http_method();
        let compiled = match kind {
            IntegrationType::Aws | IntegrationType::AwsProxy => self.aws(),
            IntegrationType::Http | IntegrationType::HttpProxy | IntegrationType::Mock => {
                Compiled {
                    uri: self.uri(),
                    ..Compiled::default()
                }
            }
        };
        let uri = compiled.uri;
        let aws = compiled.aws;
        let timeout = self.timeout();
        let parameters = self.assignments(
            Side::Request,
            "/requestParameters",
            self.integration.request_parameters.iter(),
        );
        self.check_path_parameters(uri.as_ref(), &parameters);
        let templates = self.templates("/requestTemplates", &self.integration.request_templates);
        let responses: Vec<ResponsePlan> = self.responses();
        let numbers = aws.as_ref().is_none_or(|aws| aws.function.is_none());
        let selection = self.selection(&responses, numbers);
        self.check_connection();
        let mut validation = Findings::default();
        let validator = Validator::compile(self.method, models, &mut validation);
        self.findings.append(&mut validation.method);

        let read_by_rule = validator.as_ref().is_some_and(Validator::reads_body)
            || parameters
                .iter()
                .any(|assignment| assignment.source.reads_body());
        let collects = match kind {
            _ if validator.as_ref().is_some_and(Validator::reads_body) => true,
            IntegrationType::HttpProxy => read_by_rule,
            // A body that is not passed on byte for byte has to be seen as a whole.
            IntegrationType::Http
            | IntegrationType::Mock
            | IntegrationType::Aws
            | IntegrationType::AwsProxy => true,
        };
        let stream = kind.is_proxy()
            && self.integration.response_transfer_mode == Some(ResponseTransferMode::Stream);
        let mut target = compiled.target.timeout(timeout);
        if let Some(signing) = &self.integration.signing {
            target = target.signed(&signing.service, &signing.region);
            if let Some(role) = &self.integration.credentials {
                target = target.role(uri::fill(role, &self.stage));
            }
        }
        if matches!(kind, IntegrationType::Http | IntegrationType::HttpProxy) {
            target.protocol = self.integration.protocol;
            target.websocket = self.integration.websocket && kind.is_proxy();
        }
        target.insecure_skip_verification = self
            .integration
            .tls_config
            .as_ref()
            .is_some_and(|tls| tls.insecure_skip_verification);
        target.templated_host = uri.as_ref().is_some_and(UriTemplate::has_templated_host);
        target.answer_is_stream = stream;
        target.idle_timeout = self.stage.limits.idle;
        target.answer_is_collected = match kind {
            IntegrationType::HttpProxy => false,
            IntegrationType::AwsProxy => !stream,
            IntegrationType::Http | IntegrationType::Mock | IntegrationType::Aws => true,
        };
        let reads = Reads {
            request_body: collects,
            request_body_by_rule: read_by_rule,
            headers_later: responses.iter().any(|response| {
                response.templates.iter().any(reads_headers)
                    || response
                        .parameters
                        .iter()
                        .any(|assignment| matches!(assignment.source, Source::Context(_)))
            }),
        };
        let of_models = validation.models.len();
        self.findings.append(&mut validation.models);
        if self.findings.iter().any(Diagnostic::is_error) {
            return Err(PlanError {
                findings: self.findings,
                of_models,
            });
        }
        Ok(Plan {
            kind,
            method,
            resource,
            uri,
            aws,
            validator,
            parameters,
            templates,
            passthrough: self
                .integration
                .passthrough_behavior
                // AWS: WHEN_NO_MATCH is the default.
                .unwrap_or(PassthroughBehavior::WhenNoMatch),
            content_handling: self.integration.content_handling,
            responses,
            selection,
            selection_subject: self.integration.selection_subject,
            declared: self.method.responses.clone(),
            timeout,
            stream,
            target,
            reads,
            failure: compiled.failure,
            warnings: self.findings,
            stage: self.stage,
        })
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        pointer: &str,
        message: impl Into<String>,
        help: &str,
    ) {
        self.findings
            .push(Diagnostic::error(code, pointer, message).help(help));
    }

    pub(super) fn warning(
        &mut self,
        code: &'static str,
        pointer: &str,
        message: impl Into<String>,
        help: &str,
    ) {
        self.findings
            .push(Diagnostic::warning(code, pointer, message).help(help));
    }

    /// `ANY` and nothing keep the client's method.
    fn http_method(&mut self) -> Option<http::Method> {
        let written = match (self.integration.kind, &self.integration.http_method) {
            (_, Some(written)) => written.as_str(),
            // Recorded: imports take POST for AWS_PROXY.
            (IntegrationType::AwsProxy, None) => "POST",
            (_, None) => "",
        };
        if written.is_empty()
            || written.eq_ignore_ascii_case("ANY")
            || self.integration.kind == IntegrationType::Mock
        {
            return None;
        }
        match written.to_ascii_uppercase().parse::<http::Method>() {
            Ok(method) if method != http::Method::CONNECT => Some(method),
            _ => {
                self.error(
                    "http-method",
                    "/httpMethod",
                    format!("{written:?} is no method that a backend can be called with"),
                    "write one of GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS, or ANY for the client's",
                );
                None
            }
        }
    }

    fn uri(&mut self) -> Option<UriTemplate> {
        if self.integration.kind == IntegrationType::Mock {
            return None;
        }
        let Some(source) = &self.integration.uri else {
            self.error(
                "uri",
                "",
                "the integration has no `uri`",
                "add the URL of the backend",
            );
            return None;
        };
        match UriTemplate::parse(source, &self.stage) {
            Ok((template, None)) => Some(template),
            Ok((template, Some(error))) => {
                let stage = self.stage.name.clone();
                self.warning(
                    "uri",
                    "/uri",
                    format!(
                        "with the variables of stage {stage:?}, {}; requests will fail",
                        error.message
                    ),
                    error.help,
                );
                Some(template)
            }
            Err(error) => {
                self.error("uri", "/uri", error.message, error.help);
                None
            }
        }
    }

    // AWS: limits — 50 ms to 29 s; more by quota, and 15 minutes for streams.
    fn timeout(&mut self) -> Duration {
        let Some(millis) = self.integration.timeout_in_millis else {
            return DEFAULT_TIMEOUT;
        };
        if !(50..=900_000).contains(&millis) {
            self.error(
                "timeout",
                "/timeoutInMillis",
                format!("timeout should be between 50 ms and 29000 ms, not {millis} ms"),
                "up to 900000 ms are taken, for accounts with a raised quota",
            );
        } else if millis > 29_000 {
            self.warning(
                "timeout",
                "/timeoutInMillis",
                format!("{millis} ms is more than an account is allowed by default, 29000 ms"),
                "AWS takes it only with a raised quota",
            );
        }
        Duration::from_millis(millis)
    }

    fn check_connection(&mut self) {
        if self
            .integration
            .tls_config
            .as_ref()
            .is_some_and(|tls| tls.insecure_skip_verification)
        {
            self.warning(
                "tls-config",
                "/tlsConfig/insecureSkipVerification",
                "a certificate of any issuer is accepted, so that anyone on the way can answer for the backend",
                "trust the issuer of the backend's certificate instead",
            );
        }
        self.check_extensions();
        if self.integration.connection_type == Some(ConnectionType::VpcLink) {
            self.warning(
                "vpc-link",
                "/connectionType",
                "there is no VPC link here: the request goes to the host of `uri`",
                "let that name reach the backend, or set it with a stage variable",
            );
        }
    }

    /// Extensions that have no effect on the type of this integration.
    fn check_extensions(&mut self) {
        let kind = self.integration.kind;
        let http = matches!(kind, IntegrationType::Http | IntegrationType::HttpProxy);
        let without_effect = [
            (
                "x-tower-apigw-protocol",
                self.integration.protocol != Protocol::default() && !http,
                "it is for `http` and `http_proxy`",
            ),
            (
                "x-tower-apigw-selection-subject",
                self.integration.selection_subject != SelectionSubject::default()
                    && kind != IntegrationType::Http,
                "it is for `http`",
            ),
            (
                "x-tower-apigw-websocket",
                self.integration.websocket
                    && (kind != IntegrationType::HttpProxy
                        || self.integration.protocol != Protocol::Http1),
                "it is for `http_proxy` over HTTP/1.1",
            ),
        ];
        for (key, _, help) in without_effect.into_iter().filter(|(_, told, _)| *told) {
            self.warning(
                "extension",
                &format!("/{key}"),
                format!("`{key}` has no effect on this integration"),
                help,
            );
        }
    }

    fn templates(&mut self, pointer: &str, templates: &Templates) -> TemplateTable {
        let mut out = Vec::new();
        for (media_type, template) in templates {
            let pointer = format!("{pointer}/{}", pointer_token(media_type));
            // Recorded: T:test_put_integration_response_templates
            if media_type != "$default" && !media_type.contains('/') {
                self.error(
                    "content-type",
                    &pointer,
                    format!("invalid content type specified: {media_type}"),
                    "write a media type such as `application/json`",
                );
            }
            if template.source.is_empty() {
                out.push((media_type.clone(), None));
                continue;
            }
            let engine = template.engine.unwrap_or(self.integration.template_engine);
            if let Some(compiled) = self.template(engine, &pointer, media_type, &template.source) {
                out.push((media_type.clone(), Some(compiled)));
            }
        }
        TemplateTable::new(out)
    }

    fn template(
        &mut self,
        engine: TemplateEngine,
        pointer: &str,
        media_type: &str,
        source: &str,
    ) -> Option<Arc<dyn Template>> {
        let compiled = match engine {
            TemplateEngine::Vtl => Vtl::default().compile(source, media_type),
            #[cfg(feature = "tera")]
            TemplateEngine::Tera => crate::template::Tera::default().compile(source, media_type),
            #[cfg(not(feature = "tera"))]
            TemplateEngine::Tera => {
                self.error(
                    "template-engine",
                    pointer,
                    "this build has no Tera engine",
                    "build with the feature `tera`",
                );
                return None;
            }
        };
        match compiled {
            Ok(template) => Some(template),
            Err(error) => {
                let mut finding = Diagnostic::error("template", pointer, error.message());
                if let Some(position) = error.position() {
                    let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
                    finding = finding.within(number(position.line), number(position.column));
                }
                self.findings.push(finding);
                None
            }
        }
    }

    fn responses(&mut self) -> Vec<ResponsePlan> {
        if self.integration.kind.is_proxy() {
            return Vec::new();
        }
        if self.integration.responses.is_empty() {
            self.warning(
                "responses",
                "",
                "the integration has no responses, so that every request ends with 500",
                "add a `default` response",
            );
        }
        let integration = self.integration;
        integration
            .responses
            .iter()
            .filter_map(|response| self.response(response))
            .collect()
    }

    fn response(&mut self, response: &IntegrationResponse) -> Option<ResponsePlan> {
        let key = ResponsePlan::pattern_of(response).unwrap_or("default");
        let pointer = format!("/responses/{}", pointer_token(key));
        // Recorded: the status must match `[1-5]\d\d`.
        let status = response
            .status_code
            .parse()
            .ok()
            .filter(|status: &u16| (100..600).contains(status));
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        if status.is_none() {
            self.error(
                "status-code",
                &format!("{pointer}/statusCode"),
                format!("{:?} is no status", response.status_code),
                "write three digits, from 100 to 599",
            );
        } else if status.is_some_and(|status| status.is_informational()) {
            self.error(
                "status-code",
                &format!("{pointer}/statusCode"),
                format!(
                    "a response cannot end with the interim status {}",
                    response.status_code
                ),
                "write a status from 200 to 599",
            );
        }
        let parameters = self.assignments(
            Side::Response,
            &format!("{pointer}/responseParameters"),
            response.response_parameters.iter(),
        );
        let templates = self.templates(
            &format!("{pointer}/responseTemplates"),
            &response.response_templates,
        );
        Some(ResponsePlan {
            status: status?,
            pattern: ResponsePlan::pattern_of(response).map(str::to_owned),
            reads_body: parameters
                .iter()
                .any(|assignment| assignment.source.reads_body()),
            parameters,
            templates,
            content_handling: response.content_handling,
        })
    }

    fn selection(&mut self, responses: &[ResponsePlan], numbers: bool) -> Selection {
        let mut order: Vec<(usize, &ResponsePlan)> = responses.iter().enumerate().collect();
        order.sort_by_key(|(_, response)| response.status);
        let mut patterns = Vec::new();
        let mut default = None;
        for (index, response) in order {
            let Some(pattern) = &response.pattern else {
                if default.is_none() {
                    default = Some(index);
                }
                continue;
            };
            match java_regex::compile_selection(pattern, numbers) {
                Ok(compiled) => patterns.push((compiled, index)),
                Err(error) => self.error(
                    "selection-pattern",
                    &format!("/responses/{}", pointer_token(pattern)),
                    format!("invalid pattern {pattern:?}: {error}"),
                    "write a Java regular expression that matches the whole status",
                ),
            }
        }
        Selection::new(patterns, default, numbers)
    }
}
