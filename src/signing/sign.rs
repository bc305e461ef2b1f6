//! Puts a signature on the head of a request: in its headers, or in its query.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;

use crate::signing::canonical::Canonical;
use crate::signing::hash::Hex;
use crate::signing::headers::{self, Line};
use crate::signing::key::ALGORITHM;
use crate::signing::{Payload, Settings, SigningError, SigningKey, Timestamp, query, target};

const DATE: HeaderName = HeaderName::from_static(headers::DATE);
const TOKEN: HeaderName = HeaderName::from_static(headers::TOKEN);
const CONTENT: HeaderName = HeaderName::from_static(headers::CONTENT);

/// The longest that a presigned request may be valid.
// AWS: reference_sigv-authentication-methods: seven days.
pub const MAX_EXPIRY: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A signature, and what was signed.
#[derive(Clone)]
pub struct Signature {
    hex: Hex,
    canonical: Vec<u8>,
}

impl Signature {
    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        self.hex.as_str()
    }

    /// The canonical request. The values of signed headers and a session token stand in it.
    pub fn canonical_request(&self) -> &[u8] {
        &self.canonical
    }

    pub(crate) fn into_canonical_request(self) -> Vec<u8> {
        self.canonical
    }

    pub(super) fn hex(&self) -> Hex {
        self.hex
    }
}

/// Shows the signature alone.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature")
            .field("hex", &self.as_str())
            .finish_non_exhaustive()
    }
}

/// Signs in the headers: `authorization`, `x-amz-date` and, where they are needed,
/// `x-amz-security-token` and `x-amz-content-sha256`. Those of an earlier signature are replaced.
/// The target of the request may be written in another, equal form.
///
/// # Errors
/// If the request has no host, or its key is for another day than `time`.
pub fn sign(
    head: &mut Parts,
    key: &SigningKey,
    time: Timestamp,
    payload: &Payload,
    settings: &Settings,
) -> Result<Signature, SigningError> {
    check_day(key, time)?;
    let rules = &settings.rules;
    target::normalize(head, rules)?;
    let host = target::host(head)?;
    headers::without_tabs(&mut head.headers, settings);
    let content = payload.text();
    let says_content = rules.content_sha256 || payload.must_be_said();

    let mut lines: Vec<Line<'_>> = Vec::with_capacity(12);
    let stale = headers::collect(&head.headers, settings, &mut lines);
    lines.push(("host", host.as_bytes()));
    lines.push((headers::DATE, time.as_bytes()));
    if says_content {
        lines.push((headers::CONTENT, content.as_str().as_bytes()));
    }
    if let Some(token) = key.token()
        && rules.sign_session_token
    {
        lines.push((headers::TOKEN, token.as_bytes()));
    }
    let canonical = Canonical::new(head, rules, &mut lines, content.as_str());
    let hex = key.sign_canonical(time, &canonical.text);
    let authorization = authorization(key, canonical.signed_headers(), hex)?;

    let headers = &mut head.headers;
    headers.insert(DATE, value(time.as_str())?);
    if says_content {
        headers.insert(CONTENT, value(content.as_str())?);
    } else if stale.content {
        headers.remove(CONTENT);
    }
    if let Some(token) = key.token() {
        headers.insert(TOKEN, token.clone());
    } else if stale.token {
        headers.remove(TOKEN);
    }
    headers.insert(header::AUTHORIZATION, authorization);
    Ok(Signature {
        hex,
        canonical: canonical.text,
    })
}

fn authorization(
    key: &SigningKey,
    signed_headers: &[u8],
    hex: Hex,
) -> Result<HeaderValue, SigningError> {
    let mut text = Vec::with_capacity(256);
    for part in [
        ALGORITHM.as_bytes(),
        b" Credential=",
        key.credential().as_bytes(),
        b", SignedHeaders=",
        signed_headers,
        b", Signature=",
        hex.as_bytes(),
    ] {
        text.extend_from_slice(part);
    }
    let mut value = HeaderValue::from_maybe_shared(Bytes::from(text))
        .map_err(|_| SigningError::new("the signature cannot stand in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Signs in the query: `X-Amz-Signature` and what belongs to it, valid for `expires`. A signature
/// that the request has already, in headers or query, is removed.
///
/// S3 wants [`Payload::Unsigned`] here.
///
/// # Errors
/// As [`sign`], and if `expires` is shorter than a second or longer than [`MAX_EXPIRY`].
pub fn presign(
    head: &mut Parts,
    key: &SigningKey,
    time: Timestamp,
    expires: Duration,
    payload: &Payload,
    settings: &Settings,
) -> Result<Signature, SigningError> {
    check_day(key, time)?;
    if expires < Duration::from_secs(1) || expires > MAX_EXPIRY {
        return Err(SigningError::new(
            "a presigned request is valid for a second at least and for seven days at most",
        ));
    }
    let rules = &settings.rules;
    remove_signature(head)?;
    target::normalize(head, rules)?;
    let host = target::host(head)?;
    headers::without_tabs(&mut head.headers, settings);

    let mut lines: Vec<Line<'_>> = Vec::with_capacity(12);
    headers::collect(&head.headers, settings, &mut lines);
    lines.push(("host", host.as_bytes()));
    lines.sort_by(|a, b| a.0.cmp(b.0));
    let mut names = Vec::new();
    headers::push_names(&mut names, &lines);
    drop(lines);

    let mut text = head.uri.query().unwrap_or_default().as_bytes().to_vec();
    let expires = expires.as_secs().to_string();
    push(&mut text, "X-Amz-Algorithm", ALGORITHM.as_bytes());
    push(&mut text, "X-Amz-Credential", key.credential().as_bytes());
    push(&mut text, "X-Amz-Date", time.as_bytes());
    push(&mut text, "X-Amz-Expires", expires.as_bytes());
    let token = key.token().map(HeaderValue::as_bytes);
    if let Some(token) = token
        && rules.sign_session_token
    {
        push(&mut text, "X-Amz-Security-Token", token);
    }
    push(&mut text, "X-Amz-SignedHeaders", &names);
    set_query(head, &text)?;

    let mut lines: Vec<Line<'_>> = Vec::with_capacity(12);
    headers::collect(&head.headers, settings, &mut lines);
    lines.push(("host", host.as_bytes()));
    let content = payload.text();
    let canonical = Canonical::new(head, rules, &mut lines, content.as_str());
    let hex = key.sign_canonical(time, &canonical.text);
    if let Some(token) = token
        && !rules.sign_session_token
    {
        push(&mut text, "X-Amz-Security-Token", token);
    }
    push(&mut text, "X-Amz-Signature", hex.as_bytes());
    set_query(head, &text)?;
    Ok(Signature {
        hex,
        canonical: canonical.text,
    })
}

fn push(query: &mut Vec<u8>, name: &str, value: &[u8]) {
    if !query.is_empty() {
        query.push(b'&');
    }
    query.extend_from_slice(name.as_bytes());
    query.push(b'=');
    query::push_value(query, value);
}

fn set_query(head: &mut Parts, query: &[u8]) -> Result<(), SigningError> {
    let text = std::str::from_utf8(query).unwrap_or_default();
    target::replace_query(&mut head.uri, text)
}

/// Removes a signature that a request came with, from headers and query.
///
/// # Errors
/// If the rest of the query cannot be written anew.
pub fn remove_signature(head: &mut Parts) -> Result<(), SigningError> {
    for name in [header::AUTHORIZATION, DATE, TOKEN, CONTENT] {
        head.headers.remove(name);
    }
    let query = head.uri.query().unwrap_or_default();
    let is_ours = |piece: &&str| {
        let name = piece.split('=').next().unwrap_or_default();
        NAMES.iter().any(|ours| ours.eq_ignore_ascii_case(name))
    };
    if !query.split('&').any(|piece| is_ours(&piece)) {
        return Ok(());
    }
    let kept: Vec<&str> = query.split('&').filter(|piece| !is_ours(piece)).collect();
    let kept = kept.join("&");
    target::replace_query(&mut head.uri, &kept)
}

const NAMES: [&str; 8] = [
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

fn check_day(key: &SigningKey, time: Timestamp) -> Result<(), SigningError> {
    if key.is_for(time) {
        Ok(())
    } else {
        Err(SigningError::new("the signing key is for another day"))
    }
}

fn value(text: &str) -> Result<HeaderValue, SigningError> {
    HeaderValue::from_str(text)
        .map_err(|_| SigningError::new("the signature cannot stand in a header"))
}
