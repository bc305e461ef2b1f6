//! Directives with a name: `#foreach`, `#define`, `#macro`, and whatever is none and prints itself.

use super::Parser;
use super::statement::is_directive;
use crate::vtl::ast::{Expr, Foreach, Node, Nodes};
use crate::vtl::error::{Error, ErrorKind};
use crate::vtl::span::Span;
use crate::vtl::token::Kind;

/// What a directive becomes.
pub(super) enum Parsed {
    Node(Node),
    Text(String),
}

/// An argument of a directive.
struct Argument {
    /// `None` for a bare word.
    value: Option<Expr>,
    is_reference: bool,
    /// Its first token, and the one behind its last.
    first: usize,
    last: usize,
}

fn unavailable(span: Span, name: &str) -> Parsed {
    let message = format!("#{name} is not available");
    Parsed::Node(Node::Fail(span, message.into()))
}

fn shape(span: Span, message: &str) -> Error {
    Error::new(ErrorKind::Syntax, span, message)
}

impl Parser<'_> {
    pub(super) fn directive(&mut self) -> Result<Parsed, Error> {
        let first = self.at;
        let token = self.take()?;
        let image = token.image(self.source);
        // The name is what follows the first character: `#` in general, but `$` in `$#foo`.
        let mut name = image.chars();
        name.next();
        if token.kind == Kind::BracketedWord {
            name.next();
            name.next_back();
        }
        let name = name.as_str().to_owned();
        let known = is_directive(&name);
        self.lexer.enter_directive();
        if !self.lexer.at_paren() {
            self.lexer.leave_directive();
            return self.alone(&name, first, token.span);
        }
        self.accept(Kind::Blank)?;
        self.expect(Kind::OpenParen, "`(`")?;
        let arguments = self.nested(|parser| parser.directive_arguments(&name))?;
        self.accept(Kind::Blank)?;
        self.expect(Kind::CloseParen, "`)`")?;
        match name.as_str() {
            "stop" => Ok(Parsed::Node(Node::Stop)),
            "break" => {
                let scope = arguments.into_iter().next().and_then(|a| a.value);
                Ok(Parsed::Node(Node::Break(
                    self.since(first),
                    scope.map(Box::new),
                )))
            }
            "include" if arguments.is_empty() => Ok(Parsed::Text(String::new())),
            "include" | "parse" => Ok(unavailable(self.since(first), &name)),
            "foreach" => self.foreach(first, arguments),
            "define" => self.define(first, &arguments),
            "macro" => self.macro_directive(first, &arguments),
            "literal" => self.literal(arguments.first()),
            _ if name.starts_with('@') => {
                self.block("a block macro")?;
                Ok(Parsed::Text(self.images(first)))
            }
            _ => {
                debug_assert!(!known);
                Ok(Parsed::Text(self.images(first)))
            }
        }
    }

    /// A directive without parentheses.
    fn alone(&mut self, name: &str, first: usize, span: Span) -> Result<Parsed, Error> {
        match name {
            "stop" => Ok(Parsed::Node(Node::Stop)),
            "break" => Ok(Parsed::Node(Node::Break(self.span(span), None))),
            "include" | "parse" => Ok(unavailable(self.span(span), name)),
            "macro" => Err(self.error(span, "#macro needs parentheses")),
            "foreach" | "define" | "literal" => {
                let error = self.error(span, format!("#{name} needs parentheses"));
                self.names.fail(error);
                Ok(Parsed::Text(String::new()))
            }
            _ => Ok(Parsed::Text(self.images(first))),
        }
    }

    fn directive_arguments(&mut self, name: &str) -> Result<Vec<Argument>, Error> {
        let mut arguments: Vec<Argument> = Vec::new();
        loop {
            let mut ahead = 0;
            if self.peek()? == Kind::Blank {
                ahead += 1;
            }
            if self.peek_at(ahead)? == Kind::Comma {
                ahead += 1;
                if self.peek_at(ahead)? == Kind::Blank {
                    ahead += 1;
                }
            }
            if matches!(self.peek_at(ahead)?, Kind::CloseParen | Kind::Eof) {
                return Ok(arguments);
            }
            self.at += ahead;
            let first = self.at;
            let kind = self.peek()?;
            let value = if kind == Kind::Word {
                let allowed = match name {
                    "foreach" => arguments.len() == 1,
                    "macro" => arguments.is_empty(),
                    _ => !is_directive(name),
                };
                if !allowed {
                    return Err(self.unexpected("a value"));
                }
                self.take()?;
                None
            } else {
                Some(self.operand()?)
            };
            arguments.push(Argument {
                value,
                is_reference: matches!(kind, Kind::Identifier | Kind::OpenCurly),
                first,
                last: self.at,
            });
        }
    }

    fn block(&mut self, what: &str) -> Result<Nodes, Error> {
        let nodes = self.statements()?;
        if !self.accept(Kind::End)? {
            return Err(self.unexpected(&format!("the #end of {what}")));
        }
        Ok(nodes)
    }

    fn foreach(&mut self, first: usize, arguments: Vec<Argument>) -> Result<Parsed, Error> {
        let span = self.since(first);
        let count = arguments.len();
        let mut arguments = arguments.into_iter();
        let variable = arguments.next();
        // What stands in the middle is not looked at. With nothing behind it there is nothing to iterate over.
        let source = match arguments.nth(1) {
            Some(Argument { value, .. }) => value.unwrap_or(Expr::Bool(false)),
            None => Expr::Bool(false),
        };
        let variable = match variable {
            Some(Argument {
                value: Some(Expr::Reference(variable)),
                ..
            }) => Some(variable.slot),
            Some(Argument { value: Some(_), .. }) => None,
            _ => None,
        };
        let body = self.block("a #foreach")?;
        if count < 2 {
            let message = "expected #foreach($item in $list)".into();
            return Ok(Parsed::Node(Node::Fail(span, message)));
        }
        for name in ["foreach", "velocityCount", "velocityHasNext"] {
            self.names.slot(name);
        }
        Ok(Parsed::Node(Node::Foreach(Box::new(Foreach {
            variable,
            source,
            body,
            span,
        }))))
    }

    fn define(&mut self, first: usize, arguments: &[Argument]) -> Result<Parsed, Error> {
        let span = self.since(first);
        let slot = match arguments {
            [argument] if argument.is_reference => self.plain_name(argument.first),
            [_] => None,
            _ => {
                self.names.fail(shape(span, "expected #define($name)"));
                None
            }
        };
        let nodes = self.block("a #define")?;
        self.names.bodies.push(nodes);
        Ok(Parsed::Node(Node::Define(
            slot,
            self.names.bodies.len() - 1,
        )))
    }

    /// A macro defines nothing and prints nothing; only its name is remembered.
    fn macro_directive(&mut self, first: usize, arguments: &[Argument]) -> Result<Parsed, Error> {
        let word = arguments
            .first()
            .filter(|a| a.value.is_none())
            .and_then(|a| self.tokens.get(a.first))
            .map(|token| token.image(self.source).to_owned());
        let Some(word) = word else {
            let span = self.since(first);
            return Err(shape(span, "expected #macro(name $argument ...)"));
        };
        self.block("a #macro")?;
        self.names.macros.insert(word);
        Ok(Parsed::Text(String::new()))
    }

    /// `#literal()`: the block's source is the text.
    fn literal(&mut self, argument: Option<&Argument>) -> Result<Parsed, Error> {
        let start = self.at;
        self.block("a #literal")?;
        if let Some(argument) = argument {
            // Not the block then, but the argument prints itself.
            let tokens = argument.first..argument.last;
            return Ok(Parsed::Text(self.images_of(tokens)));
        }
        if self.at == start + 1 {
            let span = self.since(start);
            self.names
                .fail(shape(span, "#literal() needs something to print"));
        }
        let mut text = String::new();
        for token in self
            .tokens
            .get(start..self.at.saturating_sub(1))
            .unwrap_or_default()
        {
            token.literal(self.source, self.lexer.strays(), &mut text);
        }
        Ok(Parsed::Text(text))
    }

    /// The source of the tokens from `first` to the last one taken.
    fn images(&self, first: usize) -> String {
        self.images_of(first..self.at)
    }

    fn images_of(&self, tokens: std::ops::Range<usize>) -> String {
        self.tokens
            .get(tokens)
            .unwrap_or_default()
            .iter()
            .map(|token| token.image(self.source))
            .collect()
    }
}
