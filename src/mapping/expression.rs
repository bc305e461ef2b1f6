//! Mapping expressions: `method.request.header.X`, `integration.response.body.a.b`, `'literal'`.
//!
//! An expression is parsed once, when a plan is compiled. Where a value comes from is a
//! [`Source`]; where it goes is a [`Destination`].

use crate::jsonpath::Path;

/// Where a mapped value comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// `'text'`
    Literal(String),
    /// `stageVariables.name`
    StageVariable(String),
    /// `context.name`, with dots for what is nested
    Context(String),
    /// `method.request.…`
    Request(RequestSource),
    /// `integration.response.…`
    Response(ResponseSource),
}

/// A part of the method request.
#[derive(Debug, Clone)]
pub(crate) enum RequestSource {
    Path(String),
    QueryString(String),
    MultiValueQueryString(String),
    Header(String),
    MultiValueHeader(String),
    Body(Option<Path>),
}

/// A part of the integration response.
#[derive(Debug, Clone)]
pub(crate) enum ResponseSource {
    Header(String),
    MultiValueHeader(String),
    Body(Option<Path>),
}

/// The side of an integration that an expression is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Response,
    GatewayResponse,
}

/// Where a mapped value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination {
    Header,
    QueryString,
    Path,
}

/// What is wrong with an expression, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExpressionError {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// Where in the expression, in bytes.
    pub(crate) offset: usize,
}

impl ExpressionError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: Some(help.into()),
            offset: 0,
        }
    }
}

impl Source {
    /// Parses the value of a mapping on `side`.
    pub(crate) fn parse(text: &str, side: Side) -> Result<Self, ExpressionError> {
        if let Some(rest) = text.strip_prefix('\'') {
            return match rest.strip_suffix('\'') {
                Some(literal) => Ok(Self::Literal(literal.to_owned())),
                None => Err(ExpressionError {
                    offset: text.len(),
                    ..ExpressionError::new(
                        format!("invalid mapping expression specified: {text}"),
                        "close the static value with a single quote",
                    )
                }),
            };
        }
        if let Some(name) = text.strip_prefix("stageVariables.") {
            return named(text, "stageVariables.", name).map(Self::StageVariable);
        }
        if let Some(name) = text.strip_prefix("context.") {
            return named(text, "context.", name).map(Self::Context);
        }
        let parsed = match side {
            Side::Request => request_source(text)?.map(Self::Request),
            Side::Response => response_source(text)?.map(Self::Response),
            // AWS: gateway responses also take the older spelling `method.input.params.x`.
            Side::GatewayResponse => match text.strip_prefix("method.input.params.") {
                Some(name) => Some(Self::Request(RequestSource::Header(name.to_owned()))),
                None => request_source(text)?.map(Self::Request),
            },
        };
        parsed.ok_or_else(|| unknown(text, side))
    }

    /// Whether a body has to be read for it.
    pub(crate) fn reads_body(&self) -> bool {
        matches!(
            self,
            Self::Request(RequestSource::Body(_)) | Self::Response(ResponseSource::Body(_))
        )
    }
}

fn request_source(text: &str) -> Result<Option<RequestSource>, ExpressionError> {
    let Some(rest) = text.strip_prefix("method.request.") else {
        return Ok(None);
    };
    let prefix = |word: &str| {
        rest.strip_prefix(word)
            .and_then(|rest| rest.strip_prefix('.'))
    };
    Ok(Some(if let Some(name) = prefix("path") {
        RequestSource::Path(named(text, "method.request.path.", name)?)
    } else if let Some(name) = prefix("querystring") {
        RequestSource::QueryString(named(text, "method.request.querystring.", name)?)
    } else if let Some(name) = prefix("multivaluequerystring") {
        RequestSource::MultiValueQueryString(named(
            text,
            "method.request.multivaluequerystring.",
            name,
        )?)
    } else if let Some(name) = prefix("header") {
        RequestSource::Header(named(text, "method.request.header.", name)?)
    } else if let Some(name) = prefix("multivalueheader") {
        RequestSource::MultiValueHeader(named(text, "method.request.multivalueheader.", name)?)
    } else if let Some(path) = body(text, rest)? {
        RequestSource::Body(path)
    } else {
        return Ok(None);
    }))
}

fn response_source(text: &str) -> Result<Option<ResponseSource>, ExpressionError> {
    let Some(rest) = text.strip_prefix("integration.response.") else {
        return Ok(None);
    };
    let prefix = |word: &str| {
        rest.strip_prefix(word)
            .and_then(|rest| rest.strip_prefix('.'))
    };
    Ok(Some(if let Some(name) = prefix("header") {
        ResponseSource::Header(named(text, "integration.response.header.", name)?)
    } else if let Some(name) = prefix("multivalueheader") {
        ResponseSource::MultiValueHeader(named(
            text,
            "integration.response.multivalueheader.",
            name,
        )?)
    } else if let Some(path) = body(text, rest)? {
        ResponseSource::Body(path)
    } else {
        return Ok(None);
    }))
}

/// `body`, `body.PATH` or `body[0]`: the JSON path is written without its `$.`.
fn body(text: &str, rest: &str) -> Result<Option<Option<Path>>, ExpressionError> {
    let Some(rest) = rest.strip_prefix("body") else {
        return Ok(None);
    };
    if rest.is_empty() {
        return Ok(Some(None));
    }
    if !rest.starts_with(['.', '[']) {
        return Ok(None);
    }
    let path = format!("${rest}");
    match Path::parse(&path) {
        Ok(path) => Ok(Some(Some(path))),
        Err(error) => Err(ExpressionError {
            message: format!("invalid JSON path {path:?}: {error}"),
            help: Some("write it as in `body.pets[0].name`".into()),
            offset: text.len() - rest.len(),
        }),
    }
}

/// A parameter name must not be empty.
// AWS: request-response-data-mappings — names match `^[a-zA-Z0-9._$-]+$`; a name outside of it can
// still be sent by a client, so it is taken.
fn named(text: &str, prefix: &str, name: &str) -> Result<String, ExpressionError> {
    if name.is_empty() {
        return Err(ExpressionError {
            offset: prefix.len(),
            ..ExpressionError::new(
                format!("invalid mapping expression specified: {text}"),
                format!("write a name behind `{prefix}`"),
            )
        });
    }
    Ok(name.to_owned())
}

fn unknown(text: &str, side: Side) -> ExpressionError {
    let sources = match side {
        Side::Request | Side::GatewayResponse => {
            "`method.request.header.NAME`, `.querystring.NAME`, `.path.NAME`, `.body`"
        }
        Side::Response => "`integration.response.header.NAME`, `integration.response.body.PATH`",
    };
    let help = if side == Side::Response && text.starts_with("method.request.") {
        "a response cannot read the request; pass the value on in a response template or an override".into()
    } else {
        format!(
            "write `'text'` for a static value, or {sources}, `stageVariables.NAME`, `context.NAME`"
        )
    };
    ExpressionError::new(
        format!("invalid mapping expression specified: {text}"),
        help,
    )
}

/// Parses the key of a mapping into the kind of parameter and its name.
pub(crate) fn destination(text: &str, side: Side) -> Result<(Destination, &str), ExpressionError> {
    let (prefix, kinds): (&str, &[(&str, Destination)]) = match side {
        Side::Request => (
            "integration.request.",
            &[
                ("header.", Destination::Header),
                ("querystring.", Destination::QueryString),
                ("path.", Destination::Path),
            ],
        ),
        Side::Response => ("method.response.", &[("header.", Destination::Header)]),
        Side::GatewayResponse => (
            "gatewayresponse.",
            &[
                ("header.", Destination::Header),
                ("querystring.", Destination::QueryString),
                ("path.", Destination::Path),
            ],
        ),
    };
    let found = text.strip_prefix(prefix).and_then(|rest| {
        kinds
            .iter()
            .find_map(|&(word, kind)| rest.strip_prefix(word).map(|name| (kind, name)))
    });
    match found {
        Some((kind, name)) if !name.is_empty() => Ok((kind, name)),
        _ => {
            let (word, _) = kinds
                .first()
                .copied()
                .unwrap_or(("header.", Destination::Header));
            Err(ExpressionError::new(
                format!("invalid mapping identifier specified: {text}"),
                format!("write `{prefix}{word}NAME`"),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read() {
        let request = |text| Source::parse(text, Side::Request).unwrap();
        assert!(matches!(request("'a b'"), Source::Literal(text) if text == "a b"));
        assert!(matches!(request("''"), Source::Literal(text) if text.is_empty()));
        assert!(matches!(
            request("method.request.header.X-Y.z"),
            Source::Request(RequestSource::Header(name)) if name == "X-Y.z"
        ));
        assert!(matches!(
            request("method.request.body"),
            Source::Request(RequestSource::Body(None))
        ));
        assert!(request("method.request.body.a[0].b").reads_body());
        assert!(matches!(
            request("context.identity.sourceIp"),
            Source::Context(name) if name == "identity.sourceIp"
        ));
        let response = |text| Source::parse(text, Side::Response).unwrap();
        assert!(matches!(
            response("integration.response.multivalueheader.a"),
            Source::Response(ResponseSource::MultiValueHeader(name)) if name == "a"
        ));
    }

    #[test]
    fn mistakes_say_what_to_write() {
        for text in [
            "true",
            "*",
            "'open",
            "method.request.",
            "method.request.header.",
            "context.",
            "",
            "é",
        ] {
            let error = Source::parse(text, Side::Request).unwrap_err();
            assert!(error.help.is_some(), "{text}: {error:?}");
        }
        let error = Source::parse("method.request.body[", Side::Request).unwrap_err();
        assert_eq!(error.offset, 19);
        let error = Source::parse("method.request.header.a", Side::Response).unwrap_err();
        assert!(error.help.unwrap().contains("cannot read the request"));
        assert!(destination("integration.request.body", Side::Request).is_err());
        assert_eq!(
            destination("method.response.header.X", Side::Response),
            Ok((Destination::Header, "X"))
        );
    }
}
