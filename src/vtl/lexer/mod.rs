//! Splits a template into tokens: a stack of states, and in each the longest match wins.
//!
//! The states and their tokens are those of Velocity 1.7. Most surprises of the language come from here: a prefix
//! such as `$` is kept until it turns out what it belongs to, a `)` closes whichever state is open, and `#set`
//! takes the blanks before it only where no text has taken them already.

mod rules;

use super::error::{Error, ErrorKind};
use super::parser::BACKSLASH;
use super::span::Span;
use super::token::{Kind, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Default,
    Reference,
    /// After the dot of a reference.
    Modifier,
    /// Inside the parentheses of a method call.
    Call,
    /// Inside the brackets of a reference.
    Index,
    /// After `#`.
    PreDirective,
    /// Inside the parentheses of a directive.
    Directive,
    LineComment,
    BlockComment,
    /// After `#**`.
    FormalComment,
    TextBlock,
}

/// What a rule found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// `$`, with backslashes and `!`.
    Dollar,
    Hash,
    OpenTextBlock,
    /// `#*`.
    OpenComment,
    /// `#**` and one character, which is given back.
    OpenFormalComment,
    /// One character of a text block.
    Raw,
    /// One character of a comment.
    Skip,
    /// A character that ends a reference or directive without belonging to it.
    Terminator,
    Token(Kind),
}

#[derive(Debug)]
struct Saved {
    open: u32,
    closed: u32,
    state: State,
}

/// The token source.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    source: &'a str,
    at: usize,
    state: State,
    stack: Vec<Saved>,
    open: u32,
    closed: u32,
    in_comment: bool,
    /// Prefixes that ended in nothing, each with the character that ended it.
    strays: Vec<Span>,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Lexer {
            source,
            at: 0,
            state: State::Default,
            stack: Vec::new(),
            open: 0,
            closed: 0,
            in_comment: false,
            strays: Vec::new(),
        }
    }

    pub(crate) fn strays(&self) -> &[Span] {
        &self.strays
    }

    /// The strays since there were `from`.
    fn strays_since(&self, from: usize) -> (u32, u32) {
        let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (clip(from), clip(self.strays.len()))
    }

    /// The next token.
    pub(crate) fn next_token(&mut self) -> Result<Token, Error> {
        let mut start = self.at;
        let strays = self.strays.len();
        loop {
            if self.at >= self.source.len() {
                if self.at > start {
                    return Err(self.unfinished(start));
                }
                return Ok(Token {
                    kind: Kind::Eof,
                    span: Span::new(self.at, self.at),
                    stray: self.strays_since(strays),
                });
            }
            let Some((rule, len)) = self.scan() else {
                return Err(self.unexpected(start));
            };
            self.at += len;
            match rule {
                Rule::Dollar => {
                    if !self.in_comment {
                        if self.state == State::Reference {
                            self.pop();
                        }
                        self.push(State::Reference);
                    }
                }
                Rule::Hash => {
                    if !self.in_comment {
                        if matches!(self.state, State::Reference | State::Modifier) {
                            self.pop();
                        }
                        self.push(State::PreDirective);
                    }
                }
                Rule::OpenTextBlock => self.open_comment(State::TextBlock, 0),
                Rule::OpenComment => self.open_comment(State::BlockComment, 0),
                Rule::OpenFormalComment => {
                    let last = self.source.get(..self.at).unwrap_or_default();
                    let back = last.chars().next_back().map_or(0, char::len_utf8);
                    self.open_comment(State::FormalComment, back);
                }
                Rule::Raw => {}
                Rule::Skip => start = self.at,
                Rule::Terminator => {
                    let image = self.source.get(start..self.at).unwrap_or_default();
                    // Nothing else of it is ever printed.
                    if image.contains(['#', '$', '\\']) {
                        self.strays.push(Span::new(start, self.at));
                    }
                    self.at -= len;
                    start = self.at;
                    self.pop();
                }
                Rule::Token(kind) => {
                    let back = self.finish(kind, len);
                    self.at -= back;
                    if kind == Kind::Dot {
                        // A dot loses the prefix before it.
                        start = self.at - 1;
                    }
                    return Ok(Token {
                        kind,
                        span: Span::new(start, self.at),
                        stray: self.strays_since(strays),
                    });
                }
            }
        }
    }

    /// Does what a token does to the state, and says how many bytes to give back.
    fn finish(&mut self, kind: Kind, len: usize) -> usize {
        match kind {
            Kind::Set => {
                self.push(State::Directive);
                self.open = 1;
            }
            Kind::LineCommentStart if !self.in_comment => {
                if self.state == State::Reference {
                    self.pop();
                }
                self.in_comment = true;
                self.push(State::LineComment);
            }
            Kind::LineCommentEnd | Kind::BlockComment | Kind::FormalComment | Kind::TextBlock => {
                self.in_comment = false;
                self.pop();
            }
            Kind::End | Kind::Else | Kind::CloseCurly | Kind::CloseIndex => {
                self.pop();
            }
            Kind::If | Kind::ElseIf => self.state = State::Directive,
            Kind::Dot => {
                self.state = State::Modifier;
                return 1;
            }
            Kind::OpenIndex => self.push(State::Index),
            Kind::OpenParen => {
                self.open += 1;
                if self.state == State::Modifier {
                    self.state = State::Call;
                }
            }
            Kind::CloseCall => self.state = State::Reference,
            Kind::CloseParen => self.close_paren(),
            Kind::Integer | Kind::Float => {
                // `#1` is text.
                if self.state == State::PreDirective {
                    self.pop();
                }
                let image = self.source.get(self.at - len..self.at).unwrap_or_default();
                if image.ends_with("..") {
                    return 2;
                }
            }
            _ => {}
        }
        0
    }

    fn open_comment(&mut self, state: State, back: usize) {
        if !self.in_comment {
            self.at -= back;
            self.in_comment = true;
            self.push(state);
        }
    }

    fn push(&mut self, state: State) {
        self.stack.push(Saved {
            open: self.open,
            closed: self.closed,
            state: self.state,
        });
        self.open = 0;
        self.state = state;
    }

    fn pop(&mut self) -> bool {
        match self.stack.pop() {
            Some(saved) => {
                self.open = saved.open;
                self.closed = saved.closed;
                self.state = saved.state;
                true
            }
            None => {
                self.open = 0;
                self.state = State::Default;
                false
            }
        }
    }

    /// Closes the innermost state that has an open parenthesis.
    fn close_paren(&mut self) {
        loop {
            if self.open > 0 {
                if self.open == self.closed + 1 {
                    self.pop();
                } else {
                    self.closed += 1;
                }
                return;
            }
            if !self.pop() {
                return;
            }
        }
    }

    /// The parser has seen the name of a directive.
    pub(crate) fn enter_directive(&mut self) {
        self.state = State::Directive;
    }

    /// The parser has found that the directive stands alone.
    pub(crate) fn leave_directive(&mut self) {
        self.pop();
    }

    /// Whether blanks and newlines lead to `(`.
    pub(crate) fn at_paren(&self) -> bool {
        let rest = self.source.get(self.at..).unwrap_or_default();
        rest.trim_start_matches([' ', '\t', '\r', '\n'])
            .starts_with('(')
    }

    fn unfinished(&self, start: usize) -> Error {
        let span = Span::new(start, self.at);
        let (what, help) = match self.state {
            State::BlockComment | State::FormalComment => {
                ("the comment is not closed", "close it with `*#`")
            }
            State::TextBlock => ("the text block is not closed", "close it with `]]#`"),
            _ => (
                "the template ends in the middle of a reference or directive",
                "a `$` or `#` cannot be the last character; to print one, use `#set($d = '$')` and `$d`",
            ),
        };
        Error::new(ErrorKind::Lexical, span, what).help(help)
    }

    fn unexpected(&self, start: usize) -> Error {
        let rest = self.source.get(self.at..).unwrap_or_default();
        let c = rest.chars().next().unwrap_or(' ');
        let span = Span::new(self.at.max(start), self.at + c.len_utf8());
        let place = match self.state {
            State::Call => "in the arguments of a method",
            State::Index => "in an index",
            _ => "in a directive",
        };
        let error = Error::new(
            ErrorKind::Lexical,
            span,
            format!("unexpected {c:?} {place}"),
        );
        match (self.state, c) {
            (_, '"')
                if self
                    .source
                    .get(..self.at)
                    .is_some_and(|s| s.ends_with("\\\"")) =>
            {
                error.help(BACKSLASH)
            }
            (_, '"' | '\'') => error.help("the string is not closed"),
            (State::Directive, '&') => error.help("write `&&` or `and`"),
            (State::Directive, '|') => error.help("write `||` or `or`"),
            (State::Directive, '.') => {
                error.help("texts are joined by `+`, or in one string: `\"$a$b\"`")
            }
            (State::Call, '+' | '-' | '*' | '/' | '%' | '!' | '=' | '<' | '>') => {
                error.help("arguments cannot be computed in place; use #set first")
            }
            _ => error,
        }
    }
}
