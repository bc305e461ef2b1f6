//! The tree of a parsed template. Names are slots, strings are cut and interpolation is parsed already.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use num_bigint::BigInt;

use super::methods::Name;
use super::span::Span;

/// A variable: its place in the table of names.
pub(crate) type Slot = u32;

/// A stretch of template: statements in order.
pub(crate) type Nodes = Box<[Node]>;

/// A statement.
#[derive(Debug)]
pub(crate) enum Node {
    Text(Box<str>),
    Reference(Box<Reference>),
    Set(Box<Set>),
    If(Box<If>),
    Foreach(Box<Foreach>),
    /// `None` when the name is one that no template can read.
    /// The number says which of the template's blocks it is.
    Define(Option<Slot>, usize),
    Break(Span, Option<Box<Expr>>),
    Stop,
    /// Fails when reached, with this message.
    Fail(Span, Box<str>),
}

/// `#set`.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) target: Target,
    pub(crate) value: Expr,
    pub(crate) span: Span,
}

/// What a `#set` writes to.
#[derive(Debug)]
pub(crate) enum Target {
    Variable(Slot),
    /// A name that no template can read, such as `{x`.
    Nowhere,
    /// Steps from a variable to the last one, which is written.
    Inner(Box<Reference>),
}

/// `#if` with its `#elseif`s and `#else`.
#[derive(Debug)]
pub(crate) struct If {
    pub(crate) branches: Box<[(Span, Expr, Nodes)]>,
    pub(crate) otherwise: Option<(Span, Nodes)>,
}

/// `#foreach`.
#[derive(Debug)]
pub(crate) struct Foreach {
    /// `None` when the name is one that no template can read.
    pub(crate) variable: Option<Slot>,
    pub(crate) source: Expr,
    pub(crate) body: Nodes,
    pub(crate) span: Span,
}

/// A reference.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) form: Form,
    pub(crate) slot: Slot,
    pub(crate) steps: Box<[Step]>,
    /// Backslashes that print before it.
    pub(crate) slashes: Box<str>,
    /// Stray `$` and `#` that print before it.
    pub(crate) prefix: Box<str>,
    /// Its source, which stands for it when it is escaped or has no value.
    pub(crate) source: Box<str>,
    pub(crate) span: Span,
}

impl Reference {
    /// Whether it prints its value and nothing before it.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.form, Form::Plain | Form::Quiet)
            && self.slashes.is_empty()
            && self.prefix.is_empty()
    }
}

/// What a reference does when it is printed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    /// `$!x`: prints nothing where a plain one prints its source.
    Quiet,
    /// `\$x`: prints its source.
    Escaped,
    /// No `$` before the name: prints the name, is null.
    Bare(Box<str>),
    /// `$\!x`: has no value.
    Broken,
}

/// One step of a reference, from a value to a value.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) span: Span,
    /// Where in a map of a document the property was found last.
    pub(crate) hint: AtomicU32,
}

#[derive(Debug)]
pub(crate) enum StepKind {
    Property(Arc<str>),
    Method(Name, Box<[Expr]>),
    Index(Expr),
}

/// An expression.
#[derive(Debug)]
pub(crate) enum Expr {
    Bool(bool),
    Int(i32),
    Long(i64),
    Big(Box<BigInt>),
    Double(f64),
    Text(Arc<str>),
    /// A string with references or directives in it; the flag says whether its last character is a blank that was
    /// added for parsing.
    Template(Nodes, bool),
    Reference(Box<Reference>),
    List(Box<[Expr]>),
    Map(Box<[(Expr, Expr)]>),
    /// With its source, which stands for it in a text when it is null.
    Range(Box<(Expr, Expr)>, Box<str>),
    Not(Box<Expr>),
    And(Box<[Expr]>),
    Or(Box<[Expr]>),
    /// Left to right: each result is the left side of the next.
    Compare(Box<Expr>, Box<[(Comparison, Expr)]>),
    Math(Box<Sum>),
}

/// Operands and operators of one rank, from left to right.
#[derive(Debug)]
pub(crate) struct Sum {
    pub(crate) first: Expr,
    /// Each with the part of the source that is the operand.
    pub(crate) rest: Box<[(Math, Expr, Range<usize>)]>,
    pub(crate) source: Box<str>,
    /// Whether it stands in parentheses.
    pub(crate) grouped: bool,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Math {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Sum {
    /// The text that stands for the value when it is null: all of it in parentheses, else the last operand.
    pub(crate) fn literal(&self) -> &str {
        let last = self.rest.last().map(|(_, _, part)| part.clone());
        match last {
            Some(part) if !self.grouped => self.source.get(part).unwrap_or_default(),
            _ => &self.source,
        }
    }
}
