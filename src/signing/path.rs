//! Paths: as they are sent, and as they are signed.

use crate::signing::{Encoding, ServiceRules};

/// What never needs an escape.
pub(super) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What may stand in a path besides.
const fn is_legal(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(byte, b'/' | b'%' | b':' | b'@')
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
        )
}

/// A question about bytes, answered in advance.
pub(super) struct Table([bool; 256]);

impl Table {
    pub(super) const fn of_unreserved_and(more: &[u8]) -> Self {
        let mut table = [false; 256];
        let mut byte = 0;
        while byte < 256 {
            #[allow(clippy::cast_possible_truncation, clippy::indexing_slicing)]
            {
                table[byte] = is_unreserved(byte as u8);
            }
            byte += 1;
        }
        let mut index = 0;
        while index < more.len() {
            #[allow(clippy::indexing_slicing)]
            {
                table[more[index] as usize] = true;
            }
            index += 1;
        }
        Self(table)
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).is_some_and(|has| *has)
    }

    pub(super) fn has_all(&self, text: &str) -> bool {
        text.bytes().all(|byte| self.has(byte))
    }
}

static PATH: Table = Table::of_unreserved_and(b"/");
/// What stands in a path as it is where it is signed as it is sent.
static AS_IS: Table = Table::of_unreserved_and(b"/:@!$&'()*+,;=");

/// Writes `text` with everything escaped but what `keep` has.
pub(super) fn push_encoded(out: &mut Vec<u8>, text: &[u8], keep: &Table) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| !keep.has(byte)) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = special.split_first() else {
            return;
        };
        push_escape(out, byte);
        rest = tail;
    }
    out.extend_from_slice(rest);
}

pub(super) fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let digit = |nibble: u8| match nibble {
        0..=9 => b'0' + nibble,
        _ => b'A' - 10 + nibble,
    };
    out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
}

/// The byte that the escape at the beginning of `text` stands for.
pub(super) fn escaped(text: &[u8]) -> Option<u8> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    match text {
        [b'%', high, low, ..] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    }
}

/// The path as it is to be sent, if it is to be sent in another form than it has.
///
/// S3 escapes what the path says after decoding it, so the one form that is the same before and after is the one that it makes:
/// everything escaped but what needs no escape, and slashes. Elsewhere the path is signed as it is
/// sent; what may not stand in a path is escaped, and `.` and `..` are resolved.
pub(super) fn to_send(path: &str, rules: &ServiceRules) -> Option<String> {
    let as_is = match rules.encoding {
        Encoding::Once => &PATH,
        Encoding::Twice => &AS_IS,
    };
    if as_is.has_all(path) && !(rules.normalize && has_dots(path)) {
        return None;
    }
    let mut out = Vec::with_capacity(path.len() + 16);
    let mut rest = path.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, rules.encoding) {
            (b'%', encoding) => match (escape_of(tail), encoding) {
                (Some((decoded, tail)), Encoding::Once) => {
                    rest = tail;
                    push_kept(&mut out, decoded);
                }
                (Some(_), Encoding::Twice) => out.push(b'%'),
                (None, _) => push_escape(&mut out, b'%'),
            },
            (byte, Encoding::Twice) if is_legal(byte) => out.push(byte),
            (byte, _) => push_kept(&mut out, byte),
        }
    }
    let mut out = String::from_utf8(out).unwrap_or_default();
    if rules.normalize && has_dots(&out) {
        out = without_dots(&out);
    }
    (out != path).then_some(out)
}

fn push_kept(out: &mut Vec<u8>, byte: u8) {
    if PATH.has(byte) {
        out.push(byte);
    } else {
        push_escape(out, byte);
    }
}

/// What the escape means whose `%` stands before `tail`, and what follows it.
fn escape_of(tail: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, rest @ ..] = tail else {
        return None;
    };
    escaped(&[b'%', *high, *low]).map(|byte| (byte, rest))
}

/// Whether a segment may be `.` or `..`.
fn has_dots(path: &str) -> bool {
    memchr::memchr(b'.', path.as_bytes()).is_some() && path.contains("/.")
}

/// Without the segments `.` and `..`.
// RFC 3986, 5.2.4.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut open = false;
    for segment in path.split('/').skip(1) {
        open = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if open || out.is_empty() {
        out.push('/');
    }
    out
}

/// Writes a path in the form of [`to_send`] as it is signed.
pub(super) fn push_canonical(out: &mut Vec<u8>, path: &str, rules: &ServiceRules) {
    let single;
    let mut path = if path.is_empty() { "/" } else { path };
    if rules.normalize && path.as_bytes().windows(2).any(|pair| pair == b"//") {
        single = with_single_slashes(path);
        path = &single;
    }
    match rules.encoding {
        Encoding::Once => out.extend_from_slice(path.as_bytes()),
        Encoding::Twice => push_encoded(out, path.as_bytes(), &PATH),
    }
}

fn with_single_slashes(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        if !(c == '/' && out.ends_with('/')) {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(service: &str, path: &str) -> (String, String) {
        let rules = ServiceRules::of(service);
        let sent = to_send(path, &rules).unwrap_or_else(|| path.to_owned());
        assert_eq!(to_send(&sent, &rules), None, "{sent} is not stable");
        let mut canonical = Vec::new();
        push_canonical(&mut canonical, &sent, &rules);
        (sent, String::from_utf8(canonical).unwrap())
    }

    #[test]
    fn s3_signs_what_it_would_write_itself() {
        for (path, same) in [
            ("/a b", "/a%20b"),
            ("/a%20b", "/a%20b"),
            ("/a+b", "/a%2Bb"),
            ("/a%2fb", "/a/b"),
            ("//a//../b", "//a//../b"),
            ("/@:ü", "/%40%3A%C3%BC"),
            ("/%41%7e", "/A~"),
            ("/100%", "/100%25"),
            ("/%zz%2", "/%25zz%252"),
            ("", ""),
        ] {
            let expected = if same.is_empty() { "/" } else { same };
            assert_eq!(both("s3", path), (same.into(), expected.into()), "{path}");
        }
    }

    #[test]
    fn others_sign_what_is_sent() {
        for (path, sent, signed) in [
            ("/a%20b", "/a%20b", "/a%2520b"),
            ("/a:b@c", "/a:b@c", "/a%3Ab%40c"),
            ("/a%2Fb", "/a%2Fb", "/a%252Fb"),
            ("/ü", "/%C3%BC", "/%25C3%25BC"),
            ("/100%", "/100%25", "/100%2525"),
            ("//a//b/", "//a//b/", "/a/b/"),
            ("/a/./b/..", "/a/", "/a/"),
            ("/a/../../b", "/b", "/b"),
            ("/..", "/", "/"),
            ("/.well-known/a", "/.well-known/a", "/.well-known/a"),
            ("/a/..b/.", "/a/..b/", "/a/..b/"),
        ] {
            let found = both("execute-api", path);
            assert_eq!(found, (sent.into(), signed.into()), "{path}");
        }
    }
}
