//! What the lints look at: one operation of a document with its integration.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::diagnostic::{Diagnostic, Severity};
use crate::integration::{Integration, IntegrationType, Method, ParameterLocation};
use crate::lint::MAX_FINDINGS;
use crate::lint::patterns::Patterns;
use crate::mapping::Stage;
use crate::openapi::{Document, Operation};

/// One operation, and what its lints found.
pub(super) struct Subject<'a> {
    pub(super) document: &'a Document,
    pub(super) operation: &'a Operation,
    pub(super) integration: &'a Integration,
    pub(super) method: &'a Method,
    pub(super) stage: &'a Stage,
    pub(super) patterns: &'a Patterns,
    /// The variables of the path.
    pub(super) path: Rc<HashSet<&'a str>>,
    findings: Vec<Diagnostic>,
    declared: OnceCell<Declared<'a>>,
    notes: usize,
    left_out: usize,
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
        patterns: &'a Patterns,
    ) -> Self {
        Self {
            document,
            operation,
            integration,
            method: &operation.method,
            stage,
            patterns,
            path: Rc::new(path_variables(&operation.method.resource).collect()),
            findings: Vec::new(),
            declared: OnceCell::new(),
            notes: 0,
            left_out: 0,
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
        self.add(finding.under(&self.operation.pointer));
    }

    /// A finding whose pointer starts at the document. Beyond the bound it counts.
    pub(super) fn add(&mut self, finding: Diagnostic) {
        if self.is_full(finding.severity) {
            self.left_out += 1;
            return;
        }
        self.notes += usize::from(finding.severity == Severity::Note);
        self.findings.push(finding);
    }

    /// Whether findings of this severity are only counted.
    pub(super) fn is_full(&self, severity: Severity) -> bool {
        let kept = match severity {
            Severity::Note => self.notes,
            Severity::Warning | Severity::Error => self.findings.len() - self.notes,
        };
        kept >= 4 * MAX_FINDINGS
    }

    /// What was found, and how much more there was.
    pub(super) fn finish(self) -> (Vec<Diagnostic>, usize) {
        (self.findings, self.left_out)
    }

    /// Whether the method has this parameter.
    pub(super) fn declared(&self, location: ParameterLocation, name: &str) -> Known<'a> {
        let declared = self.declared.get_or_init(|| {
            let mut declared = Declared::new();
            for parameter in &self.method.parameters {
                let key = (parameter.location, parameter.name.to_ascii_lowercase());
                let name = parameter.name.as_str();
                let (_, names) = declared.entry(key).or_insert((name, HashSet::new()));
                names.insert(name);
            }
            declared
        });
        let found = declared.get(&(location, name.to_ascii_lowercase()));
        Known {
            exactly: found.is_some_and(|(_, names)| names.contains(name)),
            otherwise: found.map(|(first, _)| *first),
        }
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

/// The parameters of a method, so that they are found at once.
type Declared<'a> = HashMap<(ParameterLocation, String), (&'a str, HashSet<&'a str>)>;

/// How a name is declared.
pub(super) struct Known<'a> {
    /// As it is written.
    pub(super) exactly: bool,
    /// The first declared name that is the same but for its case.
    pub(super) otherwise: Option<&'a str>,
}

/// The names of the variables in a path.
fn path_variables(resource: &str) -> impl Iterator<Item = &str> {
    resource.split('/').filter_map(|segment| {
        let inner = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(inner.strip_suffix('+').unwrap_or(inner))
    })
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
