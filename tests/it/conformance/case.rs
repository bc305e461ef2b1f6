//! Cases as files: reading them, filling in the backend, their bodies and headers.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use serde_json::Value;

use crate::support::Lines;

/// One case.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    value: Value,
}

impl Case {
    /// The cases of a folder, by name.
    pub(super) fn of_topic(folder: &Path, topic: &str) -> Vec<Self> {
        let entries =
            fs::read_dir(folder.join(topic)).unwrap_or_else(|error| panic!("{topic}: {error}"));
        let mut cases = Vec::new();
        for entry in entries {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|it| it == "json") {
                let text = fs::read_to_string(&path).unwrap();
                let value: Value = serde_json::from_str(&text)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let name = format!("{topic}/{}", path.file_stem().unwrap().to_string_lossy());
                assert_eq!(
                    value["name"],
                    name.as_str(),
                    "the file {} holds another case",
                    path.display()
                );
                cases.push(Self { name, value });
            }
        }
        cases.sort_by(|left, right| left.name.cmp(&right.name));
        cases
    }

    /// The case with the address of the backend filled in.
    pub(super) fn against(&self, port: u16) -> Played {
        Played(fill_in(self.value.clone(), port), port)
    }
}

/// A case, ready to be played.
#[derive(Debug)]
pub(super) struct Played(Value, u16);

impl Played {
    /// Where the backend is, which plays the services of AWS too.
    pub(super) fn backend(&self) -> String {
        format!("http://127.0.0.1:{}", self.1)
    }

    pub(super) fn document(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0["api"]).unwrap()
    }

    pub(super) fn stage(&self) -> (&str, Vec<(&str, &str)>) {
        let stage = &self.0["stage"];
        let variables = stage["variables"].as_object().into_iter().flatten();
        let variables = variables
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        (stage["name"].as_str().unwrap_or("dev"), variables)
    }

    pub(super) fn steps(&self) -> &[Value] {
        self.0["steps"].as_array().expect("a case has steps")
    }
}

fn fill_in(value: Value, port: u16) -> Value {
    match value {
        Value::String(text) => {
            let host = format!("127.0.0.1:{port}");
            let url = format!("http://{host}");
            Value::from(
                text.replace("{{backend}}", &url)
                    .replace("{{backend_host}}", &host),
            )
        }
        Value::Array(items) => items.into_iter().map(|item| fill_in(item, port)).collect(),
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(key, item)| (key, fill_in(item, port)))
                .collect(),
        ),
        other => other,
    }
}

/// `body` or `body_base64`.
pub(super) fn body_of(message: &Value) -> Option<Vec<u8>> {
    if let Some(text) = message["body_base64"].as_str() {
        return Some(decode_base64(text));
    }
    message["body"]
        .as_str()
        .map(|text| text.as_bytes().to_vec())
}

pub(super) fn decode_base64(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("the case holds base64")
}

/// `headers`: pairs, as they are to be sent.
pub(super) fn header_lines(message: &Value) -> Lines {
    let pair = |pair: &Value| {
        let text = |index: usize| {
            pair[index]
                .as_str()
                .expect("a header is a pair of texts")
                .to_owned()
        };
        (text(0), text(1))
    };
    message["headers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(pair)
        .collect()
}
