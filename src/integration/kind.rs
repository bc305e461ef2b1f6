//! The closed lists of words that an integration chooses from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Declares a list of words that are read in any case and with `-` for `_`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// The word as AWS's API writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            const WORDS: &'static [&'static str] = &[$($word,)+];
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                // Recorded: imports take any case.
                $(if word.eq_ignore_ascii_case($word) { return Ok(Self::$variant); })+
                Err(format!("unknown value {word:?}, expected one of {}", Self::WORDS.join(", ")))
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                word.parse()
            }
        }

        impl From<$name> for &'static str {
            fn from(word: $name) -> &'static str {
                word.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What kind of backend answers, and how much of the request is mapped.
    IntegrationType {
        /// An HTTP endpoint, with the request and the answer mapped.
        Http = "HTTP",
        /// An HTTP endpoint that gets the request and gives the answer as they are.
        HttpProxy = "HTTP_PROXY",
        /// No backend: the rendered request template names the status.
        Mock = "MOCK",
        /// An action of an AWS service, or a Lambda function with mapped input and output.
        Aws = "AWS",
        /// A Lambda function that gets the whole request as an event.
        AwsProxy = "AWS_PROXY",
    }
}

impl IntegrationType {
    /// Whether templates and integration responses are left aside.
    pub const fn is_proxy(self) -> bool {
        matches!(self, Self::HttpProxy | Self::AwsProxy)
    }
}

words! {
    /// What happens to a request body that no template is for.
    PassthroughBehavior {
        /// Passes through when no template matches the `Content-Type`.
        WhenNoMatch = "WHEN_NO_MATCH",
        /// Passes through when there is no template at all, else 415.
        WhenNoTemplates = "WHEN_NO_TEMPLATES",
        /// Never passes through: 415.
        Never = "NEVER",
    }
}

words! {
    /// How a body is converted between text and binary.
    ContentHandling {
        /// Base64 text becomes bytes.
        ConvertToBinary = "CONVERT_TO_BINARY",
        /// Bytes become base64 text.
        ConvertToText = "CONVERT_TO_TEXT",
    }
}

words! {
    /// How the backend is reached.
    ConnectionType {
        /// Over the internet.
        Internet = "INTERNET",
        /// Through a VPC link.
        VpcLink = "VPC_LINK",
    }
}

words! {
    /// Whether an answer is streamed.
    ResponseTransferMode {
        /// Collected first.
        Buffered = "BUFFERED",
        /// Passed on as it comes.
        Stream = "STREAM",
    }
}

words! {
    /// The version of HTTP that a backend is spoken to in.
    // AWS: HTTP/1.1 to every backend.
    #[derive(Default)]
    Protocol {
        /// HTTP/1.1, as API Gateway speaks it.
        #[default]
        Http1 = "http/1.1",
        /// HTTP/2: with prior knowledge to `http://`, agreed on by TLS with `https://`. gRPC needs
        /// it.
        Http2 = "h2",
    }
}

words! {
    /// What selection patterns are matched against.
    #[derive(Default)]
    SelectionSubject {
        /// The status of the answer; of a Lambda function its error message.
        #[default]
        Status = "status",
        /// The `grpc-status` in the head of the answer: `0` where there is none yet and the status
        /// is 200, else what gRPC makes of the status.
        GrpcStatus = "grpc-status",
    }
}

impl Protocol {
    /// Whether it is the one that is spoken where nothing is said.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl SelectionSubject {
    /// Whether it is the one that is taken where nothing is said.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_case() {
        assert_eq!("http_proxy".parse(), Ok(IntegrationType::HttpProxy));
        assert_eq!(
            "when_no_match".parse(),
            Ok(PassthroughBehavior::WhenNoMatch)
        );
        assert_eq!("H2".parse(), Ok(Protocol::Http2));
        assert_eq!(Protocol::Http1.as_str(), "http/1.1");
        assert_eq!("GRPC-Status".parse(), Ok(SelectionSubject::GrpcStatus));
        let error = "HTTPS".parse::<IntegrationType>().unwrap_err();
        assert!(error.contains("HTTP_PROXY"), "{error}");
    }
}
