//! Bodies of gateway responses: text in which references are replaced, and nothing else.

use std::borrow::Cow;

use crate::mapping::{ExpressionSide, Facts, Source};
use crate::template::Context;

/// A body, parsed.
// AWS: api-gateway-gatewayResponse-definition — no directives, no methods.
#[derive(Debug, Clone)]
pub(crate) struct Substitution(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    /// `$context.error.message` and its siblings, by the name behind `context.error.`.
    Error(String),
    Source(Source),
}

/// What `$context.error.*` holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorContext<'a> {
    pub(crate) message: Option<&'a str>,
    pub(crate) response_type: &'a str,
    pub(crate) validation: Option<&'a str>,
}

impl ErrorContext<'_> {
    /// The value behind `context.error.`.
    pub(crate) fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "message" => self.message.map(Cow::Borrowed),
            "messageString" => Some(match self.message {
                Some(message) => Cow::Owned(serde_json::Value::from(message).to_string()),
                None => Cow::Borrowed("null"),
            }),
            "responseType" => Some(Cow::Borrowed(self.response_type)),
            "validationErrorString" => self.validation.map(Cow::Borrowed),
            _ => None,
        }
    }
}

const ERROR: &str = "context.error.";

impl Substitution {
    /// Never fails: what is no reference is text.
    pub(crate) fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, behind) = rest.split_at(at);
            plain.push_str(before);
            let (reference, length) = reference(behind);
            let piece = reference.and_then(piece);
            match piece {
                Some(piece) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(piece);
                    rest = behind.get(length..).unwrap_or_default();
                }
                None => {
                    plain.push('$');
                    rest = behind.get(1..).unwrap_or_default();
                }
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Self(pieces)
    }

    /// Whether it reads something of the request.
    pub(crate) fn reads_request(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Source(_)))
    }

    /// Unknown references print nothing.
    pub(crate) fn render(
        &self,
        facts: &Facts<'_>,
        context: &Context,
        error: &ErrorContext<'_>,
    ) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Error(name) => out.push_str(&error.get(name).unwrap_or_default()),
                Piece::Source(source) => {
                    out.push_str(&facts.text_of(source, context).unwrap_or_default())
                }
            }
        }
        out
    }
}

/// The name in `$name`, `${name}` or `$!name`, and how long it is with its signs.
fn reference(text: &str) -> (Option<&str>, usize) {
    let open = if text.starts_with("$!{") {
        3
    } else if text.starts_with("${") || text.starts_with("$!") {
        2
    } else {
        1
    };
    let name = text.get(open..).unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-[]'\"$:".contains(c);
    let end = name.find(|c| !is_name(c)).unwrap_or(name.len());
    let braces = text.get(..open).is_some_and(|open| open.ends_with('{'));
    let mut name = name.get(..end).unwrap_or_default();
    if !braces {
        // A quote, a colon or a dot behind the name belongs to the text.
        name = name
            .split(['\'', '"', '[', ']', ':', '$'])
            .next()
            .unwrap_or_default()
            .trim_end_matches(['.', '-']);
        return (Some(name), open + name.len());
    }
    let closed = text
        .get(open + end..)
        .is_some_and(|rest| rest.starts_with('}'));
    (closed.then_some(name), open + end + 1)
}

fn piece(name: &str) -> Option<Piece> {
    if let Some(name) = name.strip_prefix(ERROR) {
        return Some(Piece::Error(name.to_owned()));
    }
    let known = ["context.", "stageVariables.", "method.request."];
    if !known.iter().any(|prefix| name.starts_with(prefix)) {
        return None;
    }
    Source::parse(name, ExpressionSide::GatewayResponse)
        .ok()
        .map(Piece::Source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Vec<String> {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Error(name) => format!("<error {name}>"),
            Piece::Source(_) => "<source>".into(),
        };
        Substitution::parse(text).0.iter().map(piece).collect()
    }

    #[test]
    fn references_are_found() {
        for (text, expected) in [
            (
                "{\"message\":$context.error.messageString}",
                vec!["{\"message\":", "<error messageString>", "}"],
            ),
            ("$context.path.", vec!["<source>", "."]),
            (
                "'${stageVariables.a}'$!context.b",
                vec!["'", "<source>", "'", "<source>"],
            ),
            ("a$method.request.header.X-Y:b", vec!["a", "<source>", ":b"]),
            ("#if($x)$ 5 $", vec!["#if($x)$ 5 $"]),
            ("${context.a", vec!["${context.a"]),
            ("$$context.é", vec!["$$context.é"]),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn the_error_has_four_names() {
        let error = ErrorContext {
            message: Some("a \"b\""),
            response_type: "T",
            validation: None,
        };
        assert_eq!(error.get("message").as_deref(), Some("a \"b\""));
        assert_eq!(
            error.get("messageString").as_deref(),
            Some("\"a \\\"b\\\"\"")
        );
        assert_eq!(error.get("responseType").as_deref(), Some("T"));
        assert_eq!(error.get("validationErrorString"), None);
        let null = ErrorContext {
            message: None,
            ..error
        };
        assert_eq!(null.get("messageString").as_deref(), Some("null"));
    }
}
