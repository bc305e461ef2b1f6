//! YAML as written, before tags mean something: a tree that becomes a JSON value and its places.

use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, pointer_token};

use super::cloudformation;
use super::findings::Findings;
use super::place::{Inside, Place, Point};
use super::source::repeated_key;

/// A value as written.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) at: Point,
    /// A tag that is not one of YAML's own.
    pub(super) tag: Option<String>,
    pub(super) kind: Kind,
    /// How much it holds, in values, itself counted; and how deep they stand.
    pub(super) size: usize,
    pub(super) height: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Scalar(Value),
    /// A literal block, `|`.
    Lines(String),
    List(Vec<Node>),
    Object(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) at: Point,
    pub(super) name: String,
}

impl Node {
    pub(super) fn new(at: Point, tag: Option<String>, kind: Kind) -> Self {
        let (size, height) = match &kind {
            Kind::Scalar(_) | Kind::Lines(_) => (0, 0),
            Kind::List(items) => sum(items.iter()),
            Kind::Object(members) => sum(members.iter().map(|(_, node)| node)),
        };
        let mut node = Self {
            at,
            tag,
            kind,
            size,
            height: height + 1,
        };
        node.size = size.saturating_add(1 + node.text_weight());
        node
    }

    /// How many values its own text counts for.
    pub(super) fn text_weight(&self) -> usize {
        let characters = match &self.kind {
            Kind::Scalar(Value::String(text)) | Kind::Lines(text) => text.len(),
            Kind::Object(members) => members.iter().map(|(key, _)| key.name.len()).sum(),
            Kind::Scalar(_) | Kind::List(_) => 0,
        };
        characters / 16
    }

    /// The value and its places; `findings` learns of repeated keys and unknown tags.
    pub(super) fn build(self, findings: &mut Findings) -> (Value, Place) {
        let mut builder = Builder {
            findings,
            pointer: String::new(),
        };
        builder.value(self)
    }
}

fn sum<'n>(nodes: impl Iterator<Item = &'n Node>) -> (usize, usize) {
    nodes.fold((0, 0), |(size, height), node| {
        (size.saturating_add(node.size), height.max(node.height))
    })
}

struct Builder<'f> {
    findings: &'f mut Findings,
    pointer: String,
}

impl Builder<'_> {
    fn value(&mut self, node: Node) -> (Value, Place) {
        let Node { at, tag, kind, .. } = node;
        let Some(tag) = tag else {
            return self.untagged(at, kind);
        };
        let Some(function) = cloudformation::function_of_tag(&tag) else {
            self.findings.push(
                Diagnostic::warning(
                    "yaml-tag",
                    self.pointer.clone(),
                    format!("the tag `{tag}` is ignored"),
                )
                .help("only the short forms of CloudFormation functions are known"),
            );
            return self.untagged(at, kind);
        };
        let (argument, inner) = self.below(&function, |builder| builder.untagged(at, kind));
        let mut object = Map::new();
        object.insert(function.clone(), argument);
        let place = Place {
            key: at,
            value: at,
            inside: Inside::Members(vec![(function, inner)]),
        };
        (Value::Object(object), place)
    }

    fn untagged(&mut self, at: Point, kind: Kind) -> (Value, Place) {
        let (value, inside) = match kind {
            Kind::Scalar(value) => (value, Inside::Nothing),
            Kind::Lines(text) => (Value::String(text), Inside::Lines),
            Kind::List(nodes) => self.list(nodes),
            Kind::Object(members) => self.object(members),
        };
        let place = Place {
            key: at,
            value: at,
            inside,
        };
        (value, place)
    }

    fn list(&mut self, nodes: Vec<Node>) -> (Value, Inside) {
        let mut items = Vec::with_capacity(nodes.len());
        let mut places = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.into_iter().enumerate() {
            let (value, place) = self.below(&index.to_string(), |builder| builder.value(node));
            items.push(value);
            places.push(place);
        }
        (Value::Array(items), Inside::Items(places))
    }

    fn object(&mut self, members: Vec<(Key, Node)>) -> (Value, Inside) {
        let mut object = Map::with_capacity(members.len());
        let mut places = Vec::with_capacity(members.len());
        for (key, node) in members {
            let repeated = object.contains_key(&key.name);
            let (value, place) = self.below(&key.name, |builder| {
                if repeated {
                    builder.repeated(key.at);
                }
                builder.value(node)
            });
            object.insert(key.name.clone(), value);
            places.push((
                key.name,
                Place {
                    key: key.at,
                    ..place
                },
            ));
        }
        (Value::Object(object), Inside::Members(places))
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
        let mut finding = repeated_key(&self.pointer);
        finding.position = Some(at.into());
        self.findings.push_key(finding);
    }
}
