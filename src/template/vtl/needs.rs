//! What the source of a template tells about its needs, so that a rendering builds nothing it does not read.
//!
//! The scan is textual and errs on the side of building too much: whatever it cannot follow counts as "may need all".

use std::sync::Arc;

use crate::template::vtl::paths::Paths;

/// What a template needs of a call.
#[derive(Debug)]
pub(crate) struct Needs {
    /// `$input`.
    pub(crate) input: Option<InputNeeds>,
    /// `$context`.
    pub(crate) context: Option<ContextNeeds>,
    /// `$stageVariables`.
    pub(crate) stage_variables: Option<Names>,
    /// `$util`.
    pub(crate) util: bool,
}

/// What a template does with `$input`, as far as its source tells.
#[derive(Debug)]
pub(crate) struct InputNeeds {
    /// It prints or passes on the payload as text.
    pub(crate) text: bool,
    /// It asks for the payload's content, whatever else happens.
    pub(crate) content: bool,
    /// It may ask for the payload's content.
    pub(crate) maybe_content: bool,
    /// The parameters it asks for by name. All: it may look at the maps.
    pub(crate) params: Names,
    /// The JSONPaths written out in it.
    pub(crate) paths: Paths,
}

/// What a template reads of `$context`.
#[derive(Debug)]
pub(crate) struct ContextNeeds {
    /// The entries.
    pub(crate) names: Names,
    /// The entries of `identity`.
    pub(crate) identity: Names,
}

/// Which entries of a map a template may read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Any, or it looks at the map as a whole.
    All,
    /// Only these.
    Only(Vec<Arc<str>>),
}

impl Needs {
    /// Reads a source. `references` are the variables the parser saw in it, with the step behind each: where the two
    /// disagree, as about a reference in disguise (`"\u0024input.body"`), the variable is built as a whole.
    pub(crate) fn of<'a>(
        source: &str,
        references: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Self {
        let references: Vec<_> = references.collect();
        let known = |root: &'static str| {
            let seen = references.iter().filter(|(name, _)| *name == root);
            let mut seen: Vec<Option<&str>> = seen.map(|(_, child)| *child).collect();
            if seen.is_empty() {
                return None;
            }
            let found: Found = self::references(source, root).collect();
            let steps = found
                .iter()
                .map(|(_, rest)| step(rest).map(|step| step.name));
            let mut steps: Vec<Option<&str>> = steps.collect();
            for names in [&mut seen, &mut steps] {
                names.sort_unstable();
                names.dedup();
            }
            // A reference without a step comes first.
            let known = seen == steps && !matches!(seen.first(), Some(None));
            Some(match known {
                true => (source, found),
                false => (OPAQUE, self::references(OPAQUE, root).collect()),
            })
        };
        Self {
            input: known("input").map(|(source, found)| InputNeeds::of(source, &found)),
            context: known("context").map(|(_, found)| ContextNeeds::of(&found)),
            stage_variables: known("stageVariables")
                .map(|(_, found)| Names::collect(found.iter().map(|(_, rest)| name(rest)))),
            util: known("util").is_some(),
        }
    }
}

/// A source that needs everything.
const OPAQUE: &str = "#[[$input$context$stageVariables]]#";

/// Where references to a variable stand in a source, and what follows each.
type Found<'a> = Vec<(usize, &'a str)>;

impl Names {
    /// The names, unless one is unknown.
    fn collect<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Self {
        let Some(mut names) = names
            .map(|name| name.map(Arc::from))
            .collect::<Option<Vec<Arc<str>>>>()
        else {
            return Self::All;
        };
        names.sort_unstable();
        names.dedup();
        Self::Only(names)
    }

    /// Whether the entry of this name may be read.
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|known| **known == *name),
        }
    }

    /// The name as a key, unless the entry is not read.
    pub(crate) fn key(&self, name: &str) -> Option<Arc<str>> {
        match self {
            Self::All => Some(Arc::from(name)),
            Self::Only(names) => names.iter().find(|known| ***known == *name).cloned(),
        }
    }
}

impl ContextNeeds {
    fn of(found: &Found<'_>) -> Self {
        let names = Names::collect(found.iter().map(|(_, rest)| name(rest)));
        let steps = found.iter().filter_map(|(_, rest)| step(rest));
        let identity = steps
            .filter(|step| step.name == "identity")
            .map(|step| name(step.rest));
        let identity = match names {
            Names::All => Names::All,
            Names::Only(_) => Names::collect(identity),
        };
        Self { names, identity }
    }
}

impl InputNeeds {
    fn of(source: &str, found: &Found<'_>) -> Self {
        let mut needs = Self {
            text: false,
            content: false,
            maybe_content: false,
            params: Names::All,
            paths: Paths::of(source),
        };
        let certain = certain(source);
        let mut params = Vec::new();
        for (at, rest) in found.iter().copied() {
            match step(rest).map(|step| (step.kind, step.name, step.rest)) {
                Some((Kind::Call, "path" | "json", _)) => {
                    needs.content |= at < certain;
                    needs.maybe_content = true;
                }
                Some((Kind::Call, "params", rest)) => params.push(only_argument(rest)),
                Some((Kind::Name, "body" | "Body", _) | (Kind::Call, "getBody", _)) => {
                    needs.text = true
                }
                _ => {
                    needs.text = true;
                    needs.maybe_content = true;
                    params.push(None);
                }
            }
        }
        needs.params = Names::collect(params.into_iter());
        needs
    }
}

/// Where the part of a source ends that is rendered from its first to its last character: at the first directive that
/// is not `#set`, at the first comment, escape or raw text.
fn certain(source: &str) -> usize {
    let stops = source.match_indices(['#', '\\']).map(|(at, _)| at);
    let mut stops = stops.filter(|&at| {
        let rest = source.get(at + 1..).unwrap_or_default();
        !rest.starts_with("set(") && !rest.starts_with("set (")
    });
    stops.next().unwrap_or(source.len())
}

/// Every place where a reference to `root` may stand, with what follows the name.
fn references<'a>(source: &'a str, root: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    memchr::memmem::find_iter(source.as_bytes(), root.as_bytes()).filter_map(move |at| {
        let rest = source.get(at + root.len()..)?;
        let marked = source.get(..at)?.ends_with(['$', '!', '{', '\\']);
        (marked && !rest.starts_with(in_name)).then_some((at, rest))
    })
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

struct Step<'a> {
    kind: Kind,
    name: &'a str,
    /// What follows; for a call, from its parenthesis on.
    rest: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Call,
}

/// The first step behind a name: `.name`, `.name(`, `['name']`, `["name"]`.
fn step(rest: &str) -> Option<Step<'_>> {
    if let Some(rest) = rest.strip_prefix('.') {
        let end = rest.bytes().position(|b| !in_name(char::from(b)));
        let end = end.unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let called = rest.trim_start().starts_with('(');
        let kind = if called { Kind::Call } else { Kind::Name };
        return (!name.is_empty()).then_some(Step { kind, name, rest });
    }
    let (name, rest) = literal(rest.strip_prefix('[')?)?;
    let rest = rest.trim_start().strip_prefix(']')?;
    let kind = Kind::Name;
    Some(Step { kind, name, rest })
}

/// The name of the first step, if it is one.
fn name(rest: &str) -> Option<&str> {
    let step = step(rest)?;
    (step.kind == Kind::Name).then_some(step.name)
}

/// The text of a call that has one literal as its argument.
fn only_argument(rest: &str) -> Option<&str> {
    let (text, rest) = literal(rest.trim_start().strip_prefix('(')?)?;
    rest.trim_start().starts_with(')').then_some(text)
}

/// A literal that is nothing but its text, and what follows it.
pub(crate) fn literal(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (text, rest) = rest.get(1..)?.split_once(quote)?;
    let plain = !rest.starts_with(quote) && (quote == '\'' || !text.contains(['$', '#', '\\']));
    plain.then_some((text, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(names: &Names) -> String {
        match names {
            Names::All => "*".to_owned(),
            Names::Only(names) => names.join(" "),
        }
    }

    #[test]
    fn names_of_the_context() {
        for (source, names, identity) in [
            ("no context here, $contextual", "", ""),
            (
                "$context.stage ${context.stage}$!{context.identity.user}",
                "identity stage",
                "user",
            ),
            (
                "#set($context.requestOverride.header['x'] = 1)",
                "requestOverride",
                "",
            ),
            ("$context['stage']$context[ \"path\" ]", "path stage", ""),
            ("$context.identity", "identity", "*"),
            (
                "$context.identity.keySet()$context.identity.user",
                "identity",
                "*",
            ),
            ("$context['identity']['user']", "identity", "user"),
            ("$context", "*", "*"),
            ("$context.keySet()", "*", "*"),
            ("$context.get('stage')", "*", "*"),
            ("$context[$x]", "*", "*"),
            ("$context[\"$x\"]", "*", "*"),
            ("#foreach($k in $context)", "*", "*"),
        ] {
            let needs = ContextNeeds::of(&references(source, "context").collect());
            assert_eq!(
                (show(&needs.names).as_str(), show(&needs.identity).as_str()),
                (names, identity),
                "{source}"
            );
        }
    }

    #[test]
    fn uses_of_the_input() {
        for (source, flags, params) in [
            ("", "", ""),
            ("$input.body", "t", ""),
            ("$input.getBody()", "t", ""),
            ("$input.json('$')", "cm", ""),
            ("#set($x = $input.path('$'))", "cm", ""),
            ("#if($x)$input.json('$')#end", "m", ""),
            ("$input.json('$')#if($x)$input.json('$')#end", "cm", ""),
            ("## $input.json('$')", "m", ""),
            ("\\$input.json('$')", "m", ""),
            ("$input.params('x')$input.params( \"y\" )", "", "x y"),
            ("$input.params()", "", "*"),
            ("$input.params('it''s')", "", "*"),
            ("$input.params(\"$x\")", "", "*"),
            ("$input", "tm", "*"),
            ("#set($i = $input)", "tm", "*"),
            ("$input.path", "tm", "*"),
            ("$inputs $my.input", "", ""),
            (OPAQUE, "tm", "*"),
        ] {
            let needs = InputNeeds::of(source, &references(source, "input").collect());
            let all = [
                (needs.text, 't'),
                (needs.content, 'c'),
                (needs.maybe_content, 'm'),
            ];
            let shown: String = all
                .into_iter()
                .filter(|(on, _)| *on)
                .map(|(_, flag)| flag)
                .collect();
            assert_eq!(
                (shown.as_str(), show(&needs.params).as_str()),
                (flags, params),
                "{source}"
            );
        }
    }
}
