//! Reading references, step by step.

use std::rc::Rc;

use super::{Evaluation, Flowing, fail};
use crate::vtl::ast::{Expr, Form, Reference, Shape, Step, StepKind};
use crate::vtl::methods::{Call, Name, call, index, property};
use crate::vtl::template::Undefined;
use crate::vtl::value::{Doc, Value};

impl<'t> Evaluation<'t> {
    /// The value of a reference: never null unless undefined references are, or there is no `$`.
    pub(super) fn reference(&mut self, reference: &'t Reference) -> Flowing<Value> {
        if matches!(reference.form, Form::Bare(_)) {
            return Ok(Value::Null);
        }
        let value = match reference.shape {
            Shape::Variable => self.read(reference.slot).clone(),
            Shape::Properties => match self.place(reference) {
                Some((doc, at)) => Doc::value(doc, at),
                None => self.found(reference)?,
            },
            Shape::Index => self.at_index(reference)?,
            Shape::Quick => self.quick(reference)?,
            Shape::Loop(_) | Shape::Call | Shape::Other => self.found(reference)?,
        };
        if value.is_null() {
            return Ok(self.missing(reference));
        }
        Ok(value)
    }

    /// What the steps of a reference lead to; null if that is nothing.
    pub(super) fn found(&mut self, reference: &'t Reference) -> Flowing<Value> {
        match reference.steps.as_slice() {
            [] => Ok(self.read(reference.slot).clone()),
            [
                Step {
                    kind: StepKind::Property(name),
                    ..
                },
            ] => {
                // The most frequent form needs no copy of the root.
                match self.read(reference.slot) {
                    Value::Null => Ok(Value::Null),
                    root => property(root, self.piece(*name)).map_err(|e| fail(&e, reference.span)),
                }
            }
            steps => {
                let root = self.read(reference.slot).clone();
                self.walk(&root, steps)
            }
        }
    }

    /// Where a reference of nothing but properties leads inside a document.
    #[inline]
    pub(super) fn place(&self, reference: &Reference) -> Option<(&Rc<Doc>, u32)> {
        let Value::Map(root) = self.read(reference.slot) else {
            return None;
        };
        let (doc, at) = root.plain()?;
        if let [step] = reference.steps.as_slice() {
            return Some((doc, self.next_place(doc, at, step)?));
        }
        let mut at = at;
        for step in &reference.steps {
            if !doc.is_plain(at) {
                return None;
            }
            at = self.next_place(doc, at, step)?;
        }
        Some((doc, at))
    }

    #[inline(always)]
    fn next_place(&self, doc: &Doc, at: u32, step: &Step) -> Option<u32> {
        match &step.kind {
            StepKind::Property(name) => {
                doc.property(at, name.bytes_of(&self.template.texts), &step.hint)
            }
            StepKind::Method(..) | StepKind::Index(_) => None,
        }
    }

    /// What a reference without a value stands for.
    pub(super) fn missing(&mut self, reference: &'t Reference) -> Value {
        if let Some(trace) = self.trace.as_deref_mut() {
            trace.undefined(reference.span, reference.source.of(&self.template.texts));
        }
        match self.template.options.undefined {
            Undefined::Empty => Value::empty(),
            Undefined::Source => Value::Null,
        }
    }

    /// Takes the steps from a value on; null as soon as one gives null.
    pub(super) fn walk(&mut self, root: &Value, steps: &'t [Step]) -> Flowing<Value> {
        // Values are passed on by reference and returned in place: moving them costs more than most steps do.
        match steps {
            _ if root.is_null() => Ok(Value::Null),
            [] => Ok(root.clone()),
            [last] => self.step(root, last),
            [first, rest @ ..] => {
                let mut value = self.step(root, first)?;
                let (last, middle) = match rest.split_last() {
                    Some(parts) => parts,
                    None => return Ok(value),
                };
                for step in middle {
                    if value.is_null() {
                        return Ok(Value::Null);
                    }
                    value = self.step(&value, step)?;
                }
                if value.is_null() {
                    return Ok(Value::Null);
                }
                self.step(&value, last)
            }
        }
    }

    fn step(&mut self, value: &Value, step: &'t Step) -> Flowing<Value> {
        match &step.kind {
            StepKind::Property(name) => {
                property(value, self.piece(*name)).map_err(|e| fail(&e, step.span))
            }
            StepKind::Index(key) => {
                let key = self.value(key)?;
                index(value, &key).map_err(|e| fail(&e, step.span))
            }
            StepKind::Method(name, arguments) => self.method(value, name, arguments, step),
        }
    }

    /// Prints what properties lead to, if that is a text or another plain value of a document.
    #[inline]
    pub(super) fn print_known(&self, reference: &Reference, out: &mut String) -> bool {
        if let Some((doc, at)) = self.place(reference) {
            return doc.print_scalar(at, out);
        }
        match (self.read(reference.slot), reference.steps.as_slice()) {
            (
                Value::Map(map),
                [
                    Step {
                        kind: StepKind::Property(name),
                        ..
                    },
                ],
            ) => map.print_member(self.piece(*name), out),
            _ => false,
        }
    }

    /// Prints `$object.method(argument)`, if the object can do that without making a value of it.
    pub(super) fn print_call(
        &mut self,
        reference: &'t Reference,
        out: &mut String,
    ) -> Flowing<bool> {
        let [step] = reference.steps.as_slice() else {
            return Ok(false);
        };
        let StepKind::Method(name, arguments) = &step.kind else {
            return Ok(false);
        };
        let [argument] = arguments.as_slice() else {
            return Ok(false);
        };
        let Value::Object(object) = self.read(reference.slot) else {
            return Ok(false);
        };
        if reference.shape == Shape::Quick {
            return self.print_quick(reference, step, out);
        }
        let name = self.piece(name.text());
        if !object.prints(name) {
            return Ok(false);
        }
        let object = Rc::clone(object);
        self.deeper()?;
        let argument = self.value(argument)?;
        self.depth -= 1;
        let args = std::slice::from_ref(&argument);
        if let Some(done) = object.print(name, args, out) {
            return done
                .and_then(|()| self.pay(args, &Value::Null))
                .and_then(|()| self.meter.text(out.len()))
                .map(|()| true)
                .map_err(|e| fail(&e, step.span));
        }
        let value = object
            .call(name, args)
            .map(Option::unwrap_or_default)
            .and_then(|value| self.pay(args, &value).map(|()| value))
            .map_err(|e| fail(&e, step.span))?;
        let value = if value.is_null() {
            self.missing(reference)
        } else {
            value
        };
        self.print_value(reference, &value, out)?;
        Ok(true)
    }

    fn method(
        &mut self,
        this: &Value,
        name: &'t Name,
        arguments: &'t [Expr],
        step: &'t Step,
    ) -> Flowing<Value> {
        self.deeper()?;
        let result = match arguments {
            [] => self.invoke(this, name, &[]),
            [one] => {
                let one = self.value(one);
                match &one {
                    Ok(one) => self.invoke(this, name, std::slice::from_ref(one)),
                    Err(_) => return one,
                }
            }
            [one, two] => {
                let two = [self.value(one)?, self.value(two)?];
                self.invoke(this, name, &two)
            }
            many => {
                let mut values = Vec::with_capacity(many.len());
                for argument in many {
                    values.push(self.value(argument)?);
                }
                self.invoke(this, name, &values)
            }
        };
        self.depth -= 1;
        result.map_err(|e| self.thrown(&e, step.span))
    }

    /// Holds a host's method to the limits: its work is that of reading its texts and writing its
    /// result, which can be longer than they are.
    pub(super) fn pay(
        &self,
        args: &[Value],
        result: &Value,
    ) -> Result<(), crate::vtl::object::Exception> {
        const BYTES_A_STEP: usize = 64;
        let length = |value: &Value| match value {
            Value::Str(text) => text.size(),
            _ => 0,
        };
        let written = length(result);
        let read = match args {
            [] => 0,
            [one] => length(one),
            several => several.iter().map(length).sum(),
        };
        if read + written >= BYTES_A_STEP {
            self.meter.charge((read + written) / BYTES_A_STEP)?;
        }
        self.meter.text(written)
    }

    pub(super) fn invoke(
        &mut self,
        this: &Value,
        name: &'t Name,
        args: &[Value],
    ) -> Result<Value, crate::vtl::object::Exception> {
        if let Value::Object(object) = this {
            let value = object
                .call(self.piece(name.text()), args)?
                .unwrap_or_default();
            self.pay(args, &value)?;
            return Ok(value);
        }
        let meter = self.meter;
        let text = self.piece(name.text());
        let mut here = Call {
            this,
            args,
            meter,
            blocks: self,
        };
        call(&mut here, name, text)
    }
}
