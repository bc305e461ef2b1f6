//! Mapping expressions, destinations, URIs and patterns: any text compiles or is a finding.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_apigw::integration::{Integration, IntegrationResponse, Method};
use tower_apigw::mapping::{Plan, Stage};

fuzz_target!(|input: (&str, &str, &str, &str)| {
    let (destination, source, uri, pattern) = input;
    let integration = Integration::http("POST", uri)
        .request_parameter(destination, source)
        .request_parameter("integration.request.header.x", source)
        .response(IntegrationResponse::new(200).response_parameter("method.response.header.x", source))
        .response(IntegrationResponse::new(400).selection_pattern(pattern));
    let stage = Stage::new("fuzz").variable("v", source);
    match Plan::compile(&integration, &Method::new("POST", "/{id}/{rest+}"), stage) {
        Ok(plan) => assert!(plan.failure().is_none()),
        Err(error) => {
            assert!(error.findings().iter().any(|finding| finding.is_error()));
            assert!(!error.to_string().is_empty());
        }
    }
});
