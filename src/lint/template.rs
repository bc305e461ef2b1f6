//! Mapping templates: texts that are not escaped, names that do not exist, references that print nothing.

use std::collections::HashSet;
use std::rc::Rc;

use crate::diagnostic::{Diagnostic, pointer_token};
use crate::integration::{IntegrationType, ParameterLocation, TemplateEngine, Templates};
use crate::lint::form::Place;
use crate::lint::overrides::{self, Overrides};
use crate::lint::parameters::other_case;
use crate::lint::subject::Subject;
use crate::lint::value::{Printed, Variables};
use crate::lint::{broken, directives, names};
use crate::vtl::ast::{Expr, Form, Node, Piece, Reference, StepKind, Target};
use crate::vtl::{Span, Template};

/// The variables that every template has.
const ROOTS: &[&str] = &[
    "input",
    "util",
    "context",
    "stageVariables",
    "foreach",
    "velocityCount",
    "velocityHasNext",
    // Nobody sets it: so is null written.
    "null",
];

pub(super) fn check(subject: &mut Subject<'_>) {
    let integration = subject.integration;
    if integration.kind.is_proxy() {
        return;
    }
    let written = all_written(subject);
    let templates = &integration.request_templates;
    table(subject, "/requestTemplates", templates, true, &written);
    for response in &integration.responses {
        let key = response.selection_pattern.as_deref().unwrap_or("default");
        let pointer = format!("/responses/{}/responseTemplates", pointer_token(key));
        let templates = &response.response_templates;
        table(subject, &pointer, templates, false, &written);
    }
}

/// The overrides that the templates of the integration write.
fn all_written(subject: &Subject<'_>) -> HashSet<String> {
    let integration = subject.integration;
    let mut written = HashSet::new();
    let responses = integration.responses.iter();
    let tables = std::iter::once(&integration.request_templates)
        .chain(responses.map(|response| &response.response_templates));
    for template in tables.flat_map(|table| table.values()) {
        let engine = template.engine.unwrap_or(integration.template_engine);
        if engine == TemplateEngine::Vtl
            && template.source.contains("Override")
            && let Ok(parsed) = Template::parse(&template.source)
        {
            let variables = Variables::of(&parsed, Rc::clone(&subject.path));
            overrides::written(&variables, &parsed.nodes, &mut written);
        }
    }
    written
}

fn table(
    subject: &mut Subject<'_>,
    pointer: &str,
    templates: &Templates,
    request: bool,
    written: &HashSet<String>,
) {
    for (media_type, template) in templates {
        let pointer = format!("{pointer}/{}", pointer_token(media_type));
        let engine = template
            .engine
            .unwrap_or(subject.integration.template_engine);
        if engine != TemplateEngine::Vtl {
            continue;
        }
        let source = template.source.as_str();
        if let Some(at) = source.find(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        {
            let (line, column) = Span::new(at, at).position(source);
            let finding = Diagnostic::warning(
                "template-control",
                pointer.as_str(),
                "the template holds a control character, which is printed as it is",
            )
            .help("remove it; a tab or a line end is fine");
            subject.push(finding.within(line, column));
        }
        if let Ok(parsed) = Template::parse(source) {
            let at = format!("{}{pointer}", subject.operation.pointer);
            let function = subject
                .document
                .value(&at)
                .is_some_and(|value| !value.is_string());
            let mut walk = Walk {
                function,
                variables: Variables::of(&parsed, Rc::clone(&subject.path)),
                source,
                pointer: &pointer,
                seen: HashSet::new(),
                subject,
            };
            walk.nodes(&parsed.nodes, Place::Start);
            for body in &parsed.names.bodies {
                walk.nodes(body, Place::Unknown);
            }
            let mut found = Vec::new();
            directives::words(&pointer, source, &mut found);
            let overrides = Overrides {
                variables: &walk.variables,
                pointer: &pointer,
                kind: walk.subject.integration.kind,
                request,
                written,
            };
            overrides.check(&parsed.nodes, &mut found);
            // What a mock reads of its request is read leniently.
            let lenient = request && walk.subject.integration.kind == IntegrationType::Mock;
            if media_type.to_ascii_lowercase().contains("json") && !lenient {
                found.extend(broken::check(&walk.variables, &parsed.nodes, &pointer));
            }
            for (finding, span) in found {
                walk.found(finding, span);
            }
        }
    }
}

struct Walk<'w, 'a, 't> {
    variables: Variables<'t>,
    source: &'t str,
    pointer: &'w str,
    /// Whether it is the argument of a CloudFormation function, whose `${Name}` is a deployment's.
    function: bool,
    /// What was told already: the same reference in a branch of its own says nothing new.
    seen: HashSet<(&'static str, u32)>,
    subject: &'w mut Subject<'a>,
}

impl<'t> Walk<'_, '_, 't> {
    fn text(&self, piece: Piece) -> &'t str {
        self.variables.text(piece)
    }

    /// The place behind the statements.
    fn nodes(&mut self, nodes: &'t [Node], mut place: Place) -> Place {
        for node in nodes {
            place = match node {
                Node::Text(text) => place.after(self.text(*text)),
                Node::Reference(reference) => self.print(reference, place),
                Node::Set(set) => {
                    if let Target::Inner(target) = &set.target {
                        self.read(target);
                    }
                    self.expression(&set.value);
                    place
                }
                Node::If(found) => {
                    let before = place;
                    let mut after: Option<Place> = None;
                    let mut ways = Vec::new();
                    for (_, condition, nodes) in &found.branches {
                        self.expression(condition);
                        ways.push(nodes);
                    }
                    let otherwise = found.otherwise.as_ref().map(|(_, nodes)| nodes);
                    for nodes in ways.into_iter().chain(otherwise) {
                        let end = self.nodes(nodes, before.clone());
                        after = Some(match after {
                            Some(other) => other.or(&end),
                            None => end,
                        });
                    }
                    match (after, otherwise) {
                        (Some(after), Some(_)) => after,
                        (Some(after), None) => after.or(&before),
                        (None, _) => before,
                    }
                }
                Node::Foreach(found) => {
                    if let Some((finding, span)) = directives::rounds(self.pointer, found) {
                        self.found(finding, span);
                    }
                    self.expression(&found.source);
                    let end = self.nodes(&found.body, place.clone());
                    place.or(&end)
                }
                Node::Fail(span, message) => {
                    let (finding, span) = directives::failing(self.pointer, message, *span);
                    self.found(finding, span);
                    place
                }
                Node::Define(..) | Node::Break(..) | Node::Stop => place,
            };
        }
        place
    }

    fn print(&mut self, reference: &'t Reference, place: Place) -> Place {
        self.read(reference);
        if matches!(reference.form, Form::Escaped | Form::Bare(_) | Form::Broken) {
            return place.after(self.text(reference.source));
        }
        let place = place
            .after(&"\\".repeat(usize::try_from(reference.slashes).unwrap_or_default()))
            .after(self.text(reference.prefix));
        let printed = self.variables.printed(reference);
        match &place {
            Place::Text { json, .. } => self.in_text(reference, printed, &json.key),
            Place::Json(json) if json.begins_value() => match printed {
                Printed::Text | Printed::Segment => self.tell(
                    Diagnostic::warning,
                    "json-unquoted",
                    reference,
                    "is a text, and prints without quotes: the result is JSON only if it is a number",
                    "put quotes around it and escape it: \"$util.escapeJavaScript(…)\"",
                ),
                Printed::Any if json.is_member() => self.tell(
                    Diagnostic::note,
                    "json-printed",
                    reference,
                    "prints a text without quotes and an object as `{a=b}`: the result is JSON only if it is a number, a boolean or a list",
                    "`$input.json` prints any value as JSON",
                ),
                _ => {}
            },
            Place::Form => match printed {
                Printed::Text | Printed::Segment | Printed::Decoded | Printed::Any | Printed::Body | Printed::Json | Printed::Escaped(_) => self.tell(Diagnostic::warning,
"form-escape",
                    reference,
                    "is put into a form as it is: an `&`, `+` or `%` in it changes the form",
                    "write $util.urlEncode(…) around it",
                ),
                Printed::Other => {}
            },
            Place::Json(_) | Place::Start | Place::Unknown => {}
        }
        place.after_reference()
    }

    fn in_text(&mut self, reference: &Reference, printed: Printed, key: &str) {
        match printed {
            Printed::Text | Printed::Decoded | Printed::Any | Printed::Body => self.tell(
                Diagnostic::warning,
                "json-escape",
                reference,
                "is put into a JSON text as it is: a quote, a backslash or a line end in it breaks the JSON or adds members to it",
                "write $util.escapeJavaScript(…) around it",
            ),
            // DynamoDB writes numbers as texts.
            Printed::Json if key != "N" => self.tell(
                Diagnostic::warning,
                "json-quoted",
                reference,
                "prints JSON, a text with quotes of its own, inside of quotes",
                "remove the quotes around it, or write $util.escapeJavaScript(…) around it for JSON in a text",
            ),
            Printed::Escaped(false) => self.tell(
                Diagnostic::note,
                "json-apostrophe",
                reference,
                "turns `'` into `\\'`, which JSON does not know",
                "append .replaceAll(\"\\\\'\", \"'\")",
            ),
            Printed::Json | Printed::Segment | Printed::Escaped(true) | Printed::Other => {}
        }
    }

    fn tell(
        &mut self,
        make: fn(&'static str, String, String) -> Diagnostic,
        code: &'static str,
        reference: &Reference,
        what: &str,
        help: &str,
    ) {
        let message = format!("`{}` {what}", short(self.text(reference.source)));
        self.found(
            make(code, self.pointer.to_owned(), message).help(help),
            reference.span,
        );
    }

    fn found(&mut self, finding: Diagnostic, span: Span) {
        if !self.seen.insert((finding.code, span.start)) {
            return;
        }
        // The place takes time to tell in a long template.
        let finding = match self.subject.is_full(finding.severity) {
            true => finding,
            false => {
                let (line, column) = span.position(self.source);
                finding.within(line, column)
            }
        };
        self.subject.push(finding);
    }

    /// Looks at the names in a reference.
    fn read(&mut self, reference: &'t Reference) {
        if matches!(reference.form, Form::Plain | Form::Quiet) {
            self.names(reference);
            if self.variables.name(reference.slot) == "input"
                && let Some((finding, span)) =
                    directives::input(&self.variables, self.pointer, reference, self.function)
            {
                self.found(finding, span);
            }
        }
        for step in &reference.steps {
            match &step.kind {
                StepKind::Method(name, arguments) => {
                    // Documented, and no method of a Java list.
                    if self.text(name.text()) == "count" && arguments.is_empty() {
                        let finding = Diagnostic::warning(
                            "template-method",
                            self.pointer,
                            "lists have no method `count()`; it prints nothing",
                        );
                        self.found(finding.help("write `.size()`"), reference.span);
                    }
                    arguments.iter().for_each(|it| self.expression(it));
                }
                StepKind::Index(index) => self.expression(index),
                StepKind::Property(_) => {}
            }
        }
    }

    fn names(&mut self, reference: &Reference) {
        let root = self.variables.name(reference.slot);
        if !ROOTS.contains(&root) {
            let filled = self.function && self.text(reference.source).starts_with("${");
            if !filled && !self.variables.is_set(reference.slot) {
                let finding = Diagnostic::warning(
                    "template-name",
                    self.pointer,
                    format!(
                        "nothing sets `${root}`: `{}` prints nothing",
                        short(self.text(reference.source))
                    ),
                );
                let finding = match names::meant(self.text(reference.source)) {
                    Some(meant) => finding.help(format!("did you mean `{meant}`?")),
                    None => finding.help(
                        "set it with #set, or write the `$` as a text of its own: #set($d = '$')$d",
                    ),
                };
                self.found(finding, reference.span);
            }
            return;
        }
        // A template may have a variable of such a name of its own.
        if self.variables.is_set(reference.slot) {
            return;
        }
        let Some(first) = reference.steps.first() else {
            return;
        };
        let (name, called) = match &first.kind {
            StepKind::Property(name) => (self.text(*name), false),
            StepKind::Method(name, _) => (self.text(name.text()), true),
            StepKind::Index(Expr::Text(key)) => (self.text(*key), false),
            StepKind::Index(_) => return,
        };
        let known = match (root, called) {
            ("input", true) => ["path", "json", "params", "getBody", "toString"].contains(&name),
            ("input", false) => ["body", "Body", "class"].contains(&name),
            ("util", true) => [
                "escapeJavaScript",
                "parseJson",
                "urlEncode",
                "urlDecode",
                "base64Encode",
                "base64Decode",
                "toString",
            ]
            .contains(&name),
            ("util", false) => name == "class",
            ("context", false) => names::in_context(name),
            _ => true,
        };
        if !known {
            let is_function = !called
                && ((root == "input" && ["path", "json", "params"].contains(&name))
                    || root == "util");
            let finding = Diagnostic::warning(
                if root == "context" {
                    "context-name"
                } else {
                    "template-method"
                },
                self.pointer,
                format!(
                    "there is no `${root}.{name}{}`; it prints nothing",
                    if called { "()" } else { "" }
                ),
            );
            let finding = match names::meant(&format!("${root}.{name}")) {
                _ if (root, name) == ("context", "error") => finding.help(names::OF_ERRORS),
                Some(meant) => finding.help(format!("did you mean `{meant}`?")),
                None if is_function => finding.help(format!("write `${root}.{name}(…)`")),
                None => finding.help(format!("see what `${root}` has in API Gateway's reference")),
            };
            self.found(finding, first.span);
        }
        if (root, name) == ("stageVariables", "get") && called {
            if let StepKind::Method(_, arguments) = &first.kind
                && let [Expr::Text(name)] = arguments.as_slice()
            {
                self.stage_variable(self.text(*name), reference);
            }
        } else if root == "stageVariables" && !called {
            self.stage_variable(name, reference);
        }
        if (root, name, called) == ("input", "params", true)
            && let StepKind::Method(_, arguments) = &first.kind
            && let [Expr::Text(parameter)] = arguments.as_slice()
        {
            self.parameter(self.text(*parameter), reference);
        }
    }

    fn stage_variable(&mut self, name: &str, reference: &Reference) {
        let stage = self.subject.stage;
        if stage.variables().iter().any(|(known, _)| known == name) {
            return;
        }
        let finding = Diagnostic::warning(
            "stage-variable",
            self.pointer,
            format!(
                "stage {:?} has no variable {name:?}; `{}` prints nothing",
                stage.name(),
                short(self.text(reference.source))
            ),
        );
        self.found(
            finding.help("define the variable for this stage"),
            reference.span,
        );
    }

    /// A parameter that is declared with another case.
    fn parameter(&mut self, name: &str, reference: &Reference) {
        let method = self.subject.method;
        if method
            .parameters
            .iter()
            .any(|parameter| parameter.name == name)
        {
            return;
        }
        let places = [
            ParameterLocation::Path,
            ParameterLocation::QueryString,
            ParameterLocation::Header,
        ];
        let other = places
            .into_iter()
            .find_map(|location| other_case(self.subject, location, name));
        let Some(other) = other.map(str::to_owned) else {
            return;
        };
        let finding = Diagnostic::warning(
            "header-case",
            self.pointer,
            format!("`{name}` is declared as `{other}`: names are compared exactly"),
        );
        self.found(
            finding.help(format!("write `{other}` here, or declare `{name}`")),
            reference.span,
        );
    }

    fn expression(&mut self, expression: &'t Expr) {
        match expression {
            Expr::Reference(reference) => self.read(reference),
            Expr::Template(nodes, _) => {
                self.nodes(nodes, Place::Unknown);
            }
            Expr::List(items) | Expr::And(items) | Expr::Or(items) => {
                items.iter().for_each(|item| self.expression(item));
            }
            Expr::Map(entries) => entries.iter().for_each(|(key, value)| {
                self.expression(key);
                self.expression(value);
            }),
            Expr::Range(ends, _) => {
                self.expression(&ends.0);
                self.expression(&ends.1);
            }
            Expr::Not(inner) => self.expression(inner),
            Expr::Chain(first, rest) => {
                self.expression(first);
                rest.iter().for_each(|(_, other)| self.expression(other));
            }
            Expr::Compare(sides) => {
                self.expression(&sides.0);
                self.expression(&sides.2);
            }
            Expr::Math(sum) => {
                self.expression(&sum.first);
                sum.rest
                    .iter()
                    .for_each(|(_, other, _)| self.expression(other));
            }
            Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Long(_)
            | Expr::Big(_)
            | Expr::Double(_)
            | Expr::Text(_) => {}
        }
    }
}

/// One line that is not too long.
fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
