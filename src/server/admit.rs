//! Which requests reach the service at all: those that are framed, addressed and sized soundly.

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version};

use crate::mapping::Limits;

/// The sizes that a request must keep to, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sizes {
    pub(super) headers: Option<usize>,
    pub(super) uri: Option<usize>,
}

impl Sizes {
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            headers: limits.headers,
            uri: limits.uri,
        }
    }
}

/// Why a request is answered without the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Host,
    Target,
    /// No request of HTTP at all.
    Malformed,
    TransferCoding,
    Connect,
    HeadersTooLarge(usize),
    /// More of them than anybody reads.
    HeadersTooMany(usize),
    UriTooLong,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::Target | Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TransferCoding | Self::Connect => StatusCode::NOT_IMPLEMENTED,
            Self::HeadersTooLarge(_) | Self::HeadersTooMany(_) => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
        }
    }

    /// The answer. It ends a connection of HTTP/1: where the next request would begin may be a
    /// matter of opinion.
    pub(super) fn response(self, version: Version) -> Response<Bytes> {
        let (media_type, body) = match self {
            Self::Host | Self::Target | Self::Malformed => {
                (JSON, Bytes::from_static(b"{\"message\":\"Bad Request\"}"))
            }
            Self::TransferCoding | Self::Connect => (
                JSON,
                Bytes::from_static(b"{\"message\":\"Not Implemented\"}"),
            ),
            // Observed: the text; chosen: its media type.
            Self::HeadersTooLarge(limit) => (
                "text/plain",
                Bytes::from(format!("HTTP header is larger than {limit} bytes.")),
            ),
            // Chosen: nobody says how many lines API Gateway reads.
            Self::HeadersTooMany(limit) => (
                "text/plain",
                Bytes::from(format!("HTTP header has more than {limit} lines.")),
            ),
            // AWS: limits — the text.
            Self::UriTooLong => (
                JSON,
                Bytes::from_static(b"{\"message\":\"Request URI too long\"}"),
            ),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if version <= Version::HTTP_11 {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// The answer as it goes over a connection of HTTP/1, and how many bytes its body has.
    pub(super) fn wire(self) -> (Bytes, usize) {
        let response = self.response(Version::HTTP_11);
        let mut wire = BytesMut::new();
        wire.extend_from_slice(b"HTTP/1.1 ");
        wire.extend_from_slice(response.status().as_str().as_bytes());
        wire.extend_from_slice(b" ");
        let reason = response.status().canonical_reason();
        wire.extend_from_slice(reason.unwrap_or_default().as_bytes());
        wire.extend_from_slice(b"\r\n");
        for (name, value) in response.headers() {
            wire.extend_from_slice(name.as_str().as_bytes());
            wire.extend_from_slice(b": ");
            wire.extend_from_slice(value.as_bytes());
            wire.extend_from_slice(b"\r\n");
        }
        let length = response.body().len();
        wire.extend_from_slice(format!("content-length: {length}\r\n\r\n").as_bytes());
        wire.extend_from_slice(response.body());
        (wire.freeze(), length)
    }
}

const JSON: &str = "application/json";

/// Checks a request, and takes the authority out of its target: it is for the `Host` header alone
/// to name the host, and for nothing to choose the route by it.
pub(super) fn admit<B>(request: &mut Request<B>, sizes: Sizes) -> Result<(), Refusal> {
    if request.method() == Method::CONNECT {
        return Err(Refusal::Connect);
    }
    // hyper takes what ends in `chunked` and undoes only that; `gzip, chunked` would go on without
    // its name.
    let framed = Framed::of(request.headers());
    if !framed.is_chunked_or_nothing() {
        return Err(Refusal::TransferCoding);
    }
    let version = request.version();
    if version >= Version::HTTP_2 && request.uri().authority().is_some() {
        name_host(request)?;
    } else if !framed.has_sound_host(version != Version::HTTP_11) {
        // RFC 9112, 3.2: exactly one, except that HTTP/1.0 may have none.
        return Err(Refusal::Host);
    }
    strip_authority(request)?;
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if sizes.uri.is_some_and(|limit| target > limit) {
        return Err(Refusal::UriTooLong);
    }
    match sizes.headers {
        Some(limit) if block(request.headers()) > limit => Err(Refusal::HeadersTooLarge(limit)),
        _ => Ok(()),
    }
}

/// What of the headers says where a request goes and where it ends. Looking at the names is cheaper
/// than hashing two.
#[derive(Default)]
struct Framed<'a> {
    hosts: usize,
    host: Option<&'a HeaderValue>,
    codings: usize,
    coding: Option<&'a HeaderValue>,
}

impl<'a> Framed<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut framed = Self::default();
        for (name, value) in headers {
            if name == header::HOST {
                framed.hosts += 1;
                framed.host = Some(value);
            } else if name == header::TRANSFER_ENCODING {
                framed.codings += 1;
                framed.coding = Some(value);
            }
        }
        framed
    }

    fn is_chunked_or_nothing(&self) -> bool {
        match self.coding {
            None => true,
            Some(coding) => {
                self.codings == 1
                    && coding
                        .as_bytes()
                        .trim_ascii()
                        .eq_ignore_ascii_case(b"chunked")
            }
        }
    }

    /// Whether there is one host at most, and one that can be.
    fn has_sound_host(&self, may_be_missing: bool) -> bool {
        match self.host {
            None => may_be_missing,
            Some(host) => self.hosts == 1 && is_host(host),
        }
    }
}

// RFC 9113, 8.3.1: `:authority` becomes the `Host`, which must not say otherwise.
fn name_host<B>(request: &mut Request<B>) -> Result<(), Refusal> {
    let Some(authority) = request.uri().authority() else {
        return Ok(());
    };
    let agrees = |host: &HeaderValue| {
        host.as_bytes()
            .eq_ignore_ascii_case(authority.as_str().as_bytes())
    };
    if !request.headers().get_all(header::HOST).iter().all(agrees) {
        return Err(Refusal::Host);
    }
    let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Refusal::Host)?;
    if !is_host(&host) {
        return Err(Refusal::Host);
    }
    request.headers_mut().insert(header::HOST, host);
    Ok(())
}

/// A host and a port, as far as its characters go; it may be empty.
fn is_host(host: &HeaderValue) -> bool {
    host.as_bytes()
        .iter()
        .all(|&byte| byte.is_ascii() && HOST >> byte & 1 == 1)
}

/// A bit for each byte that may stand in a host.
// RFC 3986, 3.2.2.
const HOST: u128 = {
    let mut known = 0;
    let mut byte = 0;
    while byte < 128 {
        let is_known = matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'A'..=b'Z')
            || matches!(byte, b'-' | b'.' | b':' | b'_' | b'~' | b'[' | b']' | b'%')
            || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')')
            || matches!(byte, b'*' | b'+' | b';' | b'=');
        if is_known {
            known |= 1 << byte;
        }
        byte += 1;
    }
    known
};

fn strip_authority<B>(request: &mut Request<B>) -> Result<(), Refusal> {
    let uri = request.uri();
    if uri.authority().is_none() {
        return Ok(());
    }
    // `GET host` is the form of CONNECT.
    if uri.scheme().is_none() {
        return Err(Refusal::Target);
    }
    let target = uri.path_and_query().cloned();
    let target = target.unwrap_or_else(|| http::uri::PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(target);
    Ok(())
}

/// What the headers take on a connection of HTTP/1.
fn block(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes {
        headers: Some(100),
        uri: Some(20),
    };

    fn request(version: Version, uri: &str, headers: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri(uri).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn outcome(
        version: Version,
        uri: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<String, Refusal> {
        let mut request = request(version, uri, headers);
        admit(&mut request, SIZES).map(|()| request.uri().to_string())
    }

    #[test]
    fn hosts() {
        let eleven = |headers: &[(&'static str, &str)]| outcome(Version::HTTP_11, "/", headers);
        assert_eq!(eleven(&[("host", "x:80")]), Ok("/".into()));
        assert_eq!(eleven(&[("host", "")]), Ok("/".into()));
        assert_eq!(eleven(&[("host", "[::1]:80")]), Ok("/".into()));
        assert_eq!(eleven(&[]), Err(Refusal::Host));
        assert_eq!(eleven(&[("host", "x"), ("host", "x")]), Err(Refusal::Host));
        for host in ["a b", "a/b", "a@b", "a,b", "a?b"] {
            assert_eq!(eleven(&[("host", host)]), Err(Refusal::Host), "{host}");
        }
        assert_eq!(outcome(Version::HTTP_10, "/", &[]), Ok("/".into()));
        assert_eq!(
            outcome(Version::HTTP_10, "/", &[("host", "x"), ("host", "y")]),
            Err(Refusal::Host)
        );
    }

    #[test]
    fn the_authority_of_http2_becomes_the_host() {
        let mut request = request(Version::HTTP_2, "http://x:1/a?b", &[]);
        admit(&mut request, SIZES).unwrap();
        assert_eq!(
            (request.uri().to_string(), &request.headers()["host"]),
            ("/a?b".into(), &HeaderValue::from_static("x:1"))
        );
        assert_eq!(
            outcome(Version::HTTP_2, "http://x/", &[("host", "y")]),
            Err(Refusal::Host)
        );
        assert_eq!(
            outcome(Version::HTTP_2, "/", &[("host", "y")]),
            Ok("/".into())
        );
    }

    #[test]
    fn targets() {
        let at = |uri: &str| outcome(Version::HTTP_11, uri, &[("host", "x")]);
        assert_eq!(at("http://evil/a?b"), Ok("/a?b".into()));
        assert_eq!(at("http://evil"), Ok("/".into()));
        assert_eq!(at("*"), Ok("*".into()));
        assert_eq!(at("evil"), Err(Refusal::Target));
        assert_eq!(
            at("/2345678901234567890"),
            Ok("/2345678901234567890".into())
        );
        assert_eq!(at("/23456789012345678901"), Err(Refusal::UriTooLong));
    }

    #[test]
    fn transfer_codings() {
        let coded = |codings: &[&str]| {
            let mut headers = vec![("host", "x")];
            headers.extend(codings.iter().map(|coding| ("transfer-encoding", *coding)));
            outcome(Version::HTTP_11, "/", &headers).err()
        };
        assert_eq!(coded(&["Chunked "]), None);
        for codings in [
            &["gzip, chunked"][..],
            &["gzip", "chunked"],
            &["chunked", "chunked"],
            &["identity"],
        ] {
            assert_eq!(coded(codings), Some(Refusal::TransferCoding), "{codings:?}");
        }
    }

    #[test]
    fn sizes_are_inclusive_and_may_be_off() {
        let mut large = request(
            Version::HTTP_11,
            "/",
            &[("host", "x"), ("a", &"v".repeat(86))],
        );
        assert_eq!(admit(&mut large, SIZES), Ok(()));
        large
            .headers_mut()
            .insert("a", HeaderValue::from_str(&"v".repeat(87)).unwrap());
        assert_eq!(admit(&mut large, SIZES), Err(Refusal::HeadersTooLarge(100)));
        assert_eq!(admit(&mut large, Sizes::default()), Ok(()));
        let response = Refusal::HeadersTooLarge(10_240).response(Version::HTTP_11);
        assert_eq!(
            &response.body()[..],
            b"HTTP header is larger than 10240 bytes."
        );
        assert_eq!(response.headers()["connection"], "close");
        assert!(
            !Refusal::Host
                .response(Version::HTTP_2)
                .headers()
                .contains_key("connection")
        );
    }
}
