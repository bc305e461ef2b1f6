//! A backend that answers from a file.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::path::Path;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode, header};
use serde_json::{Map, Value};
use tower_apigw::Body;
use tower_service::Service;

use crate::exit::Failure;
use crate::input;

/// The same answer to every request.
#[derive(Debug, Clone)]
pub(super) struct MockBackend {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl MockBackend {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = input::body(path, "answer")?;
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let parsed = if bytes.starts_with(b"HTTP/") {
            message(bytes)
        } else {
            object(bytes)
        };
        parsed.map_err(|why| {
            Failure::document(format!("{} is no answer: {why}", input::name(path))).help(
                "write an HTTP response (`HTTP/1.1 200 OK`, headers, an empty line, the body) or a JSON \
                 object with `statusCode`, `headers` and `body`",
            )
        })
    }
}

/// A response as it comes over the wire, or as curl writes it with `-i`: the body reaches to the end of the file,
/// in chunks or, though a header says so, without.
fn message(bytes: &[u8]) -> Result<MockBackend, String> {
    let one;
    let bytes = match bytes
        .strip_prefix(b"HTTP/")
        .and_then(|rest| rest.split_first())
    {
        // curl writes `HTTP/2 200`.
        Some((b'2' | b'3', rest)) => {
            let rest = rest.strip_prefix(b".0").unwrap_or(rest);
            one = [b"HTTP/1.1", rest].concat();
            &one[..]
        }
        _ => bytes,
    };
    let mut lines = [httparse::EMPTY_HEADER; 256];
    let mut response = httparse::Response::new(&mut lines);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => {
            return Err("there is no empty line behind its headers".into());
        }
        Err(error) => return Err(format!("its head is broken ({error})")),
    };
    let mut headers = HeaderMap::new();
    let mut chunked = false;
    for line in response.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let value = HeaderValue::from_bytes(line.value);
        if line.name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = line.value.eq_ignore_ascii_case(b"chunked");
        }
        if let (Ok(name), Ok(value)) = (name, value)
            && name != header::CONTENT_LENGTH
            && name != header::TRANSFER_ENCODING
        {
            headers.append(name, value);
        }
    }
    let status = status(response.code.unwrap_or_default().into())?;
    let body = bytes.get(length..).unwrap_or_default();
    let body = match status {
        // RFC 9110, 6.4.1: they have none.
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Bytes::new(),
        _ if chunked => chunks(body).map_or_else(|| Bytes::copy_from_slice(body), Bytes::from),
        _ => Bytes::copy_from_slice(body),
    };
    Ok(MockBackend {
        status,
        headers,
        body,
    })
}

/// What is in chunks, if they are chunks up to the last.
fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let httparse::Status::Complete((at, size)) = httparse::parse_chunk_size(rest).ok()? else {
            return None;
        };
        if size == 0 {
            return Some(body);
        }
        let size = usize::try_from(size).ok()?;
        let chunk = rest.get(at..at.checked_add(size)?)?;
        body.extend_from_slice(chunk);
        rest = rest.get(at + size..)?.strip_prefix(b"\r\n")?;
    }
}

/// The form in which a Lambda function behind a proxy integration answers.
fn object(bytes: &[u8]) -> Result<MockBackend, String> {
    let object: Map<String, Value> = serde_json::from_slice(bytes)
        .map_err(|error| format!("it is neither an HTTP response nor a JSON object ({error})"))?;
    let mut headers = HeaderMap::new();
    let mut encoded = false;
    let mut body = Bytes::new();
    let mut code = None;
    for (key, value) in &object {
        match (key.as_str(), value) {
            ("statusCode", value) => {
                code = value
                    .as_i64()
                    .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
            }
            ("headers" | "multiValueHeaders", Value::Null) => {}
            ("headers", Value::Object(pairs)) => {
                for (name, value) in pairs {
                    append(&mut headers, name, value)?;
                }
            }
            ("multiValueHeaders", Value::Object(pairs)) => {
                for (name, values) in pairs {
                    let values = values
                        .as_array()
                        .ok_or_else(|| format!("{name:?} in `multiValueHeaders` is no list"))?;
                    for value in values {
                        append(&mut headers, name, value)?;
                    }
                }
            }
            ("body", Value::Null) => {}
            ("body", Value::String(text)) => body = Bytes::copy_from_slice(text.as_bytes()),
            ("body", other) => body = Bytes::from(other.to_string()),
            ("isBase64Encoded", Value::Bool(is)) => encoded = *is,
            _ => return Err(format!("the member {key:?} is unknown or of another type")),
        }
    }
    if encoded {
        let decoded = STANDARD
            .decode(&body)
            .map_err(|error| format!("its `body` is no base64 ({error})"))?;
        body = decoded.into();
    }
    Ok(MockBackend {
        status: status(code.ok_or("it has no `statusCode`")?)?,
        headers,
        body,
    })
}

fn append(headers: &mut HeaderMap, name: &str, value: &Value) -> Result<(), String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            return Err(format!("the header {name:?} has a value that is no text"));
        }
    };
    let key = HeaderName::from_bytes(name.as_bytes());
    let (Ok(key), Ok(value)) = (key, HeaderValue::from_bytes(text.as_bytes())) else {
        return Err(format!("{name:?} with its value is no header"));
    };
    headers.append(key, value);
    Ok(())
}

fn status(code: i64) -> Result<StatusCode, String> {
    u16::try_from(code)
        .ok()
        .filter(|code| (200..=599).contains(code))
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| format!("{code} is no status of a final answer"))
}

impl Service<Request<Body>> for MockBackend {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_from_both_forms() {
        let wire =
            message(b"HTTP/1.1 404 Not Found\nX-A: 1\nX-A: 2\nContent-Length: 9\n\n{\"a\"\n}")
                .unwrap();
        assert_eq!(wire.status, 404);
        assert_eq!(wire.headers.get_all("x-a").iter().count(), 2);
        assert_eq!((wire.headers.len(), &wire.body[..]), (2, &b"{\"a\"\n}"[..]));

        let json = object(br#"{"statusCode": "201", "headers": {"X-N": 7}, "multiValueHeaders": {"X-M": ["a", "b"]}, "body": {"id": 1}}"#).unwrap();
        assert_eq!(
            (json.status.as_u16(), &json.body[..]),
            (201, &br#"{"id":1}"#[..])
        );
        assert_eq!(json.headers["x-n"], "7");
        assert_eq!(json.headers.get_all("x-m").iter().count(), 2);
        let bytes =
            object(br#"{"statusCode": 200, "body": "/w==", "isBase64Encoded": true}"#).unwrap();
        assert_eq!(&bytes.body[..], b"\xFF");
    }

    #[test]
    fn answers_are_read_as_curl_and_the_wire_have_them() {
        for (text, status, body) in [
            ("HTTP/2 200 \r\nx-a: 1\r\n\r\nabc", 200, "abc"),
            ("HTTP/3 404\r\n\r\nabc", 404, "abc"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
                200,
                "abcde",
            ),
            // curl has undone them.
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nabc",
                200,
                "abc",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc\r\n",
                200,
                "9\r\nabc\r\n",
            ),
            ("HTTP/1.1 204 No Content\r\n\r\n\n", 204, ""),
        ] {
            let answer = message(text.as_bytes()).unwrap();
            assert_eq!(answer.status, status, "{text}");
            assert_eq!(&answer.body[..], body.as_bytes(), "{text}");
        }
    }

    #[test]
    fn what_is_no_answer_says_why() {
        for (text, why) in [
            ("{}", "no `statusCode`"),
            ("[]", "neither"),
            (r#"{"statusCode": 101}"#, "101"),
            (r#"{"statusCode": 200, "cookies": []}"#, "cookies"),
            (r#"{"statusCode": 200, "headers": {"a b": "c"}}"#, "a b"),
            (
                r#"{"statusCode": 200, "body": "%", "isBase64Encoded": true}"#,
                "base64",
            ),
        ] {
            let error = object(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(
            message(b"HTTP/1.1 200 OK\r\nX: 1\r\n")
                .unwrap_err()
                .contains("empty line")
        );
    }
}
