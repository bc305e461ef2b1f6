//! The rules: every code that a finding can have.

use crate::diagnostic::Severity;

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The code of its findings, such as `pattern-newline`. It stays what it is from one version to the next.
    pub code: &'static str,
    /// How much a finding matters as a rule; the same mistake may matter less where nothing depends on it.
    pub severity: Severity,
    /// What is wrong, in a few words.
    pub summary: &'static str,
    /// Why it matters and what to do.
    pub help: &'static str,
    /// Where the rule is from: `AWS:` its documentation, `Recorded:` and `Observed:` seen on AWS, `LocalStack:` its code,
    /// `Chosen:` ours.
    pub source: &'static str,
}

impl Rule {
    /// All rules, by subject.
    ///
    /// ```
    /// use tower_apigw::lint::Rule;
    ///
    /// let rule = Rule::find("pattern-newline").unwrap();
    /// assert_eq!(rule.severity.to_string(), "warning");
    /// assert!(Rule::ALL.len() > 50);
    /// ```
    pub const ALL: &'static [Self] = RULES;

    /// The rule with this code.
    pub fn find(code: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.code == code)
    }
}

const fn rule(
    code: &'static str,
    severity: Severity,
    summary: &'static str,
    help: &'static str,
    source: &'static str,
) -> Rule {
    Rule {
        code,
        severity,
        summary,
        help,
        source,
    }
}

const RULES: &[Rule] = &[
    // The document.
    rule(
        "size",
        Severity::Error,
        "the document is larger than 6 MB",
        "API Gateway imports definitions up to 6 MB. Leave out examples, or split the API.",
        "AWS: limits",
    ),
    rule(
        "encoding",
        Severity::Error,
        "the document is not UTF-8",
        "Save the file as UTF-8.",
        "Chosen",
    ),
    rule(
        "syntax",
        Severity::Error,
        "the text is neither JSON nor YAML",
        "The position is where reading came to an end.",
        "Chosen",
    ),
    rule(
        "not-openapi",
        Severity::Error,
        "the text is no OpenAPI document",
        "It begins with `openapi: 3.0.1`, `openapi: 3.1.0` or `swagger: \"2.0\"`. An API inside of a CloudFormation template has to be exported, or read from its `Body`.",
        "Chosen",
    ),
    rule(
        "type",
        Severity::Error,
        "a value has the wrong type, or a required member is missing",
        "An error where the value is needed to serve the operation, a warning where it is left out.",
        "AWS: the OpenAPI specification and api-gateway-swagger-extensions",
    ),
    rule(
        "value",
        Severity::Error,
        "a word or number is none of those allowed",
        "The message lists what is allowed.",
        "AWS: api-gateway-swagger-extensions",
    ),
    rule(
        "reference",
        Severity::Error,
        "a `$ref`, validator or security scheme is not there",
        "An error where the value cannot be read without it. References go into the same document: `#/…`.",
        "AWS: known-issues",
    ),
    rule(
        "duplicate-key",
        Severity::Warning,
        "a key stands twice in one object",
        "The last one counts.",
        "Chosen",
    ),
    rule(
        "yaml-tag",
        Severity::Warning,
        "a YAML tag is ignored",
        "The short forms of CloudFormation functions are known, others are not.",
        "Chosen",
    ),
    rule(
        "unknown-key",
        Severity::Warning,
        "a key has no meaning and is ignored",
        "Often a typing error; the known key that is nearest is suggested.",
        "Chosen",
    ),
    rule(
        "unknown-extension",
        Severity::Warning,
        "an `x-amazon-apigateway-…` extension is not known",
        "It is ignored.",
        "Chosen",
    ),
    rule(
        "intrinsic",
        Severity::Warning,
        "a CloudFormation function stands where a value should",
        "What can be written out is, with `${…}` for what only a deployment knows. Check the document that the deployment gives.",
        "Chosen",
    ),
    rule(
        "placeholder",
        Severity::Warning,
        "a `${…}` is filled in by nothing",
        "Only `${stageVariables.name}` means something to API Gateway.",
        "LocalStack",
    ),
    rule(
        "not-supported",
        Severity::Warning,
        "a part of the document has no effect here",
        "It is read and kept, and nothing follows from it.",
        "Chosen",
    ),
    rule(
        "too-many-findings",
        Severity::Warning,
        "more findings than are kept",
        "1,000 errors and 1,000 warnings are kept.",
        "Chosen",
    ),
    rule(
        "resource",
        Severity::Error,
        "a path cannot be matched with any request",
        "A variable is a whole segment, `{name}`; `{name+}` is the last one.",
        "AWS: api-gateway-swagger-extensions",
    ),
    rule(
        "sibling-variable",
        Severity::Warning,
        "two variables stand below one resource",
        "API Gateway allows one. Give both the same name.",
        "AWS: known-issues",
    ),
    rule(
        "duplicate-route",
        Severity::Error,
        "two operations match the same requests",
        "Remove one of them.",
        "Chosen",
    ),
    rule(
        "no-integration",
        Severity::Warning,
        "an operation has no integration",
        "API Gateway does not deploy an API with such a method.",
        "AWS: how-to-deploy-api",
    ),
    rule(
        "parameter-name",
        Severity::Warning,
        "a parameter has a name that API Gateway does not take",
        "Names are made of letters, digits and `.`, `_`, `$`, `-`, and are unique across path, query and headers.",
        "Recorded: test_method_request_parameters; AWS: request-response-data-mappings",
    ),
    rule(
        "request-model",
        Severity::Error,
        "a model is no JSON schema of draft 4, or cannot be used",
        "API Gateway refuses the deployment or the request.",
        "AWS: models-mappings-models",
    ),
    rule(
        "request-validator",
        Severity::Warning,
        "a validator cannot check what it is asked to",
        "The message says what is not checked.",
        "Chosen",
    ),
    rule(
        "gateway-response-type",
        Severity::Error,
        "there is no gateway response of this type",
        "The message lists the types.",
        "AWS: supported-gateway-response-types",
    ),
    // Where requests go.
    rule(
        "http-method",
        Severity::Error,
        "a backend cannot be called with this method",
        "Write GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS, or ANY for the client's.",
        "AWS: API_PutIntegration",
    ),
    rule(
        "uri",
        Severity::Error,
        "the URI is missing or no URL of a host",
        "A warning when only the stage variables make it wrong: every request then fails.",
        "Recorded: test_put_integration_validation, test_import_with_stage_variables",
    ),
    rule(
        "uri-arn",
        Severity::Warning,
        "API Gateway refuses the ARN",
        "The message is that of API Gateway.",
        "Recorded: test_put_integration_validation, test_put_integration_aws_proxy_uri",
    ),
    rule(
        "uri-port",
        Severity::Warning,
        "a port that API Gateway does not call",
        "80, 443 and 1024 to 65535 are called.",
        "AWS: setup-http-integrations",
    ),
    rule(
        "uri-parameter",
        Severity::Warning,
        "nothing fills a `{name}` of the URI",
        "It goes to the backend as it is. Map `integration.request.path.name`.",
        "LocalStack",
    ),
    rule(
        "lambda-method",
        Severity::Warning,
        "a function is invoked with another method than POST",
        "API Gateway fails with an internal error.",
        "AWS: set-up-lambda-custom-integrations",
    ),
    rule(
        "credentials",
        Severity::Warning,
        "the role is missing or no ARN",
        "Services of AWS other than functions are called with a role only.",
        "Observed: aws-sdk-java#860; LocalStack",
    ),
    rule(
        "timeout",
        Severity::Error,
        "the timeout is out of range",
        "50 to 29000 ms; up to 900000 ms with a raised quota or for streams, which is a warning.",
        "AWS: limits; Observed: the message",
    ),
    rule(
        "integration-type",
        Severity::Warning,
        "the type cannot be served by this version",
        "The operation answers with 501.",
        "Chosen",
    ),
    rule(
        "tls-config",
        Severity::Warning,
        "a part of `tlsConfig` has no effect",
        "Certificates are verified in full.",
        "Chosen",
    ),
    rule(
        "vpc-link",
        Severity::Warning,
        "there are no VPC links here",
        "Requests go to the host of the URI.",
        "Chosen",
    ),
    rule(
        "transfer-mode",
        Severity::Warning,
        "`responseTransferMode` does not fit the rest",
        "STREAM is for proxies, needs the streaming address of a function, and excludes caches.",
        "AWS: response-transfer-mode",
    ),
    rule(
        "buffered",
        Severity::Note,
        "bodies are collected before they go on",
        "Only `http_proxy` without a mapping from the body streams. Up to 10 MB are collected.",
        "AWS: limits; Chosen for http_proxy",
    ),
    rule(
        "proxy-ignored",
        Severity::Warning,
        "a proxy integration ignores a template or mapping",
        "The request and the answer pass as they are; CORS headers, for one, must come from the backend.",
        "AWS: request-response-data-mappings; Recorded: test_lambda_aws_proxy_integration_request_data_mapping",
    ),
    // Mapped parameters.
    rule(
        "mapping-expression",
        Severity::Error,
        "a mapping has a source that is no expression",
        "Write `'text'`, `method.request.…`, `integration.response.…`, `context.…` or `stageVariables.…`.",
        "Recorded; Observed: developer-guide#7",
    ),
    rule(
        "mapping-destination",
        Severity::Error,
        "a mapping goes nowhere",
        "Write `integration.request.header.NAME`, `.querystring.NAME`, `.path.NAME`, or `method.response.header.NAME`.",
        "Observed: apigateway-importer#58",
    ),
    rule(
        "mapping-value",
        Severity::Warning,
        "a mapping or template is no text, and is left out",
        "API Gateway imports the rest.",
        "Recorded: test_apigateway_import",
    ),
    rule(
        "undeclared-parameter",
        Severity::Warning,
        "a mapping reads a parameter that the method does not declare",
        "API Gateway refuses the import with the message shown. Here the mapping works.",
        "Observed: developer-guide#24, aws-cdk#17318",
    ),
    rule(
        "undeclared-header",
        Severity::Warning,
        "a mapping sets a header that the response does not declare",
        "API Gateway refuses the import with the message shown. Here the mapping works.",
        "Observed: apigateway-importer#209",
    ),
    rule(
        "undeclared-status",
        Severity::Warning,
        "an integration response has a status that the method does not declare",
        "On API Gateway such an answer becomes a 500.",
        "Observed: apigateway-importer#121, execution logs",
    ),
    rule(
        "path-parameter",
        Severity::Warning,
        "a mapping reads a variable that the path does not have",
        "The parameter is left out.",
        "Observed: developer-guide#24",
    ),
    rule(
        "static-path",
        Severity::Warning,
        "a static path value is not encoded",
        "API Gateway refuses the import with the message shown.",
        "Observed: sls-apigateway-service-proxy#78",
    ),
    rule(
        "header-value",
        Severity::Error,
        "a static header holds a character that no header can",
        "Remove control characters and line ends.",
        "Chosen",
    ),
    rule(
        "refused-header",
        Severity::Warning,
        "API Gateway sets this header itself",
        "A request that maps it fails with 500.",
        "Recorded: test_apigateway_header_remapping_http, _aws",
    ),
    rule(
        "dropped-header",
        Severity::Warning,
        "this header is never sent to a backend",
        "The mapping has no effect.",
        "Recorded: test_apigateway_header_remapping_http",
    ),
    rule(
        "header-case",
        Severity::Warning,
        "a name is declared with another case",
        "Names of headers and parameters are compared exactly.",
        "AWS: known-issues",
    ),
    rule(
        "header-http2",
        Severity::Note,
        "a header name with capitals is not found in HTTP/2 requests",
        "Clients that speak HTTP/2 send names in lower case, and names are compared exactly.",
        "AWS: known-issues; Chosen",
    ),
    rule(
        "cache-key",
        Severity::Warning,
        "a cache key names a parameter that is not declared",
        "API Gateway refuses the import.",
        "AWS: api-gateway-caching",
    ),
    rule(
        "stage-variable",
        Severity::Warning,
        "something reads a stage variable that the stage does not have",
        "A mapping is left out, a reference in a template prints nothing.",
        "AWS: stage-variables; Recorded: test_invoking_canary_deployment",
    ),
    rule(
        "stage-variable-unused",
        Severity::Warning,
        "nothing reads a stage variable that was given",
        "Perhaps its name is written differently in the document.",
        "Chosen",
    ),
    rule(
        "stage-variable-limit",
        Severity::Warning,
        "API Gateway does not take this stage variable",
        "100 variables; names of 64 letters, digits and `_`; values of 512 letters, digits and `-._~:/?#&=,`.",
        "AWS: limits",
    ),
    rule(
        "context-name",
        Severity::Warning,
        "there is no such variable in `$context`",
        "It prints nothing, or the mapping is left out.",
        "AWS: api-gateway-mapping-template-reference",
    ),
    // Responses.
    rule(
        "responses",
        Severity::Warning,
        "the integration has no responses",
        "Every request ends with 500.",
        "Observed: execution logs",
    ),
    rule(
        "status-code",
        Severity::Error,
        "a status is no status",
        "Three digits, 200 to 599.",
        "Recorded",
    ),
    rule(
        "default-missing",
        Severity::Warning,
        "there is no default response",
        "What no pattern matches ends with 500.",
        "Observed: execution logs",
    ),
    rule(
        "selection-pattern",
        Severity::Error,
        "a pattern is no regular expression of Java",
        "API Gateway fails at run time.",
        "LocalStack",
    ),
    rule(
        "pattern-unreachable",
        Severity::Warning,
        "a pattern is never reached",
        "One that is tried before it matches the same. Patterns are tried by ascending `statusCode`, then in the order written.",
        "Recorded: test_lambda_selection_patterns",
    ),
    rule(
        "pattern-overlap",
        Severity::Warning,
        "two patterns with different statuses match the same",
        "Which is chosen is recorded, not documented.",
        "Recorded: test_lambda_selection_patterns",
    ),
    rule(
        "pattern-never",
        Severity::Warning,
        "a pattern matches no status",
        "HTTP backends and services of AWS are matched by status, in digits.",
        "AWS: api-gateway-integration-settings-integration-response",
    ),
    rule(
        "pattern-status",
        Severity::Warning,
        "a pattern for statuses is matched against an error message",
        "Functions are matched by `errorMessage`; their status is not looked at.",
        "Recorded: test_lambda_selection_patterns",
    ),
    rule(
        "pattern-substring",
        Severity::Warning,
        "a pattern matches one whole message only",
        "The whole message must match: `Error` does not find `Error: no such pet`.",
        "AWS: how-to-method-settings-execution-console",
    ),
    rule(
        "pattern-newline",
        Severity::Warning,
        "`.` does not match the end of a line",
        "An error message of several lines, as one with a stack trace, falls through to the default response: the client sees 200.",
        "AWS: handle-errors-in-lambda-integration",
    ),
    rule(
        "pattern-empty",
        Severity::Warning,
        "a pattern matches a call that succeeds",
        "A call that succeeds has the empty message, which `.*` matches. Write `.+`.",
        "AWS: handle-errors-in-lambda-integration",
    ),
    rule(
        "pattern-class",
        Severity::Warning,
        "a word in brackets is a set of letters",
        "`[Error]` matches one letter. Write `Error`, or `\\[Error\\]` for a word in brackets.",
        "Chosen",
    ),
    // Templates.
    rule(
        "template",
        Severity::Error,
        "a template cannot be parsed",
        "API Gateway takes it and answers every request with 500.",
        "Observed: airspeed",
    ),
    rule(
        "template-engine",
        Severity::Error,
        "this build has no such template engine",
        "Build with the feature `tera`.",
        "Chosen",
    ),
    rule(
        "template-method",
        Severity::Warning,
        "`$input`, `$util` or a list has no such method",
        "It prints nothing.",
        "AWS: api-gateway-mapping-template-reference",
    ),
    rule(
        "template-name",
        Severity::Warning,
        "nothing sets this variable",
        "It prints nothing. JSON keys such as `\"$ref\"` need #set($d = '$') and `\"${d}ref\"`.",
        "Recorded: airspeed, test_dollar_left_untouched",
    ),
    rule(
        "template-control",
        Severity::Warning,
        "a template holds a control character",
        "It is printed as it is; in JSON it is not allowed.",
        "Chosen",
    ),
    rule(
        "content-type",
        Severity::Error,
        "a template is filed under something that is no media type",
        "API Gateway refuses it with the message shown.",
        "Recorded: test_put_integration_response_templates",
    ),
    rule(
        "json-escape",
        Severity::Warning,
        "a text goes into a JSON text without being escaped",
        "A quote, a backslash or a line end in it breaks the JSON, or adds members to it. Variables of the path are not reported: no such character stands in a path.",
        "AWS: api-gateway-mapping-template-reference, $util.escapeJavaScript",
    ),
    rule(
        "json-unquoted",
        Severity::Warning,
        "a parameter stands in JSON without quotes",
        "Parameters are texts: the output is JSON only if it is a number, and not if it is missing.",
        "AWS: api-gateway-mapping-template-reference",
    ),
    rule(
        "json-printed",
        Severity::Note,
        "a value of the payload stands in JSON without quotes",
        "A text prints without quotes, an object as `{a=b}`. `$input.json` prints any value as JSON.",
        "Recorded: test_input_path_template_formatting",
    ),
    rule(
        "json-quoted",
        Severity::Warning,
        "JSON stands in quotes",
        "`\"$input.json(…)\"` prints a text with two pairs of quotes.",
        "AWS: api-gateway-mapping-template-reference",
    ),
    rule(
        "json-apostrophe",
        Severity::Note,
        "`$util.escapeJavaScript` writes `\\'`, which JSON does not know",
        "Append `.replaceAll(\"\\\\'\", \"'\")`.",
        "AWS: api-gateway-mapping-template-reference",
    ),
    rule(
        "form-escape",
        Severity::Warning,
        "a value goes into a form without being encoded",
        "An `&`, `+` or `%` in it changes the form. Write `$util.urlEncode(…)` around it.",
        "AWS: api-gateway-mapping-template-reference, $util.urlEncode",
    ),
];
