//! Any bytes are a document with findings, or an error with a place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_apigw::lint::{self, Rule};
use tower_apigw::mapping::Stage;
use tower_apigw::openapi::{Api, Import, OnError};

fuzz_target!(|bytes: &[u8]| {
    match Import::from_slice(bytes) {
        Ok(import) => {
            let api = Api::new(&import, Stage::default(), OnError::Run);
            assert!(api.is_ok(), "what was read can always be served");
            for finding in lint::check(&import, &Stage::default()) {
                assert!(Rule::find(finding.code).is_some(), "{finding}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
