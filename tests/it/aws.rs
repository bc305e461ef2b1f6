//! Lambda functions behind integrations: events, answers, streams, functions in process.

mod answers;
mod events;
mod functions;
#[cfg(all(feature = "client", feature = "openapi"))]
pub(crate) mod moto;
mod streams;

use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt};
use tower_apigw::Body;
use tower_apigw::backend::Functions;
use tower_apigw::integration::{Integration, Method};
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::mapping::{Plan, Stage};

/// The address of a function.
fn arn(name: &str) -> String {
    format!(
        "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111122223333:function:{name}/invocations"
    )
}

/// An answer, its body read.
struct Answered {
    response: Response<()>,
    /// What a failed request failed with.
    error: String,
    body: Vec<u8>,
    broke_off: bool,
}

/// Sends a request through an integration to functions in process.
async fn call(
    integration: &Integration,
    method: &Method,
    stage: Stage,
    functions: Functions,
    request: Request<Body>,
) -> Answered {
    let plan = Plan::compile(integration, method, stage).unwrap();
    let service = IntegrationLayer::new(plan).layer(functions);
    answered(service.oneshot(request).await.unwrap()).await
}

/// Reads an answer to its end.
async fn answered(response: Response<Body>) -> Answered {
    let error = response
        .extensions()
        .get::<std::sync::Arc<tower_apigw::error::Error>>()
        .map(|error| format!("{:?}: {error}", error.kind()));
    let (parts, mut body) = response.into_parts();
    let mut answered = Answered {
        response: Response::from_parts(parts, ()),
        error: error.unwrap_or_default(),
        body: Vec::new(),
        broke_off: false,
    };
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => answered.body.extend(frame.into_data().unwrap_or_default()),
            Err(_) => answered.broke_off = true,
        }
    }
    answered
}
