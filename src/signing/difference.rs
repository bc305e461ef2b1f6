//! Where the canonical request of a service differs from the one that was signed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The canonical request that a service put into its answer, if it did: in `CanonicalRequest`, as
/// S3 does, or in the text of its message.
pub fn canonical_request_of(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?;
    if let Some(inside) = between(text, "<CanonicalRequest>", "</CanonicalRequest>") {
        return Some(unescape(inside));
    }
    const BEGIN: &str = "Canonical String for this request should have been";
    let from = text.find(BEGIN)?;
    let text = if text.trim_start().starts_with('{') {
        message(text)?
    } else {
        unescape(text.get(from..)?)
    };
    let quoted = text.get(text.find(BEGIN)? + BEGIN.len()..)?;
    let start = quoted.find('\'')? + 1;
    let quoted = quoted.get(start..)?;
    // A header may hold a quote; the hash behind it does not.
    let end = quoted
        .find("\n\nThe String-to-Sign")
        .unwrap_or(quoted.len());
    Some(
        quoted
            .get(..end)?
            .trim_end()
            .trim_end_matches('\'')
            .to_owned(),
    )
}

fn message(json: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(json).ok()?;
    let object = value.as_object()?;
    let message = object.get("message").or_else(|| object.get("Message"))?;
    message.as_str().map(str::to_owned)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let inside = text.get(text.find(start)? + start.len()..)?;
    inside.get(..inside.find(end)?)
}

/// The entities that XML knows without being told.
fn unescape(text: &str) -> String {
    const ENTITIES: [(&str, &str); 8] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
        ("&#10;", "\n"),
        ("&#xA;", "\n"),
        ("&#xa;", "\n"),
    ];
    let mut out = text.replace("&#13;", "").replace("&#xD;", "");
    for (entity, meaning) in ENTITIES {
        out = out.replace(entity, meaning);
    }
    out.replace("&amp;", "&")
}

/// One thing that two canonical requests say differently. Secrets are left out of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// What: `method`, `path`, `query`, `header x`, `signed headers` or `payload`.
    pub what: String,
    /// What was signed; `None` if it was not there.
    pub ours: Option<String>,
    /// What the service would have signed.
    pub theirs: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |text: &Option<String>| match text {
            Some(text) => format!("{text:?}"),
            None => "nothing".to_owned(),
        };
        let (ours, theirs) = (side(&self.ours), side(&self.theirs));
        write!(f, "{}: signed {ours}, the service has {theirs}", self.what)
    }
}

/// Compares the canonical request that was signed with that of the service. If they are equal, the
/// key is another one: the secret, the day, the region or the service is wrong.
///
/// ```
/// use tower_apigw::signing::differences;
///
/// let ours = b"GET\n/a%20b\n\nhost:a.example\n\nhost\ne3b0";
/// let found = differences(ours, "GET\n/a%2520b\n\nhost:a.example\n\nhost\ne3b0");
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].to_string(), r#"path: signed "/a%20b", the service has "/a%2520b""#);
/// ```
pub fn differences(ours: &[u8], theirs: &str) -> Vec<Difference> {
    let ours = String::from_utf8_lossy(ours);
    let (ours, theirs) = (Sections::of(&ours), Sections::of(theirs));
    let mut out = Vec::new();
    compare(&mut out, "method", ours.method, theirs.method);
    compare(&mut out, "path", ours.path, theirs.path);
    if ours.query != theirs.query {
        let (a, b) = (masked(ours.query), masked(theirs.query));
        compare(&mut out, "query", &a, &b);
    }
    let names: BTreeSet<&str> = ours
        .headers
        .keys()
        .chain(theirs.headers.keys())
        .copied()
        .collect();
    for name in names {
        let (a, b) = (ours.headers.get(name), theirs.headers.get(name));
        if a != b {
            let show = |value: Option<&&str>| value.map(|value| shown(name, value));
            out.push(Difference {
                what: format!("header {name}"),
                ours: show(a),
                theirs: show(b),
            });
        }
    }
    compare(&mut out, "signed headers", ours.signed, theirs.signed);
    compare(&mut out, "payload", ours.payload, theirs.payload);
    out
}

fn compare(out: &mut Vec<Difference>, what: &str, ours: &str, theirs: &str) {
    if ours != theirs {
        out.push(Difference {
            what: what.to_owned(),
            ours: Some(ours.to_owned()),
            theirs: Some(theirs.to_owned()),
        });
    }
}

#[derive(Default)]
struct Sections<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: BTreeMap<&'a str, &'a str>,
    signed: &'a str,
    payload: &'a str,
}

impl<'a> Sections<'a> {
    fn of(text: &'a str) -> Self {
        let mut lines = text.lines();
        let mut next = || lines.next().unwrap_or_default();
        let (method, path, query) = (next(), next(), next());
        let mut headers = BTreeMap::new();
        loop {
            match next() {
                "" => break,
                line => {
                    let (name, value) = line.split_once(':').unwrap_or((line, ""));
                    headers.insert(name, value);
                }
            }
        }
        Self {
            method,
            path,
            query,
            headers,
            signed: next(),
            payload: next(),
        }
    }
}

/// The headers whose values may stand in a log.
const SHOWN: [&str; 12] = [
    "accept",
    "content-encoding",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "host",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-target",
    "x-amz-trailer",
];

fn shown(name: &str, value: &str) -> String {
    if SHOWN.contains(&name) {
        value.to_owned()
    } else {
        format!("({} bytes)", value.len())
    }
}

/// A query without the values of what may be a secret.
fn masked(query: &str) -> String {
    const SECRET: [&str; 7] = [
        "auth",
        "credential",
        "key",
        "password",
        "secret",
        "signature",
        "token",
    ];
    let pieces = query.split('&').map(|piece| match piece.split_once('=') {
        Some((name, value)) => {
            let lower = name.to_ascii_lowercase();
            if SECRET.iter().any(|word| lower.contains(word)) {
                format!("{name}=({} bytes)", value.len())
            } else {
                piece.to_owned()
            }
        }
        None => piece.to_owned(),
    });
    pieces.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANONICAL: &str = "GET\n/a\nx=1&X-Amz-Security-Token=geheim\ncookie:c=geheim\nhost:a\nx-amz-security-token:geheim\n\ncookie;host;x-amz-security-token\ne3b0";

    #[test]
    fn found_in_answers() {
        let xml = format!(
            "<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>{}</CanonicalRequest></Error>",
            CANONICAL.replace('&', "&amp;")
        );
        assert_eq!(canonical_request_of(xml.as_bytes()).unwrap(), CANONICAL);
        let message = format!(
            "The request signature we calculated does not match the signature you provided. \
             Consult the service documentation for details.\n\nThe Canonical String for this \
             request should have been\n'{CANONICAL}'\n\nThe String-to-Sign should have been\n'AWS4'\n"
        );
        let json = serde_json::json!({ "message": message }).to_string();
        assert_eq!(canonical_request_of(json.as_bytes()).unwrap(), CANONICAL);
        let query = format!("<Message>{}</Message>", message.replace('&', "&amp;"));
        assert_eq!(canonical_request_of(query.as_bytes()).unwrap(), CANONICAL);
        assert_eq!(canonical_request_of(b"{\"message\":\"Forbidden\"}"), None);
    }

    #[test]
    fn no_secret_is_shown() {
        let theirs = CANONICAL
            .replace("x=1", "x=2")
            .replace("geheim", "anderes geheim")
            .replace("host:a", "host:b")
            .replace("\ncookie:c=anderes geheim", "");
        let found = differences(CANONICAL.as_bytes(), &theirs);
        let text: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "query: signed \"x=1&X-Amz-Security-Token=(6 bytes)\", the service has \"x=2&X-Amz-Security-Token=(14 bytes)\"",
                "header cookie: signed \"(8 bytes)\", the service has nothing",
                "header host: signed \"a\", the service has \"b\"",
                "header x-amz-security-token: signed \"(6 bytes)\", the service has \"(14 bytes)\"",
            ]
        );
        assert!(differences(CANONICAL.as_bytes(), CANONICAL).is_empty());
        // Whatever comes instead of one.
        assert!(!differences(CANONICAL.as_bytes(), "").is_empty());
    }
}
