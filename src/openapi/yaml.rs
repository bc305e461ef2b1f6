//! YAML into a tree, without recursion: aliases and merge keys are written out on the way.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};
use serde_json::Value;

use super::findings::Findings;
use super::node::{Key, Kind, Node};
use super::place::{Place, Point};
use super::scalar;

/// How deep objects and lists may stand in each other; as deep as in JSON.
const MAX_DEPTH: usize = 128;

/// How many values a document may hold, aliases written out; long texts count as several.
const MAX_NODES: usize = 1_000_000;

/// Why the text cannot be read, and where.
#[derive(Debug)]
pub(super) struct Invalid {
    pub(super) at: Point,
    pub(super) message: String,
}

/// Reads the only document of `text`.
pub(super) fn read(text: &str, findings: &mut Findings) -> Result<(Value, Place), Invalid> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut tree = Tree::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| invalid(&error))?;
        tree.event(event, &span)?;
    }
    let empty = || {
        Node::new(
            Point { line: 1, column: 1 },
            None,
            Kind::Scalar(Value::Null),
        )
    };
    Ok(tree.done.unwrap_or_else(empty).build(findings))
}

fn invalid(error: &ScanError) -> Invalid {
    syntax(point(error.marker()), error.info())
}

fn syntax(at: Point, message: impl Into<String>) -> Invalid {
    Invalid {
        at,
        message: message.into(),
    }
}

fn point(marker: &Marker) -> Point {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Point {
        line: number(marker.line().max(1)),
        column: number(marker.col().saturating_add(1)),
    }
}

/// What has been read of the document.
#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    done: Option<Node>,
    anchors: HashMap<usize, Node>,
    /// Values written and copied so far.
    nodes: usize,
}

/// A list or an object whose end is still to come.
struct Open {
    at: Point,
    tag: Option<String>,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Object {
        members: Vec<(Key, Node)>,
        merged: Vec<Node>,
        key: Option<Entry>,
    },
}

/// The key of the value to come.
enum Entry {
    Key(Key),
    Merge,
}

impl Tree {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Invalid> {
        let at = point(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if self.key(at, &text, style, tag.is_some()) {
                    return Ok(());
                }
                let (kind, tag) = tagged_scalar(&text, style, tag.as_deref());
                let at = if matches!(kind, Kind::Lines(_)) {
                    first_line(at, &text)
                } else {
                    at
                };
                self.value(Node::new(at, tag, kind), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.open(at, anchor, tag.as_deref(), Content::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                let content = Content::Object {
                    members: Vec::new(),
                    merged: Vec::new(),
                    key: None,
                };
                self.open(at, anchor, tag.as_deref(), content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(at, anchor),
            Event::DocumentStart(..) if self.done.is_some() => {
                Err(syntax(at, "a second document begins here"))
            }
            _ => Ok(()),
        }
    }

    /// Takes a scalar as a key when one is due.
    fn key(&mut self, at: Point, text: &str, style: ScalarStyle, tagged: bool) -> bool {
        let Some(Content::Object {
            key: key @ None, ..
        }) = self.open.last_mut().map(|open| &mut open.content)
        else {
            return false;
        };
        let merge = text == "<<" && style == ScalarStyle::Plain && !tagged;
        *key = Some(if merge {
            Entry::Merge
        } else {
            Entry::Key(Key {
                at,
                name: text.to_owned(),
            })
        });
        true
    }

    fn open(
        &mut self,
        at: Point,
        anchor: usize,
        tag: Option<&Tag>,
        content: Content,
    ) -> Result<(), Invalid> {
        if self.key_is_due() {
            return Err(syntax(at, "a key must be text"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(syntax(at, "too many values stand in each other"));
        }
        self.open.push(Open {
            at,
            tag: tag.and_then(foreign),
            anchor,
            content,
        });
        Ok(())
    }

    fn key_is_due(&self) -> bool {
        let content = self.open.last().map(|open| &open.content);
        matches!(content, Some(Content::Object { key: None, .. }))
    }

    fn close(&mut self) -> Result<(), Invalid> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let kind = match open.content {
            Content::List(items) => Kind::List(items),
            Content::Object {
                members, merged, ..
            } => Kind::Object(merge(members, merged)?),
        };
        self.value(Node::new(open.at, open.tag, kind), open.anchor)
    }

    fn alias(&mut self, at: Point, anchor: usize) -> Result<(), Invalid> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(syntax(at, "this alias stands inside what it refers to"));
        };
        if self.key_is_due() {
            let Kind::Scalar(Value::String(name)) = &node.kind else {
                return Err(syntax(at, "a key must be text"));
            };
            let name = name.clone();
            self.key(at, &name, ScalarStyle::SingleQuoted, false);
            return Ok(());
        }
        if self.open.len() + node.height > MAX_DEPTH {
            return Err(syntax(at, "too many values stand in each other"));
        }
        self.count(at, node.size)?;
        let node = self.anchors.get(&anchor).cloned();
        node.map_or(Ok(()), |node| self.put(node))
    }

    fn value(&mut self, node: Node, anchor: usize) -> Result<(), Invalid> {
        self.count(node.at, 1 + node.text_weight())?;
        if anchor != 0 {
            self.count(node.at, node.size)?;
            self.anchors.insert(anchor, node.clone());
        }
        self.put(node)
    }

    fn count(&mut self, at: Point, nodes: usize) -> Result<(), Invalid> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(syntax(
                at,
                format!("the document has more than {MAX_NODES} values"),
            ));
        }
        Ok(())
    }

    fn put(&mut self, node: Node) -> Result<(), Invalid> {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.done = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Object {
                members,
                merged,
                key,
            }) => match key.take() {
                Some(Entry::Key(key)) => members.push((key, node)),
                Some(Entry::Merge) => merged.push(node),
                None => return Err(syntax(node.at, "a key must be text")),
            },
        }
        Ok(())
    }
}

/// Adds what `<<` brings: what is written itself goes first, then the earlier of several sources.
fn merge(mut members: Vec<(Key, Node)>, merged: Vec<Node>) -> Result<Vec<(Key, Node)>, Invalid> {
    if merged.is_empty() {
        return Ok(members);
    }
    let mut names: HashSet<String> = members.iter().map(|(key, _)| key.name.clone()).collect();
    let sources = merged.into_iter().flat_map(|node| match node.kind {
        Kind::List(nodes) => nodes,
        Kind::Scalar(_) | Kind::Lines(_) | Kind::Object(_) => vec![node],
    });
    for source in sources {
        let Kind::Object(entries) = source.kind else {
            return Err(syntax(source.at, "only objects can be merged with `<<`"));
        };
        members.extend(
            entries
                .into_iter()
                .filter(|(key, _)| names.insert(key.name.clone())),
        );
    }
    Ok(members)
}

/// A block begins with its first line, not with the first one that has text.
fn first_line(at: Point, text: &str) -> Point {
    let blank = text.len() - text.trim_start_matches('\n').len();
    let blank = u32::try_from(blank).unwrap_or(u32::MAX);
    Point {
        line: at.line.saturating_sub(blank).max(1),
        ..at
    }
}

const CORE: &str = "tag:yaml.org,2002:";

/// The tag, when it is not one of YAML's own.
fn foreign(tag: &Tag) -> Option<String> {
    let text = format!("{}{}", tag.handle(), tag.suffix());
    (!text.starts_with(CORE) && text != "!").then_some(text)
}

fn tagged_scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> (Kind, Option<String>) {
    let foreign = tag.and_then(foreign);
    let resolved = match tag {
        None => style == ScalarStyle::Plain,
        // `!!int "5"` is a number; `! 5`, `!!str 5` and `!Sub 5` are text.
        Some(tag) => {
            tag.handle() == CORE && matches!(tag.suffix(), "int" | "float" | "bool" | "null")
        }
    };
    let kind = match style {
        _ if resolved => Kind::Scalar(scalar::plain(text)),
        ScalarStyle::Literal => Kind::Lines(text.to_owned()),
        _ => Kind::Scalar(text.into()),
    };
    (kind, foreign)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::diagnostic::Position;

    use super::super::place::Spot;
    use super::*;

    fn value(text: &str) -> Value {
        read(text, &mut Findings::default()).unwrap().0
    }

    #[test]
    fn scalars_aliases_and_merge_keys() {
        assert_eq!(
            value(
                "base: &base {a: 1, b: [x, 'y']}\n\
                 more: &more {b: 2, c: &name three}\n\
                 all: {<<: [*base, *more], a: 0}\n\
                 one: {<<: *base}\n\
                 200: *name\n\
                 *name : 12\n\
                 text: |\n  $x\n   y\n\
                 folded: >-\n  a\n  b\n\
                 quoted: \"\\u00e4\"\n"
            ),
            json!({
                "base": {"a": 1, "b": ["x", "y"]},
                "more": {"b": 2, "c": "three"},
                "all": {"a": 0, "b": ["x", "y"], "c": "three"},
                "one": {"a": 1, "b": ["x", "y"]},
                "200": "three",
                "three": 12,
                "text": "$x\n y\n",
                "folded": "a b",
                "quoted": "ä",
            })
        );
    }

    #[test]
    fn tags() {
        assert_eq!(
            value(
                "[!!str 5, !!int '5', ! 5, !Sub '${A}', !GetAtt [A, Arn], !Ref 012, !other {a: 1}, !!set {a: }]"
            ),
            json!([
                "5", 5, "5",
                {"Fn::Sub": "${A}"},
                {"Fn::GetAtt": ["A", "Arn"]},
                {"Ref": "012"},
                {"a": 1},
                {"a": null},
            ])
        );
    }

    #[test]
    fn places() {
        let text = "ä: {b: 1}\nlist:\n  - x\n  -  y: |\n      long\n     z: !Ref q\nlate: &a\n  k: v\nalias: *a\n";
        let (_, place) = read(text, &mut Findings::default()).unwrap();
        for (pointer, expected) in [
            ("/ä/b", "1:8"),
            ("/list", "2:1"),
            ("/list/0", "3:5"),
            ("/list/1/y", "5:7"),
            ("/list/1/z", "6:6"),
            ("/list/1/z/Ref", "6:14"),
            ("/alias", "9:1"),
            ("/alias/k", "8:6"),
        ] {
            assert_eq!(
                place.find(pointer, Spot::Value).to_string(),
                expected,
                "{pointer}"
            );
        }
    }

    #[test]
    fn lines_of_literal_blocks_are_found() {
        for (text, expected) in [
            ("a:\n  b: |\n    one\n    two\n", "4:6"),
            ("a:\n  b: |-\n\n    two\n", "4:6"),
            ("a:\n  b: |2 # note\n      one\n    two\n", "4:6"),
            ("a:\n  b: !Sub |\n    one\n    two\n", "4:6"),
        ] {
            let (value, place) = read(text, &mut Findings::default()).unwrap();
            assert!(value.pointer("/a/b").is_some());
            let within = Position { line: 2, column: 2 };
            let found = place.find_within(|_| None, "/a/b", within).unwrap();
            assert_eq!(found.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_refused_says_where() {
        for (text, at) in [
            ("a: b: c", "1:5"),
            ("a: [1, 2", "1:4"),
            ("a: *nowhere", "1:4"),
            ("a: &a [*a]", "1:8"),
            ("? [a]\n: b", "1:3"),
            ("a: 1\n---\nb: 2", "2:1"),
            ("a: {<<: 1}", "1:9"),
            ("a:\n\t- b", "2:2"),
        ] {
            let error = read(text, &mut Findings::default()).unwrap_err();
            assert_eq!(
                Position::from(error.at).to_string(),
                at,
                "{text}: {}",
                error.message
            );
        }
    }
}
