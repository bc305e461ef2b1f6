//! `$ref` within the document.

use serde_json::Value;

use super::cursor::At;
use super::findings::Findings;

/// How many references may lead to one another.
const MAX_STEPS: usize = 16;

/// Follows `$ref` from `at` to a value that is read whole; notes when nothing is there.
pub(super) fn resolve<'a>(root: &At<'a>, at: At<'a>, findings: &mut Findings) -> Option<At<'a>> {
    let referred = at.member("$ref").is_some();
    let found = follow(root, at, findings)?;
    if referred && !findings.reread(weight(found.value)) {
        findings.push(found.error("reference", "too much refers to this value"));
        return None;
    }
    Some(found)
}

/// How much there is to read in a value; long texts count as several.
pub(super) fn weight(value: &Value) -> usize {
    1 + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() / 16,
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.values().map(weight).sum(),
    }
}

/// Follows `$ref` from `at` to what it means; notes when nothing is there.
pub(super) fn follow<'a>(root: &At<'a>, at: At<'a>, findings: &mut Findings) -> Option<At<'a>> {
    let mut found = at;
    for _ in 0..MAX_STEPS {
        let Some(reference) = found.member("$ref") else {
            return Some(found);
        };
        let Some(target) = reference.value.as_str() else {
            super::read::mismatch(&reference, "a string", findings);
            return None;
        };
        let Some(pointer) = target.strip_prefix('#') else {
            findings.push(
                reference
                    .error("reference", format!("`{target}` is outside this document"))
                    .help("put what it refers to into this document: `#/…`"),
            );
            return None;
        };
        let pointer = percent_decoded(pointer);
        let Some(value) = root.value.pointer(&pointer) else {
            findings.push(reference.error("reference", format!("nothing stands at `{target}`")));
            return None;
        };
        found = At { value, pointer };
    }
    findings.push(found.error("reference", "references lead to one another without end"));
    None
}

/// The fragment of a URI may hold `%7B` for `{`.
fn percent_decoded(fragment: &str) -> String {
    let bytes = fragment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after
            .get(..2)
            .filter(|digits| byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(decoded) => {
                out.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
