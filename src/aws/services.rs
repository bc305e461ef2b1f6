//! The services of AWS as data: hosts, names to sign under, protocols.

/// How a service is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Parameters as a form or a query, with `Action`.
    Query,
    /// JSON under `X-Amz-Target`, `application/x-amz-json-1.0`.
    Json10,
    /// The same, `application/x-amz-json-1.1`.
    Json11,
    /// Methods and paths.
    Rest,
}

impl Protocol {
    /// What a body is when nothing else was said.
    // Chosen: for actions; a path gets `application/json`, as rest.md 3.2 guesses of AWS.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 => "application/x-amz-json-1.1",
            Self::Query | Self::Rest => "application/json",
        }
    }
}

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// What stands in front of the last dot of the ARN's service, for the rows that need it.
    pub(crate) subdomain: &'static str,
    /// The service of the ARN.
    pub(crate) name: &'static str,
    /// The host without region and domain.
    pub(crate) host: &'static str,
    pub(crate) signing: &'static str,
    /// What `AWS_ENDPOINT_URL_…` calls it.
    pub(crate) sdk: &'static str,
    pub(crate) protocol: Protocol,
    /// What stands before the action in `X-Amz-Target`.
    pub(crate) target: &'static str,
    /// Whether API Gateway adds `X-Amz-Target` to an action.
    pub(crate) adds_target: bool,
    /// One endpoint for the whole partition.
    pub(crate) global: bool,
}

const BASE: Service = Service {
    subdomain: "",
    name: "",
    host: "",
    signing: "",
    sdk: "",
    protocol: Protocol::Rest,
    target: "",
    adds_target: false,
    global: false,
};

const fn row(name: &'static str, sdk: &'static str, protocol: Protocol) -> Service {
    Service {
        name,
        host: name,
        signing: name,
        sdk,
        protocol,
        ..BASE
    }
}

const fn json10(name: &'static str, sdk: &'static str, target: &'static str) -> Service {
    Service {
        target,
        ..row(name, sdk, Protocol::Json10)
    }
}

const fn json11(name: &'static str, sdk: &'static str, target: &'static str) -> Service {
    Service {
        target,
        ..row(name, sdk, Protocol::Json11)
    }
}

const fn query(name: &'static str, sdk: &'static str) -> Service {
    row(name, sdk, Protocol::Query)
}

const fn rest(name: &'static str, sdk: &'static str) -> Service {
    row(name, sdk, Protocol::Rest)
}

/// Under another name than that of its host.
const fn signed(signing: &'static str, service: Service) -> Service {
    Service { signing, ..service }
}

const fn global(service: Service) -> Service {
    Service {
        global: true,
        ..service
    }
}

/// With `X-Amz-Target` of API Gateway's.
// Observed O:28661298047 (DynamoDB). Recorded: T:test_apigateway_to_kinesis,
// T:test_apigateway_with_step_function_integration. `events` wants it mapped, recorded by
// T:test_apigateway_to_eventbridge; Chosen: so do all others, about which nothing is known.
const fn targeted(service: Service) -> Service {
    Service {
        adds_target: true,
        ..service
    }
}

/// A row for one subdomain of a service.
const fn under(subdomain: &'static str, host: &'static str, service: Service) -> Service {
    Service {
        subdomain,
        host,
        ..service
    }
}

// AWS: the service models' `endpointPrefix`, `signingName`, `serviceId`, `protocol`, `targetPrefix`.
#[rustfmt::skip]
const TABLE: &[Service] = &[
    targeted(json10("dynamodb", "DYNAMODB", "DynamoDB_20120810")),
    under("streams", "streams.dynamodb", json10("dynamodb", "DYNAMODB_STREAMS", "DynamoDBStreams_20120810")),
    targeted(json11("kinesis", "KINESIS", "Kinesis_20131202")),
    json11("firehose", "FIREHOSE", "Firehose_20150804"),
    targeted(json10("states", "SFN", "AWSStepFunctions")),
    json11("events", "EVENTBRIDGE", "AWSEvents"),
    query("sqs", "SQS"),
    query("sns", "SNS"),
    // Recorded: T:test_ssm_aws_integration — the Query protocol, and the body has no meaning.
    query("ssm", "SSM"),
    rest("s3", "S3"),
    rest("lambda", "LAMBDA"),
    rest("execute-api", "APIGATEWAYMANAGEMENTAPI"),
    signed("appsync", rest("appsync-api", "APPSYNC")),
    rest("appsync", "APPSYNC"),
    json11("secretsmanager", "SECRETS_MANAGER", "secretsmanager"),
    json11("kms", "KMS", "TrentService"),
    json11("logs", "CLOUDWATCH_LOGS", "Logs_20140328"),
    query("monitoring", "CLOUDWATCH"),
    json11("cognito-idp", "COGNITO_IDENTITY_PROVIDER", "AWSCognitoIdentityProviderService"),
    json11("cognito-identity", "COGNITO_IDENTITY", "AWSCognitoIdentityService"),
    signed("ses", query("email", "SES")),
    query("sts", "STS"),
    global(query("iam", "IAM")),
    query("ec2", "EC2"),
    query("autoscaling", "AUTO_SCALING"),
    query("cloudformation", "CLOUDFORMATION"),
    query("elasticache", "ELASTICACHE"),
    query("elasticbeanstalk", "ELASTIC_BEANSTALK"),
    query("elasticloadbalancing", "ELASTIC_LOAD_BALANCING_V2"),
    query("rds", "RDS"),
    query("redshift", "REDSHIFT"),
    json11("redshift-data", "REDSHIFT_DATA", "RedshiftData"),
    rest("rds-data", "RDS_DATA"),
    global(rest("route53", "ROUTE_53")),
    global(rest("cloudfront", "CLOUDFRONT")),
    rest("iot", "IOT"),
    under("data", "data.iot", signed("iotdata", rest("iot", "IOT_DATA_PLANE"))),
    // An account's own endpoint, `<id>-ats.iot`, speaks the data plane too.
    rest("batch", "BATCH"),
    json11("ecs", "ECS", "AmazonEC2ContainerServiceV20141113"),
    under("api", "api.ecr", json11("ecr", "ECR", "AmazonEC2ContainerRegistry_V20150921")),
    json11("glue", "GLUE", "AWSGlue"),
    json11("athena", "ATHENA", "AmazonAthena"),
    json11("codebuild", "CODEBUILD", "CodeBuild_20161006"),
    json11("codecommit", "CODECOMMIT", "CodeCommit_20150413"),
    json11("codedeploy", "CODEDEPLOY", "CodeDeploy_20141006"),
    json11("codepipeline", "CODEPIPELINE", "CodePipeline_20150709"),
    json11("comprehend", "COMPREHEND", "Comprehend_20171127"),
    json11("rekognition", "REKOGNITION", "RekognitionService"),
    json11("textract", "TEXTRACT", "Textract"),
    json11("transcribe", "TRANSCRIBE", "Transcribe"),
    json11("translate", "TRANSLATE", "AWSShineFrontendService_20170701"),
    rest("polly", "POLLY"),
    signed("lex", under("runtime", "runtime.lex", rest("lex", "LEX_RUNTIME_SERVICE"))),
    signed("sagemaker", under("runtime", "runtime.sagemaker", rest("sagemaker", "SAGEMAKER_RUNTIME"))),
    under("api", "api.sagemaker", json11("sagemaker", "SAGEMAKER", "SageMaker")),
    signed("bedrock", rest("bedrock-runtime", "BEDROCK_RUNTIME")),
    signed("bedrock", rest("bedrock-agent-runtime", "BEDROCK_AGENT_RUNTIME")),
    signed("mobiletargeting", rest("pinpoint", "PINPOINT")),
    rest("apigateway", "API_GATEWAY"),
    rest("scheduler", "SCHEDULER"),
    rest("pipes", "PIPES"),
    rest("xray", "XRAY"),
    rest("es", "ELASTICSEARCH_SERVICE"),
    rest("elasticfilesystem", "EFS"),
    json11("acm", "ACM", "CertificateManager"),
    json11("cloudtrail", "CLOUDTRAIL", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"),
    json11("config", "CONFIG_SERVICE", "StarlingDoveService"),
    json10("swf", "SWF", "SimpleWorkflowService"),
    json11("wafv2", "WAFV2", "AWSWAF_20190729"),
    json11("servicediscovery", "SERVICEDISCOVERY", "Route53AutoNaming_v20170314"),
    under("ingest.timestream", "ingest.timestream", signed("timestream", json10("timestream", "TIMESTREAM_WRITE", "Timestream_20181101"))),
    under("query.timestream", "query.timestream", signed("timestream", json10("timestream", "TIMESTREAM_QUERY", "Timestream_20181101"))),
];

/// The row of a service: the one for the subdomain, else the one for the name.
pub(crate) fn find(subdomain: &str, name: &str) -> Option<&'static Service> {
    let of_name = || TABLE.iter().filter(|row| row.name == name);
    of_name()
        .find(|row| !row.subdomain.is_empty() && row.subdomain == subdomain)
        .or_else(|| of_name().find(|row| row.subdomain.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rows_are_sound() {
        let mut seen = BTreeSet::new();
        for row in TABLE {
            assert!(seen.insert((row.subdomain, row.name)), "{} twice", row.name);
            let json = matches!(row.protocol, Protocol::Json10 | Protocol::Json11);
            assert_eq!(json, !row.target.is_empty(), "{}", row.name);
            assert!(json || !row.adds_target, "{}", row.name);
            assert!(
                row.sdk
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'),
                "{}",
                row.sdk
            );
            assert_eq!(find(row.subdomain, row.name), Some(row));
        }
        assert_eq!(find("", "unheard-of"), None);
        assert_eq!(find("a-bucket", "s3").map(|row| row.name), Some("s3"));
        assert_eq!(find("", "sagemaker"), None);
    }
}
