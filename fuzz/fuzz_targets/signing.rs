//! Requests of any form are signed, or refused, and what is signed keeps its promises: it is the same
//! when it is signed again, one part of what was sent is one part of what was signed, a presigned
//! query can be taken off again, and bodies in chunks come back as they were, in any pieces.
#![no_main]

use std::sync::Arc;

use bytes::BytesMut;
use http::{HeaderName, HeaderValue, Request, Uri};
use libfuzzer_sys::fuzz_target;
use tower_apigw::signing::chunked::{Checksum, Decoded, Decoder, Encoder, encoded_length};
use tower_apigw::signing::{
    Identity, Payload, Settings, SigningKey, Timestamp, canonical_request_of, differences, presign,
    remove_signature, sign,
};

fn settings(kind: u8) -> Settings {
    Settings::of_service(["s3", "execute-api", "lambda", "es"][usize::from(kind % 4)])
}

fn requests(kind: u8, target: &str, headers: &str, body: &[u8]) -> Option<()> {
    let uri = format!("https://host.example{target}")
        .parse::<Uri>()
        .ok()?;
    let (mut head, ()) = Request::put(uri).body(()).ok()?.into_parts();
    for line in headers.lines().take(40) {
        let (name, value) = line.split_once(':')?;
        let name = name.parse::<HeaderName>().ok()?;
        head.headers
            .append(name, HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    let identity = Identity {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: "secret",
        session_token: (kind & 64 > 0).then_some("token"),
    };
    let time: Timestamp = "20150830T123600Z".parse().ok()?;
    let key = SigningKey::derive(&identity, time, "us-east-1", "service").ok()?;
    let settings = settings(kind);
    let payload = Payload::of(body);
    let before = head.clone();
    let signature = sign(&mut head, &key, time, &payload, &settings).ok()?;

    // What is sent is signed: signing it again changes nothing.
    let sent = head.clone();
    let again = sign(&mut head, &key, time, &payload, &settings).expect("it was signed before");
    assert_eq!(signature.canonical_request(), again.canonical_request());
    assert_eq!(signature.as_str(), again.as_str());
    assert_eq!((&sent.uri, &sent.headers), (&head.uri, &head.headers));

    // Method, path, query; headers; nothing; their names; the hash of the body. What is no UTF-8
    // is no text for the rest.
    let Ok(canonical) = std::str::from_utf8(signature.canonical_request()) else {
        return None;
    };
    let lines: Vec<&str> = canonical.split('\n').collect();
    let [method, path, query, headers @ .., "", names, hash] = lines.as_slice() else {
        panic!("{canonical}");
    };
    assert_eq!(*method, "PUT");
    assert!(
        path.starts_with('/') && path.is_ascii() && !path.contains(' '),
        "{path}"
    );
    assert_eq!(hash.len(), 64);
    assert!(hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let listed: Vec<&str> = names.split(';').collect();
    let written: Vec<&str> = headers
        .iter()
        .map(|line| line.split_once(':').expect("a header").0)
        .collect();
    assert_eq!(listed, written, "{canonical}");
    assert!(listed.is_sorted_by(|a, b| a < b), "{names}");
    let mut pairs: Vec<&str> = query.split('&').collect();
    let unsorted = pairs.clone();
    pairs.sort_by_key(|pair| {
        pair.split_once('=')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    });
    assert_eq!(pairs, unsorted, "{query}");
    assert!(
        pairs
            .iter()
            .all(|pair| query.is_empty() || pair.matches('=').count() == 1),
        "{query}"
    );

    // Nothing differs from itself, and what a service answers is found.
    assert!(differences(signature.canonical_request(), canonical).is_empty());

    // On and off again.
    let mut head = before;
    let expires = std::time::Duration::from_secs(60);
    if presign(&mut head, &key, time, expires, &payload, &settings).is_ok() {
        let query = head.uri.query().unwrap_or_default();
        assert_eq!(query.matches("X-Amz-Signature=").count(), 1, "{query}");
        remove_signature(&mut head).expect("a query without it");
        let query = head.uri.query().unwrap_or_default();
        assert!(!query.contains("X-Amz-Signature="), "{query}");
    }
    Some(())
}

/// A body in chunks, as it is sent, and taken apart in pieces of another size.
fn chunks(kind: u8, size: usize, body: &[u8]) -> Option<()> {
    let identity = Identity {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: "secret",
        session_token: None,
    };
    let time: Timestamp = "20150830T123600Z".parse().ok()?;
    let key = SigningKey::derive(&identity, time, "us-east-1", "s3").ok()?;
    let (mut head, ()) = Request::put("https://b.example/k")
        .body(())
        .ok()?
        .into_parts();
    let settings = Settings::of_service("s3");
    let seed = sign(&mut head, &key, time, &Payload::Chunks, &settings).ok()?;
    let signs = kind & 1 == 0;
    let mut encoder = match signs {
        true => Encoder::signed(Arc::new(key), time, &seed),
        false => Encoder::unsigned(),
    };
    let checksum = (kind & 2 > 0)
        .then_some([Checksum::Crc32, Checksum::Crc32C, Checksum::Sha256][usize::from(kind % 3)]);
    let mut sum = checksum.map(|checksum| (checksum, checksum.start()));
    let mut out = Vec::new();
    for chunk in body.chunks(tower_apigw::signing::chunked::CHUNK) {
        if let Some((_, sum)) = &mut sum {
            sum.update(chunk);
        }
        out.extend(encoder.head(chunk));
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    let sum = sum.map(|(checksum, sum)| (checksum.header(), sum.finish()));
    out.extend(encoder.end(sum.as_ref().map(|(name, sum)| (*name, sum.as_str()))));
    let trailer = checksum.map(|checksum| (checksum.header().len() as u64, checksum.length()));
    assert_eq!(
        out.len() as u64,
        encoded_length(body.len() as u64, signs, trailer)
    );
    let (data, trailers) = decode(&out, size).expect("what was encoded is decoded");
    assert_eq!(data, body);
    assert_eq!(
        trailers
            .iter()
            .any(|name| Some(name.as_str()) == checksum.map(Checksum::header)),
        checksum.is_some()
    );
    Some(())
}

fn decode(bytes: &[u8], size: usize) -> Option<(Vec<u8>, Vec<String>)> {
    let mut decoder = Decoder::new();
    let (mut data, mut input) = (Vec::new(), BytesMut::new());
    for piece in bytes.chunks(size) {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input).ok()? {
                Decoded::Data(bytes) => data.extend_from_slice(&bytes),
                Decoded::More | Decoded::End => break,
            }
        }
    }
    let names = decoder.trailers().iter().map(|(name, _)| name.clone());
    decoder.is_done().then(|| (data, names.collect()))
}

fuzz_target!(|input: (u8, u8, &str, &str, &[u8])| {
    let (kind, size, target, headers, body) = input;
    let size = usize::from(size).max(1);
    let _ = requests(kind, target, headers, body);
    let _ = chunks(kind, size, body);
    // What comes from others.
    let _ = decode(body, size);
    let _ = canonical_request_of(body);
});
