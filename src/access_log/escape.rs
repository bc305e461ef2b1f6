//! What a value looks like inside of a format, so that it ends neither its field nor its line.

use std::fmt::Write as _;

/// How the values of a format are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    Text,
    Json,
    Xml,
    Csv,
}

impl Escape {
    /// As the beginning of a format tells.
    pub(super) fn of(format: &str) -> Self {
        match format.trim_start().chars().next() {
            Some('{') => Self::Json,
            Some('<') => Self::Xml,
            _ => Self::Text,
        }
    }

    /// Appends a value, in which blanks are escaped as well if they would begin a field.
    pub(super) fn push(self, value: &str, blanks: bool, out: &mut String) {
        // Nearly all are, whatever the format.
        if is_plain(value) && !(blanks && value.contains(' ')) {
            return out.push_str(value);
        }
        match self {
            Self::Text => text(value, blanks, out),
            Self::Json => json(value, out),
            Self::Xml => xml(value, out),
            Self::Csv => csv(value, out),
        }
    }
}

/// Whether no format escapes anything of a value. All of it is looked at, many bytes at once.
fn is_plain(value: &str) -> bool {
    value.bytes().fold(true, |plain, byte| {
        let special = matches!(byte, b'"' | b'\\' | b'&' | b'<' | b'>' | b'\'' | b',');
        plain & (b' '..=b'~').contains(&byte) & !special
    })
}

// The Unicode line and paragraph separators end lines for some readers.
fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn text(value: &str, blanks: bool, out: &mut String) {
    for c in value.chars() {
        match c {
            ' ' if blanks => out.push_str("\\x20"),
            '"' | '\\' => out.extend(['\\', c]),
            c if breaks(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(out, "\\x{byte:02x}");
                }
            }
            c => out.push(c),
        }
    }
}

fn json(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if breaks(c) => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

fn xml(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // XML 1.0 has no way to write most of them.
            c if breaks(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
}

// RFC 4180, but for line ends: a reader of lines would take them for the end of the record.
fn csv(value: &str, out: &mut String) {
    let quoted = value.contains([',', '"']) || value.contains(breaks);
    if !quoted {
        return out.push_str(value);
    }
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\"\""),
            c if breaks(c) => out.push('?'),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_its_field() {
        let value = "a\"b\\c,<d>&\r\ne\u{2028}\0é";
        for (escape, expected) in [
            (
                Escape::Text,
                "a\\\"b\\\\c,<d>&\\x0d\\x0ae\\xe2\\x80\\xa8\\x00é",
            ),
            (Escape::Json, "a\\\"b\\\\c,<d>&\\r\\ne\\u2028\\u0000é"),
            (Escape::Xml, "a&quot;b\\c,&lt;d&gt;&amp;??e??é"),
            (Escape::Csv, "\"a\"\"b\\c,<d>&??e??é\""),
        ] {
            let mut out = String::new();
            escape.push(value, false, &mut out);
            assert_eq!(out, expected, "{escape:?}");
            let mut plain = String::new();
            escape.push("plain and ~", false, &mut plain);
            assert_eq!(plain, "plain and ~", "{escape:?}");
        }
        let mut fields = String::new();
        Escape::Text.push("a b", true, &mut fields);
        Escape::Text.push("c\" d", true, &mut fields);
        assert_eq!(fields, "a\\x20bc\\\"\\x20d");
    }

    #[test]
    fn the_beginning_tells() {
        for (format, expected) in [
            (" {\"a\":1}", Escape::Json),
            ("<a/>", Escape::Xml),
            ("a {", Escape::Text),
            ("", Escape::Text),
        ] {
            assert_eq!(Escape::of(format), expected, "{format}");
        }
    }
}
