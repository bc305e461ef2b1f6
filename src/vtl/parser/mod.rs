//! From tokens to the tree.

mod directive;
mod expression;
mod reference;
mod statement;

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::ast::{Nodes, Piece, Slot};
use super::error::{Error, ErrorKind, Limit};
use super::lexer::Lexer;
use super::span::Span;
use super::token::{Kind, Token, slice};

/// How deep directives, expressions and strings may be nested in each other.
const MAX_DEPTH: u32 = 100;

/// The names of a template, shared with the strings in it.
#[derive(Debug, Default)]
pub(crate) struct Names {
    slots: HashMap<Box<str>, Slot, RandomState>,
    macros: HashSet<String, RandomState>,
    mentions: Vec<Mention>,
    /// The source of the template, and behind it whatever else the tree is about.
    pub(crate) texts: String,
    /// What makes every rendering fail although the tokens make a template.
    failure: Option<Error>,
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
    steps: Vec<Piece>,
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
    fn mention(&mut self, slot: Slot, step: Option<Piece>) {
        let Some(mention) = self.mentions.get_mut(slot as usize) else {
            return;
        };
        let Some(step) = step else {
            mention.bare = true;
            return;
        };
        let text = step.of(&self.texts);
        let mut last = mention.steps.iter().rev().take(16);
        if !last.any(|known| known.of(&self.texts) == text) {
            mention.steps.push(step);
        }
    }

    /// Every variable of a reference, with the first steps behind it. `texts` are those of the template.
    pub(crate) fn mentioned<'a>(
        &'a self,
        texts: &'a str,
    ) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        self.slots.iter().flat_map(move |(name, slot)| {
            let mention = self.mentions.get(*slot as usize);
            let bare = mention.is_some_and(|mention| mention.bare).then_some(None);
            let steps = mention.into_iter().flat_map(|mention| &mention.steps);
            let steps = steps.map(move |step| Some(step.of(texts)));
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

    /// Notes that no rendering can succeed; a syntax error further on counts more.
    fn fail(&mut self, error: Error) {
        self.failure
            .get_or_insert(error.of_kind(ErrorKind::Runtime));
    }

    /// Keeps a text that is no part of the source.
    fn keep(&mut self, text: &str) -> Piece {
        let start = self.texts.len();
        self.texts.push_str(text);
        Piece {
            start: clip(start),
            len: clip(text.len()),
        }
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

fn clip(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Parses a whole template.
pub(crate) fn parse(source: &str, names: &mut Names) -> Result<Nodes, Error> {
    names.texts.reserve(source.len() + source.len() / 8);
    names.texts.push_str(source);
    let mut parser = Parser::new(source, names, Place::Offset(0), 0);
    parser.tokens = TOKENS.take();
    let nodes = parser.template();
    let mut tokens = std::mem::take(&mut parser.tokens);
    tokens.clear();
    if tokens.capacity() <= KEPT {
        TOKENS.set(tokens);
    }
    match (names.failure.take(), nodes) {
        (None, nodes) => nodes,
        (Some(failure), Ok(_)) => Err(failure),
        // The error further on decides what kind of failure it is; the first mistake is what is told.
        (Some(failure), Err(error)) => Err(failure.of_kind(error.kind())),
    }
}

/// A hint for who escapes a quote.
pub(super) const BACKSLASH: &str = "a backslash does not escape a quote; double the quote: `\"\"`";

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
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        Ok(token.unwrap_or(Token {
            kind: Kind::Eof,
            span: Span::new(self.source.len(), self.source.len()),
            stray: (0, 0),
        }))
    }

    /// A stretch of this text as a part of the template's texts.
    fn piece(&mut self, span: Span) -> Piece {
        match self.place {
            Place::Offset(by) => Piece {
                start: span.start.saturating_add(by),
                len: span.end.saturating_sub(span.start),
            },
            Place::Within(_) => self.names.keep(slice(self.source, span)),
        }
    }

    /// The same for a part of the source.
    fn piece_of(&mut self, part: &str, start: usize) -> Piece {
        self.piece(Span::new(start, start + part.len()))
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
                let image = token.image(self.source);
                match image.trim() {
                    "" if image.contains('\n') => {
                        format!("unexpected end of the line; expected {wanted}")
                    }
                    "" => format!("unexpected blank; expected {wanted}"),
                    image => {
                        let short: String = image.chars().take(20).collect();
                        format!("unexpected `{short}`; expected {wanted}")
                    }
                }
            }
        };
        let error = self.error(token.span, message);
        match self.slip() {
            Some(help) => error.help(help),
            None => error,
        }
    }

    /// What was probably meant, where the next token is a surprise.
    fn slip(&self) -> Option<&'static str> {
        let token = self.tokens.get(self.at)?;
        let mut before = self.tokens.get(..self.at)?.iter().rev();
        let last = before.next()?;
        let image = token.image(self.source);
        let operand = match last.kind {
            Kind::Blank => before.next()?,
            _ => last,
        };
        match token.kind {
            Kind::Assign if last.kind == Kind::Equal => Some("`==` compares; there is no `===`"),
            Kind::Integer | Kind::Float if image.starts_with('-') => matches!(
                operand.kind,
                Kind::Integer
                    | Kind::Float
                    | Kind::Identifier
                    | Kind::CloseParen
                    | Kind::CloseCall
                    | Kind::CloseIndex
                    | Kind::CloseCurly
            )
            .then_some("a minus before a digit belongs to the number; to subtract, put a blank behind it: `3 - 1`"),
            _ if last.kind == Kind::String && last.image(self.source).ends_with("\\\"") => {
                Some(BACKSLASH)
            }
            _ => None,
        }
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
