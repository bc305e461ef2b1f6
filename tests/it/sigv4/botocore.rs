//! What botocore would sign of the requests that we send, where Python has it.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use serde_json::json;
use tower_apigw::signing::{
    Identity, Payload, Settings, SignedHeaders, SigningKey, Timestamp, sign,
};

use super::random;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sigv4/verify.py");

fn has_botocore() -> bool {
    let check = Command::new("python3")
        .args(["-c", "import botocore"])
        .stderr(Stdio::null())
        .status();
    check.is_ok_and(|status| status.success())
}

#[test]
fn botocore_accepts_two_thousand_requests() {
    if !has_botocore() {
        println!("skipped: python3 has no botocore");
        return;
    }
    let mut rng = fastrand::Rng::with_seed(6);
    let mut lines = String::new();
    for round in 0..2000_u64 {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160 + round * 7919);
        let time = Timestamp::from(now);
        let service = ["s3", "execute-api"][rng.usize(0..2)];
        let identity = Identity {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            session_token: rng.bool().then_some("AQoDYXdzEPT//////////wEXAMPLEtc764=="),
        };
        let key = SigningKey::derive(&identity, time, "eu-west-1", service).unwrap();
        let mut settings = Settings::of_service(service);
        if rng.bool() {
            settings.headers = SignedHeaders::All;
        }
        let (mut head, body) = random::request(&mut rng).into_parts();
        sign(&mut head, &key, time, &Payload::of(&body), &settings).unwrap();
        let headers: Vec<(&str, &str)> = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        let request = json!({
            "service": service,
            "method": head.method.as_str(),
            "url": head.uri.to_string(),
            "headers": headers,
            "body": base64::engine::general_purpose::STANDARD.encode(&body),
        });
        lines.push_str(&request.to_string());
        lines.push('\n');
    }
    let mut verifier = Command::new("python3")
        .arg(SCRIPT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = verifier.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let out = verifier.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success(), "{text}");
    assert_eq!(text.trim(), "2000 accepted");
}
