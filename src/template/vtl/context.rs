//! `$context` and the override maps in it, both ways.

use std::sync::Arc;

use crate::template::context::{Fact, Facts};
use crate::template::overrides::OverrideMap;
use crate::template::vtl::needs::{ContextNeeds, Names};
use crate::template::vtl::tree::{big_integer, integer};
use crate::template::{OverrideValue, Overrides, Scope};
use crate::vtl::{Exception, List, Map, MapKind, Str, Value};

const REQUEST: &str = "requestOverride";
const RESPONSE: &str = "responseOverride";

/// The `$context` of one rendering. The map is the template's; the overrides are read from it afterwards.
#[derive(Debug)]
pub(crate) struct ContextMap {
    map: Map,
    request: bool,
    response: bool,
}

impl ContextMap {
    /// `$context` with what the template may read of it.
    pub(crate) fn new(scope: &Scope<'_>, needs: &ContextNeeds) -> Self {
        // Recorded: the order of the keys is that of a Java hash map, and printing it or a map in it gives nothing.
        let map = match &needs.names {
            Names::All => Map::hash(),
            Names::Only(names) => Map::with_capacity(MapKind::Hash, names.len()),
        };
        let map = map.quiet();
        let put = |name: Arc<str>, fact| {
            if *name != *REQUEST && *name != *RESPONSE {
                map.put_str(name, value(fact, &needs.identity));
            }
        };
        match &needs.names {
            Names::All => scope.context.visit(|name, fact| put(Arc::from(name), fact)),
            Names::Only(names) => {
                let facts = names
                    .iter()
                    .filter_map(|name| Some((name, scope.context.fact(name)?)));
                facts.for_each(|(name, fact)| put(Arc::clone(name), fact));
            }
        }
        let (request, response) = (needs.names.has(REQUEST), needs.names.has(RESPONSE));
        if request {
            let places = ["path", "header", "querystring"];
            map.put_str(
                Str::fixed(REQUEST),
                Value::Map(seeded(scope.overrides.request(), &places)),
            );
        }
        if response {
            map.put_str(
                Str::fixed(RESPONSE),
                Value::Map(seeded(scope.overrides.response(), &["header"])),
            );
        }
        Self {
            map,
            request,
            response,
        }
    }

    /// The map to bind to `$context`.
    pub(crate) fn value(&self) -> Value {
        Value::Map(self.map.clone())
    }

    /// What the template left, with what was there before.
    pub(crate) fn overrides(&self, before: &Overrides) -> Result<Overrides, Exception> {
        let read = |name: &str, used: bool, before: &OverrideMap| match self.map.get_str(name) {
            Some(Value::Map(map)) if used => tree(&map, 0),
            _ if used => Ok(OverrideMap::new()),
            _ => Ok(before.clone()),
        };
        Ok(Overrides::from_trees(
            read(REQUEST, self.request, before.request())?,
            read(RESPONSE, self.response, before.response())?,
        ))
    }
}

/// An override map: each key may be set once, what an earlier rendering left may be overwritten once.
fn seeded(before: &OverrideMap, places: &[&'static str]) -> Map {
    let map = Map::with_capacity(MapKind::Hash, places.len()).quiet();
    for place in places {
        let inner = Map::hash().quiet();
        if let Some((_, OverrideValue::Map(tree))) = before.iter().find(|(name, _)| name == place) {
            seed(&inner, tree);
        }
        inner.write_once();
        map.put_str(Str::fixed(place), Value::Map(inner));
    }
    for (name, value) in before {
        if !places.contains(&name.as_str()) {
            map.seed_str(name.as_str(), from_override(value));
        }
    }
    map.write_once();
    map
}

fn seed(map: &Map, tree: &OverrideMap) {
    for (name, value) in tree {
        map.seed_str(name.as_str(), from_override(value));
    }
}

fn from_override(value: &OverrideValue) -> Value {
    match value {
        OverrideValue::Null => Value::Null,
        OverrideValue::Text(text) => Value::from(text.as_str()),
        OverrideValue::Boolean(boolean) => Value::Bool(*boolean),
        OverrideValue::Integer(number) => integer(*number),
        OverrideValue::Number(text) => match big_integer(text) {
            Value::Null => text
                .parse()
                .map_or_else(|_| Value::from(text.as_str()), Value::Double),
            number => number,
        },
        OverrideValue::List(list) => {
            Value::List(List::array_list(list.iter().map(from_override).collect()))
        }
        OverrideValue::Map(tree) => {
            let map = Map::linked();
            for (name, value) in tree {
                map.put_str(name.as_str(), from_override(value));
            }
            Value::Map(map)
        }
    }
}

/// How deep the value of an override may nest.
const MAX_DEPTH: usize = 64;

fn tree(map: &Map, depth: usize) -> Result<OverrideMap, Exception> {
    let mut tree = OverrideMap::with_capacity(map.len());
    let mut result = Ok(());
    map.each(|name, value| {
        // The maps that were there from the start leave no trace when nothing is in them.
        if matches!(value, Value::Map(map) if map.is_quiet() && map.is_empty()) || result.is_err() {
            return;
        }
        let name = match name {
            Value::Str(name) => Ok(name.as_str().to_owned()),
            other => other.to_text(),
        };
        match name.and_then(|name| Ok((name, to_override(value, depth)?))) {
            Ok(entry) => tree.push(entry),
            Err(error) => result = Err(error),
        }
    });
    result.map(|()| tree)
}

fn to_override(value: &Value, depth: usize) -> Result<OverrideValue, Exception> {
    if depth > MAX_DEPTH {
        return Err(Exception::new(
            "StackOverflowError: an override is nested too deeply",
        ));
    }
    Ok(match value {
        Value::Null => OverrideValue::Null,
        Value::Str(text) => OverrideValue::Text(text.as_str().to_owned()),
        Value::Bool(boolean) => OverrideValue::Boolean(*boolean),
        Value::Int(number) => OverrideValue::Integer(i64::from(*number)),
        Value::Long(number) => OverrideValue::Integer(*number),
        Value::BigInteger(_) | Value::Float(_) | Value::Double(_) | Value::BigDecimal(_) => {
            OverrideValue::Number(value.to_text()?)
        }
        Value::List(list) => {
            let items = list.items();
            OverrideValue::List(
                items
                    .iter()
                    .map(|item| to_override(item, depth + 1))
                    .collect::<Result<_, _>>()?,
            )
        }
        Value::Map(map) => OverrideValue::Map(tree(map, depth + 1)?),
        other => OverrideValue::Text(other.to_text()?),
    })
}

fn value(fact: Fact<'_>, identity: &Names) -> Value {
    match fact {
        Fact::Null => Value::Null,
        Fact::Text(text) => Value::from(Arc::clone(text)),
        Fact::Integer(number) => integer(number),
        Fact::Json(json) => json_value(json),
        Fact::Facts(facts) => facts_map(facts),
        Fact::Identity(facts) => {
            let map = Map::hash().quiet();
            facts.visit(|name, fact| {
                if let Some(key) = identity.key(name) {
                    map.put_str(key, value(fact, identity));
                }
            });
            Value::Map(map)
        }
    }
}

fn facts_map(facts: &Facts) -> Value {
    let map = Map::hash().quiet();
    for (name, json) in facts {
        map.put_str(name.as_str(), json_value(json));
    }
    Value::Map(map)
}

fn json_value(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(boolean) => Value::Bool(*boolean),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => integer(whole),
            (None, Some(double)) if number.is_f64() => Value::Double(double),
            _ => big_integer(&number.to_string()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::List(List::array_list(items.iter().map(json_value).collect())),
        Json::Object(facts) => facts_map(facts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Context, Identity, Limits, Params};

    fn needs(names: Names) -> ContextNeeds {
        ContextNeeds {
            names,
            identity: Names::All,
        }
    }

    fn keys(value: &Value) -> String {
        let keys = value.as_map().unwrap().keys();
        keys.iter()
            .map(|key| key.to_text().unwrap())
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn keys_iterate_as_recorded() {
        let text = || Some("x".into());
        let context = Context {
            resource_id: text(),
            resource_path: text(),
            http_method: text(),
            extended_request_id: text(),
            request_time: text(),
            path: text(),
            account_id: text(),
            protocol: text(),
            stage: text(),
            domain_prefix: text(),
            request_time_epoch: Some(1),
            request_id: text(),
            identity: Some(Identity::default()),
            domain_name: text(),
            deployment_id: text(),
            api_id: text(),
            ..Context::default()
        };
        let scope = Scope {
            body: b"",
            params: Params::default(),
            context: &context,
            stage_variables: &[],
            overrides: &Overrides::default(),
            limits: &Limits::default(),
        };
        let map = ContextMap::new(&scope, &needs(Names::All));
        assert_eq!(
            keys(&map.value()),
            "resourceId, resourcePath, httpMethod, extendedRequestId, requestTime, path, accountId, protocol, \
             requestOverride, stage, domainPrefix, requestTimeEpoch, requestId, identity, domainName, deploymentId, \
             responseOverride, apiId"
        );
        assert_eq!(
            keys(&map.map.get_str("identity").unwrap()),
            "cognitoIdentityPoolId, accountId, cognitoIdentityId, caller, sourceIp, principalOrgId, accessKey, \
             cognitoAuthenticationType, cognitoAuthenticationProvider, userArn, userAgent, user"
        );
        assert_eq!(
            keys(&map.map.get_str(REQUEST).unwrap()),
            "path, header, querystring"
        );
        assert_eq!(keys(&map.map.get_str(RESPONSE).unwrap()), "header");
        assert!(map.overrides(&Overrides::default()).unwrap().is_empty());
    }

    #[test]
    fn overrides_survive_the_way_through_a_template() {
        let mut before = Overrides::default();
        before.set_request("header", "h", OverrideValue::Text("v".into()));
        before.set_response(
            "custom",
            "k",
            OverrideValue::List(vec![OverrideValue::Integer(1)]),
        );
        before.set_response_status(OverrideValue::Integer(201));
        let scope = Scope {
            body: b"",
            params: Params::default(),
            context: &Context::default(),
            stage_variables: &[],
            overrides: &before,
            limits: &Limits::default(),
        };
        let context = ContextMap::new(&scope, &needs(Names::All));
        let after = context.overrides(&before).unwrap();
        assert_eq!(after.to_json(), before.to_json());
        let context = ContextMap::new(&scope, &needs(Names::Only(vec![])));
        assert_eq!(context.overrides(&before).unwrap(), before);
    }
}
