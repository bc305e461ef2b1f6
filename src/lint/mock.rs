//! Mocks whose request template can never give an integer `statusCode`: they always answer 500.

use crate::diagnostic::pointer_token;
use crate::integration::{IntegrationType, PassthroughBehavior, TemplateEngine};
use crate::lint::form::Place;
use crate::lint::subject::Subject;
use crate::mapping::mock_status;
use crate::vtl::Template;
use crate::vtl::ast::Node;

/// How many ways through a template are tried.
const MAX_WAYS: usize = 8;

pub(super) fn check(subject: &mut Subject<'_>) {
    let integration = subject.integration;
    if integration.kind != IntegrationType::Mock {
        return;
    }
    const HELP: &str = "write {\"statusCode\": 200}, an integer without quotes; the status that the client sees is that of the integration response";
    let templates = &integration.request_templates;
    if templates.is_empty() && integration.passthrough_behavior != Some(PassthroughBehavior::Never)
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
        let ways = (0..MAX_WAYS).map(|way| {
            let mut out = String::new();
            print(&parsed, &parsed.nodes, way, &mut Place::Start, &mut out).map(|()| out)
        });
        let ways: Option<Vec<String>> = ways.collect();
        if ways.is_some_and(|ways| ways.iter().all(|out| mock_status(out).is_none())) {
            subject.warn(
                "mock-status",
                &format!("/requestTemplates/{}", pointer_token(media_type)),
                "the template gives no integer `statusCode`: every request ends with 500",
                HELP,
            );
        }
    }
}

/// What the template gives when it takes the branch of number `way` everywhere. `None` when a reference may print
/// anything.
fn print(
    template: &Template,
    nodes: &[Node],
    way: usize,
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
                let mut branches: Vec<&[Node]> = found
                    .branches
                    .iter()
                    .map(|(_, _, nodes)| nodes.as_slice())
                    .collect();
                let otherwise = found.otherwise.as_ref();
                branches.push(otherwise.map_or(&[], |(_, nodes)| nodes.as_slice()));
                let last = branches.len().saturating_sub(1);
                print(template, branches.get(way.min(last))?, way, place, out)?;
            }
            Node::Foreach(found) if way.is_multiple_of(2) => {
                print(template, &found.body, way, place, out)?
            }
            Node::Foreach(_) | Node::Set(_) | Node::Define(..) => {}
            Node::Break(..) | Node::Stop | Node::Fail(..) => return None,
        }
    }
    Some(())
}

fn push(place: &mut Place, out: &mut String, text: &str) {
    *place = std::mem::replace(place, Place::Unknown).after(text);
    out.push_str(text);
}
