//! Reads chunks: takes away what stands around the data.

use bytes::{Buf, Bytes, BytesMut};

use crate::signing::SigningError;

/// The longest line before a chunk, and the longest trailer.
const MAX_LINE: usize = 4096;
const MAX_TRAILERS: usize = 16;

/// Reads a body in chunks, whatever pieces it comes in. Signatures of chunks are not verified:
/// whoever reads with this signs anew.
///
/// ```
/// use bytes::BytesMut;
/// use tower_apigw::signing::chunked::{Decoded, Decoder};
///
/// let mut decoder = Decoder::new();
/// let mut body = BytesMut::from("5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n");
/// assert_eq!(decoder.decode(&mut body)?, Decoded::Data("hello".into()));
/// assert_eq!(decoder.decode(&mut body)?, Decoded::End);
/// # Ok::<_, tower_apigw::signing::SigningError>(())
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
    trailers: Vec<(String, String)>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Head,
    Data(u64),
    /// The line break behind the data.
    Break,
    Trailers,
    Done,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum Decoded {
    /// Data.
    Data(Bytes),
    /// Nothing yet: more has to come.
    More,
    /// The end.
    End,
}

const BROKEN: SigningError = SigningError::new("the body is not in chunks as its headers say");

impl Decoder {
    /// At the beginning of a body.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what can be read from the front of `input`.
    ///
    /// # Errors
    /// If the body is not in chunks, or a line is longer than 4 KiB.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Decoded, SigningError> {
        loop {
            match self.state {
                State::Done => return Ok(Decoded::End),
                State::Head => {
                    let Some(line) = line(input)? else {
                        return Ok(Decoded::More);
                    };
                    self.state = match length(&line)? {
                        0 => State::Trailers,
                        length => State::Data(length),
                    };
                }
                State::Data(left) => {
                    if input.is_empty() {
                        return Ok(Decoded::More);
                    }
                    let take =
                        usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
                    let data = input.split_to(take).freeze();
                    self.state = match left.saturating_sub(take as u64) {
                        0 => State::Break,
                        left => State::Data(left),
                    };
                    return Ok(Decoded::Data(data));
                }
                State::Break => match line(input)? {
                    None => return Ok(Decoded::More),
                    Some(line) if line.is_empty() => self.state = State::Head,
                    Some(_) => return Err(BROKEN),
                },
                State::Trailers => match line(input)? {
                    None => return Ok(Decoded::More),
                    Some(line) if line.is_empty() => self.state = State::Done,
                    Some(line) => self.trailer(&line)?,
                },
            }
        }
    }

    fn trailer(&mut self, line: &[u8]) -> Result<(), SigningError> {
        let text = std::str::from_utf8(line).map_err(|_| BROKEN)?;
        let (name, value) = text.split_once(':').ok_or(BROKEN)?;
        if self.trailers.len() >= MAX_TRAILERS {
            return Err(BROKEN);
        }
        self.trailers
            .push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        Ok(())
    }

    /// Whether all was read.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The trailers that were read, with lower-case names.
    pub fn trailers(&self) -> &[(String, String)] {
        &self.trailers
    }
}

/// A line without its end, if it is there as a whole.
fn line(input: &mut BytesMut) -> Result<Option<Bytes>, SigningError> {
    match memchr::memchr(b'\n', input) {
        Some(at) if at <= MAX_LINE => {
            let line = input.split_to(at).freeze();
            input.advance(1);
            match line.strip_suffix(b"\r") {
                Some(text) => Ok(Some(line.slice(..text.len()))),
                None => Err(BROKEN),
            }
        }
        None if input.len() <= MAX_LINE => Ok(None),
        Some(_) | None => Err(BROKEN),
    }
}

/// The length in the line before a chunk.
fn length(line: &[u8]) -> Result<u64, SigningError> {
    let end = memchr::memchr(b';', line).unwrap_or(line.len());
    let digits = line.get(..end).unwrap_or_default();
    let text = std::str::from_utf8(digits).map_err(|_| BROKEN)?;
    // `from_str_radix` takes a sign.
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(BROKEN);
    }
    u64::from_str_radix(text, 16).map_err(|_| BROKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (Vec<u8>, Vec<(String, String)>);

    fn read(body: &[u8], step: usize) -> Result<Read, SigningError> {
        let mut decoder = Decoder::new();
        let (mut input, mut out) = (BytesMut::new(), Vec::new());
        for piece in body.chunks(step) {
            input.extend_from_slice(piece);
            loop {
                match decoder.decode(&mut input)? {
                    Decoded::Data(data) => out.extend_from_slice(&data),
                    Decoded::More => break,
                    Decoded::End => return Ok((out, decoder.trailers().to_vec())),
                }
            }
        }
        Err(BROKEN)
    }

    #[test]
    fn in_any_pieces() {
        let body = b"3;chunk-signature=ab\r\nabc\r\nA\r\n0123\r\n6789\r\n0\r\nX-Amz-Checksum-Crc32: q==\r\nx-amz-trailer-signature:00\r\n\r\n";
        for step in 1..body.len() {
            let (data, trailers) = read(body, step).unwrap();
            assert_eq!(data, b"abc0123\r\n6789", "{step}");
            assert_eq!(trailers[0], ("x-amz-checksum-crc32".into(), "q==".into()));
            assert_eq!(trailers.len(), 2);
        }
    }

    #[test]
    fn what_is_not_in_chunks() {
        let long = [b"1;".as_slice(), &[b'x'; MAX_LINE], b"\r\na\r\n0\r\n\r\n"].concat();
        for body in [
            b"hello\r\nxxxxx".as_slice(),
            b"-1\r\n",
            b"+1\r\na\r\n",
            b"1\r\nab\r\n0\r\n\r\n",
            b"\r\n",
            b"1\na\n",
            b"fffffffffffffffff\r\n",
            b"0\r\nnothing\r\n\r\n",
            b"1\r\na\r\n0\r\n",
            &long,
        ] {
            assert!(read(body, 7).is_err(), "{}", body.escape_ascii());
        }
    }
}
