//! Media types, and the conversion of bodies between text and binary.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, header};

use crate::integration::ContentHandling;
use crate::mapping::grpc;
use crate::mapping::method_request::lossy;

/// The media type of a `Content-Type` or the first one of an `Accept`: without parameters.
// AWS: request-response-data-mappings. Recorded: T:test_aws_proxy_binary_response — only the first
// type counts.
pub(crate) fn media_type(header: &str) -> &str {
    header.split([',', ';']).next().unwrap_or_default().trim()
}

/// How an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// At once, as far as the backend and the network can.
    Whole,
    /// In pieces, with pauses in between; its head says something by itself.
    Pieces,
    /// The same, and a pause may last for ever.
    Messages,
}

/// How an answer with these headers comes, unless its length is known.
pub(crate) fn flow(headers: &HeaderMap) -> Flow {
    let media_type = headers.get(header::CONTENT_TYPE);
    let is = |start: &str| {
        media_type
            .and_then(|media_type| media_type.as_bytes().get(..start.len()))
            .is_some_and(|found| found.eq_ignore_ascii_case(start.as_bytes()))
    };
    if grpc::is_named(headers) {
        Flow::Messages
    } else if is("text/event-stream") || is("multipart/x-mixed-replace") {
        Flow::Pieces
    } else {
        Flow::Whole
    }
}

/// The binary media types of an API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MediaTypes {
    everything: bool,
    /// `image/` for `image/*`.
    families: Vec<String>,
    exact: Vec<String>,
}

impl MediaTypes {
    pub(crate) fn new<T: AsRef<str>>(types: impl IntoIterator<Item = T>) -> Self {
        let mut out = Self::default();
        for text in types {
            let text = media_type(text.as_ref()).to_ascii_lowercase();
            // Recorded: T:test_aws_proxy_binary_response — `*/test` matches nothing.
            if text == "*/*" {
                out.everything = true;
            } else if let Some(family) = text
                .strip_suffix('*')
                .filter(|family| family.ends_with('/'))
            {
                out.families.push(family.to_owned());
            } else if !text.starts_with("*/") {
                out.exact.push(text);
            }
        }
        out
    }

    /// Whether a header (`Content-Type`, or `Accept` by its first type) names a binary type.
    pub(crate) fn contain(&self, header: Option<&str>) -> bool {
        let Some(header) = header else { return false };
        if self.everything {
            return true;
        }
        if self.exact.is_empty() && self.families.is_empty() {
            return false;
        }
        let media_type = media_type(header);
        let starts = |family: &String| {
            media_type
                .get(..family.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(family))
        };
        self.exact
            .iter()
            .any(|exact| exact.eq_ignore_ascii_case(media_type))
            || self.families.iter().any(starts)
    }
}

/// What is done to a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// The bytes stay.
    Keep,
    /// Invalid UTF-8 becomes U+FFFD.
    Text,
    /// Base64 becomes bytes.
    Decode,
    /// Bytes become base64.
    Encode,
}

/// For a request body.
// Recorded: T:test_apigw_s3_binary_support_request
pub(crate) fn request_conversion(binary: bool, handling: Option<ContentHandling>) -> Conversion {
    match (binary, handling) {
        (false, Some(ContentHandling::ConvertToBinary)) => Conversion::Decode,
        (false, Some(ContentHandling::ConvertToText) | None) => Conversion::Text,
        (true, Some(ContentHandling::ConvertToText)) => Conversion::Encode,
        (true, Some(ContentHandling::ConvertToBinary) | None) => Conversion::Keep,
    }
}

/// For the body of an answer; `accepts` tells whether the client's first type is binary.
// Recorded: T:test_apigw_s3_binary_support_response
pub(crate) fn response_conversion(
    binary: bool,
    accepts: bool,
    handling: Option<ContentHandling>,
) -> Conversion {
    let text = match handling {
        Some(ContentHandling::ConvertToText) => true,
        Some(ContentHandling::ConvertToBinary) => false,
        None => !accepts,
    };
    match (binary, text) {
        (true, true) => Conversion::Encode,
        (true, false) => Conversion::Keep,
        (false, true) => Conversion::Text,
        (false, false) => Conversion::Decode,
    }
}

/// The body is not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotBase64;

impl Conversion {
    /// Whether the result is bytes, which no template can read.
    // Recorded: T:…_convert_to_binary_with_request_template
    pub(crate) fn gives_bytes(self) -> bool {
        matches!(self, Self::Keep | Self::Decode)
    }

    pub(crate) fn apply(self, body: Bytes) -> Result<Bytes, NotBase64> {
        match self {
            Self::Keep => Ok(body),
            Self::Text => Ok(match lossy(&body) {
                Cow::Borrowed(_) => body,
                Cow::Owned(text) => Bytes::from(text),
            }),
            Self::Decode => STANDARD
                .decode(&body)
                .map(Bytes::from)
                .map_err(|_| NotBase64),
            Self::Encode => Ok(Bytes::from(STANDARD.encode(&body))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_types_match_as_recorded() {
        let types = MediaTypes::new(["image/png", "application/*", "*/test"]);
        for (header, binary) in [
            ("image/png", true),
            ("IMAGE/PNG; q=1", true),
            ("image/jpeg", false),
            ("image/*", false),
            ("*/*", false),
            ("application/whatever", true),
            ("application/*", true),
            ("random/test", false),
            ("*/test", false),
            ("image/webp,image/png", false),
            ("image/png,image/*", true),
        ] {
            assert_eq!(types.contain(Some(header)), binary, "{header}");
        }
        assert!(!types.contain(None));
        assert!(MediaTypes::new(["*/*"]).contain(Some("text/plain")));
    }

    #[test]
    fn conversions_of_requests() {
        use ContentHandling::{ConvertToBinary, ConvertToText};
        use Conversion::{Decode, Encode, Keep, Text};
        let cells = [
            (false, None, Text),
            (false, Some(ConvertToText), Text),
            (false, Some(ConvertToBinary), Decode),
            (true, None, Keep),
            (true, Some(ConvertToText), Encode),
            (true, Some(ConvertToBinary), Keep),
        ];
        for (binary, handling, expected) in cells {
            assert_eq!(
                request_conversion(binary, handling),
                expected,
                "{binary} {handling:?}"
            );
        }
    }

    #[test]
    fn conversions_of_answers() {
        use ContentHandling::{ConvertToBinary, ConvertToText};
        use Conversion::{Decode, Encode, Keep, Text};
        let cells = [
            (false, false, None, Text),
            (false, false, Some(ConvertToBinary), Decode),
            (false, false, Some(ConvertToText), Text),
            (false, true, None, Decode),
            (false, true, Some(ConvertToBinary), Decode),
            (false, true, Some(ConvertToText), Text),
            (true, false, None, Encode),
            (true, false, Some(ConvertToBinary), Keep),
            (true, false, Some(ConvertToText), Encode),
            (true, true, None, Keep),
            (true, true, Some(ConvertToBinary), Keep),
            (true, true, Some(ConvertToText), Encode),
        ];
        for (binary, accepts, handling, expected) in cells {
            let got = response_conversion(binary, accepts, handling);
            assert_eq!(got, expected, "{binary} {accepts} {handling:?}");
        }
    }

    #[test]
    fn bodies_are_converted() {
        assert_eq!(
            Conversion::Text.apply(Bytes::from_static(b"a\xFFb")),
            Ok("a\u{FFFD}b".into())
        );
        assert_eq!(Conversion::Decode.apply("YWI=".into()), Ok("ab".into()));
        assert_eq!(Conversion::Decode.apply("%".into()), Err(NotBase64));
        assert_eq!(Conversion::Encode.apply("ab".into()), Ok("YWI=".into()));
    }
}
