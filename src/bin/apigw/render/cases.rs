//! Cases: one line in, one line out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::Path;

use tower_apigw::template::{Engine, Limits, render_case};

use super::written;
use crate::exit::Failure;
use crate::input;

/// The longest line.
const MOST: u64 = 64 << 20;

/// Answers every case of a file; `-` is standard input. A case that fails is answered like any other.
pub(super) fn answer(engine: &dyn Engine, path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return answer_all(engine, path, io::stdin().lock());
    }
    match File::open(path) {
        Ok(file) => answer_all(engine, path, BufReader::new(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::document(format!(
            "there is no file {}",
            path.display()
        ))
        .help("give the path of a file with one JSON object a line, or - for standard input")),
        Err(error) => Err(cannot_read(path, &error)),
    }
}

fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    let name = input::name(path);
    Failure::document(format!("cannot read the cases {name}: {error}"))
}

fn answer_all(engine: &dyn Engine, path: &Path, mut cases: impl BufRead) -> Result<(), Failure> {
    let limits = Limits::default();
    // Standard output passes each line on at once: a program may wait for it before it writes the next.
    let mut out = io::stdout().lock();
    let mut line = Vec::new();
    for number in 1_usize.. {
        line.clear();
        let read = (&mut cases).take(MOST).read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(cannot_read(path, &error)),
        }
        let name = input::name(path);
        if u64::try_from(line.len()).is_ok_and(|length| length == MOST) && !line.ends_with(b"\n") {
            return Err(Failure::document(format!(
                "{name}:{number}: the line is longer than {MOST} bytes"
            )));
        }
        let Ok(case) = std::str::from_utf8(&line) else {
            return Err(Failure::document(format!(
                "{name}:{number}: the line is not UTF-8"
            )));
        };
        if case.trim().is_empty() {
            continue;
        }
        let mut answer = render_case(engine, &limits, case);
        answer.push('\n');
        match out.write_all(answer.as_bytes()) {
            Ok(()) => {}
            stopped => return written(stopped),
        }
    }
    written(out.flush())
}
