//! Why a body does not match its model, in the words of the json-schema-validator library.
//!
//! The library stops at the first value that is wrong: what stands below it is not looked at, its
//! neighbours are. Alternatives are only counted.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::bundle::Bundle;
use super::model::options;

/// How many schemas are held against values for one list.
const MAX_WORK: usize = 20_000;

/// How many reasons are listed.
const MAX_REASONS: usize = 100;

/// How long the list becomes, in bytes, about.
const MAX_LIST: usize = 32 * 1024;

/// How much of a value is printed, in bytes.
const MAX_TEXT: usize = 500;

/// The list of what is wrong with `body`, which does not match.
// Chosen: sorted. Of what was seen on AWS only one list has two reasons:
// `[object has missing required properties (["bar"]), object instance has properties which are not
// allowed by the schema: ["foo"]]`, which is not the library's order of keywords.
pub(super) fn list(bundle: &Bundle, body: &Value) -> String {
    let mut search = Search {
        bundle,
        matched: HashMap::new(),
        keywords: HashMap::new(),
        work: MAX_WORK,
    };
    let mut reasons = Vec::new();
    search.visit(&bundle.root, body, &mut reasons);
    if reasons.is_empty() {
        reasons.push("instance does not match its model".to_owned());
    }
    reasons.sort();
    let mut room = MAX_LIST;
    reasons.retain(|reason| {
        let fits = reason.len() <= room;
        room = room.saturating_sub(reason.len());
        fits
    });
    format!("[{}]", reasons.join(", "))
}

type Members = Map<String, Value>;

/// Schemas and values by their addresses: the body and the bundle stay where they are.
type Pair = (usize, usize);

struct Search<'a> {
    bundle: &'a Bundle,
    /// What was held together before.
    matched: HashMap<Pair, bool>,
    /// Single keywords, compiled for this list.
    keywords: HashMap<Pair, Option<Validator>>,
    work: usize,
}

fn address<T>(value: &T) -> usize {
    std::ptr::from_ref(value).addr()
}

impl<'a> Search<'a> {
    fn matches(&mut self, schema: &'a Value, value: &Value) -> bool {
        let pair = (address(schema), address(value));
        if let Some(&known) = self.matched.get(&pair) {
            return known;
        }
        let mut reasons = Vec::new();
        self.visit(schema, value, &mut reasons);
        self.matched.insert(pair, reasons.is_empty());
        reasons.is_empty()
    }

    fn visit(&mut self, schema: &'a Value, value: &Value, reasons: &mut Vec<String>) {
        let pair = (address(schema), address(value));
        if self.work == 0 || reasons.len() >= MAX_REASONS || self.matched.get(&pair) == Some(&true)
        {
            return;
        }
        self.work -= 1;
        let Some(members) = schema.as_object() else {
            return;
        };
        if let Some(Value::String(reference)) = members.get("$ref") {
            if let Some(definition) = self.bundle.definition(reference) {
                self.visit(definition, value, reasons);
            }
            return;
        }
        let before = reasons.len();
        self.single(members, value, reasons);
        self.combined(members, value, reasons);
        if !reasons.is_empty() {
            return;
        }
        match value {
            Value::Object(object) => self.properties(members, object, reasons),
            Value::Array(items) => self.items(members, items, reasons),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        if reasons.len() == before {
            self.matched.insert(pair, true);
        }
    }

    /// The keywords about the value alone.
    fn single(&mut self, schema: &Members, value: &Value, reasons: &mut Vec<String>) {
        if let Some(types) = schema.get("type") {
            let (allowed, found) = (allowed_types(types), type_of(value));
            if !allowed.contains(&found) {
                reasons.push(format!(
                    "instance type ({found}) does not match any allowed primitive type (allowed: {})",
                    json!(allowed)
                ));
            }
        }
        for (keyword, limit) in schema {
            if is_delegated(keyword) {
                if !self.holds(schema, keyword, limit, value) {
                    reasons.push(delegated(schema, keyword, limit, value));
                }
            } else if let Some(reason) = counted(keyword, limit, value) {
                reasons.push(reason);
            }
        }
        match value {
            Value::Object(object) => self.names(schema, object, reasons),
            Value::Array(items) => {
                if let (Some(Value::Array(known)), Some(Value::Bool(false))) =
                    (schema.get("items"), schema.get("additionalItems"))
                    && items.len() > known.len()
                {
                    reasons.push(format!(
                        "schema only allows {} elements in array but instance has {} elements",
                        known.len(),
                        items.len()
                    ));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// The keywords about the names of an object's members.
    fn names(&mut self, schema: &Members, object: &Members, reasons: &mut Vec<String>) {
        if let Some(Value::Array(required)) = schema.get("required") {
            let missing = missing(required, object);
            if !missing.is_empty() {
                reasons.push(format!(
                    "object has missing required properties ({})",
                    json!(missing)
                ));
            }
        }
        if let Some(Value::Bool(false)) = schema.get("additionalProperties") {
            let names = object.keys().filter(|name| !self.is_known(schema, name));
            let mut names: Vec<&str> = names.map(String::as_str).collect();
            if !names.is_empty() {
                names.sort_unstable();
                reasons.push(format!(
                    "object instance has properties which are not allowed by the schema: {}",
                    shown(&json!(names))
                ));
            }
        }
        let dependencies = schema.get("dependencies").and_then(Value::as_object);
        for (name, needed) in dependencies.into_iter().flatten() {
            let (Value::Array(needed), true) = (needed, object.contains_key(name)) else {
                continue;
            };
            let missing = missing(needed, object);
            if !missing.is_empty() {
                reasons.push(format!(
                    "property {} of object has missing property dependencies (schema requires {}; missing: {})",
                    json!(name),
                    json!(needed),
                    json!(missing)
                ));
            }
        }
    }

    fn is_known(&mut self, schema: &Members, name: &str) -> bool {
        if schema
            .get("properties")
            .is_some_and(|known| known.get(name).is_some())
        {
            return true;
        }
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        patterns
            .into_iter()
            .flatten()
            .any(|(pattern, schema)| self.is_named(pattern, schema, name))
    }

    /// Whether a name matches a pattern of `patternProperties`.
    fn is_named(&mut self, pattern: &str, schema: &Value, name: &str) -> bool {
        let validator = self
            .keywords
            .entry((address(schema), 0))
            .or_insert_with(|| options().build(&json!({"pattern": pattern})).ok());
        validator
            .as_ref()
            .is_some_and(|validator| validator.is_valid(&json!(name)))
    }

    /// Whether a keyword on its own lets a value pass.
    fn holds(&mut self, schema: &Members, keyword: &str, limit: &Value, value: &Value) -> bool {
        let validator = self
            .keywords
            .entry((address(schema), address(limit)))
            .or_insert_with(|| {
                let mut alone = Map::from_iter([(keyword.to_owned(), limit.clone())]);
                if let Some(exclusive) = exclusive(schema, keyword) {
                    alone.insert(exclusive.to_owned(), Value::Bool(true));
                }
                options().build(&Value::Object(alone)).ok()
            });
        validator
            .as_ref()
            .is_none_or(|validator| validator.is_valid(value))
    }

    /// The keywords that hold other schemas against the same value.
    fn combined(&mut self, schema: &'a Members, value: &Value, reasons: &mut Vec<String>) {
        for (keyword, schemas) in schema {
            match (keyword.as_str(), schemas) {
                ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                    let all = schemas.len();
                    let matched = schemas
                        .iter()
                        .filter(|schema| self.matches(schema, value))
                        .count();
                    match keyword.as_str() {
                        "allOf" if matched < all => reasons.push(format!(
                            "instance failed to match all required schemas (matched only {matched} out of {all})"
                        )),
                        "anyOf" if matched == 0 => reasons.push(format!(
                            "instance failed to match at least one required schema among {all}"
                        )),
                        "oneOf" if matched != 1 => reasons.push(format!(
                            "instance failed to match exactly one schema (matched {matched} out of {all})"
                        )),
                        _ => {}
                    }
                }
                ("not", schema) if self.matches(schema, value) => {
                    reasons.push("instance matched a schema which it should not have".to_owned());
                }
                ("dependencies", Value::Object(schemas)) => {
                    for (name, schema) in schemas {
                        if value.get(name).is_some() {
                            self.visit(schema, value, reasons);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn properties(&mut self, schema: &'a Members, object: &Members, reasons: &mut Vec<String>) {
        let mut members: Vec<(&String, &Value)> = object.iter().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        for (name, value) in members {
            let own = schema.get("properties").and_then(|known| known.get(name));
            let mut schemas: Vec<&'a Value> = own.into_iter().collect();
            for (pattern, schema) in patterns.into_iter().flatten() {
                if self.is_named(pattern, schema, name) {
                    schemas.push(schema);
                }
            }
            if schemas.is_empty() {
                schemas.extend(schema.get("additionalProperties"));
            }
            for schema in schemas {
                self.visit(schema, value, reasons);
            }
        }
    }

    fn items(&mut self, schema: &'a Members, items: &[Value], reasons: &mut Vec<String>) {
        let Some(schemas) = schema.get("items") else {
            return;
        };
        for (index, value) in items.iter().enumerate() {
            let schema = match schemas {
                Value::Array(schemas) => {
                    schemas.get(index).or_else(|| schema.get("additionalItems"))
                }
                one => Some(one),
            };
            if let Some(schema) = schema {
                self.visit(schema, value, reasons);
            }
        }
    }
}

/// The types of a `type` keyword, by name; a number may be an integer.
fn allowed_types(types: &Value) -> Vec<&str> {
    let mut allowed: Vec<&str> = match types {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    if allowed.contains(&"number") {
        allowed.push("integer");
    }
    allowed.sort_unstable();
    allowed.dedup();
    allowed
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Of `names`, those that `object` has not, sorted.
fn missing<'n>(names: &'n [Value], object: &Members) -> Vec<&'n str> {
    let names = names.iter().filter_map(Value::as_str);
    let mut missing: Vec<&str> = names.filter(|name| !object.contains_key(*name)).collect();
    missing.sort_unstable();
    missing
}

/// The keyword that makes a limit exclusive, if it does.
fn exclusive(schema: &Members, keyword: &str) -> Option<&'static str> {
    let name = match keyword {
        "minimum" => "exclusiveMinimum",
        "maximum" => "exclusiveMaximum",
        _ => return None,
    };
    (schema.get(name) == Some(&Value::Bool(true))).then_some(name)
}

fn is_delegated(keyword: &str) -> bool {
    matches!(
        keyword,
        "enum" | "format" | "maximum" | "minimum" | "multipleOf" | "pattern" | "uniqueItems"
    )
}

/// The reason why one of these keywords does not hold.
fn delegated(schema: &Members, keyword: &str, limit: &Value, value: &Value) -> String {
    let is_limit = exclusive(schema, keyword).is_some() && value.as_f64() == limit.as_f64();
    let found = bare(value);
    let limit_text = limit
        .as_str()
        .map_or_else(|| limit.to_string(), str::to_owned);
    match keyword {
        "enum" => format!(
            "instance value ({}) not found in enum (possible values: {})",
            shown(value),
            limit
        ),
        "minimum" if is_limit => {
            format!(
                "numeric instance is not strictly greater than the required minimum {limit_text}"
            )
        }
        "minimum" => format!(
            "numeric instance is lower than the required minimum (minimum: {limit_text}, found: {found})"
        ),
        "maximum" if is_limit => {
            format!("numeric instance is not strictly lower than the required maximum {limit_text}")
        }
        "maximum" => format!(
            "numeric instance is greater than the required maximum (maximum: {limit_text}, found: {found})"
        ),
        "multipleOf" => format!("remainder of division is not zero ({found} / {limit_text})"),
        "pattern" => {
            format!("ECMA 262 regex \"{limit_text}\" does not match input string \"{found}\"")
        }
        "uniqueItems" => "array must not contain duplicate elements".to_owned(),
        _ => format!("string \"{found}\" is {}", wrong_format(&limit_text)),
    }
}

fn wrong_format(format: &str) -> String {
    let what = match format {
        "date-time" => {
            return "invalid against requested date format(s) \
                    [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{1,12}Z]"
                .to_owned();
        }
        "email" => "email address",
        "hostname" => "hostname",
        "ipv4" => "IPv4 address",
        "ipv6" => "IPv6 address",
        "regex" => "ECMA 262 regular expression",
        "uri" => "URI",
        other => other,
    };
    format!("not a valid {what}")
}

/// The reason why a keyword that counts does not hold.
fn counted(keyword: &str, limit: &Value, value: &Value) -> Option<String> {
    let limit = limit
        .as_u64()
        .or_else(|| limit.as_f64().map(|limit| limit as u64))?;
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Some(match (keyword, value) {
        ("minLength" | "maxLength", Value::String(text)) => {
            let length = count(text.chars().count());
            match keyword {
                "minLength" if length < limit => format!(
                    "string \"{}\" is too short (length: {length}, required minimum: {limit})",
                    bare(value)
                ),
                "maxLength" if length > limit => format!(
                    "string \"{}\" is too long (length: {length}, maximum allowed: {limit})",
                    bare(value)
                ),
                _ => return None,
            }
        }
        ("minItems", Value::Array(items)) if count(items.len()) < limit => format!(
            "array is too short: must have at least {limit} elements but instance has {} elements",
            items.len()
        ),
        ("maxItems", Value::Array(items)) if count(items.len()) > limit => format!(
            "array is too long: must have at most {limit} elements but instance has {} elements",
            items.len()
        ),
        ("minProperties", Value::Object(members)) if count(members.len()) < limit => format!(
            "object has too few properties (found {} but schema requires at least {limit})",
            members.len()
        ),
        ("maxProperties", Value::Object(members)) if count(members.len()) > limit => format!(
            "object has too many properties (found {} but schema requires at most {limit})",
            members.len()
        ),
        _ => return None,
    })
}

/// A string without quotes, anything else as JSON.
fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => cut(text),
        _ => shown(value),
    }
}

/// The beginning of a text.
// Chosen: a message for the log holds no whole body.
fn cut(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    format!(
        "{}…",
        text.get(..text.floor_char_boundary(MAX_TEXT))
            .unwrap_or_default()
    )
}

/// Compact JSON, or its beginning.
fn shown(value: &Value) -> String {
    struct Short(Vec<u8>);
    impl std::io::Write for Short {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            // One more, so that it is seen to be cut.
            let room = (MAX_TEXT + 1).saturating_sub(self.0.len()).min(bytes.len());
            self.0
                .extend_from_slice(bytes.get(..room).unwrap_or_default());
            Ok(room)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut out = Short(Vec::new());
    // It ends with an error when there is no more room.
    let _ = serde_json::to_writer(&mut out, value);
    cut(&String::from_utf8_lossy(&out.0))
}
