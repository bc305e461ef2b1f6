//! What an unquoted YAML scalar is: the core schema of YAML 1.2, kept close to text.

use serde_json::{Number, Value};

/// Reads a plain scalar. `yes` and `on` are text, and so are numbers whose digits would be lost:
/// account numbers such as `012345678901`, what has an underscore, what is too large.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Value::from(text), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = unsigned.split(['.', 'e', 'E']).next().unwrap_or_default();
    let is_integer = whole.len() == unsigned.len();
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !unsigned.contains(|c: char| c.is_ascii_digit())
        || !unsigned
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'))
    {
        return None;
    }
    if !is_integer {
        return text.parse().ok().and_then(Number::from_f64);
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    match text.strip_prefix('+').unwrap_or(text) {
        negative if negative.starts_with('-') => negative.parse::<i64>().ok().map(Number::from),
        positive => positive.parse::<u64>().ok().map(Number::from),
    }
}

fn radix(digits: &str, radix: u32) -> Option<Number> {
    let plain = digits.starts_with(|c: char| c.is_digit(radix));
    u64::from_str_radix(digits, radix)
        .ok()
        .filter(|_| plain)
        .map(Number::from)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_scalars() {
        for (text, expected) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("True", json!(true)),
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("200", json!(200)),
            ("-7", json!(-7)),
            ("+7", json!(7)),
            ("0", json!(0)),
            ("012345678901", json!("012345678901")),
            ("1_000", json!("1_000")),
            (
                "123456789012345678901234",
                json!("123456789012345678901234"),
            ),
            ("3.0", json!(3.0)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("1e999", json!("1e999")),
            ("3.0.1", json!("3.0.1")),
            ("2017-04-20", json!("2017-04-20")),
            ("0x1F", json!(31)),
            ("0x+1", json!("0x+1")),
            ("0o17", json!(15)),
            (".nan", json!(".nan")),
            ("-", json!("-")),
            (".", json!(".")),
            ("e1", json!("e1")),
            ("1.2.3.4", json!("1.2.3.4")),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
