//! Required parameters.

use crate::error::{Error, ErrorKind};
use crate::integration::{Method, ParameterLocation};
use crate::mapping::context::Facts;
use crate::mapping::method_request::text;
use crate::vtl::{Map, Value};

/// A parameter that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Required {
    location: ParameterLocation,
    name: String,
}

impl Required {
    pub(super) fn of(method: &Method) -> Vec<Self> {
        let required = method
            .parameters
            .iter()
            .filter(|parameter| parameter.required);
        let required = required.map(|parameter| Self {
            location: parameter.location,
            name: parameter.name.clone(),
        });
        required.collect()
    }

    pub(super) fn is_header(&self) -> bool {
        self.location == ParameterLocation::Header
    }

    // AWS: api-gateway-method-request-validation — there, and not blank.
    // Chosen: of several values one is enough.
    fn is_met(&self, facts: &Facts<'_>) -> bool {
        let name = self.name.as_str();
        match self.location {
            ParameterLocation::Path => facts
                .resource
                .and_then(|resource| resource.value(facts.request.uri.path(), name))
                .is_some_and(|value| !is_blank(value)),
            ParameterLocation::QueryString => {
                let mut values = facts.query().iter().filter(|(known, _)| known == name);
                values.any(|(_, value)| !is_blank(value))
            }
            ParameterLocation::Header => {
                let values = facts.headers.exactly(name);
                values.into_iter().any(|value| !is_blank(&text(value)))
            }
        }
    }
}

fn is_blank(value: &str) -> bool {
    value.trim().is_empty()
}

pub(super) fn check(required: &[Required], facts: &Facts<'_>) -> Result<(), Error> {
    let mut missing = required
        .iter()
        .filter(|parameter| !parameter.is_met(facts))
        .peekable();
    if missing.peek().is_none() {
        return Ok(());
    }
    let names = hash_order(missing.map(|parameter| parameter.name.as_str()));
    Err(Error::new(ErrorKind::MissingParameters, names.join(", ")))
}

/// Each name once, in the order in which Java's `HashMap` has them.
// Recorded: T:test_api_gateway_request_validator — `[x-header-param, issuer, qs1]`.
fn hash_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let map = Map::hash();
    for name in names {
        map.put_str(name, Value::empty());
    }
    let names = map.keys();
    names
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_a_hash_map() {
        for (written, expected) in [
            (
                &["issuer", "qs1", "x-header-param"][..],
                &["x-header-param", "issuer", "qs1"][..],
            ),
            (&["dividend", "divisor"], &["divisor", "dividend"]),
            (&["find", "x-head"], &["x-head", "find"]),
            (&["a", "a"], &["a"]),
        ] {
            assert_eq!(hash_order(written.iter().copied()), expected);
        }
    }
}
