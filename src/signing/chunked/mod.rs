//! Bodies in chunks with signatures, as S3 takes them: `Content-Encoding: aws-chunked`.
//!
//! An [`Encoder`] writes what stands around the chunks, a [`Decoder`] takes it away, a [`Checksum`]
//! is what the trailer holds. None of them keeps the data.
//!
//! ```
//! use tower_apigw::signing::chunked::{Checksum, Encoder};
//!
//! // Without signatures, for `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
//! let mut encoder = Encoder::unsigned();
//! let mut checksum = Checksum::Crc32.start();
//! checksum.update(b"hello");
//! let mut sent = encoder.head(b"hello");
//! sent.extend_from_slice(b"hello\r\n");
//! sent.extend(encoder.end(Some((Checksum::Crc32.header(), &checksum.finish()))));
//! assert_eq!(sent, b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n");
//! ```
// AWS: sigv4-streaming, sigv4-streaming-trailers.

mod checksum;
mod decoder;
mod encoder;

pub use checksum::{Checksum, Checksumming};
pub use decoder::{Decoded, Decoder};
pub use encoder::{CHUNK, Encoder, encoded_length};
