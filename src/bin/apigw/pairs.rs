//! `NAME=VALUE` options.

use std::convert::Infallible;
use std::str::FromStr;

use crate::exit::Failure;

/// Lines with something in them: the command line gives one at a time, the environment all.
#[derive(Debug, Clone)]
pub(crate) struct Lines(Vec<String>);

impl FromStr for Lines {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(
            text.lines()
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect(),
        ))
    }
}

/// What `options` give, each name once, with the last of its values. `what` and `flag` are for the message to the user.
pub(crate) fn pairs<'a, T>(
    options: &'a [T],
    what: &str,
    flag: &str,
) -> Result<Vec<(&'a str, &'a str)>, Failure>
where
    &'a T: IntoIterator<Item = &'a str>,
{
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for line in options.iter().flat_map(IntoIterator::into_iter) {
        // A value may hold `=`, a name may not.
        match line.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                match pairs.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => *known = value,
                    None => pairs.push((name, value)),
                }
            }
            // What was meant as a value may be a secret: it is not repeated.
            _ => {
                return Err(
                    Failure::usage(format!("{what} has no name, or no `=` behind it"))
                        .help(format!("write {flag} NAME=VALUE")),
                );
            }
        }
    }
    Ok(pairs)
}

impl<'a> IntoIterator for &'a Lines {
    type Item = &'a str;
    type IntoIter = std::iter::Map<std::slice::Iter<'a, String>, fn(&String) -> &str>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(String::as_str)
    }
}
