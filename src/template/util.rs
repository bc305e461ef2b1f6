//! The functions of `$util`, on plain text; both engines offer them.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// `$util.escapeJavaScript`, appended to `out`.
// AWS: a logged execution shows `/` escaped as well; the rest follows the library that does so.
pub(crate) fn escape_java_script(text: &str, out: &mut String) {
    out.reserve(text.len());
    let mut rest = text;
    let special = |b: u8| matches!(b, b'"' | b'\'' | b'\\' | b'/' | 0..=0x1F | 0x80..);
    while let Some(index) = rest.bytes().position(special) {
        let (plain, tail) = rest.split_at(index);
        out.push_str(plain);
        let mut chars = tail.chars();
        let Some(c) = chars.next() else { return };
        rest = chars.as_str();
        match c {
            '"' | '\'' | '\\' | '/' => out.extend(['\\', c]),
            '\x08' => out.push_str("\\b"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\x0C' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a `String` does not fail.
                    let _ = write!(out, "\\u{unit:04X}");
                }
            }
        }
    }
    out.push_str(rest);
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn hex(value: u8) -> char {
    HEX.get(usize::from(value & 15))
        .map_or('0', |&digit| char::from(digit))
}

/// `$util.urlEncode`: form encoding of the UTF-8 bytes.
pub(crate) fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                out.push(char::from(byte))
            }
            b' ' => out.push('+'),
            byte => out.extend(['%', hex(byte >> 4), hex(byte)]),
        }
    }
    out
}

/// `$util.urlDecode`, appended to `out`. Bytes that are not UTF-8 become U+FFFD; a `%` without two hexadecimal digits
/// is an error.
pub(crate) fn url_decode(text: &str, out: &mut String) -> Result<(), String> {
    let mut rest = text;
    while let Some(index) = memchr::memchr2(b'%', b'+', rest.as_bytes()) {
        let (plain, tail) = rest.split_at(index);
        out.push_str(plain);
        if let Some(tail) = tail.strip_prefix('+') {
            out.push(' ');
            rest = tail;
            continue;
        }
        if let [b'%', high @ b'2'..=b'7', low, after @ ..] = tail.as_bytes()
            && after.first() != Some(&b'%')
            && let Some(low) = char::from(*low).to_digit(16)
        {
            // One character, as most are.
            out.push(char::from((high - b'0') << 4 | low as u8));
            rest = tail.get(3..).unwrap_or_default();
            continue;
        }
        // Escapes that follow each other are decoded together: they may be one character.
        let mut bytes = [0; 4];
        let mut more = Vec::new();
        let mut count = 0;
        rest = tail;
        while let Some(tail) = rest.strip_prefix('%') {
            let digits = tail
                .get(..2)
                .ok_or("incomplete % at the end of an encoded text")?;
            // A sign is not refused by the parser, only a negative result: `%+f` is a byte on AWS's Java, too.
            let Ok(byte) = u8::from_str_radix(digits, 16) else {
                return Err(format!("`%{digits}` is not an encoded byte"));
            };
            match bytes.get_mut(count) {
                Some(place) => *place = byte,
                None => {
                    if more.is_empty() {
                        more.extend_from_slice(&bytes);
                    }
                    more.push(byte);
                }
            }
            count += 1;
            rest = tail.get(2..).unwrap_or_default();
        }
        let bytes = match more.is_empty() {
            true => bytes.get(..count).unwrap_or_default(),
            false => &more,
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => out.push_str(text),
            Err(_) => out.push_str(&String::from_utf8_lossy(bytes)),
        }
    }
    out.push_str(rest);
    Ok(())
}

/// `$util.base64Encode`: standard alphabet with padding.
pub(crate) fn base64_encode(text: &str) -> String {
    STANDARD.encode(text)
}

/// `$util.base64Decode`: takes both alphabets, skips what belongs to neither, ends at the first `=`. Bytes that are not
/// UTF-8 become U+FFFD.
pub(crate) fn base64_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xFF).unwrap_or(0));
        }
    }
    match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_script_is_escaped_like_java_does() {
        for (text, want) in [
            ("Ada", "Ada"),
            ("</script>", "<\\/script>"),
            ("it's \"x\" \\", "it\\'s \\\"x\\\" \\\\"),
            (
                "\u{1}\u{1f}\u{7f}\u{80}é中😀",
                "\\u0001\\u001F\u{7f}\\u0080\\u00E9\\u4E2D\\uD83D\\uDE00",
            ),
            ("\u{8}\n\t\u{c}\r", "\\b\\n\\t\\f\\r"),
        ] {
            let mut out = String::from("|");
            escape_java_script(text, &mut out);
            assert_eq!(out[1..], *want);
        }
    }

    #[test]
    fn urls_are_encoded_and_decoded() {
        assert_eq!(
            url_encode("~!@#$^*()_-. é"),
            "%7E%21%40%23%24%5E*%28%29_-.+%C3%A9"
        );
        let decode = |text: &str| {
            let mut out = String::new();
            url_decode(text, &mut out).map(|()| out)
        };
        assert_eq!(decode("a+b%2f%F0%9F%98%80+"), Ok("a b/😀 ".into()));
        assert_eq!(decode("%C3x%C3%A9"), Ok("\u{FFFD}xé".into()));
        assert_eq!(decode("%61%C3%A9%62%F0%9F%98%80"), Ok("aéb😀".into()));
        for text in ["%", "%4", "%zz", "a%", "%é", "%-1"] {
            assert!(decode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn base64_goes_both_ways() {
        for (text, encoded) in [
            ("", ""),
            ("a", "YQ=="),
            ("ab", "YWI="),
            ("abc", "YWJj"),
            ("😀", "8J+YgA=="),
        ] {
            assert_eq!(base64_encode(text), encoded);
            assert_eq!(base64_decode(encoded), text);
        }
        assert_eq!(base64_decode("8J-YgA"), "😀");
        assert_eq!(base64_decode("YWJj\n"), "abc");
        assert_eq!(base64_decode("a b c d"), "i\u{FFFD}\u{1d}");
        assert_eq!(base64_decode("!!!"), "");
        assert_eq!(base64_decode("YQ==YQ=="), "a");
        assert_eq!(base64_decode("Y"), "");
    }
}
