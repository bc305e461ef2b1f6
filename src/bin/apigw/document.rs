//! The document of an API: read, compiled for a stage, and what is wrong with it told.

use std::borrow::Cow;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use tower_apigw::diagnostic::{Diagnostic, Severity};
use tower_apigw::mapping::Stage;
use tower_apigw::openapi::{Api, Import, ImportError, MAX_DOCUMENT_BYTES, OnError};

use crate::exit::Failure;
use crate::logging::LogFormat;
use crate::report::Report;

/// What happens to a document with errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnErrorChoice {
    /// Show all errors and exit with 1
    Refuse,
    /// Show them, let the broken integrations answer 500 as on AWS, and serve the rest
    Run,
}

impl From<OnErrorChoice> for OnError {
    fn from(choice: OnErrorChoice) -> Self {
        match choice {
            OnErrorChoice::Refuse => Self::Refuse,
            OnErrorChoice::Run => Self::Run,
        }
    }
}

/// The text of a document, and where it is from.
#[derive(Debug)]
pub(crate) struct Document {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Document {
    /// Reads a file; whether it is JSON or YAML is seen from its text.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let mut bytes = Vec::new();
        // One byte more than is allowed shows that there is too much, whatever else follows.
        let most = u64::try_from(MAX_DOCUMENT_BYTES)
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
        match read {
            Ok(_) if bytes.trim_ascii().is_empty() => {
                Err(Failure::document(format!("{name} is empty"))
                    .help("an API is an OpenAPI document with x-amazon-apigateway-integration, in YAML or JSON"))
            }
            Ok(_) => Ok(Self { path: path.to_owned(), bytes }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(Failure::document(format!("there is no file {name}"))
                    .help("give the path of an OpenAPI document"))
            }
            Err(error) => Err(Failure::document(format!("cannot read {name}: {error}"))),
        }
    }

    /// One that could not be read.
    pub(crate) fn unread(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            bytes: Vec::new(),
        }
    }

    /// How it is called in what the user is told.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    pub(crate) fn import(&self) -> Result<Import, ImportError> {
        Import::from_slice(&self.bytes)
    }

    /// Compiles it. Findings go to standard error.
    pub(crate) fn compile(
        &self,
        stage: Stage,
        on_error: OnErrorChoice,
        format: LogFormat,
    ) -> Result<Api, Failure> {
        let import = self.import().map_err(|error| {
            let finding = std::slice::from_ref(error.finding());
            self.tell(finding, format);
            self.refused(finding)
        })?;
        match Api::new(&import, stage, on_error.into()) {
            Ok(api) => {
                self.tell(api.findings(), format);
                Ok(api)
            }
            Err(error) => {
                self.tell(error.findings(), format);
                Err(self
                    .refused(error.findings())
                    .help("--on-error run serves the rest, and lets what is broken answer 500"))
            }
        }
    }

    fn tell(&self, findings: &[Diagnostic], format: LogFormat) {
        let (file, text) = (self.name(), self.text());
        let report = Report::new(&file, &text, &std::io::stderr());
        for finding in findings {
            match format {
                LogFormat::Text => eprint!("{}", report.show(finding)),
                LogFormat::Json => event(finding, &file),
            }
        }
    }

    fn refused(&self, findings: &[Diagnostic]) -> Failure {
        let errors = findings.iter().filter(|finding| finding.is_error()).count();
        let warnings = findings.len() - errors;
        let name = self.path.display();
        let errors = count(errors, "error");
        Failure::document(match warnings {
            0 => format!("{name} has {errors}"),
            _ => format!("{name} has {errors} and {}", count(warnings, "warning")),
        })
    }
}

/// A finding among log lines that a program reads.
fn event(finding: &Diagnostic, file: &str) {
    let (line, column) = finding
        .position
        .map_or((None, None), |at| (Some(at.line), Some(at.column)));
    let Diagnostic {
        code,
        pointer,
        message,
        help,
        ..
    } = finding;
    let help = help.as_deref();
    match finding.severity {
        Severity::Error => tracing::error!(file, line, column, code, pointer, help, "{message}"),
        Severity::Warning => tracing::warn!(file, line, column, code, pointer, help, "{message}"),
        Severity::Note => tracing::info!(file, line, column, code, pointer, help, "{message}"),
    }
}

pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
