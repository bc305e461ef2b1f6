//! Roles assumed through an STS in process.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::credentials::{
    Credentials, CredentialsError, CredentialsErrorKind, DefaultChain, SharedProvider, StsRoles,
};
use tower_apigw::error::{Error, ErrorKind};
use tower_apigw::integration::{Integration, IntegrationResponse, Method};
use tower_apigw::layer::IntegrationLayer;
use tower_apigw::mapping::{Plan, Stage};

use crate::support::{bytes, soon, text};

const ROLE: &str = "arn:aws:iam::123456789012:role/orders";
const SECRETS: [&str; 3] = ["own secret", "role+secret/1", "role/token=="];
/// 2024-01-01T00:00:00Z
const NEW_YEAR: u64 = 1_704_067_200;

/// What STS answers: credentials with an end.
fn assumed(number: usize, end: &str) -> Response<Body> {
    let [_, secret, token] = SECRETS;
    Response::new(Body::from(format!(
        r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/orders/x</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>
<SessionToken>{token}</SessionToken><Expiration>{end}</Expiration></Credentials>
</AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>"#
    )))
}

fn refused(status: u16, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// Roles over an STS that answers by `answer`, from the number of the request and its text.
fn roles<F>(own: &SharedProvider, answer: F) -> StsRoles
where
    F: Fn(usize, &str) -> Response<Body> + Clone + Send + Sync + 'static,
{
    let count = Arc::new(AtomicUsize::new(0));
    let sts = service_fn(move |request: Request<Body>| {
        let (answer, count) = (answer.clone(), Arc::clone(&count));
        async move {
            let (head, body) = request.into_parts();
            let number = count.fetch_add(1, Ordering::Relaxed);
            // Others are to wait meanwhile.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let mut text = format!("{} {}\n", head.method, head.uri);
            let authorization = head.headers["authorization"].to_str().unwrap();
            text.push_str(authorization);
            text.push('\n');
            text.push_str(std::str::from_utf8(&bytes(body).await).unwrap());
            Ok::<_, Infallible>(answer(number, &text))
        }
    });
    DefaultChain::new(sts)
        .region("eu-west-1")
        .roles(own.clone())
}

fn own() -> SharedProvider {
    SharedProvider::new(Credentials::new("AKIDOWN", SECRETS[0]))
}

fn assert_no_secret(shown: &str) {
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn what_sts_is_asked() {
    let asked = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&asked);
    let roles = roles(&own(), move |number, text| {
        *seen.lock().unwrap() = text.to_owned();
        assumed(number, "2024-01-01T01:00:00Z")
    });
    let role = roles.session_name("night shift").external_id("x-7");
    let shown = format!("{role:?}");
    let role = role.role(ROLE);
    let shared = SharedProvider::new(role.clone()).clock(new_year);
    let found = soon("STS", shared.own()).await.unwrap();
    assert_eq!(found.access_key_id(), "ASIA0");
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(NEW_YEAR + 3600);
    assert_eq!(found.expiry(), Some(end));
    let asked = asked.lock().unwrap().clone();
    for part in [
        "POST https://sts.eu-west-1.amazonaws.com/",
        "Credential=AKIDOWN/",
        "/eu-west-1/sts/aws4_request",
        "Action=AssumeRole",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Forders",
        "RoleSessionName=night%20shift",
        "ExternalId=x-7",
    ] {
        assert!(asked.contains(part), "no {part} in {asked}");
    }
    assert_no_secret(&format!("{shown} {role:?} {shared:?} {found:?}"));
    assert!(!shown.contains("x-7"), "{shown}");
}

fn new_year() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NEW_YEAR)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_renew_what_has_ended_once() {
    static NOW: AtomicU64 = AtomicU64::new(NEW_YEAR);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let own = own();
    let roles = roles(&own, move |number, _| {
        count.fetch_add(1, Ordering::Relaxed);
        assumed(
            number,
            ["2024-01-01T01:00:00Z", "2024-01-01T03:00:00Z"][number],
        )
    });
    let shared = own
        .assume_roles(roles)
        .clock(|| SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.load(Ordering::Relaxed)));
    for (hour, expected) in [(0, "ASIA0"), (2, "ASIA1"), (2, "ASIA1")] {
        NOW.store(NEW_YEAR + hour * 3600, Ordering::Relaxed);
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let shared = shared.clone();
            waiting.spawn(async move { shared.for_role(Some(ROLE)).await });
        }
        while let Some(found) = soon("STS", waiting.join_next()).await {
            assert_eq!(found.unwrap().unwrap().access_key_id(), expected);
        }
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

async fn failure<F>(answer: F) -> CredentialsError
where
    F: Fn(usize, &str) -> Response<Body> + Clone + Send + Sync + 'static,
{
    let own = own();
    let roles = roles(&own, answer);
    let shared = own.assume_roles(roles);
    soon("STS", shared.for_role(Some(ROLE))).await.unwrap_err()
}

/// The error, and all that caused it.
fn told(error: &CredentialsError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!(" / {next} {next:?}"));
        cause = next.source();
    }
    text
}

#[tokio::test]
async fn failures_are_told_without_what_was_answered() {
    let denied = failure(|_, _| {
        refused(
            403,
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not \
             authorized to perform: sts:AssumeRole</Message></Error><RequestId>1</RequestId></ErrorResponse>"
                .to_owned(),
        )
    })
    .await;
    assert_eq!(denied.kind(), CredentialsErrorKind::RoleNotAssumed);
    let shown = told(&denied);
    assert!(
        shown.contains(ROLE) && shown.contains("sts:AssumeRole"),
        "{shown}"
    );
    assert_no_secret(&shown);

    // An answer that is broken behind its secrets.
    let broken = failure(|_, _| {
        refused(200, format!("<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}", SECRETS[1], SECRETS[2]))
    })
    .await;
    assert_eq!(broken.kind(), CredentialsErrorKind::RoleNotAssumed);
    assert_no_secret(&told(&broken));

    // Credentials that have ended already.
    let over = failure(|number, _| assumed(number, "2001-01-01T00:00:00Z")).await;
    assert_eq!(over.kind(), CredentialsErrorKind::RoleNotAssumed);
    assert!(told(&over).contains("have expired"), "{over:?}");
    assert_no_secret(&told(&over));
}

#[tokio::test]
async fn an_integration_gets_its_role_or_the_recorded_answer() {
    let arn = "arn:aws:apigateway:eu-west-1:sqs:path/123456789012/jobs";
    let mut integration = Integration::aws("POST", arn).response(IntegrationResponse::new(200));
    integration.credentials = Some(ROLE.to_owned());
    let plan = Plan::compile(&integration, &Method::new("POST", "/"), Stage::new("test"));
    let plan = Arc::new(plan.unwrap());
    let backend = service_fn(|request: Request<Body>| async move {
        let signed = request.headers()["authorization"].clone();
        let token = request.headers().get("x-amz-security-token").is_some();
        let text = format!("{token} {}", signed.to_str().unwrap());
        Ok::<_, Infallible>(Response::new(Body::from(text)))
    });
    let own = own();
    let later = || assumed(7, "2124-01-01T01:00:00Z");
    let works = roles(&own, move |_, _| later());
    let fails = roles(&own, |_, _| refused(403, "<ErrorResponse/>".to_owned()));
    for (credentials, signer) in [
        // Not allowed: one's own sign.
        (
            own.clone(),
            Some("false AWS4-HMAC-SHA256 Credential=AKIDOWN/"),
        ),
        (
            own.clone().assume_roles(works),
            Some("true AWS4-HMAC-SHA256 Credential=ASIA7/"),
        ),
        (own.clone().assume_roles(fails), None),
    ] {
        let service = IntegrationLayer::new(Arc::clone(&plan))
            .credentials(credentials)
            .layer(backend);
        let request = Request::post("/").body(Body::from("{}")).unwrap();
        let response = soon("the answer", service.oneshot(request)).await.unwrap();
        let status = response.status();
        let error = response.extensions().get::<Arc<Error>>().cloned();
        let body = text(response.into_body()).await;
        match signer {
            Some(signer) => assert!(status == 200 && body.starts_with(signer), "{body}"),
            None => {
                // Recorded: what a role that cannot be assumed gives to the client.
                assert_eq!(status, 500);
                assert_eq!(body, r#"{"message": "Internal server error"}"#);
                let error = error.unwrap();
                assert_eq!(error.kind(), ErrorKind::Credentials);
                assert!(
                    error.to_string().contains("permission to assume"),
                    "{error}"
                );
                assert_no_secret(&format!("{error} {error:?}"));
            }
        }
    }
}
