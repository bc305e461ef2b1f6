//! Query strings and path values: decoding what the client sent, encoding what the backend gets.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// Everything but the unreserved characters of RFC 3986; `+` for a blank is never written, so that
/// a signature over the query means the same to everybody.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Decoded pairs of a query string, in order.
// AWS: known-issues — `;` separates pairs as `&` does. Recorded: params-encoding — `+` is a blank.
pub(crate) fn decode(query: &str) -> Vec<(String, String)> {
    query
        .split(['&', ';'])
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_component(name), decode_component(value))
        })
        .collect()
}

fn decode_component(text: &str) -> String {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return text.to_owned();
    }
    let blanks = text.replace('+', " ");
    percent_encoding::percent_decode_str(&blanks)
        .decode_utf8_lossy()
        .into_owned()
}

/// Appends `name=value`, encoded, after `&` or at the start.
pub(crate) fn push_pair(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.extend(percent_encode(name.as_bytes(), QUERY));
    query.push('=');
    query.extend(percent_encode(value.as_bytes(), QUERY));
}

/// Appends a value to a query string, encoded, as part of a pair that the author wrote.
pub(crate) fn push_value(query: &mut String, value: &str) {
    query.extend(percent_encode(value.as_bytes(), QUERY));
}

/// Appends `value` to a path. What is already encoded stays; `/` stays, so that a greedy value
/// keeps its segments; everything that a path may not hold is encoded.
// AWS: known-issues — path values are not decoded, so a `%XX` of the client must pass once.
pub(crate) fn push_path(path: &mut String, value: &str) {
    let mut rest = value;
    while let Some(special) = push_kept(path, rest, PATH) {
        rest = match special.as_bytes() {
            [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                path.push('%');
                special.get(1..).unwrap_or_default()
            }
            _ => push_first_escaped(path, special),
        };
    }
}

/// Appends what the client wrote of a query: kept byte for byte but for what a request target may
/// not hold.
pub(crate) fn push_raw_query(query: &mut String, raw: &str) {
    let mut rest = raw;
    while let Some(special) = push_kept(query, rest, RAW_QUERY) {
        rest = push_first_escaped(query, special);
    }
}

/// The characters of RFC 3986 `pchar` and `/`; a bit for each.
const PATH: u128 = set(b"-._~!$&'()*+,;=:@/", true);
const RAW_QUERY: u128 = !set(b"\"<>#\\^`{|} \x7f", false) & !((1 << 32) - 1);

const fn set(bytes: &[u8], alphanumeric: bool) -> u128 {
    let (mut set, mut rest) = (0, bytes);
    while let [byte, more @ ..] = rest {
        set |= 1 << *byte;
        rest = more;
    }
    let mut byte = 0_u8;
    while byte < 128 && alphanumeric {
        if byte.is_ascii_alphanumeric() {
            set |= 1 << byte;
        }
        byte += 1;
    }
    set
}

/// Appends the bytes up to the first that is not kept, and gives back what begins with it.
fn push_kept<'t>(out: &mut String, text: &'t str, kept: u128) -> Option<&'t str> {
    let is_kept = |byte: u8| byte.is_ascii() && kept >> byte & 1 == 1;
    let length = text.bytes().position(|byte| !is_kept(byte));
    // All of them are ASCII, so that the next is the first of a character.
    let (plain, special) = text.split_at_checked(length.unwrap_or(text.len()))?;
    out.push_str(plain);
    (!special.is_empty()).then_some(special)
}

fn push_first_escaped<'t>(out: &mut String, text: &'t str) -> &'t str {
    let mut characters = text.chars();
    characters.next();
    let rest = characters.as_str();
    let first = text.len() - rest.len();
    text.bytes()
        .take(first)
        .for_each(|byte| push_escape(out, byte));
    rest
}

fn push_escape(out: &mut String, byte: u8) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    out.push('%');
    for nibble in [byte >> 4, byte & 15] {
        out.push(HEX.get(usize::from(nibble)).copied().unwrap_or('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_once() {
        let pairs = decode("a=fish%20%26+chips&b=caf%C3%A9%2525;c&&=x");
        let expected = [
            ("a", "fish & chips"),
            ("b", "café%25"),
            ("c", ""),
            ("", "x"),
        ];
        assert_eq!(
            pairs,
            expected.map(|(name, value)| (name.into(), value.into()))
        );
    }

    #[test]
    fn every_character_is_kept_or_encoded() {
        for code in 0..0x250 {
            let character = char::from_u32(code).unwrap();
            let text = format!("a{character}b{character}");
            let ascii = u8::try_from(code).ok().filter(u8::is_ascii);
            let encoded: String = text
                .bytes()
                .map(|byte| match byte {
                    b'a' | b'b' => char::from(byte).to_string(),
                    _ => format!("%{byte:02X}"),
                })
                .collect();
            let in_path =
                |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte);
            let in_query = |byte: u8| byte.is_ascii_graphic() && !b"\"<>#\\^`{|}".contains(&byte);
            let expected = |kept: bool| if kept { &text } else { &encoded };
            let mut path = String::new();
            push_path(&mut path, &text);
            assert_eq!(path, *expected(ascii.is_some_and(in_path)), "{code:x}");
            let mut query = String::new();
            push_raw_query(&mut query, &text);
            assert_eq!(query, *expected(ascii.is_some_and(in_query)), "{code:x}");
        }
    }

    #[test]
    fn values_are_encoded() {
        let mut query = String::new();
        push_pair(&mut query, "a b", "é/+&");
        push_pair(&mut query, "c", "");
        assert_eq!(query, "a%20b=%C3%A9%2F%2B%26&c=");
        let mut path = String::from("/");
        push_path(&mut path, "a%2Fb/c d%zz@é");
        assert_eq!(path, "/a%2Fb/c%20d%25zz@%C3%A9");
        let mut raw = String::new();
        push_raw_query(&mut raw, "a=%20{b}+c");
        assert_eq!(raw, "a=%20%7Bb%7D+c");
    }
}
