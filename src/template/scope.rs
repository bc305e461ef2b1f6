//! The facts of one rendering: everything a template can see, borrowed and free of HTTP types.

use std::borrow::Cow;

use crate::template::{Context, Limits, Overrides};

/// Everything a template may ask for. Engines read it in place and copy only what a template uses.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The payload. An empty one reads as `{}`; bytes that are not UTF-8 read as U+FFFD.
    pub body: &'a [u8],
    /// Request parameters: `$input.params()`.
    pub params: Params<'a>,
    /// The `$context` tree.
    pub context: &'a Context,
    /// `$stageVariables`, by name.
    pub stage_variables: &'a [(String, String)],
    /// What an earlier rendering of the same call left. The maps under `requestOverride` and `responseOverride` start
    /// with it; each key may be overwritten once.
    pub overrides: &'a Overrides,
    /// Budgets of the rendering.
    pub limits: &'a Limits,
}

/// Named values in a fixed order, one value a name. Names are compared exactly.
pub type Pairs<'a> = &'a [(Cow<'a, str>, Cow<'a, str>)];

/// The parameters of the method request. Which of several values counts, and the order of the names, is decided by
/// whoever builds this.
#[derive(Debug, Clone, Copy, Default)]
pub struct Params<'a> {
    /// Path parameters.
    pub path: Pairs<'a>,
    /// Query parameters.
    pub querystring: Pairs<'a>,
    /// Headers.
    pub header: Pairs<'a>,
}

impl<'a> Params<'a> {
    /// The three groups with the names a template knows them by.
    pub(crate) fn groups(&self) -> [(&'static str, Pairs<'a>); 3] {
        [
            ("path", self.path),
            ("querystring", self.querystring),
            ("header", self.header),
        ]
    }

    /// The first parameter of this name: path, then query, then header.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let pairs = self.groups().into_iter().flat_map(|(_, pairs)| pairs);
        pairs
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| &**value)
    }
}

impl<'a> Scope<'a> {
    /// The payload as text.
    pub fn body_text(&self) -> Cow<'a, str> {
        // Recorded: an empty payload reads as an empty object.
        match self.body {
            [] => Cow::Borrowed("{}"),
            body => match std::str::from_utf8(body) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(body),
            },
        }
    }
}
