//! Stage variables: given and never read, and what a stage may hold.

use std::collections::HashSet;

use crate::diagnostic::Diagnostic;
use crate::integration::{Integration, TemplateEngine};
use crate::mapping::Stage;
use crate::openapi::Document;
use crate::vtl::Template;

// AWS: limits — stage variables.
const MOST: usize = 100;
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 512;

/// What is wrong with the variables themselves. Values may be secrets and are not repeated.
pub(super) fn limits(stage: &Stage, findings: &mut Vec<Diagnostic>) {
    let mut warn = |message: String, help: &str| {
        findings.push(Diagnostic::warning("stage-variable-limit", "", message).help(help));
    };
    let variables = stage.variables();
    if variables.len() > MOST {
        warn(
            format!("a stage holds {MOST} variables, not {}", variables.len()),
            "put several values into one variable",
        );
    }
    for (name, value) in variables {
        let fits = !name.is_empty()
            && name.len() <= LONGEST_NAME
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !fits {
            warn(
                format!("API Gateway takes no stage variable named {name:?}"),
                "names have up to 64 letters, digits and `_`",
            );
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#&=,".contains(c);
        if value.len() > LONGEST_VALUE || !value.chars().all(plain) {
            warn(
                format!("API Gateway does not take the value of the stage variable {name:?}"),
                "values have up to 512 letters, digits and any of -._~:/?#&=,",
            );
        }
    }
}

/// The variables that nothing in the document reads.
pub(super) fn unused(document: &Document, stage: &Stage, findings: &mut Vec<Diagnostic>) {
    if stage.variables().is_empty() {
        return;
    }
    let mut read = Read::default();
    for operation in &document.operations {
        if let Some(integration) = &operation.integration {
            read.integration(integration);
        } else if operation.broken {
            read.all = true;
        }
    }
    for response in document.gateway_responses.values() {
        response
            .response_parameters
            .values()
            .for_each(|text| read.expression(text));
        response
            .response_templates
            .values()
            .for_each(|text| read.text(text));
    }
    if read.all {
        return;
    }
    for (name, _) in stage.variables() {
        if !read.names.contains(name) {
            let message = format!("nothing in the document reads the stage variable {name:?}");
            let finding = Diagnostic::warning("stage-variable-unused", "", message);
            findings.push(
                finding.help("leave it out, or write `${stageVariables.…}` where it belongs"),
            );
        }
    }
}

#[derive(Default)]
struct Read {
    names: HashSet<String>,
    all: bool,
}

impl Read {
    fn integration(&mut self, integration: &Integration) {
        let texts = [
            &integration.uri,
            &integration.credentials,
            &integration.connection_id,
            &integration.integration_target,
            &integration.http_method,
        ];
        texts.into_iter().flatten().for_each(|text| self.text(text));
        let mut templates = Vec::new();
        templates.extend(integration.request_templates.values());
        for from in integration.request_parameters.values() {
            self.expression(from);
        }
        for response in &integration.responses {
            templates.extend(response.response_templates.values());
            for from in response.response_parameters.values() {
                self.expression(from);
            }
        }
        for template in templates {
            if !template.source.contains("stageVariables") && !template.source.contains("stage") {
                continue;
            }
            let engine = template.engine.unwrap_or(integration.template_engine);
            match Template::parse(&template.source) {
                Ok(parsed) if engine == TemplateEngine::Vtl => {
                    for (root, step) in parsed.references() {
                        match (root, step) {
                            (
                                "stageVariables",
                                Some("get" | "keySet" | "entrySet" | "values") | None,
                            ) => {
                                self.all = true;
                            }
                            ("stageVariables", Some(name)) => {
                                self.names.insert(name.to_owned());
                            }
                            _ => {}
                        }
                    }
                }
                _ => self.all = true,
            }
        }
    }

    fn expression(&mut self, text: &str) {
        if let Some(name) = text.strip_prefix("stageVariables.") {
            self.names.insert(name.to_owned());
        } else {
            self.text(text);
        }
    }

    /// Every `stageVariables.name` in a text.
    fn text(&mut self, text: &str) {
        for (at, root) in text.match_indices("stageVariables.") {
            let rest = text.get(at + root.len()..).unwrap_or_default();
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
                .unwrap_or(rest.len());
            self.names.extend(rest.get(..end).map(str::to_owned));
        }
    }
}
