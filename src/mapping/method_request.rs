//! The method request: what the client sent, as mappings and templates see it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};

use crate::mapping::headers;
use crate::trace::Trace;

/// Facts of a request that stay, whatever layers do to it on its way.
#[derive(Debug, Clone)]
pub(crate) struct MethodRequest {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) version: Version,
    pub(crate) names: Option<OriginalHeaderNames>,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) arrival: Arrival,
    /// Where to tell what happens to it, if somebody wants to know.
    pub(crate) trace: Option<Trace>,
}

/// The address of the client, as an extension on a request: `$context.identity.sourceIp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// An extension on a request that came over TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverTls;

/// The names of the headers of a request as the client spelled them, one for each header line in
/// the order of the lines; an extension that a server puts on the request.
///
/// [`http::HeaderMap`] holds names in lower case. API Gateway compares the names in mappings and
/// in `$input.params('X')` exactly, so without this extension (and over HTTP/2) only lower-case
/// names are found.
#[derive(Clone)]
pub struct OriginalHeaderNames {
    /// Header lines as they came. Most requests are served without a look at a name, so that
    /// whoever looks takes the lines apart.
    lines: Arc<[u8]>,
}

impl OriginalHeaderNames {
    /// The names in the order of the header lines.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Self {
        let mut lines = Vec::with_capacity(128);
        for name in names {
            // What cannot be a name is left empty, and so never matches.
            let name = Some(name.as_ref())
                .filter(|name| !name.bytes().any(|byte| matches!(byte, b':' | b'\n')))
                .unwrap_or_default();
            lines.extend_from_slice(name.as_bytes());
            lines.extend_from_slice(b":\n");
        }
        Self {
            lines: lines.into(),
        }
    }

    /// The names in the header lines of a head that has been parsed, so that each has a colon.
    #[cfg(feature = "server")]
    pub(crate) fn of_lines(lines: &[u8]) -> Self {
        Self {
            lines: lines.into(),
        }
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut rest = &*self.lines;
        std::iter::from_fn(move || {
            let end = memchr::memchr(b'\n', rest)?;
            let (line, next) = rest.split_at_checked(end + 1)?;
            rest = next;
            let name = line.get(..memchr::memchr(b':', line)?)?;
            std::str::from_utf8(name).ok()
        })
    }
}

impl PartialEq for OriginalHeaderNames {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for OriginalHeaderNames {}

impl std::fmt::Debug for OriginalHeaderNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The moment and the ids of a request: made once, when it arrives.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) time: SystemTime,
    pub(crate) request_id: HeaderValue,
    pub(crate) extended_request_id: HeaderValue,
    /// `Root=…`, with the client's parent and sampling decision where it sent them.
    pub(crate) trace: HeaderValue,
}

/// How much randomness an [`Arrival`] takes.
pub(crate) const RANDOM_BYTES: usize = 16 + 11 + 12;

impl Arrival {
    /// Ids out of `random` bytes, or those that the client chose.
    // AWS: api-gateway-mapping-template-reference — `x-amzn-requestid` overrides the request id.
    // Recorded: T:test_invocation_trace_id — Root is kept or made, Parent and Sampled are kept.
    pub(crate) fn new(time: SystemTime, random: [u8; RANDOM_BYTES], headers: &HeaderMap) -> Self {
        let seconds = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |age| age.as_secs());
        // An owner is one allocation, and a copy of a slice two.
        let ids = Bytes::from_owner(write_ids(&random, seconds));
        let part = |range: std::ops::Range<usize>| {
            HeaderValue::from_maybe_shared(ids.slice(range))
                .unwrap_or(HeaderValue::from_static("-"))
        };
        // Rarely there: looking at the names is cheaper than hashing two.
        let (mut sent_id, mut sent_trace) = (None, None);
        for (name, value) in headers {
            match name.as_str() {
                "x-amzn-trace-id" => sent_trace = Some(value),
                "x-amzn-requestid" => sent_id = Some(value),
                _ => {}
            }
        }
        let request_id = sent_id
            .filter(|id: &&HeaderValue| !id.is_empty() && id.len() <= 128)
            .cloned()
            .unwrap_or_else(|| part(0..REQUEST_ID_END));
        let generated = part(EXTENDED_ID_END..IDS_LENGTH);
        let trace = match sent_trace {
            Some(sent) => client_trace(sent, &generated),
            None => generated,
        };
        Self {
            time,
            request_id,
            extended_request_id: part(REQUEST_ID_END..EXTENDED_ID_END),
            trace,
        }
    }

    pub(crate) fn epoch_millis(&self) -> i64 {
        let age = self
            .time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(age.as_millis()).unwrap_or(i64::MAX)
    }
}

fn client_trace(sent: &HeaderValue, generated: &HeaderValue) -> HeaderValue {
    let (mut root, mut parent, mut sampled) = (None, None, None);
    for part in sent.to_str().unwrap_or_default().split(';') {
        let Some((key, value)) = part.trim().split_once('=') else {
            continue;
        };
        let slot = match key {
            _ if key.eq_ignore_ascii_case("root") => &mut root,
            _ if key.eq_ignore_ascii_case("parent") => &mut parent,
            _ if key.eq_ignore_ascii_case("sampled") => &mut sampled,
            _ => continue,
        };
        *slot = Some(value.trim());
    }
    let mut text = match root {
        Some(root) => format!("Root={root}"),
        None => generated.to_str().unwrap_or_default().to_owned(),
    };
    for (key, value) in [("Parent", parent), ("Sampled", sampled)] {
        if let Some(value) = value {
            text.push_str(&format!(";{key}={value}"));
        }
    }
    HeaderValue::try_from(text).unwrap_or_else(|_| generated.clone())
}

const REQUEST_ID_END: usize = 36;
const EXTENDED_ID_END: usize = REQUEST_ID_END + 16;
const IDS_LENGTH: usize = EXTENDED_ID_END + "Root=1-".len() + 8 + 1 + 24;

/// The three ids in one piece: a version 4 UUID, 16 characters of base64, a trace.
fn write_ids(random: &[u8; RANDOM_BYTES], seconds: u64) -> [u8; IDS_LENGTH] {
    let mut ids = *b"00000000-0000-4000-8000-000000000000================Root=1-00000000-000000000000000000000000";
    let (uuid, rest) = ids.split_at_mut(REQUEST_ID_END);
    let (extended, trace) = rest.split_at_mut(EXTENDED_ID_END - REQUEST_ID_END);
    let (id, rest) = random.split_at(16);
    let (extended_random, root) = rest.split_at(11);
    let mut number = u128::from_be_bytes(id.try_into().unwrap_or_default());
    // The version and the variant.
    number = number & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let word = |shift: u32| hex(u32::try_from(number >> shift & 0xffff_ffff).unwrap_or_default());
    let [first, second, third, fourth] = [word(96), word(64), word(32), word(0)];
    for (at, digits) in [
        (0, &first[..]),
        (9, &second[..4]),
        (14, &second[4..]),
        (19, &third[..4]),
        (24, &third[4..]),
        (28, &fourth[..]),
    ] {
        write(uuid, at, digits);
    }
    // Eleven bytes give exactly sixteen characters, the last of them `=`.
    let engine = &base64::engine::general_purpose::URL_SAFE;
    let _ = base64::Engine::encode_slice(engine, extended_random, extended);
    let time = u32::try_from(seconds & 0xffff_ffff).unwrap_or_default();
    write(trace, 7, &hex(time));
    for (at, bytes) in [16, 24, 32].into_iter().zip(root.as_chunks().0) {
        write(trace, at, &hex(u32::from_be_bytes(*bytes)));
    }
    ids
}

fn write(text: &mut [u8], at: usize, digits: &[u8]) {
    let places = text.get_mut(at..at + digits.len());
    places
        .into_iter()
        .for_each(|places| places.copy_from_slice(digits));
}

/// The eight digits of a number, all at once: a nibble in each byte of a word.
fn hex(number: u32) -> [u8; 8] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut digits = u64::from(number);
    digits = (digits | digits << 16) & 0x0000_ffff_0000_ffff;
    digits = (digits | digits << 8) & 0x00ff_00ff_00ff_00ff;
    digits = (digits | digits << 4) & (0x0f * EACH);
    let letters = (digits + 6 * EACH) >> 4 & EACH;
    (digits + u64::from(b'0') * EACH + letters * u64::from(b'a' - b'0' - 10)).to_be_bytes()
}

/// A header that is rarely there: looking at the names is cheaper than hashing one.
#[cfg(feature = "openapi")]
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    headers
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// The headers of the method request, seen by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestHeaders<'a> {
    pub(crate) map: &'a HeaderMap,
    pub(crate) names: Option<&'a OriginalHeaderNames>,
}

impl<'a> RequestHeaders<'a> {
    /// The values under exactly this name, in the order of their lines.
    // AWS: known-issues — names in mappings are case-sensitive.
    pub(crate) fn exactly(&self, name: &str) -> Vec<&'a HeaderValue> {
        let Ok(key) = HeaderName::from_bytes(name.as_bytes()) else {
            return Vec::new();
        };
        if headers::is_invisible(&key) {
            return Vec::new();
        }
        let values = self.map.get_all(&key);
        let Some(names) = self.names else {
            return if key.as_str() == name {
                values.iter().collect()
            } else {
                Vec::new()
            };
        };
        let lines: Vec<&str> = names
            .iter()
            .filter(|line| line.eq_ignore_ascii_case(name))
            .collect();
        spelled(key.as_str(), &lines, values)
            .filter(|(line, _)| *line == name)
            .map(|(_, value)| value)
            .collect()
    }

    /// Every visible header that is wanted with its last value, by name without regard to case.
    // Observed: an execution log lists the headers of a request alphabetically.
    pub(crate) fn last_values(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        // Few templates ask for headers, and those that ask for a parameter may mean another kind.
        let spelled_so = self.names.is_some_and(|names| names.iter().any(&wanted));
        if !spelled_so && !self.map.keys().any(|key| wanted(key.as_str())) {
            return Vec::new();
        }
        let mut pairs: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
        let names: Option<Vec<&str>> = self.names.map(|names| names.iter().collect());
        for key in self.map.keys().filter(|key| !headers::is_invisible(key)) {
            let values = self.map.get_all(key);
            let Some(names) = &names else {
                if wanted(key.as_str())
                    && let Some(value) = values.iter().next_back()
                {
                    pairs.push((Cow::Borrowed(key.as_str()), text(value)));
                }
                continue;
            };
            let lines: Vec<&str> = names
                .iter()
                .copied()
                .filter(|line| line.eq_ignore_ascii_case(key.as_str()))
                .collect();
            for (line, value) in spelled(key.as_str(), &lines, values) {
                if !wanted(line) {
                    continue;
                }
                match pairs.iter_mut().find(|(known, _)| known == line) {
                    Some((_, known)) => *known = text(value),
                    None => pairs.push((Cow::Borrowed(line), text(value))),
                }
            }
        }
        pairs.sort_by_cached_key(|(name, _)| name.to_ascii_lowercase());
        pairs
    }
}

/// Each value of a header with the spelling of its line. If the lines are not those of the values,
/// since a middleware added or removed some, the name is in lower case.
fn spelled<'k, 'a>(
    key: &'k str,
    lines: &[&'k str],
    values: http::header::GetAll<'a, HeaderValue>,
) -> impl Iterator<Item = (&'k str, &'a HeaderValue)> {
    let fit = values.iter().count() == lines.len();
    values
        .iter()
        .enumerate()
        .map(move |(index, value)| match lines.get(index) {
            Some(line) if fit => (*line, value),
            Some(_) | None => (key, value),
        })
}

/// A header value as text.
pub(crate) fn text(value: &HeaderValue) -> Cow<'_, str> {
    lossy(value.as_bytes())
}

/// Bytes as text. Most are text, which `from_utf8` sees much faster than `from_utf8_lossy`.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn ids_have_their_forms() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(0x6a00_0001);
        let arrival = Arrival::new(time, [0xff; RANDOM_BYTES], &HeaderMap::new());
        assert_eq!(arrival.request_id, "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(arrival.extended_request_id, "______________8=");
        assert_eq!(arrival.trace, "Root=1-6a000001-ffffffffffffffffffffffff");
    }

    #[test]
    fn every_byte_has_its_place() {
        let mut random = [0; RANDOM_BYTES];
        for (byte, value) in random.iter_mut().zip(0x90..) {
            *byte = value;
        }
        let arrival = Arrival::new(SystemTime::UNIX_EPOCH, random, &HeaderMap::new());
        assert_eq!(arrival.request_id, "90919293-9495-4697-9899-9a9b9c9d9e9f");
        assert_eq!(arrival.extended_request_id, "oKGio6Slpqeoqao=");
        assert_eq!(arrival.trace, "Root=1-00000000-abacadaeafb0b1b2b3b4b5b6");
    }

    #[test]
    fn the_client_may_choose_ids() {
        let sent = headers(&[
            ("x-amzn-requestid", "mine"),
            ("x-amzn-trace-id", "Self=1;root=1-2-3; Parent=4;Sampled=1"),
        ]);
        let arrival = Arrival::new(SystemTime::now(), [0; RANDOM_BYTES], &sent);
        assert_eq!(arrival.request_id, "mine");
        assert_eq!(arrival.trace, "Root=1-2-3;Parent=4;Sampled=1");
    }

    #[test]
    fn names_are_compared_as_spelled() {
        let map = headers(&[("x-a", "1"), ("X-A", "2"), ("b", "3"), ("te", "4")]);
        let names = OriginalHeaderNames::new(["x-a", "X-A", "B", "TE"]);
        let spelled = RequestHeaders {
            map: &map,
            names: Some(&names),
        };
        assert_eq!(spelled.exactly("X-A"), ["2"]);
        assert_eq!(spelled.exactly("b").len(), 0);
        assert_eq!(spelled.exactly("TE").len(), 0);
        let pairs: Vec<_> = spelled.last_values(|_| true);
        assert_eq!(
            pairs,
            [
                ("B".into(), "3".into()),
                ("x-a".into(), "1".into()),
                ("X-A".into(), "2".into())
            ]
        );
        let lower = RequestHeaders {
            map: &map,
            names: None,
        };
        assert_eq!(lower.exactly("x-a"), ["1", "2"]);
        assert_eq!(lower.exactly("X-A").len(), 0);
        assert_eq!(lower.last_values(|_| true).len(), 2);
    }

    #[test]
    fn names_go_only_to_their_headers() {
        let map = headers(&[("x-a", "1"), ("x-new", "2"), ("x-b", "3"), ("x-b", "4")]);
        // As a middleware would leave it that added one header, repeated one and removed one.
        let names = OriginalHeaderNames::new(["X-A", "X-Gone", "X-B", "no:name", "no\nname"]);
        assert_eq!(
            names.iter().collect::<Vec<_>>(),
            ["X-A", "X-Gone", "X-B", "", ""]
        );
        let changed = RequestHeaders {
            map: &map,
            names: Some(&names),
        };
        assert_eq!(changed.exactly("X-A"), ["1"]);
        assert_eq!(changed.exactly("x-new"), ["2"]);
        assert_eq!(changed.exactly("X-B").len(), 0);
        assert_eq!(changed.exactly("x-b"), ["3", "4"]);
        let pairs = changed.last_values(|_| true);
        assert_eq!(
            pairs,
            [
                ("X-A".into(), "1".into()),
                ("x-b".into(), "4".into()),
                ("x-new".into(), "2".into())
            ]
        );
    }
}
