//! Brings the target and the host of a request into the form that is signed.

use http::request::Parts;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Uri, Version, header};

use crate::signing::{ServiceRules, SigningError, path, query};

/// Rewrites path and query where implementations would disagree about them.
pub(super) fn normalize(head: &mut Parts, rules: &ServiceRules) -> Result<(), SigningError> {
    let new_path = path::to_send(head.uri.path(), rules);
    let new_query = head.uri.query().and_then(query::to_send);
    if new_path.is_none() && new_query.is_none() {
        return Ok(());
    }
    let path = new_path.as_deref().unwrap_or_else(|| head.uri.path());
    let query = new_query.as_deref().or_else(|| head.uri.query());
    let target = match query {
        Some(query) if !query.is_empty() => format!("{path}?{query}"),
        _ => path.to_owned(),
    };
    replace(&mut head.uri, target)
}

pub(super) fn replace_query(uri: &mut Uri, query: &str) -> Result<(), SigningError> {
    let target = match query {
        "" => uri.path().to_owned(),
        query => format!("{}?{query}", uri.path()),
    };
    replace(uri, target)
}

fn replace(uri: &mut Uri, target: String) -> Result<(), SigningError> {
    let too_long = |_| SigningError::new("the request has a target that cannot be written anew");
    let target = PathAndQuery::from_maybe_shared(bytes::Bytes::from(target)).map_err(too_long)?;
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(target);
    *uri = Uri::from_parts(parts)
        .map_err(|_| SigningError::new("the request has a target that cannot be written anew"))?;
    Ok(())
}

/// The host that the service will see. Where it comes from the URI it is put into the header that
/// HTTP/1 sends.
pub(super) fn host(head: &mut Parts) -> Result<HeaderValue, SigningError> {
    if let Some(host) = head.headers.get(header::HOST) {
        return Ok(host.clone());
    }
    let none = SigningError::new("the request has neither a host header nor a host in its URI");
    let authority = head.uri.authority().ok_or(none)?;
    // A client of HTTP/2 sends it as it stands.
    let as_is = head.version >= Version::HTTP_2;
    let usual = match head.uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => authority.port_u16() == Some(443),
        Some(scheme) if *scheme == Scheme::HTTP => authority.port_u16() == Some(80),
        _ => false,
    };
    let text = authority.as_str();
    let host = match text.rsplit_once('@') {
        _ if usual && !as_is => authority.host(),
        Some((_, host)) => host,
        None => text,
    };
    let host = HeaderValue::from_str(host)
        .map_err(|_| SigningError::new("the host of the URI cannot stand in a header"))?;
    if !as_is {
        head.headers.insert(header::HOST, host.clone());
    }
    Ok(host)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn hosts() {
        for (uri, version, expected) in [
            ("https://a.example:443/", Version::HTTP_11, "a.example"),
            ("http://a.example:443/", Version::HTTP_11, "a.example:443"),
            ("https://a.example:443/", Version::HTTP_2, "a.example:443"),
            ("https://u:p@a.example/", Version::HTTP_11, "a.example"),
            ("http://[::1]:9000/", Version::HTTP_11, "[::1]:9000"),
        ] {
            let request = Request::get(uri).version(version).body(()).unwrap();
            let mut head = request.into_parts().0;
            assert_eq!(host(&mut head).unwrap(), expected, "{uri}");
            let in_header = head.headers.contains_key("host");
            assert_eq!(in_header, version == Version::HTTP_11, "{uri}");
        }
        let mut head = Request::get("/").body(()).unwrap().into_parts().0;
        assert!(host(&mut head).is_err());
        head.headers.insert("host", HeaderValue::from_static("b"));
        assert_eq!(host(&mut head).unwrap(), "b");
    }
}
