//! Declared request parameters and bodies.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use crate::integration::{Method, Parameter, ParameterLocation, Schema, referred};

use super::cursor::At;
use super::document::Format;
use super::findings::Findings;
use super::settings::Shared;
use super::{keys, read, reference};

/// Whether each parameter is required.
type Declared = IndexMap<(ParameterLocation, String), bool>;

/// Reads the parameters of the path item and of the operation, and the body, into `method`.
pub(super) fn read(
    shared: &Shared<'_>,
    item: &At<'_>,
    operation: &At<'_>,
    method: &mut Method,
    findings: &mut Findings,
) {
    let mut declared = IndexMap::new();
    for owner in [item, operation] {
        let Some(list) = owner
            .member("parameters")
            .filter(|at| read::is_list(at, findings))
        else {
            continue;
        };
        for at in list.items() {
            if let Some(at) = reference::resolve(&shared.root, at, findings) {
                parameter(shared, operation, &at, &mut declared, method, findings);
            }
        }
    }
    method.parameters.extend(
        declared
            .into_iter()
            .map(|((location, name), required)| Parameter {
                location,
                name,
                required,
            }),
    );
    if shared.format != Format::Swagger2
        && let Some(at) = operation.member("requestBody")
    {
        request_body(shared, at, method, findings);
    }
}

fn parameter(
    shared: &Shared<'_>,
    operation: &At<'_>,
    at: &At<'_>,
    declared: &mut Declared,
    method: &mut Method,
    findings: &mut Findings,
) {
    if !read::is_object(at, findings) {
        return;
    }
    let Some(place) = at.member("in") else {
        findings.push(at.error(
            "type",
            "the parameter says nowhere where it is: `in` is missing",
        ));
        return;
    };
    let Some(place) = read::text(&place, findings) else {
        return;
    };
    let location = match place.as_str() {
        "path" => ParameterLocation::Path,
        "query" => ParameterLocation::QueryString,
        "header" => ParameterLocation::Header,
        "body" => return body(shared, operation, at, method, findings),
        "cookie" | "formData" => {
            return keys::unsupported(
                at,
                format!(
                    "parameters in `{place}` are not known to API Gateway; this one is ignored"
                ),
                "a template can read it from the header or the body",
                findings,
            );
        }
        _ => {
            findings.push(at.error(
                "value",
                format!("unknown place {place:?}, expected path, query, header or body"),
            ));
            return;
        }
    };
    let Some(name) = at.member("name") else {
        findings.push(at.error("type", "the parameter has no `name`"));
        return;
    };
    let Some(name) = read::text(&name, findings) else {
        return;
    };
    if shared.format != Format::Swagger2
        && let Some(schema) = at.member("schema")
        && !schema.value.is_boolean()
    {
        read::should_be_object(&schema, findings);
    }
    let required = at
        .member("required")
        .and_then(|at| read::boolean(&at, findings))
        .unwrap_or(false);
    // What the operation says replaces what the path item says.
    declared.insert(
        (location, name),
        required || location == ParameterLocation::Path,
    );
}

/// The body parameter of OpenAPI 2.0: one schema for all media types that are consumed.
fn body(
    shared: &Shared<'_>,
    operation: &At<'_>,
    at: &At<'_>,
    method: &mut Method,
    findings: &mut Findings,
) {
    let Some(schema) = schema(shared, at, findings) else {
        return;
    };
    let consumes = operation
        .member("consumes")
        .or_else(|| shared.root.member("consumes"));
    if let Some(consumes) = &consumes
        && !findings.reread(reference::weight(consumes.value))
    {
        findings.push(consumes.error("reference", "too many operations use this list"));
        return;
    }
    let mut media_types = consumes
        .map(|at| read::texts(&at, findings))
        .unwrap_or_default();
    if media_types.is_empty() {
        media_types.push("application/json".to_owned());
    }
    for media_type in media_types {
        method.request_models.insert(media_type, schema.clone());
    }
}

fn request_body(shared: &Shared<'_>, at: At<'_>, method: &mut Method, findings: &mut Findings) {
    let Some(at) = reference::resolve(&shared.root, at, findings) else {
        return;
    };
    if !read::is_object(&at, findings) {
        return;
    }
    let Some(content) = at
        .member("content")
        .filter(|at| read::is_object(at, findings))
    else {
        return;
    };
    for (media_type, at) in content.members() {
        read::should_be_object(&at, findings);
        if at.value.is_object()
            && let Some(schema) = schema(shared, &at, findings)
        {
            method.request_models.insert(media_type.to_owned(), schema);
        }
    }
}

/// The schema of `at`, references followed.
fn schema(shared: &Shared<'_>, at: &At<'_>, findings: &mut Findings) -> Option<Schema> {
    let schema = named(shared, at.member("schema")?);
    let schema = reference::follow(&shared.root, schema, findings)?;
    // OpenAPI 3.1 has `true` and `false` for schemas.
    if !matches!(schema.value, Value::Object(_) | Value::Bool(_)) {
        read::mismatch(&schema, "a schema", findings);
        return None;
    }
    Some(Schema::within(
        Arc::clone(&shared.document),
        &schema.pointer,
    ))
}

/// The model that is named by its address in API Gateway, if that is how `at` names it.
fn named<'a>(shared: &Shared<'a>, at: At<'a>) -> At<'a> {
    let model = at.member("$ref").and_then(|reference| {
        let pointer = referred(shared.root.value, reference.value.as_str()?)?;
        let value = shared.root.value.pointer(&pointer)?;
        Some(At { value, pointer })
    });
    model.unwrap_or(at)
}
