//! JSON in templates that cannot be JSON, whatever its references print.

use crate::diagnostic::Diagnostic;
use crate::lint::value::Variables;
use crate::vtl::Span;
use crate::vtl::ast::{Node, Piece};

/// What was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Something that a reference or a directive printed.
    Unknown,
    Nothing,
    Open,
    Comma,
    Colon,
    Value,
    /// A text is open; its last character escapes the next.
    Text(bool),
}

/// Reads the literal parts of a template.
pub(super) struct Reader<'v, 't> {
    variables: &'v Variables<'t>,
    last: Last,
    depth: i32,
    /// Whether nothing but literals stood between the texts so far.
    certain: bool,
    /// The first problem, or that nothing can be told any more.
    end: Option<Option<(String, usize)>>,
}

/// What is wrong with a template whose output should be JSON.
pub(super) fn check(
    variables: &Variables<'_>,
    nodes: &[Node],
    pointer: &str,
) -> Option<(Diagnostic, Span)> {
    let mut reader = Reader {
        variables,
        last: Last::Nothing,
        depth: 0,
        certain: true,
        end: None,
    };
    let first = nodes.iter().find_map(|node| match node {
        Node::Text(text) => Some(variables.text(*text).trim_start()).filter(|it| !it.is_empty()),
        Node::Set(_) => None,
        _ => Some(""),
    });
    if !first.is_some_and(|first| first.starts_with(['{', '['])) {
        return None;
    }
    reader.nodes(nodes);
    let (message, at) = match reader.end {
        Some(problem) => problem?,
        None if reader.certain && matches!(reader.last, Last::Text(_)) => {
            ("a text is not closed at the end".to_owned(), 0)
        }
        None if reader.certain && reader.depth != 0 => ("its brackets do not match".to_owned(), 0),
        None => return None,
    };
    let finding = Diagnostic::warning(
        "json-broken",
        pointer,
        format!("the template cannot give JSON: {message}"),
    )
    .help("mend it; `apigw render` shows what the template gives");
    Some((finding, Span::new(at, at)))
}

impl Reader<'_, '_> {
    fn nodes(&mut self, nodes: &[Node]) {
        for (index, node) in nodes.iter().enumerate() {
            if self.end.is_some() {
                return;
            }
            match node {
                Node::Text(text) => {
                    let beside = |at: Option<usize>| {
                        let node = at.and_then(|at| nodes.get(at));
                        matches!(
                            node,
                            Some(Node::Reference(_) | Node::If(_) | Node::Foreach(_))
                        )
                    };
                    let starts = beside(index.checked_sub(1));
                    let ends = beside(Some(index + 1)) || index + 1 == nodes.len();
                    self.text(*text, starts || index == 0, ends);
                }
                Node::Reference(_) => match self.last {
                    Last::Text(_) => self.last = Last::Text(false),
                    _ => self.unknown(),
                },
                Node::If(found) => {
                    let ways = found.branches.iter().map(|(_, _, nodes)| nodes);
                    let otherwise = found.otherwise.as_ref().map(|(_, nodes)| nodes);
                    let before = self.last;
                    let mut ends: Vec<Last> = Vec::new();
                    for nodes in ways.chain(otherwise) {
                        self.last = before;
                        self.nodes(nodes);
                        ends.push(self.last);
                    }
                    if otherwise.is_none() {
                        ends.push(before);
                    }
                    self.meet(&ends);
                }
                Node::Foreach(found) => {
                    let before = self.last;
                    if !matches!(before, Last::Text(_)) {
                        self.last = Last::Unknown;
                    }
                    self.nodes(&found.body);
                    let end = self.last;
                    self.meet(&[before, end]);
                }
                Node::Set(_) | Node::Define(..) => {}
                Node::Break(..) | Node::Stop | Node::Fail(..) => self.certain = false,
            }
        }
    }

    fn unknown(&mut self) {
        self.last = Last::Unknown;
        self.certain = false;
    }

    /// Goes on behind several ways.
    fn meet(&mut self, ends: &[Last]) {
        self.certain = false;
        if self.end.is_some() {
            return;
        }
        let inside = |end: &Last| matches!(end, Last::Text(_));
        match ends.split_first() {
            Some((first, rest)) if rest.iter().all(|end| end == first) => self.last = *first,
            _ if ends.iter().all(inside) => self.last = Last::Text(false),
            _ if ends.iter().any(inside) => self.end = Some(None),
            _ => self.last = Last::Unknown,
        }
    }

    /// `starts` and `ends` say whether something unknown may stand right before and behind.
    fn text(&mut self, piece: Piece, starts: bool, ends: bool) {
        let text = self.variables.text(piece);
        let offset = usize::try_from(piece.start).unwrap_or_default();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let at = text.len() - rest.len();
            let mut length = c.len_utf8();
            let problem = |message: &str| Some(Some((message.to_owned(), offset + at)));
            if let Last::Text(escaped) = self.last {
                self.last = match c {
                    '"' if !escaped => Last::Value,
                    _ => Last::Text(c == '\\' && !escaped),
                };
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            self.end = match (self.last, c) {
                (_, c) if c.is_whitespace() => None,
                (Last::Value, '"' | '{' | '[') => problem("a comma is missing before this"),
                (Last::Comma, '}' | ']') => problem("a comma stands before the closing bracket"),
                (Last::Colon, '}' | ']' | ',') => problem("a member has no value"),
                (Last::Comma | Last::Open, ',') => problem("nothing stands before the comma"),
                (_, '"') => {
                    self.last = Last::Text(false);
                    None
                }
                (_, '{' | '[') => {
                    self.depth += 1;
                    self.last = Last::Open;
                    None
                }
                (_, '}' | ']') => {
                    self.depth -= 1;
                    self.last = Last::Value;
                    None
                }
                (_, ',') => {
                    self.last = Last::Comma;
                    None
                }
                (_, ':') => {
                    self.last = Last::Colon;
                    None
                }
                (_, '/') if rest.starts_with("//") || rest.starts_with("/*") => {
                    problem("it has no comments")
                }
                (_, '\'') => problem("texts stand in double quotes"),
                (last, c) if is_word(c) => {
                    length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                    let word = rest.get(..length).unwrap_or_default();
                    let joined = (at == 0 && starts) || (length == rest.len() && ends);
                    self.last = if joined { Last::Unknown } else { Last::Value };
                    match joined {
                        true => None,
                        false if !is_scalar(word) => Some(Some((
                            format!(
                                "`{word}` is neither a text in quotes nor a number, true, false or null"
                            ),
                            offset + at,
                        ))),
                        false if last == Last::Value => problem("a comma is missing before this"),
                        false => None,
                    }
                }
                // Something else that is printed.
                _ => Some(None),
            };
            if self.end.is_some() {
                return;
            }
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || "+-._".contains(c)
}

fn is_scalar(word: &str) -> bool {
    ["true", "false", "null"].contains(&word)
        || serde_json::from_str::<serde_json::Number>(word).is_ok()
}
