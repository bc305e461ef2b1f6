//! Mocks whose request template can never give an integer `statusCode`: they always answer 500.

use crate::diagnostic::pointer_token;
use crate::integration::{IntegrationType, PassthroughBehavior, TemplateEngine};
use crate::lint::form::Place;
use crate::lint::subject::Subject;
use crate::mapping::mock_status;
use crate::vtl::Template;
use crate::vtl::ast::Node;

/// How many ways through a template are tried. Nothing is said about one that has more.
const MAX_WAYS: usize = 32;

pub(super) fn check(subject: &mut Subject<'_>) {
    let integration = subject.integration;
    if integration.kind != IntegrationType::Mock {
        return;
    }
    const HELP: &str = "write {\"statusCode\": 200}, an integer without quotes; the status that the client sees is that of the integration response";
    let templates = &integration.request_templates;
    // One that is no text is left out, and told of as such.
    let pointer = format!("{}/requestTemplates", subject.operation.pointer);
    let declared = subject.document.value(&pointer);
    if templates.is_empty()
        && declared.is_none_or(|table| table.as_object().is_some_and(|table| table.is_empty()))
        && integration.passthrough_behavior != Some(PassthroughBehavior::Never)
    {
        subject.warn(
            "mock-status",
            "",
            "the mock has no request template: a request whose body gives no `statusCode` ends with 500",
            "add `requestTemplates` with {\"statusCode\": 200} for application/json",
        );
    }
    for (media_type, template) in templates {
        let engine = template.engine.unwrap_or(integration.template_engine);
        // An empty one passes the body of the client.
        if engine != TemplateEngine::Vtl || template.source.is_empty() {
            continue;
        }
        let Ok(parsed) = Template::parse(&template.source) else {
            continue;
        };
        if never(&parsed) {
            subject.warn(
                "mock-status",
                &format!("/requestTemplates/{}", pointer_token(media_type)),
                "the template gives no integer `statusCode`: every request ends with 500",
                HELP,
            );
        }
    }
}

/// Whether no way through the template gives a status.
fn never(template: &Template) -> bool {
    let mut way = Way::default();
    for _ in 0..MAX_WAYS {
        let mut out = String::new();
        way.at = 0;
        let printed = way.print(template, &template.nodes, &mut Place::Start, &mut out);
        if printed.is_none() || mock_status(&out).is_some() {
            return false;
        }
        if !way.next() {
            return true;
        }
    }
    false
}

/// One way through a template.
#[derive(Default)]
struct Way {
    /// What is taken at each fork, and of how many.
    forks: Vec<(usize, usize)>,
    /// The fork that comes next.
    at: usize,
}

impl Way {
    fn fork(&mut self, of: usize) -> usize {
        if self.at == self.forks.len() {
            self.forks.push((0, of));
        }
        let taken = self.forks.get(self.at).map_or(0, |(taken, _)| *taken);
        self.at += 1;
        taken
    }

    /// Goes on to the next way, if there is one.
    fn next(&mut self) -> bool {
        while let Some((taken, of)) = self.forks.pop() {
            if taken + 1 < of {
                self.forks.push((taken + 1, of));
                return true;
            }
        }
        false
    }

    /// What the template gives on this way. `None` when a reference may print anything.
    fn print(
        &mut self,
        template: &Template,
        nodes: &[Node],
        place: &mut Place,
        out: &mut String,
    ) -> Option<()> {
        for node in nodes {
            match node {
                Node::Text(text) => push(place, out, text.of(&template.texts)),
                Node::Reference(_) => match place {
                    Place::Text { .. } => push(place, out, "x"),
                    Place::Json(json) if json.is_member() => push(place, out, "1"),
                    _ => return None,
                },
                Node::If(found) => {
                    let taken = self.fork(found.branches.len() + 1);
                    let otherwise = found.otherwise.as_ref().map(|(_, nodes)| nodes);
                    let branch = found.branches.get(taken).map(|(_, _, nodes)| nodes);
                    if let Some(nodes) = branch.or(otherwise) {
                        self.print(template, nodes, place, out)?;
                    }
                }
                Node::Foreach(found) => {
                    if self.fork(2) == 0 {
                        self.print(template, &found.body, place, out)?;
                    }
                }
                Node::Set(_) | Node::Define(..) => {}
                Node::Break(..) | Node::Stop | Node::Fail(..) => return None,
            }
        }
        Some(())
    }
}

fn push(place: &mut Place, out: &mut String, text: &str) {
    *place = std::mem::replace(place, Place::Unknown).after(text);
    out.push_str(text);
}
