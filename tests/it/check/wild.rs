//! Documents that people wrote, with plausible values for what their deployments fill in.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use regex::{Captures, Regex};
use serde_json::Value;
use tower_apigw::lint::{self, Rule};
use tower_apigw::mapping::Stage;
use tower_apigw::openapi::Import;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
const ROLE: &str = "arn:aws:iam::123456789012:role/api";

/// The text of a document with what CloudFormation or Terraform would put into it.
fn filled(text: &str) -> String {
    let uri = format!(
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
    );
    let rule = |pattern: &str| Regex::new(pattern).unwrap();
    // Functions in their long and their short form become the texts in them.
    let text = rule(r"(?m):[ \t]*\n[ \t]*Fn::Sub:[ \t]*(\S)").replace_all(text, ": $1");
    let text = rule(r"(?m)^(\s*uri:\s*)!(?:Ref|GetAtt)[ \t]+\S+")
        .replace_all(&text, format!("${{1}}{uri}"));
    let text = rule(r#":\s*\{\s*"?(?:Fn::Sub|Ref)"?\s*:\s*("[^"\n]*"|'[^'\n]*'|[^{}\n\[]*?)\s*\}"#)
        .replace_all(&text, ": $1");
    let text = rule(r#"\{\s*"Fn::GetAtt"\s*:\s*\[[^\]]*\]\s*\}"#)
        .replace_all(&text, format!("\"{ROLE}\""));
    let text = rule(r"!GetAtt[ \t]+\S+").replace_all(&text, ROLE);
    let text = rule(r#"!Ref[ \t]+"?[\w:]+"?"#).replace_all(&text, "ref");
    let text = rule(r"!Sub[ \t]+([^\s\[{])").replace_all(&text, "$1");
    // A placeholder that is all of a value.
    let text = rule(
        r#"(?m)^(\s*"?(uri|credentials)"?\s*:\s*)["']?(\$\{[^}\n]*\}|\{[\w-]+\})["']?(\s*,?\s*)$"#,
    )
    .replace_all(&text, |found: &Captures<'_>| match &found[2] {
        _ if found[3].contains("stageVariables") => found[0].to_owned(),
        "uri" => format!("{}\"{uri}\"{}", &found[1], &found[4]),
        _ => format!("{}\"{ROLE}\"{}", &found[1], &found[4]),
    });
    // Terraform escapes what is not its own.
    let text = text.replace("$${", "${");
    let text = rule(r"\$\{!?([\w.:\[\]-]+)\}").replace_all(&text, |found: &Captures<'_>| {
        let name = &found[1];
        let lower = name.to_lowercase();
        let of_deployment = name.contains("::")
            || name.contains('_')
            || name.starts_with(|c: char| c.is_ascii_uppercase())
            || name.starts_with("var.");
        match name {
            _ if name.starts_with("stageVariables") => found[0].to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            _ if lower.ends_with("region") => "us-east-1".to_owned(),
            _ if lower.contains("account") => "123456789012".to_owned(),
            _ if lower.ends_with("arn") => FUNCTION.to_owned(),
            _ if of_deployment => "value".to_owned(),
            // A reference of a template.
            _ => found[0].to_owned(),
        }
    });
    text.into_owned()
}

/// The documents anywhere in a CloudFormation template in JSON.
fn nested(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(members)
            if members.contains_key("swagger") || members.contains_key("openapi") =>
        {
            out.push(format!("{value:#}"));
        }
        Value::Object(members) => members.values().for_each(|value| nested(value, out)),
        Value::Array(items) => items.iter().for_each(|value| nested(value, out)),
        _ => {}
    }
}

/// The documents in the bodies of a CloudFormation template.
fn bodies(text: &str) -> Vec<String> {
    if let Ok(value) = serde_json::from_str(text) {
        let mut out = Vec::new();
        nested(&value, &mut out);
        return out;
    }
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut bodies = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if !matches!(line.trim(), "DefinitionBody:" | "Body:") {
            continue;
        }
        let mut block = Vec::new();
        while let Some(next) =
            lines.next_if(|next| next.trim().is_empty() || indent(next) > indent(line))
        {
            block.push(next);
        }
        let Some(first) = block.iter().find(|line| !line.trim().is_empty()) else {
            continue;
        };
        let depth = indent(first);
        let body: Vec<&str> = block
            .iter()
            .map(|line| line.get(depth..).unwrap_or_default())
            .collect();
        if body.iter().any(|line| {
            line.trim_start_matches(['\'', '"']).starts_with("swagger")
                || line.trim_start_matches(['\'', '"']).starts_with("openapi")
        }) {
            bodies.push(body.join("\n"));
        }
    }
    bodies
}

fn is_template(text: &str) -> bool {
    text.contains("\nResources:")
        || serde_json::from_str::<Value>(text).is_ok_and(|value| value.get("Resources").is_some())
}

#[test]
fn real_documents_are_checked() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/wild/openapi");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return;
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (mut loaded, mut within, mut refused) = (0, 0, Vec::new());
    let mut codes: BTreeMap<(String, &str), usize> = BTreeMap::new();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let documents = if name.starts_with("oas") && !is_template(&text) {
            vec![text]
        } else {
            bodies(&text)
        };
        let whole = name.starts_with("oas");
        for document in documents {
            let import = match Import::from_slice(filled(&document).as_bytes()) {
                Ok(import) => import,
                Err(error) => {
                    refused.push(format!("{name}: {error}"));
                    continue;
                }
            };
            if whole {
                loaded += 1;
            } else {
                within += 1;
            }
            for finding in lint::check(&import, &Stage::new("prod")) {
                let rule = Rule::find(finding.code).unwrap_or_else(|| panic!("{finding}"));
                *codes
                    .entry((finding.severity.to_string(), rule.code))
                    .or_default() += 1;
                if std::env::var_os("LIST").is_some() {
                    println!("{name}:{finding}");
                }
            }
        }
    }
    println!("{loaded} documents and {within} bodies of templates checked");
    println!("{codes:#?}");
    // One has a comma too many.
    assert!(refused.len() <= 1, "{refused:#?}");
    assert!(loaded >= 150 && within >= 50, "{loaded} and {within}");
    for (severity, code) in [
        ("warning", "json-escape"),
        ("warning", "pattern-newline"),
        ("warning", "proxy-ignored"),
        ("note", "buffered"),
    ] {
        let count = codes.get(&(severity.to_owned(), code));
        assert!(count.is_some_and(|count| *count > 10), "{code}: {count:?}");
    }
}
