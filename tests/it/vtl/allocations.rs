//! How often rendering a template of the bench allocates: `benches/vtl/allocations.txt`, which `UPDATE=1` rewrites.

#[path = "../../../benches/vtl/request.rs"]
mod request;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use tower_apigw::template::{Engine, Limits, Overrides, Vtl};

use self::request::{NAMES, Request, read};

#[test]
fn renderings_allocate_as_often_as_is_stated() {
    let request = Request::of(&serde_json::from_str(&read("request.json")).unwrap());
    let (overrides, limits) = (Overrides::default(), Limits::default());
    let mut counted = String::new();
    for name in NAMES {
        let (source, body) = (read(&format!("{name}.vtl")), read(&format!("{name}.body")));
        let scope = request.scope(body.as_bytes(), &overrides, &limits);
        let template = Vtl::default().compile(&source, "application/json").unwrap();
        let mut out = String::new();
        // What is kept for the next rendering is there after the first.
        template.render(&scope, &mut out).unwrap();
        assert_eq!(out, read(&format!("{name}.expected")));
        let render = || {
            out.clear();
            template.render(&scope, &mut out).unwrap();
        };
        let count = allocation_counter::measure(render).count_total;
        writeln!(counted, "{name:<26}{count:>4}").unwrap();
    }
    if env::var_os("UPDATE").is_some() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/vtl");
        fs::write(folder.join("allocations.txt"), counted).unwrap();
        return;
    }
    assert_eq!(counted, read("allocations.txt"));
}
