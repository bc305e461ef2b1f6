//! Where the body of a request ends, so that the next head can be found behind it.

/// What is left of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// Chunks, up to the empty one and the trailers.
    Chunked { step: Step, size: u64 },
}

/// What comes next in a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    SizeStart,
    Size,
    Blank,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
}

/// How far some bytes brought a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skipped {
    /// All of them belong to the body, and more may come.
    All,
    /// The body ended after so many of them.
    End(usize),
    /// This is no chunked body.
    Broken,
}

impl Framing {
    pub(super) const CHUNKED: Self = Self::Chunked {
        step: Step::SizeStart,
        size: 0,
    };

    /// Skips what of `bytes` belongs to the body.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> Skipped {
        match self {
            Self::Length(left) => match usize::try_from(*left) {
                Ok(length) if length <= bytes.len() => Skipped::End(length),
                _ => {
                    *left -= bytes.len() as u64;
                    Skipped::All
                }
            },
            Self::Chunked { step, size } => skip_chunks(step, size, bytes),
        }
    }
}

// As strict as hyper, which reads the same bytes: what it refuses need not be followed.
fn skip_chunks(step: &mut Step, size: &mut u64, bytes: &[u8]) -> Skipped {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if *step == Step::Data {
            let rest = bytes.len() - at;
            match usize::try_from(*size) {
                Ok(length) if length <= rest => {
                    at += length;
                    *size = 0;
                    *step = Step::DataCr;
                }
                _ => {
                    *size -= rest as u64;
                    return Skipped::All;
                }
            }
            continue;
        }
        at += 1;
        *step = match (*step, byte) {
            (Step::EndLf, b'\n') => return Skipped::End(at),
            (Step::SizeStart | Step::Size, _) if byte.is_ascii_hexdigit() => {
                let digit = u64::from(char::from(byte).to_digit(16).unwrap_or_default());
                let Some(more) = size
                    .checked_mul(16)
                    .and_then(|size| size.checked_add(digit))
                else {
                    return Skipped::Broken;
                };
                *size = more;
                Step::Size
            }
            (Step::Size | Step::Blank, b'\t' | b' ') => Step::Blank,
            (Step::Size | Step::Blank, b';') => Step::Extension,
            (Step::Size | Step::Blank | Step::Extension, b'\r') => Step::SizeLf,
            (Step::Extension, b'\n') => return Skipped::Broken,
            (Step::Extension, _) => Step::Extension,
            (Step::SizeLf, b'\n') if *size == 0 => Step::TrailerStart,
            (Step::SizeLf, b'\n') => Step::Data,
            (Step::DataCr, b'\r') => Step::DataLf,
            (Step::DataLf, b'\n') => Step::SizeStart,
            (Step::TrailerStart, b'\r') => Step::EndLf,
            (Step::Trailer, b'\r') => Step::TrailerLf,
            (Step::TrailerStart | Step::Trailer, _) => Step::Trailer,
            (Step::TrailerLf, b'\n') => Step::TrailerStart,
            _ => return Skipped::Broken,
        };
    }
    Skipped::All
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(bytes: &[u8]) -> Skipped {
        let mut framing = Framing::CHUNKED;
        framing.skip(bytes)
    }

    #[test]
    fn chunks_with_extensions_and_trailers() {
        assert_eq!(chunked(b"0\r\n\r\nGET"), Skipped::End(5));
        let body =
            b"5 ;a=\"b\"\r\nhello\r\n00A\r\n\r\n0\r\n\r\n0\r\n\r\n000\r\nX-T: v\r\nY: \r\n\r\n";
        assert_eq!(chunked(body), Skipped::End(body.len()));
        for end in 0..body.len() {
            assert_eq!(chunked(&body[..end]), Skipped::All, "{end}");
        }
    }

    #[test]
    fn what_is_no_chunk() {
        for broken in [
            &b"\r\n"[..],
            b"x\r\n",
            b"5\nhello",
            b"5\r\nhello!",
            b"5;a\nb\r\n",
            b"ffffffffffffffff0\r\n",
            b"5 5\r\n",
            b"0\r\n\r\r",
        ] {
            assert_eq!(
                chunked(broken),
                Skipped::Broken,
                "{}",
                broken.escape_ascii()
            );
        }
    }

    #[test]
    fn lengths() {
        let mut framing = Framing::Length(5);
        assert_eq!(framing.skip(b"abc"), Skipped::All);
        assert_eq!(framing.skip(b"deGET"), Skipped::End(2));
        assert_eq!(Framing::Length(u64::MAX).skip(b"abc"), Skipped::All);
    }
}
