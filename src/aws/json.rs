//! Writing JSON text straight into a buffer.

/// Appends `text` as a JSON string, with its quotes.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// Appends `text` as the inside of a JSON string.
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + text.len() / 8);
    let mut rest = text.as_bytes();
    // Eight bytes at once: what is copied in vain behind the first escape is cut off again.
    while let Some((eight, tail)) = rest.split_first_chunk::<8>() {
        out.extend_from_slice(eight);
        let escapes = to_escape(u64::from_le_bytes(*eight));
        if escapes == 0 {
            rest = tail;
            continue;
        }
        let plain = usize::try_from(escapes.trailing_zeros() / 8).unwrap_or_default();
        out.truncate(out.len() - (8 - plain));
        rest = match rest.get(plain..).and_then(<[u8]>::split_first) {
            Some((&byte, behind)) => {
                push_escape(out, byte);
                behind
            }
            None => return,
        };
    }
    for &byte in rest {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            out.push(byte);
        } else {
            push_escape(out, byte);
        }
    }
}

/// The highest bit of each byte that needs an escape. Above the first one, a byte that needs none
/// may have it too.
fn to_escape(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let control = below(eight, 0x20);
    let quote = below(eight ^ (ONES * 0x22), 1);
    let backslash = below(eight ^ (ONES * 0x5c), 1);
    (control | quote | backslash) & (ONES * 0x80)
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let digit = |nibble: u8| {
                if nibble < 10 {
                    b'0' + nibble
                } else {
                    b'a' + nibble - 10
                }
            };
            out.extend_from_slice(b"\\u00");
            out.extend([digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.extend([b'\\', short]);
}

/// Appends `"name":` after a comma, or at the start of an object.
pub(crate) fn push_key(out: &mut Vec<u8>, name: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    push_string(out, name);
    out.push(b':');
}

/// Appends a string, or null.
pub(crate) fn push_optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => push_string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends an object of strings; null when it would be empty.
pub(crate) fn push_object<'a>(
    out: &mut Vec<u8>,
    members: impl IntoIterator<Item = (&'a str, &'a str)>,
) {
    let start = out.len();
    out.push(b'{');
    for (name, value) in members {
        push_key(out, name);
        push_string(out, value);
    }
    if out.len() == start + 1 {
        out.truncate(start);
        out.extend_from_slice(b"null");
    } else {
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_back() {
        for text in [
            "",
            "plain",
            "a\"b\\c",
            "\n\r\t\u{8}\u{c}\u{0}\u{1f}",
            "é🦀\u{7f}\u{2028}",
        ] {
            let mut out = Vec::new();
            push_string(&mut out, text);
            let back: String = serde_json::from_slice(&out).unwrap();
            assert_eq!(back, text);
        }
    }

    #[test]
    fn every_byte_at_every_place() {
        for byte in 0..128u8 {
            for at in 0..100 {
                let mut text = "é".repeat(60).into_bytes();
                text.splice(at / 2 * 2..at / 2 * 2, [byte, b'z', byte]);
                let text = String::from_utf8(text).unwrap();
                let mut out = Vec::new();
                push_string(&mut out, &text);
                assert_eq!(out, serde_json::to_vec(&text).unwrap(), "{byte} at {at}");
            }
        }
    }

    #[test]
    fn objects_may_be_null() {
        let mut out = Vec::new();
        push_object(&mut out, []);
        push_object(&mut out, [("a", "1"), ("b\"", "2")]);
        assert_eq!(out, br#"null{"a":"1","b\"":"2"}"#);
    }
}
