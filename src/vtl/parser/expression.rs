//! Expressions, literals and what is inside strings.

use num_bigint::BigInt;

use super::{Parser, Place};
use crate::vtl::ast::{Comparison, Expr, Math, Piece, Sum};
use crate::vtl::error::Error;
use crate::vtl::span::Span;
use crate::vtl::token::{Kind, Token};

fn comparison(kind: Kind) -> Option<Comparison> {
    Some(match kind {
        Kind::Less => Comparison::Less,
        Kind::LessOrEqual => Comparison::LessOrEqual,
        Kind::Greater => Comparison::Greater,
        Kind::GreaterOrEqual => Comparison::GreaterOrEqual,
        Kind::Equal => Comparison::Equal,
        Kind::NotEqual => Comparison::NotEqual,
        _ => return None,
    })
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expr, Error> {
        self.nested(|parser| {
            let first = parser.conjunction()?;
            if parser.peek()? != Kind::Or {
                return Ok(first);
            }
            let mut all = vec![first];
            while parser.accept(Kind::Or)? {
                all.push(parser.conjunction()?);
            }
            Ok(Expr::Or(all))
        })
    }

    fn conjunction(&mut self) -> Result<Expr, Error> {
        let first = self.equality()?;
        if self.peek()? != Kind::And {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.accept(Kind::And)? {
            all.push(self.equality()?);
        }
        Ok(Expr::And(all))
    }

    fn equality(&mut self) -> Result<Expr, Error> {
        let first = self.relation()?;
        let mut rest = Vec::new();
        while let kind @ (Kind::Equal | Kind::NotEqual) = self.peek()? {
            self.take()?;
            if let Some(operator) = comparison(kind) {
                rest.push((operator, self.relation()?));
            }
        }
        Ok(compared(first, rest))
    }

    fn relation(&mut self) -> Result<Expr, Error> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        while let kind @ (Kind::Less | Kind::LessOrEqual | Kind::Greater | Kind::GreaterOrEqual) =
            self.peek()?
        {
            self.take()?;
            if let Some(operator) = comparison(kind) {
                rest.push((operator, self.sum()?));
            }
        }
        Ok(compared(first, rest))
    }

    fn sum(&mut self) -> Result<Expr, Error> {
        let start = self.at;
        let first = self.product()?;
        let mut rest = Vec::new();
        loop {
            let operator = match self.peek()? {
                Kind::Plus => Math::Add,
                Kind::Minus => Math::Subtract,
                _ => break,
            };
            self.take()?;
            let from = self.end_of_last();
            let operand = self.product()?;
            rest.push((operator, operand, self.text_from(from)));
        }
        Ok(self.computed(start, first, rest))
    }

    fn product(&mut self) -> Result<Expr, Error> {
        let start = self.at;
        let first = self.unary()?;
        let mut rest = Vec::new();
        loop {
            let operator = match self.peek()? {
                Kind::Times => Math::Multiply,
                Kind::Divide => Math::Divide,
                Kind::Remainder => Math::Remainder,
                _ => break,
            };
            self.take()?;
            let from = self.end_of_last();
            let operand = self.unary()?;
            rest.push((operator, operand, self.text_from(from)));
        }
        Ok(self.computed(start, first, rest))
    }

    fn computed(&mut self, start: usize, first: Expr, rest: Vec<(Math, Expr, Piece)>) -> Expr {
        if rest.is_empty() {
            return first;
        }
        Expr::Math(Box::new(Sum {
            first,
            rest,
            source: self.text_since(start),
            grouped: false,
            span: self.since(start),
        }))
    }

    /// Where the last token taken ends.
    fn end_of_last(&self) -> u32 {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.map_or(0, |token| token.span.end)
    }

    /// The source from a token to the last one taken.
    fn text_since(&mut self, first: usize) -> Piece {
        let start = self.tokens.get(first).map_or(0, |token| token.span.start);
        self.text_from(start)
    }

    fn text_from(&mut self, start: u32) -> Piece {
        let end = self.end_of_last().max(start);
        self.piece(Span { start, end })
    }

    fn unary(&mut self) -> Result<Expr, Error> {
        self.accept(Kind::Blank)?;
        if self.accept(Kind::Not)? {
            let inner = self.nested(Self::unary)?;
            return Ok(Expr::Not(Box::new(inner)));
        }
        let value = if self.accept(Kind::OpenParen)? {
            let mut inner = self.expression()?;
            self.expect(Kind::CloseParen, "`)`")?;
            if let Expr::Math(sum) = &mut inner {
                sum.grouped = true;
            }
            inner
        } else {
            self.operand()?
        };
        self.accept(Kind::Blank)?;
        Ok(value)
    }

    /// One argument of a method, one item of a list.
    pub(super) fn parameter(&mut self) -> Result<Expr, Error> {
        self.accept(Kind::Blank)?;
        let value = self.operand()?;
        self.accept(Kind::Blank)?;
        Ok(value)
    }

    /// A literal or a reference.
    pub(super) fn operand(&mut self) -> Result<Expr, Error> {
        match self.peek()? {
            Kind::String | Kind::Integer | Kind::Float | Kind::True | Kind::False => {
                self.constant()
            }
            Kind::Identifier | Kind::OpenCurly => Ok(Expr::Reference(Box::new(self.reference()?))),
            Kind::OpenList => self.nested(Self::list),
            Kind::OpenMap => self.nested(Self::map),
            Kind::Word => Err(self.unexpected("a value").help(
                "strings need quotes, variables a `$`; there is no `null`: compare with `''`",
            )),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn list(&mut self) -> Result<Expr, Error> {
        let first = self.at;
        self.take()?;
        let mut items = Vec::new();
        if self.accept(Kind::CloseList)? {
            return Ok(Expr::List(Vec::new()));
        }
        loop {
            // A second blank, which a stray `$` between the two makes, is refused.
            let blank = usize::from(self.peek()? == Kind::Blank);
            let bound = matches!(
                self.peek_at(blank)?,
                Kind::Integer | Kind::Identifier | Kind::OpenCurly
            );
            items.push(self.parameter()?);
            if bound && items.len() == 1 && self.accept(Kind::DotDot)? {
                self.accept(Kind::Blank)?;
                let end = match self.peek()? {
                    Kind::Integer | Kind::Identifier | Kind::OpenCurly => self.parameter()?,
                    _ => return Err(self.unexpected("the end of the range")),
                };
                self.expect(Kind::CloseList, "`]`")?;
                let start = items.pop().unwrap_or(Expr::Int(0));
                let source = self.text_since(first);
                return Ok(Expr::Range(Box::new((start, end)), source));
            }
            if !self.accept(Kind::Comma)? {
                break;
            }
        }
        self.expect(Kind::CloseList, "`,` or `]`")?;
        Ok(Expr::List(items))
    }

    fn map(&mut self) -> Result<Expr, Error> {
        self.take()?;
        let mut entries = Vec::new();
        let blank = self.peek()? == Kind::Blank;
        if matches!(
            self.peek_at(usize::from(blank))?,
            Kind::CloseMap | Kind::CloseCurly
        ) {
            self.accept(Kind::Blank)?;
            self.take()?;
            return Ok(Expr::Map(Vec::new()));
        }
        loop {
            let key = self.parameter()?;
            self.expect(Kind::Colon, "`:`")?;
            entries.push((key, self.parameter()?));
            if !self.accept(Kind::Comma)? {
                break;
            }
        }
        // Behind a reference the lexer takes the brace for the reference's own.
        if !self.accept(Kind::CloseCurly)? {
            self.expect(Kind::CloseMap, "`,` or `}`")?;
        }
        Ok(Expr::Map(entries))
    }

    /// A literal that is one token.
    pub(super) fn constant(&mut self) -> Result<Expr, Error> {
        let token = self.take()?;
        let image = token.image(self.source);
        match token.kind {
            Kind::True => Ok(Expr::Bool(true)),
            Kind::False => Ok(Expr::Bool(false)),
            Kind::Integer => self.integer(&token, image),
            Kind::Float => Ok(match image.parse() {
                Ok(value) => Expr::Double(value),
                Err(_) => self.not_a_number(token.span),
            }),
            _ => self.string(&token),
        }
    }

    /// `#1` behind an operator.
    fn not_a_number(&mut self, span: Span) -> Expr {
        let error = self.error(span, "not a number");
        self.names.fail(error);
        Expr::Int(0)
    }

    fn integer(&mut self, token: &Token, image: &str) -> Result<Expr, Error> {
        if let Ok(value) = image.parse() {
            return Ok(Expr::Int(value));
        }
        if let Ok(value) = image.parse() {
            return Ok(Expr::Long(value));
        }
        // Reading digits takes quadratic time.
        if image.len() > 10_000 {
            return Err(self.error(token.span, "the number is too long"));
        }
        match image.parse::<BigInt>() {
            Ok(value) => Ok(Expr::Big(Box::new(value))),
            Err(_) => Ok(self.not_a_number(token.span)),
        }
    }

    fn string(&mut self, token: &Token) -> Result<Expr, Error> {
        let image = token.image(self.source);
        let inner = image.get(1..image.len().max(2) - 1).unwrap_or_default();
        if image.starts_with('\'') {
            let text = match inner.contains("''") {
                true => self.names.keep(&inner.replace("''", "'")),
                false => self.piece_of(inner, token.span.start as usize + 1),
            };
            return Ok(Expr::Text(text));
        }
        let special = |b: u8| matches!(b, b'$' | b'#' | b'\\' | b'"');
        if !inner.bytes().any(special) {
            return Ok(Expr::Text(
                self.piece_of(inner, token.span.start as usize + 1),
            ));
        }
        let mut text = match unicode_escapes(inner) {
            Some(text) => text.replace("\"\"", "\""),
            None => {
                let message = "`\\u` in a string needs four hexadecimal digits";
                let error = self.error(token.span, message);
                self.names
                    .fail(error.help("use single quotes if the backslash is meant"));
                return Ok(Expr::Text(Piece::default()));
            }
        };
        if !image.contains(['$', '#']) {
            return Ok(Expr::Text(self.names.keep(&text)));
        }
        let place = if text == inner {
            let start = Span {
                start: token.span.start + 1,
                end: token.span.end,
            };
            Place::Offset(self.span(start).start)
        } else {
            Place::Within(self.span(token.span))
        };
        let place = match self.place {
            Place::Offset(_) => place,
            within @ Place::Within(_) => within,
        };
        let padded = !text.contains("##");
        if padded {
            text.push(' ');
        }
        let depth = self.depth;
        let nodes = Parser::new(&text, self.names, place, depth).template()?;
        Ok(Expr::Template(nodes, padded))
    }
}

fn compared(first: Expr, mut rest: Vec<(Comparison, Expr)>) -> Expr {
    match (rest.len(), rest.pop()) {
        (1, Some((operator, right))) => Expr::Compare(Box::new((first, operator, right))),
        (_, Some(last)) => {
            rest.push(last);
            Expr::Chain(Box::new(first), rest)
        }
        (_, None) => first,
    }
}

/// Replaces `\uXXXX`; `None` if one is not followed by four digits.
fn unicode_escapes(text: &str) -> Option<String> {
    if !text.contains("\\u") {
        return Some(text.to_owned());
    }
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        units.extend(rest.get(..at)?.encode_utf16());
        let digits = rest.get(at + 2..at + 6)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        units.push(u16::from_str_radix(digits, 16).ok()?);
        rest = rest.get(at + 6..)?;
    }
    units.extend(rest.encode_utf16());
    Some(String::from_utf16_lossy(&units))
}
