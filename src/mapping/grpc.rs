//! gRPC: who speaks it, what its deadlines and statuses mean beside those of HTTP.

use std::fmt::Write as _;
use std::time::Duration;

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode, Version};

/// The status of a call, in the trailers, or in the head of an answer without messages.
pub(crate) const STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// The text beside it.
pub(crate) const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// How long the client waits.
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// The media type of all messages, with or without a suffix that names their coding.
const MEDIA_TYPE: &str = "application/grpc";

/// What an answer without messages says it is.
pub(crate) const CONTENT_TYPE: HeaderValue = HeaderValue::from_static(MEDIA_TYPE);

// gRPC: statuscodes.md
pub(crate) const OK: u8 = 0;
pub(crate) const UNKNOWN: u8 = 2;
pub(crate) const DEADLINE_EXCEEDED: u8 = 4;
pub(crate) const PERMISSION_DENIED: u8 = 7;
pub(crate) const RESOURCE_EXHAUSTED: u8 = 8;
pub(crate) const UNIMPLEMENTED: u8 = 12;
pub(crate) const INTERNAL: u8 = 13;
pub(crate) const UNAVAILABLE: u8 = 14;
pub(crate) const UNAUTHENTICATED: u8 = 16;

/// Whether a client speaks gRPC. It always does so over HTTP/2, which spares all others the look.
pub(crate) fn is_spoken(version: Version, headers: &HeaderMap) -> bool {
    version == Version::HTTP_2 && is_named(headers)
}

/// Whether the body is one of gRPC; `application/grpc-web` is another protocol.
pub(crate) fn is_named(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    let bytes = value.as_bytes();
    let rest = bytes
        .split_at_checked(MEDIA_TYPE.len())
        .filter(|(start, _)| start.eq_ignore_ascii_case(MEDIA_TYPE.as_bytes()))
        .map(|(_, rest)| rest);
    matches!(rest, Some([] | [b'+' | b';' | b' ', ..]))
}

/// How long a client of gRPC waits for an answer.
pub(crate) fn deadline(version: Version, headers: &HeaderMap) -> Option<Duration> {
    if version == Version::HTTP_2 {
        timeout(headers)
    } else {
        None
    }
}

// gRPC: PROTOCOL-HTTP2.md — up to eight digits and a unit.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

/// How a call ends that is not over in time, though its answer has begun.
pub(crate) fn late() -> HeaderMap {
    HeaderMap::from_iter([
        (STATUS, HeaderValue::from(u16::from(DEADLINE_EXCEEDED))),
        (MESSAGE, HeaderValue::from_static("deadline exceeded")),
    ])
}

/// The status of a call that was answered with a status of HTTP.
// gRPC: http-grpc-status-mapping.md
pub(crate) fn status_of(http: StatusCode) -> u8 {
    match http.as_u16() {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

/// The status of a call as the head of its answer tells it.
pub(crate) fn status_in(http: StatusCode, headers: &HeaderMap) -> i64 {
    let told = headers.get(STATUS).and_then(|status| status.to_str().ok());
    match told.map(str::parse) {
        Some(Ok(status)) => status,
        Some(Err(_)) => UNKNOWN.into(),
        None if http == StatusCode::OK => OK.into(),
        None => status_of(http).into(),
    }
}

/// A text as the value of `grpc-message`.
// gRPC: PROTOCOL-HTTP2.md — UTF-8, and all but printable ASCII without `%` is percent-encoded.
pub(crate) fn message(text: &str) -> HeaderValue {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            out.push(byte.into());
        } else {
            // A `String` takes everything.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    HeaderValue::from_str(&out).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        )])
    }

    #[test]
    fn who_speaks_grpc() {
        for (value, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("Application/gRPC;charset=x", true),
            ("application/grpc-web", false),
            ("application/grpcx", false),
            ("application/json", false),
            ("", false),
        ] {
            assert_eq!(
                is_named(&headers("content-type", value)),
                expected,
                "{value}"
            );
        }
        let grpc = headers("content-type", "application/grpc");
        assert!(is_spoken(Version::HTTP_2, &grpc));
        assert!(!is_spoken(Version::HTTP_11, &grpc));
        assert!(!is_spoken(Version::HTTP_2, &HeaderMap::new()));
    }

    #[test]
    fn timeouts() {
        for (value, expected) in [
            ("1H", Some(3_600_000_000_000)),
            ("2M", Some(120_000_000_000)),
            ("3S", Some(3_000_000_000)),
            ("99999999m", Some(99_999_999_000_000)),
            ("5u", Some(5_000)),
            ("6n", Some(6)),
            ("0n", Some(0)),
            ("99999999H", Some(359_999_996_400_000_000_000)),
            ("100000000n", None),
            ("S", None),
            ("", None),
            ("1s", None),
            ("-1S", None),
            ("1é", None),
        ] {
            let found = timeout(&headers("grpc-timeout", value));
            assert_eq!(found.map(|found| found.as_nanos()), expected, "{value}");
        }
    }

    #[test]
    fn statuses() {
        for (http, expected) in [
            (200, 2),
            (400, 13),
            (401, 16),
            (403, 7),
            (404, 12),
            (413, 2),
            (429, 14),
            (500, 2),
            (502, 14),
            (503, 14),
            (504, 14),
        ] {
            assert_eq!(status_of(StatusCode::from_u16(http).unwrap()), expected);
        }
        assert_eq!(status_in(StatusCode::OK, &HeaderMap::new()), 0);
        assert_eq!(status_in(StatusCode::OK, &headers("grpc-status", "5")), 5);
        assert_eq!(status_in(StatusCode::OK, &headers("grpc-status", "x")), 2);
        assert_eq!(status_in(StatusCode::BAD_GATEWAY, &HeaderMap::new()), 14);
    }

    #[test]
    fn messages_are_percent_encoded() {
        for (text, expected) in [
            ("Not found", "Not found"),
            ("100% é\n", "100%25 %C3%A9%0A"),
            ("", ""),
        ] {
            assert_eq!(message(text), expected);
        }
    }
}
