//! A body as a trace keeps it.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use memchr::memmem;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::trace::mask::TELLING;

/// A body, or as much of it as was seen.
///
/// As JSON it is its text; one that is no UTF-8, or of which not all was kept, is an object with the
/// members `text` or `base64`, and `length` and `kept` in bytes, and so is one that broke off, with
/// `broken: true`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload {
    kept: Bytes,
    length: u64,
    broken: bool,
}

impl Payload {
    /// How many bytes of a stream are kept.
    pub const MOST: usize = 1024 * 1024;

    /// A body in memory.
    pub(crate) fn whole(bytes: &Bytes) -> Self {
        Self {
            length: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            kept: bytes.clone(),
            broken: false,
        }
    }

    /// No more will come, though it is not whole.
    pub(crate) fn break_off(&mut self) {
        self.broken = true;
    }

    /// Whether the body broke off.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    pub(crate) fn extend(&mut self, data: &Bytes) {
        let more = u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(more);
        let room = Self::MOST.saturating_sub(self.kept.len());
        let data = data.get(..room).unwrap_or(data);
        if self.kept.is_empty() {
            self.kept = Bytes::copy_from_slice(data);
        } else if !data.is_empty() {
            let mut kept = BytesMut::from(std::mem::take(&mut self.kept));
            kept.extend_from_slice(data);
            self.kept = kept.freeze();
        }
    }

    /// Puts `with` wherever `what` stands, be the rest text or not, and asterisks where it begins at
    /// the end of what was kept.
    pub(super) fn replace(&mut self, what: &str, with: &str) {
        let what = what.as_bytes();
        let cut = match self.is_whole() {
            true => None,
            false => (TELLING..what.len())
                .rev()
                .find(|&length| what.get(..length).is_some_and(|it| self.kept.ends_with(it))),
        };
        if cut.is_none() && memmem::find(&self.kept, what).is_none() {
            return;
        }
        let mut masked = Vec::with_capacity(self.kept.len());
        let mut at = 0;
        for found in memmem::find_iter(&self.kept, what) {
            masked.extend_from_slice(self.kept.get(at..found).unwrap_or_default());
            masked.extend_from_slice(with.as_bytes());
            at = found + what.len();
        }
        masked.extend_from_slice(self.kept.get(at..).unwrap_or_default());
        if let Some(cut) = cut {
            let from = masked.len().saturating_sub(cut);
            masked.iter_mut().skip(from).for_each(|byte| *byte = b'*');
        }
        // What is beyond of it has no part in this.
        let beyond = self
            .length
            .saturating_sub(u64::try_from(self.kept.len()).unwrap_or_default());
        self.length = beyond.saturating_add(u64::try_from(masked.len()).unwrap_or(u64::MAX));
        self.kept = Bytes::from(masked);
    }

    /// The bytes that were kept.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.kept
    }

    /// How long the body is, in bytes, as far as it was read.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What was kept as text; bytes that are no UTF-8 become U+FFFD.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.kept)
    }

    fn is_whole(&self) -> bool {
        u64::try_from(self.kept.len()) == Ok(self.length)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.length)
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(&self.kept);
        match text {
            Ok(text) if self.is_whole() && !self.broken => serializer.serialize_str(text),
            _ => {
                let mut map = serializer.serialize_map(Some(3 + usize::from(self.broken)))?;
                match text {
                    Ok(text) => map.serialize_entry("text", text)?,
                    Err(_) => map.serialize_entry("base64", &STANDARD.encode(&self.kept))?,
                }
                map.serialize_entry("length", &self.length)?;
                map.serialize_entry("kept", &self.kept.len())?;
                if self.broken {
                    map.serialize_entry("broken", &true)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_in_bytes_and_at_the_cut() {
        let hidden = |bytes: &[u8], length: u64| {
            let mut payload = Payload {
                kept: Bytes::copy_from_slice(bytes),
                length,
                broken: false,
            };
            payload.replace("secret-1", "********");
            (payload.bytes().to_vec(), payload.length())
        };
        assert_eq!(
            hidden(b"\xFFsecret-1\xFE secret-1", 19),
            (b"\xFF********\xFE ********".to_vec(), 19)
        );
        // Cut off, and as a whole.
        assert_eq!(hidden(b"a secret", 100), (b"a ******".to_vec(), 100));
        assert_eq!(hidden(b"a secret", 8), (b"a secret".to_vec(), 8));
        assert_eq!(hidden(b"a secre", 100), (b"a secre".to_vec(), 100));
        let mut longer = Payload::whole(&"x secret-1 y".into());
        longer.replace("secret-1", "*");
        assert_eq!((longer.text().as_ref(), longer.length()), ("x * y", 5));
    }

    #[test]
    fn json_of_texts_bytes_and_long_streams() {
        let json = |payload: &Payload| serde_json::to_string(payload).unwrap();
        assert_eq!(json(&Payload::whole(&"a\"b".into())), r#""a\"b""#);
        assert_eq!(
            json(&Payload::whole(&Bytes::from_static(b"\xFF"))),
            r#"{"base64":"/w==","length":1,"kept":1}"#
        );
        let mut stream = Payload::default();
        for _ in 0..3 {
            stream.extend(&Bytes::from(vec![b'x'; 512 * 1024]));
        }
        assert_eq!(stream.length(), 3 * 512 * 1024);
        assert_eq!(stream.bytes().len(), Payload::MOST);
        assert!(json(&stream).ends_with(r#","length":1572864,"kept":1048576}"#));
    }
}
