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
        let value = self.value(&set.value)?;
        // A null right side leaves everything as it was.
        if value.is_null() {
            return Ok(());
        }
        if let Some(trace) = self.trace.as_deref_mut() {
            trace.set(set.span, &value);
        }
        match &set.target {
            Target::Variable(slot) => self.write(*slot, value),
            Target::Nowhere => {}
            Target::Inner(reference) => self.assign(reference, value)?,
        }
        Ok(())
    }

    /// Writes through the steps of a reference; does nothing when one of them leads nowhere.
    fn assign(&mut self, reference: &'t Reference, value: Value) -> Flowing {
        let Some((last, steps)) = reference.steps.split_last() else {
            return Ok(());
        };
        let root = self.read(reference.slot).clone();
        let target = self.walk(&root, steps)?;
        if target.is_null() {
            return Ok(());
        }
        let result = match &last.kind {
            StepKind::Index(key) => {
                let key = self.value(key)?;
                assign_index(&target, &key, value)
            }
            StepKind::Property(name) => assign_property(&target, self.literal(*name), value),
            // The name of the method is taken for a property.
            StepKind::Method(name, _) => assign_property(&target, self.literal(name.text()), value),
        };
        result.map_err(|e| fail(&e, last.span))
    }
}
