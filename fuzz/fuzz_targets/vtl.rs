//! Any text is a template or an error with a place; a template renders or fails, within its limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_apigw::vtl::{Limits, Template};

fuzz_target!(|source: &str| {
    if let Ok(template) = Template::parse(source) {
        let mut out = String::new();
        let _ = template.render(&[], &Limits::default(), &mut out);
    }
});
