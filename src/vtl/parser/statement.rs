//! Statements: text, references, comments, escapes, `#if` and `#set`.

use super::Parser;
use crate::vtl::ast::{Form, If, Node, Nodes, Piece, Set, Target};
use crate::vtl::error::Error;
use crate::vtl::span::Span;
use crate::vtl::token::{Kind, slice};

/// Directives that exist besides `#if`, `#set` and their parts.
pub(super) fn is_directive(name: &str) -> bool {
    matches!(
        name,
        "foreach" | "define" | "literal" | "macro" | "stop" | "break" | "include" | "parse"
    )
}

/// Adds a text, joined with the one before it if that is its neighbour.
fn push_text(nodes: &mut Nodes, text: Piece) {
    if text.len == 0 {
        return;
    }
    match nodes.last_mut() {
        Some(Node::Text(last)) if last.start + last.len == text.start => last.len += text.len,
        _ => nodes.push(Node::Text(text)),
    }
}

impl Parser<'_> {
    /// Statements up to a token that starts none.
    pub(super) fn statements(&mut self) -> Result<Nodes, Error> {
        self.nested(|parser| {
            let mut into = Nodes::new();
            while parser.statement(&mut into)? {}
            Ok(into)
        })
    }

    fn statement(&mut self, into: &mut Nodes) -> Result<bool, Error> {
        match self.peek()? {
            Kind::If => into.push(self.if_statement()?),
            Kind::Identifier => into.push(self.printed()?),
            Kind::OpenCurly if self.peek_at(1)? == Kind::Identifier => into.push(self.printed()?),
            kind @ (Kind::LineCommentStart | Kind::BlockComment | Kind::FormalComment) => {
                let token = self.take()?;
                // A stray prefix may have become a part of the comment; it prints.
                let image = token.image(self.source);
                if let Some(at) = image.find("##").or_else(|| image.find("#*")) {
                    let start = token.span.start as usize;
                    push_text(into, self.piece(Span::new(start, start + at)));
                }
                if kind == Kind::LineCommentStart {
                    self.accept(Kind::LineCommentEnd)?;
                }
            }
            Kind::TextBlock => {
                let token = self.take()?;
                // The first and last three characters go, whatever they are.
                let image = token.image(self.source);
                let mut inner = image.chars();
                inner.nth(2);
                let end = token.span.end as usize;
                let start = end - inner.as_str().len();
                push_text(into, self.piece(Span::new(start, end.saturating_sub(3))));
            }
            Kind::Set => into.push(self.set_statement()?),
            Kind::EscapedDirective => {
                let at = self.at;
                let token = self.take()?;
                let cut = self.escaped_cut(token.image(self.source));
                // Wherever the source of the token is printed, half of the backslashes are gone.
                let start = token.span.start as usize + cut;
                let span = Span::new(start, token.span.end as usize);
                if let Some(token) = self.tokens.get_mut(at) {
                    token.span = span;
                }
                push_text(into, self.piece(span));
            }
            Kind::DoubleEscape => {
                let text = self.escapes()?;
                push_text(into, self.names.keep(&text));
            }
            Kind::Word | Kind::BracketedWord => match self.directive()? {
                super::directive::Parsed::Node(node) => into.push(node),
                super::directive::Parsed::Text(text) => push_text(into, self.names.keep(&text)),
            },
            Kind::Text
            | Kind::Dot
            | Kind::CloseParen
            | Kind::OpenParen
            | Kind::Integer
            | Kind::Float
            | Kind::String
            | Kind::Escape
            | Kind::OpenCurly
            | Kind::CloseCurly
            | Kind::EmptyIndex => {
                let token = self.take()?;
                let text = match token.has_stray() {
                    true => {
                        let mut text = String::new();
                        token.literal(self.source, self.lexer.strays(), &mut text);
                        self.names.keep(&text)
                    }
                    false => self.piece(token.span),
                };
                push_text(into, text);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn printed(&mut self) -> Result<Node, Error> {
        let reference = self.reference()?;
        Ok(match reference.form {
            Form::Bare(name) => Node::Text(name),
            _ => Node::Reference(Box::new(reference)),
        })
    }

    /// How many backslashes `\#word` loses: half of them before a known word, none before another.
    fn escaped_cut(&self, image: &str) -> usize {
        let last = image.rfind('\\').unwrap_or(0);
        let name = image.get(last + 2..).unwrap_or_default();
        let name = name
            .strip_prefix('{')
            .map_or(name, |name| name.trim_end_matches('}'));
        let known = is_directive(name)
            || self.names.macros.contains(name)
            || matches!(name, "if" | "end" | "set" | "else" | "elseif");
        if known { last + 1 - last / 2 } else { 0 }
    }

    /// Pairs of backslashes: halved before a directive, kept before anything else.
    fn escapes(&mut self) -> Result<String, Error> {
        let mut count = 0;
        while self.accept(Kind::DoubleEscape)? {
            count += 1;
        }
        let kind = self.peek()?;
        let image = self
            .tokens
            .get(self.at)
            .map_or("", |token| slice(self.source, token.span));
        let mut name = image.chars();
        name.next();
        let name = name.as_str();
        let control = matches!(kind, Kind::If | Kind::Else | Kind::ElseIf | Kind::End)
            || is_directive(name)
            || self.names.macros.contains(name);
        Ok(if control { "\\" } else { "\\\\" }.repeat(count))
    }

    fn if_statement(&mut self) -> Result<Node, Error> {
        let mut branches = Vec::new();
        loop {
            let first = self.at;
            self.take()?;
            self.accept(Kind::Blank)?;
            self.expect(Kind::OpenParen, "`(` and a condition")?;
            let condition = self.expression()?;
            self.expect(Kind::CloseParen, "`)`")?;
            let span = self.since(first);
            branches.push((span, condition, self.statements()?));
            if self.peek()? != Kind::ElseIf {
                break;
            }
        }
        let mut otherwise = None;
        if self.peek()? == Kind::Else {
            let first = self.at;
            self.take()?;
            let span = self.since(first);
            otherwise = Some((span, self.statements()?));
        }
        self.expect(Kind::End, "the #end of an #if")?;
        Ok(Node::If(Box::new(If {
            branches,
            otherwise,
        })))
    }

    fn set_statement(&mut self) -> Result<Node, Error> {
        let first = self.at;
        self.take()?;
        self.accept(Kind::Blank)?;
        let start = self.at;
        if self.peek()? == Kind::Word {
            return Err(self
                .unexpected("a reference")
                .help("a variable needs a `$` where it is set, too"));
        }
        let reference = self.reference()?;
        self.accept(Kind::Blank)?;
        self.expect(Kind::Assign, "`=`")?;
        let value = self.expression()?;
        self.expect(Kind::CloseParen, "`)`")?;
        let target = if !reference.steps.is_empty() {
            Target::Inner(Box::new(reference))
        } else {
            match self.plain_name(start) {
                Some(slot) => Target::Variable(slot),
                None => Target::Nowhere,
            }
        };
        Ok(Node::Set(Box::new(Set {
            target,
            value,
            span: self.since(first),
        })))
    }
}
