//! The `x-amazon-apigateway-integration` object, member by member.

use crate::integration::{
    ConnectionType, Integration, IntegrationResponse, IntegrationType, Signing, TemplateEngine,
    TlsConfig,
};

use super::cursor::At;
use super::findings::Findings;
use super::{keys, read};

const INTEGRATION: &[&str] = &[
    "type",
    "httpMethod",
    "uri",
    "credentials",
    "connectionType",
    "connectionId",
    "integrationTarget",
    "timeoutInMillis",
    "passthroughBehavior",
    "contentHandling",
    "cacheNamespace",
    "cacheKeyParameters",
    "tlsConfig",
    "requestParameters",
    "requestTemplates",
    "responseTransferMode",
    "responses",
    SIGNING,
    ENGINE,
    PROTOCOL,
    SUBJECT,
    WEBSOCKET,
];

const SIGNING: &str = "x-tower-apigw-signing";

const ENGINE: &str = "x-tower-apigw-template-engine";

const PROTOCOL: &str = "x-tower-apigw-protocol";

const SUBJECT: &str = "x-tower-apigw-selection-subject";

const WEBSOCKET: &str = "x-tower-apigw-websocket";

const RESPONSE: &[&str] = &[
    "statusCode",
    "responseParameters",
    "responseTemplates",
    "contentHandling",
];

/// Reads all members, whatever is wrong with one; `None` when the type is not known.
pub(super) fn read(at: &At<'_>, findings: &mut Findings) -> Option<Integration> {
    if !read::is_object(at, findings) {
        return None;
    }
    let kind = match at.member("type") {
        Some(at) => read::word::<IntegrationType>(&at, findings),
        None => {
            findings.push_key(
                at.error("type", "the integration has no `type`")
                    .help("write one of http, http_proxy, mock, aws, aws_proxy"),
            );
            None
        }
    };
    // The rest is read all the same, for its mistakes.
    let mut integration = Integration::new(kind.unwrap_or(IntegrationType::Mock));
    for (key, at) in at.members() {
        if !at.value.is_null() {
            member(&mut integration, key, &at, findings);
        }
    }
    kind.is_some().then_some(integration)
}

fn member(integration: &mut Integration, key: &str, at: &At<'_>, findings: &mut Findings) {
    match key {
        "type" => {}
        "httpMethod" => integration.http_method = read::text(at, findings),
        "uri" => integration.uri = read::reference_text(at, findings),
        "credentials" => integration.credentials = read::reference_text(at, findings),
        "connectionType" => integration.connection_type = connection_type(at, findings),
        "connectionId" => integration.connection_id = read::reference_text(at, findings),
        "integrationTarget" => integration.integration_target = read::reference_text(at, findings),
        "timeoutInMillis" => integration.timeout_in_millis = read::number(at, findings),
        "passthroughBehavior" => integration.passthrough_behavior = read::word(at, findings),
        "contentHandling" => integration.content_handling = read::word(at, findings),
        "cacheNamespace" => integration.cache_namespace = read::text(at, findings),
        "cacheKeyParameters" => integration.cache_key_parameters = read::texts(at, findings),
        "tlsConfig" => integration.tls_config = tls_config(at, findings),
        "requestParameters" => integration.request_parameters = read::mappings(at, key, findings),
        "requestTemplates" => integration.request_templates = read::templates(at, key, findings),
        "responseTransferMode" => integration.response_transfer_mode = read::word(at, findings),
        "responses" => integration.responses = responses(at, findings),
        SIGNING => integration.signing = signing(at, findings),
        ENGINE => integration.template_engine = engine(at, findings).unwrap_or_default(),
        PROTOCOL => integration.protocol = read::word(at, findings).unwrap_or_default(),
        SUBJECT => integration.selection_subject = read::word(at, findings).unwrap_or_default(),
        WEBSOCKET => integration.websocket = read::boolean(at, findings).unwrap_or_default(),
        "payloadFormatVersion" | "integrationSubtype" | "templateSelectionExpression" => {
            keys::unsupported(
                at,
                format!("`{key}` belongs to HTTP and WebSocket APIs and has no effect"),
                "remove it; a REST API sends the event of version 1.0",
                findings,
            )
        }
        _ => keys::unknown(key, at, INTEGRATION, findings),
    }
}

fn signing(at: &At<'_>, findings: &mut Findings) -> Option<Signing> {
    if !read::is_object(at, findings) {
        return None;
    }
    keys::check(at, &["service", "region"], findings);
    let mut text = |name: &str| match at.member(name) {
        Some(member) => read::text(&member, findings),
        None => {
            let finding = at.error("signing", format!("`{name}` is missing"));
            findings.push_key(finding.help("write {service: execute-api, region: eu-west-1}"));
            None
        }
    };
    let (service, region) = (text("service"), text("region"));
    Some(Signing {
        service: service?,
        region: region?,
    })
}

fn connection_type(at: &At<'_>, findings: &mut Findings) -> Option<ConnectionType> {
    let connection_type = read::word(at, findings);
    if connection_type == Some(ConnectionType::VpcLink) {
        keys::unsupported(
            at,
            "there are no VPC links here: requests go straight to the `uri`",
            "make sure that its host can be reached from here",
            findings,
        );
    }
    connection_type
}

fn tls_config(at: &At<'_>, findings: &mut Findings) -> Option<TlsConfig> {
    if !read::is_object(at, findings) {
        return None;
    }
    keys::check(at, &["insecureSkipVerification"], findings);
    let flag = at.member("insecureSkipVerification");
    Some(TlsConfig {
        insecure_skip_verification: flag
            .and_then(|at| read::boolean(&at, findings))
            .unwrap_or(false),
    })
}

fn engine(at: &At<'_>, findings: &mut Findings) -> Option<TemplateEngine> {
    let word = read::text(at, findings)?;
    match word.to_ascii_lowercase().as_str() {
        "vtl" => Some(TemplateEngine::Vtl),
        "tera" => Some(TemplateEngine::Tera),
        _ => {
            findings.push(at.error(
                "value",
                format!("unknown value {word:?}, expected one of vtl, tera"),
            ));
            None
        }
    }
}

fn responses(at: &At<'_>, findings: &mut Findings) -> Vec<IntegrationResponse> {
    if !read::is_object(at, findings) {
        return Vec::new();
    }
    at.members()
        .filter_map(|(pattern, at)| response(pattern, &at, findings))
        .collect()
}

fn response(pattern: &str, at: &At<'_>, findings: &mut Findings) -> Option<IntegrationResponse> {
    if !read::is_object(at, findings) {
        return None;
    }
    keys::check(at, RESPONSE, findings);
    let status_code = match at.member("statusCode") {
        // Recorded: T:test_import_with_integer_http_status_code.
        Some(at) => read::scalar_text(&at, findings),
        None => {
            findings.push(at.error("type", "the integration response has no `statusCode`"));
            None
        }
    };
    let mut response = IntegrationResponse {
        status_code: status_code.clone().unwrap_or_default(),
        selection_pattern: Some(pattern.to_owned())
            .filter(|key| key != "default" && !key.is_empty()),
        ..IntegrationResponse::new(200)
    };
    if let Some(at) = at.member("responseParameters") {
        response.response_parameters = read::mappings(&at, "responseParameters", findings);
    }
    if let Some(at) = at.member("responseTemplates") {
        response.response_templates = read::templates(&at, "responseTemplates", findings);
    }
    response.content_handling = at
        .member("contentHandling")
        .and_then(|at| read::word(&at, findings));
    status_code.is_some().then_some(response)
}
