//! The names of headers as a client spelled them, read from the bytes of an HTTP/1 connection.
//!
//! hyper keeps the spelling to itself, so the bytes are looked at on their way to it: heads are
//! taken apart into lines, bodies are only counted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;

use crate::mapping::OriginalHeaderNames;
use crate::server::framing::{Framing, Skipped};

/// Names on their way from the bytes of a connection to its requests, in the order of the heads.
#[derive(Debug, Clone, Default)]
pub(super) struct Spelled(Arc<Mutex<VecDeque<Names>>>);

/// The names of a head, and how many lines it has.
#[derive(Debug)]
struct Names {
    names: OriginalHeaderNames,
    lines: usize,
}

impl Spelled {
    fn push(&self, names: Names) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(names);
    }

    /// The names of the next request, if they are as many as `headers`. Whether they are the same
    /// is seen where one is looked up: most requests are served without that.
    pub(super) fn next(&self, headers: &HeaderMap) -> Option<OriginalHeaderNames> {
        let next = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()?;
        (next.lines == headers.len()).then_some(next.names)
    }
}

/// Finds the heads in the bytes that a client sends.
#[derive(Debug)]
pub(super) struct Tap {
    state: State,
    /// The beginning of a head that is not there as a whole.
    partial: Vec<u8>,
    largest_head: usize,
    /// How many lines of headers are read.
    lines: usize,
    spelled: Spelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Body(Framing),
    /// This is no HTTP/1, or not any more. hyper says so to the client.
    Lost,
}

impl Tap {
    /// A tap for a connection whose heads have at most `largest_head` bytes, and so many `lines`.
    pub(super) fn new(largest_head: usize, lines: usize, spelled: Spelled) -> Self {
        Self {
            state: State::Head,
            partial: Vec::new(),
            largest_head,
            lines,
            spelled,
        }
    }

    /// Looks at the next bytes of the connection.
    pub(super) fn see(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = match &mut self.state {
                State::Lost => return,
                State::Head => self.head(bytes),
                State::Body(framing) => match framing.skip(bytes) {
                    Skipped::All => return,
                    Skipped::End(used) => {
                        self.state = State::Head;
                        Some(used)
                    }
                    Skipped::Broken => None,
                },
            };
            let Some(rest) = used.and_then(|used| bytes.get(used..)) else {
                self.state = State::Lost;
                self.partial = Vec::new();
                return;
            };
            bytes = rest;
        }
    }

    /// Reads a head, or a part of it. How many bytes it took; none for what is no head.
    fn head(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.partial.is_empty() {
            // Blank lines may stand before a request.
            let blank = bytes
                .iter()
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
            if blank > 0 {
                return Some(blank);
            }
            return match parse(bytes, self.lines)? {
                Parsed::Complete(head) => self.finish(head),
                Parsed::Partial => self.keep(bytes),
            };
        }
        let known = self.partial.len();
        let Some(end) = end_of_head(&self.partial, bytes) else {
            return self.keep(bytes);
        };
        self.keep(bytes.get(..end)?)?;
        let partial = std::mem::take(&mut self.partial);
        match parse(&partial, self.lines)? {
            Parsed::Complete(head) => {
                self.finish(head)?;
                Some(partial.len() - known)
            }
            // hyper does not see the end of a head here either.
            Parsed::Partial => {
                self.partial = partial;
                Some(end)
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.partial.len() + bytes.len() > self.largest_head {
            return None;
        }
        self.partial.extend_from_slice(bytes);
        Some(bytes.len())
    }

    fn finish(&mut self, head: Head) -> Option<usize> {
        self.spelled.push(head.names);
        self.state = match head.body {
            None => State::Head,
            Some(framing) => State::Body(framing),
        };
        Some(head.length)
    }
}

/// Where a head ends in `bytes`, which follow `known`; both LF and CRLF end a line.
fn end_of_head(known: &[u8], bytes: &[u8]) -> Option<usize> {
    let before = known
        .get(known.len().saturating_sub(2)..)
        .unwrap_or_default();
    // Whether the last line that ended was followed by nothing but a CR since.
    let mut at_line_start = matches!(before, [.., b'\n'] | [b'\n', b'\r']);
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' if at_line_start => return Some(index + 1),
            b'\n' => at_line_start = true,
            b'\r' => {}
            _ => at_line_start = false,
        }
    }
    None
}

enum Parsed {
    Complete(Head),
    Partial,
}

struct Head {
    names: Names,
    length: usize,
    body: Option<Framing>,
}

/// Goes through the lines of a head. hyper parses it and refuses what is none; here it only counts
/// where it ends, what follows, and which bytes its names are in. None for what ends HTTP/1 on this
/// connection.
fn parse(bytes: &[u8], most: usize) -> Option<Parsed> {
    let mut ends = memchr::memchr_iter(b'\n', bytes);
    let Some(end) = ends.next() else {
        let may_be_one = bytes.first()?.is_ascii_graphic();
        return may_be_one.then_some(Parsed::Partial);
    };
    if !is_request_line(bytes.get(..end)?) {
        return None;
    }
    let first = end + 1;
    let (mut start, mut lines, mut stated) = (first, 0, Stated::default());
    for end in ends {
        let line = bytes.get(start..end)?;
        if matches!(line, [] | [b'\r']) {
            let names = OriginalHeaderNames::of_lines(bytes.get(first..start)?);
            return Some(Parsed::Complete(Head {
                names: Names { names, lines },
                length: end + 1,
                body: stated.body()?,
            }));
        }
        stated.look(line);
        lines += 1;
        if lines > most {
            return None;
        }
        start = end + 1;
    }
    Some(Parsed::Partial)
}

fn is_request_line(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    (line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0"))
        && line.first().is_some_and(u8::is_ascii_graphic)
        && !line.starts_with(b"CONNECT ")
}

/// What the lines of a head say of the body.
#[derive(Default)]
struct Stated<'a> {
    coding: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
}

impl<'a> Stated<'a> {
    fn look(&mut self, line: &'a [u8]) {
        // Most names begin with another letter.
        match line {
            [b'T' | b't', ..] => {
                self.coding = value_of(b"transfer-encoding:", line).or(self.coding);
            }
            [b'C' | b'c', ..] => {
                self.length = value_of(b"content-length:", line).or(self.length);
            }
            _ => {}
        }
    }

    /// The body, if one follows.
    fn body(&self) -> Option<Option<Framing>> {
        if let Some(coding) = self.coding {
            let last = coding.rsplit(|&byte| byte == b',').next()?;
            let chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            return chunked.then_some(Some(Framing::CHUNKED));
        }
        let Some(length) = self.length else {
            return Some(None);
        };
        let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
        let length = std::str::from_utf8(length).ok().filter(|_| digits)?;
        let length = length.parse().ok()?;
        Some((length > 0).then_some(Framing::Length(length)))
    }
}

/// The value of a line that begins with `name`, which is in lower case and has its colon.
fn value_of<'a>(name: &[u8], line: &'a [u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The names of a head, each followed by a line end.
    type Lines = String;

    fn joined(head: &Names) -> Lines {
        assert_eq!(head.names.iter().count(), head.lines);
        head.names.iter().map(|name| format!("{name}\n")).collect()
    }

    fn seen(parts: &[&[u8]], largest_head: usize) -> (Vec<Lines>, State) {
        let spelled = Spelled::default();
        let mut tap = Tap::new(largest_head, 100, spelled.clone());
        for part in parts {
            tap.see(part);
        }
        assert!(tap.partial.len() <= largest_head);
        let names = spelled.0.lock().unwrap().iter().map(joined).collect();
        (names, tap.state)
    }

    const STREAM: &[u8] =
        b"\r\n\nPOST /a HTTP/1.1\r\nHost: x\r\nX-ID: 1\r\nx-id: 2\r\nContent-Length: 20\r\n\r\n\
        GET / HTTP/1.1\r\nA: b\r\nPUT / HTTP/1.1\r\nHOST:x\r\nTransfer-Encoding: Chunked\r\n\r\n\
        3;n=\"GET\"\r\n\r\n\r\r\n0\r\nTrailer: T\r\n\r\n\
        GET /b HTTP/1.1\nhost: x\nAccept:\n\nGET /c HTTP/1.0\r\n\r\nHEAD / HTTP/1.1\r\nlAsT:";

    fn expected() -> Vec<Lines> {
        vec![
            "Host\nX-ID\nx-id\nContent-Length\n".into(),
            "HOST\nTransfer-Encoding\n".into(),
            "host\nAccept\n".into(),
            String::new(),
        ]
    }

    #[test]
    fn every_cut_in_two_and_three_gives_the_same_names() {
        // The first body is a part of a head, and the second holds line ends.
        let stream = STREAM.to_vec();
        assert_eq!(seen(&[&stream], 1000), (expected(), State::Head));
        for first in 0..stream.len() {
            let (a, rest) = stream.split_at(first);
            assert_eq!(seen(&[a, rest], 1000).0, expected(), "cut at {first}");
            for second in (0..rest.len()).step_by(7) {
                let (b, c) = rest.split_at(second);
                assert_eq!(
                    seen(&[a, b, c], 1000).0,
                    expected(),
                    "cuts at {first} and {second}"
                );
            }
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(seen(&bytes, 1000).0, expected());
    }

    #[test]
    fn what_is_no_http_ends_it() {
        for broken in [
            &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
            b"\x16\x03\x01\x02\x00",
            b"\x16\x03\x01\x02\x00\r\n",
            b"GET /\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
            b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
            b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        ] {
            let (names, state) = seen(&[broken, b"GET / HTTP/1.1\r\nA: b\r\n\r\n"], 1000);
            assert_eq!(
                (names, state),
                (vec![], State::Lost),
                "{}",
                broken.escape_ascii()
            );
        }
    }

    #[test]
    fn a_head_is_held_up_to_the_limit() {
        let line = b"A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
        let endless: Vec<&[u8]> = [&b"GET / HTTP/1.1\r\n"[..]]
            .into_iter()
            .chain([&line[..]; 90])
            .collect();
        assert_eq!(seen(&endless, 1000).1, State::Lost);
    }

    /// A request and the names of its head.
    fn request() -> impl Strategy<Value = (Vec<u8>, Lines)> {
        let name = "[A-Za-z][A-Za-z0-9-]{0,8}".prop_map(|name| format!("x{name}"));
        let header = (name, "[ -~]{0,12}");
        let body = prop_oneof![
            Just(None),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| {
                let head = ("Content-Length".to_owned(), bytes.len().to_string());
                Some((head, bytes))
            }),
            prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..4).prop_map(
                |chunks| {
                    let mut bytes = Vec::new();
                    for chunk in &chunks {
                        bytes.extend(format!("{:x};e\r\n", chunk.len()).bytes());
                        bytes.extend(chunk);
                        bytes.extend(b"\r\n");
                    }
                    bytes.extend(b"0\r\nT: 1\r\n\r\n");
                    Some((
                        ("tRansfer-encoding".to_owned(), "chunked".to_owned()),
                        bytes,
                    ))
                }
            ),
        ];
        (prop::collection::vec(header, 0..6), body, any::<bool>()).prop_map(
            |(mut headers, body, crlf)| {
                let end = if crlf { "\r\n" } else { "\n" };
                let mut bytes = format!("POST /p HTTP/1.1{end}").into_bytes();
                let mut content = Vec::new();
                if let Some((header, more)) = body {
                    headers.push(header);
                    content = more;
                }
                let mut names = String::new();
                for (name, value) in headers {
                    bytes.extend(format!("{name}: {value}{end}").bytes());
                    names.push_str(&format!("{name}\n"));
                }
                bytes.extend(end.bytes());
                bytes.extend(content);
                (bytes, names)
            },
        )
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_names(
            requests in prop::collection::vec(request(), 1..6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let stream: Vec<u8> = requests.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
            let names: Vec<Lines> = requests.into_iter().map(|(_, names)| names).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.push(stream.len());
            cuts.sort_unstable();
            let mut start = 0;
            let parts: Vec<&[u8]> = cuts
                .into_iter()
                .map(|cut| {
                    let part = &stream[start..cut];
                    start = cut;
                    part
                })
                .collect();
            prop_assert_eq!(seen(&parts, 4096), (names, State::Head));
        }

        #[test]
        fn no_bytes_do_harm(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..10)) {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            seen(&parts, 100);
        }
    }
}
