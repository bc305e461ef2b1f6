//! The `$context` facts of one call, as plain data.

use std::borrow::Cow;
use std::sync::Arc;

/// A text that many calls share.
pub type Text = Arc<str>;

/// A JSON object that keeps the order of its keys.
pub type Facts = serde_json::Map<String, serde_json::Value>;

/// What `$context` shows. A field that is `None` is not there at all; what no field names goes into `extra`.
///
/// ```
/// # use tower_apigw::template::{Context, Identity};
/// let context = Context {
///     stage: Some("prod".into()),
///     request_time_epoch: Some(1_715_000_000_000),
///     identity: Some(Identity { source_ip: Some("192.0.2.7".into()), ..Identity::default() }),
///     ..Context::default()
/// };
/// assert_eq!(context.get("identity.sourceIp").as_deref(), Some("192.0.2.7"));
/// assert_eq!(context.get("requestTimeEpoch").as_deref(), Some("1715000000000"));
/// assert_eq!(context.get("identity.caller"), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// `resourceId`.
    pub resource_id: Option<Text>,
    /// `authorizer`: what the authorizer returned; `claims` is an object.
    pub authorizer: Option<Facts>,
    /// `resourcePath`, with its `{placeholders}`.
    pub resource_path: Option<Text>,
    /// `httpMethod`.
    pub http_method: Option<Text>,
    /// `extendedRequestId`.
    pub extended_request_id: Option<Text>,
    /// `requestTime`, as in `06/May/2024:12:00:00 +0000`.
    pub request_time: Option<Text>,
    /// `path`: the path as the client sent it, with the stage in front.
    pub path: Option<Text>,
    /// `accountId`.
    pub account_id: Option<Text>,
    /// `protocol`.
    pub protocol: Option<Text>,
    /// `stage`.
    pub stage: Option<Text>,
    /// `domainPrefix`.
    pub domain_prefix: Option<Text>,
    /// `requestTimeEpoch`, in milliseconds.
    pub request_time_epoch: Option<i64>,
    /// `requestId`.
    pub request_id: Option<Text>,
    /// `identity`.
    pub identity: Option<Identity>,
    /// `domainName`.
    pub domain_name: Option<Text>,
    /// `deploymentId`.
    pub deployment_id: Option<Text>,
    /// `apiId`.
    pub api_id: Option<Text>,
    /// Anything else, behind the named facts.
    pub extra: Facts,
}

/// `$context.identity`. All twelve names are always there; `None` is a null, which prints as nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Identity {
    /// `cognitoIdentityPoolId`.
    pub cognito_identity_pool_id: Option<Text>,
    /// `accountId` of the caller.
    pub account_id: Option<Text>,
    /// `cognitoIdentityId`.
    pub cognito_identity_id: Option<Text>,
    /// `caller`.
    pub caller: Option<Text>,
    /// `sourceIp`.
    pub source_ip: Option<Text>,
    /// `principalOrgId`.
    pub principal_org_id: Option<Text>,
    /// `accessKey`.
    pub access_key: Option<Text>,
    /// `cognitoAuthenticationType`.
    pub cognito_authentication_type: Option<Text>,
    /// `cognitoAuthenticationProvider`.
    pub cognito_authentication_provider: Option<Text>,
    /// `userArn`.
    pub user_arn: Option<Text>,
    /// `userAgent`.
    pub user_agent: Option<Text>,
    /// `user`.
    pub user: Option<Text>,
    /// Anything else: `apiKey`, `apiKeyId`, `clientCert`, …
    pub extra: Facts,
}

/// One fact, borrowed from a [`Context`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fact<'a> {
    Null,
    Text(&'a Text),
    Integer(i64),
    Json(&'a serde_json::Value),
    Facts(&'a Facts),
    Identity(&'a Identity),
}

impl Context {
    /// The fact at a dotted path as text: `stage`, `identity.sourceIp`, `authorizer.claims.sub`. Null, maps and unknown
    /// names are `None`, as all of them print as nothing.
    pub fn get(&self, path: &str) -> Option<Cow<'_, str>> {
        // Names are short, and most have no dot.
        let dot = path.bytes().position(|byte| byte == b'.');
        let (name, rest) = match dot.and_then(|dot| path.split_at_checked(dot)) {
            Some((name, rest)) => (name, rest.get(1..)),
            None => (path, None),
        };
        match (self.fact(name)?, rest) {
            (Fact::Text(text), None) => Some(Cow::Borrowed(text)),
            (Fact::Integer(number), None) => Some(Cow::Owned(number.to_string())),
            (Fact::Json(json), None) => scalar(json),
            (Fact::Json(json), Some(rest)) => scalar(below(json.as_object()?, rest)?),
            (Fact::Facts(facts), Some(rest)) => scalar(below(facts, rest)?),
            (Fact::Identity(identity), Some(rest)) => identity.get(rest),
            _ => None,
        }
    }

    /// The fact of this name at the top of the tree.
    pub(crate) fn fact(&self, name: &str) -> Option<Fact<'_>> {
        self.named(name)
            .or_else(|| self.extra.get(name).map(Fact::Json))
    }

    fn named(&self, name: &str) -> Option<Fact<'_>> {
        let text = match name {
            "resourceId" => &self.resource_id,
            "resourcePath" => &self.resource_path,
            "httpMethod" => &self.http_method,
            "extendedRequestId" => &self.extended_request_id,
            "requestTime" => &self.request_time,
            "path" => &self.path,
            "accountId" => &self.account_id,
            "protocol" => &self.protocol,
            "stage" => &self.stage,
            "domainPrefix" => &self.domain_prefix,
            "requestId" => &self.request_id,
            "domainName" => &self.domain_name,
            "deploymentId" => &self.deployment_id,
            "apiId" => &self.api_id,
            _ => &None,
        };
        match (text, name) {
            (Some(text), _) => Some(Fact::Text(text)),
            (None, "requestTimeEpoch") => self.request_time_epoch.map(Fact::Integer),
            (None, "identity") => self.identity.as_ref().map(Fact::Identity),
            (None, "authorizer") => self.authorizer.as_ref().map(Fact::Facts),
            (None, _) => None,
        }
    }

    /// Calls `visit` with every fact, in the order in which AWS's hash maps are to be filled to iterate as recorded.
    pub(crate) fn visit<'a>(&'a self, mut visit: impl FnMut(&'a str, Fact<'a>)) {
        // Recorded: the key order of `$context`; see `tests` for the hash order that follows from it.
        const NAMES: [&str; 17] = [
            "resourceId",
            "authorizer",
            "resourcePath",
            "httpMethod",
            "extendedRequestId",
            "requestTime",
            "path",
            "accountId",
            "protocol",
            "stage",
            "domainPrefix",
            "requestTimeEpoch",
            "requestId",
            "identity",
            "domainName",
            "deploymentId",
            "apiId",
        ];
        for name in NAMES {
            if let Some(fact) = self.named(name) {
                visit(name, fact);
            }
        }
        for (name, json) in &self.extra {
            if self.named(name).is_none() {
                visit(name, Fact::Json(json));
            }
        }
    }
}

impl Identity {
    fn get(&self, path: &str) -> Option<Cow<'_, str>> {
        match self.names().into_iter().find(|(name, _)| *name == path) {
            Some((_, text)) => text.as_deref().map(Cow::Borrowed),
            None => scalar(below(&self.extra, path)?),
        }
    }

    /// Calls `visit` with every fact, in the order in which the hash map is to be filled.
    pub(crate) fn visit<'a>(&'a self, mut visit: impl FnMut(&'a str, Fact<'a>)) {
        for (name, text) in self.names() {
            visit(name, text.as_ref().map_or(Fact::Null, Fact::Text));
        }
        for (name, json) in &self.extra {
            visit(name, Fact::Json(json));
        }
    }

    // Recorded: the key order of `$context.identity`.
    fn names(&self) -> [(&'static str, &Option<Text>); 12] {
        [
            ("cognitoIdentityPoolId", &self.cognito_identity_pool_id),
            ("accountId", &self.account_id),
            ("cognitoIdentityId", &self.cognito_identity_id),
            ("caller", &self.caller),
            ("sourceIp", &self.source_ip),
            ("principalOrgId", &self.principal_org_id),
            ("accessKey", &self.access_key),
            (
                "cognitoAuthenticationType",
                &self.cognito_authentication_type,
            ),
            (
                "cognitoAuthenticationProvider",
                &self.cognito_authentication_provider,
            ),
            ("userArn", &self.user_arn),
            ("userAgent", &self.user_agent),
            ("user", &self.user),
        ]
    }
}

fn below<'a>(facts: &'a Facts, path: &str) -> Option<&'a serde_json::Value> {
    // A name may hold dots itself (claims do), so the whole rest is tried before its first step.
    facts.get(path).or_else(|| {
        let (name, rest) = path.split_once('.')?;
        below(facts.get(name)?.as_object()?, rest)
    })
}

fn scalar(json: &serde_json::Value) -> Option<Cow<'_, str>> {
    match json {
        serde_json::Value::String(text) => Some(Cow::Borrowed(text)),
        serde_json::Value::Number(number) => Some(Cow::Owned(number.to_string())),
        serde_json::Value::Bool(boolean) => {
            Some(Cow::Borrowed(if *boolean { "true" } else { "false" }))
        }
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_reach_every_depth() {
        let authorizer = serde_json::json!({"claims": {"sub": "s", "cognito:groups": "g", "a.b": 1}, "n": 7, "t": true});
        let context = Context {
            authorizer: authorizer.as_object().cloned(),
            identity: Some(Identity {
                caller: Some("me".into()),
                ..Identity::default()
            }),
            api_id: Some("api".into()),
            ..Context::default()
        };
        for (path, want) in [
            ("apiId", Some("api")),
            ("authorizer.claims.sub", Some("s")),
            ("authorizer.claims.cognito:groups", Some("g")),
            ("authorizer.claims.a.b", Some("1")),
            ("authorizer.n", Some("7")),
            ("authorizer.t", Some("true")),
            ("authorizer.claims", None),
            ("authorizer", None),
            ("identity.caller", Some("me")),
            ("identity.user", None),
            ("identity", None),
            ("stage", None),
            ("apiId.x", None),
            ("", None),
        ] {
            assert_eq!(context.get(path).as_deref(), want, "{path}");
        }
    }
}
