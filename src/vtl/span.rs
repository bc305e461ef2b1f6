//! Where something stands in a template.

/// A stretch of a template, in bytes from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from two byte offsets.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let clip = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span {
            start: clip(start),
            end: clip(end.max(start)),
        }
    }

    /// Line and column of the start, both counted from 1, the column in characters.
    #[must_use]
    pub fn position(&self, source: &str) -> (usize, usize) {
        let (before, _) = self.split(source);
        let line = 1 + before.matches('\n').count();
        let column = 1 + before
            .rsplit('\n')
            .next()
            .map_or(0, |line| line.chars().count());
        (line, column)
    }

    /// The source line the span starts on, and the part of it before the span.
    pub(crate) fn line<'a>(&self, source: &'a str) -> (&'a str, &'a str) {
        let (before, after) = self.split(source);
        let lead = before.rsplit('\n').next().unwrap_or_default();
        let rest = after.split('\n').next().unwrap_or_default();
        let from = before.len() - lead.len();
        let line = source
            .get(from..before.len() + rest.len())
            .unwrap_or_default();
        (line.trim_end_matches('\r'), lead)
    }

    /// How many characters of the line on which it starts it covers, at least one.
    pub(crate) fn width(&self, source: &str) -> usize {
        let (_, after) = self.split(source);
        let line = after.split(['\r', '\n']).next().unwrap_or_default();
        let len = (self.end.saturating_sub(self.start)) as usize;
        let covered = line.char_indices().take_while(|(at, _)| *at < len);
        covered.count().max(1)
    }

    fn split<'a>(&self, source: &'a str) -> (&'a str, &'a str) {
        let mut at = (self.start as usize).min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        source.split_at(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions() {
        let source = "a\nbé$x\r\nc";
        let span = Span::new(5, 7);
        assert_eq!(span.position(source), (2, 3));
        assert_eq!(span.line(source), ("bé$x", "bé"));
        assert_eq!(span.width(source), 2);
        assert_eq!(Span::new(3, 99).width(source), 3);
        assert_eq!(Span::new(7, 7).width(source), 1);
    }
}
