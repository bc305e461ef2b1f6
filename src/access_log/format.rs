//! Formats: text with `$context` variables, parsed once.

use std::fmt;
use std::str::FromStr;

use crate::access_log::escape::Escape;
use crate::access_log::line::Line;
use crate::access_log::variable::Variable;

/// The longest format, in bytes.
// AWS: limits — 3 KB for a log template.
const MAX_LENGTH: usize = 3 * 1024;

/// What a line of an access log says.
///
/// [`Display`](fmt::Display) gives its text. It holds `$context.requestId` or
/// `$context.extendedRequestId`, as API Gateway demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    source: Box<str>,
    pieces: Vec<Piece>,
    escape: Escape,
    /// The entries of `$context` that lines read, of those that templates have.
    entries: Vec<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    /// A variable, and whether it stands in quotation marks.
    Variable(Variable, bool),
}

// AWS: set-up-logging, its four formats.
const CLF: &str = "$context.identity.sourceIp $context.identity.caller $context.identity.user \
    [$context.requestTime] \"$context.httpMethod $context.resourcePath $context.protocol\" \
    $context.status $context.responseLength $context.requestId $context.extendedRequestId";

const JSON: &str = "{ \"requestId\":\"$context.requestId\", \
    \"extendedRequestId\":\"$context.extendedRequestId\", \"ip\": \"$context.identity.sourceIp\", \
    \"caller\":\"$context.identity.caller\", \"user\":\"$context.identity.user\", \
    \"requestTime\":\"$context.requestTime\", \"httpMethod\":\"$context.httpMethod\", \
    \"resourcePath\":\"$context.resourcePath\", \"status\":\"$context.status\", \
    \"protocol\":\"$context.protocol\", \"responseLength\":\"$context.responseLength\" }";

const XML: &str = "<request id=\"$context.requestId\"> \
    <extendedRequestId>$context.extendedRequestId</extendedRequestId> \
    <ip>$context.identity.sourceIp</ip> <caller>$context.identity.caller</caller> \
    <user>$context.identity.user</user> <requestTime>$context.requestTime</requestTime> \
    <httpMethod>$context.httpMethod</httpMethod> <resourcePath>$context.resourcePath</resourcePath> \
    <status>$context.status</status> <protocol>$context.protocol</protocol> \
    <responseLength>$context.responseLength</responseLength> </request>";

const CSV: &str = "$context.identity.sourceIp,$context.identity.caller,$context.identity.user,\
    $context.requestTime,$context.httpMethod,$context.resourcePath,$context.protocol,\
    $context.status,$context.responseLength,$context.requestId,$context.extendedRequestId";

impl Format {
    /// The common log format, with the ids behind it.
    pub fn clf() -> Self {
        Self::known(CLF, Escape::Text)
    }

    /// One JSON object a line.
    pub fn json() -> Self {
        Self::known(JSON, Escape::Json)
    }

    /// One XML element a line.
    pub fn xml() -> Self {
        Self::known(XML, Escape::Xml)
    }

    /// Fields with commas between them.
    pub fn csv() -> Self {
        Self::known(CSV, Escape::Csv)
    }

    fn known(text: &str, escape: Escape) -> Self {
        // A test parses all of them.
        Self::of(text, pieces(text).unwrap_or_default(), escape)
    }

    fn of(text: &str, pieces: Vec<Piece>, escape: Escape) -> Self {
        let mut entries: Vec<Box<str>> = Vec::new();
        for piece in &pieces {
            if let Piece::Variable(Variable::Context(name), _) = piece
                && let Some(entry) = name.split('.').next()
                && !entries.iter().any(|known| **known == *entry)
            {
                entries.push(entry.into());
            }
        }
        Self {
            source: text.into(),
            pieces,
            escape,
            entries,
        }
    }

    /// Whether lines hold something of the client's headers.
    pub(crate) fn reads_headers(&self) -> bool {
        self.reads("identity.userAgent") || self.reads("domainName") || self.reads("domainPrefix")
    }

    fn reads(&self, name: &str) -> bool {
        self.context_names().any(|read| read == name)
    }

    /// Whether lines hold an entry of `$context` that templates have, or something in it.
    pub(super) fn reads_entry(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| **entry == *name)
    }

    fn context_names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(Variable::Context(name), _) => Some(&**name),
            Piece::Variable(..) | Piece::Text(_) => None,
        })
    }

    /// Writes a line, without its end.
    pub(crate) fn write(&self, line: &Line<'_>, out: &mut String) {
        let values = line.values(self);
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(variable, quoted) => {
                    let value = values.get(variable);
                    self.write_value(variable, value.as_deref(), *quoted, out);
                }
            }
        }
    }

    fn write_value(
        &self,
        variable: &Variable,
        value: Option<&str>,
        quoted: bool,
        out: &mut String,
    ) {
        match (self.escape, value) {
            // It is a text of JSON with its quotes.
            (Escape::Json, Some(value)) if !quoted && variable.is_json(value) => {
                out.push_str(value);
            }
            // Chosen: lines stay JSON, where API Gateway's `-` for a number would break them.
            (Escape::Json, value) if !quoted => {
                out.push('"');
                self.escape.push(value.unwrap_or("-"), false, out);
                out.push('"');
            }
            (_, None) => out.push('-'),
            (_, Some(value)) => {
                // A blank would begin a field.
                let blanks = self.escape == Escape::Text && !quoted && variable.is_foreign();
                self.escape.push(value, blanks, out);
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl FromStr for Format {
    type Err = FormatError;

    /// # Errors
    /// A variable that access logs do not have, neither of the ids, more than one line, more than
    /// 3 KB.
    fn from_str(text: &str) -> Result<Self, FormatError> {
        if text.len() > MAX_LENGTH {
            return Err(FormatError {
                column: None,
                what: format!(
                    "the format has {} bytes; API Gateway takes {MAX_LENGTH}",
                    text.len()
                ),
            });
        }
        if let Some(at) = text.find(['\n', '\r']) {
            return Err(FormatError::at(
                text,
                at,
                "a format is one line; leave the line end out".to_owned(),
            ));
        }
        let pieces = pieces(text)?;
        let format = Self::of(text, pieces, Escape::of(text));
        if !format.reads("requestId") && !format.reads("extendedRequestId") {
            return Err(FormatError {
                column: None,
                what: "a line needs `$context.requestId` or `$context.extendedRequestId`; add one of them"
                    .to_owned(),
            });
        }
        Ok(format)
    }
}

/// Why a text is no format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError {
    column: Option<usize>,
    what: String,
}

impl FormatError {
    fn at(text: &str, at: usize, what: String) -> Self {
        let before = text.get(..at).unwrap_or_default();
        Self {
            column: Some(before.chars().count() + 1),
            what,
        }
    }

    /// Where it is, in characters from 1, if it is in one place.
    pub fn column(&self) -> Option<usize> {
        self.column
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(column) = self.column {
            write!(f, "column {column}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for FormatError {}

fn pieces(text: &str) -> Result<Vec<Piece>, FormatError> {
    let mut pieces = Vec::new();
    let mut plain = 0;
    let mut from = 0;
    let mut quoted = false;
    while let Some(at) = text
        .get(from..)
        .and_then(|rest| rest.find('$'))
        .map(|at| from + at)
    {
        let Some(Reference { name, end }) = reference(text, at)? else {
            from = at + 1;
            continue;
        };
        let variable = variable(name).map_err(|what| FormatError::at(text, at, what))?;
        if plain < at {
            let before = text.get(plain..at).unwrap_or_default();
            quoted ^= changes_quotes(before);
            pieces.push(Piece::Text(before.into()));
        }
        pieces.push(Piece::Variable(variable, quoted));
        (plain, from) = (end, end);
    }
    match text.get(plain..) {
        Some("") | None => {}
        Some(rest) => pieces.push(Piece::Text(rest.into())),
    }
    Ok(pieces)
}

/// Whether quotation marks are open behind a text that were not before it, or the other way around.
fn changes_quotes(text: &str) -> bool {
    let mut escaped = false;
    let mut changes = false;
    for c in text.chars() {
        changes ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
    }
    changes
}

struct Reference<'t> {
    name: &'t str,
    end: usize,
}

/// The reference that begins at a `$`; `None` is a dollar.
fn reference(text: &str, at: usize) -> Result<Option<Reference<'_>>, FormatError> {
    let rest = text.get(at + 1..).unwrap_or_default();
    let braces = rest.starts_with('{');
    let open = at + 1 + usize::from(braces);
    let rest = text.get(open..).unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-:/@".contains(c);
    if braces {
        let end = rest.find('}').ok_or_else(|| {
            FormatError::at(text, at, "`${` has no closing brace; add `}`".to_owned())
        })?;
        let name = rest.get(..end).unwrap_or_default();
        let end = open + end + 1;
        return Ok(Some(Reference { name, end }));
    }
    if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok(None);
    }
    // Claims may have names such as `cognito:groups`; other variables have none of these signs.
    let claims = rest.starts_with("context.authorizer.");
    let end = rest
        .find(|c: char| match claims {
            true => !is_name(c),
            false => !c.is_ascii_alphanumeric() && c != '.' && c != '_',
        })
        .unwrap_or(rest.len());
    // What ends a sentence or a field is no part of a name.
    let name = rest
        .get(..end)
        .unwrap_or_default()
        .trim_end_matches(['.', ':', '-', '/', '@']);
    let end = open + name.len();
    Ok(Some(Reference { name, end }))
}

fn variable(name: &str) -> Result<Variable, String> {
    let Some(inner) = name.strip_prefix("context.") else {
        return Err(format!(
            "access logs have no `${name}`; write a variable that begins with `$context.`"
        ));
    };
    Variable::of(inner).map_err(|meant| match meant {
        Some(meant) => format!("access logs have no `${name}`; did you mean `$context.{meant}`?"),
        None => format!(
            "access logs have no `${name}`; see the table of $context variables for access logs"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_formats_are_formats() {
        for format in [Format::clf(), Format::json(), Format::xml(), Format::csv()] {
            let parsed: Format = format.to_string().parse().unwrap();
            assert_eq!(parsed.pieces, format.pieces);
            assert!(format.pieces.len() > 20, "{format}");
        }
        let json = JSON.replace("$context.", "");
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    }

    #[test]
    fn references_end_where_their_names_do() {
        let format: Format =
            "$5 ${context.requestId}x $context.path. $context.authorizer.claims.cognito:groups, $"
                .parse()
                .unwrap();
        let variable = |name: &str| Piece::Variable(Variable::Context(name.into()), false);
        let text = |text: &str| Piece::Text(text.into());
        assert_eq!(
            format.pieces,
            [
                text("$5 "),
                variable("requestId"),
                text("x "),
                variable("path"),
                text(". "),
                Piece::Variable(Variable::Nothing, false),
                text(", $"),
            ]
        );
    }

    #[test]
    fn what_is_no_format_says_where() {
        for (text, expected) in [
            (
                "",
                "a line needs `$context.requestId` or `$context.extendedRequestId`; add one of them",
            ),
            (
                "$context.status",
                "a line needs `$context.requestId` or `$context.extendedRequestId`; add one of them",
            ),
            (
                "é $input.body",
                "column 3: access logs have no `$input.body`; write a variable that begins with `$context.`",
            ),
            (
                "$context.requestId ${context.path",
                "column 20: `${` has no closing brace; add `}`",
            ),
            (
                "$context.requestid",
                "column 1: access logs have no `$context.requestid`; did you mean `$context.requestId`?",
            ),
            (
                "$context.requestId\n",
                "column 19: a format is one line; leave the line end out",
            ),
            (
                "$context",
                "column 1: access logs have no `$context`; write a variable that begins with `$context.`",
            ),
            (
                "$context.nonsense",
                "column 1: access logs have no `$context.nonsense`; see the table of $context variables for access logs",
            ),
        ] {
            let error = text.parse::<Format>().unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        let long = format!("$context.requestId{}", "x".repeat(4000));
        let error = long.parse::<Format>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the format has 4018 bytes; API Gateway takes 3072"
        );
    }
}
