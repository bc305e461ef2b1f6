//! `#set`.

use super::{Evaluation, Flowing, fail};
use crate::vtl::ast::{Expr, Reference, Set, StepKind, Target};
use crate::vtl::methods::{assign_index, assign_property};
use crate::vtl::value::Value;

impl<'t> Evaluation<'t> {
    pub(super) fn set(&mut self, set: &'t Set) -> Flowing {
        if let (Expr::Math(sum), Target::Variable(slot), None) =
            (&set.value, &set.target, &self.trace)
            && let Some(number) = self.short_sum(sum)
        {
            self.write(*slot, number.into());
            return Ok(());
        }
        let value = match &set.value {
            Expr::Reference(reference) => self.reference(reference)?,
            other => self.value(other)?,
        };
        let traced = self.trace.is_some().then(|| value.clone());
        let written = match &set.target {
            // A null right side leaves everything as it was.
            _ if value.is_null() => false,
            Target::Variable(slot) => {
                self.write(*slot, value);
                true
            }
            Target::Nowhere => false,
            Target::Inner(reference) => self.assign(reference, value)?,
        };
        if let (Some(trace), Some(value)) = (self.trace.as_deref_mut(), traced) {
            match written {
                true => trace.set(set.span, &value),
                false => trace.not_set(set.span),
            }
        }
        Ok(())
    }

    /// Writes through the steps of a reference; false when one of them leads nowhere.
    fn assign(&mut self, reference: &'t Reference, value: Value) -> Flowing<bool> {
        let Some((last, steps)) = reference.steps.split_last() else {
            return Ok(false);
        };
        let root = self.read(reference.slot).clone();
        let target = self.walk(&root, steps)?;
        if target.is_null() {
            return Ok(false);
        }
        let writable = matches!(
            target,
            Value::Map(_) | Value::List(_) | Value::Loop(_) | Value::Entry(_) | Value::Object(_)
        );
        let result = match &last.kind {
            StepKind::Index(key) => {
                let key = self.value(key)?;
                assign_index(&target, &key, value)
            }
            StepKind::Property(name) => assign_property(&target, self.literal(*name), value),
            // The name of the method is taken for a property.
            StepKind::Method(name, _) => assign_property(&target, self.literal(name.text()), value),
        };
        result.map(|()| writable).map_err(|e| fail(&e, last.span))
    }
}
