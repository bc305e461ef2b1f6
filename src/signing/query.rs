//! Queries: as they are sent, and as they are signed.

use crate::signing::path::{Table, escaped, push_escape};

static TEXT: Table = Table::of_unreserved_and(b"");
/// What a query in the right form is made of; whether its escapes are is another question.
static QUERY: Table = Table::of_unreserved_and(b"&=");

/// The query as it is to be sent, if it is to be sent in another form than it has: everything
/// escaped but what needs no escape, no empty pieces. What has no `=` gets none.
pub(super) fn to_send(query: &str) -> Option<String> {
    if is_right(query) {
        return None;
    }
    let mut out = Vec::with_capacity(query.len() + 16);
    for piece in query.split('&').filter(|piece| !piece.is_empty()) {
        if !out.is_empty() {
            out.push(b'&');
        }
        let (name, value) = split(piece);
        push_text(&mut out, name);
        if let Some(value) = value {
            out.push(b'=');
            push_text(&mut out, value);
        }
    }
    let out = String::from_utf8(out).unwrap_or_default();
    (out != query).then_some(out)
}

fn is_right(query: &str) -> bool {
    let mut value = false;
    let mut before = b'&';
    for byte in query.bytes() {
        match byte {
            _ if !QUERY.has(byte) => return false,
            b'&' if before == b'&' => return false,
            b'&' => value = false,
            b'=' if value => return false,
            b'=' => value = true,
            _ => {}
        }
        before = byte;
    }
    before != b'&' || query.is_empty()
}

fn split(piece: &str) -> (&str, Option<&str>) {
    match piece.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (piece, None),
    }
}

/// `text` decoded and encoded again.
// Chosen: `+` is a blank, as it is to most servers; a plus is sent as `%2B`, about which all agree.
fn push_text(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let mut byte = byte;
        rest = tail;
        if byte == b'+' {
            byte = b' ';
        } else if let [b'%', high, low, ..] = [byte, first(tail), second(tail)]
            && let Some(decoded) = escaped(&[b'%', high, low])
        {
            byte = decoded;
            rest = tail.get(2..).unwrap_or_default();
        }
        if TEXT.has(byte) {
            out.push(byte);
        } else {
            push_escape(out, byte);
        }
    }
}

fn first(tail: &[u8]) -> u8 {
    tail.first().copied().unwrap_or_default()
}

fn second(tail: &[u8]) -> u8 {
    tail.get(1).copied().unwrap_or_default()
}

/// Writes a value that is not yet encoded.
pub(super) fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    crate::signing::path::push_encoded(out, value, &TEXT);
}

/// Writes a query in the form of [`to_send`] as it is signed: sorted, and with `=` everywhere.
pub(super) fn push_canonical(out: &mut Vec<u8>, query: &str) {
    if query.is_empty() {
        return;
    }
    let mut pieces = Vec::with_capacity(8);
    // Bytes, not characters: this is on the way of every request.
    for piece in query.as_bytes().split(|byte| *byte == b'&') {
        let end = piece.iter().position(|byte| *byte == b'=');
        let (name, value) = piece.split_at(end.unwrap_or(piece.len()));
        pieces.push((name, value.get(1..).unwrap_or_default()));
    }
    if !pieces.is_sorted() {
        pieces.sort_unstable();
    }
    for (index, (name, value)) in pieces.into_iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_and_signed() {
        for (query, sent, signed) in [
            ("", "", ""),
            ("a=1&b=2", "a=1&b=2", "a=1&b=2"),
            ("b=2&a=1", "b=2&a=1", "a=1&b=2"),
            ("acl", "acl", "acl="),
            ("a=2&a=1&a", "a=2&a=1&a", "a=&a=1&a=2"),
            ("a=b+c", "a=b%20c", "a=b%20c"),
            ("a=b%2Bc", "a=b%2Bc", "a=b%2Bc"),
            ("a=/:*'", "a=%2F%3A%2A%27", "a=%2F%3A%2A%27"),
            ("a=%2f%41", "a=%2FA", "a=%2FA"),
            ("a=b=c", "a=b%3Dc", "a=b%3Dc"),
            ("&a=1&&b&", "a=1&b", "a=1&b="),
            ("&", "", ""),
            ("a=%zz%4", "a=%25zz%254", "a=%25zz%254"),
            ("ü=%E1%88%B4", "%C3%BC=%E1%88%B4", "%C3%BC=%E1%88%B4"),
            // Sorted as encoded: `%` before letters.
            ("Param=1&%E1=2", "Param=1&%E1=2", "%E1=2&Param=1"),
            // By name first: `-` is before `=`.
            ("a-b=1&a=2", "a-b=1&a=2", "a=2&a-b=1"),
        ] {
            let found = to_send(query).unwrap_or_else(|| query.to_owned());
            assert_eq!(found, sent, "{query}");
            assert_eq!(to_send(&found), None, "{found} is not stable");
            let mut canonical = Vec::new();
            push_canonical(&mut canonical, &found);
            assert_eq!(String::from_utf8(canonical).unwrap(), signed, "{query}");
        }
    }
}
