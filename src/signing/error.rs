//! What cannot be signed.

use std::fmt;

/// Why a request cannot be signed. The text holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningError(&'static str);

impl SigningError {
    pub(super) const fn new(message: &'static str) -> Self {
        Self(message)
    }
}

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for SigningError {}
