//! Reading a document: the entry to this room.

use std::error::Error;
use std::fmt;

use crate::diagnostic::Diagnostic;

use super::cursor::At;
use super::document::{Document, Format};
use super::findings::Findings;
use super::source::Source;
use super::{read, settings};

/// The largest document that is read, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 6 * 1024 * 1024;

/// A document that could be read, and what is wrong with it.
#[derive(Debug)]
pub struct Import {
    document: Document,
    findings: Vec<Diagnostic>,
    source: Source,
}

impl Import {
    /// Reads a document in JSON or YAML.
    ///
    /// # Errors
    ///
    /// The text is over [`MAX_DOCUMENT_BYTES`], is neither JSON nor YAML, or is no OpenAPI document.
    /// All other mistakes are [`findings`](Self::findings).
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ImportError> {
        let mut findings = Findings::default();
        let source =
            Source::parse(bytes, &mut findings).map_err(|finding| ImportError { finding })?;
        let root = At::root(&source.value);
        let format = match format(&root) {
            Ok(format) => format,
            Err(mut finding) => {
                finding.position = Some(source.locate(&finding));
                return Err(ImportError { finding });
            }
        };
        let document = settings::document(format, &root, &mut findings);
        let findings = findings.placed(&source.places);
        Ok(Self {
            document,
            findings,
            source,
        })
    }

    /// What was read.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// What was read, without the text's places.
    pub fn into_document(self) -> Document {
        self.document
    }

    /// Everything that is wrong, by position.
    pub fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }

    /// Whether one of the findings is an error.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(Diagnostic::is_error)
    }

    /// Gives `finding` the position of what its pointer names, or of the nearest value around that;
    /// for findings that were made later, of what [`document`](Self::document) holds. A place
    /// within a text is the very line when the text is a literal block (`|`) of YAML.
    pub fn locate(&self, finding: &mut Diagnostic) {
        finding.position = Some(self.source.locate(finding));
    }
}

// A number such as `2.0` is what a YAML author writes without quotes.
fn format(root: &At<'_>) -> Result<Format, Box<Diagnostic>> {
    let text = |at: &At<'_>| read::scalar_text(at, &mut Findings::default());
    if let Some(at) = root.member("openapi") {
        let version = text(&at).unwrap_or_default();
        return match version.split('.').take(2).collect::<Vec<_>>().as_slice() {
            ["3", "0"] | ["3"] => Ok(Format::OpenApi30),
            ["3", "1"] => Ok(Format::OpenApi31),
            _ => Err(at
                .error(
                    "not-openapi",
                    format!("the version {} of OpenAPI is not known", at.value),
                )
                .help("write 3.0.1 or 3.1.0")
                .into()),
        };
    }
    if let Some(at) = root.member("swagger") {
        return match text(&at).unwrap_or_default().as_str() {
            "2.0" | "2" => Ok(Format::Swagger2),
            _ => Err(at
                .error(
                    "not-openapi",
                    format!("the version {} of Swagger is not known", at.value),
                )
                .help("write \"2.0\"")
                .into()),
        };
    }
    let finding = root.error(
        "not-openapi",
        "this is no OpenAPI document: it has neither `openapi` nor `swagger`",
    );
    Err(Box::new(
        if root.member("Resources").is_some() || root.member("AWSTemplateFormatVersion").is_some() {
            finding.help(
            "this is a CloudFormation template: deploy it and export the API, or read the document in its `Body` \
             or `DefinitionBody`",
        )
        } else {
            finding.help("begin it with `openapi: 3.0.1`")
        },
    ))
}

/// Why there is nothing to read in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportError {
    finding: Box<Diagnostic>,
}

impl ImportError {
    /// The finding, with its position where there is one.
    pub fn finding(&self) -> &Diagnostic {
        &self.finding
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.finding.fmt(f)
    }
}

impl Error for ImportError {}
