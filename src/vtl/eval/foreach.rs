//! `#foreach` and `#break`.

use std::rc::Rc;

use super::{Evaluation, Flow, Flowing, fail};
use crate::vtl::ast::{Expr, Foreach};
use crate::vtl::error::{Error, ErrorKind};
use crate::vtl::scope::LoopScope;
use crate::vtl::span::Span;
use crate::vtl::value::{Iter, Value, ViewKind};

/// The slots of `$foreach`, `$velocityCount` and `$velocityHasNext`: the first names of every template.
const SCOPE: u32 = 0;
const COUNT: u32 = 1;
const HAS_NEXT: u32 = 2;

/// What `#foreach` iterates over; `None` for values that are no collections.
fn iterate(value: &Value) -> Option<Rc<Iter>> {
    Some(match value {
        Value::List(list) => Rc::new(Iter::over_list(list, 0)),
        Value::Map(map) => Rc::new(Iter::over_map(map, ViewKind::Values)),
        Value::View(view) => Rc::new(Iter::over_view(view)),
        Value::Iter(iter) => Rc::clone(iter),
        Value::Loop(scope) => Rc::new(Iter::over_map(&scope.values(), ViewKind::Values)),
        _ => return None,
    })
}

impl<'t> Evaluation<'t> {
    pub(super) fn foreach(&mut self, node: &'t Foreach, out: &mut String) -> Flowing {
        let source = self.value(&node.source)?;
        let Some(items) = iterate(&source) else {
            return Ok(());
        };
        let saved = [node.variable, Some(COUNT), Some(HAS_NEXT), Some(SCOPE)]
            .map(|slot| slot.map_or(Value::Null, |slot| self.read(slot).clone()));
        let parent = match self.read(SCOPE) {
            Value::Loop(scope) => Some(Rc::clone(scope)),
            _ => None,
        };
        let scope = Rc::new(LoopScope::new(parent));
        self.write(SCOPE, Value::Loop(Rc::clone(&scope)));
        let result = self.rounds(node, &items, &scope, out);
        let [variable, count, has_next, outer] = saved;
        if let Some(slot) = node.variable {
            self.write(slot, variable);
        }
        self.write(COUNT, count);
        self.write(HAS_NEXT, has_next);
        self.write(SCOPE, outer);
        result
    }

    fn rounds(
        &mut self,
        node: &'t Foreach,
        items: &Iter,
        scope: &Rc<LoopScope>,
        out: &mut String,
    ) -> Flowing {
        let mut count = 0;
        while items.has_next() && count < self.template.options.foreach_max {
            count += 1;
            self.meter.charge(1).map_err(|e| fail(&e, node.span))?;
            let number = i32::try_from(count).unwrap_or(i32::MAX);
            self.write(COUNT, Value::Int(number));
            let item = items.next_item().map_err(|e| fail(&e, node.span))?;
            let has_next = items.has_next();
            self.write(HAS_NEXT, Value::Bool(has_next));
            if let Some(slot) = node.variable {
                self.write(slot, item);
            }
            scope.index.set(number - 1);
            scope.has_next.set(has_next);
            let depth = self.depth;
            let result = self.nodes(&node.body, out);
            self.depth = depth;
            match result {
                Ok(()) => {}
                Err(Flow::Break(None)) => break,
                Err(Flow::Break(Some(wanted))) if Rc::ptr_eq(&wanted, scope) => break,
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    pub(super) fn break_loop(&mut self, span: Span, scope: Option<&'t Expr>) -> Flowing {
        let Some(scope) = scope else {
            return Err(Flow::Break(None));
        };
        match self.value(scope)? {
            Value::Loop(scope) => Err(Flow::Break(Some(scope))),
            _ => Err(Flow::Fail(
                Error::new(ErrorKind::Runtime, span, "#break takes a loop")
                    .help("write #break, or #break($foreach.parent)"),
            )),
        }
    }
}
