//! One request in flight: what the layers of an integration hand to each other.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use crate::error::{Error, ErrorKind};
use crate::mapping::content::{self, Conversion};
use crate::mapping::context::Facts;
use crate::mapping::method_request::{MethodRequest, text};
use crate::mapping::parameters::Parameters;
use crate::mapping::plan::Plan;
use crate::mapping::templates::Choice;
use crate::mapping::tracing;
use crate::template::{Context, Overrides, Params, RenderError, RenderErrorKind, Scope, Template};
use crate::trace::{Side, TemplateSteps};

/// A request, captured by the outermost mapping layer before anything changes it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) plan: Arc<Plan>,
    pub(crate) request: Arc<MethodRequest>,
    /// The client's headers, if something reads them later.
    pub(crate) headers: HeaderMap,
    /// The client's `Accept`, by which a response template is chosen.
    pub(crate) accept: Option<HeaderValue>,
    /// The client's body, if it was collected.
    pub(crate) body: Option<Bytes>,
    /// Mapped parameters, under what the request template overrode.
    pub(crate) parameters: Parameters,
    /// What the request template left.
    pub(crate) overrides: Overrides,
}

impl Call {
    /// Captures a request, validates it and evaluates its mapped parameters.
    // Resolved: mapped values come first, so that broken JSON in a mapping wins over 415.
    pub(crate) fn capture(
        plan: Arc<Plan>,
        request: Arc<MethodRequest>,
        headers: &HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Self, Error> {
        if let Some(trace) = &request.trace {
            trace.record(tracing::route(&plan, &request, body.as_ref()));
        }
        plan.check()?;
        let parameters = if plan.parameters.is_empty() && plan.validator.is_none() {
            Parameters::default()
        } else {
            let facts = Facts::new(
                &request,
                headers,
                &plan.stage,
                Some(&plan.resource),
                body.as_ref(),
            );
            if let Some(validator) = &plan.validator {
                let checked = validator.check(&facts);
                if let Some(trace) = facts.trace() {
                    trace.record(tracing::validation(&checked));
                }
                checked?;
            }
            Parameters::of_request(&plan.parameters, &facts)?
        };
        let accept = if plan.responses.is_empty() {
            None
        } else {
            headers.get(header::ACCEPT).cloned()
        };
        let headers = if plan.reads.headers_later {
            headers.clone()
        } else {
            HeaderMap::new()
        };
        Ok(Self {
            plan,
            request,
            headers,
            accept,
            body,
            parameters,
            overrides: Overrides::default(),
        })
    }

    /// Captures the head of a request alone, for a layer that maps nothing of it.
    pub(crate) fn capture_head(
        plan: Arc<Plan>,
        request: Arc<MethodRequest>,
        headers: &HeaderMap,
    ) -> Result<Self, Error> {
        if let Some(trace) = &request.trace {
            trace.record(tracing::route(&plan, &request, None));
        }
        plan.check()?;
        Ok(Self {
            accept: headers.get(header::ACCEPT).cloned(),
            headers: if plan.reads.headers_later {
                headers.clone()
            } else {
                HeaderMap::new()
            },
            plan,
            request,
            body: None,
            parameters: Parameters::default(),
            overrides: Overrides::default(),
        })
    }

    /// What the answer of a function behind a proxy integration is mapped with.
    pub(crate) fn of_proxy(
        plan: Arc<Plan>,
        request: Arc<MethodRequest>,
        headers: &HeaderMap,
    ) -> Self {
        Self {
            accept: headers.get(header::ACCEPT).cloned(),
            plan,
            request,
            headers: HeaderMap::new(),
            body: None,
            parameters: Parameters::default(),
            overrides: Overrides::default(),
        }
    }

    /// The facts as they are known after the request went on.
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts::new(
            &self.request,
            &self.headers,
            &self.plan.stage,
            Some(&self.plan.resource),
            self.body.as_ref(),
        )
    }

    /// The body of the integration request: chosen, converted, rendered. Overrides of the template
    /// are put over the mapped parameters.
    pub(crate) fn map_body(&mut self, headers: &HeaderMap) -> Result<Bytes, Error> {
        let body = self.body.clone().unwrap_or_default();
        let plan = Arc::clone(&self.plan);
        if plan.kind.is_proxy() {
            return Ok(body);
        }
        let content_type = headers.get(header::CONTENT_TYPE).map(text);
        let content_type = content_type.as_deref();
        // AWS: the media type is refused before the body is looked at.
        let chosen = plan.templates.for_request(content_type, plan.passthrough);
        let trace = self.request.trace.as_ref();
        if let Some(trace) = trace {
            trace.record(tracing::template(Side::Request, content_type, &chosen));
        }
        if matches!(chosen.choice, Choice::Refuse) {
            let named = content_type.unwrap_or("application/json");
            return Err(Error::new(
                ErrorKind::UnsupportedMediaType,
                format!(
                    "no request template is for {named:?}, and {} lets no other body pass",
                    plan.passthrough
                ),
            ));
        }
        let binary = plan.stage.binary_media_types.contain(content_type);
        let conversion = content::request_conversion(binary, plan.content_handling);
        if let Some(trace) = trace {
            trace.record(tracing::conversion(Side::Request, conversion));
        }
        let Choice::Render(template) = chosen.choice else {
            return convert(conversion, body);
        };
        let body = convert_for_template(conversion, body)?;
        readable(conversion, &body)?;
        let facts = Facts::new(
            &self.request,
            headers,
            &plan.stage,
            Some(&plan.resource),
            self.body.as_ref(),
        );
        let none = Overrides::default();
        let (rendered, overrides) = render(Side::Request, template.as_ref(), &facts, &body, &none)?;
        if !overrides.is_empty() {
            if let Some(trace) = trace {
                tracing::overrides(trace, Side::Request, &overrides);
            }
            self.parameters.override_request(&overrides)?;
            self.overrides = overrides;
        }
        Ok(Bytes::from(rendered))
    }
}

pub(crate) fn convert(conversion: Conversion, body: Bytes) -> Result<Bytes, Error> {
    // AWS: api-gateway-payload-encodings-workflow
    conversion
        .apply(body)
        .map_err(|_| Error::configuration("unable to base64 decode the body"))
}

/// The same for a template, which reads what is no text as [`Conversion::Text`] would have it.
pub(crate) fn convert_for_template(conversion: Conversion, body: Bytes) -> Result<Bytes, Error> {
    match conversion {
        Conversion::Text => Ok(body),
        _ => convert(conversion, body),
    }
}

/// A template cannot read bytes.
// Recorded: T:…_convert_to_binary_with_request_template; bytes that are text are rendered.
pub(crate) fn readable(conversion: Conversion, body: &[u8]) -> Result<(), Error> {
    if conversion.gives_bytes() && std::str::from_utf8(body).is_err() {
        return Err(Error::configuration(
            "unable to transform the body: it is binary, and a template reads text; \
             set `contentHandling` to CONVERT_TO_TEXT",
        ));
    }
    Ok(())
}

/// Renders `template` over a payload.
pub(crate) fn render(
    side: Side,
    template: &dyn Template,
    facts: &Facts<'_>,
    payload: &[u8],
    overrides: &Overrides,
) -> Result<(String, Overrides), Error> {
    let wanted = |name: &str| template.reads_parameter(name);
    let (path, query, header) = match template.reads_parameters() {
        true => (
            facts.path_parameters(wanted),
            facts.query_parameters(wanted),
            facts.headers.last_values(wanted),
        ),
        false => Default::default(),
    };
    let context = match template.reads_any_context() {
        true => facts.context_of(|name| template.reads_context(name)),
        false => Context::default(),
    };
    let scope = Scope {
        body: payload,
        params: Params {
            path: &path,
            querystring: &query,
            header: &header,
        },
        context: &context,
        stage_variables: &facts.stage.variables,
        overrides,
        limits: &facts.stage.limits.template,
    };
    let mut out = String::with_capacity(template.source().len() + payload.len() / 2);
    let left = match facts.trace() {
        None => template.render(&scope, &mut out),
        Some(trace) => {
            let mut steps = TemplateSteps::new(template.source());
            let left = template.render_traced(&scope, &mut out, &mut steps);
            let told = left.as_ref().map(|left| (out.as_str(), left));
            trace.record(tracing::rendered(side, told, steps.into_steps()));
            left
        }
    };
    match left {
        Ok(left) => Ok((out, left)),
        Err(error) => Err(render_error(error, side)),
    }
}

// Resolved: row 7 of the rules on broken JSON — 400 in a request, 500 in a response.
fn render_error(error: RenderError, side: Side) -> Error {
    let kind = match (error.kind(), side) {
        (RenderErrorKind::Payload, Side::Request) => ErrorKind::BrokenPayload,
        _ => ErrorKind::Template,
    };
    Error::new(kind, error.to_string()).with_source(error)
}
