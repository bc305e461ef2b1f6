//! `$util` as a template calls it.

use crate::template::json::parse_strict;
use crate::template::util;
use crate::template::vtl::inherited;
use crate::template::vtl::tree::Tree;
use crate::vtl::{Exception, Object, Value};

/// The object behind `$util`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Util;

impl Object for Util {
    fn call(&self, method: &str, args: &[Value]) -> Result<Option<Value>, Exception> {
        let [arg] = args else {
            return inherited(method, args);
        };
        match method {
            "escapeJavaScript" => return escape(arg).map(Some),
            "parseJson" | "urlEncode" | "urlDecode" | "base64Encode" | "base64Decode" => {}
            _ => return inherited(method, args),
        }
        let text = match (arg, method) {
            (Value::Str(text), _) => text,
            (Value::Null, "parseJson") => return Ok(Some(Value::Null)),
            (Value::Null, _) => {
                return Err(Exception::new(format!(
                    "NullPointerException: {method} of null"
                )));
            }
            // No method takes anything else.
            _ => return Ok(None),
        };
        Ok(Some(match method {
            "urlEncode" => Value::from(util::url_encode(text)),
            "urlDecode" if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() => arg.clone(),
            "urlDecode" => Value::from(util::url_decode(text).map_err(Exception::new)?),
            "base64Encode" => Value::from(util::base64_encode(text)),
            "base64Decode" => Value::from(util::base64_decode(text)),
            // AWS, second hand: what is not JSON is nothing, not an error.
            _ => parse_strict(text, &mut Tree::new()).unwrap_or_default(),
        }))
    }

    fn prints(&self, method: &str) -> bool {
        method == "escapeJavaScript"
    }

    fn print(
        &self,
        method: &str,
        args: &[Value],
        out: &mut String,
    ) -> Option<Result<(), Exception>> {
        let ("escapeJavaScript", [Value::Str(text)]) = (method, args) else {
            return None;
        };
        util::escape_java_script(text, out);
        Some(Ok(()))
    }

    fn class_name(&self) -> &str {
        "gateway.UtilScope"
    }
}

/// Any value escapes as its text.
fn escape(arg: &Value) -> Result<Value, Exception> {
    let mut out = String::new();
    match arg {
        Value::Null => return Ok(Value::Null),
        Value::Str(text) => util::escape_java_script(text, &mut out),
        other => util::escape_java_script(&other.to_text()?, &mut out),
    }
    Ok(Value::from(out))
}
