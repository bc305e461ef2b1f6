//! Resource paths such as `/pets/{petId}` and `/{proxy+}`: finding their variables in a request.

use std::ops::Range;

/// A resource path, parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    source: String,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Variable(String),
    /// `{name+}`: the rest of the path.
    Greedy(String),
}

impl ResourcePath {
    /// Parses `source`, or says what is wrong with it.
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        let Some(rest) = source.strip_prefix('/') else {
            return Err(format!(
                "the resource path {source:?} does not start with `/`"
            ));
        };
        let mut segments = Vec::new();
        if !rest.is_empty() {
            for segment in rest.split('/') {
                if segments
                    .iter()
                    .any(|segment| matches!(segment, Segment::Greedy(_)))
                {
                    return Err(format!("a greedy variable must stand last in {source:?}"));
                }
                segments.push(
                    match segment
                        .strip_prefix('{')
                        .and_then(|name| name.strip_suffix('}'))
                    {
                        Some(name) => match name.strip_suffix('+') {
                            Some(name) => Segment::Greedy(name.to_owned()),
                            None => Segment::Variable(name.to_owned()),
                        },
                        None => Segment::Literal(segment.to_owned()),
                    },
                );
            }
        }
        Ok(Self {
            source: source.to_owned(),
            segments,
        })
    }

    /// As written.
    pub(crate) fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it has variables.
    pub(crate) fn has_variables(&self) -> bool {
        let literal = |segment: &Segment| matches!(segment, Segment::Literal(_));
        !self.segments.iter().all(literal)
    }

    /// Whether the last of its variables takes the rest of a path.
    pub(crate) fn is_greedy(&self) -> bool {
        matches!(self.segments.last(), Some(Segment::Greedy(_)))
    }

    /// The value of the variable `name` in `path`: undecoded, `None` when `path` is not of this
    /// resource.
    // Recorded: path-encoded-email — path values are not decoded.
    pub(crate) fn value<'p>(&self, path: &'p str, name: &str) -> Option<&'p str> {
        let mut found = None;
        self.walk(path, |variable, range| {
            if variable == name {
                found = path.get(range);
            }
        })?;
        found
    }

    /// All variables with their values, in the order of the path; none when `path` is not of this
    /// resource.
    pub(crate) fn values<'s, 'p>(&'s self, path: &'p str) -> Vec<(&'s str, &'p str)> {
        let mut values = Vec::new();
        let whole = self.walk(path, |variable, range| {
            values.extend(path.get(range).map(|value| (variable, value)));
        });
        if whole.is_none() {
            values.clear();
        }
        values
    }

    fn walk<'s>(&'s self, path: &str, mut found: impl FnMut(&'s str, Range<usize>)) -> Option<()> {
        // Recorded: T:test_lambda_aws_proxy_integration — leading slashes count as one, those at
        // the end are not part of a value.
        let mut start = path.len() - path.trim_start_matches('/').len();
        let end = path.trim_end_matches('/').len().max(start);
        let mut first = true;
        for segment in &self.segments {
            if !first {
                if path.as_bytes().get(start) != Some(&b'/') {
                    return None;
                }
                start += 1;
            }
            first = false;
            if start >= end {
                return None;
            }
            let rest = path.get(start..end)?;
            let length = rest.find('/').unwrap_or(rest.len());
            match segment {
                Segment::Literal(literal) if rest.get(..length) == Some(literal) => {}
                Segment::Literal(_) => return None,
                Segment::Variable(name) => found(name, start..start + length),
                Segment::Greedy(name) => {
                    found(name, start..end);
                    return Some(());
                }
            }
            start += length;
        }
        (start >= end).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found() {
        let path = ResourcePath::parse("/pets/{petId}/tags/{rest+}").unwrap();
        assert_eq!(
            path.values("/pets/7/tags/a//b/"),
            [("petId", "7"), ("rest", "a//b")]
        );
        assert_eq!(path.value("//pets/a%2Fb/tags/x", "petId"), Some("a%2Fb"));
        assert_eq!(path.values("/pets/7/tags"), []);
        assert_eq!(path.values("/dogs/7/tags/a"), []);
    }

    #[test]
    fn mistakes_are_told() {
        assert!(
            ResourcePath::parse("pets")
                .unwrap_err()
                .contains("start with")
        );
        assert!(ResourcePath::parse("/{a+}/b").unwrap_err().contains("last"));
        assert_eq!(ResourcePath::parse("/").unwrap().values("/"), []);
    }
}
