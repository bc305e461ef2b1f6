//! AWS Signature Version 4, without a clock, a network or a body: facts in, a signed head out.
//!
//! A [`SigningKey`] holds for one day, region and service, and can be kept. [`sign`] brings path
//! and query of a request head into the one form about which all implementations agree, puts the
//! headers of the signature on it, and hands out the canonical request that was signed. [`presign`]
//! does the same in the query. [`ServiceRules`] say what a service does differently.
//! [`chunked`] signs and reads bodies in chunks.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use http::Request;
//! use tower_apigw::signing::{Identity, Payload, Settings, SigningKey, Timestamp, sign};
//!
//! let identity = Identity {
//!     access_key_id: "AKIDEXAMPLE",
//!     secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
//!     session_token: None,
//! };
//! let time = Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160));
//! let key = SigningKey::derive(&identity, time, "us-east-1", "service")?;
//!
//! let (mut head, ()) = Request::get("https://example.amazonaws.com/").body(())?.into_parts();
//! let signature = sign(&mut head, &key, time, &Payload::of(b""), &Settings::of_service("service"))?;
//! assert_eq!(
//!     signature.as_str(),
//!     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
//! );
//! assert!(head.headers["authorization"].to_str()?.ends_with(signature.as_str()));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod canonical;
pub mod chunked;
mod difference;
mod error;
mod hash;
mod headers;
mod key;
mod path;
mod payload;
mod query;
mod rules;
mod sign;
mod target;
mod time;

pub use difference::{Difference, canonical_request_of, differences};
pub use error::SigningError;
pub use hash::Sha256;
pub use key::{Identity, SigningKey};
pub use payload::Payload;
pub use rules::{Encoding, ServiceRules, Settings, SignedHeaders};
pub use sign::{MAX_EXPIRY, Signature, presign, remove_signature, sign};
pub use time::Timestamp;
