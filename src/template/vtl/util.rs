//! `$util` as a template calls it.

use std::cell::RefCell;

use crate::template::json::parse_strict;
use crate::template::util;
use crate::template::vtl::inherited;
use crate::template::vtl::tree::Tree;
use crate::vtl::{Exception, Object, Value};

/// The object behind `$util`.
#[derive(Debug, Default)]
pub(crate) struct Util {
    /// Where a text is made before its length is known.
    scratch: RefCell<String>,
}

impl Util {
    /// `urlDecode` of an argument, which is this text.
    fn decoded(&self, arg: &Value, text: &str) -> Result<Value, Exception> {
        // Most texts are short.
        if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
            return Ok(arg.clone());
        }
        let mut scratch = self.scratch.borrow_mut();
        scratch.clear();
        util::url_decode(text, &mut scratch).map_err(Exception::new)?;
        Ok(Value::from(scratch.as_str()))
    }
}

impl Object for Util {
    fn call(&self, method: &str, args: &[Value]) -> Result<Option<Value>, Exception> {
        let [arg] = args else {
            return inherited(method, args);
        };
        if let ("urlDecode", Value::Str(text)) = (method, arg) {
            return self.decoded(arg, text).map(Some);
        }
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
        // As an array it is compared in place.
        let (b"escapeJavaScript", [Value::Str(text)]) =
            (<&[u8; 16]>::try_from(method.as_bytes()).ok()?, args)
        else {
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
