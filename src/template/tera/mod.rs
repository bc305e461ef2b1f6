//! The Tera engine: the same facts as in VTL, in a language many know from other places.

mod escape;
mod functions;
mod rendering;
mod value;

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock};

use tera::ErrorKind;

use self::escape::escape_json;
use self::rendering::{Failure, Rendering};
use self::value::{context_value, group, text};
use crate::template::{
    CompileError, Engine, Overrides, Position, RenderError, RenderErrorKind, Scope, Template,
};

/// Tera 2 as a template engine: the same facts as in VTL, in a language many know from other places.
///
/// # What a template sees
///
/// | name | what it is |
/// |---|---|
/// | `input.body` | the payload as text |
/// | `input.params.path`, `.querystring`, `.header` | the parameters of the request |
/// | `context` | `$context`; names as there: `context.identity.sourceIp` |
/// | `context.requestOverride`, `context.responseOverride` | what the request template left |
/// | `stage_variables` | the stage variables |
/// | `input_path(path="$.a")` | a value of the payload; none if it is not there |
/// | `input_json(path="$.a")` | the same as JSON text; `null` if it is not there |
/// | `params(name="q")` | a parameter: path, then query, then header; empty if there is none |
/// | `value \| json_encode` | any value as JSON text |
/// | `text \| util_escape_javascript`, `util_url_encode`, `util_url_decode`, `util_base64_encode`, `util_base64_decode` | the functions of `$util` |
/// | `text \| util_parse_json` | a JSON text as a value; none if it is not JSON |
/// | `override_request_header(name="x", value="v")` | sets an override and prints nothing; also `override_request_querystring`, `override_request_path`, `override_response_header` |
/// | `override_response_status(value=404)` | likewise |
///
/// JSONPaths and the reading of payloads are those of VTL: a payload that does not begin like JSON is a text, one that
/// is broken is an error where it is read. An override may be set once in a rendering.
///
/// # Output
/// For a JSON media type (`application/json`, anything that ends with `+json`) what `{{ … }}` prints is escaped as the
/// content of a JSON string, so `"{{ params(name="q") }}"` is safe; numbers and truth values print as they are.
/// `input_json` and `json_encode` print JSON and need no quotes. For any other media type nothing is escaped.
///
/// Tera itself has no budget for steps: only the size of the output is limited. Take sources from those whom you would
/// let run code.
///
/// ```
/// use tower_apigw::template::{Context, Engine, Limits, Overrides, Params, Scope, Tera};
///
/// let source = r#"{{ override_request_header(name="X-Kind", value="order") -}}
/// {"to": "{{ params(name="to") }}", "skus": [{% for line in input_path(path="$.lines") -%}
///     {{ line.sku | json_encode }}{% if not loop.last %}, {% endif %}
/// {%- endfor %}], "meta": {{ input_json(path="$.meta") }}}"#;
/// let template = Tera::default().compile(source, "application/json").unwrap();
///
/// let scope = Scope {
///     body: br#"{"lines": [{"sku": "s1"}, {"sku": "s2"}], "meta": {"gift": true}}"#,
///     params: Params { querystring: &[("to".into(), "Ada \"A.\"".into())], ..Params::default() },
///     context: &Context::default(),
///     stage_variables: &[],
///     overrides: &Overrides::default(),
///     limits: &Limits::default(),
/// };
/// let mut out = String::new();
/// let overrides = template.render(&scope, &mut out).unwrap();
/// assert_eq!(out, r#"{"to": "Ada \"A.\"", "skus": ["s1", "s2"], "meta": {"gift":true}}"#);
/// assert_eq!(overrides.request_headers().count(), 1);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Tera {
    _private: (),
}

/// An instance with all names; each template gets a copy, which shares them.
static BASE: LazyLock<tera::Tera> = LazyLock::new(|| {
    let mut base = tera::Tera::new();
    base.autoescape_on([JSON]);
    base.set_escape_fn(escape_json);
    functions::register(&mut base);
    base
});

const JSON: &str = "json";
const TEXT: &str = "text";

impl Engine for Tera {
    fn compile(&self, source: &str, media_type: &str) -> Result<Arc<dyn Template>, CompileError> {
        let name = if is_json(media_type) { JSON } else { TEXT };
        let mut engine = BASE.clone();
        engine
            .add_raw_template(name, source)
            .map_err(|error| compile_error(&error, source))?;
        let roots = engine
            .get_template_variables(name)
            .map_err(|error| compile_error(&error, source))?;
        let mentions = |word: &str| source.contains(word);
        let input = roots.contains("input");
        let uses = Uses {
            input,
            body: input && mentions("body"),
            params: (input && mentions("params")) || mentions("params("),
            content: mentions("input_json") || mentions("input_path"),
            context: roots.contains("context"),
            stage_variables: roots.contains("stage_variables"),
        };
        // A template may bind `input` to another name and index that, so anything unusual gets all of it.
        let known = ["input.body", "input.params", "input_json", "input_path"];
        let plain = mentions_of(source, &["input"]) == mentions_of(source, &known);
        let uses = if plain {
            uses
        } else {
            Uses {
                body: input,
                params: true,
                ..uses
            }
        };
        Ok(Arc::new(TeraTemplate {
            engine,
            name,
            uses,
            source: source.into(),
        }))
    }
}

fn mentions_of(source: &str, words: &[&str]) -> usize {
    words.iter().map(|word| source.matches(word).count()).sum()
}

/// Whether output of this type is JSON.
fn is_json(media_type: &str) -> bool {
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

/// What a template may read; nothing else is built.
#[derive(Debug, Clone, Copy)]
struct Uses {
    input: bool,
    body: bool,
    params: bool,
    content: bool,
    context: bool,
    stage_variables: bool,
}

struct TeraTemplate {
    engine: tera::Tera,
    name: &'static str,
    uses: Uses,
    source: Box<str>,
}

impl fmt::Debug for TeraTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TeraTemplate")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Template for TeraTemplate {
    fn render(&self, scope: &Scope<'_>, out: &mut String) -> Result<Overrides, RenderError> {
        let mut context = tera::Context::new();
        let uses = self.uses;
        let params = uses.params.then(|| {
            group(scope.params.groups().map(|(name, pairs)| {
                (
                    name,
                    group(pairs.iter().map(|(name, value)| (&**name, text(value)))),
                )
            }))
        });
        if uses.input {
            let body = uses.body.then(|| ("body", text(&scope.body_text())));
            let params = params.clone().map(|params| ("params", params));
            context.insert_value("input", group(body.into_iter().chain(params)));
        }
        if uses.context {
            context.insert_value("context", context_value(scope));
        }
        if uses.stage_variables {
            let variables = scope
                .stage_variables
                .iter()
                .map(|(name, value)| (name.as_str(), text(value)));
            context.insert_value("stage_variables", group(variables));
        }
        let rendering = Rendering::new(scope, params, uses.content).enter();
        let mut writer = Limited {
            bytes: std::mem::take(out).into_bytes(),
            left: scope.limits.output,
            full: false,
        };
        let result = self.engine.render_to(self.name, &context, &mut writer);
        let Limited { bytes, full, .. } = writer;
        // Tera writes nothing but UTF-8.
        *out = String::from_utf8(bytes).unwrap_or_default();
        let (overrides, failure) = rendering.leave();
        match (result, full) {
            (Ok(()), _) => Ok(overrides),
            (Err(_), true) => {
                let message = format!("the output grows beyond {} bytes", scope.limits.output);
                Err(RenderError::new(RenderErrorKind::Limit, message))
            }
            (Err(error), false) => Err(render_error(&error, failure)),
        }
    }

    fn reads_body(&self) -> bool {
        self.uses.body || self.uses.content
    }

    fn source(&self) -> &str {
        &self.source
    }
}

/// Collects the output up to a limit.
struct Limited {
    bytes: Vec<u8>,
    left: usize,
    full: bool,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.left.checked_sub(bytes.len()) {
            Some(left) => {
                self.left = left;
                self.bytes.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            None => {
                self.full = true;
                Err(io::ErrorKind::StorageFull.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The message of an error without Tera's own picture of the source, and the place.
fn explain(error: &tera::Error) -> (String, Option<Position>) {
    let (ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report)) = error.kind() else {
        return explain_text(&error.to_string());
    };
    let clip = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let position = Position {
        line: clip(report.span().start_line),
        column: clip(report.span().start_col).saturating_add(1),
    };
    (lower(report.message()), Some(position))
}

/// Some errors have their place only in their text: `error: what\n --> name:line:column\n…`.
fn explain_text(text: &str) -> (String, Option<Position>) {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let message = lower(first.strip_prefix("error: ").unwrap_or(first));
    let place = lines
        .next()
        .and_then(|line| line.trim_start().strip_prefix("--> "));
    let mut numbers = place.unwrap_or_default().rsplit(':').map(str::parse);
    let position = match (numbers.next(), numbers.next()) {
        (Some(Ok(column)), Some(Ok(line))) => Some(Position { line, column }),
        _ => None,
    };
    (message, position)
}

/// A sentence in the style of this crate's errors.
fn lower(message: &str) -> String {
    let mut chars = message.trim_end_matches('.').chars();
    chars
        .next()
        .map(|first| first.to_lowercase().chain(chars).collect())
        .unwrap_or_default()
}

fn compile_error(error: &tera::Error, source: &str) -> CompileError {
    match explain(error) {
        (message, Some(position)) => CompileError::at(message, position, source),
        (message, None) => CompileError::new(message),
    }
}

fn render_error(error: &tera::Error, failure: Option<Failure>) -> RenderError {
    let (message, position) = explain(error);
    let error = match failure {
        Some(Failure { kind, message }) => RenderError::new(kind, message),
        None => RenderError::new(RenderErrorKind::Template, message),
    };
    match position {
        Some(position) => error.at(position),
        None => error,
    }
}

#[cfg(test)]
mod tests;
