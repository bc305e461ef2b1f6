//! The `$context` of a template that no request has reached.

use std::path::Path;

use serde_json::{Map, Value, json};
use tower_apigw::diagnostic::{Diagnostic, Position};
use tower_apigw::template::Facts;

use super::source::Source;
use crate::exit::Failure;
use crate::report::Report;

/// The facts of an invented request, with those in the file laid over them. Objects are merged, all else is replaced.
pub(super) fn context(file: Option<&Path>) -> Result<Facts, Failure> {
    let mut context = match invented() {
        Value::Object(facts) => facts,
        _ => Map::new(),
    };
    let Some(path) = file else {
        return Ok(context);
    };
    let source = Source::read(path, "context")?;
    match serde_json::from_str(source.text()) {
        Ok(Value::Object(given)) => {
            lay(&mut context, given);
            Ok(context)
        }
        Ok(_) => Err(Failure::document(format!("{} is no JSON object", source.name()))
            .help(r#"write the facts as in $context: {"stage": "prod", "identity": {"sourceIp": "192.0.2.7"}}"#)),
        Err(error) => {
            let text = error.to_string();
            let message = text.split(" at line ").next().unwrap_or_default();
            let mut finding = Diagnostic::error("context", "", message);
            finding.position = Some(Position {
                line: error.line(),
                column: error.column(),
            });
            let report = Report::new(source.name(), source.text(), &std::io::stderr());
            eprint!("{}", report.show(&finding));
            Err(Failure::told())
        }
    }
}

// Chosen: the same from run to run, so that outputs can be compared.
fn invented() -> Value {
    json!({
        "resourceId": "abc123",
        "resourcePath": "/",
        "httpMethod": "POST",
        "extendedRequestId": "AAAAAAAAAAAAAAA=",
        "requestTime": "01/Jan/2025:00:00:00 +0000",
        "path": "/default/",
        "accountId": "000000000000",
        "protocol": "HTTP/1.1",
        "stage": "default",
        "domainPrefix": "localhost",
        "requestTimeEpoch": 1_735_689_600_000_i64,
        "requestId": "00000000-0000-0000-0000-000000000000",
        "identity": {
            "cognitoIdentityPoolId": null,
            "accountId": null,
            "cognitoIdentityId": null,
            "caller": null,
            "sourceIp": "127.0.0.1",
            "principalOrgId": null,
            "accessKey": null,
            "cognitoAuthenticationType": null,
            "cognitoAuthenticationProvider": null,
            "userArn": null,
            "userAgent": "apigw",
            "user": null
        },
        "domainName": "localhost",
        "deploymentId": "local",
        "apiId": "local"
    })
}

fn lay(under: &mut Facts, over: Facts) {
    for (name, value) in over {
        match (under.get_mut(&name), value) {
            (Some(Value::Object(under)), Value::Object(over)) => lay(under, over),
            (_, value) => {
                under.insert(name, value);
            }
        }
    }
}
