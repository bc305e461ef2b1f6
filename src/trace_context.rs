//! W3C Trace Context: which trace a request belongs to, and whose child it is there.
// W3C: Trace Context, level 2, sections 3.2 and 3.3.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// As much of `tracestate` as everybody has to pass on.
const STATE_LENGTH: usize = 512;
const STATE_MEMBERS: usize = 32;

const SAMPLED: u8 = 1;
/// The id of the trace is random.
const RANDOM: u8 = 2;

/// How much randomness a span in a new trace takes.
pub(crate) const RANDOM_BYTES: usize = 24;

/// A span of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceContext {
    pub(crate) trace: Id<16>,
    pub(crate) span: Id<8>,
    pub(crate) parent: Option<Id<8>>,
    flags: u8,
    /// What the systems of the trace say of it, for the next ones.
    state: Option<HeaderValue>,
}

/// An id, which is never zero; printed as hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id<const N: usize>([u8; N]);

impl<const N: usize> Id<N> {
    /// Of random bytes, of which it takes the first.
    fn random(random: &[u8]) -> Self {
        let mut id = [0; N];
        for (byte, random) in id.iter_mut().zip(random) {
            *byte = *random;
        }
        if id == [0; N] {
            id = [1; N];
        }
        Self(id)
    }

    /// Of digits in lower case.
    fn parse(digits: &[u8]) -> Option<Self> {
        let mut id = [0; N];
        let pairs = digits.chunks_exact(2);
        if pairs.len() != N {
            return None;
        }
        for (byte, pair) in id.iter_mut().zip(pairs) {
            *byte = byte_of(pair)?;
        }
        (id != [0; N]).then_some(Self(id))
    }
}

impl<const N: usize> fmt::Display for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn byte_of(pair: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    }
}

impl TraceContext {
    /// The span of a request: a child of what its headers name, or the first of a new trace if they
    /// name nothing that is valid.
    pub(crate) fn of_request(headers: &HeaderMap, random: [u8; RANDOM_BYTES]) -> Self {
        let (for_span, for_trace) = random.split_at(8);
        let span = Id::random(for_span);
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let parent = match (parents.next(), parents.next()) {
            (Some(parent), None) => Parent::parse(parent.as_bytes()),
            _ => None,
        };
        match parent {
            Some(parent) => Self {
                trace: parent.trace,
                span,
                parent: Some(parent.span),
                flags: parent.flags & (SAMPLED | RANDOM),
                state: state(headers),
            },
            // Chosen: who comes behind may record what began here.
            None => Self {
                trace: Id::random(for_trace),
                span,
                parent: None,
                flags: SAMPLED | RANDOM,
                state: None,
            },
        }
    }

    /// A span within this one.
    pub(crate) fn child(&self, random: [u8; 8]) -> Self {
        Self {
            span: Id::random(&random),
            parent: Some(self.span),
            ..self.clone()
        }
    }

    /// Makes it what the headers name.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let Self {
            trace, span, flags, ..
        } = self;
        if let Ok(value) = HeaderValue::try_from(format!("00-{trace}-{span}-{flags:02x}")) {
            headers.insert(TRACEPARENT, value);
        }
        match &self.state {
            Some(state) => headers.insert(TRACESTATE, state.clone()),
            None => headers.remove(TRACESTATE),
        };
    }
}

/// A `traceparent`.
struct Parent {
    trace: Id<16>,
    span: Id<8>,
    flags: u8,
}

impl Parent {
    fn parse(text: &[u8]) -> Option<Self> {
        let (version, rest) = text.split_first_chunk::<2>()?;
        let version = byte_of(version)?;
        let (fields, rest) = rest.split_first_chunk::<53>()?;
        // Versions to come begin like this one, and may go on.
        let ends = rest.is_empty() || version > 0 && rest.starts_with(b"-");
        if version == 0xff || !ends {
            return None;
        }
        let mut fields = fields.strip_prefix(b"-")?.split(|byte| *byte == b'-');
        let parent = Self {
            trace: Id::parse(fields.next()?)?,
            span: Id::parse(fields.next()?)?,
            flags: byte_of(fields.next()?)?,
        };
        fields.next().is_none().then_some(parent)
    }
}

/// All of `tracestate` in one line; none if a part of it is not valid.
fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut whole = String::new();
    let mut count = 0;
    for line in headers.get_all(TRACESTATE) {
        // Lines are of visible characters.
        for member in line.to_str().ok()?.split(',') {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            count += 1;
            if !is_key(key) || !is_value(value) || count > STATE_MEMBERS {
                return None;
            }
            // Chosen: members beyond the length are left out whole, the oldest of them.
            if whole.len() + 1 + member.len() > STATE_LENGTH {
                return HeaderValue::try_from(whole).ok();
            }
            if !whole.is_empty() {
                whole.push(',');
            }
            whole.push_str(member);
        }
    }
    match whole.as_str() {
        "" => None,
        _ => HeaderValue::try_from(whole).ok(),
    }
}

fn is_key(key: &str) -> bool {
    let (tenant, system) = match key.split_once('@') {
        Some((tenant, system)) => (tenant, Some(system)),
        None => (key, None),
    };
    let is_part = |part: &str, most: usize, digit: bool| {
        part.len() <= most
            && part.bytes().enumerate().all(|(at, byte)| match byte {
                b'a'..=b'z' => true,
                b'0'..=b'9' => at > 0 || digit,
                b'_' | b'-' | b'*' | b'/' => at > 0,
                _ => false,
            })
            && !part.is_empty()
    };
    match system {
        None => is_part(tenant, 256, true),
        Some(system) => is_part(tenant, 241, true) && is_part(system, 14, false),
    }
}

fn is_value(value: &str) -> bool {
    let fits = !value.is_empty() && value.len() <= 256;
    fits && value
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn written(lines: &[(&'static str, &str)]) -> (String, Option<String>) {
        let mut headers = headers(lines);
        TraceContext::of_request(&headers, [7; RANDOM_BYTES]).write(&mut headers);
        let text = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().into())
        };
        assert_eq!(headers.get_all("traceparent").iter().count(), 1);
        (text("traceparent").unwrap(), text("tracestate"))
    }

    #[test]
    fn what_is_valid_goes_on() {
        for (version, flags, rest, sent) in [
            ("00", "01", "", "01"),
            ("00", "00", "", "00"),
            ("00", "03", "", "03"),
            ("00", "ff", "", "03"),
            ("cc", "01", "", "01"),
            ("cc", "01", "-what-the-future-will-be-like", "01"),
        ] {
            let parent = format!("{version}-{TRACE}-{SPAN}-{flags}{rest}");
            let (parent, state) = written(&[("traceparent", &parent), ("tracestate", "a=1")]);
            assert_eq!(parent, format!("00-{TRACE}-0707070707070707-{sent}"));
            assert_eq!(state.as_deref(), Some("a=1"));
        }
    }

    #[test]
    fn what_is_not_begins_a_trace() {
        let new = format!("00-{}-{}-03", "07".repeat(16), "07".repeat(8));
        let zero = "0".repeat(32);
        for parent in [
            String::new(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("0x-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("cc-{TRACE}-{SPAN}-01.more"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{zero}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-{TRACE}-{SPAN}-0A"),
            format!("00-{TRACE}{SPAN}--01"),
            format!("00-{SPAN}-{TRACE}-01"),
            format!("00_{TRACE}_{SPAN}_01"),
        ] {
            let told = written(&[("traceparent", &parent), ("tracestate", "a=1")]);
            assert_eq!(told, (new.clone(), None), "{parent}");
        }
        let valid = format!("00-{TRACE}-{SPAN}-01");
        assert_eq!(
            written(&[("traceparent", &valid), ("traceparent", &valid)]).0,
            new,
            "two are none"
        );
        assert_eq!(written(&[("tracestate", "a=1")]), (new, None));
    }

    #[test]
    fn the_state_goes_on_as_a_whole_or_not_at_all() {
        let valid = format!("00-{TRACE}-{SPAN}-01");
        let state = |lines: &[&str]| {
            let mut all = vec![("traceparent", valid.as_str())];
            all.extend(lines.iter().map(|line| ("tracestate", *line)));
            written(&all).1
        };
        for (lines, expected) in [
            (&["a=1", "b=2"][..], Some("a=1,b=2")),
            (&[" a=1 ,\t,b= 2"], Some("a=1,b= 2")),
            (&["0a-_*/9@b=x", "0=a"], Some("0a-_*/9@b=x,0=a")),
            (&[""], None),
            (&["a"], None),
            (&["A=1"], None),
            (&["a@0=1"], None),
            (&["a@=1"], None),
            (&["a=1=2"], None),
            (&["a="], None),
            (&["é=1"], None),
            (&["a=1", "=2"], None),
        ] {
            assert_eq!(state(lines).as_deref(), expected, "{lines:?}");
        }
        let many: Vec<String> = (0..40).map(|number| format!("k{number}=v")).collect();
        assert_eq!(state(&[&many.join(",")]), None);
        let value = "v".repeat(250);
        let long = state(&[&format!("a={value},b={value},c={value}")]).unwrap();
        assert_eq!(long, format!("a={value},b={value}"));
    }

    #[test]
    fn ids_are_never_zero() {
        let context = TraceContext::of_request(&HeaderMap::new(), [0; RANDOM_BYTES]);
        assert_eq!(context.span.to_string(), "01".repeat(8));
        assert_eq!(context.trace.to_string(), "01".repeat(16));
        let child = context.child([9; 8]);
        assert_eq!(child.parent, Some(context.span));
        assert_eq!((child.trace, child.flags), (context.trace, context.flags));
    }
}
