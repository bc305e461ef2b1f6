//! What a document says about the whole API.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use crate::integration::GatewayResponse;

use super::cursor::At;
use super::document::{ApiKeySource, Document, Format, RequestValidator};
use super::findings::Findings;
use super::security::Schemes;
use super::{keys, paths, read};

const ROOT: &[&str] = &[
    "openapi",
    "swagger",
    "info",
    "jsonSchemaDialect",
    "host",
    "basePath",
    "schemes",
    "consumes",
    "produces",
    "servers",
    "paths",
    "webhooks",
    "definitions",
    "parameters",
    "responses",
    "securityDefinitions",
    "components",
    "security",
    "tags",
    "externalDocs",
    BINARY,
    COMPRESSION,
    KEY_SOURCE,
    GATEWAY_RESPONSES,
    VALIDATORS,
    VALIDATOR,
    "x-amazon-apigateway-importexport-version",
    "x-amazon-apigateway-documentation",
    "x-amazon-apigateway-tag-value",
    // Named, so that their warnings say why they have no effect.
    "x-amazon-apigateway-policy",
    "x-amazon-apigateway-cors",
    "x-amazon-apigateway-endpoint-configuration",
    "x-amazon-apigateway-endpoint-access-mode",
    "x-amazon-apigateway-security-policy",
];

const BINARY: &str = "x-amazon-apigateway-binary-media-types";
const COMPRESSION: &str = "x-amazon-apigateway-minimum-compression-size";
const KEY_SOURCE: &str = "x-amazon-apigateway-api-key-source";
const GATEWAY_RESPONSES: &str = "x-amazon-apigateway-gateway-responses";
const VALIDATORS: &str = "x-amazon-apigateway-request-validators";
pub(super) const VALIDATOR: &str = "x-amazon-apigateway-request-validator";

/// What every operation of the document may refer to.
pub(super) struct Shared<'a> {
    pub(super) root: At<'a>,
    /// The root once more, for models to keep.
    pub(super) document: Arc<Value>,
    pub(super) format: Format,
    pub(super) schemes: Schemes,
    pub(super) validators: IndexMap<String, RequestValidator>,
    /// The name of the validator of methods that do not name one.
    pub(super) validator: Option<String>,
    /// Whether methods that say nothing of security ask for an API key.
    pub(super) api_key_required: bool,
}

pub(super) fn document(format: Format, root: &At<'_>, findings: &mut Findings) -> Document {
    keys::check(root, ROOT, findings);
    without_effect(root, findings);
    let info = root
        .member("info")
        .filter(|at| read::is_object(at, findings));
    let about = |key: &str, findings: &mut Findings| {
        let at = info.as_ref()?.member(key)?;
        read::scalar_text(&at, findings)
    };
    let title = about("title", findings);
    let version = about("version", findings);
    let validators = request_validators(root, findings);
    let mut shared = Shared {
        root: root.clone(),
        document: Arc::new(root.value.clone()),
        format,
        schemes: Schemes::read(format, root, findings),
        validators,
        validator: None,
        api_key_required: false,
    };
    shared.validator = validator(root, &shared, findings);
    if let Some(security) = root.member("security") {
        shared.api_key_required = shared.schemes.ask_for_key(&security, findings);
    }
    Document {
        format,
        title,
        version,
        binary_media_types: root
            .member(BINARY)
            .map(|at| read::texts(&at, findings))
            .unwrap_or_default(),
        minimum_compression_size: root
            .member(COMPRESSION)
            .and_then(|at| compression(&at, findings)),
        api_key_source: root
            .member(KEY_SOURCE)
            .and_then(|at| key_source(&at, findings))
            .unwrap_or_default(),
        gateway_responses: gateway_responses(root, findings),
        operations: paths::operations(&shared, findings),
        request_validators: shared.validators,
        value: shared.document,
    }
}

fn without_effect(root: &At<'_>, findings: &mut Findings) {
    let mut mention = |key: &str, message: &str, help: &str| {
        if let Some(at) = root.member(key) {
            keys::unsupported(&at, message, help, findings);
        }
    };
    const STAGE: &str = "paths are served as written, below no prefix";
    mention("servers", "`servers` has no effect", STAGE);
    mention(
        "webhooks",
        "`webhooks` has no effect",
        "only `paths` are served",
    );
    mention(
        "host",
        "`host` has no effect",
        "the listener's address decides",
    );
    // Recorded: T:test_import_rest_api_with_base_path_oas30[ignore].
    mention("basePath", "`basePath` has no effect", STAGE);
    mention(
        "x-amazon-apigateway-policy",
        "the resource policy is not enforced",
        "every client may call every method; put a check of your own in front",
    );
    mention(
        "x-amazon-apigateway-cors",
        "`x-amazon-apigateway-cors` belongs to HTTP APIs and has no effect",
        "declare an `options` method with a mock integration that maps the headers",
    );
    mention(
        "x-amazon-apigateway-endpoint-configuration",
        "the endpoint configuration has no effect",
        "the listener's address decides",
    );
    mention(
        "x-amazon-apigateway-endpoint-access-mode",
        "the endpoint access mode has no effect",
        "the listener's address decides",
    );
    mention(
        "x-amazon-apigateway-security-policy",
        "the TLS security policy has no effect",
        "it is the business of what stands in front",
    );
}

// Recorded: the message.
fn compression(at: &At<'_>, findings: &mut Findings) -> Option<u64> {
    let size = read::number(at, findings)?;
    if size > 10_485_760 {
        findings.push(
            at.warning(
                "value",
                "Invalid minimum compression size, must be between 0 and 10485760",
            )
            .help("API Gateway refuses the import; leave it out to compress nothing"),
        );
    }
    Some(size)
}

fn key_source(at: &At<'_>, findings: &mut Findings) -> Option<ApiKeySource> {
    let word = read::text(at, findings)?;
    match word.to_ascii_uppercase().as_str() {
        "HEADER" => Some(ApiKeySource::Header),
        "AUTHORIZER" => {
            keys::unsupported(
                at,
                "API keys from an authorizer are not known here",
                "use HEADER",
                findings,
            );
            Some(ApiKeySource::Authorizer)
        }
        _ => {
            findings.push(at.error(
                "value",
                format!("unknown value {word:?}, expected one of HEADER, AUTHORIZER"),
            ));
            None
        }
    }
}

fn request_validators(
    root: &At<'_>,
    findings: &mut Findings,
) -> IndexMap<String, RequestValidator> {
    let mut validators = IndexMap::new();
    let Some(at) = root
        .member(VALIDATORS)
        .filter(|at| read::is_object(at, findings))
    else {
        return validators;
    };
    for (name, at) in at.members() {
        if !read::is_object(&at, findings) {
            continue;
        }
        keys::check(
            &at,
            &["validateRequestBody", "validateRequestParameters"],
            findings,
        );
        let mut flag = |key| {
            at.member(key)
                .and_then(|at| read::boolean(&at, findings))
                .unwrap_or(false)
        };
        let validator = RequestValidator {
            body: flag("validateRequestBody"),
            parameters: flag("validateRequestParameters"),
        };
        validators.insert(name.to_owned(), validator);
    }
    validators
}

/// The name of the validator that `at` chooses.
pub(super) fn validator(
    at: &At<'_>,
    shared: &Shared<'_>,
    findings: &mut Findings,
) -> Option<String> {
    let at = at.member(VALIDATOR)?;
    let name = read::text(&at, findings)?;
    if shared.validators.contains_key(&name) {
        return Some(name);
    }
    // Real documents that AWS took have such names.
    findings.push(
        at.warning(
            "reference",
            format!("there is no request validator {name:?}; nothing is validated"),
        )
        .help(format!("declare it in `{VALIDATORS}`")),
    );
    None
}

fn gateway_responses(root: &At<'_>, findings: &mut Findings) -> IndexMap<String, GatewayResponse> {
    let mut responses = IndexMap::new();
    let Some(at) = root
        .member(GATEWAY_RESPONSES)
        .filter(|at| read::is_object(at, findings))
    else {
        return responses;
    };
    for (kind, at) in at.members() {
        if !read::is_object(&at, findings) {
            continue;
        }
        let mut response = GatewayResponse::new();
        let known = ["statusCode", "responseParameters", "responseTemplates"];
        keys::check(&at, &known, findings);
        response.status_code = at
            .member("statusCode")
            .and_then(|at| read::scalar_text(&at, findings));
        if let Some(at) = at.member("responseParameters") {
            response.response_parameters = read::mappings(&at, "responseParameters", findings);
        }
        if let Some(at) = at.member("responseTemplates") {
            response.response_templates = read::bodies(&at, "responseTemplates", findings);
        }
        responses.insert(kind.to_owned(), response);
    }
    responses
}
