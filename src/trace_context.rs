//! W3C Trace Context: which trace a request belongs to, and whose child it is there.
// W3C: Trace Context, level 2, sections 3.2 and 3.3.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// As much of `tracestate` as everybody has to pass on.
const STATE_LENGTH: usize = 512;
const STATE_MEMBERS: usize = 32;
/// What is longer is left out first where not all fits.
const LONG_MEMBER: usize = 128;

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
    let mut members = Vec::new();
    for line in headers.get_all(TRACESTATE) {
        // Lines are of visible characters.
        for member in line.to_str().ok()?.split(',') {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            if !is_key(key) || !is_value(value) || members.len() == STATE_MEMBERS {
                return None;
            }
            members.push(member);
        }
    }
    shorten(&mut members);
    match members.as_slice() {
        [] => None,
        members => HeaderValue::try_from(members.join(",")).ok(),
    }
}

/// Leaves out whole members until the rest is not too long.
// W3C: 3.3.1.5 — first those that are long, and of these and of the others the last first.
fn shorten(members: &mut Vec<&str>) {
    let all: usize = members.iter().map(|member| member.len() + 1).sum();
    let mut length = all.saturating_sub(1);
    for least in [LONG_MEMBER + 1, 0] {
        for at in (0..members.len()).rev() {
            if length > STATE_LENGTH && members.get(at).is_some_and(|one| one.len() >= least) {
                length = length.saturating_sub(members.remove(at).len() + 1);
            }
        }
    }
}

fn is_key(key: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match byte {
        b'a'..=b'z' | b'0'..=b'9' => true,
        b'_' | b'-' | b'*' | b'/' | b'@' => at > 0,
        _ => false,
    };
    !key.is_empty() && key.len() <= 256 && key.bytes().enumerate().all(fits)
}

fn is_value(value: &str) -> bool {
    let fits = !value.is_empty() && value.len() <= 256;
    fits && value
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b'=')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

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
            (&["a@0=1"], Some("a@0=1")),
            (&["a@b@=1"], Some("a@b@=1")),
            (&["@a=1"], None),
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
        // Those of more than 128 go first, wherever they stand.
        let (huge, short) = ("v".repeat(255), "v".repeat(100));
        let long = state(&[&format!("a={huge},b={short},c={huge},d={short}")]).unwrap();
        assert_eq!(long, format!("a={huge},b={short},d={short}"));
        let long = state(&[&format!("k={short},").repeat(8)]).unwrap();
        assert_eq!(long.split(',').count(), 4);
    }

    /// What is valid by the grammar alone.
    fn parts(parent: &str) -> Option<(&str, &str)> {
        let grammar = r"^(00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}|([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?)$";
        let found = Regex::new(grammar).unwrap().captures(parent)?;
        let of = |one: usize, other: usize| found.get(one).or_else(|| found.get(other));
        let (trace, span) = (of(2, 5)?.as_str(), of(3, 6)?.as_str());
        let is_version = found
            .get(4)
            .is_none_or(|it| !matches!(it.as_str(), "00" | "ff"));
        let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
        (is_version && !is_zero(trace) && !is_zero(span)).then_some((trace, span))
    }

    /// A `traceparent`, or nearly one.
    fn parent() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "(00|00|01|cc|ff|[0-9a-f]{2})-([0-9a-f]{32}|0{32})-([0-9a-f]{16}|0{16})-[0-9a-f]{2}(-[ -~]{0,9})?",
            2 => "00-[0-9a-fA-F]{31,33}-[0-9a-f]{15,17}-[0-9a-fg]{1,3}",
            1 => "[0-9a-f-]{50,60}",
            1 => "[ -~]{0,60}",
        ]
    }

    /// A member of `tracestate`, or nearly one, with what may stand around it.
    fn member() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => r"[ \t]{0,2}[a-z0-9][a-z0-9_*/@-]{0,20}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,200}[\x21-\x2b\x2d-\x3c\x3e-\x7e][ \t]{0,2}",
            1 => "[a-z@]{1,3}=[ -~]{0,9}",
            1 => "[a-z]{250,260}=[a-z]{250,260}",
            1 => "[ \t]{0,2}",
        ]
    }

    proptest! {
        #[test]
        fn whatever_comes_what_goes_on_is_valid(
            parents in prop::collection::vec(parent(), 0..3),
            states in prop::collection::vec(prop::collection::vec(member(), 0..20), 0..3),
        ) {
            let mut lines: Vec<(&'static str, String)> = Vec::new();
            lines.extend(parents.iter().map(|line| ("traceparent", line.clone())));
            lines.extend(states.iter().map(|line| ("tracestate", line.join(","))));
            let lines: Vec<_> = lines.iter().map(|(name, line)| (*name, line.as_str())).collect();
            let (first, state) = written(&lines);
            let sevens = ("07".repeat(16), "07".repeat(8));
            let (trace, span) = parts(&first).unwrap();
            prop_assert!(first.starts_with("00-") && first.len() == 55 && span == sevens.1);
            // A header's value has no blanks at its ends.
            let valid = match &*parents {
                [one] => parts(one.trim_matches([' ', '\t'])),
                _ => None,
            };
            match valid {
                Some((theirs, _)) => prop_assert_eq!(trace, theirs),
                None => {
                    prop_assert_eq!((trace, &first[53..]), (&*sevens.0, "03"));
                    prop_assert!(state.is_none());
                }
            }
            let Some(state) = state else { return Ok(()) };
            prop_assert!(state.len() <= STATE_LENGTH);
            let members: Vec<&str> = state.split(',').collect();
            prop_assert!(members.len() <= STATE_MEMBERS);
            let grammar = Regex::new(r"^[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$").unwrap();
            let mut theirs = states.iter().flatten().map(|member| member.trim_matches([' ', '\t']));
            for member in members {
                prop_assert!(grammar.is_match(member), "{member:?}");
                // In the order in which they came.
                prop_assert!(theirs.any(|one| one == member));
            }
            // What goes on goes on again.
            let again = written(&[("traceparent", &first), ("tracestate", &state)]);
            prop_assert_eq!(parts(&again.0).map(|(trace, _)| trace), Some(trace));
            prop_assert_eq!(again.1, Some(state));
        }
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
