//! Security schemes: API keys are known, everything else is not enforced.

use std::collections::HashMap;

use super::cursor::At;
use super::document::Format;
use super::findings::Findings;
use super::settings::Shared;
use super::{keys, read, reference};

/// The declared schemes: name to whether it is the API key.
#[derive(Debug, Default)]
pub(super) struct Schemes(HashMap<String, bool>);

impl Schemes {
    pub(super) fn read(format: Format, root: &At<'_>, findings: &mut Findings) -> Self {
        let declared = match format {
            Format::Swagger2 => root.member("securityDefinitions"),
            Format::OpenApi30 | Format::OpenApi31 => root
                .member("components")
                .and_then(|at| at.member("securitySchemes")),
        };
        let mut schemes = HashMap::new();
        let Some(declared) = declared.filter(|at| read::is_object(at, findings)) else {
            return Self(schemes);
        };
        for (name, at) in declared.members() {
            let Some(scheme) = reference::follow(root, at.clone(), findings) else {
                continue;
            };
            let is_key = is_api_key(&scheme);
            if !is_key {
                keys::unsupported(
                    &at,
                    format!("the security scheme `{name}` is not enforced"),
                    "its methods answer every client; put a check of your own in front",
                    findings,
                );
            }
            schemes.insert(name.to_owned(), is_key);
        }
        Self(schemes)
    }
}

// AWS: api-gateway-swagger-extensions-authtype — a header scheme with an authorizer is not a key.
fn is_api_key(scheme: &At<'_>) -> bool {
    let is = |key: &str, expected: &str| {
        let value = scheme
            .member(key)
            .and_then(|at| at.value.as_str().map(str::to_owned));
        value.is_some_and(|value| value.eq_ignore_ascii_case(expected))
    };
    is("type", "apiKey")
        && is("in", "header")
        && is("name", "x-api-key")
        && scheme.member("x-amazon-apigateway-authtype").is_none()
        && scheme.member("x-amazon-apigateway-authorizer").is_none()
}

/// Whether `operation` asks for an API key: it says so, or the document does and it says nothing.
pub(super) fn api_key_required(
    operation: &At<'_>,
    shared: &Shared<'_>,
    findings: &mut Findings,
) -> bool {
    match operation.member("security") {
        Some(requirements) => shared.schemes.ask_for_key(&requirements, findings),
        None => shared.api_key_required,
    }
}

impl Schemes {
    /// Whether the API key is among what `requirements` ask for.
    pub(super) fn ask_for_key(&self, requirements: &At<'_>, findings: &mut Findings) -> bool {
        if !read::is_list(requirements, findings) {
            return false;
        }
        let mut required = false;
        for requirement in requirements.items() {
            if !read::is_object(&requirement, findings) {
                continue;
            }
            for (name, at) in requirement.members() {
                match self.0.get(name) {
                    Some(is_key) => required |= is_key,
                    None => findings.push_key(at.warning(
                        "reference",
                        format!("there is no security scheme `{name}`; it is ignored"),
                    )),
                }
            }
        }
        required
    }
}
