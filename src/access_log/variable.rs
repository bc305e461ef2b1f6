//! The variables of access logs.

/// A variable, by where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Variable {
    /// What templates have as well, by its path in `$context`.
    Context(Box<str>),
    Status,
    ResponseLength,
    ResponseLatency,
    IntegrationStatus,
    /// The status that a function chose, of a proxy.
    FunctionStatus,
    IntegrationLatency,
    IntegrationError,
    IntegrationRequestId,
    TransferMode,
    TraceId,
    /// What is behind `error.`.
    Error(Box<str>),
    /// What this gateway never has.
    Nothing,
}

/// The names behind `$context.`.
// AWS: api-gateway-variables-for-access-logging.
const NAMES: &[&str] = &[
    "accountId",
    "apiId",
    "awsEndpointRequestId",
    "cipherSuite",
    "customDomain.basePathMatched",
    "deploymentId",
    "domainName",
    "domainPrefix",
    "endpointType",
    "error.message",
    "error.messageString",
    "error.responseType",
    "error.validationErrorString",
    "extendedRequestId",
    "httpMethod",
    "identity.accountId",
    "identity.apiKey",
    "identity.apiKeyId",
    "identity.caller",
    "identity.cognitoAuthenticationProvider",
    "identity.cognitoAuthenticationType",
    "identity.cognitoIdentityId",
    "identity.cognitoIdentityPoolId",
    "identity.principalOrgId",
    "identity.sourceIp",
    "identity.user",
    "identity.userAgent",
    "identity.userArn",
    "identity.vpcId",
    "identity.vpceId",
    "integration.error",
    "integration.integrationStatus",
    "integration.latency",
    "integration.requestId",
    "integration.responseTransferMode",
    "integration.status",
    "integration.timeToAllHeaders",
    "integration.timeToFirstContent",
    "integrationErrorMessage",
    "integrationLatency",
    "integrationStatus",
    "isCanaryRequest",
    "operationName",
    "path",
    "protocol",
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "resourceId",
    "resourcePath",
    "responseLatency",
    "responseLength",
    "stage",
    "status",
    "tlsVersion",
    "wafResponseCode",
    "webaclArn",
    "xrayTraceId",
];

/// Families of which any name is taken.
const FAMILIES: &[&str] = &[
    "authenticate.",
    "authorize.",
    "authorizer.",
    "identity.clientCert.",
    "requestOverride.",
    "responseOverride.",
    "waf.",
];

impl Variable {
    /// The variable of a name behind `$context.`, or the name that was probably meant.
    pub(super) fn of(name: &str) -> Result<Self, Option<&'static str>> {
        if FAMILIES.iter().any(|family| name.starts_with(family)) {
            return Ok(Self::Nothing);
        }
        if !NAMES.contains(&name) {
            return Err(meant(name));
        }
        Ok(match name {
            "status" => Self::Status,
            "responseLength" => Self::ResponseLength,
            "responseLatency" => Self::ResponseLatency,
            "integrationStatus" | "integration.integrationStatus" => Self::IntegrationStatus,
            "integration.status" => Self::FunctionStatus,
            "integrationLatency" | "integration.latency" | "integration.timeToAllHeaders" => {
                Self::IntegrationLatency
            }
            "integrationErrorMessage" | "integration.error" => Self::IntegrationError,
            "awsEndpointRequestId" | "integration.requestId" => Self::IntegrationRequestId,
            "integration.responseTransferMode" => Self::TransferMode,
            "xrayTraceId" => Self::TraceId,
            "cipherSuite"
            | "customDomain.basePathMatched"
            | "endpointType"
            | "integration.timeToFirstContent"
            | "isCanaryRequest"
            | "operationName"
            | "tlsVersion"
            | "wafResponseCode"
            | "webaclArn" => Self::Nothing,
            _ => match name.strip_prefix("error.") {
                Some(name) => Self::Error(name.into()),
                None => Self::Context(name.into()),
            },
        })
    }

    /// Whether a value is one in JSON as it is.
    pub(super) fn is_json(&self, value: &str) -> bool {
        match self {
            Self::Error(name) => **name == *"messageString",
            _ => {
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                digits && (value == "0" || !value.starts_with('0'))
            }
        }
    }

    /// Whether clients or backends have a say in it.
    pub(super) fn is_foreign(&self) -> bool {
        match self {
            Self::Context(name) => matches!(
                &**name,
                "requestId" | "domainName" | "domainPrefix" | "path" | "identity.userAgent"
            ),
            Self::Error(name) => **name == *"validationErrorString",
            Self::IntegrationError | Self::IntegrationRequestId | Self::TraceId => true,
            Self::Status
            | Self::ResponseLength
            | Self::ResponseLatency
            | Self::IntegrationStatus
            | Self::FunctionStatus
            | Self::IntegrationLatency
            | Self::TransferMode
            | Self::Nothing => false,
        }
    }
}

fn meant(name: &str) -> Option<&'static str> {
    let nearest = NAMES
        .iter()
        .map(|known| (distance(name, known), *known))
        .min_by_key(|(distance, _)| *distance)?;
    (nearest.0 <= 2).then_some(nearest.1)
}

/// How many letters differ, case apart; names are short.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<u8> = right
        .bytes()
        .map(|byte| byte.to_ascii_lowercase())
        .collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.bytes().take(64).enumerate() {
        let mut before = index;
        let mut last = index + 1;
        let mut next = vec![last];
        for (b, above) in right.iter().zip(row.iter().skip(1)) {
            let differs = usize::from(a.to_ascii_lowercase() != *b);
            last = (before + differs).min(last + 1).min(above + 1);
            before = *above;
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_variable() {
        for name in NAMES {
            assert!(Variable::of(name).is_ok(), "{name}");
        }
        assert_eq!(
            Variable::of("error.message"),
            Ok(Variable::Error("message".into()))
        );
        assert_eq!(Variable::of("path"), Ok(Variable::Context("path".into())));
        assert_eq!(Variable::of("authorizer.claims.sub"), Ok(Variable::Nothing));
    }

    #[test]
    fn what_was_meant() {
        for (name, expected) in [
            ("staus", Some("status")),
            ("requestid", Some("requestId")),
            ("identity.sourceIP", Some("identity.sourceIp")),
            ("error.text", None),
            ("", None),
        ] {
            assert_eq!(Variable::of(name), Err(expected), "{name}");
        }
    }
}
