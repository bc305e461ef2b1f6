//! YAML into a JSON value and its places.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::options::{AliasLimits, DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Options, Spanned, Tagged};

use crate::diagnostic::{Diagnostic, Position, pointer_token};

use super::cloudformation;
use super::findings::Findings;
use super::place::{Inside, Place, Point};

/// How deep objects and lists may stand in each other.
const MAX_DEPTH: usize = 64;

/// How many values a document may hold, aliases written out.
const MAX_NODES: usize = 500_000;

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
            max_documents: 1,
        },
        alias_limits: AliasLimits {
            max_total_replayed_events: MAX_NODES,
            max_replay_stack_depth: MAX_DEPTH,
            ..AliasLimits::default()
        },
        // Every repeated key comes through and becomes a finding here.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Merge,
        // Account numbers such as 012345678901 stay text.
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        strict_booleans: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        ignore_binary_tag_for_string: true,
        with_snippet: false,
    }
}

/// Reads the only document of `text`.
pub(super) fn read(text: &str, findings: &mut Findings) -> Result<(Value, Place), Diagnostic> {
    let node: Node = serde_saphyr::from_str_with_options(text, options()).map_err(|error| syntax(&error))?;
    let mut built = Built {
        findings,
        pointer: String::new(),
    };
    Ok(built.value(node))
}

fn syntax(error: &serde_saphyr::Error) -> Diagnostic {
    let error = error.without_snippet();
    let message = error.to_string();
    let message = message.lines().next().unwrap_or_default().trim_end();
    let mut finding = Diagnostic::error("syntax", "", format!("not valid YAML: {message}"));
    finding.position = error.location().map(|at| Position {
        line: usize::try_from(at.line()).unwrap_or(1).max(1),
        column: usize::try_from(at.column()).unwrap_or(1).max(1),
    });
    finding
}

/// A value as written.
struct Node {
    at: Point,
    tag: Option<String>,
    kind: Kind,
}

enum Kind {
    Scalar(Value),
    List(Vec<Node>),
    Object(Vec<(Key, Node)>),
}

struct Key {
    at: Point,
    name: String,
}

fn point(at: serde_saphyr::Location) -> Point {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    Point {
        line: number(at.line()),
        column: number(at.column()),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, defined, .. } = Spanned::<Tagged<Kind>>::deserialize(deserializer)?;
        let Tagged(kind, tag) = value;
        Ok(Self {
            at: point(defined),
            tag,
            kind,
        })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, defined, .. } = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self {
            at: point(defined),
            name: value,
        })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Kind, E> {
        Ok(Kind::Scalar(Number::from_i128(value).map_or_else(|| Value::String(value.to_string()), Value::Number)))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Kind, E> {
        Ok(Kind::Scalar(Number::from_u128(value).map_or_else(|| Value::String(value.to_string()), Value::Number)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Kind, E> {
        Ok(Kind::Scalar(Value::String(value)))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Kind, E> {
        Ok(Kind::Scalar(String::from_utf8_lossy(value).into()))
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        Kind::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Kind, A::Error> {
        let mut members = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            members.push(entry);
        }
        Ok(Kind::Object(members))
    }
}

struct Built<'f> {
    findings: &'f mut Findings,
    pointer: String,
}

impl Built<'_> {
    fn value(&mut self, node: Node) -> (Value, Place) {
        let Node { at, tag, kind } = node;
        let Some(tag) = tag.filter(|tag| !tag.starts_with("tag:yaml.org,2002:") && tag != "!") else {
            return self.kind(at, kind);
        };
        let Some(function) = cloudformation::function_of_tag(&tag) else {
            self.findings.push(
                Diagnostic::warning("yaml-tag", self.pointer.clone(), format!("the tag `{tag}` is ignored"))
                    .help("only the short forms of CloudFormation functions are known"),
            );
            return self.kind(at, kind);
        };
        let (argument, inner) = self.below(&function, |built| built.kind(at, kind));
        let mut object = Map::new();
        object.insert(function.clone(), argument);
        let place = Place {
            key: at,
            value: at,
            inside: Inside::Members(vec![(function, inner)]),
        };
        (Value::Object(object), place)
    }

    fn kind(&mut self, at: Point, kind: Kind) -> (Value, Place) {
        match kind {
            Kind::Scalar(value) => (value, Place::leaf(at)),
            Kind::List(nodes) => {
                let mut items = Vec::with_capacity(nodes.len());
                let mut places = Vec::with_capacity(nodes.len());
                for (index, node) in nodes.into_iter().enumerate() {
                    let (value, place) = self.below(&index.to_string(), |built| built.value(node));
                    items.push(value);
                    places.push(place);
                }
                let place = Place {
                    key: at,
                    value: at,
                    inside: Inside::Items(places),
                };
                (Value::Array(items), place)
            }
            Kind::Object(members) => {
                let mut object = Map::with_capacity(members.len());
                let mut places = Vec::with_capacity(members.len());
                for (key, node) in members {
                    let (value, place) = self.below(&key.name, |built| {
                        if object.contains_key(&key.name) {
                            built.repeated(key.at);
                        }
                        built.value(node)
                    });
                    object.insert(key.name.clone(), value);
                    places.push((key.name, Place { key: key.at, ..place }));
                }
                let place = Place {
                    key: at,
                    value: at,
                    inside: Inside::Members(places),
                };
                (Value::Object(object), place)
            }
        }
    }

    fn below<T>(&mut self, key: &str, build: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&pointer_token(key));
        let built = build(self);
        self.pointer.truncate(outer);
        built
    }

    fn repeated(&mut self, at: Point) {
        let mut finding = super::source::repeated_key(&self.pointer);
        finding.position = Some(at.into());
        self.findings.push_key(finding);
    }
}
