//! References the short way: an index, a fact about the loop, a method whose arguments are plain to see. Nothing of
//! the template runs meanwhile, so that what they start from stays where it is.

use super::{Evaluation, Flowing, fail};
use crate::vtl::ast::{Expr, Fact, Reference, Shape, Step, StepKind};
use crate::vtl::methods::index;
use crate::vtl::object::Exception;
use crate::vtl::value::Value;

impl<'t> Evaluation<'t> {
    /// `$x[key]`.
    pub(super) fn at_index(&mut self, reference: &'t Reference) -> Flowing<Value> {
        let [step] = reference.steps.as_slice() else {
            return Ok(Value::Null);
        };
        let StepKind::Index(key) = &step.kind else {
            return Ok(Value::Null);
        };
        if let (Value::List(list), Expr::Int(at @ 0..)) = (self.read(reference.slot), key) {
            return list.at(*at).map_err(|e| fail(&e, step.span));
        }
        if self.read(reference.slot).is_null() {
            return Ok(Value::Null);
        }
        let key = self.value(key)?;
        index(self.read(reference.slot), &key).map_err(|e| fail(&e, step.span))
    }

    /// `$x.method(arguments)`.
    pub(super) fn quick(&mut self, reference: &'t Reference) -> Flowing<Value> {
        let [step] = reference.steps.as_slice() else {
            return Ok(Value::Null);
        };
        let StepKind::Method(name, arguments) = &step.kind else {
            return Ok(Value::Null);
        };
        let this = self.read(reference.slot);
        if this.is_null() {
            return Ok(Value::Null);
        }
        match arguments.as_slice() {
            [] => self.quick_with(reference, step, &[]),
            [one] => {
                if let Value::Str(_) | Value::Map(_) = this
                    && let Some(quick) = name.quick()
                    && let Some(text) = self.plain_text(one)
                    && let Some(done) = quick.call_with(this, text, self.meter)
                {
                    return done.map_err(|e| fail(&e, step.span));
                }
                let one = self.value(one)?;
                self.quick_with(reference, step, std::slice::from_ref(&one))
            }
            [one, two] => {
                let both = [self.value(one)?, self.value(two)?];
                self.quick_with(reference, step, &both)
            }
            _ => Ok(Value::Null),
        }
    }

    fn quick_with(
        &mut self,
        reference: &'t Reference,
        step: &'t Step,
        args: &[Value],
    ) -> Flowing<Value> {
        let StepKind::Method(name, _) = &step.kind else {
            return Ok(Value::Null);
        };
        let this = self.read(reference.slot);
        let done = match this {
            Value::Object(object) => match object.call(self.piece(name.text()), args) {
                Ok(value) => {
                    let value = value.unwrap_or_default();
                    Some(self.pay(args, &value).map(|()| value))
                }
                Err(exception) => Some(Err(exception)),
            },
            this => name
                .quick()
                .and_then(|quick| quick.call(this, args, self.meter)),
        };
        match done {
            Some(done) => done.map_err(|e| fail(&e, step.span)),
            None => {
                let this = this.clone();
                let done = self.invoke(&this, name, args);
                done.map_err(|e| self.thrown(&e, step.span))
            }
        }
    }

    /// Prints `$object.method(argument)`, if the object can do that without making a value of it.
    pub(super) fn print_quick(
        &mut self,
        reference: &'t Reference,
        step: &'t Step,
        out: &mut String,
    ) -> Flowing<bool> {
        let StepKind::Method(name, arguments) = &step.kind else {
            return Ok(false);
        };
        let ([argument], Value::Object(object)) = (arguments.as_slice(), self.read(reference.slot))
        else {
            return Ok(false);
        };
        let method = self.piece(name.text());
        // A variable's text can be read where it is.
        if let Expr::Reference(argument) = argument
            && argument.shape == Shape::Variable
            && let text @ Value::Str(_) = self.read(argument.slot)
        {
            let args = std::slice::from_ref(text);
            return match object.print(method, args, out) {
                Some(done) => self.printed(done, args, step, out),
                None => Ok(false),
            };
        }
        if !object.prints(method) {
            return Ok(false);
        }
        let argument = self.value(argument)?;
        let args = std::slice::from_ref(&argument);
        let Value::Object(object) = self.read(reference.slot) else {
            return Ok(false);
        };
        if let Some(done) = object.print(method, args, out) {
            return self.printed(done, args, step, out);
        }
        let value = self.quick_with(reference, step, args)?;
        let value = match value.is_null() {
            true => self.missing(reference),
            false => value,
        };
        self.print_value(reference, &value, out)?;
        Ok(true)
    }

    /// What is left to do when a host object has printed.
    fn printed(
        &self,
        done: Result<(), Exception>,
        args: &[Value],
        step: &Step,
        out: &str,
    ) -> Flowing<bool> {
        done.and_then(|()| self.pay(args, &Value::Null))
            .and_then(|()| self.meter.text(out.len()))
            .map(|()| true)
            .map_err(|e| fail(&e, step.span))
    }

    /// Whether a reference that is a question is true, if that is plain to see.
    #[inline]
    pub(super) fn answer(&self, reference: &Reference) -> Option<bool> {
        match reference.shape {
            Shape::Loop(fact) => {
                let Value::Loop(scope) = self.read(reference.slot) else {
                    return None;
                };
                match fact {
                    Fact::HasNext => Some(scope.has_next.get()),
                    Fact::Last => Some(!scope.has_next.get()),
                    Fact::First => Some(scope.index.get() < 1),
                    Fact::Index | Fact::Count => Some(true),
                }
            }
            Shape::Quick => {
                let [step] = reference.steps.as_slice() else {
                    return None;
                };
                let StepKind::Method(name, arguments) = &step.kind else {
                    return None;
                };
                let this = self.read(reference.slot);
                match arguments.as_slice() {
                    [] => name.quick()?.is_empty(this),
                    // Lists are not asked about texts.
                    [one] if matches!(this, Value::Str(_) | Value::Map(_)) => {
                        name.quick()?.asks(this, self.plain_text(one)?)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The number that a reference asks for, if that is plain to see.
    #[inline(never)]
    pub(super) fn count(&self, reference: &Reference) -> Option<i32> {
        match reference.shape {
            Shape::Loop(fact) => {
                let Value::Loop(scope) = self.read(reference.slot) else {
                    return None;
                };
                match fact {
                    Fact::Index => Some(scope.index.get()),
                    Fact::Count => Some(scope.index.get() + 1),
                    Fact::HasNext | Fact::Last | Fact::First => None,
                }
            }
            Shape::Quick => match reference.steps.as_slice() {
                [
                    Step {
                        kind: StepKind::Method(name, arguments),
                        ..
                    },
                ] if arguments.is_empty() => name.quick()?.count(self.read(reference.slot)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The text an argument is, if that is plain to see.
    #[inline]
    fn plain_text(&self, expr: &Expr) -> Option<&str> {
        match expr {
            Expr::Text(text) => Some(self.piece(*text)),
            Expr::Reference(reference) => match reference.shape {
                Shape::Variable => self.read(reference.slot).as_str(),
                Shape::Properties => {
                    let (doc, at) = self.place(reference)?;
                    doc.text(at)
                }
                _ => None,
            },
            _ => None,
        }
    }
}
