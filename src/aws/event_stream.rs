//! `application/vnd.amazon.eventstream`: the frames in which a function's answer is streamed.

use std::fmt;

use bytes::{Buf, Bytes};
use crc32fast::Hasher;

/// Takes the frames of a streamed answer apart, as they come in.
///
/// The data of a frame is handed out as it arrives, as parts of what was read and without copies;
/// its checksum is seen at the end of the frame, and a wrong one is an error there.
///
/// ```
/// use bytes::Bytes;
/// use tower_apigw::aws::EventStream;
///
/// let mut stream = EventStream::new();
/// let mut input = Bytes::from_static(b"no frame at all");
/// assert!(stream.next(&mut input).is_err());
/// ```
#[derive(Debug)]
pub struct EventStream {
    state: State,
    crc: Hasher,
    /// The head, the header block or the checksum of a frame, until it is there as a whole.
    buffer: Vec<u8>,
    /// The payload of the last frame.
    details: Vec<u8>,
    /// How much of the payload is to come.
    left: usize,
    kind: Kind,
}

/// Something that came out of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// Data of the answer.
    Data(Bytes),
    /// The function is done.
    Complete,
    /// The function failed: its error as JSON or text.
    Failed(String),
}

/// A stream that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventStreamError(&'static str);

impl fmt::Display for EventStreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the event stream is broken: {}", self.0)
    }
}

impl std::error::Error for EventStreamError {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Headers { length: usize },
    Payload,
    Checksum,
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Chunk,
    Complete,
    Exception,
    Other,
}

const HEAD: usize = 12;
const CHECKSUM: usize = 4;
/// AWS: the limits of the framing — 128 KiB of headers, 24 MiB of payload.
const MOST_HEADERS: usize = 128 * 1024;
const MOST_PAYLOAD: usize = 24 * 1024 * 1024;
/// The most that is kept of what a failed function says.
const MOST_DETAILS: usize = 64 * 1024;

impl Default for EventStream {
    fn default() -> Self {
        Self::new()
    }
}

impl EventStream {
    /// What a framed body calls itself.
    pub const MEDIA_TYPE: &'static str = "application/vnd.amazon.eventstream";

    /// At the start of a stream.
    pub fn new() -> Self {
        Self {
            state: State::Head,
            crc: Hasher::new(),
            buffer: Vec::new(),
            details: Vec::new(),
            left: 0,
            kind: Kind::Other,
        }
    }

    /// Whether the function has said that it is done, or that it failed.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The next piece; takes from `input` what it uses, and gives nothing when it wants more.
    ///
    /// # Errors
    /// The input is no event stream, or a checksum is wrong. Nothing can be read afterwards.
    pub fn next(&mut self, input: &mut Bytes) -> Result<Option<Piece>, EventStreamError> {
        loop {
            match self.state {
                State::Done => {
                    input.clear();
                    return Ok(None);
                }
                State::Head => {
                    if !self.fill(input, HEAD) {
                        return Ok(None);
                    }
                    self.head()?;
                }
                State::Headers { length } => {
                    if !self.fill(input, length) {
                        return Ok(None);
                    }
                    self.crc.update(&self.buffer);
                    self.kind = kind(&self.buffer)?;
                    self.buffer.clear();
                    self.state = State::Payload;
                }
                State::Payload if self.left == 0 => self.state = State::Checksum,
                State::Payload => {
                    if input.is_empty() {
                        return Ok(None);
                    }
                    let data = input.split_to(self.left.min(input.len()));
                    self.left -= data.len();
                    self.crc.update(&data);
                    match self.kind {
                        Kind::Chunk => return Ok(Some(Piece::Data(data))),
                        Kind::Complete | Kind::Exception => {
                            let room = MOST_DETAILS.saturating_sub(self.details.len());
                            let kept = data.get(..data.len().min(room)).unwrap_or_default();
                            self.details.extend_from_slice(kept);
                        }
                        Kind::Other => {}
                    }
                }
                State::Checksum => {
                    if !self.fill(input, CHECKSUM) {
                        return Ok(None);
                    }
                    if let Some(piece) = self.end()? {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    /// Fills the buffer up to `wanted` bytes; whether they are there.
    fn fill(&mut self, input: &mut Bytes, wanted: usize) -> bool {
        let missing = wanted.saturating_sub(self.buffer.len());
        self.buffer
            .extend_from_slice(&input.split_to(missing.min(input.len())));
        self.buffer.len() >= wanted
    }

    fn head(&mut self) -> Result<(), EventStreamError> {
        let mut head = self.buffer.as_slice();
        let total = size(head.get_u32());
        let headers = size(head.get_u32());
        let checksum = head.get_u32();
        self.crc = Hasher::new();
        self.crc.update(self.buffer.get(..8).unwrap_or_default());
        if self.crc.clone().finalize() != checksum {
            return Err(EventStreamError("the checksum of a head is wrong"));
        }
        self.crc.update(self.buffer.get(8..).unwrap_or_default());
        let payload = headers
            .checked_add(HEAD + CHECKSUM)
            .and_then(|rest| total.checked_sub(rest))
            .ok_or(EventStreamError("the lengths of a frame do not fit"))?;
        if headers > MOST_HEADERS || payload > MOST_PAYLOAD {
            return Err(EventStreamError("a frame is over the limits"));
        }
        self.left = payload;
        self.buffer.clear();
        self.state = State::Headers { length: headers };
        Ok(())
    }

    fn end(&mut self) -> Result<Option<Piece>, EventStreamError> {
        let checksum = self.buffer.as_slice().get_u32();
        self.buffer.clear();
        if self.crc.clone().finalize() != checksum {
            return Err(EventStreamError("the checksum of a frame is wrong"));
        }
        self.state = State::Head;
        let told = std::mem::take(&mut self.details);
        Ok(match self.kind {
            Kind::Chunk | Kind::Other => None,
            Kind::Exception => {
                self.state = State::Done;
                Some(Piece::Failed(String::from_utf8_lossy(&told).into_owned()))
            }
            Kind::Complete => {
                self.state = State::Done;
                Some(complete(&told))
            }
        })
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

// AWS: Lambda API reference, InvokeWithResponseStreamCompleteEvent.
fn complete(told: &[u8]) -> Piece {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Complete {
        error_code: Option<String>,
        error_details: Option<String>,
    }
    match serde_json::from_slice(told) {
        Ok(Complete {
            error_code: Some(code),
            error_details,
        }) => Piece::Failed(format!("{code}: {}", error_details.unwrap_or_default())),
        _ => Piece::Complete,
    }
}

/// What a frame is, by its headers.
fn kind(headers: &[u8]) -> Result<Kind, EventStreamError> {
    const BROKEN: EventStreamError = EventStreamError("the headers of a frame are broken");
    let mut rest = headers;
    let mut kind = Kind::Other;
    while let Some((&length, behind)) = rest.split_first() {
        let (name, behind) = behind.split_at_checked(length.into()).ok_or(BROKEN)?;
        let (&of, behind) = behind.split_first().ok_or(BROKEN)?;
        let (size, behind) = match of {
            0 | 1 => (0, behind),
            2 => (1, behind),
            3 => (2, behind),
            4 => (4, behind),
            5 | 8 => (8, behind),
            9 => (16, behind),
            6 | 7 => {
                let (size, behind) = behind.split_first_chunk::<2>().ok_or(BROKEN)?;
                (u16::from_be_bytes(*size).into(), behind)
            }
            _ => return Err(BROKEN),
        };
        let (value, behind) = behind.split_at_checked(size).ok_or(BROKEN)?;
        match (name, value) {
            (b":message-type", b"exception" | b"error") => kind = Kind::Exception,
            (b":event-type", b"PayloadChunk") if kind == Kind::Other => kind = Kind::Chunk,
            (b":event-type", b"InvokeComplete") if kind == Kind::Other => kind = Kind::Complete,
            _ => {}
        }
        rest = behind;
    }
    Ok(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: &str, event: &str, payload: &[u8]) -> Vec<u8> {
        let mut headers = Vec::new();
        for (name, value) in [
            (":message-type", kind),
            (":event-type", event),
            (":content-type", "x/y"),
        ] {
            headers.push(u8::try_from(name.len()).unwrap());
            headers.extend_from_slice(name.as_bytes());
            headers.push(7);
            headers.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
            headers.extend_from_slice(value.as_bytes());
        }
        let total = u32::try_from(HEAD + headers.len() + payload.len() + CHECKSUM).unwrap();
        let mut out = total.to_be_bytes().to_vec();
        out.extend_from_slice(&u32::try_from(headers.len()).unwrap().to_be_bytes());
        let mut crc = Hasher::new();
        crc.update(&out);
        out.extend_from_slice(&crc.finalize().to_be_bytes());
        out.extend_from_slice(&headers);
        out.extend_from_slice(payload);
        let mut crc = Hasher::new();
        crc.update(&out);
        out.extend_from_slice(&crc.finalize().to_be_bytes());
        out
    }

    /// Everything that comes out when the input comes in parts of `size` bytes.
    fn read(input: &[u8], size: usize) -> Result<(Vec<u8>, Vec<Piece>), EventStreamError> {
        let mut stream = EventStream::new();
        let (mut data, mut ends) = (Vec::new(), Vec::new());
        for part in input.chunks(size) {
            let mut part = Bytes::copy_from_slice(part);
            while let Some(piece) = stream.next(&mut part)? {
                match piece {
                    Piece::Data(bytes) => data.extend_from_slice(&bytes),
                    end => ends.push(end),
                }
            }
            assert!(part.is_empty());
        }
        Ok((data, ends))
    }

    #[test]
    fn frames_come_in_any_parts() {
        let mut input = frame("event", "PayloadChunk", b"hello ");
        input.extend(frame("event", "SomethingNew", b"ignored"));
        input.extend(frame("event", "PayloadChunk", b""));
        input.extend(frame("event", "PayloadChunk", b"there"));
        input.extend(frame("event", "InvokeComplete", br#"{"ErrorCode":null}"#));
        for size in [1, 2, 3, 7, 16, 1000] {
            let (data, ends) = read(&input, size).unwrap();
            assert_eq!(data, b"hello there", "{size}");
            assert_eq!(ends, [Piece::Complete], "{size}");
        }
    }

    #[test]
    fn failures_are_told() {
        let failed = frame(
            "event",
            "InvokeComplete",
            br#"{"ErrorCode":"Runtime.Exited","ErrorDetails":"signal 9"}"#,
        );
        let (_, ends) = read(&failed, 5).unwrap();
        assert_eq!(ends, [Piece::Failed("Runtime.Exited: signal 9".into())]);
        let exception = frame("exception", "Throttled", b"slow down");
        assert_eq!(
            read(&exception, 9).unwrap().1,
            [Piece::Failed("slow down".into())]
        );
    }

    #[test]
    fn every_broken_byte_is_seen() {
        let sound = frame("event", "PayloadChunk", b"data");
        for at in 0..sound.len() {
            let mut broken = sound.clone();
            broken[at] ^= 1;
            assert!(read(&broken, 3).is_err(), "byte {at}");
        }
    }

    #[test]
    fn sizes_are_limited() {
        let mut head = u32::MAX.to_be_bytes().to_vec();
        head.extend_from_slice(&16_u32.to_be_bytes());
        let mut crc = Hasher::new();
        crc.update(&head);
        head.extend_from_slice(&crc.finalize().to_be_bytes());
        let error = read(&head, 12).unwrap_err();
        assert!(error.to_string().contains("limits"), "{error}");
    }
}
