//! Resource paths: `/pets/{petId}`, `/{proxy+}`.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// How many segments a resource path may have.
const MAX_SEGMENTS: usize = 128;

/// A parsed resource path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Static(String),
    Variable(String),
    /// The rest of the path; always the last.
    Greedy(String),
}

impl FromStr for Resource {
    type Err = RouteError;

    /// A slash at the end means nothing.
    fn from_str(path: &str) -> Result<Self, RouteError> {
        let refuse = |problem| RouteError {
            resource: path.to_owned(),
            problem,
        };
        let rest = path
            .strip_prefix('/')
            .ok_or_else(|| refuse(Problem::NoSlash))?;
        let rest = rest
            .strip_suffix('/')
            .filter(|rest| !rest.is_empty())
            .unwrap_or(rest);
        let mut segments = Vec::new();
        if rest.is_empty() {
            return Ok(Self { segments });
        }
        for text in rest.split('/') {
            if matches!(segments.last(), Some(Segment::Greedy(_))) {
                return Err(refuse(Problem::AfterGreedy));
            }
            if segments.len() == MAX_SEGMENTS {
                return Err(refuse(Problem::TooLong));
            }
            segments.push(Segment::read(text).map_err(refuse)?);
        }
        Ok(Self { segments })
    }
}

impl Segment {
    fn read(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::Empty);
        }
        if !text.contains(['{', '}']) {
            return Ok(Self::Static(text.to_owned()));
        }
        let name = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'));
        let name = name.filter(|name| !name.is_empty() && !name.contains(['{', '}']));
        match name.ok_or(Problem::Braces)? {
            "+" => Err(Problem::Braces),
            name => Ok(match name.strip_suffix('+') {
                Some(name) => Self::Greedy(name.to_owned()),
                None => Self::Variable(name.to_owned()),
            }),
        }
    }
}

impl Resource {
    /// The path with every variable's name left out: equal for resources that match the same.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Static(text) => pattern.extend(["/", text]),
                Segment::Variable(_) => pattern.push_str("/{}"),
                Segment::Greedy(_) => pattern.push_str("/{+}"),
            }
        }
        pattern
    }

    /// Each variable as written, with the path above it.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let mut above = String::new();
        let mut variables = Vec::new();
        for segment in &self.segments {
            if !matches!(segment, Segment::Static(_)) {
                let parent = if above.is_empty() {
                    "/"
                } else {
                    above.as_str()
                };
                variables.push((parent.to_owned(), segment.to_string()));
            }
            above.push_str(&format!("/{segment}"));
        }
        variables
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.segments.is_empty() {
            return f.write_str("/");
        }
        self.segments
            .iter()
            .try_for_each(|segment| write!(f, "/{segment}"))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(text) => f.write_str(text),
            Self::Variable(name) => write!(f, "{{{name}}}"),
            Self::Greedy(name) => write!(f, "{{{name}+}}"),
        }
    }
}

/// A resource path that no request could be matched with, or one that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteError {
    resource: String,
    problem: Problem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    NoSlash,
    Empty,
    Braces,
    AfterGreedy,
    TooLong,
    Taken,
}

impl RouteError {
    pub(super) fn taken(resource: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            problem: Problem::Taken,
        }
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = match self.problem {
            Problem::NoSlash => "does not begin with a slash",
            Problem::Empty => "has an empty segment",
            Problem::Braces => {
                "has braces that do not enclose the name of a variable as a whole segment"
            }
            Problem::AfterGreedy => "goes on after a greedy variable",
            Problem::TooLong => "has too many segments",
            Problem::Taken => "has this method twice",
        };
        write!(f, "the resource path `{}` {problem}", self.resource)
    }
}

impl Error for RouteError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_and_written() {
        for (path, expected) in [
            ("/", "/"),
            ("/pets/{petId}", "/pets/{petId}"),
            ("/pets/", "/pets"),
            ("/a.b-c_d:e/{proxy+}", "/a.b-c_d:e/{proxy+}"),
        ] {
            assert_eq!(path.parse::<Resource>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn paths_without_a_meaning_are_refused() {
        for path in [
            "", "pets", "//", "/a//b", "/{a+}/b", "/{}", "/{+}", "/a{b}", "/{a}{b}", "/{a", "/}",
        ] {
            assert!(path.parse::<Resource>().is_err(), "{path}");
        }
        assert!("/a".repeat(200).parse::<Resource>().is_err());
    }
}
