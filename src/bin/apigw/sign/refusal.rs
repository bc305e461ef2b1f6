//! What a service answers when it refuses, for the log: the beginning of its body, without tokens.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use tower_apigw::{Body, BodyError};

/// The most that is logged of a body, in bytes.
const LIMIT: usize = 4096;

/// Reads the beginning of a body, and gives it as text and the body as it was.
pub(super) async fn begin(mut body: Body) -> (String, Body) {
    let mut read = VecDeque::new();
    let mut text = Vec::new();
    while text.len() < LIMIT {
        let Some(frame) = body.frame().await else {
            break;
        };
        if let Ok(frame) = &frame
            && let Some(data) = frame.data_ref()
        {
            text.extend_from_slice(data.get(..data.len().min(LIMIT)).unwrap_or_default());
        }
        let broken = frame.is_err();
        read.push_back(frame);
        if broken {
            break;
        }
    }
    text.truncate(LIMIT);
    let text = without_tokens(&String::from_utf8_lossy(&text));
    let rest = body;
    (text, Body::new(Replayed { read, rest }))
}

/// A service tells what it would have signed, and the token of the credentials is a part of that.
fn without_tokens(text: &str) -> String {
    const NAME: &str = "security-token";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // As long as the text was, whatever the case.
    while let Some(at) = rest.to_ascii_lowercase().find(NAME) {
        let (front, back) = rest.split_at(at + NAME.len());
        out.push_str(front);
        let Some(value) = back.strip_prefix([':', '=']) else {
            rest = back;
            continue;
        };
        out.push_str(":***");
        let is_end = |c: char| c.is_whitespace() || matches!(c, '\\' | '<' | '"' | '\'' | '&');
        let end = value.trim_start_matches(' ').find(is_end);
        let blanks = value.len() - value.trim_start_matches(' ').len();
        rest = end.and_then(|end| value.get(blanks + end..)).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// A body of which the beginning has been read.
struct Replayed {
    read: VecDeque<Result<Frame<Bytes>, BodyError>>,
    rest: Body,
}

impl HttpBody for Replayed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.read.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // The length of the whole stands in the head.
        match self.read.is_empty() {
            true => self.rest.size_hint(),
            false => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_masked() {
        for (text, shown) in [
            ("no secret here", "no secret here"),
            (
                "host:a\nx-amz-security-token:FwoG=/+\n\nhost",
                "host:a\nx-amz-security-token:***\n\nhost",
            ),
            (
                r#"{"message":"…\nX-Amz-Security-Token: abc\nmore"}"#,
                r#"{"message":"…\nX-Amz-Security-Token:***\nmore"}"#,
            ),
            (
                "?X-Amz-Security-Token=a%2Fb&c=d",
                "?X-Amz-Security-Token:***&c=d",
            ),
            ("host;x-amz-security-token", "host;x-amz-security-token"),
            ("x-amz-security-token:cut", "x-amz-security-token:***"),
        ] {
            assert_eq!(without_tokens(text), shown);
        }
    }

    #[tokio::test]
    async fn what_was_read_comes_again() {
        let long = "x".repeat(3 * LIMIT);
        let (text, body) = begin(Body::from(long.clone())).await;
        assert_eq!(text.len(), LIMIT);
        assert_eq!(body.collect().await.unwrap().to_bytes(), long);
        let (text, body) = begin(Body::empty()).await;
        assert!(text.is_empty() && body.collect().await.unwrap().to_bytes().is_empty());
    }
}
