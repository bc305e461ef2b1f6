//! The key of a day, a region and a service.

use std::fmt;

use http::HeaderValue;
use ring::hmac;

use crate::signing::hash::{Hex, array, sha256};
use crate::signing::{SigningError, Timestamp};

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs. `Debug` shows the id of the access key only.
#[derive(Clone, Copy)]
#[allow(clippy::exhaustive_structs)]
pub struct Identity<'a> {
    /// The id of the access key.
    pub access_key_id: &'a str,
    /// The secret.
    pub secret_access_key: &'a str,
    /// The token that temporary credentials come with.
    pub session_token: Option<&'a str>,
}

impl fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// The key that signs for one day, region and service. Deriving it takes four HMACs, so it is
/// worth keeping. `Debug` does not show it.
#[derive(Clone)]
pub struct SigningKey {
    /// `AKIDEXAMPLE/20150830/us-east-1/service/aws4_request`
    credential: String,
    id_length: usize,
    token: Option<HeaderValue>,
    key: hmac::Key,
}

impl SigningKey {
    /// The key of `identity` for the day of `time`.
    ///
    /// # Errors
    /// If a name or the token cannot stand in a header.
    pub fn derive(
        identity: &Identity<'_>,
        time: Timestamp,
        region: &str,
        service: &str,
    ) -> Result<Self, SigningError> {
        let id = identity.access_key_id;
        let names = [id, region, service];
        if names.iter().any(|name| !is_name(name)) {
            return Err(SigningError::new(
                "the id of the access key, the region or the service is not made of visible characters",
            ));
        }
        let token = match identity.session_token {
            None => None,
            Some(token) => {
                let token = HeaderValue::from_str(token);
                let mut token = token
                    .map_err(|_| SigningError::new("the session token cannot stand in a header"))?;
                token.set_sensitive(true);
                Some(token)
            }
        };
        let day = time.day();
        let secret = format!("AWS4{}", identity.secret_access_key);
        let mut key = hmac_key(secret.as_bytes());
        for part in [day, region, service, "aws4_request"] {
            key = hmac_key(hmac::sign(&key, part.as_bytes()).as_ref());
        }
        Ok(Self {
            credential: format!("{id}/{day}/{region}/{service}/aws4_request"),
            id_length: id.len(),
            token,
            key,
        })
    }

    /// Access key, day, region and service.
    pub(super) fn credential(&self) -> &str {
        &self.credential
    }

    /// Day, region and service.
    pub(super) fn scope(&self) -> &str {
        self.credential
            .get(self.id_length + 1..)
            .unwrap_or_default()
    }

    /// Whether it holds at `time`.
    pub fn is_for(&self, time: Timestamp) -> bool {
        self.scope().as_bytes().starts_with(time.day().as_bytes())
    }

    pub(super) fn token(&self) -> Option<&HeaderValue> {
        self.token.as_ref()
    }

    /// The signature of what ends `buffer`, behind the string to sign that is put together here.
    pub(super) fn sign_canonical(&self, time: Timestamp, canonical: &[u8]) -> Hex {
        let mut text = Vec::with_capacity(160);
        self.begin(&mut text, ALGORITHM, time);
        text.extend_from_slice(Hex::of(&sha256(canonical)).as_bytes());
        self.sign(&text)
    }

    /// The lines that every string to sign begins with.
    pub(super) fn begin(&self, out: &mut Vec<u8>, algorithm: &str, time: Timestamp) {
        for line in [algorithm, time.as_str(), self.scope()] {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
    }

    pub(super) fn sign(&self, text: &[u8]) -> Hex {
        Hex::of(&array(hmac::sign(&self.key, text).as_ref()))
    }
}

fn hmac_key(key: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn what_cannot_stand_in_a_header_is_refused() {
        let time = Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        let identity = Identity {
            access_key_id: "AKID",
            secret_access_key: "a secret",
            session_token: Some("a\ntoken"),
        };
        let derive = |identity: &Identity<'_>, region| {
            SigningKey::derive(identity, time, region, "sqs").map(|key| format!("{key:?}"))
        };
        assert!(derive(&identity, "eu-west-1").is_err());
        let identity = Identity {
            session_token: Some("a token"),
            ..identity
        };
        assert!(derive(&identity, "eu west").is_err());
        let shown = derive(&identity, "eu-west-1").unwrap() + &format!("{identity:?}");
        assert!(shown.contains("AKID/19700101/eu-west-1/sqs"), "{shown}");
        assert!(
            !shown.contains("secret") && !shown.contains("token"),
            "{shown}"
        );
    }
}
