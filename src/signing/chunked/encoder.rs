//! Writes chunks: the lines before each, and what ends them.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use crate::signing::hash::{Hex, sha256};
use crate::signing::payload::EMPTY;
use crate::signing::{Signature, SigningKey, Timestamp};

/// How long chunks are. S3 wants 8 KiB at least, but for the last one.
pub const CHUNK: usize = 64 * 1024;

const SIGNATURE: &str = ";chunk-signature=";
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature:";

/// Writes what stands around chunks. Each signature goes over the one before.
#[derive(Clone)]
pub struct Encoder(Option<Signer>);

#[derive(Clone)]
struct Signer {
    key: Arc<SigningKey>,
    time: Timestamp,
    previous: Hex,
}

impl Encoder {
    /// Chunks without signatures.
    pub fn unsigned() -> Self {
        Self(None)
    }

    /// Signed chunks of the request with the signature `seed`, which was made with `key` at `time`.
    pub fn signed(key: Arc<SigningKey>, time: Timestamp, seed: &Signature) -> Self {
        Self(Some(Signer {
            key,
            time,
            previous: seed.hex(),
        }))
    }

    /// The line before `chunk`, which must not be empty. Behind the chunk goes `\r\n`.
    pub fn head(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut head = size(chunk.len());
        if let Some(signer) = &mut self.0 {
            head.push_str(SIGNATURE);
            head.push_str(signer.chunk(&sha256(chunk)).as_str());
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// What follows the last chunk, with a trailer if there is to be one.
    pub fn end(mut self, trailer: Option<(&str, &str)>) -> Vec<u8> {
        let mut end = size(0);
        if let Some(signer) = &mut self.0 {
            end.push_str(SIGNATURE);
            end.push_str(signer.chunk(&EMPTY).as_str());
        }
        end.push_str("\r\n");
        if let Some((name, value)) = trailer {
            for part in [name, ":", value, "\r\n"] {
                end.push_str(part);
            }
            if let Some(signer) = &mut self.0 {
                let line = format!("{name}:{value}\n");
                let signature = signer.trailer(&sha256(line.as_bytes()));
                for part in [TRAILER_SIGNATURE, signature.as_str(), "\r\n"] {
                    end.push_str(part);
                }
            }
        }
        end.push_str("\r\n");
        end.into_bytes()
    }
}

impl Signer {
    fn chunk(&mut self, digest: &[u8; 32]) -> Hex {
        let nothing = Hex::of(&EMPTY);
        self.next("AWS4-HMAC-SHA256-PAYLOAD", &[nothing, Hex::of(digest)])
    }

    fn trailer(&mut self, digest: &[u8; 32]) -> Hex {
        self.next("AWS4-HMAC-SHA256-TRAILER", &[Hex::of(digest)])
    }

    fn next(&mut self, algorithm: &str, digests: &[Hex]) -> Hex {
        let mut text = Vec::with_capacity(320);
        self.key.begin(&mut text, algorithm, self.time);
        text.extend_from_slice(self.previous.as_bytes());
        for digest in digests {
            text.push(b'\n');
            text.extend_from_slice(digest.as_bytes());
        }
        self.previous = self.key.sign(&text);
        self.previous
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("signs", &self.0.is_some())
            .finish_non_exhaustive()
    }
}

fn size(length: usize) -> String {
    let mut text = String::with_capacity(256);
    // Writing to a string does not fail.
    let _ = write!(text, "{length:x}");
    text
}

/// How long a body of `length` bytes is in chunks of [`CHUNK`]; `trailer` are the lengths of its
/// name and its value.
pub fn encoded_length(length: u64, signed: bool, trailer: Option<(u64, u64)>) -> u64 {
    let chunk = CHUNK as u64;
    let signature = if signed {
        SIGNATURE.len() as u64 + 64
    } else {
        0
    };
    let around = |length: u64| digits(length) + signature + 2;
    let (full, rest) = (length / chunk, length % chunk);
    let mut total = full
        .saturating_mul(around(chunk) + 2)
        .saturating_add(length);
    if rest > 0 {
        total = total.saturating_add(around(rest) + 2);
    }
    total = total.saturating_add(around(0) + 2);
    if let Some((name, value)) = trailer {
        total = total.saturating_add(name + 1 + value + 2);
        if signed {
            total = total.saturating_add(TRAILER_SIGNATURE.len() as u64 + 64 + 2);
        }
    }
    total
}

/// The hexadecimal digits of a number.
fn digits(number: u64) -> u64 {
    u64::from((64 - number.leading_zeros()).div_ceil(4).max(1))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use http::Request;

    use super::*;
    use crate::signing::chunked::Checksum;
    use crate::signing::{Identity, Payload, Settings, SignedHeaders, sign};

    /// The examples of the two pages about streaming: 65 KiB of `a` in chunks of 64 KiB.
    fn example(payload: &Payload, headers: &[(&'static str, &str)]) -> (Signature, Encoder) {
        let time = Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600));
        let identity = Identity {
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            session_token: None,
        };
        let key = SigningKey::derive(&identity, time, "us-east-1", "s3").unwrap();
        let mut request = Request::put("https://s3.amazonaws.com/examplebucket/chunkObject.txt")
            .header("x-amz-storage-class", "REDUCED_REDUNDANCY")
            .header("content-encoding", "aws-chunked")
            .header("x-amz-decoded-content-length", "66560");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut head, ()) = request.body(()).unwrap().into_parts();
        let mut settings = Settings::of_service("s3");
        settings.headers = SignedHeaders::All;
        let seed = sign(&mut head, &key, time, payload, &settings).unwrap();
        let encoder = Encoder::signed(Arc::new(key), time, &seed);
        (seed, encoder)
    }

    // AWS: sigv4-streaming, example.
    #[test]
    fn the_documented_chunks() {
        let length = encoded_length(66_560, true, None);
        assert_eq!(length, 66_824);
        let length = [("content-length", "66824")];
        let (seed, mut encoder) = example(&Payload::Chunks, &length);
        let expected = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
        assert_eq!(seed.as_str(), expected);
        let body = vec![b'a'; 66_560];
        let head = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(
            head(encoder.head(&body[..65_536])),
            "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
        );
        assert_eq!(
            head(encoder.head(&body[65_536..])),
            "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
        );
        assert_eq!(
            head(encoder.end(None)),
            "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
        );
    }

    // AWS: sigv4-streaming-trailers, example.
    #[test]
    fn the_documented_trailer() {
        let trailer = [("x-amz-trailer", "x-amz-checksum-crc32c")];
        let (seed, mut encoder) = example(&Payload::ChunksAndTrailer, &trailer);
        let expected = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
        assert_eq!(seed.as_str(), expected);
        let body = vec![b'a'; 66_560];
        encoder.head(&body[..65_536]);
        let second = String::from_utf8(encoder.head(&body[65_536..])).unwrap();
        let expected = "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7";
        assert!(second.contains(expected), "{second}");
        let mut checksum = Checksum::Crc32C.start();
        checksum.update(&body);
        let end = encoder.end(Some((Checksum::Crc32C.header(), &checksum.finish())));
        assert_eq!(
            String::from_utf8(end).unwrap(),
            "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n\
             x-amz-checksum-crc32c:sOO8/Q==\r\n\
             x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
        );
    }

    #[test]
    fn lengths_are_told_in_advance() {
        for length in [0, 1, 15, 16, 4095, 65_535, 65_536, 65_537, 200_000] {
            for trailer in [None, Some(Checksum::Crc32), Some(Checksum::Sha256)] {
                for signs in [true, false] {
                    let (_, signed) = example(&Payload::Chunks, &[]);
                    let mut encoder = if signs { signed } else { Encoder::unsigned() };
                    let body = vec![7; length];
                    let mut total = length;
                    for chunk in body.chunks(CHUNK) {
                        total += encoder.head(chunk).len() + 2;
                    }
                    let sum = trailer.map(|checksum| checksum.start().finish());
                    let pair = trailer.map(Checksum::header).zip(sum.as_deref());
                    total += encoder.end(pair).len();
                    let told =
                        trailer.map(|checksum| (checksum.header().len() as u64, checksum.length()));
                    let told = encoded_length(length as u64, signs, told);
                    assert_eq!(told, total as u64, "{length} {trailer:?} {signs}");
                }
            }
        }
    }
}
