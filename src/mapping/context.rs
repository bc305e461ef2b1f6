//! Facts about one request as rules read them, and `$context` made out of them.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Version, header};

use crate::mapping::method_request::{MethodRequest, RequestHeaders, text};
use crate::mapping::path::ResourcePath;
use crate::mapping::query;
use crate::mapping::stage::Stage;
use crate::template::{Context, Identity, Text, common_log_time};

/// Everything a rule may ask about a request, borrowed; what costs something is made when it is
/// asked for.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) request: &'a MethodRequest,
    pub(crate) headers: RequestHeaders<'a>,
    pub(crate) stage: &'a Stage,
    /// None where no resource was found.
    pub(crate) resource: Option<&'a ResourcePath>,
    /// The client's body, once collected.
    pub(crate) body: Option<&'a Bytes>,
    query: OnceCell<Vec<(String, String)>>,
    context: OnceCell<Context>,
}

impl<'a> Facts<'a> {
    pub(crate) fn new(
        request: &'a MethodRequest,
        headers: &'a HeaderMap,
        stage: &'a Stage,
        resource: Option<&'a ResourcePath>,
        body: Option<&'a Bytes>,
    ) -> Self {
        Self {
            request,
            headers: RequestHeaders {
                map: headers,
                names: request.names.as_ref(),
            },
            stage,
            resource,
            body,
            query: OnceCell::new(),
            context: OnceCell::new(),
        }
    }

    /// The decoded query.
    pub(crate) fn query(&self) -> &[(String, String)] {
        self.query
            .get_or_init(|| query::decode(self.request.uri.query().unwrap_or_default()))
    }

    /// Path parameters with their values, those that are wanted.
    pub(crate) fn path_parameters(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        let values = self
            .resource
            .map(|resource| resource.values(self.request.uri.path()));
        let pair = |(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value));
        let values = values.unwrap_or_default().into_iter();
        values.filter(|(name, _)| wanted(name)).map(pair).collect()
    }

    /// Query parameters with the last of their values, those that are wanted.
    pub(crate) fn query_parameters(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        let mut pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
        for (name, value) in self.query().iter().filter(|(name, _)| wanted(name)) {
            match pairs.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known = Cow::Borrowed(value),
                None => pairs.push((Cow::Borrowed(name), Cow::Borrowed(value))),
            }
        }
        pairs
    }

    /// `$context`.
    pub(crate) fn context(&self) -> &Context {
        self.context.get_or_init(|| self.context_of(|_| true))
    }

    /// `$context` with the facts that are wanted, by their names: each of them costs something.
    // AWS: api-gateway-mapping-template-reference, "$context Variables".
    pub(crate) fn context_of(&self, wanted: impl Fn(&str) -> bool) -> Context {
        let request = self.request;
        let header = |name: header::HeaderName| {
            self.headers
                .map
                .get(name)
                .map(|value| Arc::<str>::from(text(value).as_ref()))
        };
        let host = if wanted("domainName") || wanted("domainPrefix") {
            header(header::HOST)
                .or_else(|| request.uri.authority().map(|host| Arc::from(host.as_str())))
        } else {
            None
        };
        // AWS: "HTTP/1.1" whatever the client speaks.
        let protocol = || match request.version {
            Version::HTTP_10 => "HTTP/1.0",
            _ => "HTTP/1.1",
        };
        let identity = || Identity {
            source_ip: request.peer.map(|peer| address(peer).into()),
            user_agent: header(header::USER_AGENT),
            ..Identity::default()
        };
        let fact = |name: &str, value: &dyn Fn() -> Text| wanted(name).then(value);
        Context {
            resource_id: self
                .resource
                .filter(|_| wanted("resourceId"))
                .map(|resource| resource_id(resource.as_str())),
            resource_path: self
                .resource
                .filter(|_| wanted("resourcePath"))
                .map(|resource| resource.as_str().into()),
            http_method: fact("httpMethod", &|| request.method.as_str().into()),
            extended_request_id: fact("extendedRequestId", &|| {
                value_text(&request.arrival.extended_request_id)
            }),
            request_time: fact("requestTime", &|| {
                common_log_time(request.arrival.time).into()
            }),
            request_time_epoch: wanted("requestTimeEpoch").then(|| request.arrival.epoch_millis()),
            path: fact("path", &|| {
                format!("/{}{}", self.stage.name, request.uri.path()).into()
            }),
            account_id: fact("accountId", &|| self.stage.account_id.clone()),
            protocol: fact("protocol", &|| protocol().into()),
            stage: fact("stage", &|| self.stage.name.clone()),
            domain_prefix: host
                .as_deref()
                .filter(|_| wanted("domainPrefix"))
                .map(|host| host.split('.').next().unwrap_or_default().into()),
            domain_name: host.filter(|_| wanted("domainName")),
            request_id: fact("requestId", &|| value_text(&request.arrival.request_id)),
            deployment_id: fact("deploymentId", &|| self.stage.deployment_id.clone()),
            api_id: fact("apiId", &|| self.stage.api_id.clone()),
            identity: wanted("identity").then(identity),
            authorizer: None,
            extra: serde_json::Map::new(),
        }
    }
}

fn value_text(value: &HeaderValue) -> Arc<str> {
    text(value).as_ref().into()
}

/// The id of a resource: six characters that depend on its path alone.
// Chosen: AWS draws ids at random when a resource is made; ours stay the same from run to run.
pub(crate) fn resource_id(path: &str) -> Arc<str> {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    // FNV-1a.
    let mut hash = path.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let mut id = String::with_capacity(6);
    for _ in 0..6 {
        let index = usize::try_from(hash % 36).unwrap_or(0);
        id.push(ALPHABET.get(index).copied().map_or('a', char::from));
        hash /= 36;
    }
    id.into()
}

/// An address as text. Those of version 4 are written by hand: formatting takes ten times as long.
fn address(address: IpAddr) -> String {
    let IpAddr::V4(address) = address else {
        return address.to_string();
    };
    let mut text = String::with_capacity("255.255.255.255".len());
    for (at, octet) in address.octets().into_iter().enumerate() {
        if at > 0 {
            text.push('.');
        }
        text.push_str(itoa::Buffer::new().format(octet));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_ids_differ_and_stay() {
        assert_eq!(resource_id("/pets"), resource_id("/pets"));
        assert_ne!(resource_id("/pets"), resource_id("/pets/{id}"));
        assert_eq!(resource_id("/").len(), 6);
    }
}
