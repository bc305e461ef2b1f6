//! Typed reading of single values: what has the wrong shape becomes a finding and is left out.

use std::str::FromStr;

use indexmap::IndexMap;
use serde_json::Value;

use crate::integration::{Template, Templates};

use super::cloudformation;
use super::cursor::At;
use super::findings::Findings;

/// Notes that `at` should have been something else.
pub(super) fn mismatch(at: &At<'_>, expected: &str, findings: &mut Findings) {
    let found = describe(at.value);
    let finding = match cloudformation::function(at.value) {
        Some((name, _)) => at
            .warning(
                "intrinsic",
                format!("expected {expected}, found the CloudFormation function `{name}`"),
            )
            .help("it is left out here; write the value that it stands for"),
        None => at.error("type", format!("expected {expected}, found {found}")),
    };
    findings.push(finding);
}

pub(super) fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Whether `at` is an object; else that is noted.
pub(super) fn is_object(at: &At<'_>, findings: &mut Findings) -> bool {
    let object = at.value.is_object() && cloudformation::function(at.value).is_none();
    if !object {
        mismatch(at, "an object", findings);
    }
    object
}

/// Warns of what is no object where nothing is read from it.
pub(super) fn should_be_object(at: &At<'_>, findings: &mut Findings) {
    if at.value.is_object() {
        return;
    }
    let message = format!("expected an object, found {}", describe(at.value));
    findings.push(
        at.warning("type", message)
            .help("write an object; nothing is read from it here"),
    );
}

/// Whether `at` is a list; else that is noted.
pub(super) fn is_list(at: &At<'_>, findings: &mut Findings) -> bool {
    if !at.value.is_array() {
        mismatch(at, "a list", findings);
    }
    at.value.is_array()
}

/// A text. A CloudFormation function is written out, with a warning.
pub(super) fn text(at: &At<'_>, findings: &mut Findings) -> Option<String> {
    if let Value::String(text) = at.value {
        return Some(text.clone());
    }
    let Some(text) = cloudformation::text(at.value) else {
        mismatch(at, "a string", findings);
        return None;
    };
    findings.push(
        at.warning(
            "intrinsic",
            format!(
                "a CloudFormation function stands here; it is read as {}",
                shown(&text)
            ),
        )
        .help("nothing is put for its `${…}`; write the text that the deployment gives"),
    );
    Some(text)
}

/// A text that fits a message: short and of one line.
fn shown(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let start: String = line.chars().take(80).collect();
    let more = if start.len() < text.trim_end().len() {
        "…"
    } else {
        ""
    };
    format!("`{start}{more}`")
}

/// A text in which `${stageVariables.x}` is the only placeholder that means something.
pub(super) fn reference_text(at: &At<'_>, findings: &mut Findings) -> Option<String> {
    let text = text(at, findings)?;
    // A function was warned about already.
    if at.value.is_string()
        && let Some(placeholder) = unknown_placeholder(&text)
    {
        findings.push(
            at.warning("placeholder", format!("nothing is put for `{placeholder}`"))
                .help("only `${stageVariables.name}` is replaced; write out what a deployment would put here"),
        );
    }
    Some(text)
}

fn unknown_placeholder(text: &str) -> Option<&str> {
    text.match_indices("${").find_map(|(start, _)| {
        let rest = text.get(start..)?;
        let placeholder = rest.get(..rest.find('}')? + 1)?;
        (!placeholder.starts_with("${stageVariables.")).then_some(placeholder)
    })
}

/// A text or a number, as text: versions and statuses.
pub(super) fn scalar_text(at: &At<'_>, findings: &mut Findings) -> Option<String> {
    match at.value {
        Value::Number(number) => Some(number.to_string()),
        _ => text(at, findings),
    }
}

/// A whole number that is not negative; also in quotes.
pub(super) fn number(at: &At<'_>, findings: &mut Findings) -> Option<u64> {
    let number = match at.value {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    };
    match (number, at.value) {
        (None, Value::Number(_) | Value::String(_)) => findings.push(at.error(
            "value",
            format!(
                "expected a whole number that is not negative, found {}",
                at.value
            ),
        )),
        (None, _) => mismatch(at, "a whole number", findings),
        (Some(_), _) => {}
    }
    number
}

/// A boolean; also in quotes.
pub(super) fn boolean(at: &At<'_>, findings: &mut Findings) -> Option<bool> {
    let boolean = match at.value {
        Value::Bool(boolean) => Some(*boolean),
        Value::String(word) => word.to_ascii_lowercase().parse().ok(),
        _ => None,
    };
    if boolean.is_none() {
        mismatch(at, "a boolean", findings);
    }
    boolean
}

/// A word of a closed list.
pub(super) fn word<T: FromStr<Err = String>>(at: &At<'_>, findings: &mut Findings) -> Option<T> {
    match text(at, findings)?.parse() {
        Ok(word) => Some(word),
        Err(message) => {
            findings.push(at.error("value", message));
            None
        }
    }
}

/// A list of texts; what is not one is left out.
pub(super) fn texts(at: &At<'_>, findings: &mut Findings) -> Vec<String> {
    if !is_list(at, findings) {
        return Vec::new();
    }
    at.items()
        .filter_map(|item| text(&item, findings))
        .collect()
}

/// Mapped parameters. What is no text is left out with a warning.
pub(super) fn mappings(
    at: &At<'_>,
    name: &str,
    findings: &mut Findings,
) -> IndexMap<String, String> {
    if !is_object(at, findings) {
        return IndexMap::new();
    }
    let mut mappings = IndexMap::new();
    for (key, at) in at.members() {
        if is_text(&at, name, key, findings, || {
            format!(
                "a constant stands in single quotes: \"'{}'\"",
                plain(at.value)
            )
        }) {
            mappings.extend(text(&at, findings).map(|text| (key.to_owned(), text)));
        }
    }
    mappings
}

/// Whether a member of a map of texts is one; else that is noted, and the member is left out.
// Recorded: T:test_apigateway_import — an import with such a value succeeds without it.
fn is_text(
    at: &At<'_>,
    name: &str,
    key: &str,
    findings: &mut Findings,
    help: impl FnOnce() -> String,
) -> bool {
    let text = at.value.is_string() || cloudformation::text(at.value).is_some();
    if !text {
        let found = describe(at.value);
        let message = format!(
            "invalid format for '{name}': expected a string for `{key}`, found {found}; it is left out"
        );
        findings.push(at.warning("mapping-value", message).help(help()));
    }
    text
}

fn plain(value: &Value) -> String {
    match value {
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => "value".to_owned(),
    }
}

/// Mapping templates; `null` is an empty one.
pub(super) fn templates(at: &At<'_>, name: &str, findings: &mut Findings) -> Templates {
    bodies(at, name, findings)
        .into_iter()
        .map(|(media_type, body)| {
            let of_function = at
                .value
                .get(&media_type)
                .is_some_and(|value| cloudformation::function(value).is_some());
            let body = if of_function {
                cloudformation::references(&body)
            } else {
                body
            };
            (media_type, Template::new(body))
        })
        .collect()
}

/// Texts by media type; `null` is an empty one. What is no text is left out with a warning.
pub(super) fn bodies(at: &At<'_>, name: &str, findings: &mut Findings) -> IndexMap<String, String> {
    let mut bodies = IndexMap::new();
    if !is_object(at, findings) {
        return bodies;
    }
    for (media_type, at) in at.members() {
        // Recorded: T:test_put_integration_response_templates.
        if at.value.is_null() {
            bodies.insert(media_type.to_owned(), String::new());
        } else if is_text(&at, name, media_type, findings, || {
            "write the template as one text".to_owned()
        }) {
            bodies.extend(text(&at, findings).map(|text| (media_type.to_owned(), text)));
        }
    }
    bodies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stage_variables_are_no_unknown_placeholders() {
        assert_eq!(
            unknown_placeholder("https://${stageVariables.host}/x"),
            None
        );
        assert_eq!(
            unknown_placeholder("arn:${stageVariables.a}:${AWS::Region}:x"),
            Some("${AWS::Region}")
        );
        assert_eq!(unknown_placeholder("${open"), None);
    }
}
