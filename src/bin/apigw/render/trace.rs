//! The trace of a rendering, on standard error.

use std::io::{self, BufWriter, Write};

use tower_apigw::lint;
use tower_apigw::trace::TemplateStep;

/// Writes one line a step, with what was probably meant where a reference has no value.
pub(super) fn tell(name: &str, steps: &[TemplateStep]) {
    let mut out = BufWriter::new(io::stderr().lock());
    for TemplateStep { line, column, what } in steps {
        let meant = what.strip_prefix("no value: ").and_then(lint::meant);
        let meant = meant.map(|meant| format!(" (did you mean `{meant}`?)"));
        // Who closes standard error does not want the trace.
        let _ = writeln!(
            out,
            "{name}:{line}:{column}: {what}{}",
            meant.unwrap_or_default()
        );
    }
    let _ = out.flush();
}
