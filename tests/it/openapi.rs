//! OpenAPI documents: a corpus with the expected findings, real documents, and broken ones.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use tower_apigw::diagnostic::Diagnostic;
use tower_apigw::openapi::{Import, Router};

fn documents(folder: &Path) -> Vec<PathBuf> {
    let mut documents: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    documents.retain(|path| {
        path.extension()
            .is_some_and(|it| it == "json" || it == "yaml")
    });
    documents.sort();
    documents
}

fn corpus() -> Vec<PathBuf> {
    documents(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi"))
}

/// What a reader of the document should learn: the methods read, then the findings.
fn outcome(bytes: &[u8], name: &str) -> String {
    let import = match Import::from_slice(bytes) {
        Ok(import) => import,
        Err(error) => return format!("no document\n\n{name}:{}\n", error.finding()),
    };
    let document = import.document();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}: {:?} {:?}",
        document.format, document.title, document.version
    );
    if !document.binary_media_types.is_empty() {
        let _ = writeln!(out, "binary {:?}", document.binary_media_types);
    }
    if let Some(size) = document.minimum_compression_size {
        let _ = writeln!(out, "compressed from {size} bytes");
    }
    let _ = writeln!(out, "key from {:?}", document.api_key_source);
    for (name, validator) in &document.request_validators {
        let _ = writeln!(out, "validator {name}: {validator:?}");
    }
    for (kind, response) in &document.gateway_responses {
        let _ = writeln!(
            out,
            "gateway response {kind}: {}",
            serde_json::to_string(response).unwrap()
        );
    }
    for operation in &document.operations {
        let method = &operation.method;
        let _ = writeln!(out, "\n{} {}", method.http_method, method.resource);
        if operation.broken {
            let _ = writeln!(out, "  broken");
        }
        if let Some(name) = &method.operation_name {
            let _ = writeln!(out, "  operation {name}");
        }
        for parameter in &method.parameters {
            let _ = writeln!(
                out,
                "  {:?} {}{}",
                parameter.location,
                parameter.name,
                if parameter.required { ", required" } else { "" }
            );
        }
        if let Some(statuses) = &method.responses {
            match (statuses.first(), statuses.len()) {
                (Some(first), 20..) => {
                    let _ = writeln!(out, "  {} statuses from {first}", statuses.len());
                }
                _ => {
                    let _ = writeln!(out, "  statuses {statuses:?}");
                }
            }
        }
        for (media_type, schema) in &method.request_models {
            let _ = writeln!(out, "  model {media_type} {}", schema.pointer());
        }
        if let Some(validator) = &method.request_validator {
            let _ = writeln!(out, "  validator {validator}");
        }
        if method.api_key_required {
            let _ = writeln!(out, "  needs a key");
        }
        if let Some(integration) = &operation.integration {
            let _ = writeln!(out, "  {}", serde_json::to_string(integration).unwrap());
        }
        let _ = writeln!(out, "  at {}", operation.pointer);
    }
    let _ = writeln!(out, "\n{} findings", import.findings().len());
    for finding in import.findings() {
        let _ = write!(out, "\n{name}:{finding}\n");
    }
    out
}

#[test]
fn corpus_has_the_findings_written_beside_it() {
    let corpus = corpus();
    assert!(corpus.len() >= 10, "the corpus is missing");
    let mut wrong = Vec::new();
    for path in corpus {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let found = outcome(&fs::read(&path).unwrap(), &name);
        let beside = path.with_file_name(format!("{name}.expected.txt"));
        if env::var_os("UPDATE").is_some() {
            fs::write(beside, found).unwrap();
        } else if fs::read_to_string(beside).unwrap_or_default() != found {
            wrong.push(format!("--- {name}\n{found}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "UPDATE=1 rewrites what is expected\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_prefix_of_a_document_is_read_or_refused() {
    for path in corpus() {
        let bytes = fs::read(&path).unwrap();
        // The slow half of the work is in long documents.
        let step = 1 + bytes.len() / 2_000;
        for end in (0..bytes.len()).step_by(step) {
            let prefix = &bytes[..end];
            let text = String::from_utf8_lossy(prefix);
            match Import::from_slice(prefix) {
                Ok(import) => import
                    .findings()
                    .iter()
                    .for_each(|it| assert_placed(it, &text)),
                Err(error) => assert_placed(error.finding(), &text),
            }
        }
    }
}

fn assert_placed(finding: &Diagnostic, text: &str) {
    let Some(position) = finding.position else {
        assert_eq!(finding.code, "too-many-findings");
        return;
    };
    let line = text
        .split('\n')
        .nth(position.line - 1)
        .unwrap_or_else(|| panic!("{finding}\n{text}"));
    assert!(position.column <= line.chars().count() + 1, "{finding}");
}

#[test]
fn the_same_document_in_json_and_yaml_is_the_same() {
    for path in corpus() {
        let bytes = fs::read(&path).unwrap();
        let (Ok(import), Ok(value)) = (Import::from_slice(&bytes), serde_json::from_slice(&bytes))
        else {
            continue;
        };
        let yaml = block_yaml(&value, 0);
        let again =
            Import::from_slice(yaml.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        let shape = |import: &Import| format!("{:?}", import.document().operations);
        assert_eq!(shape(&import), shape(&again), "{}", path.display());
        let told = |import: &Import| {
            let mut told: Vec<String> = import
                .findings()
                .iter()
                .filter(|finding| finding.code != "duplicate-key")
                .map(|finding| format!("{} {} {}", finding.code, finding.pointer, finding.message))
                .collect();
            told.sort();
            told
        };
        assert_eq!(told(&import), told(&again), "{}", path.display());
    }
}

/// Block YAML with every text in quotes.
fn block_yaml(value: &serde_json::Value, depth: usize) -> String {
    use serde_json::Value;
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().fold("\n".to_owned(), |out, (key, value)| {
                format!(
                    "{out}{indent}{}: {}\n",
                    Value::from(key.as_str()),
                    block_yaml(value, depth + 1)
                )
            })
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().fold("\n".to_owned(), |out, value| {
                format!("{out}{indent}- {}\n", block_yaml(value, depth + 1))
            })
        }
        other => other.to_string(),
    }
}

#[test]
fn findings_of_later_steps_are_placed() {
    let text = "openapi: 3.0.1\npaths:\n  /a:\n    get:\n      x-amazon-apigateway-integration:\n        \
                type: mock\n        uri: broken\n        requestTemplates: {application/json: x}\n";
    let import = Import::from_slice(text.as_bytes()).unwrap();
    let operation = &import.document().operations[0];
    let place = |pointer: &str| {
        let mut finding = Diagnostic::error("x", pointer, "").under(&operation.pointer);
        import.locate(&mut finding);
        finding.position.unwrap().to_string()
    };
    assert_eq!(place("/uri"), "7:14");
    assert_eq!(place("/requestTemplates/application~1json"), "8:46");
    assert_eq!(place("/responses/default"), "5:7");
    assert_eq!(place(""), "5:7");
}

#[test]
fn bombs_and_abysses_are_refused() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, of) in "bcdefghijk".chars().zip("abcdefghij".chars()) {
        let _ = writeln!(
            bomb,
            "{name}: &{name} [*{of}, *{of}, *{of}, *{of}, *{of}, *{of}, *{of}, *{of}]"
        );
    }
    let flow = format!("openapi: {}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let block = (0..3_000).fold("openapi: 3.0.1\n".to_owned(), |text, depth| {
        format!("{text}{:depth$}a:\n", "")
    });
    let json = format!(
        "{{\"openapi\": {}1{}}}",
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let large = format!("openapi: 3.0.1 #{}", "x".repeat(7 << 20));
    for (text, message) in [
        (bomb, "not valid YAML"),
        (flow, "not valid YAML"),
        (block, "not valid YAML"),
        (json, "not valid JSON"),
        (large, "more than"),
    ] {
        let error = Import::from_slice(text.as_bytes()).unwrap_err();
        assert!(error.finding().message.contains(message), "{error}");
    }
    assert!(
        Import::from_slice(b"openapi: 3.0.1\ninfo: {title: \xff}")
            .unwrap_err()
            .finding()
            .code
            == "encoding"
    );
}

#[test]
fn references_to_one_large_value_come_to_an_end() {
    let large = "x".repeat(1 << 20);
    let mut refs = format!(
        "openapi: 3.0.1\ncomponents:\n  x-amazon-apigateway-integrations:\n    a: {{type: mock, \
         requestTemplates: {{application/json: {large}}}}}\npaths:\n"
    );
    let mut aliases = format!("openapi: 3.0.1\nx-a: &a {large}\npaths:\n");
    for path in 0..5_000 {
        let target = "#/components/x-amazon-apigateway-integrations/a";
        let _ = writeln!(
            refs,
            "  /{path}: {{get: {{x-amazon-apigateway-integration: {{$ref: '{target}'}}}}}}"
        );
        let _ = writeln!(
            aliases,
            "  /{path}: {{get: {{x-amazon-apigateway-integration: {{type: mock, uri: *a}}}}}}"
        );
    }
    let import = Import::from_slice(refs.as_bytes()).unwrap();
    assert!(
        import
            .findings()
            .iter()
            .any(|finding| finding.message == "too much refers to this value")
    );
    let error = Import::from_slice(aliases.as_bytes()).unwrap_err();
    assert!(
        error.finding().message.contains("more than 1000000 values"),
        "{error}"
    );
}

#[test]
fn depth_just_below_the_limit_is_read() {
    let nested = |depth: usize| {
        format!(
            "openapi: 3.0.1\npaths: {{}}\ncomponents: {}1{}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    assert!(Import::from_slice(nested(127).as_bytes()).is_ok());
    assert!(Import::from_slice(nested(128).as_bytes()).is_err());
}

#[test]
fn real_documents_are_read_without_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/wild/openapi");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return;
    };
    let (mut refused, mut read, mut operations, mut integrations, mut broken) = (0, 0, 0, 0, 0);
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match Import::from_slice(&bytes) {
            Err(error) => {
                refused += 1;
                if env::var_os("LIST").is_some() {
                    println!("{}: {error}", path.display());
                }
                assert_placed(error.finding(), &text);
                *refusals.entry(error.finding().code.to_owned()).or_default() += 1;
            }
            Ok(import) => {
                read += 1;
                let mut router = Router::new();
                for operation in &import.document().operations {
                    operations += 1;
                    integrations += usize::from(operation.integration.is_some());
                    broken += usize::from(operation.broken);
                    let method = &operation.method;
                    let routed = router.insert(&method.http_method, &method.resource, ());
                    assert!(routed.is_ok() || operation.broken, "{}", path.display());
                }
                for finding in import.findings() {
                    assert_placed(finding, &text);
                    if env::var_os("LIST").is_some() {
                        println!("{}:{finding}", path.display());
                    }
                    *codes
                        .entry(format!("{}[{}]", finding.severity, finding.code))
                        .or_default() += 1;
                }
            }
        }
    }
    println!("{read} read, {refused} refused {refusals:?}");
    println!("{operations} operations, {integrations} integrations, {broken} broken");
    println!("{codes:#?}");
}

#[test]
fn routes_of_the_conformance_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/cases");
    let Ok(topics) = fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return;
    };
    let mut requests = 0;
    for path in topics.flat_map(|topic| documents(&topic.unwrap().path())) {
        let case: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let import = Import::from_slice(case["api"].to_string().as_bytes()).unwrap();
        assert!(
            !import.has_errors(),
            "{}: {:#?}",
            path.display(),
            import.findings()
        );
        let mut router = Router::new();
        for operation in &import.document().operations {
            router
                .insert(
                    &operation.method.http_method,
                    &operation.method.resource,
                    operation,
                )
                .unwrap();
        }
        let routing = case["topic"] == "routing";
        for step in case["steps"].as_array().unwrap() {
            let method = step["request"]["method"].as_str().unwrap().parse().unwrap();
            let path = step["request"]["path"].as_str().unwrap();
            let found = router.find(&method, path.split('?').next().unwrap());
            let status = &step["expect"]["status"];
            if routing && found.is_none() {
                assert_eq!(status, 403, "{path}");
            }
            if let (true, Some(from)) = (routing, step["expect"]["body_json"]["from"].as_str()) {
                let template = &found.unwrap().integration.as_ref().unwrap().responses[0]
                    .response_templates[0];
                assert_eq!(
                    template.source,
                    format!("{{\"from\": \"{from}\"}}"),
                    "{path}"
                );
            }
            requests += 1;
        }
    }
    println!("{requests} requests routed");
}
