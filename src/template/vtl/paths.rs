//! The JSONPaths written out in a template, parsed once with it.

use crate::jsonpath::Path;
use crate::template::vtl::needs::literal;

/// Paths by their text.
#[derive(Debug, Default)]
pub(crate) struct Paths(Vec<(Box<str>, Path)>);

impl Paths {
    /// Every `path('…')` and `json("…")` of a source. What does not parse is left out: it is an error only where it is
    /// evaluated.
    pub(crate) fn of(source: &str) -> Self {
        let mut paths: Vec<(Box<str>, Path)> = Vec::new();
        for call in [".path(", ".json("] {
            for (at, _) in source.match_indices(call) {
                let Some((text, _)) = source.get(at + call.len()..).and_then(literal) else {
                    continue;
                };
                if paths.iter().any(|(known, _)| **known == *text) {
                    continue;
                }
                if let Ok(path) = Path::parse(text) {
                    paths.push((text.into(), path));
                }
            }
        }
        paths.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Self(paths)
    }

    /// The path of this text, if the template has it.
    pub(crate) fn get(&self, text: &str) -> Option<&Path> {
        let index = self
            .0
            .binary_search_by(|(known, _)| (**known).cmp(text))
            .ok()?;
        self.0.get(index).map(|(_, path)| path)
    }
}
