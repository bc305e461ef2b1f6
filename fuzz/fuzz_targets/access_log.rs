//! Formats of access logs: any text is a format that prints itself, or an error with a place in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tower_apigw::access_log::Format;

fuzz_target!(|text: &str| match text.parse::<Format>() {
    Ok(format) => {
        assert_eq!(format.to_string(), text);
        assert!(text.contains("equestId") && !text.contains('\n'));
    }
    Err(error) => {
        assert!(!error.to_string().is_empty());
        assert!(error.column().is_none_or(|column| (1..=text.chars().count()).contains(&column)));
    }
});
