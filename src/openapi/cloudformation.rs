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
}
