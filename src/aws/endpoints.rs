//! Where the services of AWS are.

use std::collections::BTreeMap;
use std::fmt;

use http::Uri;

use crate::aws::address::{Address, Kind};
use crate::target::has_valid_port;

/// Where the services of AWS are: at AWS, or at URLs of your own for all or for some of them.
///
/// An address of your own is what moto, LocalStack, `cargo lambda` or a VPC endpoint listen on. It
/// may have a path, which stands before every request's.
///
/// ```
/// use tower_apigw::aws::Endpoints;
///
/// let endpoints = Endpoints::from_variables([
///     ("AWS_ENDPOINT_URL", "http://127.0.0.1:5000"),
///     ("AWS_ENDPOINT_URL_LAMBDA", "http://127.0.0.1:9000"),
///     ("HOME", "/root"),
/// ])?;
/// assert_eq!(endpoints, Endpoints::new().all("http://127.0.0.1:5000")?.service("lambda", "http://127.0.0.1:9000")?);
/// assert!(Endpoints::new().all("127.0.0.1:5000").is_err());
/// # Ok::<_, tower_apigw::aws::EndpointError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Endpoints {
    all: Option<String>,
    services: BTreeMap<String, String>,
}

/// An endpoint that is no URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointError {
    name: String,
    url: String,
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the endpoint of {} is {:?}, which is no URL such as http://127.0.0.1:4566",
            self.name, self.url
        )
    }
}

impl std::error::Error for EndpointError {}

const VARIABLE: &str = "AWS_ENDPOINT_URL";

impl Endpoints {
    /// The endpoints of AWS.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets where all services are that have no address of their own.
    ///
    /// # Errors
    /// `url` is not an absolute `http` or `https` URL without a query.
    pub fn all(mut self, url: impl AsRef<str>) -> Result<Self, EndpointError> {
        self.all = Some(base("AWS", url.as_ref())?);
        Ok(self)
    }

    /// Sets where one service is, by its name in ARNs (`states`) or in AWS's SDKs (`sfn`).
    ///
    /// # Errors
    /// `url` is not an absolute `http` or `https` URL without a query.
    pub fn service(
        mut self,
        name: impl AsRef<str>,
        url: impl AsRef<str>,
    ) -> Result<Self, EndpointError> {
        let url = base(name.as_ref(), url.as_ref())?;
        self.services.insert(key(name.as_ref()), url);
        Ok(self)
    }

    /// What the variables of an environment say: `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`
    /// and `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`; empty ones say nothing.
    ///
    /// # Errors
    /// The first variable that holds no URL.
    // AWS: SDKs and tools reference guide, "Service-specific endpoints".
    pub fn from_variables<K, V>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, EndpointError>
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        let mut endpoints = Self::new();
        let mut ignored = false;
        for (name, value) in variables {
            let (name, value) = (name.as_ref(), value.as_ref());
            if name == "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" {
                ignored = value.eq_ignore_ascii_case("true");
            }
            let Some(rest) = name.strip_prefix(VARIABLE).filter(|_| !value.is_empty()) else {
                continue;
            };
            if rest.is_empty() {
                endpoints = endpoints.all(value)?;
            } else if let Some(service) = rest.strip_prefix('_').filter(|name| !name.is_empty()) {
                endpoints = endpoints.service(service, value)?;
            }
        }
        Ok(if ignored { Self::new() } else { endpoints })
    }

    /// The URL of what an ARN names, with its `{parameters}`.
    pub(crate) fn url(&self, address: &Address<'_>) -> String {
        let mut url = match self.override_of(address) {
            Some(base) => {
                let mut url = base.to_owned();
                // Chosen: a bucket in front of the host cannot be reached at an address such as
                // 127.0.0.1, so that it goes into the path.
                if address.service == "s3" && !address.subdomain.is_empty() {
                    url.push('/');
                    url.push_str(address.subdomain);
                }
                url
            }
            None => format!("https://{}", address.host()),
        };
        match address.kind {
            Kind::Action => url.push_str("/?Action="),
            Kind::Path => url.push('/'),
        }
        let rest = match address.service {
            "lambda" => address.rest.trim_start_matches('/'),
            _ => address.rest,
        };
        url.push_str(rest);
        url
    }

    fn override_of(&self, address: &Address<'_>) -> Option<&str> {
        let by_sdk = || {
            let known = address.known()?;
            self.services.get(&key(known.sdk))
        };
        let own = self.services.get(&key(address.service)).or_else(by_sdk);
        own.or(self.all.as_ref()).map(String::as_str)
    }
}

/// Names are compared by their letters and digits.
fn key(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

fn base(name: &str, url: &str) -> Result<String, EndpointError> {
    let uri = url.parse::<Uri>().ok();
    let valid = uri.as_ref().is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.authority().is_some_and(has_valid_port)
            && uri.query().is_none()
            && !url.contains(['{', '}', '$', '#', '@'])
    });
    if !valid {
        // A password in a URL must not reach a log.
        let shown = match url.rsplit_once('@') {
            Some((_, host)) => format!("…@{host}"),
            None => url.to_owned(),
        };
        return Err(EndpointError {
            name: name.to_owned(),
            url: shown,
        });
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(endpoints: &Endpoints, arn: &str) -> String {
        endpoints.url(&Address::parse(arn).unwrap())
    }

    #[test]
    fn urls_of_actions_and_paths() {
        let aws = Endpoints::new();
        let own = Endpoints::new()
            .all("http://127.0.0.1:5000/")
            .unwrap()
            .service("SFN", "http://flow:1/x")
            .unwrap();
        for (arn, at_aws, at_own) in [
            (
                "arn:aws:apigateway:us-east-1:sns:action/Publish&Version=1",
                "https://sns.us-east-1.amazonaws.com/?Action=Publish&Version=1",
                "http://127.0.0.1:5000/?Action=Publish&Version=1",
            ),
            (
                "arn:aws:apigateway:us-east-1:{bucket}.s3:path/{key}?acl",
                "https://{bucket}.s3.us-east-1.amazonaws.com/{key}?acl",
                "http://127.0.0.1:5000/{bucket}/{key}?acl",
            ),
            (
                "arn:aws:apigateway:us-east-1:states:action/StartExecution",
                "https://states.us-east-1.amazonaws.com/?Action=StartExecution",
                "http://flow:1/x/?Action=StartExecution",
            ),
            (
                "arn:aws:apigateway:us-east-1:lambda:path//2015-03-31/functions/f/invocations",
                "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/f/invocations",
                "http://127.0.0.1:5000/2015-03-31/functions/f/invocations",
            ),
        ] {
            assert_eq!(url(&aws, arn), at_aws);
            assert_eq!(url(&own, arn), at_own);
        }
    }

    #[test]
    fn variables_may_be_ignored_and_must_be_urls() {
        let variables = [
            ("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://events:1"),
            ("AWS_ENDPOINT_URL", ""),
        ];
        let endpoints = Endpoints::from_variables(variables).unwrap();
        let arn = "arn:aws:apigateway:us-east-1:events:action/PutEvents";
        assert_eq!(url(&endpoints, arn), "http://events:1/?Action=PutEvents");
        let ignored = [
            variables[0],
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE"),
        ];
        assert_eq!(Endpoints::from_variables(ignored), Ok(Endpoints::new()));
        for wrong in [
            "localhost:1",
            "ftp://h",
            "http://",
            "http://h/?q",
            "http://h:99999",
            "http://u:secret@h",
        ] {
            let error = Endpoints::from_variables([("AWS_ENDPOINT_URL", wrong)]).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
