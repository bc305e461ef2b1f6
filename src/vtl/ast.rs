//! The tree of a parsed template. Names are slots, strings are cut and interpolation is parsed already; texts are parts
//! of one text that the template holds.

use std::sync::atomic::AtomicU32;

use num_bigint::BigInt;

use super::methods::Name;
use super::span::Span;

/// A variable: its place in the table of names.
pub(crate) type Slot = u32;

/// The slot of `$foreach`: the first name of every template.
pub(crate) const LOOP: Slot = 0;

/// A part of the texts of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Piece {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

impl Piece {
    /// The same as bytes, for comparisons.
    #[inline]
    pub(crate) fn bytes_of(self, texts: &str) -> &[u8] {
        let start = self.start as usize;
        let bytes = texts.as_bytes();
        bytes
            .get(start..start + self.len as usize)
            .unwrap_or_default()
    }

    #[inline]
    pub(crate) fn of(self, texts: &str) -> &str {
        let start = self.start as usize;
        texts
            .get(start..start + self.len as usize)
            .unwrap_or_default()
    }
}

/// A stretch of template: statements in order.
pub(crate) type Nodes = Vec<Node>;

/// A statement.
#[derive(Debug)]
pub(crate) enum Node {
    Text(Piece),
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
    pub(crate) branches: Vec<(Span, Expr, Nodes)>,
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
    pub(crate) steps: Vec<Step>,
    pub(crate) shape: Shape,
    /// How many backslashes print before it.
    pub(crate) slashes: u32,
    /// Stray `$` and `#` that print before it.
    pub(crate) prefix: Piece,
    /// Its source, which stands for it when it is escaped or has no value.
    pub(crate) source: Piece,
    pub(crate) span: Span,
}

/// What the steps of a reference look like, if its value can be found by a shorter way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A variable.
    Variable,
    /// A fact about the loop, which is the variable.
    Loop(Fact),
    /// Nothing but properties.
    Properties,
    /// One index that is plain to see.
    Index,
    /// One method with up to two arguments that are plain to see.
    Quick,
    /// One method with one argument.
    Call,
    Other,
}

/// What `$foreach` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    HasNext,
    Last,
    First,
    Index,
    Count,
}

impl Fact {
    /// The fact that a property of `$foreach` gives.
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "hasNext" | "HasNext" => Fact::HasNext,
            "last" | "Last" => Fact::Last,
            "first" | "First" => Fact::First,
            "index" | "Index" => Fact::Index,
            "count" | "Count" => Fact::Count,
            _ => return None,
        })
    }
}

impl Shape {
    /// The shape of a reference to this variable with these steps.
    pub(crate) fn of(slot: Slot, steps: &[Step], texts: &str) -> Self {
        let is_property = |step: &Step| matches!(step.kind, StepKind::Property(_));
        match steps {
            [] => Shape::Variable,
            [one] => match &one.kind {
                StepKind::Property(name) if slot == LOOP => {
                    Fact::of(name.of(texts)).map_or(Shape::Properties, Shape::Loop)
                }
                StepKind::Property(_) => Shape::Properties,
                StepKind::Index(key) if key.is_plain() => Shape::Index,
                StepKind::Method(_, args) if args.len() <= 2 && args.iter().all(Expr::is_plain) => {
                    Shape::Quick
                }
                StepKind::Method(_, args) if args.len() == 1 => Shape::Call,
                StepKind::Index(_) | StepKind::Method(..) => Shape::Other,
            },
            steps if steps.iter().all(is_property) => Shape::Properties,
            _ => Shape::Other,
        }
    }
}

impl Reference {
    /// Whether it prints its value and nothing before it.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.has_value() && self.slashes == 0 && self.prefix.len == 0
    }

    /// Whether it stands for the value that its steps lead to.
    #[inline]
    pub(crate) fn has_value(&self) -> bool {
        matches!(self.form, Form::Plain | Form::Quiet)
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
    Bare(Piece),
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
    Property(Piece),
    Method(Name, Vec<Expr>),
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
    Text(Piece),
    /// A string with references or directives in it; the flag says whether its last character is a blank that was
    /// added for parsing.
    Template(Nodes, bool),
    Reference(Box<Reference>),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    /// With its source, which stands for it in a text when it is null.
    Range(Box<(Expr, Expr)>, Piece),
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// A comparison, as most are.
    Compare(Box<(Expr, Comparison, Expr)>),
    /// Left to right: each result is the left side of the next.
    Chain(Box<Expr>, Vec<(Comparison, Expr)>),
    Math(Box<Sum>),
}

/// Operands and operators of one rank, from left to right.
#[derive(Debug)]
pub(crate) struct Sum {
    pub(crate) first: Expr,
    /// Each with the part of the source that is the operand.
    pub(crate) rest: Vec<(Math, Expr, Piece)>,
    pub(crate) source: Piece,
    /// Whether it stands in parentheses.
    pub(crate) grouped: bool,
    pub(crate) span: Span,
}

impl Expr {
    /// Whether its value is there already: finding it runs no part of the template.
    fn is_plain(&self) -> bool {
        match self {
            Expr::Bool(_) | Expr::Int(_) | Expr::Long(_) | Expr::Double(_) | Expr::Text(_) => true,
            Expr::Reference(reference) => {
                reference.has_value()
                    && matches!(
                        reference.shape,
                        Shape::Variable | Shape::Loop(_) | Shape::Properties | Shape::Index
                    )
            }
            _ => false,
        }
    }
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
    pub(crate) fn literal(&self) -> Piece {
        match self.rest.last() {
            Some((_, _, part)) if !self.grouped => *part,
            _ => self.source,
        }
    }
}
