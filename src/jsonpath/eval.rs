//! Walking a document along the steps of a path.

use std::sync::Arc;

use super::error::EvalError;
use super::filter::{Condition, Filter, Operand};
use super::found::{Found, Match};
use super::limits::Limits;
use super::node::{Kind, Node};
use super::step::{Placed, Step, Steps};
use super::term::{Term, holds};

/// Why a walk ends before its end.
enum Stop {
    /// Something that had to be there is not: the whole path is missing, unless `[*]` over an array stands above.
    Missing,
    Failed(EvalError),
}

impl From<EvalError> for Stop {
    fn from(error: EvalError) -> Self {
        Self::Failed(error)
    }
}

/// Evaluates `steps` on `root`.
pub(super) fn evaluate<N: Node>(
    steps: &Steps,
    root: &N,
    limits: &Limits,
) -> Result<Found<N>, EvalError> {
    if steps.definite {
        return Ok(follow(&steps.list, root.clone(), false)?.map_or(Found::Missing, Found::One));
    }
    let mut walk = Walk {
        root,
        limits,
        visits: 0,
        found: Vec::new(),
    };
    match walk.run(&steps.list, root.clone()) {
        Ok(()) => Ok(Found::Many(walk.found)),
        Err(Stop::Missing) => Ok(Found::Missing),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Follows a definite path. With `all`, `['a','b']` is missing if one of the names is.
fn follow<N: Node>(steps: &[Placed], start: N, all: bool) -> Result<Option<Match<N>>, EvalError> {
    let mut node = start;
    let mut rest = steps;
    while let Some((placed, after)) = rest.split_first() {
        rest = after;
        match &placed.step {
            Step::Names(names) => {
                if !node.is_object() {
                    return Ok(None);
                }
                let members = members(names, &node, after)?;
                let complete = !all || members.len() == names.len();
                return Ok(complete.then_some(Match::Members(members)));
            }
            step => match single(step, &node)? {
                Some(next) => node = next,
                None => return Ok(None),
            },
        }
    }
    Ok(Some(Match::Node(node)))
}

/// Takes one definite step, but for several names.
fn single<N: Node>(step: &Step, node: &N) -> Result<Option<N>, EvalError> {
    match step {
        Step::Root => Ok(Some(node.clone())),
        Step::Name(name) => Ok(node.member(name)),
        Step::Index(index) => Ok(array(node)?.and_then(|()| element(node, i64::from(*index)))),
        Step::FromEnd(back) => {
            Ok(array(node)?.and_then(|()| element(node, length(node) + i64::from(*back))))
        }
        _ => Ok(None),
    }
}

/// `Some` for an array, `None` for null, and for anything else an error.
fn array<N: Node>(node: &N) -> Result<Option<()>, EvalError> {
    match node.kind() {
        Kind::Array => Ok(Some(())),
        Kind::Null => Ok(None),
        Kind::Bool(_) | Kind::Number(_) | Kind::String | Kind::Object | Kind::Other => {
            Err(EvalError::NotAnArray)
        }
    }
}

fn length<N: Node>(node: &N) -> i64 {
    i64::try_from(node.count()).unwrap_or(i64::MAX)
}

fn element<N: Node>(node: &N, index: i64) -> Option<N> {
    node.element(usize::try_from(index).ok()?)
}

fn members<N: Node>(
    names: &[Arc<str>],
    node: &N,
    after: &[Placed],
) -> Result<Vec<(Arc<str>, N)>, EvalError> {
    if !after.is_empty() {
        return Err(EvalError::NamesNotLast);
    }
    let member = |name: &Arc<str>| node.member(name).map(|value| (name.clone(), value));
    Ok(names.iter().filter_map(member).collect())
}

struct Walk<'a, N> {
    root: &'a N,
    limits: &'a Limits,
    visits: usize,
    found: Vec<Match<N>>,
}

impl<N: Node> Walk<'_, N> {
    fn visit(&mut self) -> Result<(), EvalError> {
        self.spend(1)
    }

    fn spend(&mut self, visits: usize) -> Result<(), EvalError> {
        self.visits = self.visits.saturating_add(visits);
        let limit = self.limits.max_visits;
        if self.visits > limit {
            Err(EvalError::TooManyVisits { limit })
        } else {
            Ok(())
        }
    }

    fn add(&mut self, found: Match<N>) -> Result<(), Stop> {
        let limit = self.limits.max_results;
        if self.found.len() >= limit {
            return Err(EvalError::TooManyResults { limit }.into());
        }
        self.found.push(found);
        Ok(())
    }

    /// Takes the steps from `node` on. Calls itself only where a path forks, once a step at most.
    fn run(&mut self, steps: &[Placed], node: N) -> Result<(), Stop> {
        let mut node = node;
        let mut rest = steps;
        while let Some((placed, after)) = rest.split_first() {
            self.visit()?;
            match &placed.step {
                Step::Name(name) => match node.member(name) {
                    Some(value) => node = value,
                    None if after.is_empty() || placed.strict || !node.is_object() => {
                        return Err(Stop::Missing);
                    }
                    None => return Ok(()),
                },
                step @ (Step::Root | Step::Index(_) | Step::FromEnd(_)) => {
                    node = single(step, &node)?.ok_or(Stop::Missing)?;
                }
                Step::Names(names) => {
                    if !node.is_object() {
                        return Err(Stop::Missing);
                    }
                    let members = members(names, &node, after)?;
                    self.spend(names.len())?;
                    return self.add(Match::Members(members));
                }
                Step::Wildcard => return self.wildcard(after, &node),
                Step::Scan => return self.scan(after, node),
                Step::Indexes(indexes) => {
                    array(&node)?.ok_or(Stop::Missing)?;
                    return self.elements(
                        after,
                        &node,
                        indexes.iter().map(|&index| i64::from(index)),
                    );
                }
                Step::SliceFrom(_) | Step::SliceTo(_) | Step::SliceBetween(..) => {
                    array(&node)?.ok_or(Stop::Missing)?;
                    let (from, to) = bounds(&placed.step, length(&node));
                    return self.elements(after, &node, from..to);
                }
                Step::Filter(filter) => return self.filter(filter, after, node),
                Step::Unbound => {
                    return match node.kind() {
                        Kind::Array if node.count() == 0 => Ok(()),
                        Kind::Array | Kind::Object => Err(EvalError::UnboundFilter.into()),
                        Kind::Null
                        | Kind::Bool(_)
                        | Kind::Number(_)
                        | Kind::String
                        | Kind::Other => Err(EvalError::NotAContainer.into()),
                    };
                }
            }
            rest = after;
        }
        self.add(Match::Node(node))
    }

    fn elements(
        &mut self,
        after: &[Placed],
        node: &N,
        indexes: impl Iterator<Item = i64>,
    ) -> Result<(), Stop> {
        for index in indexes {
            self.visit()?;
            self.run(after, element(node, index).ok_or(Stop::Missing)?)?;
        }
        Ok(())
    }

    fn wildcard(&mut self, after: &[Placed], node: &N) -> Result<(), Stop> {
        let forgiving = node.is_array();
        for child in children(node) {
            self.visit()?;
            match self.run(after, child) {
                Err(Stop::Missing) if forgiving => {}
                result => result?,
            }
        }
        Ok(())
    }

    fn filter(&mut self, filter: &Filter, after: &[Placed], node: N) -> Result<(), Stop> {
        match node.kind() {
            Kind::Object => {
                if self.accepts(filter, &node)? {
                    self.run(after, node)?;
                }
            }
            Kind::Array => {
                for child in children(&node) {
                    if self.accepts(filter, &child)? {
                        self.run(after, child)?;
                    }
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String | Kind::Other => {
                return Err(EvalError::NotAContainer.into());
            }
        }
        Ok(())
    }

    /// `..`: applies the step after it to the node and everything below, each before its children.
    fn scan(&mut self, target: &[Placed], node: N) -> Result<(), Stop> {
        let Some((placed, after)) = target.split_first() else {
            return Ok(());
        };
        if matches!(placed.step, Step::Root | Step::Scan) {
            return Ok(());
        }
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            self.visit()?;
            let is_array = match node.kind() {
                Kind::Array => true,
                Kind::Object => false,
                Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String | Kind::Other => {
                    continue;
                }
            };
            if self.is_target(&placed.step, &node, is_array)? {
                if is_array && !after.is_empty() {
                    // Not the elements that the step selects but all of them: `$..[0].a` is every `a` of every array.
                    for child in children(&node) {
                        self.visit()?;
                        self.run(after, child)?;
                    }
                } else {
                    self.run(target, node.clone())?;
                }
            }
            let first = open.len();
            node.children(&mut |child| {
                if matches!(child.kind(), Kind::Array | Kind::Object) {
                    open.push(child);
                }
            });
            if let Some(added) = open.get_mut(first..) {
                added.reverse();
            }
        }
        Ok(())
    }

    /// Whether the step after `..` is applied to `node`, which is an array or an object.
    fn is_target(&mut self, step: &Step, node: &N, is_array: bool) -> Result<bool, EvalError> {
        match step {
            Step::Name(name) => Ok(node.member(name).is_some()),
            Step::Names(names) => {
                Ok(!is_array && names.iter().all(|name| node.member(name).is_some()))
            }
            Step::Index(_)
            | Step::FromEnd(_)
            | Step::Indexes(_)
            | Step::SliceFrom(_)
            | Step::SliceTo(_)
            | Step::SliceBetween(..) => Ok(is_array),
            Step::Wildcard => Ok(true),
            Step::Filter(filter) => self.accepts(filter, node),
            Step::Unbound => Err(EvalError::UnboundFilter),
            Step::Root | Step::Scan => Ok(false),
        }
    }

    fn accepts(&mut self, filter: &Filter, item: &N) -> Result<bool, EvalError> {
        'any: for all in &filter.any {
            for condition in all {
                self.spend(condition.cost())?;
                if !self.is_met(condition, item)? {
                    continue 'any;
                }
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn is_met(&self, condition: &Condition, item: &N) -> Result<bool, EvalError> {
        match condition {
            // A path that stands alone starts at the item even if it begins with `$`.
            Condition::Exists { path, expected } => {
                let found = follow(&path.list, item.clone(), true)?;
                let there = found.is_some_and(|found| match found {
                    Match::Node(node) => !matches!(node.kind(), Kind::Null),
                    Match::Members(_) => true,
                });
                Ok(there == *expected)
            }
            Condition::Compare {
                left,
                operator,
                right,
            } => {
                let Some(left) = self.term(left, item)? else {
                    return Ok(false);
                };
                let Some(right) = self.term(right, item)? else {
                    return Ok(false);
                };
                holds(&left, *operator, &right)
            }
        }
    }

    fn term<'a>(&self, operand: &'a Operand, item: &N) -> Result<Option<Term<'a, N>>, EvalError> {
        Ok(match operand {
            Operand::Literal(literal) => Some(Term::Literal(literal)),
            Operand::Pattern(pattern) => Some(Term::Pattern(pattern)),
            Operand::Path(path) => {
                let start = if path.from_root { self.root } else { item };
                follow(&path.list, start.clone(), false)?.map(Term::Match)
            }
        })
    }
}

fn children<N: Node>(node: &N) -> Vec<N> {
    let mut children = Vec::with_capacity(node.count());
    node.children(&mut |child| children.push(child));
    children
}

/// The first index of a slice and the one after its last. `[a:b]` takes a negative start as it is, and so finds nothing.
fn bounds(step: &Step, length: i64) -> (i64, i64) {
    let from_either_end = |index: i32| {
        let index = i64::from(index);
        if index < 0 { length + index } else { index }
    };
    match *step {
        Step::SliceFrom(from) => (from_either_end(from).max(0), length),
        Step::SliceTo(to) => (0, from_either_end(to).min(length)),
        Step::SliceBetween(from, to) if length > 0 => (i64::from(from), i64::from(to).min(length)),
        _ => (0, 0),
    }
}
