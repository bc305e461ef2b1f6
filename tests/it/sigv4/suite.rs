//! AWS's own test cases for Signature Version 4, in headers and in the query.

use std::time::{Duration, SystemTime};

use http::Request;
use http::request::Parts;
use serde_json::Value;
use tower_apigw::signing::{
    Encoding, Identity, Payload, Settings, Sha256, SignedHeaders, SigningKey, Timestamp, presign,
    sign,
};

const CASES: &str = include_str!("../../sigv4/suite.jsonl");

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_default()
}

/// `2015-08-30T12:36:00Z`
fn time(text: &str) -> Timestamp {
    let compact: String = text.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    // Found by trying days.
    let day = (0..40_000)
        .map(|day| SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400))
        .find(|day| Timestamp::from(*day).day() == &compact[..8])
        .unwrap();
    let part = |at: usize| compact[at..at + 2].parse::<u64>().unwrap();
    let seconds = part(9) * 3600 + part(11) * 60 + part(13);
    let time = Timestamp::from(day + Duration::from_secs(seconds));
    assert_eq!(time.as_str(), compact);
    time
}

fn head(case: &Value) -> Parts {
    let mut request = Request::builder()
        .method(text(case, "method"))
        .uri(text(case, "target"));
    for header in case["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        request = request.header(name, value);
    }
    request.body(()).unwrap().into_parts().0
}

fn settings(case: &Value) -> Settings {
    let mut settings = Settings::of_service(text(case, "service"));
    settings.headers = SignedHeaders::All;
    settings.rules.normalize = case["normalize"].as_bool().unwrap();
    settings.rules.content_sha256 = case["content_sha256"].as_bool().unwrap();
    settings.rules.sign_session_token = case["sign_session_token"].as_bool().unwrap();
    settings.rules.encoding = if case["double"].as_bool().unwrap() {
        Encoding::Twice
    } else {
        Encoding::Once
    };
    settings
}

fn key(case: &Value, time: Timestamp) -> SigningKey {
    let identity = Identity {
        access_key_id: text(case, "access_key_id"),
        secret_access_key: text(case, "secret_access_key"),
        session_token: case["session_token"].as_str(),
    };
    SigningKey::derive(&identity, time, text(case, "region"), text(case, "service")).unwrap()
}

/// Whether what was signed is what the case expects, and the string to sign with it.
fn check(case: &Value, prefix: &str, found: &[u8], signature: &str) -> usize {
    let name = text(case, "name");
    let expected = |what: &str| case[format!("{prefix}{what}")].as_str();
    let found = std::str::from_utf8(found).unwrap();
    let canonical = expected("canonical").unwrap();
    assert_eq!(found, canonical, "{name}: {prefix}canonical");
    if let Some(string_to_sign) = expected("string_to_sign") {
        let mut hash = Sha256::new();
        hash.update(found.as_bytes());
        let digest: String = hash
            .finish()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert!(string_to_sign.ends_with(&digest), "{name}");
    }
    match expected("signature") {
        Some(expected) => {
            assert_eq!(signature, expected, "{name}: {prefix}signature");
            1
        }
        None => 0,
    }
}

#[test]
fn every_published_case() {
    let (mut canonical, mut signatures) = (0, 0);
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let time = time(text(&case, "time"));
        let (key, settings) = (key(&case, time), settings(&case));
        let payload = Payload::of(text(&case, "body").as_bytes());

        let mut signed = head(&case);
        let signature = sign(&mut signed, &key, time, &payload, &settings).unwrap();
        signatures += check(&case, "", signature.canonical_request(), signature.as_str());
        let authorization = signed.headers["authorization"].to_str().unwrap();
        assert!(authorization.ends_with(signature.as_str()));
        let token = signed.headers.get("x-amz-security-token");
        assert_eq!(token.is_some(), case["session_token"].is_string());
        canonical += 1;

        if let Some(expires) = case["expires"].as_u64() {
            let mut signed = head(&case);
            let expires = Duration::from_secs(expires);
            let signature = presign(&mut signed, &key, time, expires, &payload, &settings).unwrap();
            signatures += check(
                &case,
                "query_",
                signature.canonical_request(),
                signature.as_str(),
            );
            let query = signed.uri.query().unwrap();
            assert!(query.contains(&format!("X-Amz-Signature={}", signature.as_str())));
            assert!(!signed.headers.contains_key("authorization"));
            canonical += 1;

            // Signed again, it is the same: an earlier signature is no part of a new one.
            let again = presign(&mut signed, &key, time, expires, &payload, &settings).unwrap();
            assert_eq!(again.as_str(), signature.as_str());
        }
    }
    println!("{canonical} canonical requests, {signatures} signatures");
    assert_eq!((canonical, signatures), (82, 80));
}
