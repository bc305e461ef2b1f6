//! Renders the tree.

mod assign;
mod expression;
mod foreach;
mod number;
mod quick;
mod reference;

pub(crate) use self::number::Number;

use std::rc::Rc;
use std::sync::Arc;

use super::ast::{Form, If, Node, Piece, Reference, Shape};
use super::block::Block;
use super::error::{Error, ErrorKind, Limit};
use super::meter::Meter;
use super::object::Exception;
use super::scope::LoopScope;
use super::span::Span;
use super::template::{Template, Undefined};
use super::value::{Blocks, Doc, Printer, Str, Value};

/// How deep statements, blocks and calls may be nested while rendering.
const MAX_DEPTH: u32 = 220;

/// How often a `#define`d block may be rendered inside itself.
const MAX_BLOCK_DEPTH: u32 = 2;

/// Watches a rendering. Every function does nothing unless it is replaced.
pub trait Trace {
    /// A `#set` has written `value`.
    fn set(&mut self, span: Span, value: &Value) {
        let _ = (span, value);
    }

    /// A `#set` has written nothing: its right side is null, or a step on the way to what it writes leads nowhere.
    fn not_set(&mut self, span: Span) {
        let _ = span;
    }

    /// A round of a `#foreach` begins; the first has the number 1.
    fn round(&mut self, span: Span, number: u32) {
        let _ = (span, number);
    }

    /// A `#foreach` has ended after so many rounds. One that is left by an error or by `#stop` does not get here, nor
    /// does one over a value that is no collection begin.
    fn foreach_end(&mut self, span: Span, rounds: u32, end: LoopEnd) {
        let _ = (span, rounds, end);
    }

    /// A reference has no value.
    fn undefined(&mut self, span: Span, source: &str) {
        let _ = (span, source);
    }

    /// The branch of an `#if` that starts here is taken or not.
    fn branch(&mut self, span: Span, taken: bool) {
        let _ = (span, taken);
    }
}

/// Why a `#foreach` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoopEnd {
    /// There was nothing more to go through.
    Done,
    /// `#break`.
    Break,
    /// It may have no more rounds, though there was more to go through.
    Limit,
}

/// Why the normal flow ends.
pub(crate) enum Flow {
    /// `#break`; the loop it is for, if it names one.
    Break(Option<Rc<LoopScope>>),
    Stop,
    Fail(Error),
}

type Flowing<T = ()> = Result<T, Flow>;

/// One rendering.
pub(crate) struct Evaluation<'t> {
    template: &'t Template,
    slots: Vec<Value>,
    meter: &'t Meter,
    trace: Option<&'t mut dyn Trace>,
    depth: u32,
    /// What ended a block that was being printed inside a value.
    ended: Option<Flow>,
    /// The statement at hand.
    at: Span,
    buffers: Vec<String>,
    /// States of loops that are over.
    scopes: Vec<Rc<LoopScope>>,
    /// The template's texts, once one of them has become a value.
    literals: Option<Rc<Doc>>,
}

impl<'t> Evaluation<'t> {
    pub(crate) fn new(
        template: &'t Template,
        slots: Vec<Value>,
        meter: &'t Meter,
        trace: Option<&'t mut dyn Trace>,
    ) -> Self {
        Evaluation {
            template,
            slots,
            meter,
            trace,
            depth: 0,
            ended: None,
            at: Span::default(),
            buffers: Vec::new(),
            scopes: Vec::new(),
            literals: None,
        }
    }

    #[inline]
    fn piece(&self, piece: Piece) -> &'t str {
        piece.of(&self.template.texts)
    }

    /// A text of the template as a value.
    fn literal(&mut self, piece: Piece) -> Value {
        let texts = || Doc::of_text(Arc::clone(&self.template.texts));
        let doc = self.literals.get_or_insert_with(texts);
        Value::Str(Str::cut(doc, piece.start, piece.len))
    }

    pub(crate) fn run(mut self, out: &mut String) -> Result<(), Error> {
        match self.nodes(&self.template.nodes, out) {
            Ok(()) | Err(Flow::Break(_) | Flow::Stop) => Ok(()),
            Err(Flow::Fail(error)) => Err(error),
        }
    }

    fn nodes(&mut self, nodes: &'t [Node], out: &mut String) -> Flowing {
        self.deeper()?;
        if let Err(exception) = self.meter.charge(nodes.len()) {
            return Err(fail(
                &exception,
                nodes.first().map_or(self.at, |n| self.place_of(n)),
            ));
        }
        for node in nodes {
            self.node(node, out)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn deeper(&mut self) -> Flowing {
        // The counter is not set back when an error or `#break` passes; loops and blocks restore it.
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Flow::Fail(Error::new(
                ErrorKind::Limit(Limit::Depth),
                self.at,
                "blocks are nested too deeply",
            )));
        }
        Ok(())
    }

    fn node(&mut self, node: &'t Node, out: &mut String) -> Flowing {
        match node {
            Node::Text(text) => {
                out.push_str(self.piece(*text));
                match self.meter.text(out.len()) {
                    Ok(()) => Ok(()),
                    Err(exception) => Err(fail(&exception, self.place_of(node))),
                }
            }
            Node::Reference(reference) => {
                self.at = reference.span;
                self.print_reference(reference, out)
            }
            Node::Set(set) => {
                self.at = set.span;
                self.set(set)
            }
            Node::If(branches) => self.branches(branches, out),
            Node::Foreach(foreach) => self.foreach(foreach, out),
            Node::Define(slot, index) => {
                if let Some(slot) = slot {
                    let block = Block::new(self.template.names.home, *index);
                    self.write(*slot, Value::Block(Rc::new(block)));
                }
                Ok(())
            }
            Node::Break(span, scope) => self.break_loop(*span, scope.as_deref()),
            Node::Stop => Err(Flow::Stop),
            Node::Fail(span, message) => Err(Flow::Fail(Error::new(
                ErrorKind::Runtime,
                *span,
                message.as_ref(),
            ))),
        }
    }

    /// Where a statement stands in the template.
    fn place_of(&self, node: &Node) -> Span {
        match node {
            Node::Text(text) => {
                let span = Span {
                    start: text.start,
                    end: text.start + text.len,
                };
                match span.end as usize <= self.template.source().len() {
                    true => span,
                    false => self.at,
                }
            }
            Node::Reference(reference) => reference.span,
            Node::Set(set) => set.span,
            Node::If(node) => node.branches.first().map_or(self.at, |(span, ..)| *span),
            Node::Foreach(foreach) => foreach.span,
            Node::Break(span, _) | Node::Fail(span, _) => *span,
            Node::Define(..) | Node::Stop => self.at,
        }
    }

    #[inline]
    fn bounded(&self, out: &str, span: Span) -> Flowing {
        self.meter.text(out.len()).map_err(|e| fail(&e, span))
    }

    fn branches(&mut self, node: &'t If, out: &mut String) -> Flowing {
        for (span, condition, nodes) in &node.branches {
            self.at = *span;
            let taken = self.truth(condition)?;
            if let Some(trace) = self.trace.as_deref_mut() {
                trace.branch(*span, taken);
            }
            if taken {
                return self.nodes(nodes, out);
            }
        }
        if let Some((span, nodes)) = &node.otherwise {
            if let Some(trace) = self.trace.as_deref_mut() {
                trace.branch(*span, true);
            }
            return self.nodes(nodes, out);
        }
        Ok(())
    }

    fn read(&self, slot: u32) -> &Value {
        self.slots.get(slot as usize).unwrap_or(&Value::Null)
    }

    fn write(&mut self, slot: u32, value: Value) {
        if let Some(cell) = self.slots.get_mut(slot as usize) {
            *cell = value;
        }
    }

    fn print_reference(&mut self, reference: &'t Reference, out: &mut String) -> Flowing {
        if reference.is_plain() {
            // Most references print a text that is there already, or what a host object writes.
            let printed = match reference.shape {
                Shape::Variable => match self.read(reference.slot) {
                    Value::Str(text) => {
                        out.push_str(text);
                        true
                    }
                    _ => false,
                },
                Shape::Properties => self.print_known(reference, out),
                Shape::Loop(_) => match self.count(reference) {
                    Some(count) => {
                        out.push_str(itoa::Buffer::new().format(count));
                        true
                    }
                    None => false,
                },
                Shape::Quick | Shape::Call => self.print_call(reference, out)?,
                Shape::Index | Shape::Other => false,
            };
            if printed {
                return self.bounded(out, reference.span);
            }
        }
        let value = self.reference(reference)?;
        if reference.form == Form::Escaped {
            slashes(reference, out);
            if value.is_null() {
                out.push('\\');
            }
            out.push_str(self.piece(reference.source));
            return self.bounded(out, reference.span);
        }
        self.print_value(reference, &value, out)
    }

    fn print_value(
        &mut self,
        reference: &'t Reference,
        value: &Value,
        out: &mut String,
    ) -> Flowing {
        // A block renders in place, without what stands before the reference.
        if let Value::Block(block) = value
            && self.print_block(block, out)?
        {
            return self.bounded(out, reference.span);
        }
        let before = out.len();
        slashes(reference, out);
        out.push_str(self.piece(reference.prefix));
        let printed = match value {
            Value::Null | Value::Block(_) => false,
            Value::Str(text) => {
                out.push_str(text);
                true
            }
            other => {
                self.print(other, out, reference.span)?;
                true
            }
        };
        if !printed {
            out.truncate(before);
            slashes(reference, out);
            if self.template.options.undefined == Undefined::Source {
                // The prefix is printed twice, as the backslashes in it would be read again.
                slashes(reference, out);
            }
            out.push_str(self.piece(reference.prefix));
            if reference.form != Form::Quiet {
                out.push_str(self.piece(reference.source));
            }
        }
        self.bounded(out, reference.span)
    }

    /// Appends what `toString()` gives.
    fn print(&mut self, value: &Value, out: &mut String, span: Span) -> Flowing {
        let meter = self.meter;
        match Printer::new(meter, self).print(value, out) {
            Ok(()) => Ok(()),
            Err(exception) => Err(self.thrown(&exception, span)),
        }
    }

    fn thrown(&mut self, exception: &Exception, span: Span) -> Flow {
        match self.ended.take() {
            Some(flow) => flow,
            None => fail(exception, span),
        }
    }

    /// Renders a block in place; false when it is inside itself too often already.
    fn print_block(&mut self, block: &Rc<Block>, out: &mut String) -> Flowing<bool> {
        if block.home != self.template.names.home || block.depth.get() >= MAX_BLOCK_DEPTH {
            return Ok(false);
        }
        let Some(body) = self.template.names.bodies.get(block.index) else {
            return Ok(false);
        };
        block.depth.set(block.depth.get() + 1);
        let depth = self.depth;
        let result = self.nodes(body, out);
        self.depth = depth;
        block.depth.set(block.depth.get() - 1);
        match result {
            Err(Flow::Break(None)) => Ok(true),
            other => other.map(|()| true),
        }
    }

    fn text(&mut self, value: &Value, span: Span) -> Flowing<String> {
        let mut out = String::new();
        self.print(value, &mut out, span)?;
        Ok(out)
    }
}

impl Blocks for Evaluation<'_> {
    fn block(&mut self, block: &Rc<Block>, out: &mut String) -> Result<(), Exception> {
        match self.print_block(block, out) {
            Ok(true) => Ok(()),
            Ok(false) => {
                out.push_str("null");
                Ok(())
            }
            Err(flow) => {
                self.ended = Some(flow);
                Err(Exception::new("the block ended early"))
            }
        }
    }
}

fn slashes(reference: &Reference, out: &mut String) {
    out.extend(std::iter::repeat_n('\\', reference.slashes as usize));
}

fn fail(exception: &Exception, span: Span) -> Flow {
    Flow::Fail(Error::thrown(exception, span))
}
