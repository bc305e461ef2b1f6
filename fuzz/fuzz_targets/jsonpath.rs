//! A path and a document: parsing and evaluating end with a result or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_apigw::jsonpath::Path;

fuzz_target!(|input: (&str, &str)| {
    let (path, document) = input;
    let Ok(path) = Path::parse(path) else { return };
    let Ok(document) = serde_json::from_str::<serde_json::Value>(document) else { return };
    let _ = path.evaluate(&&document);
});
