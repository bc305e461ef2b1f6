//! The ARN of an AWS integration: `arn:aws:apigateway:{region}:{subdomain.}{service}:path|action/…`.

use crate::aws::services::{self, Service};
use crate::target::Function;

/// What the ARN names, borrowed from it. Its last part may still hold `{parameters}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    pub(crate) partition: &'a str,
    pub(crate) region: &'a str,
    /// A bucket, an account's own host, or nothing.
    pub(crate) subdomain: &'a str,
    pub(crate) service: &'a str,
    pub(crate) kind: Kind,
    /// Behind `path/` or `action/`.
    pub(crate) rest: &'a str,
}

/// How an integration names what it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A path of the service.
    Path,
    /// An action, sent as `?Action=`.
    Action,
}

/// What is wrong with an ARN: AWS's text and what to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ArnError {
    pub(crate) message: &'static str,
    pub(crate) help: &'static str,
}

const INVALID: ArnError = ArnError {
    message: "invalid ARN specified in the request",
    help: "write arn:aws:apigateway:REGION:SERVICE:path/… or :action/…",
};

impl<'a> Address<'a> {
    /// Parses `source`, whose stage variables are filled in.
    // Recorded: T:test_put_integration_validation, T:test_put_integration_aws_proxy_uri
    pub(crate) fn parse(source: &'a str) -> Result<Self, ArnError> {
        let mut parts = source.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (arn, partition, gateway, region, host, resource) =
            (next(), next(), next(), next(), next(), next());
        let is_name = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if arn != "arn"
            || !partition.starts_with("aws")
            || !is_name(partition)
            || resource.is_empty()
        {
            return Err(INVALID);
        }
        let unresourced = ArnError {
            message: "AWS ARN for integration must contain path or action",
            help: if gateway == "lambda" {
                "write arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION-ARN/invocations"
            } else {
                "write arn:aws:apigateway:REGION:SERVICE:path/… or :action/…"
            },
        };
        let (kind, rest) = if let Some(rest) = resource.strip_prefix("path/") {
            (Kind::Path, rest)
        } else if let Some(rest) = resource.strip_prefix("action/") {
            (Kind::Action, rest)
        } else {
            return Err(unresourced);
        };
        // Observed: an action with a blank is an illegal URI to AWS.
        if kind == Kind::Action && (rest.is_empty() || rest.contains(char::is_whitespace)) {
            return Err(ArnError {
                message: "the ARN names no action",
                help: "write the name of the action behind `action/`, without blanks",
            });
        }
        let (subdomain, service) = host.rsplit_once('.').unwrap_or(("", host));
        if gateway != "apigateway" || !is_name(region) || !is_name(service) {
            return Err(INVALID);
        }
        Ok(Self {
            partition,
            region,
            subdomain,
            service,
            kind,
            rest,
        })
    }

    /// What is known of the service.
    pub(crate) fn known(&self) -> Option<&'static Service> {
        services::find(self.subdomain, self.service)
    }

    /// The name to sign under.
    pub(crate) fn signing_name(&self) -> &'a str {
        self.known().map_or(self.service, |known| known.signing)
    }

    /// The region to sign for.
    pub(crate) fn signing_region(&self) -> &'a str {
        match (self.known(), self.partition) {
            (Some(known), "aws-cn") if known.global => "cn-north-1",
            (Some(known), "aws-us-gov") if known.global => "us-gov-west-1",
            (Some(known), _) if known.global => "us-east-1",
            _ => self.region,
        }
    }

    /// The host of the service at AWS.
    pub(crate) fn host(&self) -> String {
        let known = self.known();
        let mut host = String::with_capacity(64);
        let name = known.map_or(self.service, |known| known.host);
        // A row with a subdomain has it in its host.
        if !self.subdomain.is_empty() && known.is_none_or(|known| known.subdomain.is_empty()) {
            host.push_str(self.subdomain);
            host.push('.');
        }
        host.push_str(name);
        if !known.is_some_and(|known| known.global) {
            host.push('.');
            host.push_str(self.region);
        }
        host.push('.');
        host.push_str(self.suffix());
        host
    }

    // AWS: general reference, "AWS service endpoints" — the domains of the partitions.
    fn suffix(&self) -> &'static str {
        match self.partition {
            "aws-cn" => "amazonaws.com.cn",
            "aws-iso" => "c2s.ic.gov",
            "aws-iso-b" => "sc2s.sgov.gov",
            _ => "amazonaws.com",
        }
    }
}

/// `source` with every `${…}` replaced: what a deployment fills in may hold colons and stand for anything.
fn with_placeholders(source: &str, replacement: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((_, after)) = behind.split_once('}') else {
            break;
        };
        out.push_str(before);
        out.push_str(replacement);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether `source` is the ARN of an integration once its `${…}` are filled in, as far as can be told.
pub(crate) fn may_be_address(source: &str) -> bool {
    let Some((start, first)) = source.split_once("${") else {
        return false;
    };
    // "aws" is both a partition and a name.
    if Address::parse(&with_placeholders(source, "aws")).is_ok() {
        return true;
    }
    // CloudFormation's own parameters are one part each, others may hold several.
    if first.starts_with("AWS::") {
        return false;
    }
    let mut parts = start.split(':');
    let last = parts.next_back().unwrap_or_default();
    let before: Vec<&str> = parts.collect();
    let known = ["arn", "aws", "apigateway"];
    let fits = |at: usize, part: &str, whole: bool| match known.get(at) {
        Some(_) if at == 1 => "aws".starts_with(part) || part.starts_with("aws"),
        Some(word) if whole => *word == part,
        Some(word) => word.starts_with(part),
        None => true,
    };
    before
        .iter()
        .enumerate()
        .all(|(at, part)| fits(at, part, true))
        && fits(before.len(), last, false)
        && before.len() < 5
}

/// The address of a function in the path of an integration with Lambda; whether it streams.
// AWS: set-up-lambda-proxy-integrations, response-transfer-mode-lambda. Recorded: a doubled slash in
// front is accepted.
pub(crate) fn function(rest: &str) -> Option<(Function, bool)> {
    let path = rest.trim_start_matches('/');
    let (name, streams) = if let Some(rest) = path.strip_prefix("2021-11-15/functions/") {
        (rest.strip_suffix("/response-streaming-invocations")?, true)
    } else {
        let rest = path.strip_prefix("2015-03-31/functions/")?;
        (rest.strip_suffix("/invocations")?, false)
    };
    let whole = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    if whole.is_empty() || whole.contains('/') {
        return None;
    }
    // `arn:aws:lambda:region:account:function:name:qualifier`, `account:function:name` or `name`.
    let tail = match whole.split_once(":function:") {
        Some((_, tail)) => tail,
        None => &whole,
    };
    let (name, qualifier) = match tail.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (tail, None),
    };
    let mut function = Function::new(name, &*whole);
    function.qualifier = qualifier.map(str::to_owned);
    Some((function, streams))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        for (arn, host, signing, region) in [
            (
                "arn:aws:apigateway:eu-west-1:dynamodb:action/Query",
                "dynamodb.eu-west-1.amazonaws.com",
                "dynamodb",
                "eu-west-1",
            ),
            (
                "arn:aws:apigateway:us-east-1:my.bucket.s3:path/{key}",
                "my.bucket.s3.us-east-1.amazonaws.com",
                "s3",
                "us-east-1",
            ),
            (
                "arn:aws-cn:apigateway:cn-north-1:sqs:path/1/q",
                "sqs.cn-north-1.amazonaws.com.cn",
                "sqs",
                "cn-north-1",
            ),
            (
                "arn:aws-us-gov:apigateway:us-gov-east-1:kinesis:action/ListStreams",
                "kinesis.us-gov-east-1.amazonaws.com",
                "kinesis",
                "us-gov-east-1",
            ),
            (
                "arn:aws:apigateway:eu-west-1:iam:action/ListUsers",
                "iam.amazonaws.com",
                "iam",
                "us-east-1",
            ),
            (
                "arn:aws:apigateway:eu-west-1:data.iot:path/topics/x",
                "data.iot.eu-west-1.amazonaws.com",
                "iotdata",
                "eu-west-1",
            ),
            (
                "arn:aws:apigateway:eu-west-1:runtime.sagemaker:path/endpoints/e/invocations",
                "runtime.sagemaker.eu-west-1.amazonaws.com",
                "sagemaker",
                "eu-west-1",
            ),
            (
                "arn:aws:apigateway:eu-west-1:abc123.appsync-api:path/graphql",
                "abc123.appsync-api.eu-west-1.amazonaws.com",
                "appsync",
                "eu-west-1",
            ),
            (
                "arn:aws:apigateway:eu-west-1:unheard-of:path/x",
                "unheard-of.eu-west-1.amazonaws.com",
                "unheard-of",
                "eu-west-1",
            ),
        ] {
            let address = Address::parse(arn).unwrap();
            assert_eq!(address.host(), host, "{arn}");
            assert_eq!(address.signing_name(), signing, "{arn}");
            assert_eq!(address.signing_region(), region, "{arn}");
        }
    }

    #[test]
    fn mistakes_have_awss_texts() {
        let message = |arn: &str| Address::parse(arn).unwrap_err().message;
        for arn in [
            "",
            "bad-arn:lambda",
            "arn:aws:apigateway:eu-west-1:lambda",
            "arn:aws:apigateway::lambda:path/x",
            "arn:aws:apigateway:eu-west-1:a/b:path/x",
            "arn:aws:s3:::path/x",
        ] {
            assert_eq!(message(arn), INVALID.message, "{arn}");
        }
        for arn in [
            "arn:aws:lambda:us-east-1:1:function:f",
            "arn:aws:apigateway:us-east-1:lambda:test/x",
            "arn:aws:iam::111111111111:role/r",
        ] {
            assert!(message(arn).contains("path or action"), "{arn}");
        }
        assert!(message("arn:aws:apigateway:r:sns:action/List Topics").contains("no action"));
    }

    #[test]
    fn functions_are_named() {
        let arn = "arn:aws:lambda:us-east-1:111111111111:function:worker";
        for (rest, name, qualifier, streams) in [
            (
                format!("2015-03-31/functions/{arn}/invocations"),
                "worker",
                None,
                false,
            ),
            (
                format!("/2015-03-31/functions/{arn}:live/invocations"),
                "worker",
                Some("live"),
                false,
            ),
            (
                "2015-03-31/functions/worker/invocations".into(),
                "worker",
                None,
                false,
            ),
            (
                "2015-03-31/functions/worker:7/invocations".into(),
                "worker",
                Some("7"),
                false,
            ),
            (
                format!(
                    "2021-11-15/functions/{}/response-streaming-invocations",
                    arn.replace(':', "%3A")
                ),
                "worker",
                None,
                true,
            ),
        ] {
            let (function, is_streaming) = function(&rest).unwrap();
            assert_eq!(function.name, name, "{rest}");
            assert_eq!(function.qualifier.as_deref(), qualifier, "{rest}");
            assert_eq!(is_streaming, streams, "{rest}");
        }
        for rest in [
            "",
            "2015-03-31/functions//invocations",
            "2015-03-31/functions/f",
            "layers/f",
        ] {
            assert_eq!(function(rest), None, "{rest}");
        }
    }

    #[test]
    fn what_a_deployment_fills_in_stands_for_any_part() {
        for (source, expected) in [
            (
                "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${F.Arn}/invocations",
                true,
            ),
            (
                "arn:${AWS::Partition}:apigateway:${AWS::Region}:sqs:action/SendMessage",
                true,
            ),
            ("arn:aws:apigateway:us-east-1:${Service}:path/x", true),
            ("${Uri}", true),
            ("arn:${Rest}", true),
            ("arn:aws:api${Rest}", true),
            ("http://${Host}/", false),
            ("arn:aws:lambda:${AWS::Region}:1:function:f", false),
            (
                "arn:aws:apigateway:${AWS::Region}:lambda:functions/${F}",
                false,
            ),
            ("arn:aws:apigateway:us-east-1:lambda:functions/${F}", false),
            ("arn:aws:apigateway:us-east-1:lambda:path/x", false),
        ] {
            assert_eq!(may_be_address(source), expected, "{source}");
        }
        assert_eq!(with_placeholders("a${b:c}d${e", "x"), "axd${e");
    }
}
