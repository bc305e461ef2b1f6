//! The parameter mappings of an integration, compiled: where each value goes, where it comes from, and whether both make
//! sense for the method.

use http::header::{HeaderName, HeaderValue};

use crate::diagnostic::{Diagnostic, pointer_token};
use crate::mapping::compile::Compiler;
use crate::mapping::expression::{
    Destination, ExpressionError, RequestSource, Side, Source, destination,
};
use crate::mapping::headers::{self, Mapped};
use crate::mapping::parameters::Assignment;
use crate::mapping::uri::UriTemplate;

impl Compiler<'_> {
    pub(super) fn assignments<'m>(
        &mut self,
        side: Side,
        pointer: &str,
        mappings: impl Iterator<Item = (&'m String, &'m String)>,
    ) -> Vec<Assignment> {
        let mut out = Vec::new();
        for (to, from) in mappings {
            let pointer = format!("{pointer}/{}", pointer_token(to));
            let parsed = self.destination(side, &pointer, to);
            let source = match Source::parse(from, side) {
                Ok(source) => Some(source),
                Err(error) => {
                    self.expression_error("mapping-expression", &pointer, error, true);
                    None
                }
            };
            if let (Some((destination, name, header)), Some(source)) = (parsed, source) {
                self.check_assignment(&pointer, header.as_ref(), side, &source);
                out.push(Assignment {
                    destination,
                    name,
                    header,
                    source,
                    written: Box::new((to.clone(), from.clone())),
                });
            }
        }
        out
    }

    fn destination(
        &mut self,
        side: Side,
        pointer: &str,
        to: &str,
    ) -> Option<(Destination, String, Option<HeaderName>)> {
        let (kind, name) = match destination(to, side) {
            Ok(found) => found,
            Err(error) => {
                self.expression_error("mapping-destination", pointer, error, false);
                return None;
            }
        };
        if kind != Destination::Header {
            return Some((kind, name.to_owned(), None));
        }
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(header) => Some((kind, name.to_owned(), Some(header))),
            Err(_) => {
                self.error(
                    "mapping-destination",
                    pointer,
                    format!("{name:?} is no header name"),
                    "use letters, digits and `-`",
                );
                None
            }
        }
    }

    fn expression_error(
        &mut self,
        code: &'static str,
        pointer: &str,
        error: ExpressionError,
        value: bool,
    ) {
        let mut finding = Diagnostic::error(code, pointer, error.message);
        finding.help = error.help;
        if value && error.offset > 0 {
            finding = finding.within(1, error.offset + 1);
        }
        self.findings.push(finding);
    }

    /// What AWS takes and then fails on, or what will never have a value.
    fn check_assignment(
        &mut self,
        pointer: &str,
        header: Option<&HeaderName>,
        side: Side,
        source: &Source,
    ) {
        if let (Side::Request, Some(header)) = (side, header) {
            match headers::mapped_request_header(header, self.integration.kind) {
                Mapped::Sent => {}
                Mapped::Dropped => self.warning(
                    "dropped-header",
                    pointer,
                    format!("the header `{header}` is never sent to a backend"),
                    "remove the mapping",
                ),
                Mapped::Refused => self.warning(
                    "refused-header",
                    pointer,
                    format!("the header `{header}` is set by API Gateway; a request that maps it fails with 500"),
                    "remove the mapping",
                ),
            }
        }
        if let Source::StageVariable(name) = source
            && self.stage.find(name).is_none()
        {
            let stage = self.stage.name.clone();
            self.warning(
                "stage-variable",
                pointer,
                format!("stage {stage:?} has no variable {name:?}; the parameter is left out"),
                "define the variable for this stage",
            );
        }
        if let Source::Request(RequestSource::Path(name)) = source
            && !self.method.resource.contains(&format!("{{{name}}}"))
            && !self.method.resource.contains(&format!("{{{name}+}}"))
        {
            let resource = self.method.resource.clone();
            self.warning(
                "path-parameter",
                pointer,
                format!("the resource path {resource} has no variable {name:?}; the parameter is left out"),
                "name one of the variables of the path",
            );
        }
        if let (Some(_), Source::Literal(text)) = (header, source)
            && HeaderValue::from_str(text).is_err()
        {
            self.error(
                "header-value",
                pointer,
                "the static value holds a character that a header cannot",
                "remove control characters and line ends",
            );
        }
    }

    // LocalStack: a placeholder is filled only by an integration path parameter.
    pub(super) fn check_path_parameters(
        &mut self,
        uri: Option<&UriTemplate>,
        parameters: &[Assignment],
    ) {
        let Some(uri) = uri else { return };
        let mapped = |name: &str| {
            parameters.iter().any(|assignment| {
                assignment.destination == Destination::Path && assignment.name == name
            })
        };
        // A template may still set `$context.requestOverride.path`.
        let missing: Vec<String> = match self.integration.request_templates.is_empty() {
            true => uri
                .parameters()
                .filter(|name| !mapped(name))
                .map(str::to_owned)
                .collect(),
            false => Vec::new(),
        };
        for name in missing {
            self.warning(
                "uri-parameter",
                "/uri",
                format!("nothing is mapped to {{{name}}}, so that it stays in the URL as it is"),
                &format!("map `integration.request.path.{name}` from `method.request.path.{name}`"),
            );
        }
    }
}
