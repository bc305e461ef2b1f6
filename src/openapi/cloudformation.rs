//! CloudFormation's functions where a text is expected: written out with `${…}` for what only a
//! deployment knows.

use serde_json::Value;

/// The long form of the YAML tag `!Sub`, `!Ref`, `!GetAtt` and the like.
pub(super) fn function_of_tag(tag: &str) -> Option<String> {
    let name = tag.strip_prefix('!')?;
    match name {
        "Ref" | "Condition" => Some(name.to_owned()),
        "Sub" | "GetAtt" | "Join" | "If" | "ImportValue" | "FindInMap" | "Select" | "Split"
        | "Base64" | "Transform" | "GetAZs" | "Equals" | "Not" | "And" | "Or" | "Cidr"
        | "ToJsonString" | "Length" => Some(format!("Fn::{name}")),
        _ => None,
    }
}

/// The name and the argument of the function, when `value` is a call of one.
pub(super) fn function(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object()?;
    let (name, argument) = object.iter().next()?;
    (is_function(name) && object.len() == 1).then_some((name.as_str(), argument))
}

/// Whether a key is the name of a function.
pub(super) fn is_function(key: &str) -> bool {
    key == "Ref" || key.starts_with("Fn::")
}

/// The text of a value, with `${Name}` for references and `${Name.Attribute}` for attributes;
/// `None` when a function would have to be computed.
pub(super) fn text(value: &Value) -> Option<String> {
    if let Value::String(text) = value {
        return Some(text.clone());
    }
    let (name, argument) = function(value)?;
    match (name, argument) {
        ("Ref", Value::String(name)) => Some(format!("${{{name}}}")),
        ("Fn::Sub", Value::String(text)) => Some(text.clone()),
        ("Fn::Sub", Value::Array(parts)) => parts.first()?.as_str().map(str::to_owned),
        ("Fn::GetAtt", Value::String(attribute)) => Some(format!("${{{attribute}}}")),
        ("Fn::GetAtt", Value::Array(names)) => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            Some(format!("${{{}}}", names?.join(".")))
        }
        ("Fn::Join", Value::Array(parts)) => {
            let [Value::String(separator), Value::Array(items)] = parts.as_slice() else {
                return None;
            };
            let items: Option<Vec<String>> = items.iter().map(text).collect();
            Some(items?.join(separator))
        }
        _ => None,
    }
}

/// A template with `${AWS::Region}` and its kind as names that a template can have, as long as they
/// were: a deployment puts text there, so that they are no mistake of the template.
pub(super) fn references(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${") {
        out.push_str(before);
        out.push_str("${");
        let name = behind
            .split(|c: char| !c.is_ascii_alphanumeric() && c != ':')
            .next();
        let name = name.unwrap_or_default();
        let after = behind.get(name.len()..).unwrap_or_default();
        if after.starts_with('}') {
            out.push_str(&name.replace("::", "__"));
            rest = after;
        } else {
            rest = behind;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn functions_are_written_out() {
        for (value, expected) in [
            (json!({"Ref": "Role"}), Some("${Role}")),
            (
                json!({"Fn::Sub": "arn:${AWS::Region}"}),
                Some("arn:${AWS::Region}"),
            ),
            (json!({"Fn::Sub": ["a${B}", {"B": "c"}]}), Some("a${B}")),
            (json!({"Fn::GetAtt": ["Role", "Arn"]}), Some("${Role.Arn}")),
            (
                json!({"Fn::Join": [":", ["arn", {"Ref": "AWS::Region"}]]}),
                Some("arn:${AWS::Region}"),
            ),
            (json!({"Fn::If": ["Prod", "a", "b"]}), None),
            (json!({"a": 1}), None),
        ] {
            assert_eq!(text(&value).as_deref(), expected, "{value}");
        }
    }
    #[test]
    fn pseudo_parameters_are_names_in_templates() {
        for (text, expected) in [
            ("{\"a\": \"${AWS::Region}\"}", "{\"a\": \"${AWS__Region}\"}"),
            ("${Name} ${F.Arn} $x ${", "${Name} ${F.Arn} $x ${"),
            ("${a:b}${A::B::C}", "${a:b}${A__B__C}"),
            ("${A::é}", "${A::é}"),
        ] {
            assert_eq!(references(text), expected);
        }
    }
}
