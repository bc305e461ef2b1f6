//! SHA-256, and how digests are written.

use std::fmt;

use ring::digest;

/// A SHA-256 that is fed in pieces.
///
/// ```
/// use tower_apigw::signing::Sha256;
///
/// let mut hash = Sha256::new();
/// hash.update(b"");
/// assert!(hash.finish().starts_with(&[0xe3, 0xb0, 0xc4, 0x42]));
/// ```
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Sha256 {
    /// A hash of nothing.
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was added.
    pub fn finish(self) -> [u8; 32] {
        array(self.0.finish().as_ref())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sha256").finish_non_exhaustive()
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The 32 bytes of a digest.
pub(super) fn array(digest: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest) {
        *to = *from;
    }
    out
}

/// A digest in lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hex([u8; 64]);

impl Hex {
    pub(super) fn of(digest: &[u8; 32]) -> Self {
        let mut out = [0; 64];
        for (pair, byte) in out.chunks_exact_mut(2).zip(digest) {
            if let [high, low] = pair {
                *high = digit(byte >> 4);
                *low = digit(byte & 15);
            }
        }
        Self(out)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Of a number below 16. Without a table or a branch, so that the compiler does many at once.
const fn digit(nibble: u8) -> u8 {
    nibble + b'0' + (b'a' - b'9' - 1) * (nibble > 9) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_nothing() {
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Hex::of(&sha256(b"")).as_str(), nothing);
        let mut pieces = Sha256::new();
        pieces.update(b"ab");
        pieces.update(b"c");
        assert_eq!(pieces.finish(), sha256(b"abc"));
    }
}
