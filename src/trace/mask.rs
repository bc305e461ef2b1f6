//! Secrets leave a trace only as asterisks.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::HeaderName;
use http::{HeaderMap, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::trace::step::{Step, Values};

/// Values shorter than this show nothing of themselves.
const LONG: usize = 32;

/// How much of a long one is shown, as in API Gateway's own logs.
// Observed: the last six characters of `Authorization` are shown.
const SHOWN: usize = 6;

/// Whether a header or a parameter is one whose value a log must not hold.
fn is_secret(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "api-key",
        "apikey",
        "api_key",
        "code",
        "id_token",
        "jwt",
        "passwd",
        "password",
        "pwd",
        "secret",
        "sig",
        "signature",
        "token",
        "x-amz-credential",
        "x-amz-signature",
    ];
    const ENDS: &[&str] = &[
        "-token",
        "_token",
        "-secret",
        "_secret",
        "-api-key",
        "_api_key",
        "-password",
    ];
    let ends_with = |end: &&str| {
        let at = name.len().checked_sub(end.len());
        at.and_then(|at| name.get(at..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret)) || ENDS.iter().any(ends_with)
}

fn is_authorization(name: &str) -> bool {
    name.eq_ignore_ascii_case("authorization")
}

/// The value of `name` in asterisks, as many as it has characters.
fn masked(name: &str, value: &str) -> String {
    let length = value.chars().count();
    let shown = match is_authorization(name) && length >= LONG {
        true => SHOWN,
        false => 0,
    };
    value
        .chars()
        .enumerate()
        .map(|(at, c)| if at + shown < length { '*' } else { c })
        .collect()
}

/// Secrets shorter than this are not looked for inside other texts: they would be found everywhere.
pub(super) const TELLING: usize = 6;

/// A value that must not be shown, and what stands in its place.
#[derive(Clone)]
pub(super) struct Secret {
    text: String,
    mask: String,
}

/// What is to be masked, the longer ones first, so that nothing of them stays.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<Secret>);

impl Secrets {
    /// Adds what the secret headers of a message hold.
    pub(super) fn of_headers(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            let name = name.as_str();
            if !is_secret(name) {
                continue;
            }
            let text = String::from_utf8_lossy(value.as_bytes());
            if name.eq_ignore_ascii_case("cookie") || name.eq_ignore_ascii_case("set-cookie") {
                for pair in text.split(';') {
                    if let Some((_, value)) = pair.split_once('=') {
                        self.add(name, value.trim());
                    }
                }
            } else if let Some((_, credentials)) = text.split_once(' ') {
                // A template may take the scheme off, and take `Basic` apart.
                self.add(name, credentials);
                if let Some(pair) = STANDARD
                    .decode(credentials.trim())
                    .ok()
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                {
                    if let Some((_, password)) = pair.split_once(':') {
                        self.add("", password);
                    }
                    self.add("", &pair);
                }
            }
            self.add(name, &text);
        }
        self.sort();
    }

    /// Adds what the secret parameters of a query hold.
    pub(super) fn of_query(&mut self, query: &str) {
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if is_secret(&name) {
                self.add(&name, &value);
            }
        }
        for pair in query.split('&') {
            if let Some((name, value)) = pair.split_once('=')
                && is_secret(name)
            {
                self.add(name, value);
            }
        }
        self.sort();
    }

    /// A value, and the forms that mappings and templates give it.
    fn add(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let json = serde_json::Value::from(text).to_string();
        let forms = [
            text.to_owned(),
            utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
            utf8_percent_encode(text, RESERVED).to_string(),
            form_urlencoded::byte_serialize(text.as_bytes()).collect(),
            json.trim_matches('"').to_owned(),
            // As `$util.escapeJavaScript` has it.
            json.trim_matches('"')
                .replace('/', "\\/")
                .replace('\'', "\\'"),
            STANDARD.encode(text),
            URL_SAFE_NO_PAD.encode(text),
        ];
        for (index, form) in forms.into_iter().enumerate() {
            let known = self.0.iter().any(|known| known.text == form);
            if known || (index > 0 && form.len() < TELLING) {
                continue;
            }
            let mask = masked(if index == 0 { name } else { "" }, &form);
            self.0.push(Secret { text: form, mask });
        }
    }

    fn sort(&mut self) {
        self.0
            .sort_by_key(|secret| std::cmp::Reverse(secret.text.len()));
    }

    /// Masks them in a step.
    pub(super) fn hide(&self, step: &mut Step) {
        for Secret { text: secret, mask } in &self.0 {
            for text in step.texts_mut() {
                if secret.len() < TELLING {
                    if *text == *secret {
                        text.clone_from(mask);
                    }
                } else if text.contains(secret.as_str()) {
                    *text = text.replace(secret.as_str(), mask);
                }
            }
            if secret.len() >= TELLING
                && let Some(body) = step.body_mut()
            {
                body.replace(secret, mask);
            }
        }
    }
}

/// What a request target encodes at least.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The values of `name`, masked if it or `source`, the place that they are from, is a secret one.
pub(crate) fn values(name: &str, source: &str, values: &[String]) -> Vec<String> {
    fn last(path: &str) -> &str {
        path.rsplit('.').next().unwrap_or_default()
    }
    let secret = [name, source]
        .map(last)
        .into_iter()
        .find(|it| is_secret(it));
    if let Some(name) = secret {
        values.iter().map(|value| masked(name, value)).collect()
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
                masked(name.as_str(), &text)
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
            Some((name, value)) if is_secret(name) => {
                Cow::Owned(format!("{name}={}", masked(name, value)))
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
