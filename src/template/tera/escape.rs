//! What a Tera template prints into JSON.

use std::io::{Result, Write};

/// The content of a JSON string: what may stand between two quotes.
pub(super) fn escape_json(text: &str, out: &mut dyn Write) -> Result<()> {
    let mut from = 0;
    for (index, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1F => "",
            _ => continue,
        };
        out.write_all(text.as_bytes().get(from..index).unwrap_or_default())?;
        from = index + 1;
        if escape.is_empty() {
            write!(out, "\\u{byte:04x}")?;
        } else {
            out.write_all(escape.as_bytes())?;
        }
    }
    out.write_all(text.as_bytes().get(from..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_escaped() {
        let mut out = Vec::new();
        escape_json("a\"b\\c\n\r\t\u{1}é/", &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "a\\\"b\\\\c\\n\\r\\t\\u0001é/"
        );
    }
}
