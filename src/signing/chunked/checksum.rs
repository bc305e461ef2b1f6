//! Checksums of bodies, as the trailers of S3 hold them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::signing::Sha256;

/// A checksum that S3 compares with what it received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checksum {
    /// CRC-32, the one that AWS's own clients choose.
    Crc32,
    /// CRC-32C.
    Crc32C,
    /// SHA-256.
    Sha256,
}

impl Checksum {
    /// The name of its header or trailer.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32C => "x-amz-checksum-crc32c",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// How many characters it has.
    pub const fn length(self) -> u64 {
        match self {
            Self::Crc32 | Self::Crc32C => 8,
            Self::Sha256 => 44,
        }
    }

    /// That of nothing, to be fed.
    pub fn start(self) -> Checksumming {
        Checksumming(match self {
            Self::Crc32 => State::Crc32(crc32fast::Hasher::new()),
            Self::Crc32C => State::Crc32C(0),
            Self::Sha256 => State::Sha256(Box::default()),
        })
    }
}

/// A checksum in the making.
#[derive(Clone)]
pub struct Checksumming(State);

#[derive(Clone)]
enum State {
    Crc32(crc32fast::Hasher),
    Crc32C(u32),
    Sha256(Box<Sha256>),
}

impl Checksumming {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc32(hash) => hash.update(bytes),
            State::Crc32C(sum) => *sum = crc32c::crc32c_append(*sum, bytes),
            State::Sha256(hash) => hash.update(bytes),
        }
    }

    /// The checksum in Base64.
    pub fn finish(self) -> String {
        match self.0 {
            State::Crc32(hash) => STANDARD.encode(hash.finalize().to_be_bytes()),
            State::Crc32C(sum) => STANDARD.encode(sum.to_be_bytes()),
            State::Sha256(hash) => STANDARD.encode(hash.finish()),
        }
    }
}

impl fmt::Debug for Checksumming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checksumming").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_usual_test_vector() {
        let of = |checksum: Checksum| {
            let mut state = checksum.start();
            state.update(b"1234");
            state.update(b"56789");
            let sum = state.finish();
            assert_eq!(u64::try_from(sum.len()).unwrap(), checksum.length());
            STANDARD.decode(sum).unwrap()
        };
        assert_eq!(of(Checksum::Crc32), 0xcbf4_3926_u32.to_be_bytes());
        assert_eq!(of(Checksum::Crc32C), 0xe306_9283_u32.to_be_bytes());
        assert!(of(Checksum::Sha256).starts_with(&[0x15, 0xe2, 0xb0, 0xd3]));
    }
}
