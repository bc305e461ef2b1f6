//! The table of an API's routes.

use std::fmt::Write as _;

use tower_apigw::integration::IntegrationType;
use tower_apigw::openapi::{Api, Route};

const TITLES: [&str; 5] = ["METHOD", "PATH", "TYPE", "TARGET", "NOTES"];

/// One line a route: what answers it, or why nothing does.
pub(crate) fn table(api: &Api) -> String {
    let mut rows = vec![TITLES.map(str::to_owned)];
    rows.extend(api.routes().iter().map(row));
    let mut widths = [0; TITLES.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut table = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

fn row(route: &Route) -> [String; TITLES.len()] {
    let plan = route.plan();
    let (kind, target, notes) = match plan.failure() {
        Some(reason) => {
            // A plan without an integration has no type of its own.
            let kind = if plan.kind() == IntegrationType::Mock {
                "-"
            } else {
                plan.kind().as_str()
            };
            (
                kind,
                route.uri().unwrap_or("-"),
                format!("not served: {reason}"),
            )
        }
        None => (
            plan.kind().as_str(),
            route.uri().unwrap_or("-"),
            notes(route).to_owned(),
        ),
    };
    [
        route.http_method().to_owned(),
        route.resource().to_owned(),
        kind.to_owned(),
        target.to_owned(),
        notes,
    ]
}

fn notes(route: &Route) -> &'static str {
    let plan = route.plan();
    match plan.kind() {
        IntegrationType::Mock => "",
        IntegrationType::HttpProxy | IntegrationType::AwsProxy if !plan.collects_request_body() => {
            "streams"
        }
        IntegrationType::Http
        | IntegrationType::HttpProxy
        | IntegrationType::Aws
        | IntegrationType::AwsProxy => {
            if plan.collects_request_body() {
                "buffers the request"
            } else {
                "streams the request"
            }
        }
    }
}
