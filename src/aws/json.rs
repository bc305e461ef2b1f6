//! Writing JSON text straight into a buffer.

/// Appends `text` as a JSON string, with its quotes.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    push_escaped(out, text);
    out.push(b'"');
}

/// Appends `text` as the inside of a JSON string.
pub(crate) fn push_escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut start = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            at += 1;
            continue;
        }
        out.extend_from_slice(bytes.get(start..at).unwrap_or_default());
        push_escape(out, byte);
        at += 1;
        start = at;
    }
    out.extend_from_slice(bytes.get(start..).unwrap_or_default());
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
    fn objects_may_be_null() {
        let mut out = Vec::new();
        push_object(&mut out, []);
        push_object(&mut out, [("a", "1"), ("b\"", "2")]);
        assert_eq!(out, br#"null{"a":"1","b\"":"2"}"#);
    }
}
