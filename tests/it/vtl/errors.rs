//! What people are told about templates that do not parse or render: `tests/vtl/errors/*.txt`.
//!
//! A file is a template, a line `=== body` with a payload if there is one, and a line `=== error` with what is told.
//! `UPDATE=1` rewrites the last part.

use std::env;
use std::fmt::Write as _;
use std::fs;

use tower_apigw::template::{
    Context, Engine, Limits, Overrides, Params, Position, RenderError, Scope, Vtl,
};
use tower_apigw::vtl::{Error, Template};

use super::{files, folder};

const ERROR: &str = "\n=== error\n";
const BODY: &str = "\n=== body\n";

/// The error of the language, with the line; and the engine must say the same about the same place.
fn language(error: &Error, source: &str, message: &str, position: Option<Position>) -> String {
    let (line, column) = error.span().position(source);
    let place = position.map(|at| (at.line as usize, at.column as usize));
    assert_eq!(place, Some((line, column)), "{source}");
    assert_eq!(message, error.message(), "{source}");
    let Ok(cut) = source
        .get(error.span().start as usize..error.span().end as usize)
        .ok_or(())
    else {
        panic!("the span is not in the template: {source}");
    };
    let mut told = format!("{:?}: {}", error.kind(), error.render(source));
    let _ = writeln!(told, "span: {cut:?}");
    told
}

fn engine(error: &RenderError, source: &str) -> String {
    let cut = error.span().and_then(|span| source.get(span));
    format!(
        "{:?}: {}\nspan: {cut:?}\n",
        error.kind(),
        error.render(source)
    )
}

fn told(source: &str, body: &str) -> String {
    let template = match (Template::parse(source), Vtl::default().compile(source, "")) {
        (Err(error), Err(refused)) => {
            assert_eq!(error.hint(), refused.hint());
            return language(&error, source, refused.message(), refused.position());
        }
        (Ok(_), Ok(template)) => template,
        (language, engine) => panic!("{language:?} but {engine:?}"),
    };
    let scope = Scope {
        body: body.as_bytes(),
        params: Params::default(),
        context: &Context::default(),
        stage_variables: &[],
        overrides: &Overrides::default(),
        limits: &Limits::default(),
    };
    let mut out = String::new();
    let Err(failed) = template.render(&scope, &mut out) else {
        return format!("no error: {out}\n");
    };
    let mut out = String::new();
    let alone = Template::parse(source)
        .unwrap()
        .render(&[], &Limits::default(), &mut out);
    match alone {
        Err(error) => {
            let span = error.span().start as usize..error.span().end as usize;
            assert_eq!(failed.span(), Some(span), "{source}");
            language(&error, source, failed.message(), failed.position())
        }
        // What fails is the host's.
        Ok(()) => engine(&failed, source),
    }
}

#[test]
fn errors_say_where_and_what() {
    let files = files(&folder().join("errors"), "txt");
    assert!(files.len() >= 40, "only {} files", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let (given, wanted) = text.split_once(ERROR).unwrap();
        let (source, body) = given.split_once(BODY).unwrap_or((given, ""));
        let told = told(source, body);
        if env::var_os("UPDATE").is_some() {
            fs::write(&file, format!("{given}{ERROR}{told}")).unwrap();
        } else if told != wanted {
            wrong.push(format!("--- {}\n{told}", file.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "UPDATE=1 rewrites what is expected\n{}",
        wrong.join("\n")
    );
}
