//! What AWS's own crate `aws-sigv4` signs, for the requests that we send.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign as their_sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity as TheirIdentity;
use http::Request;
use http::request::Parts;
use tower_apigw::signing::{
    Identity, Payload, Settings, SignedHeaders, SigningKey, Timestamp, presign, sign,
};

use super::random;

pub(super) const ID: &str = "AKIDEXAMPLE";
pub(super) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22w+Dx4xA==";

/// Their signature of a request as it is sent, over the headers that ours names.
pub(super) fn theirs(
    sent: &Parts,
    names: &[&str],
    body: SignableBody<'_>,
    service: &str,
    token: Option<&str>,
    time: SystemTime,
    presigned: bool,
) -> String {
    let credentials = Credentials::new(ID, SECRET, token.map(str::to_owned), None, "test");
    let identity: TheirIdentity = credentials.into();
    let mut settings = SigningSettings::default();
    let s3 = service == "s3";
    if s3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        if !presigned {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
    }
    if presigned {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(900));
    }
    let excluded = sent
        .headers
        .keys()
        .filter(|name| !names.contains(&name.as_str()))
        .map(|name| Cow::Owned(name.as_str().to_owned()));
    settings.excluded_headers = Some(excluded.collect());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name(service)
        .time(time)
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let headers = sent
        .headers
        .iter()
        .filter(|(name, _)| {
            !name.as_str().starts_with("x-amz-date")
                && *name != "x-amz-security-token"
                && *name != "x-amz-content-sha256"
                && *name != "authorization"
        })
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let uri = sent.uri.to_string();
    let request = SignableRequest::new(sent.method.as_str(), uri, headers, body).unwrap();
    let (_, signature) = their_sign(request, &params).unwrap().into_parts();
    signature
}

/// They make U+FFFD of what is no UTF-8, which is another query.
fn is_utf8(head: &Parts) -> bool {
    let query = head.uri.query().unwrap_or_default();
    percent_encoding::percent_decode_str(query)
        .decode_utf8()
        .is_ok()
}

/// The names of the headers that a signature covers.
pub(super) fn covered(text: &str) -> Vec<&str> {
    let (_, rest) = text.split_once("SignedHeaders=").unwrap();
    let end = rest.find([',', '&']).unwrap_or(rest.len());
    rest[..end].split(';').collect()
}

fn key(token: Option<&str>, time: Timestamp, service: &str) -> SigningKey {
    let identity = Identity {
        access_key_id: ID,
        secret_access_key: SECRET,
        session_token: token,
    };
    SigningKey::derive(&identity, time, "eu-west-1", service).unwrap()
}

#[test]
fn both_sign_alike_what_is_sent() {
    let mut rng = fastrand::Rng::with_seed(4);
    let mut odd = 0;
    for round in 0..3000_u64 {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160 + round * 7919);
        let time = Timestamp::from(now);
        let service = ["s3", "execute-api", "lambda"][rng.usize(0..3)];
        let token = rng.bool().then_some(TOKEN);
        let key = key(token, time, service);
        let mut settings = Settings::of_service(service);
        if rng.bool() {
            settings.headers = SignedHeaders::All;
        }
        let request = random::request(&mut rng);
        let as_written = request.uri().clone();
        let (mut head, body) = request.into_parts();
        let (payload, their_body) = if rng.bool() {
            (Payload::of(&body), SignableBody::Bytes(&body))
        } else if service == "s3" {
            (Payload::Unsigned, SignableBody::UnsignedPayload)
        } else {
            (Payload::empty(), SignableBody::Bytes(b""))
        };
        let ours = sign(&mut head, &key, time, &payload, &settings).unwrap();
        if !is_utf8(&head) {
            continue;
        }
        odd += usize::from(head.uri != as_written);
        let authorization = head.headers["authorization"].to_str().unwrap().to_owned();
        let names = covered(&authorization);
        let theirs = theirs(&head, &names, their_body, service, token, now, false);
        assert_eq!(
            ours.as_str(),
            theirs,
            "{as_written} sent as {} to {service}\n{}",
            head.uri,
            String::from_utf8_lossy(ours.canonical_request())
        );
    }
    assert!(odd > 1000, "only {odd} targets were not in one form");
}

#[test]
fn both_presign_alike_what_is_sent() {
    let mut rng = fastrand::Rng::with_seed(5);
    for round in 0..1000_u64 {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160 + round * 7919);
        let time = Timestamp::from(now);
        let service = ["s3", "execute-api"][rng.usize(0..2)];
        let token = rng.bool().then_some(TOKEN);
        let key = key(token, time, service);
        let settings = Settings::of_service(service);
        let (mut head, _) = random::request(&mut rng).into_parts();
        let (payload, body) = if service == "s3" {
            (Payload::Unsigned, SignableBody::UnsignedPayload)
        } else {
            (Payload::empty(), SignableBody::Bytes(b""))
        };
        let expires = Duration::from_secs(900);
        let ours = presign(&mut head, &key, time, expires, &payload, &settings).unwrap();
        if !is_utf8(&head) {
            continue;
        }
        // What is left when our signature is taken away is what they get.
        let mut plain = head.clone();
        tower_apigw::signing::remove_signature(&mut plain).unwrap();
        let query = head.uri.query().unwrap().replace("%3B", ";");
        let names = covered(&query);
        let theirs = theirs(&plain, &names, body, service, token, now, true);
        assert_eq!(ours.as_str(), theirs, "{}", head.uri);
    }
}

#[test]
fn chunks_are_signed_alike() {
    use std::sync::Arc;

    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
    let time = Timestamp::from(now);
    let key = key(None, time, "s3");
    let (mut head, ()) = Request::put("https://b.example/key")
        .body(())
        .unwrap()
        .into_parts();
    let settings = Settings::of_service("s3");
    let seed = sign(&mut head, &key, time, &Payload::Chunks, &settings).unwrap();
    let mut encoder = tower_apigw::signing::chunked::Encoder::signed(Arc::new(key), time, &seed);

    let identity: TheirIdentity = Credentials::new(ID, SECRET, None, None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name("s3")
        .time(now)
        .settings(())
        .build()
        .unwrap();
    let mut running = seed.as_str().to_owned();
    for chunk in [vec![1; 65_536], vec![2; 65_536], vec![3; 17]] {
        let head = String::from_utf8(encoder.head(&chunk)).unwrap();
        let signed = v4::sign_chunk(&chunk.into(), &running, &params).unwrap();
        running = signed.signature().to_owned();
        assert!(head.contains(&running), "{head}");
    }
    let signed = v4::sign_chunk(&bytes::Bytes::new(), &running, &params).unwrap();
    let end = String::from_utf8(encoder.end(None)).unwrap();
    assert!(end.contains(signed.signature()), "{end}");
}
