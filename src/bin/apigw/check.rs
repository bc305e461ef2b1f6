//! `apigw check`: what is wrong with documents, without serving them.

mod json;
mod sarif;

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tower_apigw::diagnostic::{Diagnostic, Severity};
use tower_apigw::lint::{self, Rule};

use crate::document::{Document, count};
use crate::exit::Failure;
use crate::report::Report;
use crate::stage::StageOptions;

/// Check an API for mistakes
///
/// Finds what `serve` would refuse, what API Gateway would refuse when the document is imported, and what will not do
/// what it seems to: patterns that are never reached, texts that break the JSON of a template, names that do not exist.
/// Each finding has a code, the place as file:line:column and advice. Findings go to standard output, a summary to
/// standard error. Exit codes: 0 nothing is wrong, 1 there are errors (or warnings, with --deny warnings), or
/// something cannot be read, 2 usage.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {
    /// The documents: OpenAPI 2.0, 3.0 or 3.1 with x-amazon-apigateway-integration, in YAML or JSON
    #[arg(value_name = "API", required_unless_present = "explain")]
    apis: Vec<PathBuf>,

    /// The form of the findings
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        env = "APIGW_FORMAT",
        default_value = "text"
    )]
    format: Format,

    /// What else makes the check fail
    #[arg(long, value_enum, value_name = "WHAT", env = "APIGW_DENY")]
    deny: Option<Deny>,

    /// The least that is told
    #[arg(
        long,
        value_enum,
        value_name = "SEVERITY",
        env = "APIGW_LEVEL",
        default_value = "warning"
    )]
    level: Least,

    /// A rule whose warnings and notes are left out; may be given several times
    #[arg(long, value_name = "CODE", value_delimiter = ',', env = "APIGW_ALLOW", value_parser = rule)]
    allow: Vec<&'static Rule>,

    /// Tell what a rule is about, instead of checking; `all` lists the rules
    #[arg(long, value_name = "CODE", conflicts_with = "apis")]
    explain: Option<String>,

    #[command(flatten)]
    stage: StageOptions,
}

const EXAMPLES: &str = "Examples:
  apigw check api.yaml
  apigw check api.yaml --deny warnings --allow json-apostrophe,buffered
  apigw check *.yaml --format sarif > findings.sarif
  apigw check --explain pattern-newline";

/// A form of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, with the line in question
    Text,
    /// A list of objects with code, severity, file, line, column, pointer, message and help
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// What makes the check fail besides errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// Warnings do, too
    Warnings,
}

/// The least severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Least {
    /// Notes, warnings and errors
    Note,
    /// Warnings and errors
    Warning,
    /// Errors only
    Error,
}

impl From<Least> for Severity {
    fn from(least: Least) -> Self {
        match least {
            Least::Note => Self::Note,
            Least::Warning => Self::Warning,
            Least::Error => Self::Error,
        }
    }
}

fn rule(code: &str) -> Result<&'static Rule, String> {
    Rule::find(code).ok_or_else(|| format!("there is no rule {code:?}; --explain all lists them"))
}

/// A document and its findings.
struct Checked {
    document: Document,
    findings: Vec<Diagnostic>,
}

impl Check {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if let Some(code) = &self.explain {
            return explain(code);
        }
        let stage = self.stage.stage()?;
        let mut all = Vec::with_capacity(self.apis.len());
        for path in &self.apis {
            // One that cannot be read does not silence the others.
            let (document, findings) = match Document::read(path) {
                Ok(document) => {
                    let findings = match document.import() {
                        Ok(import) => lint::check(&import, &stage),
                        Err(error) => vec![error.finding().clone()],
                    };
                    (document, findings)
                }
                Err(failure) => (Document::unread(path), vec![unreadable(&failure)]),
            };
            all.push(Checked { document, findings });
        }
        used_elsewhere(&mut all);
        let least = Severity::from(self.level);
        let mut hidden = 0;
        let mut failed = false;
        let mut numbers = [0_usize; 3];
        for checked in &mut all {
            checked.findings.retain(|finding| {
                finding.is_error() || !self.allow.iter().any(|rule| rule.code == finding.code)
            });
            for finding in &checked.findings {
                let [notes, warnings, errors] = &mut numbers;
                match finding.severity {
                    Severity::Note => *notes += 1,
                    Severity::Warning => *warnings += 1,
                    Severity::Error => *errors += 1,
                }
                failed |= finding.is_error()
                    || (self.deny == Some(Deny::Warnings) && finding.severity == Severity::Warning);
            }
            let before = checked.findings.len();
            checked.findings.retain(|finding| finding.severity >= least);
            hidden += before - checked.findings.len();
        }
        let text = match self.format {
            Format::Text => text(&all),
            Format::Json => json::write(&all),
            Format::Sarif => sarif::write(&all),
        };
        print(&text, "findings")?;
        if self.format == Format::Text {
            summary(all.len(), numbers, hidden);
        }
        if failed { Err(Failure::told()) } else { Ok(()) }
    }
}

/// A document that is not there, cannot be read, or is empty.
fn unreadable(failure: &Failure) -> Diagnostic {
    Diagnostic::error("unreadable", "", failure.message())
        .help("give the path of an OpenAPI document with x-amazon-apigateway-integration")
}

/// A stage variable that one of the documents reads is of use.
fn used_elsewhere(all: &mut [Checked]) {
    const UNUSED: &str = "stage-variable-unused";
    let unused = |checked: &Checked| -> HashSet<String> {
        let found = checked.findings.iter().filter(|it| it.code == UNUSED);
        found.map(|it| it.message.clone()).collect()
    };
    let sets: Vec<HashSet<String>> = all.iter().map(unused).collect();
    for checked in all.iter_mut() {
        checked.findings.retain(|finding| {
            finding.code != UNUSED || sets.iter().all(|set| set.contains(&finding.message))
        });
    }
}

fn text(all: &[Checked]) -> String {
    let mut out = String::new();
    for checked in all {
        let file = checked.document.name();
        let text = checked.document.text();
        let report = Report::new(&file, &text, &io::stdout());
        for finding in &checked.findings {
            out.push_str(&report.show(finding));
            out.push('\n');
        }
    }
    out
}

fn summary(documents: usize, [notes, warnings, errors]: [usize; 3], hidden: usize) {
    let documents = count(documents, "document");
    let mut parts = Vec::new();
    for (number, what) in [(errors, "error"), (warnings, "warning"), (notes, "note")] {
        if number > 0 {
            parts.push(count(number, what));
        }
    }
    let found = match parts.is_empty() {
        true => "nothing to report".to_owned(),
        false => parts.join(", "),
    };
    let hidden = match hidden {
        0 => String::new(),
        several => format!(" ({several} not shown; --level note shows all)"),
    };
    eprintln!("checked {documents}: {found}{hidden}");
}

fn explain(code: &str) -> Result<(), Failure> {
    let mut out = String::new();
    if code == "all" {
        for rule in Rule::ALL {
            out.push_str(&format!(
                "{:22} {:8} {}\n",
                rule.code,
                rule.severity.to_string(),
                rule.summary
            ));
        }
    } else {
        let rule = rule(code).map_err(Failure::usage)?;
        out = format!(
            "{} ({}): {}\n\n{}\n\nSource: {}\n",
            rule.code, rule.severity, rule.summary, rule.help, rule.source
        );
    }
    print(&out, "explanation")
}

/// Writes to standard output; who closes it has read enough.
fn print(text: &str, what: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::document(format!(
            "cannot write the {what}: {error}"
        ))),
        _ => Ok(()),
    }
}
