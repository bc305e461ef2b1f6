//! References: the prefix, the name, and the steps behind it.

use std::sync::atomic::AtomicU32;

use super::Parser;
use crate::vtl::ast::{Expr, Form, Piece, Reference, Shape, Slot, Step, StepKind};
use crate::vtl::error::Error;
use crate::vtl::methods::Name;
use crate::vtl::span::Span;
use crate::vtl::token::{Kind, Token};

/// The prefix of a reference, taken apart.
struct Prefix<'a> {
    /// How many backslashes there are, each two of which print as one.
    slashes: usize,
    stray: &'a str,
    /// The rest of the first token: `$`, `$!`, `${`, `$name` or a bare name.
    rest: &'a str,
}

impl<'a> Prefix<'a> {
    fn of(image: &'a str) -> Self {
        let slashes = image.bytes().take_while(|b| *b == b'\\').count();
        let (_, rest) = image.split_at(slashes);
        let dollar = memchr::memrchr(b'$', rest.as_bytes()).unwrap_or(0);
        let (stray, rest) = rest.split_at(dollar);
        Prefix {
            slashes,
            stray,
            rest,
        }
    }
}

impl<'a> Parser<'a> {
    /// A reference, with or without braces, with or without a `$`.
    pub(super) fn reference(&mut self) -> Result<Reference, Error> {
        let first = self.at;
        let token = match self.peek()? {
            Kind::Identifier | Kind::OpenCurly => self.take()?,
            _ => return Err(self.unexpected("a reference")),
        };
        let braces = token.kind == Kind::OpenCurly;
        let name = if braces {
            self.expect(Kind::Identifier, "a name")?
        } else {
            token
        };
        let steps = self.steps()?;
        if braces {
            self.expect(Kind::CloseCurly, "`}`")?;
        }
        let image = token.image(self.source);
        let prefix = Prefix::of(image);
        let source = self.source_of(prefix.rest, first);
        let stray = match prefix.stray {
            "" => Piece::default(),
            stray => self.piece_of(stray, token.span.start as usize + prefix.slashes),
        };
        let (form, root) = self.form(&token, &name, &prefix);
        let slot = self.names.slot(root);
        if !matches!(form, Form::Bare(_) | Form::Broken) {
            let child = steps.first().and_then(|step| match &step.kind {
                StepKind::Property(name) => Some(*name),
                StepKind::Method(name, _) => Some(name.text()),
                StepKind::Index(Expr::Text(key)) => Some(*key),
                StepKind::Index(_) => None,
            });
            self.names.mention(slot, child);
        }
        let span = self.since(first);
        // From now on the token is what is left without its prefix, wherever its source is printed.
        let cut = image.len() - prefix.rest.len();
        if let Some(token) = self.tokens.get_mut(first) {
            let start = token.span.start as usize + cut;
            token.span = Span::new(start, token.span.end as usize);
        }
        Ok(Reference {
            form,
            slot,
            shape: Shape::of(slot, &steps, &self.names.texts),
            steps,
            slashes: u32::try_from(prefix.slashes / 2).unwrap_or(u32::MAX),
            prefix: stray,
            source,
            span,
        })
    }

    /// What a reference prints for itself: the rest of its first token, and the tokens behind it.
    fn source_of(&mut self, rest: &str, first: usize) -> Piece {
        let end = |token: &Token| token.span.end as usize;
        let from = self.tokens.get(first).map_or(0, |t| end(t) - rest.len());
        let parts = self.tokens.get(first + 1..self.at).unwrap_or_default();
        // In general that is one stretch of the template.
        let mut at = from + rest.len();
        let one = parts.iter().all(|part| {
            let follows = part.span.start as usize == at;
            at = end(part);
            follows && !part.has_stray() && part.kind != Kind::BlockComment
        });
        if one {
            return self.piece(Span::new(from, at));
        }
        let mut source = rest.to_owned();
        for part in parts {
            part.literal(self.source, self.lexer.strays(), &mut source);
        }
        self.names.keep(&source)
    }

    /// What the first token makes of the reference, and the name of its variable.
    fn form(&mut self, token: &Token, name: &Token, prefix: &Prefix<'a>) -> (Form, &'a str) {
        let braces = token.kind == Kind::OpenCurly;
        let image = token.image(self.source);
        if image.contains("\\!") {
            return (Form::Broken, image);
        }
        let Some(plain) = prefix.rest.strip_prefix('$') else {
            let start = token.span.end as usize - prefix.rest.len();
            return (Form::Bare(self.piece_of(prefix.rest, start)), prefix.rest);
        };
        let (quiet, plain) = match plain.strip_prefix('!') {
            Some(plain) => (true, plain),
            None => (false, plain),
        };
        let root = if braces {
            name.image(self.source)
        } else {
            plain
        };
        let form = match (!prefix.slashes.is_multiple_of(2), quiet) {
            (true, _) => Form::Escaped,
            (false, true) => Form::Quiet,
            (false, false) => Form::Plain,
        };
        (form, root)
    }

    /// The variable a plain `$name` at this token stands for; braces and `!` belong to the name here, so that no
    /// template can read what is written to it.
    pub(super) fn plain_name(&mut self, at: usize) -> Option<Slot> {
        let token = self.tokens.get(at)?;
        let prefix = Prefix::of(token.image(self.source));
        let name = prefix.rest.get(1..)?;
        if token.kind != Kind::Identifier || name.starts_with('!') || !prefix.rest.starts_with('$')
        {
            return None;
        }
        Some(self.names.slot(name))
    }

    fn steps(&mut self) -> Result<Vec<Step>, Error> {
        let mut steps = Vec::new();
        loop {
            let first = self.at;
            match self.peek()? {
                Kind::OpenIndex => {
                    self.take()?;
                    let index = self.nested(Self::index)?;
                    self.expect(Kind::CloseIndex, "`]`")?;
                    let kind = StepKind::Index(index);
                    self.push_step(&mut steps, kind, first);
                }
                Kind::Dot if self.peek_at(1)? == Kind::Identifier => {
                    self.take()?;
                    let name = self.take()?;
                    let piece = self.piece(name.span);
                    let kind = if self.at_call()? {
                        let name = Name::new(name.image(self.source), piece);
                        self.take()?;
                        let arguments = self.nested(Self::arguments)?;
                        StepKind::Method(name, arguments)
                    } else {
                        StepKind::Property(piece)
                    };
                    self.push_step(&mut steps, kind, first);
                }
                _ => return Ok(steps),
            }
        }
    }

    fn push_step(&self, steps: &mut Vec<Step>, kind: StepKind, first: usize) {
        if steps.is_empty() {
            // Most references have one.
            steps.reserve_exact(1);
        }
        steps.push(Step {
            kind,
            span: self.since(first),
            hint: AtomicU32::new(0),
        });
    }

    /// Whether `(` follows and something that can start the arguments or end them.
    fn at_call(&mut self) -> Result<bool, Error> {
        Ok(self.peek()? == Kind::OpenParen
            && matches!(
                self.peek_at(1)?,
                Kind::Blank
                    | Kind::String
                    | Kind::Integer
                    | Kind::Float
                    | Kind::OpenList
                    | Kind::OpenMap
                    | Kind::True
                    | Kind::False
                    | Kind::Identifier
                    | Kind::OpenCurly
                    | Kind::CloseCall
            ))
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, Error> {
        let mut arguments = Vec::new();
        if self.accept(Kind::CloseCall)? {
            return Ok(arguments);
        }
        arguments.reserve_exact(1);
        loop {
            arguments.push(self.parameter()?);
            if !self.accept(Kind::Comma)? {
                break;
            }
        }
        if self.peek()? != Kind::CloseCall {
            return Err(self
                .unexpected("`,` or `)`")
                .help("arguments cannot be computed in place; use #set first"));
        }
        self.take()?;
        Ok(arguments)
    }

    fn index(&mut self) -> Result<Expr, Error> {
        self.accept(Kind::Blank)?;
        let index = match self.peek()? {
            Kind::String | Kind::Integer | Kind::True | Kind::False => self.constant()?,
            Kind::Identifier | Kind::OpenCurly => Expr::Reference(Box::new(self.reference()?)),
            _ => return Err(self.unexpected("a number, a string or a reference")),
        };
        self.accept(Kind::Blank)?;
        Ok(index)
    }
}
