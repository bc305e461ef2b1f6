//! The closed table of gateway response types.

use std::fmt;
use std::str::FromStr;

use http::StatusCode;

use crate::error::ErrorKind;

/// How the default body of a type is written.
///
/// The same template gives bodies with and without a blank behind the colon: it depends on which
/// part of API Gateway answers.
// Recorded and observed: rest.md 0.6, by their lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Validation, integration, configuration, timeout: `{"message": …}`.
    Engine,
    /// Routing, authorisation, keys, throttling: `{"message":…}`.
    Front,
    /// `{"Message":…}`
    Denied,
}

macro_rules! types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $error:literal, $message:expr, $family:ident;)+) => {
        /// The type of a gateway response.
        ///
        /// AWS: supported-gateway-response-types.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum GatewayResponseType { $($(#[$doc])* $variant,)+ }

        impl GatewayResponseType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name, such as `MISSING_AUTHENTICATION_TOKEN`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The status of the type where it is not customised.
            pub fn default_status(self) -> StatusCode {
                let status: u16 = match self { $(Self::$variant => $status,)+ };
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            /// The value of `x-amzn-ErrorType`.
            pub(crate) const fn error_type(self) -> &'static str {
                match self { $(Self::$variant => $error,)+ }
            }

            /// `$context.error.message`; null for some.
            pub(crate) const fn message(self) -> Option<&'static str> {
                match self { $(Self::$variant => $message,)+ }
            }

            pub(crate) const fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family,)+ }
            }
        }

        impl FromStr for GatewayResponseType {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!("{name:?} is no type of gateway response")),
                }
            }
        }
    };
}

types! {
    /// The caller is not allowed to.
    AccessDenied = "ACCESS_DENIED", 403, "AccessDeniedException",
        Some("User is not authorized to access this resource"), Denied;
    /// The API is configured so that the request cannot be answered.
    ApiConfigurationError = "API_CONFIGURATION_ERROR", 500, "InternalServerErrorException",
        Some("Internal server error"), Engine;
    /// An authorizer cannot be called.
    AuthorizerConfigurationError = "AUTHORIZER_CONFIGURATION_ERROR", 500, "AuthorizerConfigurationException",
        None, Front;
    /// An authorizer failed.
    AuthorizerFailure = "AUTHORIZER_FAILURE", 500, "AuthorizerFailureException",
        Some("Internal server error"), Front;
    /// The body does not match its model.
    BadRequestBody = "BAD_REQUEST_BODY", 400, "BadRequestException", Some("Invalid request body"), Engine;
    /// A required parameter is missing.
    BadRequestParameters = "BAD_REQUEST_PARAMETERS", 400, "BadRequestException",
        Some("Missing required request parameters"), Engine;
    /// Every type with a status of 4XX that is not customised.
    Default4xx = "DEFAULT_4XX", 400, "BadRequestException", Some("Bad request"), Engine;
    /// Every type with a status of 5XX that is not customised.
    Default5xx = "DEFAULT_5XX", 500, "InternalServerErrorException", Some("Internal server error"), Engine;
    /// The caller's token has expired.
    ExpiredToken = "EXPIRED_TOKEN", 403, "ExpiredTokenException",
        Some("The security token included in the request is expired"), Front;
    /// The backend could not be reached.
    IntegrationFailure = "INTEGRATION_FAILURE", 504, "InternalServerErrorException",
        Some("Network error communicating with endpoint"), Engine;
    /// The backend took too long.
    IntegrationTimeout = "INTEGRATION_TIMEOUT", 504, "InternalServerErrorException",
        Some("Endpoint request timed out"), Engine;
    /// An API key is missing or wrong.
    InvalidApiKey = "INVALID_API_KEY", 403, "ForbiddenException", Some("Forbidden"), Front;
    /// The caller's signature is wrong.
    InvalidSignature = "INVALID_SIGNATURE", 403, "InvalidSignatureException",
        Some("The request signature we calculated does not match the signature you provided. \
              Check your AWS Secret Access Key and signing method. Consult the service documentation for details."), Front;
    /// Nothing of the API has this method and path.
    MissingAuthenticationToken = "MISSING_AUTHENTICATION_TOKEN", 403, "MissingAuthenticationTokenException",
        Some("Missing Authentication Token"), Front;
    /// The quota of a usage plan is used up.
    QuotaExceeded = "QUOTA_EXCEEDED", 429, "LimitExceededException", Some("Limit Exceeded"), Front;
    /// The request is too large.
    RequestTooLarge = "REQUEST_TOO_LARGE", 413, "RequestTooLargeException", Some("Request Too Long"), Front;
    /// The resource is gone.
    ResourceNotFound = "RESOURCE_NOT_FOUND", 404, "ResourceNotFoundException",
        Some("Requested resource not found"), Front;
    /// Too many requests.
    Throttled = "THROTTLED", 429, "TooManyRequestsException", Some("Too Many Requests"), Front;
    /// The caller did not say who it is.
    Unauthorized = "UNAUTHORIZED", 401, "UnauthorizedException", Some("Unauthorized"), Front;
    /// No template is for the media type of the request.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415, "BadRequestException",
        Some("Unsupported Media Type"), Engine;
    /// A web application firewall blocked the request.
    WafFiltered = "WAF_FILTERED", 403, "ForbiddenException", Some("Forbidden"), Front;
}

impl GatewayResponseType {
    /// The type whose customisation this one takes when it has none of its own.
    pub(crate) fn family_default(self) -> Self {
        if self.default_status().is_client_error() {
            Self::Default4xx
        } else {
            Self::Default5xx
        }
    }
}

impl fmt::Display for GatewayResponseType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The type that a kind of error is answered with.
pub(crate) fn type_of(kind: ErrorKind) -> GatewayResponseType {
    use GatewayResponseType as Type;
    match kind {
        ErrorKind::NoRoute => Type::MissingAuthenticationToken,
        ErrorKind::ResourceNotFound => Type::ResourceNotFound,
        ErrorKind::MissingParameters => Type::BadRequestParameters,
        ErrorKind::InvalidBody => Type::BadRequestBody,
        ErrorKind::BrokenJson
        | ErrorKind::BrokenPayload
        | ErrorKind::BadRequest
        | ErrorKind::ClientBody
        | ErrorKind::RequestTimeout
        | ErrorKind::UriTooLong
        | ErrorKind::HeadersTooLarge => Type::Default4xx,
        ErrorKind::UnsupportedMediaType => Type::UnsupportedMediaType,
        ErrorKind::RequestTooLarge => Type::RequestTooLarge,
        // Observed: O:14277472728 — a role that cannot be assumed; without a customisation both
        // types answer alike.
        ErrorKind::Configuration | ErrorKind::Credentials => Type::ApiConfigurationError,
        ErrorKind::Template
        | ErrorKind::RefusedHeader
        | ErrorKind::ResponseTooLarge
        | ErrorKind::Function
        | ErrorKind::Unsupported
        | ErrorKind::Internal => Type::Default5xx,
        // Recorded: T:test_lambda_aws_proxy_integration_non_post_method
        ErrorKind::Network | ErrorKind::Invocation => Type::IntegrationFailure,
        ErrorKind::Timeout => Type::IntegrationTimeout,
        ErrorKind::Throttled => Type::Throttled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        assert_eq!(GatewayResponseType::ALL.len(), 21);
        for &kind in GatewayResponseType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("OTHER".parse::<GatewayResponseType>().is_err());
    }

    #[test]
    fn families_follow_the_status() {
        assert_eq!(
            GatewayResponseType::Throttled.family_default(),
            GatewayResponseType::Default4xx
        );
        assert_eq!(
            GatewayResponseType::IntegrationTimeout.family_default(),
            GatewayResponseType::Default5xx
        );
    }
}
