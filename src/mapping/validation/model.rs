//! One model, compiled, and a body held against it.

use std::fmt;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError};
use serde_json::Value;

use crate::diagnostic::Diagnostic;

use super::bundle::{Bundle, Fault};
use super::explain;

/// How many schemas may stand on one another while a body is checked; each takes stack.
const MAX_STEPS: usize = 1_000;

const TYPES: &str = "write one of array, boolean, integer, null, number, object, string";

/// A model: its schema with all that it refers to.
pub(super) struct Model {
    validator: jsonschema::Validator,
    bundle: Bundle,
}

impl Model {
    /// Compiles the schema at `pointer` of `document`; `values` counts what all models hold.
    pub(super) fn compile(
        document: &Value,
        pointer: &str,
        values: &mut usize,
    ) -> Result<Self, Fault> {
        let bundle = Bundle::new(document, pointer, values)?;
        match options().build(&bundle.root) {
            Ok(validator) => Ok(Self { validator, bundle }),
            Err(error) => {
                let error = deepest(&error);
                let place = bundle.origin(error.instance_path().as_str());
                let what = error.masked_with("this");
                let message = format!("the model is no JSON schema of draft 4: {what}");
                let finding = Diagnostic::error("request-model", place, message);
                Err(Box::new(match finding.pointer.ends_with("/type") {
                    true => finding.help(TYPES),
                    false => finding,
                }))
            }
        }
    }

    /// Holds `body` against the model; otherwise the list of what is wrong.
    pub(super) fn check(&self, body: &[u8]) -> Result<(), String> {
        // Observed: the text of AWS for an empty body and for broken JSON.
        let body: Value = serde_json::from_slice(body)
            .map_err(|_| "[Unknown error parsing request body]".to_owned())?;
        let steps = self.bundle.chain + 1;
        // Numbers and strings stand at most 127 deep, where the parser ends.
        if steps * 128 > MAX_STEPS && steps * depth(&body) > MAX_STEPS {
            return Err("[the body is nested too deep for its model]".to_owned());
        }
        if self.validator.is_valid(&body) {
            return Ok(());
        }
        Err(explain::list(&self.bundle, &body))
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Model")
            .field(&self.bundle.origin("/definitions/0"))
            .finish()
    }
}

/// The innermost place of what is wrong: where a schema or a list of them may stand, the outermost
/// is that keyword.
fn deepest<'e>(error: &'e ValidationError<'static>) -> &'e ValidationError<'static> {
    let mut found = error;
    while let ValidationErrorKind::AnyOf { context } = found.kind() {
        let length = |error: &ValidationError<'_>| error.instance_path().as_str().len();
        let inner = context.iter().flatten().max_by_key(|error| length(error));
        match inner.filter(|inner| length(inner) > length(found)) {
            Some(inner) => found = inner,
            None => break,
        }
    }
    found
}

pub(super) fn options() -> jsonschema::ValidationOptions<'static> {
    jsonschema::options().with_draft(Draft::Draft4).offline()
}

fn depth(value: &Value) -> usize {
    1 + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        Value::Array(items) => items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => members.values().map(depth).max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn model(document: &Value) -> Result<Model, Fault> {
        Model::compile(document, "/components/schemas/M", &mut 0)
    }

    fn only(schema: Value) -> Model {
        model(&json!({"components": {"schemas": {"M": schema}}})).unwrap()
    }

    #[test]
    fn what_is_wrong_is_told_in_the_words_of_aws() {
        for (schema, body, expected) in [
            (
                json!({"required": ["b", "a"], "properties": {"x": {}}, "additionalProperties": false}),
                r#"{"foo": 1}"#,
                r#"object has missing required properties (["a","b"]), object instance has properties which are not allowed by the schema: ["foo"]"#,
            ),
            (
                json!({"type": "integer"}),
                r#""1""#,
                r#"instance type (string) does not match any allowed primitive type (allowed: ["integer"])"#,
            ),
            (
                json!({"type": ["string", "number"]}),
                "null",
                r#"instance type (null) does not match any allowed primitive type (allowed: ["integer","number","string"])"#,
            ),
            (
                json!({"properties": {"kind": {"enum": ["dog", "cat"]}}}),
                r#"{"kind": "bird"}"#,
                r#"instance value ("bird") not found in enum (possible values: ["dog","cat"])"#,
            ),
            (
                json!({"minimum": 25}),
                "3",
                "numeric instance is lower than the required minimum (minimum: 25, found: 3)",
            ),
            (
                json!({"maximum": 2, "exclusiveMaximum": true}),
                "2",
                "numeric instance is not strictly lower than the required maximum 2",
            ),
            (
                json!({"minLength": 1}),
                r#""""#,
                r#"string "" is too short (length: 0, required minimum: 1)"#,
            ),
            (
                json!({"pattern": "^a\\d$"}),
                r#""b1""#,
                r#"ECMA 262 regex "^a\d$" does not match input string "b1""#,
            ),
            (
                json!({"items": {"type": "string"}, "minItems": 1}),
                "[1, true]",
                r#"instance type (boolean) does not match any allowed primitive type (allowed: ["string"]), instance type (integer) does not match any allowed primitive type (allowed: ["string"])"#,
            ),
            (
                json!({"oneOf": [{"type": "null"}, {"required": ["a"]}]}),
                "{}",
                "instance failed to match exactly one schema (matched 0 out of 2)",
            ),
            (
                json!({"allOf": [{"type": "string"}, {"type": "integer"}]}),
                "1",
                "instance failed to match all required schemas (matched only 1 out of 2)",
            ),
            (
                json!({"anyOf": [{"type": "string"}, {"not": {"enum": [1]}}]}),
                "1",
                "instance failed to match at least one required schema among 2",
            ),
            (
                json!({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}),
                r#"{"a": 1}"#,
                r#"property "a" of object has missing property dependencies (schema requires ["b"]; missing: ["b"])"#,
            ),
            (
                json!({"items": [{}], "additionalItems": false, "maxItems": 1, "uniqueItems": true}),
                "[1, 1]",
                "array is too long: must have at most 1 elements but instance has 2 elements, array must not contain duplicate elements, schema only allows 1 elements in array but instance has 2 elements",
            ),
            (
                json!({"multipleOf": 0.5, "format": "email"}),
                "1.3",
                "remainder of division is not zero (1.3 / 0.5)",
            ),
            (
                json!({"format": "email"}),
                r#""x""#,
                r#"string "x" is not a valid email address"#,
            ),
            // The library does not go on below what failed.
            (
                json!({"required": ["b"], "properties": {"a": {"type": "string"}}}),
                r#"{"a": 1}"#,
                r#"object has missing required properties (["b"])"#,
            ),
        ] {
            let found = only(schema.clone()).check(body.as_bytes());
            assert_eq!(found, Err(format!("[{expected}]")), "{schema}");
        }
    }

    #[test]
    fn what_is_no_json_matches_no_model() {
        let anything = only(json!({}));
        for body in ["", " ", "{", "{} {}", "NaN", "\u{feff}{}"] {
            let found = anything.check(body.as_bytes());
            assert_eq!(
                found,
                Err("[Unknown error parsing request body]".to_owned()),
                "{body:?}"
            );
        }
        assert_eq!(anything.check(b"[1]"), Ok(()));
    }

    #[test]
    fn only_keywords_of_draft_4_count() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "x", "id": "https://a/b",
            "const": 1, "nullable": true, "discriminator": {}, "format": "int32", "x-any": [],
            "properties": {"id": {"type": "string"}, "$ref": {"type": "string"}, "d": {"format": "date"}},
        });
        let model = only(schema);
        assert_eq!(
            model.check(br#"{"id": "x", "$ref": "y", "d": "soon"}"#),
            Ok(())
        );
        assert!(model.check(br#"{"id": 1}"#).is_err());
        assert!(model.check(br#"{"$ref": 1}"#).is_err());
    }

    #[test]
    fn references_are_followed_and_may_lead_in_circles() {
        let document = json!({"components": {"schemas": {
            "M": {"type": "object", "required": ["home"], "properties": {
                "home": {"$ref": "https://apigateway.amazonaws.com/restapis/abc/models/Home"}}},
            "Home": {"type": "object", "properties": {
                "people": {"type": "array", "items": {"$ref": "#/components/schemas/M"}}}},
        }}});
        let model = model(&document).unwrap();
        assert_eq!(
            model.check(br#"{"home": {"people": [{"home": {}}]}}"#),
            Ok(())
        );
        let missing = r#"[object has missing required properties (["home"])]"#.to_owned();
        assert_eq!(model.check(br#"{"home": {"people": [{}]}}"#), Err(missing));
    }

    #[test]
    fn what_cannot_be_compiled_has_its_place_in_the_document() {
        let broken = |m: Value| {
            let document =
                json!({"components": {"schemas": {"M": m, "N": {"items": {"type": "strin"}}}}});
            let error = model(&document).unwrap_err();
            (
                error.pointer.replace("/components/schemas", ""),
                error.message,
            )
        };
        let (place, message) = broken(json!({"properties": {"a": {"required": []}}}));
        assert_eq!(place, "/M/properties/a/required");
        assert_eq!(
            message,
            "the model is no JSON schema of draft 4: this has less than 1 item"
        );
        for (schema, place) in [
            (
                json!({"properties": {"a/b": {"$ref": "#/components/schemas/N"}}}),
                "/N/items/type",
            ),
            (
                json!({"properties": {"a/b": {"pattern": "(("}}}),
                "/M/properties/a~1b/pattern",
            ),
            (json!({"$ref": "https://example.com/x.json"}), "/M/$ref"),
            (json!({"items": {"$ref": "#/nowhere"}}), "/M/items/$ref"),
            (json!({"allOf": [{"$ref": "#/components/schemas/M"}]}), "/M"),
            (json!(7), "/M"),
        ] {
            assert_eq!(broken(schema.clone()).0, place, "{schema}");
        }
    }

    #[test]
    fn no_body_takes_all_time_or_stack() {
        // Both branches lead on, so that a search of all ways would double at each level.
        let node = json!({"anyOf": [
            {"required": ["x"], "properties": {"c": {"$ref": "#/components/schemas/M"}}},
            {"required": ["y"], "properties": {"c": {"$ref": "#/components/schemas/M"}}},
        ]});
        let deep = format!("{}1{}", r#"{"c":"#.repeat(126), "}".repeat(126));
        assert!(only(node).check(deep.as_bytes()).is_err());

        // Eleven models, one on the other, at each level of the body.
        let mut schemas = serde_json::Map::new();
        for number in 0..10 {
            let next = format!("#/components/schemas/{}", number + 1);
            schemas.insert(number.to_string(), json!({"allOf": [{"$ref": next}]}));
        }
        schemas.insert(
            "10".to_owned(),
            json!({"properties": {"c": {"$ref": "#/components/schemas/M"}}}),
        );
        schemas.insert(
            "M".to_owned(),
            json!({"allOf": [{"$ref": "#/components/schemas/0"}]}),
        );
        let long = model(&json!({"components": {"schemas": schemas}})).unwrap();
        let found = long.check(deep.as_bytes());
        assert_eq!(
            found,
            Err("[the body is nested too deep for its model]".to_owned())
        );
        assert_eq!(long.check(br#"{"c": {"c": 1}}"#), Ok(()));
    }

    #[test]
    fn a_list_stays_short() {
        let model = only(json!({"items": {"type": "string", "maxLength": 1}}));
        let numbers = format!("[{}0]", "0,".repeat(50_000));
        assert!(model.check(numbers.as_bytes()).unwrap_err().len() < 20_000);
        let text = format!("[{:?}]", "x".repeat(1_000_000));
        assert!(model.check(text.as_bytes()).unwrap_err().len() < 2_000);
    }

    /// Something like a schema: keywords with values that often fit.
    fn schema() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            (-3i64..9).prop_map(Value::from),
            prop_oneof![Just(0.5), Just(1e300), Just(-0.0)].prop_map(Value::from),
            prop_oneof![
                Just("object"),
                Just("array"),
                Just("string"),
                Just("integer"),
                Just("a"),
                Just("^a|("),
                Just("(a+)+$"),
                Just("email"),
                Just("uri"),
                Just("#"),
                Just("#/components/schemas/M"),
            ]
            .prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            let key = prop_oneof![
                Just("type"), Just("enum"), Just("multipleOf"), Just("maximum"), Just("exclusiveMaximum"),
                Just("minLength"), Just("maxItems"), Just("pattern"), Just("items"), Just("additionalItems"),
                Just("required"), Just("properties"), Just("additionalProperties"), Just("patternProperties"),
                Just("dependencies"), Just("allOf"), Just("anyOf"), Just("oneOf"), Just("not"), Just("format"),
                Just("$ref"), Just("id"), Just("a"),
            ];
            prop_oneof![
                1 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                3 => proptest::collection::vec((key, inner), 0..5)
                    .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_schema_panics(schema in schema(), body in schema()) {
            if let Ok(model) = model(&json!({"components": {"schemas": {"M": schema}}}))
                && let Err(list) = model.check(body.to_string().as_bytes())
            {
                prop_assert!(list.starts_with('[') && list.ends_with(']'));
            }
        }

        #[test]
        fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = only(json!({"type": "object", "required": ["a"]})).check(&body);
        }

        #[test]
        fn what_is_refused_has_a_reason(
            body in r#"[\[{]{0,2}("a"|"b"|1|-0\.5|true|null|"é")?([:,]("a"|"b"|[0-9]|\[\]|\{\}))*[\]}]{0,2}"#,
        ) {
            let model = only(json!({
                "type": ["object", "array", "string"],
                "properties": {"a": {"type": "integer", "minimum": 3, "multipleOf": 2}},
                "patternProperties": {"^b": {"enum": ["a", 1]}}, "additionalProperties": false,
                "items": {"oneOf": [{"type": "number"}, {"maximum": 5}]}, "pattern": "a",
            }));
            if let Err(list) = model.check(body.as_bytes()) {
                prop_assert!(list.len() > 2 && !list.contains("does not match its model"), "{list}");
            }
        }
    }
}
