//! From tokens to the tree.

mod directive;
mod expression;
mod reference;
mod statement;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::ast::{Nodes, Slot};
use super::error::{Error, ErrorKind, Limit};
use super::lexer::Lexer;
use super::span::Span;
use super::token::{Kind, Token};

/// How deep directives, expressions and strings may be nested in each other.
const MAX_DEPTH: u32 = 100;

/// The names of a template, shared with the strings in it.
#[derive(Debug, Default)]
pub(crate) struct Names {
    slots: HashMap<Box<str>, Slot, RandomState>,
    macros: HashSet<String>,
    mentions: Vec<Mention>,
    /// What the `#define`s hold.
    pub(crate) bodies: Vec<Nodes>,
    pub(crate) home: u64,
}

/// What stands behind the references to one variable.
#[derive(Debug, Default)]
struct Mention {
    /// A reference without a step, or with one that has no name.
    bare: bool,
    /// Perhaps one twice.
    steps: Vec<Arc<str>>,
}

impl Names {
    pub(crate) fn slot(&mut self, name: &str) -> Slot {
        if let Some(slot) = self.slots.get(name) {
            return *slot;
        }
        let slot = Slot::try_from(self.slots.len()).unwrap_or(Slot::MAX);
        self.slots.insert(name.into(), slot);
        self.mentions.push(Mention::default());
        slot
    }

    /// Notes a reference with its first step.
    fn mention(&mut self, slot: Slot, step: Option<&Arc<str>>) {
        let Some(mention) = self.mentions.get_mut(slot as usize) else {
            return;
        };
        match step {
            None => mention.bare = true,
            Some(step)
                if mention
                    .steps
                    .iter()
                    .rev()
                    .take(16)
                    .any(|known| *known == *step) => {}
            Some(step) => mention.steps.push(Arc::clone(step)),
        }
    }

    /// Every variable of a reference, with the first steps behind it.
    pub(crate) fn mentioned(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.slots.iter().flat_map(|(name, slot)| {
            let mention = self.mentions.get(*slot as usize);
            let bare = mention.is_some_and(|mention| mention.bare).then_some(None);
            let steps = mention.into_iter().flat_map(|mention| &mention.steps);
            let steps = steps.map(|step| Some(step.as_ref()));
            bare.into_iter()
                .chain(steps)
                .map(|step| (name.as_ref(), step))
        })
    }

    /// Whether a reference to a variable of this name is in the template.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let mention = self
            .get(name)
            .and_then(|slot| self.mentions.get(slot as usize));
        mention.is_some_and(|mention| mention.bare || !mention.steps.is_empty())
    }

    pub(crate) fn get(&self, name: &str) -> Option<Slot> {
        self.slots.get(name).copied()
    }

    /// The names, each with its slot.
    #[cfg(feature = "openapi")]
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, Slot)> {
        self.slots.iter().map(|(name, slot)| (name.as_ref(), *slot))
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

/// Parses a whole template.
pub(crate) fn parse(source: &str, names: &mut Names) -> Result<Nodes, Error> {
    let mut parser = Parser::new(source, names, Place::Offset(0), 0);
    parser.tokens = TOKENS.take();
    let nodes = parser.template();
    let mut tokens = std::mem::take(&mut parser.tokens);
    tokens.clear();
    if tokens.capacity() <= KEPT {
        TOKENS.set(tokens);
    }
    nodes
}

/// For how many tokens a thread keeps room from one template to the next.
const KEPT: usize = 4096;

thread_local! {
    static TOKENS: std::cell::Cell<Vec<Token>> = const { std::cell::Cell::new(Vec::new()) };
}

/// How spans of the text at hand map to the template's source.
#[derive(Debug, Clone, Copy)]
enum Place {
    Offset(u32),
    /// A string whose text differs from its source: everything is where the string is.
    Within(Span),
}

struct Parser<'a> {
    source: &'a str,
    lexer: Lexer<'a>,
    /// Every token scanned so far.
    tokens: Vec<Token>,
    /// The next one to be taken.
    at: usize,
    names: &'a mut Names,
    place: Place,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str, names: &'a mut Names, place: Place, depth: u32) -> Self {
        Parser {
            source,
            lexer: Lexer::new(source),
            tokens: Vec::new(),
            at: 0,
            names,
            place,
            depth,
        }
    }

    fn template(&mut self) -> Result<Nodes, Error> {
        let nodes = self.statements()?;
        match self.peek()? {
            Kind::Eof => Ok(nodes),
            _ => Err(self.unexpected("a statement")),
        }
    }

    /// The kind of the token `ahead` places on; scanning it changes the lexer's state for good.
    #[inline]
    fn peek_at(&mut self, ahead: usize) -> Result<Kind, Error> {
        match self.tokens.get(self.at + ahead) {
            Some(token) => Ok(token.kind),
            None => self.scan(ahead),
        }
    }

    #[inline(never)]
    fn scan(&mut self, ahead: usize) -> Result<Kind, Error> {
        while self.tokens.len() <= self.at + ahead {
            let last = self.tokens.last();
            if let Some(Token {
                kind: Kind::Eof, ..
            }) = last
            {
                return Ok(Kind::Eof);
            }
            match self.lexer.next_token() {
                Ok(token) => self.tokens.push(token),
                Err(error) => return Err(self.moved(error)),
            }
        }
        Ok(self
            .tokens
            .get(self.at + ahead)
            .map_or(Kind::Eof, |token| token.kind))
    }

    #[inline]
    fn peek(&mut self) -> Result<Kind, Error> {
        self.peek_at(0)
    }

    /// Takes the next token.
    fn take(&mut self) -> Result<Token, Error> {
        self.peek()?;
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        Ok(token.unwrap_or(Token {
            kind: Kind::Eof,
            span: Span::new(self.source.len(), self.source.len()),
            stray: Vec::new(),
        }))
    }

    /// Takes the next token if it is of this kind.
    fn accept(&mut self, kind: Kind) -> Result<bool, Error> {
        let found = self.peek()? == kind;
        if found {
            self.at += 1;
        }
        Ok(found)
    }

    fn expect(&mut self, kind: Kind, what: &str) -> Result<Token, Error> {
        if self.peek()? == kind {
            self.take()
        } else {
            Err(self.unexpected(what))
        }
    }

    /// An error about the next token.
    fn unexpected(&self, wanted: &str) -> Error {
        let Some(token) = self.tokens.get(self.at) else {
            return self.error(Span::default(), format!("expected {wanted}"));
        };
        let message = match token.kind {
            Kind::Eof => format!("the template ends where {wanted} is expected"),
            Kind::End => format!("unexpected #end; expected {wanted}"),
            _ => {
                let image = token.image(self.source).trim_end();
                let short: String = image.chars().take(20).collect();
                format!("unexpected `{short}`; expected {wanted}")
            }
        };
        self.error(token.span, message)
    }

    fn error(&self, span: Span, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Syntax, self.span(span), message)
    }

    /// A span of this text as a span of the template.
    fn span(&self, span: Span) -> Span {
        match self.place {
            Place::Offset(by) => Span {
                start: span.start.saturating_add(by),
                end: span.end.saturating_add(by),
            },
            Place::Within(span) => span,
        }
    }

    /// The span from a token to the last one taken.
    fn since(&self, first: usize) -> Span {
        let start = self.tokens.get(first).map_or(0, |t| t.span.start);
        let end = self
            .at
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last))
            .map_or(start, |t| t.span.end);
        self.span(Span { start, end })
    }

    fn moved(&self, error: Error) -> Error {
        let span = self.span(error.span());
        error.at(span)
    }

    /// Runs a part of the parser one level deeper.
    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= MAX_DEPTH {
            let span = self.tokens.get(self.at).map_or(Span::default(), |t| t.span);
            let span = self.span(span);
            return Err(Error::new(
                ErrorKind::Limit(Limit::Depth),
                span,
                format!("more than {MAX_DEPTH} levels of nesting"),
            ));
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }
}
