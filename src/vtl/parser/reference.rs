//! References: the prefix, the name, and the steps behind it.

use std::sync::Arc;

use super::Parser;
use crate::vtl::ast::{Expr, Form, Reference, Slot, Step, StepKind};
use crate::vtl::error::Error;
use crate::vtl::span::Span;
use crate::vtl::token::{Kind, Token};

/// The prefix of a reference, taken apart.
struct Prefix {
    slashes: String,
    stray: String,
    /// The rest of the first token: `$`, `$!`, `${`, `$name` or a bare name.
    rest: String,
    escaped: bool,
}

impl Prefix {
    fn of(image: &str) -> Self {
        let count = image.bytes().take_while(|b| *b == b'\\').count();
        let (_, rest) = image.split_at(count);
        let dollar = rest.rfind('$').unwrap_or(0);
        let (stray, rest) = rest.split_at(dollar);
        Prefix {
            slashes: "\\".repeat(count / 2),
            stray: stray.to_owned(),
            rest: rest.to_owned(),
            escaped: count % 2 != 0,
        }
    }
}

impl Parser<'_> {
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
            token.clone()
        };
        let steps = self.steps()?;
        if braces {
            self.expect(Kind::CloseCurly, "`}`")?;
        }
        let image = token.image(self.source);
        let prefix = Prefix::of(image);
        let mut source = prefix.rest.clone();
        for part in self.tokens.get(first + 1..self.at).unwrap_or_default() {
            part.literal(self.source, &mut source);
        }
        let (form, root) = self.form(&token, &name, &prefix);
        let slot = self.names.slot(&root);
        let child = steps.first().and_then(|step| match &step.kind {
            StepKind::Property(name) => Some(name.to_string()),
            StepKind::Method(name, _) => Some(name.to_string()),
            StepKind::Index(Expr::Text(key)) => Some(key.to_string()),
            StepKind::Index(_) => None,
        });
        if !matches!(form, Form::Bare(_) | Form::Broken) {
            self.names.mentioned.insert((root, child));
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
            steps: steps.into_boxed_slice(),
            slashes: prefix.slashes.into_boxed_str(),
            prefix: prefix.stray.into_boxed_str(),
            source: source.into_boxed_str(),
            span,
        })
    }

    /// What the first token makes of the reference, and the name of its variable.
    fn form(&self, token: &Token, name: &Token, prefix: &Prefix) -> (Form, String) {
        let braces = token.kind == Kind::OpenCurly;
        let braced = || name.image(self.source).to_owned();
        let rest = prefix.rest.as_str();
        if token.image(self.source).contains("\\!") {
            return (Form::Broken, token.image(self.source).to_owned());
        }
        let Some(plain) = rest.strip_prefix('$') else {
            return (Form::Bare(rest.into()), rest.to_owned());
        };
        let (quiet, plain) = match plain.strip_prefix('!') {
            Some(plain) => (true, plain),
            None => (false, plain),
        };
        let root = if braces { braced() } else { plain.to_owned() };
        let form = match (prefix.escaped, quiet) {
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
        let name = prefix.rest.get(1..)?.to_owned();
        if token.kind != Kind::Identifier || name.starts_with('!') || !prefix.rest.starts_with('$')
        {
            return None;
        }
        Some(self.names.slot(&name))
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
                    steps.push(Step {
                        kind: StepKind::Index(index),
                        span: self.since(first),
                    });
                }
                Kind::Dot if self.peek_at(1)? == Kind::Identifier => {
                    self.take()?;
                    let name = self.take()?;
                    let name = name.image(self.source);
                    let kind = if self.at_call()? {
                        let name = name.into();
                        self.take()?;
                        let arguments = self.nested(Self::arguments)?;
                        StepKind::Method(name, arguments.into_boxed_slice())
                    } else {
                        StepKind::Property(Arc::from(name))
                    };
                    steps.push(Step {
                        kind,
                        span: self.since(first),
                    });
                }
                _ => return Ok(steps),
            }
        }
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
