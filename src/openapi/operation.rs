//! One operation: the API method and its integration.

use std::collections::BTreeSet;

use crate::integration::Method;

use super::cursor::At;
use super::document::Operation;
use super::findings::Findings;
use super::settings::{self, Shared};
use super::{integration, keys, parameters, read, reference, security};

const INTEGRATION: &str = "x-amazon-apigateway-integration";
const AUTH: &str = "x-amazon-apigateway-auth";

const OPERATION: &[&str] = &[
    "tags",
    "summary",
    "description",
    "externalDocs",
    "operationId",
    "consumes",
    "produces",
    "parameters",
    "requestBody",
    "responses",
    "callbacks",
    "schemes",
    "deprecated",
    "security",
    "servers",
    INTEGRATION,
    settings::VALIDATOR,
    AUTH,
];

/// Reads the operation `at` of the path item `item`.
pub(super) fn read(
    shared: &Shared<'_>,
    http_method: &str,
    resource: &str,
    item: &At<'_>,
    at: &At<'_>,
    findings: &mut Findings,
) -> Operation {
    let errors = findings.errors();
    keys::check(at, OPERATION, findings);
    without_effect(at, findings);
    let mut method = Method::new(http_method, resource);
    method.operation_name = at
        .member("operationId")
        .and_then(|at| read::text(&at, findings));
    parameters::read(shared, item, at, &mut method, findings);
    method.responses = at
        .member("responses")
        .and_then(|at| responses(&at, findings));
    method.request_validator = if at.member(settings::VALIDATOR).is_some() {
        settings::validator(at, shared, findings)
    } else {
        shared.validator.clone()
    };
    if let Some(name) = &method.request_validator
        && let Some(validator) = shared.validators.get(name)
    {
        method.validate_parameters = validator.parameters;
        method.validate_body = validator.body;
    }
    method.api_key_required = security::api_key_required(at, shared, findings);

    let mut operation = Operation {
        method,
        integration: None,
        broken: false,
        declared_at: at.pointer.clone(),
        pointer: at.pointer.clone(),
    };
    match at.member(INTEGRATION) {
        Some(declared) => {
            if let Some(object) = reference::resolve(&shared.root, declared, findings) {
                operation.integration = integration::read(&object, findings);
                operation.pointer = object.pointer;
            }
        }
        // AWS refuses to deploy an API that has such a method.
        None => findings.push_key(
            at.warning(
                "no-integration",
                "this operation has no integration; it cannot be served",
            )
            .help(format!("give it `{INTEGRATION}`")),
        ),
    }
    operation.broken = findings.errors() > errors;
    operation
}

fn without_effect(at: &At<'_>, findings: &mut Findings) {
    if let Some(at) = at.member("servers") {
        keys::unsupported(
            &at,
            "`servers` has no effect",
            "paths are served as written",
            findings,
        );
    }
    if let Some(at) = at.member("callbacks") {
        keys::unsupported(
            &at,
            "`callbacks` has no effect",
            "only `paths` are served",
            findings,
        );
    }
    if let Some(at) = at.member(AUTH) {
        let kind = at
            .member("type")
            .and_then(|at| at.value.as_str().map(str::to_owned));
        if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("none")) {
            keys::unsupported(
                &at,
                "the authorization of this operation is not enforced",
                "it answers every client; put a check of your own in front",
                findings,
            );
        }
    }
}

/// The declared statuses; `None` when any status may be answered.
// Chosen: an operation without `responses`, or with a `default` one, declares nothing that a status
// could miss; `responses: {}` declares that there is none, as on AWS.
fn responses(at: &At<'_>, findings: &mut Findings) -> Option<BTreeSet<u16>> {
    if !read::is_object(at, findings) {
        return None;
    }
    let mut statuses = BTreeSet::new();
    let mut unchecked = false;
    for (key, at) in at.members() {
        if key == "default" {
            unchecked = true;
            continue;
        }
        match statuses_of(key) {
            Some((first, last)) => {
                read::should_be_object(&at, findings);
                statuses.extend(first..=last);
            }
            None => keys::unknown(key, &at, &["default"], findings),
        }
    }
    (!unchecked).then_some(statuses)
}

fn statuses_of(key: &str) -> Option<(u16, u16)> {
    if let Some(class) = key.strip_suffix("XX").or_else(|| key.strip_suffix("xx")) {
        let class: u16 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return Some((class * 100, class * 100 + 99));
    }
    let status: u16 = key
        .parse()
        .ok()
        .filter(|status| (100..=599).contains(status))?;
    Some((status, status))
}
