//! Models by media type: compiled once for an API, chosen for a request.

#[cfg(feature = "validation")]
use std::collections::HashMap;
#[cfg(feature = "validation")]
use std::sync::Arc;

#[cfg(feature = "validation")]
use http::header;
#[cfg(feature = "validation")]
use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::integration::Method;
use crate::mapping::context::Facts;

#[cfg(feature = "validation")]
use super::bundle::Fault;
#[cfg(feature = "validation")]
use super::model::Model;

/// What compiling a validator found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// About the method; the pointers start at the integration, as all others do.
    pub(crate) method: Vec<Diagnostic>,
    /// About models; the pointers start at the document that holds them.
    pub(crate) models: Vec<Diagnostic>,
}

/// The models of an API that were compiled already, for the next method that names them.
#[derive(Debug, Default)]
pub(crate) struct Models {
    #[cfg(feature = "validation")]
    known: HashMap<(usize, String), Known>,
    #[cfg(feature = "validation")]
    values: usize,
}

/// With its document, so that no other one takes its address.
#[cfg(feature = "validation")]
type Known = (Arc<Value>, Result<Arc<Model>, Fault>);

/// The models of one method.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    #[cfg(feature = "validation")]
    by_type: Vec<(String, Arc<Model>)>,
}

#[cfg(feature = "validation")]
impl Models {
    pub(super) fn compile(&mut self, method: &Method, findings: &mut Findings) -> Compiled {
        let mut by_type = Vec::new();
        for (media_type, schema) in &method.request_models {
            let document = match schema.document() {
                Ok(document) => document,
                Err(error) => {
                    let message = format!("the model for {media_type} is no JSON: {error}");
                    findings.models.push(Diagnostic::error(
                        "request-model",
                        schema.pointer(),
                        message,
                    ));
                    continue;
                }
            };
            let key = (Arc::as_ptr(&document).addr(), schema.pointer().to_owned());
            let (_, model) = self.known.entry(key).or_insert_with(|| {
                let model = Model::compile(&document, schema.pointer(), &mut self.values);
                (document, model.map(Arc::new))
            });
            match model {
                Ok(model) => by_type.push((media_type.clone(), Arc::clone(model))),
                Err(finding) if findings.models.contains(&**finding) => {}
                Err(finding) => findings.models.push(Diagnostic::clone(finding)),
            }
        }
        Compiled { by_type }
    }
}

#[cfg(feature = "validation")]
impl Compiled {
    pub(super) fn is_empty(&self) -> bool {
        self.by_type.is_empty()
    }

    // AWS: api-gateway-method-request-validation — a body without a model for its type passes.
    pub(super) fn check(&self, facts: &Facts<'_>) -> Result<(), Error> {
        use crate::error::ErrorKind;
        use crate::mapping::content::media_type;
        use crate::mapping::method_request::text;

        if self.is_empty() {
            return Ok(());
        }
        let content_type = facts.headers.map.get(header::CONTENT_TYPE).map(text);
        let wanted = content_type
            .as_deref()
            .map_or("application/json", media_type);
        let find = |wanted: &str| {
            let mut models = self.by_type.iter();
            models.find(|(key, _)| media_type(key).eq_ignore_ascii_case(wanted))
        };
        let Some((_, model)) = find(wanted).or_else(|| find("$default")) else {
            return Ok(());
        };
        let body = facts.body.map_or(&[][..], |body| body);
        model.check(body).map_err(|list| {
            // Observed: this is the line of the execution log.
            let message = format!(
                "Request body does not match model schema for content type {wanted}: {list}"
            );
            Error::new(ErrorKind::InvalidBody, message).with_validation(list)
        })
    }
}

#[cfg(not(feature = "validation"))]
impl Models {
    pub(super) fn compile(&mut self, method: &Method, findings: &mut Findings) -> Compiled {
        if !method.request_models.is_empty() {
            findings.method.push(
                Diagnostic::warning(
                    "request-validator",
                    "",
                    "request bodies are not checked against their models by this build",
                )
                .help("build with the feature `validation`"),
            );
        }
        Compiled {}
    }
}

#[cfg(not(feature = "validation"))]
impl Compiled {
    pub(super) fn is_empty(&self) -> bool {
        true
    }

    pub(super) fn check(&self, _: &Facts<'_>) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(all(test, not(feature = "validation")))]
mod tests {
    use crate::integration::Schema;

    use super::*;

    #[test]
    fn a_build_that_checks_no_bodies_says_so() {
        let mut method = Method::new("POST", "/");
        let schema = Schema::new("{}");
        method
            .request_models
            .insert("application/json".to_owned(), schema);
        let mut findings = Findings::default();
        let compiled = Models::default().compile(&method, &mut findings);
        assert!(compiled.is_empty());
        let codes: Vec<_> = findings.method.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["request-validator"]);
    }
}
