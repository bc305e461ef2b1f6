//! What stands in front of a streamed answer: metadata in JSON, then eight NULs.

use std::fmt;

use bytes::Bytes;

/// Parts a streamed answer into its metadata and its body.
///
/// ```
/// use bytes::Bytes;
/// use tower_apigw::aws::Prelude;
///
/// let mut prelude = Prelude::new();
/// assert!(prelude.push(Bytes::from_static(b"{\"statusCode\":201}\0\0\0"))?.is_none());
/// let split = prelude.push(Bytes::from_static(b"\0\0\0\0\0rest"))?.unwrap();
/// assert_eq!(split.metadata, b"{\"statusCode\":201}");
/// assert_eq!(split.body, "rest");
/// # Ok::<_, tower_apigw::aws::PreludeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Prelude {
    buffer: Vec<u8>,
}

/// An answer, parted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// In front of the delimiter.
    pub metadata: Vec<u8>,
    /// The start of the body.
    pub body: Bytes,
}

/// There is no delimiter in the first 16 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreludeError(());

impl fmt::Display for PreludeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the first 16 KiB of the stream hold no metadata that eight NULs end")
    }
}

impl std::error::Error for PreludeError {}

const DELIMITER: [u8; 8] = [0; 8];

impl Prelude {
    /// The most that stands in front of the body, in bytes, delimiter included.
    // AWS: response-transfer-mode-lambda — the delimiter lies in the first 16 KB.
    pub const LIMIT: usize = 16 * 1024;

    /// At the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream; gives the parts when the delimiter is there.
    ///
    /// # Errors
    /// The limit is reached without a delimiter.
    pub fn push(&mut self, mut input: Bytes) -> Result<Option<Split>, PreludeError> {
        let known = self.buffer.len();
        let taken = input.len().min(Self::LIMIT.saturating_sub(known));
        self.buffer
            .extend_from_slice(input.get(..taken).unwrap_or_default());
        // The delimiter may have begun in what came before.
        let from = known.saturating_sub(DELIMITER.len() - 1);
        let searched = self.buffer.get(from..).unwrap_or_default();
        let found = memchr::memmem::find(searched, &DELIMITER).map(|at| at + from);
        match found {
            Some(at) => {
                let body = input.split_off((at + DELIMITER.len()).saturating_sub(known).min(taken));
                self.buffer.truncate(at);
                Ok(Some(Split {
                    metadata: std::mem::take(&mut self.buffer),
                    body,
                }))
            }
            None if self.buffer.len() >= Self::LIMIT => Err(PreludeError(())),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_may_come_in_any_parts() {
        let stream = b"{\"headers\":{}}\0\0\0\0\0\0\0\0\0body";
        for size in 1..stream.len() {
            let mut prelude = Prelude::new();
            let mut parts = stream.chunks(size);
            let split = parts
                .by_ref()
                .find_map(|part| prelude.push(Bytes::copy_from_slice(part)).unwrap())
                .unwrap();
            let body: Vec<u8> = split
                .body
                .iter()
                .copied()
                .chain(parts.flatten().copied())
                .collect();
            assert_eq!(split.metadata, b"{\"headers\":{}}", "{size}");
            // The ninth NUL belongs to the body.
            assert_eq!(body, b"\0body", "{size}");
        }
    }

    #[test]
    fn it_must_come_within_the_limit() {
        let fits = [vec![b' '; Prelude::LIMIT - 8], vec![0; 8]].concat();
        assert!(Prelude::new().push(fits.into()).unwrap().is_some());
        let late = [vec![b' '; Prelude::LIMIT - 7], vec![0; 8]].concat();
        assert!(Prelude::new().push(late.into()).is_err());
    }
}
