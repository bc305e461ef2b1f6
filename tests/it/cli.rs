//! The program `apigw`, run as a user runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const MOCK: &str = r#"
openapi: 3.0.1
info: {title: hello, version: '1'}
paths:
  /hello/{name}:
    get:
      responses: {'200': {description: a greeting}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses:
          default:
            statusCode: '200'
            responseTemplates:
              application/json: '$input.params("name") $input.params("X-Who") $context.stage $stageVariables.how $context.apiId'
"#;

/// A part of the path has a mistake in a mapping.
const BROKEN: &str = r#"
openapi: 3.0.1
info: {title: broken, version: '1'}
paths:
  /sound:
    get:
      responses: {'200': {description: ok}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: '200'}}
  /broken:
    get:
      responses: {'200': {description: ok}}
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://127.0.0.1:1/
        requestParameters:
          integration.request.header.X: oops
        responses: {default: {statusCode: '200'}}
"#;

pub(crate) fn apigw() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apigw"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("APIGW_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end: the exit code, standard output, standard error.
pub(crate) fn run(arguments: &[&str]) -> (i32, String, String) {
    outcome(apigw().args(arguments).output().unwrap())
}

pub(crate) fn outcome(output: Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// A file that is there for the time of a test.
pub(crate) struct Document(PathBuf);

impl Document {
    pub(crate) fn new(extension: &str, content: impl AsRef<[u8]>) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("apigw-cli-{}-{number}.{extension}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A server that is killed at the latest when the test ends.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) stdout: BufReader<ChildStdout>,
    pub(crate) address: String,
}

impl Serving {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let line = line.trim_end();
        let address = line
            .strip_prefix("listening on http://")
            .or_else(|| line.strip_prefix("listening on https://"));
        let address = match address {
            Some(address) => address.to_owned(),
            None => panic!("{line:?} {:?}", outcome(child.wait_with_output().unwrap())),
        };
        Self {
            child,
            stdout,
            address,
        }
    }

    pub(crate) fn of(document: &Document, arguments: &[&str]) -> Self {
        let mut command = apigw();
        Self::start(
            command
                .args(["serve", document.path(), "--listen", "127.0.0.1:0"])
                .args(arguments),
        )
    }

    pub(crate) fn get(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([format!("-{name}"), id])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// The exit code, the rest of standard output, standard error.
    pub(crate) fn end(mut self) -> (i32, String, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let mut logs = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut logs)
            .unwrap();
        (self.child.wait().unwrap().code().unwrap(), rest, logs)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn help_names_every_option_and_its_variable() {
    let (code, help, _) = run(&["serve", "--help"]);
    assert_eq!(code, 0);
    for (option, variable) in [
        ("--listen", "APIGW_LISTEN"),
        ("--stage", "APIGW_STAGE"),
        ("--stage-variable", "APIGW_STAGE_VARIABLE"),
        ("--api-id", "APIGW_API_ID"),
        ("--account-id", "APIGW_ACCOUNT_ID"),
        ("--limits", "APIGW_LIMITS"),
        ("--on-error", "APIGW_ON_ERROR"),
        ("--role-arn", "APIGW_ROLE_ARN"),
        ("--role-session-name", "APIGW_ROLE_SESSION_NAME"),
        ("--external-id", "APIGW_EXTERNAL_ID"),
        ("--log-format", "APIGW_LOG_FORMAT"),
        ("--log", "APIGW_LOG"),
        ("--threads", "APIGW_THREADS"),
        ("--admin", "APIGW_ADMIN"),
        ("--access-log", "APIGW_ACCESS_LOG"),
        ("--access-log-format", "APIGW_ACCESS_LOG_FORMAT"),
    ] {
        let shown = |end: char| help.contains(&format!("[env: {variable}{end}"));
        assert!(
            help.contains(&format!("{option} <")) && (shown('=') || shown(']')),
            "{option}: {help}"
        );
    }
    for (flag, variable) in [
        ("--assume-roles", "APIGW_ASSUME_ROLES"),
        ("--watch", "APIGW_WATCH"),
        ("--trace-context", "APIGW_TRACE_CONTEXT"),
    ] {
        let shown = help.contains(flag) && help.contains(&format!("[env: {variable}="));
        assert!(shown, "{flag}: {help}");
    }
    assert_eq!(
        run(&["--version"]).1,
        concat!("apigw ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn usage_errors_exit_with_2() {
    let document = Document::new("yaml", MOCK);
    for arguments in [
        &[][..],
        &["serve"],
        &["boil"],
        &["serve", document.path(), "--listen", "8080"],
        &["serve", document.path(), "--listen", "127.0.0.1:99999"],
        &["serve", document.path(), "--limits", "some"],
        &["serve", document.path(), "--threads", "0"],
        &["serve", document.path(), "--log", "a=b=c"],
        &["serve", document.path(), "--stage-variable", "=secret"],
        &["serve", document.path(), "--stage-variable", "secret"],
    ] {
        let (code, output, error) = run(arguments);
        assert_eq!((code, output.as_str()), (2, ""), "{arguments:?}: {error}");
        assert!(!error.is_empty() && !error.contains("secret"), "{error}");
    }
}

#[test]
fn a_number_out_of_bounds_is_told_the_bounds() {
    let document = Document::new("yaml", MOCK);
    for (option, number, bounds) in [
        ("--max-connections", "0", "write a number above 0"),
        ("--max-concurrency", "0", "write a number from 1 to "),
        (
            "--max-concurrency",
            "18446744073709551615",
            "write a number from 1 to ",
        ),
    ] {
        let (code, _, error) = run(&["serve", document.path(), option, number]);
        assert_eq!(code, 2, "{error}");
        assert!(error.contains(bounds), "{option} {number}: {error}");
    }
}

#[test]
fn what_is_no_document_exits_with_1() {
    let cases = [
        (Document::new("yaml", ""), "is empty", ""),
        (
            Document::new("yaml", "info: {}\n"),
            "error[not-openapi]: ",
            ":1:1",
        ),
        (
            Document::new("yaml", b"openapi: 3.0.1\ntitle: \xff\n"),
            "error[encoding]: the document is not UTF-8",
            ":2:8",
        ),
        (
            Document::new("json", "{\"openapi\": \"3.0.1\",\n  oops}"),
            "error[syntax]: ",
            ":2:3",
        ),
    ];
    for (document, message, place) in &cases {
        let (code, output, error) = run(&["serve", document.path(), "--on-error", "run"]);
        assert_eq!((code, output.as_str()), (1, ""), "{error}");
        let place = format!("{}{place}", document.path());
        assert!(error.contains(&place) && error.contains(message), "{error}");
    }
    let (code, _, error) = run(&["serve", "no-such-file.yaml"]);
    assert_eq!(code, 1);
    assert!(
        error.starts_with("error: there is no file no-such-file.yaml\n"),
        "{error}"
    );
    assert_eq!(run(&["serve", "/"]).0, 1);
}

#[test]
fn errors_are_shown_with_their_place() {
    let document = Document::new("yaml", BROKEN);
    let (code, output, error) = run(&["serve", document.path()]);
    assert_eq!((code, output.as_str()), (1, ""));
    let place = format!("  --> {}:20:41\n", document.path());
    assert!(
        error.starts_with("error[mapping-expression]: ") && error.contains(&place),
        "{error}"
    );
    let line = "20 |           integration.request.header.X: oops\n   |                                         ^^^^\n";
    assert!(error.contains(line), "{error}");
    assert!(
        error.contains("has 1 error\n") && error.contains("help: --on-error run"),
        "{error}"
    );
}

#[test]
fn a_broken_document_can_be_served() {
    let document = Document::new("yaml", BROKEN);
    let server = Serving::of(&document, &["--on-error", "run"]);
    assert!(server.get("/sound", "").starts_with("HTTP/1.1 200 "));
    let answer = server.get("/broken", "");
    assert!(
        answer.starts_with("HTTP/1.1 500 ")
            && answer.ends_with(r#"{"message": "Internal server error"}"#),
        "{answer}"
    );
    server.signal("TERM");
    let (code, table, error) = server.end();
    assert_eq!(code, 0);
    assert!(
        error.contains("error[mapping-expression]: ") && error.contains(":20:41\n"),
        "{error}"
    );
    let broken = table.lines().find(|line| line.contains("/broken")).unwrap();
    assert!(
        broken.starts_with("GET     /broken  -") && broken.contains("not served: "),
        "{table}"
    );
}

#[test]
fn a_port_in_use_exits_with_3() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let document = Document::new("yaml", MOCK);
    for (option, others) in [
        ("--listen", &["serve", document.path()][..]),
        (
            "--admin",
            &["serve", document.path(), "--listen", "127.0.0.1:0"],
        ),
    ] {
        let arguments = [others, &[option, &address]].concat();
        let (code, output, error) = run(&arguments);
        assert_eq!((code, output.as_str()), (3, ""), "{arguments:?}: {error}");
        let start = format!("error: cannot listen on {address}: the address is in use\n  help: ");
        assert!(
            error.starts_with(&start) && error.contains(&format!("{option} 127.0.0.1:0")),
            "{error}"
        );
    }
}

#[test]
fn a_mock_is_served_until_a_signal() {
    // Neither the extension nor the order of the options matters.
    let document = Document::new("txt", MOCK);
    let arguments = [
        "--stage",
        "prod",
        "--stage-variable",
        "how=a=b",
        "--stage-variable",
        "more=1",
        "--api-id",
        "a1",
    ];
    for (signal, threads) in [("TERM", "1"), ("INT", "2")] {
        let server = Serving::of(
            &document,
            &[&arguments[..], &["--threads", threads]].concat(),
        );
        let answer = server.get("/hello/you", "X-Who: me\r\n");
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n")
                && answer.ends_with("\r\n\r\nyou me prod a=b a1"),
            "{answer}"
        );
        assert!(server.get("/", "").starts_with("HTTP/1.1 403 "));
        let huge = format!("X-Who: {}\r\n", "v".repeat(10_300));
        assert!(server.get("/hello/you", &huge).starts_with("HTTP/1.1 431 "));
        server.signal(signal);
        let (code, table, logs) = server.end();
        assert_eq!(code, 0, "{logs}");
        assert_eq!(
            table,
            "METHOD  PATH           TYPE  TARGET  NOTES\nGET     /hello/{name}  MOCK  -\n"
        );
        assert!(
            logs.contains("shutting down") && logs.contains(&format!("SIG{signal}")),
            "{logs}"
        );
    }
}

#[test]
fn the_environment_sets_what_the_command_line_does_not() {
    let document = Document::new("yaml", MOCK);
    let mut command = apigw();
    command
        .arg("serve")
        .env("APIGW_API", document.path())
        .env("APIGW_LISTEN", "127.0.0.1:0")
        .env("APIGW_STAGE", "beta")
        .env("APIGW_STAGE_VARIABLE", "\nhow=a,b\nmore=1\n")
        .env("APIGW_LIMITS", "none")
        .env("APIGW_LOG_FORMAT", "json");
    let server = Serving::start(&mut command);
    let headers = format!("X-Who: me\r\nX-Long: {}\r\n", "v".repeat(10_300));
    assert!(
        server
            .get("/hello/you", &headers)
            .ends_with("\r\n\r\nyou me beta a,b local")
    );
    server.signal("TERM");
    let (code, _, logs) = server.end();
    assert_eq!(code, 0);
    for line in logs.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            line["level"].is_string() && line["message"].is_string(),
            "{line}"
        );
    }
    assert!(logs.contains("shutting down"), "{logs}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // A backend that accepts and never answers.
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = backend.local_addr().unwrap();
    let document = Document::new(
        "yaml",
        format!(
            "openapi: 3.0.1\ninfo: {{title: slow, version: '1'}}\npaths:\n  /:\n    get:\n      responses: {{}}\n      \
             x-amazon-apigateway-integration: {{type: http_proxy, httpMethod: GET, uri: 'http://{uri}/'}}\n"
        ),
    );
    let server = Serving::of(&document, &[]);
    let mut busy = TcpStream::connect(&server.address).unwrap();
    busy.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        .unwrap();
    let _called = backend.accept().unwrap();
    let started = Instant::now();
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    assert!(TcpStream::connect(&server.address).is_err());
    server.signal("TERM");
    let (code, table, logs) = server.end();
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(code, 0);
    assert!(logs.contains("ended at once"), "{logs}");
    assert!(
        table.contains(&format!("HTTP_PROXY  http://{uri}/  streams\n")),
        "{table}"
    );
}

#[test]
fn sign_refuses_what_cannot_be_signed_for() {
    for (option, value, expected) in [
        ("--region", "", "it is empty"),
        ("--region", "eu west", "letters, digits and hyphens"),
        ("--service", "s3/x", "letters, digits and hyphens"),
        ("--service", "", "it is empty"),
        ("--sign-host", "", "write a host"),
        ("--sign-host", "a\nb", "write a host"),
        ("--sign-host", "a b", "write a host"),
        ("--sign-host", "user@a", "write a host"),
        ("--timeout", "0", "0 is not in 1..="),
        ("--backend-ca", "/no/such/file", "/no/such/file"),
    ] {
        let mut arguments = vec!["sign", "--upstream", "http://127.0.0.1:1"];
        for (name, usual) in [("--service", "s3"), ("--region", "eu-west-1")] {
            if name != option {
                arguments.extend([name, usual]);
            }
        }
        let (code, output, error) = run(&[&arguments[..], &[option, value]].concat());
        let wanted = if option == "--backend-ca" { 1 } else { 2 };
        assert_eq!(code, wanted, "{option} {value:?}");
        assert_eq!(output, "", "{option} {value:?}");
        assert!(error.contains(expected), "{option} {value:?}: {error}");
    }
}
