//! `$context.requestOverride` and `$context.responseOverride`: writes that fail, and writes without effect.

use std::collections::{HashMap, HashSet};

use http::HeaderName;

use crate::diagnostic::Diagnostic;
use crate::integration::IntegrationType;
use crate::lint::value::Variables;
use crate::mapping::{MappedHeader, mapped_request_header};
use crate::vtl::Span;
use crate::vtl::ast::{Expr, Node, Reference, Set, StepKind, Target};

/// The maps that are there before a template writes.
const MAPS: &[&str] = &[
    "requestOverride",
    "requestOverride\nheader",
    "requestOverride\nquerystring",
    "requestOverride\npath",
    "responseOverride",
    "responseOverride\nheader",
];

/// The overrides of one template that are kept in mind, 64 at most, each with its bit.
type Bits = HashMap<String, u64>;

/// The bit of an override; none is left for the 65th.
fn bit(bits: &mut Bits, key: &str) -> u64 {
    if let Some(bit) = bits.get(key) {
        return *bit;
    }
    let next = u32::try_from(bits.len()).unwrap_or(u32::MAX);
    let Some(bit) = 1_u64.checked_shl(next) else {
        return 0;
    };
    bits.insert(key.to_owned(), bit);
    bit
}

/// What a template does to its overrides.
pub(super) struct Overrides<'v, 't> {
    pub(super) variables: &'v Variables<'t>,
    pub(super) pointer: &'v str,
    pub(super) kind: IntegrationType,
    /// Whether it is a template of the request.
    pub(super) request: bool,
    /// What the templates of the integration write: they share the maps.
    pub(super) written: &'v HashSet<String>,
}

/// Everything that a template writes into its overrides, at any depth.
pub(super) fn written(variables: &Variables<'_>, nodes: &[Node], out: &mut HashSet<String>) {
    for node in nodes {
        match node {
            Node::Set(set) => out.extend(key(variables, set)),
            Node::If(found) => {
                for (_, _, nodes) in &found.branches {
                    written(variables, nodes, out);
                }
                if let Some((_, nodes)) = &found.otherwise {
                    written(variables, nodes, out);
                }
            }
            Node::Foreach(found) => written(variables, &found.body, out),
            Node::Text(_)
            | Node::Reference(_)
            | Node::Define(..)
            | Node::Break(..)
            | Node::Stop
            | Node::Fail(..) => {}
        }
    }
}

/// The names from the override on, one a line, when all of them are written out.
fn key(variables: &Variables<'_>, set: &Set) -> Option<String> {
    let Target::Inner(target) = &set.target else {
        return None;
    };
    if variables.name(target.slot) != "context" {
        return None;
    }
    let names = names(variables, target)?;
    names
        .first()
        .is_some_and(|first| ["requestOverride", "responseOverride"].contains(first))
        .then(|| names.join("\n"))
}

fn names<'t>(variables: &Variables<'t>, target: &Reference) -> Option<Vec<&'t str>> {
    let name = |kind: &StepKind| match kind {
        StepKind::Property(name) => Some(variables.text(*name)),
        StepKind::Index(Expr::Text(name)) => Some(variables.text(*name)),
        StepKind::Index(_) | StepKind::Method(..) => None,
    };
    target.steps.iter().map(|step| name(&step.kind)).collect()
}

impl Overrides<'_, '_> {
    /// What is wrong, with the places.
    pub(super) fn check(&self, nodes: &[Node], found: &mut Vec<(Diagnostic, Span)>) {
        self.walk(nodes, &mut 0, &mut HashMap::new(), found);
    }

    /// `set` has the bits of what is written on every way that leads here; the answer says whether a way leads on.
    fn walk(
        &self,
        nodes: &[Node],
        set: &mut u64,
        bits: &mut Bits,
        found: &mut Vec<(Diagnostic, Span)>,
    ) -> bool {
        for node in nodes {
            match node {
                Node::Set(write) => self.write(write, set, bits, found),
                Node::If(branches) => {
                    let otherwise = branches.otherwise.as_ref().map(|(_, nodes)| nodes);
                    let taken = branches.branches.iter().map(|(_, _, nodes)| nodes);
                    let mut behind = match otherwise {
                        Some(_) => None,
                        None => Some(*set),
                    };
                    for nodes in taken.chain(otherwise) {
                        let mut way = *set;
                        if self.walk(nodes, &mut way, bits, found) {
                            behind = Some(behind.map_or(way, |behind| behind & way));
                        }
                    }
                    let Some(behind) = behind else {
                        return false;
                    };
                    *set = behind;
                }
                // It may go round once or not at all.
                Node::Foreach(found_loop) => {
                    let mut way = *set;
                    self.walk(&found_loop.body, &mut way, bits, found);
                }
                Node::Break(..) | Node::Stop | Node::Fail(..) => return false,
                Node::Text(_) | Node::Reference(_) | Node::Define(..) => {}
            }
        }
        true
    }

    fn write(
        &self,
        write: &Set,
        set: &mut u64,
        bits: &mut Bits,
        found: &mut Vec<(Diagnostic, Span)>,
    ) {
        let (Some(key), Target::Inner(target)) = (key(self.variables, write), &write.target) else {
            return;
        };
        let shown = format!("$context.{}", key.replace('\n', "."));
        let mut warn = |code: &'static str, message: String, help: &str| {
            let finding = Diagnostic::warning(code, self.pointer, message).help(help);
            found.push((finding, target.span));
        };
        let bit = bit(bits, &key);
        let twice = *set & bit != 0;
        // AWS: apigateway-override-request-response-parameters.
        *set |= bit;
        if twice {
            warn(
                "override-twice",
                format!(
                    "`{shown}` is set a second time: every request that comes here fails with 500"
                ),
                "set it once; work the value out in a variable first",
            );
            return;
        }
        let missing = key
            .match_indices('\n')
            .filter_map(|(at, _)| key.get(..at))
            .find(|above| !MAPS.contains(above) && !self.written.contains(*above));
        if let Some(missing) = missing {
            let name = missing.replace('\n', ".");
            let message = format!("`{shown}` has no effect: there is no `$context.{name}`");
            let help = match missing {
                "requestOverride\nheaders" => "write `requestOverride.header`",
                "responseOverride\nheaders" => "write `responseOverride.header`",
                "requestOverride\nquery" | "requestOverride\nqueryString" => {
                    "write `requestOverride.querystring`"
                }
                _ => {
                    "`requestOverride` has `header`, `querystring` and `path`, `responseOverride` has `header` and `status`"
                }
            };
            warn("override-lost", message, help);
            return;
        }
        match key.split_once('\n') {
            Some(("responseOverride", "status")) => {
                let text = match &write.value {
                    Expr::Text(text) => Some(format!("the text {:?}", self.variables.text(*text))),
                    Expr::Int(number) if !(100..=599).contains(number) => Some(number.to_string()),
                    Expr::Bool(_) | Expr::Double(_) | Expr::List(_) | Expr::Map(_) => {
                        Some("this".to_owned())
                    }
                    _ => None,
                };
                if let Some(text) = text {
                    warn(
                        "override-status",
                        format!("{text} is no status: the override is ignored"),
                        "write an integer from 100 to 599, without quotes",
                    );
                }
            }
            Some(("requestOverride", rest))
                if self.request && self.kind != IntegrationType::Mock =>
            {
                let name = rest
                    .strip_prefix("header\n")
                    .and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
                match name.map(|name| mapped_request_header(&name, self.kind)) {
                    Some(MappedHeader::Refused) => warn(
                        "refused-header",
                        format!(
                            "`{shown}` is set by API Gateway: a request that overrides it fails with 500"
                        ),
                        "remove the override",
                    ),
                    Some(MappedHeader::Dropped) => warn(
                        "dropped-header",
                        format!("`{shown}` is never sent to a backend"),
                        "remove the override",
                    ),
                    Some(MappedHeader::Sent) | None => {}
                }
            }
            _ => {}
        }
    }
}
