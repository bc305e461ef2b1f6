//! The URI of an HTTP integration: `https://${stageVariables.host}/pets/{petId}?page={page}`.
//!
//! Stage variables are filled in when the plan is compiled, path parameters for each request.

use std::borrow::Cow;

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

use crate::error::Error;
use crate::mapping::query::{push_path, push_raw_query, push_value};
use crate::mapping::stage::Stage;
use crate::target::has_valid_port;

/// How a stage variable begins.
pub(crate) const VARIABLE: &str = "${stageVariables.";

/// A URI with parameters.
#[derive(Debug, Clone)]
pub(crate) struct UriTemplate {
    scheme: Scheme,
    authority: Host,
    path: Vec<Piece>,
    query: Vec<Piece>,
    /// The whole, when there is nothing to fill in.
    fixed: Option<Uri>,
    /// Whether the host, or a part of it, is not written in the URI.
    templated_host: bool,
}

#[derive(Debug, Clone)]
enum Host {
    /// With the `Host` header that belongs to it.
    Fixed(Authority, HeaderValue),
    Template(Vec<Piece>),
    /// Stage variables made it something that is no host; requests fail.
    Invalid(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `{name}`
    Parameter(String),
}

/// What is wrong with a URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UriError {
    pub(crate) message: String,
    pub(crate) help: &'static str,
    /// Only stage variables make it wrong, so that it may be right at another stage.
    pub(crate) by_stage: bool,
}

impl UriError {
    fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self {
            message: message.into(),
            help,
            by_stage: false,
        }
    }
}

impl UriTemplate {
    /// Parses `source` with the variables of `stage`. A host that only the stage makes invalid
    /// gives both a template and an error: it is served, and fails.
    // Recorded: T:test_import_with_stage_variables
    pub(crate) fn parse(source: &str, stage: &Stage) -> Result<(Self, Option<UriError>), UriError> {
        // AWS refuses an import whose scheme comes from a stage variable.
        let (scheme, rest) = if let Some(rest) = strip_scheme(source, "http://") {
            (Scheme::HTTP, rest)
        } else if let Some(rest) = strip_scheme(source, "https://") {
            (Scheme::HTTPS, rest)
        } else {
            return Err(UriError::new(
                format!("invalid HTTP endpoint specified for URI: {source:?}"),
                "write an absolute URL that starts with `http://` or `https://`",
            ));
        };
        let (rest, fragment) = rest
            .split_once('#')
            .map_or((rest, None), |(rest, end)| (rest, Some(end)));
        if fragment.is_some() {
            return Err(UriError::new(
                "a URI cannot have a fragment",
                "remove `#` and what follows it",
            ));
        }
        // A stage variable may bring `/` and `?` itself, so the parts are told apart afterwards.
        let filled = fill(rest, stage);
        let end = filled.find(['/', '?']).unwrap_or(filled.len());
        let (host, tail) = filled.split_at(end);
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let mut error = None;
        let authority = match authority(host, &scheme) {
            Ok(authority) => authority,
            Err(message) => {
                let by_stage = rest.contains(VARIABLE);
                let found = UriError {
                    by_stage,
                    ..UriError::new(
                        message,
                        "name a host, and a port from 1 to 65535 where it is not the usual one",
                    )
                };
                if !by_stage {
                    return Err(found);
                }
                error = Some(found);
                Host::Invalid(host.to_owned())
            }
        };
        let mut template = Self {
            scheme,
            authority,
            path: pieces(if path.is_empty() { "/" } else { path }),
            query: pieces(query),
            fixed: None,
            templated_host: rest
                .split(['/', '?'])
                .next()
                .is_some_and(|host| host.contains('{')),
        };
        let open = template
            .path
            .iter()
            .chain(&template.query)
            .any(|piece| matches!(piece, Piece::Parameter(_)));
        if !open && matches!(template.authority, Host::Fixed(..)) {
            template.fixed = template.build(&|_| None, "").ok();
        }
        Ok((template, error))
    }

    /// Whether a stage variable or the client has a say in the host.
    pub(crate) fn has_templated_host(&self) -> bool {
        self.templated_host
    }

    /// The names of the parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &str> {
        let host: &[Piece] = match &self.authority {
            Host::Template(pieces) => pieces,
            Host::Fixed(..) | Host::Invalid(_) => &[],
        };
        host.iter()
            .chain(&self.path)
            .chain(&self.query)
            .filter_map(|piece| match piece {
                Piece::Text(_) => None,
                Piece::Parameter(name) => Some(name.as_str()),
            })
    }

    /// The `Host` header for a URI that was built.
    pub(crate) fn host(&self, uri: &Uri) -> Result<HeaderValue, Error> {
        if let Host::Fixed(_, header) = &self.authority {
            return Ok(header.clone());
        }
        let authority = uri.authority();
        let header = authority.and_then(|authority| host_header(authority, &self.scheme));
        header.ok_or_else(|| invalid_endpoint(authority.map_or("", Authority::as_str)))
    }

    /// The URI with every parameter that `value` knows filled in, and `more` (already encoded)
    /// behind its own query.
    pub(crate) fn build<'v>(
        &self,
        value: &dyn Fn(&str) -> Option<Cow<'v, str>>,
        more: &str,
    ) -> Result<Uri, Error> {
        if let Some(fixed) = &self.fixed
            && more.is_empty()
        {
            return Ok(fixed.clone());
        }
        let authority = match &self.authority {
            Host::Fixed(authority, _) => authority.clone(),
            Host::Template(pieces) => {
                let mut host = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => host.push_str(text),
                        Piece::Parameter(name) => host.push_str(&value(name).unwrap_or_default()),
                    }
                }
                valid_authority(&host).ok_or_else(|| invalid_endpoint(&host))?
            }
            Host::Invalid(host) => return Err(invalid_endpoint(host)),
        };
        let mut target = String::with_capacity(64 + more.len());
        for piece in &self.path {
            match piece {
                Piece::Text(text) => push_path(&mut target, text),
                Piece::Parameter(name) => match value(name) {
                    Some(value) => push_path(&mut target, &value),
                    None => unfilled(&mut target, name),
                },
            }
        }
        if !self.query.is_empty() || !more.is_empty() {
            target.push('?');
        }
        for piece in &self.query {
            match piece {
                Piece::Text(text) => push_raw_query(&mut target, text),
                Piece::Parameter(name) => match value(name) {
                    Some(value) => push_value(&mut target, &value),
                    None => unfilled(&mut target, name),
                },
            }
        }
        if !more.is_empty() {
            if !self.query.is_empty() {
                target.push('&');
            }
            target.push_str(more);
        }
        let target = PathAndQuery::from_maybe_shared(Bytes::from(target)).map_err(|error| {
            Error::configuration("invalid endpoint address: the path is no request target")
                .with_source(error)
        })?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(authority);
        parts.path_and_query = Some(target);
        Uri::from_parts(parts)
            .map_err(|error| Error::configuration("invalid endpoint address").with_source(error))
    }
}

// Recorded (LocalStack): a placeholder without a value stays as written; braces are not legal in a
// request target, so they go out encoded.
fn unfilled(target: &mut String, name: &str) {
    push_value(target, &format!("{{{name}}}"));
}

fn invalid_endpoint(host: &str) -> Error {
    Error::configuration(format!("invalid endpoint address: {host:?} is no host"))
}

fn strip_scheme<'s>(source: &'s str, scheme: &str) -> Option<&'s str> {
    let start = source.get(..scheme.len())?;
    start
        .eq_ignore_ascii_case(scheme)
        .then(|| source.get(scheme.len()..))
        .flatten()
}

/// Fills in `${stageVariables.name}`; a missing one is empty, any other `${…}` stays.
pub(crate) fn fill(source: &str, stage: &Stage) -> String {
    const OPEN: &str = VARIABLE;
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, behind)) = rest.split_once(OPEN) {
        out.push_str(before);
        let Some((name, after)) = behind.split_once('}') else {
            out.push_str(OPEN);
            rest = behind;
            continue;
        };
        out.push_str(stage.find(name).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

fn pieces(source: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = source;
    while let Some(open) = rest.find('{') {
        let (before, at) = rest.split_at(open);
        text.push_str(before);
        let name = at.get(1..).and_then(|behind| behind.split_once('}'));
        match name {
            Some((name, after))
                if !name.is_empty() && !name.contains(['{', '/']) && !before.ends_with('$') =>
            {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                // `{proxy+}` is written by some in place of `{proxy}`.
                pieces.push(Piece::Parameter(name.trim_end_matches('+').to_owned()));
                rest = after;
            }
            _ => {
                text.push('{');
                rest = at.get(1..).unwrap_or_default();
            }
        }
    }
    text.push_str(rest);
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    pieces
}

fn authority(host: &str, scheme: &Scheme) -> Result<Host, String> {
    let pieces = pieces(host);
    if pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Parameter(_)))
    {
        return Ok(Host::Template(pieces));
    }
    match valid_authority(host) {
        Some(authority) => match host_header(&authority, scheme) {
            Some(header) => Ok(Host::Fixed(authority, header)),
            None => Err(format!("{host:?} is no host")),
        },
        None if host.is_empty() => Err("the URI names no host".into()),
        None => Err(format!("{host:?} is no host")),
    }
}

/// A port that the scheme implies is left out.
fn host_header(authority: &Authority, scheme: &Scheme) -> Option<HeaderValue> {
    let implied = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    let named = match authority.port_u16() {
        Some(port) if port == implied => authority.host(),
        _ => authority.as_str(),
    };
    HeaderValue::from_str(named).ok()
}

fn valid_authority(host: &str) -> Option<Authority> {
    let authority: Authority = host.parse().ok()?;
    (!authority.host().is_empty() && !host.contains('@') && has_valid_port(&authority))
        .then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(source: &str, more: &str) -> String {
        let stage = Stage::new("s")
            .variable("host", "a.example:8080")
            .variable("tail", "x/y?k=v");
        let (template, _) = UriTemplate::parse(source, &stage).unwrap();
        let value = |name: &str| (name == "id").then_some(Cow::Borrowed("a b/c%2F"));
        template
            .build(&value, more)
            .map_or_else(|error| error.to_string(), |uri| uri.to_string())
    }

    #[test]
    fn a_port_that_is_none_is_not_the_usual_one() {
        for host in ["a:99999", "a:abc", "a:0", "a:", "[::1]:65536", "a:080x"] {
            let source = format!("http://{host}/y");
            let error = UriTemplate::parse(&source, &Stage::default()).unwrap_err();
            assert!(error.message.ends_with("is no host"), "{}", error.message);
            let stage = Stage::default().variable("h", host);
            let by_stage = UriTemplate::parse("http://${stageVariables.h}/y", &stage);
            assert!(by_stage.unwrap().1.is_some(), "{host}");
        }
        assert_eq!(
            build("http://{id}:99999/y", ""),
            build("http://{id}:abc/y", "").replace("abc", "99999")
        );
        for host in ["a", "a:1", "a:65535", "[::1]", "[::1]:80", "a:080"] {
            let source = format!("http://{host}/y");
            assert!(
                UriTemplate::parse(&source, &Stage::default())
                    .unwrap()
                    .1
                    .is_none()
            );
        }
    }

    #[test]
    fn parameters_and_variables_are_filled_in() {
        for (source, more, expected) in [
            ("http://h", "", "http://h/"),
            ("HTTPS://h/a?b=c", "d=e", "https://h/a?b=c&d=e"),
            ("http://h/{id}/{gone}", "", "http://h/a%20b/c%2F/%7Bgone%7D"),
            ("http://h/?q={id}", "x=1", "http://h/?q=a%20b%2Fc%252F&x=1"),
            (
                "http://${stageVariables.host}/p",
                "",
                "http://a.example:8080/p",
            ),
            ("http://h/${stageVariables.tail}", "", "http://h/x/y?k=v"),
            (
                "http://h/${stageVariables.none}${other}",
                "",
                "http://h/$%7Bother%7D",
            ),
            (
                "http://h{id}.example/",
                "",
                "invalid endpoint address: \"ha b/c%2F.example\" is no host",
            ),
            ("http://h?a", "", "http://h/?a"),
        ] {
            assert_eq!(build(source, more), expected, "{source}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        let parse = |source: &str| UriTemplate::parse(source, &Stage::default());
        assert!(
            parse("example.com/x")
                .unwrap_err()
                .message
                .contains("invalid HTTP endpoint")
        );
        assert!(parse("http:///x").unwrap_err().message.contains("no host"));
        assert!(parse("http://a b/").is_err());
        assert!(
            parse("http://h/#x")
                .unwrap_err()
                .message
                .contains("fragment")
        );
        let (template, error) = parse("http://${stageVariables.gone}/").unwrap();
        assert!(error.unwrap().by_stage);
        assert!(template.build(&|_| None, "").is_err());
    }
}
