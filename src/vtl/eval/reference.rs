//! Reading references, step by step.

use super::{Evaluation, Flowing, fail};
use crate::vtl::ast::{Expr, Form, Reference, Step, StepKind};
use crate::vtl::methods::{Call, call, index, property};
use crate::vtl::template::Undefined;
use crate::vtl::value::Value;

impl<'t> Evaluation<'t> {
    /// The value of a reference: never null unless undefined references are, or there is no `$`.
    pub(super) fn reference(&mut self, reference: &'t Reference) -> Flowing<Value> {
        if matches!(reference.form, Form::Bare(_)) {
            return Ok(Value::Null);
        }
        let value = match reference.steps.as_ref() {
            [] => self.read(reference.slot).clone(),
            [
                Step {
                    kind: StepKind::Property(name),
                    ..
                },
            ] => {
                // The most frequent form needs no copy of the root.
                match self.read(reference.slot) {
                    Value::Null => Value::Null,
                    root => property(root, name).map_err(|e| fail(&e, reference.span))?,
                }
            }
            steps => {
                let root = self.read(reference.slot).clone();
                self.walk(root, steps)?
            }
        };
        if !value.is_null() {
            return Ok(value);
        }
        if let Some(trace) = self.trace.as_deref_mut() {
            trace.undefined(reference.span, &reference.source);
        }
        Ok(match self.template.options.undefined {
            Undefined::Empty => self.empty.clone(),
            Undefined::Source => Value::Null,
        })
    }

    /// Takes the steps from a value on; null as soon as one gives null.
    pub(super) fn walk(&mut self, root: Value, steps: &'t [Step]) -> Flowing<Value> {
        let mut value = root;
        for step in steps {
            if value.is_null() {
                break;
            }
            value = self.step(&value, step)?;
        }
        Ok(value)
    }

    fn step(&mut self, value: &Value, step: &'t Step) -> Flowing<Value> {
        match &step.kind {
            StepKind::Property(name) => property(value, name).map_err(|e| fail(&e, step.span)),
            StepKind::Index(key) => {
                let key = self.value(key)?;
                index(value, &key).map_err(|e| fail(&e, step.span))
            }
            StepKind::Method(name, arguments) => self.method(value, name, arguments, step),
        }
    }

    fn method(
        &mut self,
        this: &Value,
        name: &str,
        arguments: &'t [Expr],
        step: &'t Step,
    ) -> Flowing<Value> {
        self.deeper()?;
        let result = match arguments {
            [] => self.invoke(this, name, &[]),
            [one] => {
                let one = self.value(one)?;
                self.invoke(this, name, &[one])
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

    fn invoke(
        &mut self,
        this: &Value,
        name: &str,
        args: &[Value],
    ) -> Result<Value, crate::vtl::object::Exception> {
        if let Value::Object(object) = this {
            return Ok(object.call(name, args)?.unwrap_or_default());
        }
        let meter = self.meter;
        let mut here = Call {
            this,
            args,
            meter,
            blocks: self,
        };
        call(&mut here, name)
    }
}
