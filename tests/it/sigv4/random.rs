//! Random requests: odd paths, queries, headers and bodies.

use bytes::Bytes;
use fastrand::Rng;
use http::Request;

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"];
const PIECES: [&str; 40] = [
    "a",
    "b",
    "Z",
    "0",
    "~",
    "-",
    "_",
    ".",
    "..",
    "/",
    "//",
    "/./",
    "/../",
    "%20",
    "%2F",
    "%2f",
    "%25",
    "%",
    "%zz",
    "+",
    ":",
    "@",
    "!",
    "$",
    "'",
    "(",
    ")",
    "*",
    ",",
    ";",
    "=",
    "ü",
    "ሴ",
    "%C3%BC",
    "%E1%88%B4",
    "%41",
    "%7e",
    "|",
    "pets",
    "x-y",
];
const QUERY: [&str; 30] = [
    "a",
    "b",
    "B",
    "key",
    "=",
    "=",
    "&",
    "&",
    "&&",
    "+",
    "%20",
    "%2B",
    "/",
    ":",
    "*",
    "'",
    "%2f",
    "%41",
    "ü",
    "%E1%88%B4",
    "~",
    "-",
    ".",
    "%",
    "%zz",
    "(",
    ",",
    "@",
    "list-type=2",
    "prefix=a/b",
];
const NAMES: [&str; 14] = [
    "accept",
    "cache-control",
    "content-type",
    "content-md5",
    "cookie",
    "connection",
    "expect",
    "range",
    "te",
    "user-agent",
    "x-amz-meta-a",
    "x-amz-target",
    "x-amzn-trace-id",
    "x-custom",
];
const VALUES: [&str; 12] = [
    "a",
    "text/plain; charset=utf-8",
    "  two  blanks  ",
    "\"a   b\"",
    "a,b",
    "b, a",
    "",
    "x=1; y=2",
    "tab\tinside",
    "100-continue",
    "DynamoDB_20120810.GetItem",
    "~!@#$%^&*()",
];

fn text(rng: &mut Rng, pieces: &[&str], most: usize) -> String {
    (0..rng.usize(0..=most))
        .map(|_| pieces[rng.usize(0..pieces.len())])
        .collect()
}

/// The next request, with a host.
pub(super) fn request(rng: &mut Rng) -> Request<Bytes> {
    let hosts = [
        "a.example",
        "b.example:8443",
        "search-x.eu-west-1.es.amazonaws.com",
    ];
    let host = hosts[rng.usize(0..hosts.len())];
    let path = text(rng, &PIECES, 12);
    let mut uri = format!("https://{host}/{path}");
    if rng.bool() {
        uri.push('?');
        uri.push_str(&text(rng, &QUERY, 14));
    }
    let mut request = Request::builder()
        .method(METHODS[rng.usize(0..METHODS.len())])
        .uri(uri);
    for _ in 0..rng.usize(0..8) {
        let value = VALUES[rng.usize(0..VALUES.len())];
        request = request.header(NAMES[rng.usize(0..NAMES.len())], value);
    }
    let body: Vec<u8> = (0..rng.usize(0..200)).map(|_| rng.u8(..)).collect();
    request.body(Bytes::from(body)).unwrap()
}
