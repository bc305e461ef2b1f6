//! `apigw render`: one template, or many cases.

mod cases;
mod context;
mod source;
mod trace;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tower_apigw::diagnostic::{Diagnostic, Position};
use tower_apigw::template::{
    self, Context, Engine, Limits, Overrides, Params, RenderErrorKind, Scope, Tera, Vtl,
};
use tower_apigw::trace::TemplateSteps;

use self::source::Source;
use crate::exit::Failure;
use crate::input;
use crate::pairs::{Lines, pairs};
use crate::report::Report;

/// Render a mapping template
///
/// The output goes to standard output as it is; the overrides the template left, as one line of JSON, and
/// the trace go to standard error. Exit codes: 0 rendered, 1 the template does not compile or render, or
/// something cannot be read, 2 usage.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Render {
    /// The template; `-` is standard input
    #[arg(value_name = "TEMPLATE", required_unless_present = "cases")]
    template: Option<PathBuf>,

    /// Instead of a template: cases, one JSON object a line, answered by one line each; `-` is standard input
    ///
    /// A case has `template`, and if wanted `name`, `body` (a text), `params` (objects `path`, `querystring`,
    /// `header`), `context`, `stageVariables`, `contentType`. The answer is `{"name", "output"}`, with `overrides`
    /// if there are any, or `{"name", "error", "kind"}` with the kind `parse` or `runtime`. A case sees nothing but
    /// what it brings: --context and --stage-variable are for templates.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["template", "body", "headers", "query", "path", "trace", "content_type"]
    )]
    cases: Option<PathBuf>,

    /// The language of the template
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        env = "APIGW_ENGINE",
        default_value = "vtl"
    )]
    engine: EngineChoice,

    /// The payload; `-` is standard input; without it the payload is empty, which reads as {}
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,

    /// A header, with its name as given; may be given several times
    #[arg(long = "header", value_name = "K=V")]
    headers: Vec<Lines>,

    /// A query parameter; may be given several times
    #[arg(long, value_name = "K=V")]
    query: Vec<Lines>,

    /// A path parameter; may be given several times
    #[arg(long, value_name = "K=V")]
    path: Vec<Lines>,

    /// A JSON object that is laid over the $context of an invented request; `-` is standard input
    #[arg(long, value_name = "FILE", env = "APIGW_CONTEXT")]
    context: Option<PathBuf>,

    /// A stage variable; may be given several times [in the environment: one `K=V` a line]
    #[arg(
        long = "stage-variable",
        value_name = "K=V",
        env = "APIGW_STAGE_VARIABLE",
        hide_env_values = true
    )]
    stage_variables: Vec<Lines>,

    /// The media type of the output; Tera escapes by it
    #[arg(long, value_name = "TYPE", default_value = "application/json")]
    content_type: String,

    /// Tell every #set, every reference without a value and every branch, with its place (VTL only)
    #[arg(long)]
    trace: bool,
}

const EXAMPLES: &str = "Examples:
  apigw render order.vtl --body order.json --query page=2 --header X-Tenant=acme
  apigw render order.vtl --body order.json --trace >/dev/null
  echo '$context.identity.sourceIp' | apigw render - --context context.json
  apigw render --cases cases.jsonl";

/// A template language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineChoice {
    /// Velocity, as API Gateway runs it
    Vtl,
    /// Tera 2, an extension of this gateway
    Tera,
}

impl EngineChoice {
    fn engine(self) -> Box<dyn Engine> {
        match self {
            Self::Vtl => Box::new(Vtl::default()),
            Self::Tera => Box::new(Tera::default()),
        }
    }
}

impl Render {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match (&self.cases, &self.template) {
            (Some(cases), _) => cases::answer(&*self.engine.engine(), cases),
            (None, Some(template)) => self.render(template),
            (None, None) => Err(Failure::usage("there is no template to render")),
        }
    }

    fn render(&self, path: &Path) -> Result<(), Failure> {
        if self.trace && self.engine != EngineChoice::Vtl {
            return Err(Failure::usage("--trace follows templates in VTL only"));
        }
        let files = [
            ("the template", Some(path)),
            ("--body", self.body.as_deref()),
            ("--context", self.context.as_deref()),
        ];
        let stdin: Vec<_> = files
            .into_iter()
            .filter(|(_, file)| *file == Some(Path::new("-")))
            .map(|(name, _)| name)
            .collect();
        if let [first, second, ..] = stdin.as_slice() {
            return Err(Failure::usage(format!(
                "{first} and {second} cannot both be standard input"
            ))
            .help("give one of them as a file"));
        }
        let path_parameters = owned(pairs(&self.path, "a path parameter", "--path")?);
        let query = owned(pairs(&self.query, "a query parameter", "--query")?);
        let headers = owned(pairs(&self.headers, "a header", "--header")?);
        let variables = pairs(
            &self.stage_variables,
            "a stage variable",
            "--stage-variable",
        )?;
        let variables: Vec<_> = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let template = Source::read(path, "template")?;
        let body = match &self.body {
            Some(path) => input::bytes(path, "payload")?,
            None => Vec::new(),
        };
        let context = Context {
            extra: context::context(self.context.as_deref())?,
            ..Context::default()
        };
        let scope = Scope {
            body: &body,
            params: Params {
                path: &path_parameters,
                querystring: &query,
                header: &headers,
            },
            context: &context,
            stage_variables: &variables,
            overrides: &Overrides::default(),
            limits: &Limits::default(),
        };
        let (output, overrides) = self.rendered(&template, &scope)?;
        print(&output, &overrides)
    }

    fn rendered(&self, source: &Source, scope: &Scope<'_>) -> Result<(String, Overrides), Failure> {
        let engine = self.engine.engine();
        let template = engine
            .compile(source.text(), &self.content_type)
            .map_err(|error| {
                tell(
                    source,
                    "template",
                    error.message(),
                    error.position(),
                    (error.width() > 1).then_some(error.width()),
                    error.hint(),
                )
            })?;
        let mut output = String::new();
        let result = if self.trace {
            let mut steps = TemplateSteps::new(source.text());
            let result = template.render_traced(scope, &mut output, &mut steps);
            trace::tell(source.name(), &steps.into_steps());
            result
        } else {
            template.render(scope, &mut output)
        };
        match result {
            Ok(overrides) => Ok((output, overrides)),
            Err(error) => {
                let (code, help) = match error.kind() {
                    RenderErrorKind::Limit => ("limit", None),
                    RenderErrorKind::Payload => (
                        "payload",
                        Some(
                            "the payload begins like JSON and is not; $input.body gives it unread",
                        ),
                    ),
                    _ => ("render", None),
                };
                let help = error.hint().or(help);
                let part = error.span().and_then(|span| source.text().get(span));
                let width =
                    part.map(|part| part.lines().next().map_or(0, |line| line.chars().count()));
                Err(tell(
                    source,
                    code,
                    error.message(),
                    error.position(),
                    width,
                    help,
                ))
            }
        }
    }
}

fn owned<'a>(pairs: Vec<(&'a str, &'a str)>) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    pairs
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// Shows what is wrong with the template.
fn tell(
    source: &Source,
    code: &'static str,
    message: &str,
    position: Option<template::Position>,
    width: Option<usize>,
    help: Option<&str>,
) -> Failure {
    let mut finding = Diagnostic::error(code, "", message);
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    finding.position = position.map(|at| Position {
        line: number(at.line),
        column: number(at.column),
    });
    if let Some(help) = help {
        finding = finding.help(help);
    }
    let report = Report::new(source.name(), source.text(), &io::stderr());
    eprint!("{}", report.show_part(&finding, width));
    Failure::told()
}

fn print(output: &str, overrides: &Overrides) -> Result<(), Failure> {
    written(
        io::stdout()
            .write_all(output.as_bytes())
            .and_then(|()| io::stdout().flush()),
    )?;
    if overrides.is_empty() {
        return Ok(());
    }
    // On a terminal the overrides would stand behind the last line of the output.
    let joined = io::stdout().is_terminal() && io::stderr().is_terminal();
    if joined && !output.is_empty() && !output.ends_with('\n') {
        eprintln!();
    }
    eprintln!("{}", overrides.to_json());
    Ok(())
}

/// Whoever reads the output may stop whenever it likes.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::document(format!(
            "cannot write the output: {error}"
        ))),
        _ => Ok(()),
    }
}
