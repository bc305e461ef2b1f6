//! `traceparent` and `tracestate` of a client: what goes on is valid, within the limits, and goes on again; what
//! is not valid begins a trace. Lines before an empty one are `traceparent`, those behind it `tracestate`.
#![no_main]

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::ready;

use http::{HeaderMap, HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use tower::{Layer, Service, service_fn};
use tower_apigw::Body;
use tower_apigw::layer::TraceContextLayer;

/// What a backend would see.
fn passed(headers: HeaderMap) -> HeaderMap {
    let seen = RefCell::new(HeaderMap::new());
    let inner = service_fn(|request: Request<Body>| {
        *seen.borrow_mut() = request.headers().clone();
        ready(Ok::<_, Infallible>(()))
    });
    let mut request = Request::new(Body::empty());
    *request.headers_mut() = headers;
    // The inner service is called at once.
    drop(TraceContextLayer::new().layer(inner).call(request));
    seen.into_inner()
}

/// The parts of a valid `traceparent`: the ids, and whether it is sampled.
fn parent(text: &[u8]) -> Option<(&[u8], &[u8], bool)> {
    let hex = |text: &[u8]| text.iter().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    let id = |id: &[u8]| hex(id) && id.iter().any(|digit| *digit != b'0');
    let (head, rest) = text.split_at_checked(55)?;
    let dashes = [2, 35, 52].iter().all(|at| head[*at] == b'-');
    let (version, trace, span, flags) = (&head[..2], &head[3..35], &head[36..52], &head[53..]);
    let ends = rest.is_empty() || version != b"00" && rest[0] == b'-';
    let fits = dashes && hex(version) && version != b"ff" && id(trace) && id(span) && hex(flags) && ends;
    let is_sampled = matches!(flags[1], b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f');
    fits.then_some((trace, span, is_sampled))
}

fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let first = key.bytes().next();
    let keys = |c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    let values = |c| matches!(c, b' '..=b'~') && c != b'=' && c != b',';
    first.is_some_and(|c| c.is_ascii_alphanumeric())
        && key.bytes().all(keys)
        && (1..=256).contains(&key.len())
        && value.bytes().all(values)
        && (1..=256).contains(&value.len())
        && !value.ends_with(' ')
}

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    assert!(values.next().is_none(), "two of {name}");
    value
}

fuzz_target!(|text: &[u8]| {
    let mut headers = HeaderMap::new();
    let mut name = "traceparent";
    for line in text.split(|byte| *byte == b'\n') {
        match HeaderValue::from_bytes(line) {
            Ok(line) if line.is_empty() => name = "tracestate",
            Ok(line) => {
                headers.append(name, line);
            }
            Err(_) => return,
        }
    }
    let mut parents = headers.get_all("traceparent").iter();
    let theirs = match (parents.next(), parents.next()) {
        (Some(one), None) => parent(one.as_bytes()),
        _ => None,
    };

    let passed_on = passed(headers.clone());
    let ours = one(&passed_on, "traceparent").expect("a traceparent").as_bytes();
    assert!(ours.len() == 55 && ours.starts_with(b"00-"));
    let (trace, span, is_sampled) = parent(ours).expect("a valid traceparent");
    let state = one(&passed_on, "tracestate");
    match theirs {
        Some((their_trace, their_span, was_sampled)) => {
            assert_eq!((trace, is_sampled), (their_trace, was_sampled));
            // By chance once in 2^64.
            assert_ne!(span, their_span);
        }
        None => assert!(is_sampled && state.is_none()),
    }
    if let Some(state) = state {
        let state = state.to_str().expect("visible characters");
        assert!(state.len() <= 512 && state.split(',').count() <= 32);
        assert!(state.split(',').all(is_member), "{state:?}");
    }
    // What went on goes on as it is.
    let again = passed(passed_on.clone());
    assert_eq!(one(&again, "tracestate"), state);
    let ours = one(&again, "traceparent").and_then(|ours| parent(ours.as_bytes()));
    assert_eq!(ours.map(|(trace, _, is_sampled)| (trace, is_sampled)), Some((trace, is_sampled)));
});
