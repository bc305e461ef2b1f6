//! What a signature says about the body.

use crate::signing::Sha256;
use crate::signing::hash::{Hex, sha256};

/// What a signature says about the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload {
    /// It has this SHA-256.
    Sha256([u8; 32]),
    /// Nothing: `UNSIGNED-PAYLOAD`. Few services but S3 accept it.
    Unsigned,
    /// It comes in signed chunks: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`.
    Chunks,
    /// The same, with a signed trailer.
    ChunksAndTrailer,
    /// It comes in chunks without signatures, and a trailer with a checksum:
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
    UnsignedChunksAndTrailer,
}

impl Payload {
    /// A body in memory.
    pub fn of(body: &[u8]) -> Self {
        if body.is_empty() {
            return Self::empty();
        }
        Self::Sha256(sha256(body))
    }

    /// No body.
    pub fn empty() -> Self {
        Self::Sha256(EMPTY)
    }

    /// A body that was hashed on its way.
    pub fn hashed(hash: Sha256) -> Self {
        Self::Sha256(hash.finish())
    }

    /// Whether `x-amz-content-sha256` has to say it, whatever the service.
    pub(super) fn must_be_said(&self) -> bool {
        !matches!(self, Self::Sha256(_))
    }

    pub(super) fn text(&self) -> Text {
        match self {
            Self::Sha256(digest) => Text::Digest(Hex::of(digest)),
            Self::Unsigned => Text::Word("UNSIGNED-PAYLOAD"),
            Self::Chunks => Text::Word("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            Self::ChunksAndTrailer => Text::Word("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
            Self::UnsignedChunksAndTrailer => Text::Word("STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        }
    }
}

pub(super) enum Text {
    Digest(Hex),
    Word(&'static str),
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Digest(hex) => hex.as_str(),
            Self::Word(word) => word,
        }
    }
}

/// SHA-256 of nothing.
pub(super) const EMPTY: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_hashed_in_advance() {
        assert_eq!(EMPTY, sha256(b""));
        assert_eq!(Payload::of(b""), Payload::empty());
        let mut hash = Sha256::new();
        hash.update(b"abc");
        assert_eq!(Payload::hashed(hash), Payload::of(b"abc"));
    }
}
