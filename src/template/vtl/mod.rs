//! The VTL engine: binds `$input`, `$context`, `$stageVariables` and `$util` to the language.

mod context;
mod input;
mod needs;
mod node;
mod paths;
mod payload;
mod tree;
mod util;

use std::rc::Rc;
use std::sync::Arc;

use self::context::ContextMap;
use self::input::Input;
use self::needs::{Names, Needs};
use self::util::Util;
use crate::template::{
    CompileError, Engine, Overrides, Position, RenderError, RenderErrorKind, Scope, Template,
};
use crate::vtl::{self, Exception, Map, Object, Span, Trace, Value};

/// The Velocity dialect of API Gateway.
///
/// ```
/// use tower_apigw::template::{Context, Engine, Limits, Overrides, Params, Scope, Vtl};
///
/// let template = Vtl::default().compile(r#"{"id": $input.json('$.order.id')}"#, "application/json").unwrap();
/// let scope = Scope {
///     body: br#"{"order": {"id": "A-100"}}"#,
///     params: Params::default(),
///     context: &Context::default(),
///     stage_variables: &[],
///     overrides: &Overrides::default(),
///     limits: &Limits::default(),
/// };
/// let mut out = String::new();
/// template.render(&scope, &mut out).unwrap();
/// assert_eq!(out, r#"{"id": "A-100"}"#);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Vtl {
    options: vtl::Options,
    json_null: bool,
}

impl Vtl {
    /// The engine with other options of the language.
    pub fn new(options: vtl::Options) -> Self {
        Self {
            options,
            json_null: false,
        }
    }

    /// Whether `$input.json` prints `null` for a value that is there and null. Off: it prints `""`, as for a value that is
    /// not there; what AWS does is known second hand only.
    #[must_use]
    pub fn json_null(mut self, on: bool) -> Self {
        self.json_null = on;
        self
    }
}

impl Engine for Vtl {
    fn compile(&self, source: &str, _media_type: &str) -> Result<Arc<dyn Template>, CompileError> {
        let template = vtl::Template::parse_with(source, self.options.clone())
            .map_err(|error| compile_error(&error, source))?;
        let needs = Needs::of(source, template.references());
        Ok(Arc::new(VtlTemplate {
            template,
            parts: Arc::new(Parts {
                needs,
                json_null: self.json_null,
            }),
        }))
    }
}

/// The input of a rendering, whose values refer to each other until it is over.
struct Held(Rc<Input>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.release();
    }
}

#[derive(Debug)]
struct VtlTemplate {
    template: vtl::Template,
    parts: Arc<Parts>,
}

/// What renderings of one template share.
#[derive(Debug)]
struct Parts {
    needs: Needs,
    json_null: bool,
}

impl Template for VtlTemplate {
    fn render(&self, scope: &Scope<'_>, out: &mut String) -> Result<Overrides, RenderError> {
        self.run(scope, out, None)
    }

    fn render_traced(
        &self,
        scope: &Scope<'_>,
        out: &mut String,
        trace: &mut dyn Trace,
    ) -> Result<Overrides, RenderError> {
        self.run(scope, out, Some(trace))
    }

    fn reads_body(&self) -> bool {
        let input = self.parts.needs.input.as_ref();
        input.is_some_and(|needs| needs.text || needs.maybe_content)
    }

    fn reads_parameters(&self) -> bool {
        let input = self.parts.needs.input.as_ref();
        input.is_some_and(|needs| match &needs.params {
            Names::All => true,
            Names::Only(names) => !names.is_empty(),
        })
    }

    fn reads_parameter(&self, name: &str) -> bool {
        let input = self.parts.needs.input.as_ref();
        input.is_some_and(|needs| needs.params.has(name))
    }

    fn reads_any_context(&self) -> bool {
        self.parts.needs.context.is_some()
    }

    fn reads_context(&self, name: &str) -> bool {
        let context = self.parts.needs.context.as_ref();
        context.is_some_and(|needs| needs.names.has(name))
    }

    fn source(&self) -> &str {
        self.template.source()
    }
}

impl VtlTemplate {
    fn run(
        &self,
        scope: &Scope<'_>,
        out: &mut String,
        trace: Option<&mut dyn Trace>,
    ) -> Result<Overrides, RenderError> {
        let needs = &self.parts.needs;
        let mut variables: Vec<(&str, Value)> = Vec::with_capacity(4);
        let input = needs
            .input
            .as_ref()
            .map(|needs| Held(Rc::new(Input::new(scope, &self.parts, needs))));
        if let Some(Held(input)) = &input {
            variables.push(("input", Value::Object(Rc::clone(input) as Rc<dyn Object>)));
        }
        if needs.util {
            variables.push(("util", Value::Object(Rc::new(Util::default()))));
        }
        if let Some(names) = &needs.stage_variables {
            variables.push(("stageVariables", stage_variables(scope, names)));
        }
        let context = needs
            .context
            .as_ref()
            .map(|needs| ContextMap::new(scope, needs));
        if let Some(context) = &context {
            variables.push(("context", context.value()));
        }
        let rendered = match trace {
            None => self.template.render(&variables, scope.limits, out),
            Some(trace) => self
                .template
                .render_traced(&variables, scope.limits, out, trace),
        };
        rendered.map_err(|error| self.error(&error))?;
        match context {
            Some(context) => context.overrides(scope.overrides).map_err(|exception| {
                RenderError::new(RenderErrorKind::Template, exception.message())
            }),
            None => Ok(scope.overrides.clone()),
        }
    }

    fn error(&self, error: &vtl::Error) -> RenderError {
        let kind = match error.kind() {
            vtl::ErrorKind::Limit(_) => RenderErrorKind::Limit,
            vtl::ErrorKind::Host(input::PAYLOAD) => RenderErrorKind::Payload,
            _ => RenderErrorKind::Template,
        };
        let Span { start, end } = error.span();
        RenderError::new(kind, error.message())
            .at(position(error, self.template.source()))
            .about(start as usize..end as usize)
            .with_hint(error.hint())
    }
}

fn stage_variables(scope: &Scope<'_>, names: &Names) -> Value {
    let map = Map::hash();
    for (name, value) in scope.stage_variables {
        if names.has(name) {
            map.put_str(name.as_str(), Value::from(value.as_str()));
        }
    }
    Value::Map(map)
}

/// A call that none of an object's own methods answers.
fn inherited(method: &str, args: &[Value]) -> Result<Option<Value>, Exception> {
    match method {
        "toString" | "hashCode" | "getClass" if !args.is_empty() => Err(too_many(method)),
        _ => Ok(None),
    }
}

/// Velocity's search for a method trips over one without parameters when there are arguments, unless another fits exactly.
fn too_many(method: &str) -> Exception {
    Exception::new(format!(
        "ArrayIndexOutOfBoundsException: no method {method} takes these arguments"
    ))
}

fn compile_error(error: &vtl::Error, source: &str) -> CompileError {
    CompileError::at(error.message(), position(error, source), source)
        .wide(error.span().width(source))
        .late(error.kind() == vtl::ErrorKind::Runtime)
        .with_hint(error.hint())
}

fn position(error: &vtl::Error, source: &str) -> Position {
    let (line, column) = error.span().position(source);
    let clip = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position {
        line: clip(line),
        column: clip(column),
    }
}

#[cfg(test)]
mod tests;
