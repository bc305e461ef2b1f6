//! Binary media types that match nothing.

use crate::diagnostic::Diagnostic;
use crate::openapi::Document;

const AT: &str = "/x-amazon-apigateway-binary-media-types";

pub(super) fn check(document: &Document, findings: &mut Vec<Diagnostic>) {
    for text in &document.binary_media_types {
        let name = text.split(';').next().unwrap_or_default().trim();
        // Recorded: T:test_aws_proxy_binary_response — of entries with `*` in front only `*/*` matches.
        let (message, help) = match name.split_once('/') {
            Some(("*", "*")) => continue,
            Some(("*", kind)) => (
                format!("the binary media type {text:?} matches nothing"),
                format!("write `*/*` for everything, or whole types such as `image/{kind}`"),
            ),
            Some((family, kind)) if !family.is_empty() && !kind.is_empty() => continue,
            _ if name.contains("${") || name.contains("~1") => continue,
            _ => (
                format!("the binary media type {text:?} is no media type, and matches nothing"),
                "write `type/subtype`, such as `image/png`".to_owned(),
            ),
        };
        let index = document
            .value(AT)
            .and_then(|list| list.as_array())
            .and_then(|list| list.iter().position(|entry| entry.as_str() == Some(text)));
        let pointer = index.map_or_else(|| AT.to_owned(), |index| format!("{AT}/{index}"));
        findings.push(Diagnostic::warning("binary-media-type", pointer, message).help(help));
    }
}
