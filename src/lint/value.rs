//! What a reference in a template prints, as far as its source tells.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::vtl::Template;
use crate::vtl::ast::{Expr, Form, Node, Piece, Reference, Slot, Step, StepKind, Target};

/// How many variables may be read from one another.
const MAX_STEPS: usize = 8;
/// How many values are looked at for one reference: variables that are set from each other many
/// times would otherwise take the power of their number.
const MAX_VALUES: u32 = 500;

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printed {
    /// A text that the client chose, as it is: a parameter.
    Text,
    /// A part of the path, in which quotes and backslashes cannot stand.
    Segment,
    /// A text that was decoded: anything, perhaps JSON.
    Decoded,
    /// A value that the client chose: a text as it is, a number, a list, a map.
    Any,
    /// The payload as it is.
    Body,
    /// A value as JSON; a text with its quotes.
    Json,
    /// Escaped for a text in JavaScript; the flag says whether `\'` is taken back.
    Escaped(bool),
    /// Something that is safe, or that cannot be told.
    Other,
}

/// Where the values of a variable come from.
enum Origin<'a> {
    Value(&'a Expr),
    /// An item of this list.
    Item(&'a Expr),
    Unknown,
}

/// What the template gives its variables.
pub(super) struct Variables<'a> {
    path: Rc<HashSet<&'a str>>,
    texts: &'a str,
    names: HashMap<Slot, &'a str>,
    origins: HashMap<Slot, Vec<Origin<'a>>>,
    /// What is left of [`MAX_VALUES`].
    left: Cell<u32>,
    /// What variables hold, of those that were asked for.
    known: RefCell<HashMap<Slot, Printed>>,
}

impl<'a> Variables<'a> {
    /// The variables of the path of the method are parameters, too.
    pub(super) fn of(template: &'a Template, path: Rc<HashSet<&'a str>>) -> Self {
        let mut variables = Self {
            path,
            texts: &template.texts,
            names: template
                .names
                .all()
                .map(|(name, slot)| (slot, name))
                .collect(),
            origins: HashMap::new(),
            left: Cell::new(0),
            known: RefCell::default(),
        };
        variables.collect(&template.nodes);
        for body in &template.names.bodies {
            variables.collect(body);
        }
        variables
    }

    /// A text of the template.
    pub(super) fn text(&self, piece: Piece) -> &'a str {
        piece.of(self.texts)
    }

    /// The name of a variable.
    pub(super) fn name(&self, slot: Slot) -> &'a str {
        self.names.get(&slot).copied().unwrap_or_default()
    }

    /// Whether something in the template gives the variable a value.
    pub(super) fn is_set(&self, slot: Slot) -> bool {
        self.origins.contains_key(&slot)
    }

    fn collect(&mut self, nodes: &'a [Node]) {
        for node in nodes {
            match node {
                Node::Set(set) => {
                    if let Target::Variable(slot) = &set.target {
                        self.add(*slot, Origin::Value(&set.value));
                    }
                    self.inside(&set.value);
                }
                Node::If(found) => {
                    for (_, condition, nodes) in &found.branches {
                        self.inside(condition);
                        self.collect(nodes);
                    }
                    if let Some((_, nodes)) = &found.otherwise {
                        self.collect(nodes);
                    }
                }
                Node::Foreach(found) => {
                    if let Some(slot) = found.variable {
                        self.add(slot, Origin::Item(&found.source));
                    }
                    self.inside(&found.source);
                    self.collect(&found.body);
                }
                Node::Define(Some(slot), _) => self.add(*slot, Origin::Unknown),
                Node::Reference(reference) => self.inside_steps(reference),
                Node::Text(_)
                | Node::Define(None, _)
                | Node::Break(..)
                | Node::Stop
                | Node::Fail(..) => {}
            }
        }
    }

    fn add(&mut self, slot: Slot, origin: Origin<'a>) {
        self.origins.entry(slot).or_default().push(origin);
    }

    /// Strings may hold directives.
    fn inside(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Template(nodes, _) => self.collect(nodes),
            Expr::Reference(reference) => self.inside_steps(reference),
            Expr::List(items) | Expr::And(items) | Expr::Or(items) => {
                items.iter().for_each(|item| self.inside(item));
            }
            Expr::Map(entries) => entries.iter().for_each(|(key, value)| {
                self.inside(key);
                self.inside(value);
            }),
            Expr::Range(ends, _) => {
                self.inside(&ends.0);
                self.inside(&ends.1);
            }
            Expr::Not(inner) => self.inside(inner),
            Expr::Chain(first, rest) => {
                self.inside(first);
                rest.iter().for_each(|(_, other)| self.inside(other));
            }
            Expr::Compare(sides) => {
                self.inside(&sides.0);
                self.inside(&sides.2);
            }
            Expr::Math(sum) => {
                self.inside(&sum.first);
                sum.rest.iter().for_each(|(_, other, _)| self.inside(other));
            }
            Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Long(_)
            | Expr::Big(_)
            | Expr::Double(_)
            | Expr::Text(_) => {}
        }
    }

    fn inside_steps(&mut self, reference: &'a Reference) {
        for step in &reference.steps {
            match &step.kind {
                StepKind::Method(_, arguments) => arguments.iter().for_each(|it| self.inside(it)),
                StepKind::Index(index) => self.inside(index),
                StepKind::Property(_) => {}
            }
        }
    }

    /// What the reference prints.
    pub(super) fn printed(&self, reference: &Reference) -> Printed {
        self.left.set(MAX_VALUES);
        self.reference(reference, 0)
    }

    fn reference(&self, reference: &Reference, depth: usize) -> Printed {
        if depth >= MAX_STEPS || !matches!(reference.form, Form::Plain | Form::Quiet) {
            return Printed::Other;
        }
        let steps: &[Step] = &reference.steps;
        match self.name(reference.slot) {
            "input" => self.input(steps),
            "util" => self.util(steps, depth),
            "context" => context(steps, self.texts),
            "stageVariables" => Printed::Other,
            _ if depth == 0 => {
                let known = self.known.borrow().get(&reference.slot).copied();
                let held = known.unwrap_or_else(|| self.held(reference.slot, depth));
                self.known.borrow_mut().insert(reference.slot, held);
                further(held, steps, self.texts)
            }
            _ => further(self.held(reference.slot, depth), steps, self.texts),
        }
    }

    /// What a variable holds.
    fn held(&self, slot: Slot, depth: usize) -> Printed {
        let origins = self.origins.get(&slot).into_iter().flatten();
        let mut held = None;
        for origin in origins {
            let Some(left) = self.left.get().checked_sub(1) else {
                return Printed::Other;
            };
            self.left.set(left);
            let printed = match origin {
                Origin::Value(value) => self.expression(value, depth + 1),
                Origin::Item(list) => match self.expression(list, depth + 1) {
                    Printed::Any => Printed::Any,
                    _ => Printed::Other,
                },
                Origin::Unknown => Printed::Other,
            };
            if printed == Printed::Other || held.is_some_and(|held| held != printed) {
                return Printed::Other;
            }
            held = Some(printed);
        }
        held.unwrap_or(Printed::Other)
    }

    fn expression(&self, expression: &Expr, depth: usize) -> Printed {
        match expression {
            Expr::Reference(reference) => self.reference(reference, depth),
            // "$x" and nothing else.
            Expr::Template(nodes, padded) => match nodes.as_slice() {
                [Node::Reference(reference)] => self.reference(reference, depth),
                // One byte was added for parsing; it may read as the quote.
                [Node::Reference(reference), Node::Text(blank)]
                    if *padded && blank.len == 1 || self.text(*blank).trim().is_empty() =>
                {
                    self.reference(reference, depth)
                }
                _ => Printed::Other,
            },
            _ => Printed::Other,
        }
    }

    fn util(&self, steps: &[Step], depth: usize) -> Printed {
        let Some((first, rest)) = steps.split_first() else {
            return Printed::Other;
        };
        let StepKind::Method(name, arguments) = &first.kind else {
            return Printed::Other;
        };
        let printed = match self.text(name.text()) {
            "escapeJavaScript" => match arguments.first() {
                // What API Gateway itself knows holds no quotes.
                Some(Expr::Reference(reference))
                    if ["context", "stageVariables"].contains(&self.name(reference.slot))
                        && self.reference(reference, depth + 1) == Printed::Other =>
                {
                    Printed::Other
                }
                _ => Printed::Escaped(false),
            },
            "parseJson" => Printed::Any,
            "urlDecode" | "base64Decode" => match arguments.first() {
                Some(argument) => match self.expression(argument, depth + 1) {
                    Printed::Text | Printed::Segment | Printed::Any | Printed::Body => {
                        Printed::Decoded
                    }
                    _ => Printed::Other,
                },
                None => Printed::Other,
            },
            _ => Printed::Other,
        };
        further(printed, rest, self.texts)
    }

    fn input(&self, steps: &[Step]) -> Printed {
        let Some((first, rest)) = steps.split_first() else {
            return Printed::Other;
        };
        match &first.kind {
            // A bare word is no value, and calls with none print nothing.
            StepKind::Method(_, arguments) if matches!(arguments.as_slice(), [Expr::Reference(word)] if matches!(word.form, Form::Bare(_))) => {
                Printed::Other
            }
            StepKind::Method(name, arguments) => match (self.text(name.text()), arguments.len()) {
                ("path", 1) => further(Printed::Any, rest, self.texts),
                ("json", 1) if rest.is_empty() => Printed::Json,
                ("params", 1) => {
                    let printed = match arguments.first() {
                        Some(Expr::Text(name)) if self.path.contains(self.text(*name)) => {
                            Printed::Segment
                        }
                        _ => Printed::Text,
                    };
                    further(printed, rest, self.texts)
                }
                ("params", 0) => match rest {
                    // `$input.params().querystring.x`
                    [kind, last] if is_entry(last, self.texts) => match &kind.kind {
                        StepKind::Property(kind) if self.text(*kind) == "path" => Printed::Segment,
                        StepKind::Property(_) => Printed::Text,
                        StepKind::Method(..) | StepKind::Index(_) if is_entry(kind, self.texts) => {
                            Printed::Text
                        }
                        StepKind::Method(..) | StepKind::Index(_) => Printed::Other,
                    },
                    _ => Printed::Other,
                },
                ("getBody", 0) if rest.is_empty() => Printed::Body,
                _ => Printed::Other,
            },
            StepKind::Property(name) if self.text(*name) == "body" && rest.is_empty() => {
                Printed::Body
            }
            StepKind::Property(_) | StepKind::Index(_) => Printed::Other,
        }
    }
}

/// Whether a step takes an entry of a map.
fn is_entry(step: &Step, texts: &str) -> bool {
    match &step.kind {
        StepKind::Property(_) | StepKind::Index(_) => true,
        StepKind::Method(name, _) => name.text().of(texts) == "get",
    }
}

/// What a client's value is after more steps.
fn further(printed: Printed, steps: &[Step], texts: &str) -> Printed {
    let mut printed = printed;
    for step in steps {
        printed = match (printed, &step.kind) {
            (Printed::Any, StepKind::Property(_) | StepKind::Index(_)) => Printed::Any,
            (Printed::Any, StepKind::Method(name, _)) if name.text().of(texts) == "get" => {
                Printed::Any
            }
            (Printed::Text | Printed::Segment, StepKind::Method(name, _))
                if ["trim", "toString", "toLowerCase", "toUpperCase"]
                    .contains(&name.text().of(texts)) =>
            {
                printed
            }
            (Printed::Escaped(done), StepKind::Method(name, arguments)) => {
                let replaces = name.text().of(texts).starts_with("replace");
                let quote = arguments
                    .iter()
                    .any(|argument| matches!(argument, Expr::Text(text) if text.of(texts).contains('\'')));
                Printed::Escaped(done || (replaces && quote))
            }
            _ => return Printed::Other,
        };
    }
    printed
}

/// The one variable of `$context` that is a text of the client's.
fn context(steps: &[Step], texts: &str) -> Printed {
    let names: Vec<&str> = steps
        .iter()
        .map_while(|step| match &step.kind {
            StepKind::Property(name) => Some(name.of(texts)),
            StepKind::Method(..) | StepKind::Index(_) => None,
        })
        .collect();
    match names.as_slice() {
        ["identity", "userAgent"] if steps.len() == 2 => Printed::Text,
        _ => Printed::Other,
    }
}
