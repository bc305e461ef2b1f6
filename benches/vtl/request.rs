//! What the templates of the bench are given, for the bench and for the test that counts allocations.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tower_apigw::template::{Context, Identity, Limits, Overrides, Params, Scope, Text};

pub(crate) const NAMES: [&str; 7] = [
    "1-minimal",
    "2-passthrough",
    "3-dynamodb-100-items",
    "4-set-if-math-200-lines",
    "5-form-to-json-overrides",
    "6-mapped-request",
    "7-mapped-response",
];

/// A file of the bench.
pub(crate) fn read(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/vtl");
    fs::read_to_string(folder.join(file)).expect("a file of the bench")
}

type Pair = (Cow<'static, str>, Cow<'static, str>);

fn pairs(object: &Value) -> Vec<Pair> {
    let entries = object.as_object().into_iter().flatten();
    entries
        .map(|(name, value)| {
            let value = value.as_str().unwrap_or_default();
            (name.clone().into(), value.to_owned().into())
        })
        .collect()
}

fn context(facts: &Value) -> Context {
    let text = |value: &Value| value.as_str().map(Text::from);
    Context {
        account_id: text(&facts["accountId"]),
        api_id: text(&facts["apiId"]),
        stage: text(&facts["stage"]),
        http_method: text(&facts["httpMethod"]),
        path: text(&facts["path"]),
        resource_path: text(&facts["resourcePath"]),
        request_id: text(&facts["requestId"]),
        request_time: text(&facts["requestTime"]),
        request_time_epoch: facts["requestTimeEpoch"].as_i64(),
        protocol: text(&facts["protocol"]),
        identity: Some(Identity {
            source_ip: text(&facts["identity"]["sourceIp"]),
            user_agent: text(&facts["identity"]["userAgent"]),
            ..Identity::default()
        }),
        authorizer: facts["authorizer"].as_object().cloned(),
        ..Context::default()
    }
}

/// A request without its body.
pub(crate) struct Request {
    groups: [Vec<Pair>; 3],
    stage_variables: Vec<(String, String)>,
    context: Context,
}

impl Request {
    pub(crate) fn of(request: &Value) -> Self {
        let parameters = &request["params"];
        let variables = pairs(&request["stageVariables"]).into_iter();
        Request {
            groups: ["path", "querystring", "header"].map(|group| pairs(&parameters[group])),
            stage_variables: variables
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            context: context(&request["context"]),
        }
    }

    pub(crate) fn scope<'a>(
        &'a self,
        body: &'a [u8],
        overrides: &'a Overrides,
        limits: &'a Limits,
    ) -> Scope<'a> {
        let [path, querystring, header] = &self.groups;
        Scope {
            body,
            params: Params {
                path,
                querystring,
                header,
            },
            context: &self.context,
            stage_variables: &self.stage_variables,
            overrides,
            limits,
        }
    }
}
