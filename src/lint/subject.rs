//! What the lints look at: one operation of a document with its integration.

use crate::diagnostic::Diagnostic;
use crate::integration::{Integration, IntegrationType, Method};
use crate::mapping::Stage;
use crate::openapi::{Document, Operation};

/// One operation, and what its lints found.
pub(super) struct Subject<'a> {
    pub(super) document: &'a Document,
    pub(super) operation: &'a Operation,
    pub(super) integration: &'a Integration,
    pub(super) method: &'a Method,
    pub(super) stage: &'a Stage,
    pub(super) findings: Vec<Diagnostic>,
}

/// What the patterns of an integration are matched against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matched {
    /// The status of a backend.
    Status,
    /// The number that a mock's template prints.
    Number,
    /// The error message of a function.
    Message,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        document: &'a Document,
        operation: &'a Operation,
        integration: &'a Integration,
        stage: &'a Stage,
    ) -> Self {
        Self {
            document,
            operation,
            integration,
            method: &operation.method,
            stage,
            findings: Vec::new(),
        }
    }

    /// A warning about the part of the integration that `pointer` names.
    pub(super) fn warn(
        &mut self,
        code: &'static str,
        pointer: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let finding = Diagnostic::warning(code, pointer, message).help(help);
        self.push(finding);
    }

    /// A note about it.
    pub(super) fn note(
        &mut self,
        code: &'static str,
        pointer: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let finding = Diagnostic::note(code, pointer, message).help(help);
        self.push(finding);
    }

    /// A finding whose pointer starts at the integration.
    pub(super) fn push(&mut self, finding: Diagnostic) {
        self.findings.push(finding.under(&self.operation.pointer));
    }

    /// The service that an ARN of an AWS integration names: `lambda`, `dynamodb`.
    pub(super) fn service(&self) -> Option<&'a str> {
        let mut parts = colons(self.integration.uri.as_deref()?);
        let arn = parts.next()? == "arn";
        let _partition = parts.next()?;
        let apigateway = parts.next()? == "apigateway";
        let _region = parts.next()?;
        let service = parts.next().filter(|_| arn && apigateway)?;
        (!service.contains(['$', '{'])).then_some(service)
    }

    /// `None` when the pattern has no part in anything, or it cannot be told what is called.
    pub(super) fn matched(&self) -> Option<Matched> {
        match self.integration.kind {
            IntegrationType::Http if !self.integration.selection_subject.is_default() => {
                Some(Matched::Number)
            }
            IntegrationType::Http => Some(Matched::Status),
            IntegrationType::Mock => Some(Matched::Number),
            IntegrationType::Aws => Some(match self.service()? {
                "lambda" => Matched::Message,
                _ => Matched::Status,
            }),
            IntegrationType::HttpProxy | IntegrationType::AwsProxy => None,
        }
    }
}

/// The parts of an ARN; a colon in `${…}` parts nothing.
fn colons(arn: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(arn);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut inside = false;
        let end = text.char_indices().find_map(|(at, c)| {
            match c {
                '{' if text.get(..at).is_some_and(|before| before.ends_with('$')) => inside = true,
                '}' => inside = false,
                _ => {}
            }
            (c == ':' && !inside).then_some(at)
        });
        let (part, next) = match end {
            Some(at) => (text.get(..at)?, text.get(at + 1..)),
            None => (text, None),
        };
        rest = next;
        Some(part)
    })
}

/// Whether a text has a placeholder that a deployment would fill in.
pub(super) fn is_unfilled(text: &str) -> bool {
    text.match_indices("${").any(|(at, _)| {
        !text
            .get(at..)
            .is_some_and(|rest| rest.starts_with("${stageVariables."))
    })
}
