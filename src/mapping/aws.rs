//! Integrations with a service of AWS: what their ARN compiles to, and the headers they send.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

use crate::aws::{Address, ApiFacts, Kind, RestEvent, function, may_be_address};
use crate::error::ErrorKind;
use crate::integration::{IntegrationType, Method, ResponseTransferMode};
use crate::mapping::call::Call;
use crate::mapping::compile::Compiler;
use crate::mapping::context::resource_id;
use crate::mapping::headers;
use crate::mapping::stage::Stage;
use crate::mapping::uri::{self, UriTemplate};
use crate::target::Target;

/// What the ARN of an integration means.
#[derive(Debug)]
pub(crate) struct AwsPlan {
    /// `X-Amz-Target`, for the services that get it.
    target: Option<HeaderValue>,
    /// What a body is if nobody said so.
    media_type: HeaderValue,
    /// `X-Amz-Source-Arn`, in front of the method and behind it.
    source_arn: (String, String),
    /// The same as a whole, when the method has a name.
    fixed_source_arn: Option<HeaderValue>,
    pub(crate) function: Option<FunctionPlan>,
}

/// An integration with a function.
#[derive(Debug)]
pub(crate) struct FunctionPlan {
    /// Writes the event, for `AWS_PROXY`.
    pub(crate) event: Option<RestEvent>,
}

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const SOURCE_ARN: HeaderName = HeaderName::from_static("x-amz-source-arn");
const INTEGRATION_TAG: HeaderName = HeaderName::from_static("x-amzn-lambda-integration-tag");

/// What compiling an ARN gives.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    pub(crate) uri: Option<UriTemplate>,
    pub(crate) aws: Option<AwsPlan>,
    pub(crate) target: Target,
    pub(crate) failure: Option<(ErrorKind, String)>,
}

impl Compiler<'_> {
    /// Compiles the `uri` of an `AWS` or `AWS_PROXY` integration.
    pub(super) fn aws(&mut self) -> Compiled {
        let mut compiled = Compiled::default();
        let Some(source) = self.integration.uri.as_deref() else {
            self.error(
                "uri",
                "",
                "the integration has no `uri`",
                "name the function or the action to call",
            );
            return compiled;
        };
        let stage = Arc::clone(&self.stage);
        let filled = uri::fill(source, &stage);
        let address = match Address::parse(&filled) {
            Ok(address) => address,
            Err(_) if may_be_address(&filled) => {
                self.warning(
                    "placeholder",
                    "/uri",
                    format!("nothing is put for the `${{…}}` of {filled:?}; requests will fail"),
                    "write out what a deployment would put here",
                );
                compiled.failure = Some((
                    ErrorKind::Configuration,
                    "invalid endpoint address: a `${…}` is filled in by nothing".to_owned(),
                ));
                return compiled;
            }
            // A variable that this stage does not have, or something around a placeholder.
            Err(error) if source.contains("${") => {
                let message = error.message;
                self.warning(
                    "uri-arn",
                    "/uri",
                    format!("{message}: {filled:?}; requests will fail"),
                    error.help,
                );
                compiled.failure = Some((
                    ErrorKind::Configuration,
                    format!("invalid endpoint address: {message}"),
                ));
                return compiled;
            }
            Err(error) => {
                self.error("uri-arn", "/uri", error.message, error.help);
                return compiled;
            }
        };
        let invoked = match (address.service, address.kind) {
            ("lambda", Kind::Path) => function(address.rest),
            _ => None,
        };
        compiled.failure = self.transfer(&address, invoked.as_ref().map(|(_, streams)| *streams));
        match UriTemplate::parse(&stage.endpoints.url(&address), &stage) {
            Ok((template, error)) => {
                if let Some(error) = error {
                    self.warning("uri", "/uri", error.message, error.help);
                }
                compiled.uri = Some(template);
            }
            Err(error) => self.error("uri", "/uri", error.message, error.help),
        }
        compiled.target = Target::new().signed(address.signing_name(), address.signing_region());
        if let Some(role) = &self.integration.credentials {
            compiled.target = compiled.target.role(uri::fill(role, &stage));
        }
        let proxy = self.integration.kind == IntegrationType::AwsProxy;
        let method = self.method;
        compiled.aws = Some(AwsPlan {
            function: invoked.is_some().then(|| FunctionPlan {
                event: proxy.then(|| event(method, &stage)),
            }),
            ..self.service(&address)
        });
        compiled.target.function = invoked.map(|(function, _)| Arc::new(function));
        compiled
    }

    fn service(&mut self, address: &Address<'_>) -> AwsPlan {
        let known = address.known();
        let action = address.rest.split('&').next().unwrap_or_default();
        let of_action = known.filter(|_| address.kind == Kind::Action);
        let json = of_action.filter(|service| !service.target.is_empty());
        let target = json.and_then(|service| {
            let target = format!("{}.{action}", service.target);
            if service.adds_target {
                return HeaderValue::try_from(target).ok();
            }
            if !self.sets_target() {
                self.warning(
                    "x-amz-target",
                    "/uri",
                    format!(
                        "{} finds the action in the header X-Amz-Target, which API Gateway does not add for it",
                        address.service
                    ),
                    &format!("map `integration.request.header.X-Amz-Target` from `'{target}'`"),
                );
            }
            None
        });
        let media_type =
            of_action.map_or("application/json", |service| service.protocol.media_type());
        let stage = &self.stage;
        let front = format!(
            "arn:{}:execute-api:{}:{}:{}/{}/",
            address.partition, address.region, stage.account_id, stage.api_id, stage.name
        );
        let method = self.method.http_method.to_ascii_uppercase();
        let resource = &self.method.resource;
        let named = !method.is_empty() && method != "ANY";
        AwsPlan {
            target,
            media_type: HeaderValue::from_static(media_type),
            fixed_source_arn: named
                .then(|| HeaderValue::try_from(format!("{front}{method}{resource}")).ok())
                .flatten(),
            source_arn: (front, resource.clone()),
            function: None,
        }
    }

    /// Whether a mapping, or perhaps a template, sets `X-Amz-Target`.
    fn sets_target(&self) -> bool {
        let mapped = self.integration.request_parameters.keys().any(|key| {
            let name = key.strip_prefix("integration.request.header.");
            name.is_some_and(|name| name.eq_ignore_ascii_case("x-amz-target"))
        });
        let template = |source: &str| source.to_ascii_lowercase().contains("x-amz-target");
        let mut templates = self.integration.request_templates.values();
        mapped || templates.any(|one| template(&one.source))
    }

    /// What cannot work together.
    fn transfer(
        &mut self,
        address: &Address<'_>,
        streams: Option<bool>,
    ) -> Option<(ErrorKind, String)> {
        let kind = self.integration.kind;
        if kind == IntegrationType::AwsProxy && streams.is_none() {
            // Recorded: T:test_put_integration_validation
            const ONLY: &str = "integrations of type AWS_PROXY currently only support Lambda function and Firehose stream invocations";
            if address.service == "firehose" {
                let reason = "there is no public contract for AWS_PROXY with Firehose".to_owned();
                self.warning(
                    "integration-type",
                    "/uri",
                    reason.clone(),
                    "use the type aws",
                );
                return Some((ErrorKind::Unsupported, reason));
            }
            self.error(
                "uri-arn",
                "/uri",
                ONLY,
                "write …:lambda:path/2015-03-31/functions/FUNCTION-ARN/invocations, or use the type aws",
            );
        }
        let stream = self.integration.response_transfer_mode == Some(ResponseTransferMode::Stream);
        // AWS: response-transfer-mode — the configurations that are not supported.
        let reason = match (kind, streams) {
            (IntegrationType::AwsProxy, Some(false)) if stream => {
                "STREAM needs the streaming address of the function"
            }
            (_, Some(true)) if !stream || kind != IntegrationType::AwsProxy => {
                "the streaming address of a function needs AWS_PROXY with STREAM"
            }
            _ => return None,
        };
        Some((ErrorKind::Configuration, reason.to_owned()))
    }
}

fn event(method: &Method, stage: &Stage) -> RestEvent {
    let id = resource_id(&method.resource);
    let api = ApiFacts {
        resource_id: &id,
        resource_path: &method.resource,
        operation_name: method.operation_name.as_deref(),
        account_id: &stage.account_id,
        api_id: &stage.api_id,
        deployment_id: &stage.deployment_id,
        stage: &stage.name,
        stage_variables: &stage.variables,
        api_key_required: method.api_key_required,
    };
    RestEvent::new(&api)
}

impl AwsPlan {
    /// Adds the headers that API Gateway sends to services.
    // Observed: O:36275093982, O:5270803061. Recorded: T:test_apigw_test_invoke_method_api
    pub(crate) fn headers(&self, call: &Call, out: &mut HeaderMap, has_body: bool) {
        if let Some(target) = &self.target {
            out.entry(TARGET).or_insert_with(|| target.clone());
        }
        if has_body {
            out.entry(header::CONTENT_TYPE)
                .or_insert_with(|| self.media_type.clone());
        }
        if self.function.is_some() {
            out.insert(INTEGRATION_TAG, call.request.arrival.request_id.clone());
        }
        let source = match &self.fixed_source_arn {
            Some(fixed) => Some(fixed.clone()),
            None => {
                let (front, resource) = &self.source_arn;
                HeaderValue::try_from(format!("{front}{}{resource}", call.request.method)).ok()
            }
        };
        if let Some(source) = source {
            out.insert(SOURCE_ARN, source);
        }
    }
}

/// What a service says under a name of its own: the id of its request.
pub(crate) fn request_id_of(headers: &HeaderMap) -> Cow<'_, str> {
    headers
        .get(headers::REQUEST_ID)
        .map_or(Cow::Borrowed("-"), |id| {
            String::from_utf8_lossy(id.as_bytes())
        })
}
