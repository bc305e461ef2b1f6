//! What happens to headers by name: dropped, renamed, refused, per direction and integration type.
//!
//! The tables are those recorded on AWS; where no recording exists, the documented ones.

use http::header::{self, HeaderName};

use crate::integration::IntegrationType;

/// The prefix of renamed headers, as it stands on the wire.
pub(crate) const REMAPPED: &str = "x-amzn-remapped-";

/// The API that an integration request comes from.
pub(crate) const API_ID: HeaderName = HeaderName::from_static("x-amzn-apigateway-api-id");
/// The trace that a request belongs to.
pub(crate) const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");
/// The id of a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// The extended id of a request.
pub(crate) const EXTENDED_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-apigw-id");
/// The type of a gateway response.
pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
/// Replaces the client's method.
pub(crate) const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// Whether a client's header is gone before anything sees it.
// Recorded: T:test_apigateway_header_remapping_http
pub(crate) fn is_invisible(name: &HeaderName) -> bool {
    is_standard_invisible(name)
        || matches!(
            name.as_str(),
            "content-md5" | "keep-alive" | "proxy-connection"
        )
}

fn is_standard_invisible(name: &HeaderName) -> bool {
    name == header::CONNECTION
        || name == header::CONTENT_LENGTH
        || name == header::EXPECT
        || name == header::MAX_FORWARDS
        || name == header::PROXY_AUTHENTICATE
        || name == header::SERVER
        || name == header::TE
        || name == header::TRANSFER_ENCODING
        || name == header::TRAILER
        || name == header::UPGRADE
        || name == header::WWW_AUTHENTICATE
}

/// Whether `HTTP_PROXY` leaves out a header that templates and mappings may still read.
// Recorded: T:test_apigateway_header_remapping_http[HTTP_PROXY]; AWS: known-issues for the override.
pub(crate) fn is_not_forwarded(name: &HeaderName) -> bool {
    name == header::HOST
        || name == header::CONTENT_ENCODING
        || name == header::VIA
        || name == METHOD_OVERRIDE
        || name == TRACE_ID
        || name == API_ID
}

/// What a mapped (or overridden) request header comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mapped {
    Sent,
    Dropped,
    /// The request fails.
    Refused,
}

// Recorded: T:test_apigateway_header_remapping_http, _aws; the two ids are LocalStack's.
pub(crate) fn mapped_request_header(name: &HeaderName, kind: IntegrationType) -> Mapped {
    let aws = matches!(kind, IntegrationType::Aws | IntegrationType::AwsProxy);
    if name == header::CONTENT_LENGTH
        || name == header::TRANSFER_ENCODING
        || name == TRACE_ID
        || name == API_ID
    {
        return Mapped::Refused;
    }
    if name == header::CONNECTION
        || name == header::EXPECT
        || name == header::PROXY_AUTHENTICATE
        || name == header::TE
    {
        return if aws {
            Mapped::Refused
        } else {
            Mapped::Dropped
        };
    }
    if name == header::AUTHORIZATION && aws {
        return Mapped::Refused;
    }
    // LocalStack: AWS drops `Referer` too.
    if name == header::VIA || name == header::REFERER && kind == IntegrationType::Aws {
        Mapped::Dropped
    } else {
        Mapped::Sent
    }
}

/// What a response header comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseHeader {
    Sent,
    Dropped,
    /// Sent as `x-amzn-Remapped-…`.
    Remapped,
}

/// For a header that an integration response maps or a template overrides.
// Recorded: T:test_apigateway_header_remapping_http[HTTP], _aws[AWS]
pub(crate) fn mapped_response_header(name: &HeaderName) -> ResponseHeader {
    if name == header::TRANSFER_ENCODING {
        return ResponseHeader::Dropped;
    }
    let remapped = name == header::AUTHORIZATION
        || name == header::CONNECTION
        || name == header::CONTENT_LENGTH
        || name == header::DATE
        || name == header::EXPECT
        || name == header::HOST
        || name == header::MAX_FORWARDS
        || name == header::PROXY_AUTHENTICATE
        || name == header::SERVER
        || name == header::TRAILER
        || name == header::UPGRADE
        || name == header::USER_AGENT
        || name == header::WWW_AUTHENTICATE
        || name.as_str() == "content-md5";
    if remapped {
        ResponseHeader::Remapped
    } else {
        ResponseHeader::Sent
    }
}

/// For a header of the backend behind a proxy integration.
// Recorded: T:test_apigateway_header_remapping_http[HTTP_PROXY], T:test_http_integration_with_lambda;
// AWS: known-issues for WWW-Authenticate.
pub(crate) fn proxied_response_header(name: &HeaderName) -> ResponseHeader {
    match name.as_str() {
        // The last two belong to the connection with the backend.
        "transfer-encoding" | "via" | "keep-alive" | "proxy-connection" => ResponseHeader::Dropped,
        "connection" | "content-length" | "date" | "server" | "www-authenticate"
        | "x-amzn-requestid" => ResponseHeader::Remapped,
        _ => ResponseHeader::Sent,
    }
}

/// For a header that a Lambda function answers to a proxy integration.
// LocalStack; AWS: known-issues for WWW-Authenticate. `Content-Encoding` and `Via` pass.
pub(crate) fn function_response_header(name: &HeaderName) -> ResponseHeader {
    if name == header::TRANSFER_ENCODING {
        return ResponseHeader::Dropped;
    }
    let remapped = name == header::CONNECTION
        || name == header::CONTENT_LENGTH
        || name == header::DATE
        || name == header::SERVER
        || name == header::WWW_AUTHENTICATE;
    if remapped {
        ResponseHeader::Remapped
    } else {
        ResponseHeader::Sent
    }
}

/// The new name of a renamed header.
pub(crate) fn remapped(name: &HeaderName) -> HeaderName {
    // The common ones are made in advance.
    const CONTENT_LENGTH: HeaderName = HeaderName::from_static("x-amzn-remapped-content-length");
    const DATE: HeaderName = HeaderName::from_static("x-amzn-remapped-date");
    const CONNECTION: HeaderName = HeaderName::from_static("x-amzn-remapped-connection");
    const SERVER: HeaderName = HeaderName::from_static("x-amzn-remapped-server");
    if name == header::CONTENT_LENGTH {
        CONTENT_LENGTH
    } else if name == header::DATE {
        DATE
    } else if name == header::CONNECTION {
        CONNECTION
    } else if name == header::SERVER {
        SERVER
    } else {
        HeaderName::try_from(format!("{REMAPPED}{name}")).unwrap_or_else(|_| name.clone())
    }
}

/// Whether a `Connection` header may have a header removed by naming it: never one that frames,
/// routes or authorises the request.
// Chosen: a client could otherwise strip what a backend relies on.
pub(crate) fn connection_may_name(name: &HeaderName) -> bool {
    name != header::HOST
        && name != header::AUTHORIZATION
        && name != header::CONTENT_TYPE
        && name != header::COOKIE
        && !name.as_str().starts_with("x-amz")
        && !name.as_str().starts_with("x-forwarded-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_by_name() {
        let name = |text: &'static str| HeaderName::from_static(text);
        assert!(is_invisible(&name("content-md5")) && is_invisible(&name("te")));
        assert!(!is_invisible(&name("via")) && is_not_forwarded(&name("via")));
        assert_eq!(
            mapped_request_header(&name("te"), IntegrationType::Http),
            Mapped::Dropped
        );
        assert_eq!(
            mapped_request_header(&name("te"), IntegrationType::Aws),
            Mapped::Refused
        );
        assert_eq!(
            mapped_request_header(&name("host"), IntegrationType::Http),
            Mapped::Sent
        );
        assert_eq!(
            mapped_response_header(&name("content-md5")),
            ResponseHeader::Remapped
        );
        assert_eq!(
            proxied_response_header(&name("content-md5")),
            ResponseHeader::Sent
        );
        assert_eq!(
            remapped(&name("www-authenticate")),
            "x-amzn-remapped-www-authenticate"
        );
        assert!(!connection_may_name(&header::HOST) && connection_may_name(&name("x-drop")));
    }
}
