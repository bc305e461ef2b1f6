//! The paths of a document and the methods on each.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;

use super::cursor::At;
use super::document::Operation;
use super::findings::Findings;
use super::resource::{Resource, RouteError};
use super::settings::Shared;
use super::{cloudformation, keys, operation, read, reference};

const ANY: &str = "x-amazon-apigateway-any-method";
const METHODS: &[(&str, &str)] = &[
    ("get", "GET"),
    ("put", "PUT"),
    ("post", "POST"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
    ("head", "HEAD"),
    ("patch", "PATCH"),
    (ANY, "ANY"),
];

const PATH_ITEM: &[&str] = &[
    "get",
    "put",
    "post",
    "delete",
    "options",
    "head",
    "patch",
    "trace",
    ANY,
    "parameters",
    "summary",
    "description",
    "servers",
    "$ref",
];

pub(super) fn operations(shared: &Shared<'_>, findings: &mut Findings) -> Vec<Operation> {
    let mut operations = Vec::new();
    let Some(paths) = shared.root.member("paths") else {
        findings.push(
            shared
                .root
                .warning("type", "the document has no `paths`: nothing is served"),
        );
        return operations;
    };
    if !read::is_object(&paths, findings) {
        return operations;
    }
    let mut resources = Resources::default();
    for (path, at) in paths.members() {
        if path.starts_with("x-") || cloudformation::is_function(path) {
            keys::unknown(path, &at, &[], findings);
            continue;
        }
        let errors = findings.errors();
        let resource = match path.parse::<Resource>() {
            Ok(resource) => {
                resources.enter(&resource, &at, findings);
                resource.to_string()
            }
            Err(error) => {
                findings.push_key(refused(&at, &error));
                path.to_owned()
            }
        };
        let unroutable = findings.errors() > errors;
        let Some(item) = reference::resolve(&shared.root, at.clone(), findings) else {
            continue;
        };
        if !read::is_object(&item, findings) {
            continue;
        }
        keys::check(&item, PATH_ITEM, findings);
        without_effect(&item, findings);
        for (key, at) in item.members() {
            let Some((_, http_method)) = METHODS.iter().find(|(name, _)| *name == key) else {
                continue;
            };
            if at.value.is_null() || !read::is_object(&at, findings) {
                continue;
            }
            let mut operation =
                operation::read(shared, http_method, &resource, &item, &at, findings);
            operation.broken |= unroutable || !resources.claim(path, http_method, &at, findings);
            operations.push(operation);
        }
    }
    operations
}

fn refused(at: &At<'_>, error: &RouteError) -> Diagnostic {
    at.error("resource", error.to_string())
        .help("a variable is a whole segment: `{name}`, or `{name+}` as the last one")
}

fn without_effect(item: &At<'_>, findings: &mut Findings) {
    if let Some(at) = item.member("trace") {
        keys::unsupported(
            &at,
            "API Gateway has no TRACE methods; this one is not served",
            "remove it",
            findings,
        );
    }
    if let Some(at) = item.member("servers") {
        keys::unsupported(
            &at,
            "`servers` has no effect",
            "paths are served as written",
            findings,
        );
    }
}

/// What the resources read so far have taken.
#[derive(Default)]
struct Resources {
    /// The name of the variable below each parent.
    variables: HashMap<String, String>,
    methods: HashMap<(String, String), String>,
}

impl Resources {
    fn enter(&mut self, resource: &Resource, at: &At<'_>, findings: &mut Findings) {
        for (parent, variable) in resource.variables() {
            let first = self
                .variables
                .entry(parent.clone())
                .or_insert_with(|| variable.clone());
            if *first != variable {
                // AWS refuses this when it saves the resource; here both are found.
                findings.push_key(
                    at.warning(
                        "sibling-variable",
                        format!("below `{parent}` stand the variables `{first}` and `{variable}`"),
                    )
                    .help(
                        "API Gateway allows one variable below a resource: give both the same name",
                    ),
                );
            }
        }
    }

    /// Takes a method of the resource at `path`; whether it was free.
    fn claim(
        &mut self,
        path: &str,
        http_method: &str,
        at: &At<'_>,
        findings: &mut Findings,
    ) -> bool {
        let pattern = path
            .parse::<Resource>()
            .map_or_else(|_| path.to_owned(), |it| it.pattern());
        let taken = self.methods.get(&(pattern.clone(), http_method.to_owned()));
        if let Some(first) = taken {
            findings.push_key(at.error(
                "duplicate-route",
                format!(
                    "{http_method} `{path}` matches the same requests as {http_method} `{first}`"
                ),
            ));
            return false;
        }
        self.methods
            .insert((pattern, http_method.to_owned()), path.to_owned());
        true
    }
}
