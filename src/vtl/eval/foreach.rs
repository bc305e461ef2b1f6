//! `#foreach` and `#break`.

use std::rc::Rc;

use super::{Evaluation, Flow, Flowing, LoopEnd, fail};
use crate::vtl::ast::{Expr, Foreach, LOOP};
use crate::vtl::error::{Error, ErrorKind};
use crate::vtl::scope::LoopScope;
use crate::vtl::span::Span;
use crate::vtl::value::{Iter, Value, ViewKind};

/// The slots of `$velocityCount` and `$velocityHasNext`: the names behind that of the loop.
const COUNT: u32 = 1;
const HAS_NEXT: u32 = 2;

/// What `#foreach` goes through.
enum Items {
    Fresh(Iter),
    /// An iterator that the template has, which goes on from where it is.
    Shared(Rc<Iter>),
}

impl Items {
    /// `None` for values that are no collections.
    fn of(value: &Value) -> Option<Self> {
        Some(Items::Fresh(match value {
            Value::List(list) => Iter::over_list(list, 0),
            Value::Map(map) => Iter::over_map(map, ViewKind::Values),
            Value::View(view) => Iter::over_view(view),
            Value::Iter(iter) => return Some(Items::Shared(Rc::clone(iter))),
            Value::Loop(scope) => Iter::over_map(&scope.values(), ViewKind::Values),
            _ => return None,
        }))
    }

    fn iter(&self) -> &Iter {
        match self {
            Items::Fresh(iter) => iter,
            Items::Shared(iter) => iter,
        }
    }
}

impl<'t> Evaluation<'t> {
    pub(super) fn foreach(&mut self, node: &'t Foreach, out: &mut String) -> Flowing {
        self.at = node.span;
        let source = self.value(&node.source)?;
        let Some(items) = Items::of(&source) else {
            return Ok(());
        };
        let variable = node.variable.map(|slot| self.read(slot).clone());
        let counts = self
            .template
            .counts
            .then(|| (self.read(COUNT).clone(), self.read(HAS_NEXT).clone()));
        let outer = self.read(LOOP).clone();
        let parent = match &outer {
            Value::Loop(scope) => Some(Rc::clone(scope)),
            _ => None,
        };
        let scope = self.new_scope(parent);
        self.write(LOOP, Value::Loop(Rc::clone(&scope)));
        let result = self.rounds(node, items.iter(), &scope, out);
        if let (Some(slot), Some(value)) = (node.variable, variable) {
            self.write(slot, value);
        }
        if let Some((count, has_next)) = counts {
            self.write(COUNT, count);
            self.write(HAS_NEXT, has_next);
        }
        self.write(LOOP, outer);
        let mut scope = scope;
        if let Some(free) = Rc::get_mut(&mut scope) {
            free.begin(None);
            self.scopes.push(scope);
        }
        result
    }

    /// The state of a loop that begins; one that nobody kept is used again.
    fn new_scope(&mut self, parent: Option<Rc<LoopScope>>) -> Rc<LoopScope> {
        if let Some(mut used) = self.scopes.pop()
            && let Some(scope) = Rc::get_mut(&mut used)
        {
            scope.begin(parent);
            return used;
        }
        Rc::new(LoopScope::new(parent))
    }

    fn rounds(
        &mut self,
        node: &'t Foreach,
        items: &Iter,
        scope: &Rc<LoopScope>,
        out: &mut String,
    ) -> Flowing {
        let mut count = 0;
        let mut end = None;
        while items.has_next() && count < self.template.options.foreach_max {
            count += 1;
            self.meter.charge(1).map_err(|e| fail(&e, node.span))?;
            let number = i32::try_from(count).unwrap_or(i32::MAX);
            if self.template.counts {
                self.write(COUNT, Value::Int(number));
            }
            let item = items.next_item().map_err(|e| fail(&e, node.span))?;
            let has_next = items.has_next();
            if self.template.counts {
                self.write(HAS_NEXT, Value::Bool(has_next));
            }
            if let Some(slot) = node.variable {
                self.write(slot, item);
            }
            scope.index.set(number - 1);
            scope.has_next.set(has_next);
            if let Some(trace) = self.trace.as_deref_mut() {
                trace.round(node.span, count);
            }
            let depth = self.depth;
            let result = self.nodes(&node.body, out);
            self.depth = depth;
            match result {
                Ok(()) => {}
                Err(Flow::Break(wanted))
                    if wanted
                        .as_ref()
                        .is_none_or(|wanted| Rc::ptr_eq(wanted, scope)) =>
                {
                    end = Some(LoopEnd::Break);
                    break;
                }
                Err(other) => return Err(other),
            }
        }
        if let Some(trace) = self.trace.as_deref_mut() {
            let rest = || match items.has_next() {
                true => LoopEnd::Limit,
                false => LoopEnd::Done,
            };
            trace.foreach_end(node.span, count, end.unwrap_or_else(rest));
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
