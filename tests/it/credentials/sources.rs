//! The sources of credentials as the program finds them: profiles, processes, web identities,
//! containers, instances, and roles through moto's STS where moto is installed.

use std::convert::Infallible;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use http::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tower::{ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::backend::HttpClient;
use tower_apigw::server::Server;

use crate::aws::moto::moto;
use crate::cli::{Document, Serving, apigw, outcome};
use crate::support::{soon, text};

const OF_PROFILE: &str = "profile+secret";
const OF_PROCESS: &str = "process/secret";
const OF_METADATA: &str = "metadata+secret/x";
const TOKEN: &str = "metadata-token==";
const WEB_IDENTITY: &str = "a.web.identity";
const SECRETS: [&str; 5] = [OF_PROFILE, OF_PROCESS, OF_METADATA, TOKEN, WEB_IDENTITY];
const ROLE: &str = "arn:aws:iam::123456789012:role/orders";

/// A server that tells who signed, and gives credentials as a container or an instance does.
async fn server() -> SocketAddr {
    let service =
        service_fn(|request: Request<Body>| async move { Ok::<_, Infallible>(answer(&request)) });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Server::new().serve(listener, service, std::future::pending()));
    address
}

fn answer(request: &Request<Body>) -> Response<Body> {
    let header = |name: &str| {
        let value = request.headers().get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    };
    let credentials = |id: &str| {
        format!(
            r#"{{"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "{id}", "SecretAccessKey": "{}", "Token": "{}", "Expiration": "2124-01-01T00:00:00Z"}}"#,
            OF_METADATA, TOKEN
        )
    };
    let (status, body) = match (request.method().as_str(), request.uri().path()) {
        ("GET", "/container") if header("authorization") == "let me in" => {
            (200, credentials("ASIACONTAINER"))
        }
        // Broken behind its secrets.
        ("GET", "/broken") => (
            200,
            credentials("ASIABROKEN").replace("},", "").replace('}', ""),
        ),
        ("PUT", "/latest/api/token") => (200, "session".to_owned()),
        ("GET", path) if path.starts_with("/latest/meta-data/iam/security-credentials") => {
            match (header("x-aws-ec2-metadata-token"), path.ends_with("/node")) {
                ("session", true) => (200, credentials("ASIAINSTANCE")),
                ("session", false) => (200, "node".to_owned()),
                _ => (401, String::new()),
            }
        }
        ("GET", path) if path.starts_with("/latest") => (404, String::new()),
        ("GET", "/who") => (
            200,
            format!(
                "{} token={}",
                header("authorization"),
                !header("x-amz-security-token").is_empty()
            ),
        ),
        _ => (403, String::new()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    if request.method() == "PUT" {
        let headers = response.headers_mut();
        headers.insert(
            "x-aws-ec2-metadata-token-ttl-seconds",
            "21600".parse().unwrap(),
        );
    }
    response
}

/// Files of one test, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("apigw-credentials-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program without anything of this machine that gives credentials.
fn bare(folder: &Folder) -> Command {
    let mut command = apigw();
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
        .env("HOME", &folder.0)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_MAX_ATTEMPTS", "1");
    command
}

/// Runs `apigw sign` with these variables and options, and gives who signed. Nothing secret stands
/// in its logs, whatever is logged.
async fn signer(name: &str, variables: &[(&str, &str)], options: &[&str]) -> String {
    let folder = Folder::new(name);
    let upstream = format!("http://{}", server().await);
    let logs = folder.0.join("logs");
    let mut command = bare(&folder);
    command
        .args(["sign", "--upstream", &upstream, "--listen", "127.0.0.1:0"])
        .args(["--service", "execute-api", "--region", "eu-west-1"])
        .args(["--log", "trace"])
        .args(options)
        .envs(variables.iter().copied())
        .stderr(File::create(&logs).unwrap());
    let proxy = tokio::task::spawn_blocking(move || Serving::start(&mut command));
    let proxy = soon("the proxy", proxy).await.unwrap();
    let request = Request::get(format!("http://{}/who", proxy.address)).body(Body::empty());
    let sent = HttpClient::new().oneshot(request.unwrap());
    let response = soon("the answer", sent).await.unwrap();
    let seen = text(response.into_body()).await;
    drop(proxy);
    let logs = fs::read_to_string(&logs).unwrap();
    for secret in SECRETS {
        assert!(!logs.contains(secret), "{secret} in {logs}");
    }
    seen
}

fn signed_by(seen: &str, id: &str, token: bool) -> bool {
    seen.starts_with(&format!("AWS4-HMAC-SHA256 Credential={id}"))
        && seen.ends_with(&format!("token={token}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_and_processes() {
    let folder = Folder::new("profiles");
    let config = folder.write(
        "config",
        "[profile other]\nregion = eu-west-1\ncredential_process = cat $APIGW_TEST_PROCESS\n",
    );
    let process = format!(
        r#"{{"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "{}"}}"#,
        OF_PROCESS
    );
    let process = folder.write("process.json", &process);
    let config_text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        config_text.replace("$APIGW_TEST_PROCESS", &process),
    )
    .unwrap();
    let keys = format!(
        "[default]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = {}\n",
        OF_PROFILE
    );
    let keys = folder.write("credentials", &keys);
    let files = [
        ("AWS_CONFIG_FILE", config.as_str()),
        ("AWS_SHARED_CREDENTIALS_FILE", keys.as_str()),
    ];
    let seen = signer("profile", &files, &[]).await;
    assert!(signed_by(&seen, "AKIDPROFILE/", false), "{seen}");
    let with = |more: &[(&'static str, &'static str)]| [&files, more].concat();
    let seen = signer("process", &with(&[("AWS_PROFILE", "other")]), &[]).await;
    assert!(signed_by(&seen, "AKIDPROCESS/", false), "{seen}");
    // Keys in the environment come first.
    let keys = [
        ("AWS_PROFILE", "other"),
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", OF_PROFILE),
    ];
    let seen = signer("environment", &with(&keys), &[]).await;
    assert!(signed_by(&seen, "AKIDENV/", false), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_and_instances() {
    let metadata = format!("http://{}", server().await);
    let container = format!("{metadata}/container");
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let me in"),
    ];
    let seen = signer("container", &variables, &[]).await;
    assert!(signed_by(&seen, "ASIACONTAINER/", true), "{seen}");
    let variables = [
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.as_str()),
    ];
    let seen = signer("instance", &variables, &[]).await;
    assert!(signed_by(&seen, "ASIAINSTANCE/", true), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_broken_is_told() {
    let folder = Folder::new("none");
    let metadata = format!("http://{}", server().await);
    let broken = format!("{metadata}/broken");
    for (variables, expected) in [
        (vec![], "AWS_ACCESS_KEY_ID"),
        (
            vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", broken.as_str())],
            "there are no credentials",
        ),
        (
            vec![("AWS_PROFILE", "unknown")],
            "Profile: the credential provider was not enabled",
        ),
    ] {
        let mut command = bare(&folder);
        command
            .args([
                "sign",
                "--upstream",
                "http://127.0.0.1:1",
                "--listen",
                "127.0.0.1:0",
            ])
            .args(["--service", "s3", "--region", "eu-west-1", "--log", "trace"])
            .envs(variables);
        let ended = tokio::task::spawn_blocking(move || command.output().unwrap());
        let (code, _, told) = outcome(soon("the end", ended).await.unwrap());
        assert_eq!(code, 1, "{told}");
        assert!(told.contains(expected), "no {expected} in {told}");
        for secret in SECRETS {
            assert!(!told.contains(secret), "{secret} in {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_web_identities_of_moto() {
    let Some((_moto, port)) = moto().await else {
        println!("skipped: there is no moto_server");
        return;
    };
    let sts = format!("http://127.0.0.1:{port}");
    let folder = Folder::new("moto");
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", OF_PROFILE),
        ("AWS_ENDPOINT_URL_STS", sts.as_str()),
    ];
    let seen = signer("role", &keys, &["--role-arn", ROLE]).await;
    assert!(signed_by(&seen, "ASIA", true), "{seen}");

    let token = folder.write("token", WEB_IDENTITY);
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
        ("AWS_ROLE_ARN", ROLE),
        ("AWS_ENDPOINT_URL_STS", sts.as_str()),
    ];
    let seen = signer("web-identity", &variables, &[]).await;
    assert!(signed_by(&seen, "ASIA", true), "{seen}");

    let config = format!(
        "[profile assuming]\nrole_arn = {ROLE}\nsource_profile = default\n[default]\n\
         aws_access_key_id = AKIDPROFILE\naws_secret_access_key = {}\n",
        OF_PROFILE
    );
    let config = folder.write("config", &config);
    let variables = [
        ("AWS_CONFIG_FILE", config.as_str()),
        ("AWS_PROFILE", "assuming"),
        ("AWS_ENDPOINT_URL_STS", sts.as_str()),
    ];
    let seen = signer("profile-role", &variables, &[]).await;
    assert!(signed_by(&seen, "ASIA", true), "{seen}");
}

/// One integration with a role of its own, one without, one with that of its caller.
fn document(upstream: SocketAddr) -> Document {
    let path = |name: &str, credentials: &str| {
        format!(
            "  /{name}:
    get:
      x-amazon-apigateway-integration:
        {{type: http_proxy, httpMethod: GET, uri: 'http://{upstream}/who'{credentials},
         x-tower-apigw-signing: {{service: execute-api, region: eu-west-1}}}}
"
        )
    };
    let text = [
        "openapi: 3.0.1\ninfo: {title: roles, version: '1'}\npaths:\n",
        &path("own", ""),
        &path("role", &format!(", credentials: '{ROLE}'")),
        &path("caller", ", credentials: 'arn:aws:iam::*:user/*'"),
    ];
    Document::new("yaml", text.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn served_integrations_get_roles_where_the_operator_says_so() {
    let upstream = server().await;
    let moto = moto().await;
    if moto.is_none() {
        println!("skipped in part: there is no moto_server");
    }
    let sts = moto.as_ref().map_or(1, |(_, port)| *port);
    let sts = format!("http://127.0.0.1:{sts}");
    let folder = Folder::new("serve");
    for (options, expected) in [
        (&[][..], ["AKIDENV/", "AKIDENV/", ""]),
        (&["--assume-roles"][..], ["AKIDENV/", "ASIA", ""]),
        (
            &["--sign-for-callers"][..],
            ["AKIDENV/", "AKIDENV/", "AKIDENV/"],
        ),
        (&["--role-arn", ROLE][..], ["ASIA", "ASIA", ""]),
    ] {
        if moto.is_none() && expected.contains(&"ASIA") {
            continue;
        }
        let document = document(upstream);
        let mut command = bare(&folder);
        command
            .args(["serve", document.path(), "--listen", "127.0.0.1:0"])
            .args(options)
            .env("AWS_ACCESS_KEY_ID", "AKIDENV")
            .env("AWS_SECRET_ACCESS_KEY", OF_PROFILE)
            .env("AWS_ENDPOINT_URL_STS", &sts);
        let server = tokio::task::spawn_blocking(move || Serving::start(&mut command));
        let server = soon("the server", server).await.unwrap();
        for (path, expected) in ["own", "role", "caller"].iter().zip(expected) {
            let uri = format!("http://{}/{path}", server.address);
            let request = Request::get(uri).body(Body::empty()).unwrap();
            let response = soon("the answer", HttpClient::new().oneshot(request));
            let response = response.await.unwrap();
            let status = response.status();
            let seen = text(response.into_body()).await;
            if expected.is_empty() {
                assert_eq!(status, 500, "{options:?} {path}: {seen}");
                assert_eq!(seen, r#"{"message": "Internal server error"}"#);
            } else {
                let fits = signed_by(&seen, expected, expected == "ASIA");
                assert!(fits, "{options:?} {path}: {status} {seen}");
            }
        }
    }
}
