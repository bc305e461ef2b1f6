//! Secrets leave a trace only as asterisks.

use std::borrow::Cow;

use http::header::HeaderName;
use http::{HeaderMap, Uri};

use crate::trace::step::{Step, Values};

/// Values shorter than this show nothing of themselves.
const LONG: usize = 32;

/// How much of a long one is shown, as in API Gateway's own logs.
// Observed: the last six characters of `Authorization` are shown.
const SHOWN: usize = 6;

/// Whether the value of a header is one that a log must not hold.
fn is_secret(name: &str) -> bool {
    [
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "x-amz-security-token",
        "x-amz-access-token",
    ]
    .iter()
    .any(|secret| name.eq_ignore_ascii_case(secret))
}

fn is_secret_parameter(name: &str) -> bool {
    [
        "x-amz-signature",
        "x-amz-security-token",
        "access_token",
        "api_key",
        "apikey",
        "token",
        "password",
    ]
    .iter()
    .any(|secret| name.eq_ignore_ascii_case(secret))
}

fn masked(value: &str) -> String {
    let length = value.chars().count();
    let shown = if length < LONG { 0 } else { SHOWN };
    value
        .chars()
        .enumerate()
        .map(|(at, c)| if at + shown < length { '*' } else { c })
        .collect()
}

/// Secrets shorter than this are not looked for in other texts: they would be found everywhere.
const TELLING: usize = 6;

/// What the secret headers of a request hold.
pub(super) fn secrets(headers: &HeaderMap) -> Vec<String> {
    let secret = headers.iter().filter(|(name, _)| is_secret(name.as_str()));
    let mut found = Vec::new();
    for (_, value) in secret {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        // A template may take the scheme off.
        if let Some((_, credentials)) = text.split_once(' ') {
            found.push(credentials.to_owned());
        }
        found.push(text);
    }
    found.retain(|secret| secret.len() >= TELLING);
    // The longer ones first, so that nothing of them stays.
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found
}

/// Masks `secrets` in a step.
pub(super) fn hide(step: &mut Step, secrets: &[String]) {
    for secret in secrets {
        for text in step.texts_mut() {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), &masked(secret));
            }
        }
        if let Some(body) = step.body_mut() {
            body.replace(secret, &masked(secret));
        }
    }
}

/// The values of `name`, masked if it or `source`, the place that they are from, is a secret one.
pub(crate) fn values(name: &str, source: &str, values: &[String]) -> Vec<String> {
    let last = |path: &str| {
        let name = path.rsplit('.').next().unwrap_or_default();
        is_secret(name) || is_secret_parameter(name)
    };
    if last(name) || last(source) {
        values.iter().map(|value| masked(value)).collect()
    } else {
        values.to_vec()
    }
}

/// Headers by name, in their order; `spelled` gives the name of a line as the client wrote it.
pub(crate) fn header_pairs(
    headers: &HeaderMap,
    spelled: impl Fn(&HeaderName, usize) -> Option<String>,
) -> Values {
    let mut pairs = Values::default();
    for name in headers.keys() {
        for (index, value) in headers.get_all(name).iter().enumerate() {
            let text = String::from_utf8_lossy(value.as_bytes());
            let text = if is_secret(name.as_str()) {
                masked(&text)
            } else {
                text.into_owned()
            };
            let name = spelled(name, index).unwrap_or_else(|| name.as_str().to_owned());
            pairs.push(&name, text);
        }
    }
    pairs
}

/// A URI whose secrets in the query are masked.
pub(crate) fn masked_uri(uri: &Uri) -> String {
    let whole = uri.to_string();
    let Some((before, query)) = whole.split_once('?') else {
        return whole;
    };
    let pairs: Vec<Cow<'_, str>> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if is_secret_parameter(name) => {
                Cow::Owned(format!("{name}={}", masked(value)))
            }
            _ => Cow::Borrowed(pair),
        })
        .collect();
    format!("{before}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let long = "AWS4-HMAC-SHA256 Credential=AKID/, Signature=0526de";
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, long.parse().unwrap());
        headers.insert(header::COOKIE, "a=1".parse().unwrap());
        headers.insert(header::ACCEPT, "*/*".parse().unwrap());
        let shown = header_pairs(&headers, |_, _| None);
        let text = format!("{shown:?}");
        assert!(
            text.contains("*0526de") && !text.contains("Credential"),
            "{text}"
        );
        assert!(!text.contains("a=1") && text.contains("*/*"), "{text}");

        let hidden = |name, source| values(name, source, &["secret".to_owned()]);
        let (to, from) = (
            "integration.request.header.x",
            "method.request.header.authorization",
        );
        assert_eq!(hidden(to, from), ["******"]);
        assert_eq!(
            hidden("integration.request.header.X-Api-Key", "'x'"),
            ["******"]
        );
        assert_eq!(
            hidden("integration.request.header.X", "method.request.header.a"),
            ["secret"]
        );
        let uri = "http://b/p?a=1&X-Amz-Signature=abc&token=t"
            .parse()
            .unwrap();
        assert_eq!(
            masked_uri(&uri),
            "http://b/p?a=1&X-Amz-Signature=***&token=*"
        );
    }
}
