//! Headers as they are signed: sorted, trimmed, repeated ones joined.

use http::{HeaderMap, HeaderValue, header};

use crate::signing::Settings;
use crate::signing::rules::is_of_aws;

pub(super) const DATE: &str = "x-amz-date";
pub(super) const TOKEN: &str = "x-amz-security-token";
pub(super) const CONTENT: &str = "x-amz-content-sha256";

/// What stands in the canonical request.
pub(super) type Line<'a> = (&'a str, &'a [u8]);

/// Which headers of an earlier signature a request has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stale {
    pub(super) date: bool,
    pub(super) token: bool,
    pub(super) content: bool,
}

/// The lines of what came with the request, but `host` and what a signature brings itself.
pub(super) fn collect<'a>(
    headers: &'a HeaderMap,
    settings: &Settings,
    lines: &mut Vec<Line<'a>>,
) -> Stale {
    let mut stale = Stale::default();
    for (name, value) in headers {
        match name.as_str() {
            DATE => stale.date = true,
            TOKEN => stale.token = true,
            CONTENT => stale.content = true,
            _ if *name == header::HOST || *name == header::AUTHORIZATION => {}
            text if settings.signs(name) && (value.to_str().is_ok() || is_of_aws(name)) => {
                lines.push((text, value.as_bytes()));
            }
            _ => {}
        }
    }
    stale
}

/// Makes tabs in signed values blanks: not all agree about how a tab is signed.
pub(super) fn without_tabs(headers: &mut HeaderMap, settings: &Settings) {
    for (name, value) in headers.iter_mut() {
        if memchr::memchr(b'\t', value.as_bytes()).is_some() && settings.signs(name) {
            let mut bytes = value.as_bytes().to_vec();
            for byte in &mut bytes {
                if *byte == b'\t' {
                    *byte = b' ';
                }
            }
            if let Ok(plain) = HeaderValue::from_maybe_shared(bytes::Bytes::from(bytes)) {
                *value = plain;
            }
        }
    }
}

/// Sorts the lines and writes them, and behind them the list of their names. Gives where the list
/// begins.
pub(super) fn push_canonical(out: &mut Vec<u8>, lines: &mut [Line<'_>]) -> usize {
    // Stable: repeated headers keep their order.
    lines.sort_by(|a, b| a.0.cmp(b.0));
    for group in lines.chunk_by(|a, b| a.0 == b.0) {
        for (index, (name, value)) in group.iter().enumerate() {
            if index == 0 {
                out.extend_from_slice(name.as_bytes());
                out.push(b':');
            } else {
                out.push(b',');
            }
            push_value(out, value);
        }
        out.push(b'\n');
    }
    out.push(b'\n');
    let list = out.len();
    push_names(out, lines);
    list
}

/// Writes the names of sorted lines.
pub(super) fn push_names(out: &mut Vec<u8>, lines: &[Line<'_>]) {
    for (index, group) in lines.chunk_by(|a, b| a.0 == b.0).enumerate() {
        if index > 0 {
            out.push(b';');
        }
        if let Some((name, _)) = group.first() {
            out.extend_from_slice(name.as_bytes());
        }
    }
}

/// Writes a value without blanks at its ends, and with single ones inside.
fn push_value(out: &mut Vec<u8>, value: &[u8]) {
    let mut blank = matches!(value, [b' ', ..] | [.., b' ']);
    if !blank {
        // Most values are written as they are.
        blank = memchr::memchr(b' ', value).is_some() && value.windows(2).any(|pair| pair == b"  ");
    }
    if !blank {
        out.extend_from_slice(value);
        return;
    }
    let words = value
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        for (value, signed) in [
            ("a b", "a b"),
            ("  a   b ", "a b"),
            ("\"a   b\"", "\"a b\""),
            ("", ""),
            ("   ", ""),
        ] {
            let mut out = Vec::new();
            push_value(&mut out, value.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), signed, "{value:?}");
        }
    }
}
