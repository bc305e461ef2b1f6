//! What services do differently, and what is signed.

use http::HeaderName;
use http::header;

/// How a path is encoded in the canonical request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum Encoding {
    /// As it stands in the request.
    Once,
    /// Encoded again, so that `%` becomes `%25`.
    Twice,
}

/// The differences between services.
// AWS: reference_sigv-create-signed-request (S3 alone encodes once and does not normalise).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceRules {
    /// How the path is encoded.
    pub encoding: Encoding,
    /// Whether `.` and `..` and empty segments are resolved.
    pub normalize: bool,
    /// Whether `x-amz-content-sha256` is always sent.
    pub content_sha256: bool,
    /// Whether the session token is signed; if not, it is only sent.
    pub sign_session_token: bool,
}

impl ServiceRules {
    /// The rules of a service by its signing name. What is not known has those of most.
    pub fn of(service: &str) -> Self {
        let usual = Self {
            encoding: Encoding::Twice,
            normalize: true,
            content_sha256: false,
            sign_session_token: true,
        };
        match service {
            "s3" | "s3express" | "s3-object-lambda" | "s3-outposts" => Self {
                encoding: Encoding::Once,
                normalize: false,
                content_sha256: true,
                ..usual
            },
            // They refuse requests without the header.
            "aoss" | "glacier" | "vpc-lattice-svcs" => Self {
                content_sha256: true,
                ..usual
            },
            "iotdevicegateway" => Self {
                sign_session_token: false,
                ..usual
            },
            _ => usual,
        }
    }
}

/// Which headers are signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedHeaders {
    /// What AWS requires: `host`, `content-type`, `content-md5` and all that begin with `x-amz-`. What
    /// stands between here and the service may touch the others.
    // AWS: reference_sigv-create-signed-request, canonical headers.
    #[default]
    Required,
    /// All but those of the connection and those that change on the way: `authorization`,
    /// `connection`, `expect`, `keep-alive`, `proxy-*`, `te`, `trailer`, `transfer-encoding`,
    /// `traceparent`, `tracestate`, `upgrade`, `user-agent`, `x-amzn-trace-id`, and what is not ASCII.
    All,
}

/// How requests are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// What the service does differently.
    pub rules: ServiceRules,
    /// Which headers are signed.
    pub headers: SignedHeaders,
    /// Headers that are not signed though `headers` says so. `host` and `x-amz-date` always are.
    pub unsigned: Vec<HeaderName>,
}

impl Settings {
    /// The settings for a service by its signing name.
    pub fn of_service(service: &str) -> Self {
        Self {
            rules: ServiceRules::of(service),
            headers: SignedHeaders::default(),
            unsigned: Vec::new(),
        }
    }

    /// Whether a header that came with the request is signed. Those of the signature itself and
    /// `host` are not asked for.
    pub(super) fn signs(&self, name: &HeaderName) -> bool {
        let wanted = match self.headers {
            SignedHeaders::Required => {
                *name == header::CONTENT_TYPE || is_of_aws(name) || name.as_str() == "content-md5"
            }
            SignedHeaders::All => !is_of_the_way(name),
        };
        wanted && (self.unsigned.is_empty() || !self.unsigned.contains(name))
    }
}

pub(super) fn is_of_aws(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-amz-")
}

fn is_of_the_way(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "authorization"
            | "connection"
            | "expect"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "traceparent"
            | "tracestate"
            | "transfer-encoding"
            | "upgrade"
            | "user-agent"
            | "x-amzn-trace-id"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name() {
        assert_eq!(ServiceRules::of("s3").encoding, Encoding::Once);
        assert_eq!(ServiceRules::of("sqs").encoding, Encoding::Twice);
        assert!(ServiceRules::of("aoss").content_sha256);
        let mut settings = Settings::of_service("s3");
        let name = |text: &'static str| HeaderName::from_static(text);
        assert!(settings.signs(&name("x-amz-meta-a")) && !settings.signs(&name("x-amzn-a")));
        assert!(!settings.signs(&name("accept")));
        settings.headers = SignedHeaders::All;
        settings.unsigned.push(name("via"));
        assert!(settings.signs(&name("accept")) && !settings.signs(&name("via")));
        assert!(!settings.signs(&name("user-agent")) && !settings.signs(&name("traceparent")));
    }
}
