//! Templates by media type: choosing one for a request, and one for an answer.

use std::sync::Arc;

use crate::integration::PassthroughBehavior;
use crate::mapping::content::media_type;
use crate::template::Template;
use crate::trace::Rule;

/// Compiled templates in the order written; `None` is an empty template, which lets the body pass.
#[derive(Debug, Clone, Default)]
pub(crate) struct TemplateTable(Vec<(String, Option<Arc<dyn Template>>)>);

/// What happens to a body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Choice<'a> {
    Render(&'a Arc<dyn Template>),
    Pass,
    /// 415
    Refuse,
}

/// A choice, and what decided it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chosen<'a> {
    pub(crate) choice: Choice<'a>,
    /// The key under which the template stands.
    pub(crate) key: Option<&'a str>,
    pub(crate) rule: Rule,
}

const JSON: &str = "application/json";

impl TemplateTable {
    pub(crate) fn new(templates: Vec<(String, Option<Arc<dyn Template>>)>) -> Self {
        Self(templates)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<dyn Template>> {
        self.0.iter().filter_map(|(_, template)| template.as_ref())
    }

    /// The template under `media_type`; an empty one has a rule of its own.
    fn find(&self, media_type: &str, rule: Rule) -> Option<Chosen<'_>> {
        self.0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(media_type))
            .map(|entry| Chosen::of(entry, rule))
    }

    /// For a request with this `Content-Type`.
    // AWS: integration-passthrough-behaviors; a missing type counts as JSON.
    pub(crate) fn for_request(
        &self,
        content_type: Option<&str>,
        passthrough: PassthroughBehavior,
    ) -> Chosen<'_> {
        let (key, rule) = match content_type {
            Some(content_type) => (media_type(content_type), Rule::TemplateOfMediaType),
            None => (JSON, Rule::JsonWithoutContentType),
        };
        self.find(key, rule)
            .or_else(|| self.find("$default", Rule::DefaultTemplate))
            .unwrap_or_else(|| {
                let (choice, rule) = match passthrough {
                    PassthroughBehavior::WhenNoMatch => (Choice::Pass, Rule::WhenNoMatchPasses),
                    PassthroughBehavior::WhenNoTemplates if self.is_empty() => {
                        (Choice::Pass, Rule::WhenNoTemplatesPasses)
                    }
                    PassthroughBehavior::WhenNoTemplates => {
                        (Choice::Refuse, Rule::WhenNoTemplatesRefuses)
                    }
                    PassthroughBehavior::Never => (Choice::Refuse, Rule::NeverRefuses),
                };
                Chosen {
                    choice,
                    key: None,
                    rule,
                }
            })
    }

    /// For an answer to a client with this `Accept`.
    // AWS: request-response-data-mappings; LocalStack: JSON is favoured over the first.
    pub(crate) fn for_response(&self, accept: Option<&str>) -> Chosen<'_> {
        accept
            .and_then(|accept| self.find(media_type(accept), Rule::TemplateOfAccept))
            .or_else(|| self.find(JSON, Rule::JsonTemplate))
            .or_else(|| {
                let first = self.0.first()?;
                Some(Chosen::of(first, Rule::FirstTemplate))
            })
            .unwrap_or(Chosen {
                choice: Choice::Pass,
                key: None,
                rule: Rule::NoTemplate,
            })
    }
}

impl<'a> Chosen<'a> {
    fn of((key, template): &'a (String, Option<Arc<dyn Template>>), rule: Rule) -> Self {
        let (choice, rule) = match template {
            Some(template) => (Choice::Render(template), rule),
            None => (Choice::Pass, Rule::EmptyTemplate),
        };
        Self {
            choice,
            key: Some(key),
            rule,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Engine, Vtl};

    fn table(types: &[(&str, &str)]) -> TemplateTable {
        let compile = |&(key, source): &(&str, &str)| {
            let template =
                (!source.is_empty()).then(|| Vtl::default().compile(source, key).unwrap());
            (key.to_owned(), template)
        };
        TemplateTable::new(types.iter().map(compile).collect())
    }

    fn chosen(chosen: Chosen<'_>) -> &str {
        match chosen.choice {
            Choice::Render(template) => template.source(),
            Choice::Pass => "pass",
            Choice::Refuse => "415",
        }
    }

    #[test]
    fn requests_by_content_type() {
        use PassthroughBehavior::{Never, WhenNoMatch, WhenNoTemplates};
        let json = table(&[("application/json", "J")]);
        let xml = table(&[("application/xml", "X")]);
        let none = table(&[]);
        let default = table(&[("application/json", ""), ("$default", "D")]);
        let cells = [
            (&json, None, ["J", "J", "J"]),
            (
                &json,
                Some("application/json; charset=UTF-8"),
                ["J", "J", "J"],
            ),
            (&json, Some("APPLICATION/JSON"), ["J", "J", "J"]),
            (&json, Some("application/xml"), ["pass", "415", "415"]),
            (&xml, None, ["pass", "415", "415"]),
            (&xml, Some("application/xml"), ["X", "X", "X"]),
            (&none, Some("text/plain"), ["pass", "pass", "415"]),
            (&default, None, ["pass", "pass", "pass"]),
            (&default, Some("text/plain"), ["D", "D", "D"]),
        ];
        for (table, content_type, expected) in cells {
            for (behavior, expected) in [WhenNoMatch, WhenNoTemplates, Never]
                .into_iter()
                .zip(expected)
            {
                let got = chosen(table.for_request(content_type, behavior));
                assert_eq!(got, expected, "{content_type:?} {behavior}");
            }
        }
    }

    #[test]
    fn answers_by_accept() {
        let both = table(&[("text/html", "H"), ("application/json", "J")]);
        let html = table(&[("text/html", "H"), ("text/csv", "")]);
        for (table, accept, expected) in [
            (&both, Some("text/html,application/json"), "H"),
            (&both, Some("image/png, text/html"), "J"),
            (&both, None, "J"),
            (&html, Some("*/*"), "H"),
            (&html, Some("text/csv"), "pass"),
            (&table(&[]), None, "pass"),
        ] {
            assert_eq!(chosen(table.for_response(accept)), expected, "{accept:?}");
        }
    }
}
