//! The canonical request: what is hashed and signed.

use http::request::Parts;

use crate::signing::headers::{self, Line};
use crate::signing::{ServiceRules, path, query};

/// A canonical request, and where the list of its headers stands in it.
pub(super) struct Canonical {
    pub(super) text: Vec<u8>,
    list: (usize, usize),
}

impl Canonical {
    /// Of a request whose target is in its right form. `lines` are all headers to be signed.
    pub(super) fn new(
        head: &Parts,
        rules: &ServiceRules,
        lines: &mut [Line<'_>],
        payload: &str,
    ) -> Self {
        let mut text = Vec::with_capacity(768);
        text.extend_from_slice(head.method.as_str().as_bytes());
        text.push(b'\n');
        path::push_canonical(&mut text, head.uri.path(), rules);
        text.push(b'\n');
        query::push_canonical(&mut text, head.uri.query().unwrap_or_default());
        text.push(b'\n');
        let start = headers::push_canonical(&mut text, lines);
        let list = (start, text.len());
        text.push(b'\n');
        text.extend_from_slice(payload.as_bytes());
        Self { text, list }
    }

    /// The names of the signed headers.
    pub(super) fn signed_headers(&self) -> &[u8] {
        self.text.get(self.list.0..self.list.1).unwrap_or_default()
    }
}
