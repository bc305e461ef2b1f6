//! What is wrong with a document, and what may be: the findings of the import and of the compilation, and lints.
//!
//! [`check`] says everything at once, each finding with a code that stays, a severity, the place in the document and
//! what to do. A lint speaks only where the document shows it: what a deployment fills in later (`${…}`) is passed over.
//!
//! ```
//! use tower_apigw::lint;
//! use tower_apigw::mapping::Stage;
//! use tower_apigw::openapi::Import;
//!
//! let import = Import::from_slice(br#"
//! openapi: 3.0.1
//! info: {title: pets, version: '1'}
//! paths:
//!   /pets:
//!     get:
//!       parameters: [{in: query, name: kind}]
//!       responses: {200: {description: pets}}
//!       x-amazon-apigateway-integration:
//!         type: mock
//!         requestTemplates:
//!           application/json: '{"statusCode": 200}'
//!         responses:
//!           default:
//!             statusCode: 200
//!             responseTemplates:
//!               application/json: |
//!                 {"kind": "$input.params('kind')"}
//! "#)?;
//! let findings = lint::check(&import, &Stage::default());
//! let finding = &findings[0];
//! assert_eq!((finding.code, finding.position.unwrap().to_string()), ("json-escape", "18:27".into()));
//! assert_eq!(finding.help.as_deref(), Some("write $util.escapeJavaScript(…) around it"));
//! # Ok::<_, tower_apigw::openapi::ImportError>(())
//! ```
//!
//! # Rules
//!
#![doc = include_str!("rules.md")]

mod address;
mod broken;
mod directives;
mod form;
mod gateway;
mod media;
mod mock;
mod names;
mod overrides;
mod parameters;
mod pattern;
mod patterns;
mod responses;
mod rules;
mod selection;
mod subject;
mod template;
mod transfer;
mod value;
mod variables;

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::patterns::Patterns;
use crate::lint::subject::Subject;
use crate::mapping::Stage;
use crate::openapi::{Api, Import, OnError};

pub use names::meant;
pub use rules::Rule;

/// How many findings of one severity are kept.
const MAX_FINDINGS: usize = 1_000;

/// Everything there is to say about a document at a stage.
pub fn check(import: &Import, stage: &Stage) -> Vec<Diagnostic> {
    let mut findings = match Api::new(import, stage.clone(), OnError::Run) {
        Ok(api) => api.findings().to_vec(),
        Err(error) => error.findings().to_vec(),
    };
    unfilled_once(&mut findings);
    let document = import.document();
    let (mut late, mut left_out) = (Vec::new(), 0);
    let (mut warnings, mut notes) = (0, 0);
    let patterns = Patterns::default();
    for operation in &document.operations {
        let Some(integration) = &operation.integration else {
            continue;
        };
        let mut subject = Subject::new(document, operation, integration, stage, &patterns);
        address::check(&mut subject);
        parameters::check(&mut subject);
        selection::check(&mut subject);
        responses::check(&mut subject);
        template::check(&mut subject);
        mock::check(&mut subject);
        transfer::check(&mut subject);
        let (found, more) = subject.finish();
        left_out += more;
        for finding in found {
            let kept = match finding.severity {
                Severity::Note => &mut notes,
                Severity::Warning | Severity::Error => &mut warnings,
            };
            *kept += 1;
            match *kept <= 4 * MAX_FINDINGS {
                true => late.push(finding),
                false => left_out += 1,
            }
        }
        if warnings > 4 * MAX_FINDINGS {
            break;
        }
    }
    gateway::check(document, &mut late);
    media::check(document, &mut late);
    variables::limits(stage, &mut late);
    variables::unused(document, stage, &mut late);
    // What is an error already needs no advice.
    let errors: HashSet<String> = findings
        .iter()
        .filter(|finding| finding.is_error())
        .map(|finding| finding.pointer.clone())
        .collect();
    let known: HashSet<(&str, String)> = findings
        .iter()
        .map(|finding| (finding.code, finding.pointer.clone()))
        .collect();
    // Operations may share an integration.
    let mut seen = HashSet::new();
    late.retain(|finding| {
        let unsaid = !errors.contains(&finding.pointer)
            && !known.contains(&(finding.code, finding.pointer.clone()));
        unsaid
            && seen.insert((
                finding.code,
                finding.pointer.clone(),
                finding.message.clone(),
                finding.within,
            ))
    });
    for severity in [Severity::Warning, Severity::Note] {
        let of_severity = late.iter().filter(|finding| finding.severity == severity);
        left_out += of_severity.count().saturating_sub(MAX_FINDINGS);
    }
    for severity in [Severity::Warning, Severity::Note] {
        let kept = late.iter().filter(|finding| finding.severity == severity);
        findings.extend(kept.take(MAX_FINDINGS).cloned().map(|mut finding| {
            if !finding.pointer.is_empty() {
                import.locate(&mut finding);
            }
            finding
        }));
    }
    findings.sort_by_key(|finding| finding.position);
    if left_out > 0 {
        let message = format!("at least {left_out} more findings are left out");
        findings.push(Diagnostic::warning("too-many-findings", "", message));
    }
    findings
}

/// That nothing is put for a placeholder is said once of a value: by the import, if it saw it.
fn unfilled_once(findings: &mut Vec<Diagnostic>) {
    let mut told = HashSet::new();
    findings.retain(|finding| match finding.code {
        "intrinsic" => {
            told.insert(finding.pointer.clone());
            true
        }
        "placeholder" => told.insert(finding.pointer.clone()),
        _ => true,
    });
}
