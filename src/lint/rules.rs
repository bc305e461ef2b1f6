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

macro_rules! rules {
    ($($code:literal $severity:ident: $summary:literal
        $help:literal
        $source:literal;)+) => {
        &[$(Rule {
            code: $code,
            severity: Severity::$severity,
            summary: $summary,
            help: $help,
            source: $source,
        },)+]
    };
}

const RULES: &[Rule] = rules! {
    // The document.
    "unreadable" Error: "the document cannot be read"
        "There is no such file, it is empty, or the system refuses it."
        "Chosen";
    "size" Error: "the document is larger than 6 MB"
        "API Gateway imports definitions up to 6 MB. Leave out examples, or split the API."
        "AWS: limits";
    "encoding" Error: "the document is not UTF-8"
        "Save the file as UTF-8."
        "Chosen";
    "syntax" Error: "the text is neither JSON nor YAML"
        "The position is where reading came to an end."
        "Chosen";
    "not-openapi" Error: "the text is no OpenAPI document"
        "It begins with `openapi: 3.0.1`, `openapi: 3.1.0` or `swagger: \"2.0\"`. An API inside of a CloudFormation template has to be exported, or read from its `Body`."
        "Chosen";
    "type" Error: "a value has the wrong type, or a required member is missing"
        "An error where the value is needed to serve the operation, a warning where it is left out."
        "AWS: the OpenAPI specification and api-gateway-swagger-extensions";
    "value" Error: "a word or number is none of those allowed"
        "The message lists what is allowed."
        "AWS: api-gateway-swagger-extensions";
    "reference" Error: "a `$ref`, validator or security scheme is not there"
        "An error where the value cannot be read without it. References go into the same document: `#/…`."
        "AWS: known-issues";
    "duplicate-key" Warning: "a key stands twice in one object"
        "The last one counts."
        "Chosen";
    "yaml-tag" Warning: "a YAML tag is ignored"
        "The short forms of CloudFormation functions are known, others are not."
        "Chosen";
    "unknown-key" Warning: "a key has no meaning and is ignored"
        "Often a typing error; the known key that is nearest is suggested."
        "Chosen";
    "unknown-extension" Warning: "an `x-amazon-apigateway-…` extension is not known"
        "It is ignored."
        "Chosen";
    "intrinsic" Warning: "a CloudFormation function stands where a value should"
        "What can be written out is, with `${…}` for what only a deployment knows. Check the document that the deployment gives."
        "Chosen";
    "placeholder" Warning: "a `${…}` is filled in by nothing"
        "Only `${stageVariables.name}` means something to API Gateway."
        "LocalStack";
    "not-supported" Warning: "a part of the document has no effect here"
        "It is read and kept, and nothing follows from it."
        "Chosen";
    "too-many-findings" Warning: "more findings than are kept"
        "1,000 errors and 1,000 warnings are kept."
        "Chosen";
    "resource" Error: "a path cannot be matched with any request"
        "A variable is a whole segment, `{name}`; `{name+}` is the last one."
        "AWS: api-gateway-swagger-extensions";
    "sibling-variable" Warning: "two variables stand below one resource"
        "API Gateway allows one. Give both the same name."
        "AWS: known-issues";
    "duplicate-route" Error: "two operations match the same requests"
        "Remove one of them."
        "Chosen";
    "no-integration" Warning: "an operation has no integration"
        "API Gateway does not deploy an API with such a method."
        "AWS: how-to-deploy-api";
    "parameter-name" Warning: "a parameter has a name that API Gateway does not take"
        "Names are made of letters, digits and `.`, `_`, `$`, `-`, and are unique across path, query and headers."
        "Recorded: test_method_request_parameters; AWS: request-response-data-mappings";
    "request-model" Error: "a model is no JSON schema of draft 4, or cannot be used"
        "API Gateway refuses the deployment or the request."
        "AWS: models-mappings-models";
    "request-validator" Warning: "a validator cannot check what it is asked to"
        "The message says what is not checked."
        "Chosen";
    "gateway-response-type" Error: "there is no gateway response of this type"
        "The message lists the types."
        "AWS: supported-gateway-response-types";

    "gateway-template" Warning: "the body of a gateway response holds more than references"
        "It is a text in which `$context.…`, `$stageVariables.…` and `$method.request.…` are replaced: no directives, no `$input`, no `$util`."
        "AWS: api-gateway-gatewayResponse-definition";
    "binary-media-type" Warning: "a binary media type matches nothing"
        "Write `type/subtype`, `type/*` or `*/*`; `*/subtype` matches nothing."
        "Recorded: test_aws_proxy_binary_response";
    "path-variable-twice" Warning: "a variable stands twice in a path"
        "It can have one value: give each variable of a path its own name."
        "Recorded: test_method_request_parameters";

    // Where requests go.
    "http-method" Error: "a backend cannot be called with this method"
        "Write GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS, or ANY for the client's."
        "AWS: API_PutIntegration";
    "uri" Error: "the URI is missing or no URL of a host"
        "A warning when only the stage variables make it wrong: every request then fails."
        "Recorded: test_put_integration_validation, test_import_with_stage_variables";
    "uri-arn" Error: "API Gateway refuses the ARN"
        "The message is that of API Gateway."
        "Recorded: test_put_integration_validation, test_put_integration_aws_proxy_uri";
    "signing" Error: "what to sign for is not complete"
        "Write the service and the region."
        "x-tower-apigw-signing";
    "x-amz-target" Warning: "an action that the service does not find"
        "Some services read the action from the header X-Amz-Target, which API Gateway adds for DynamoDB, Kinesis and Step Functions only."
        "Recorded: test_apigateway_to_eventbridge";
    "uri-port" Warning: "a port that API Gateway does not call"
        "80, 443 and 1024 to 65535 are called."
        "AWS: setup-http-integrations";
    "uri-blank" Warning: "a blank in the URI"
        "API Gateway takes encoded URIs, and fails when it signs one with a blank."
        "AWS: API_PutIntegration; Observed: execution logs";
    "uri-parameter" Warning: "nothing fills a `{name}` of the URI"
        "It goes to the backend as it is. Map `integration.request.path.name`."
        "LocalStack";
    "lambda-method" Warning: "a function is invoked with another method than POST"
        "API Gateway fails with an internal error."
        "AWS: set-up-lambda-custom-integrations";
    "credentials" Warning: "the role is missing or no ARN"
        "Services of AWS other than functions are called with a role only."
        "Observed: aws-sdk-java#860; LocalStack";
    "timeout" Error: "the timeout is out of range"
        "50 to 29000 ms; up to 900000 ms with a raised quota or for streams, which is a warning."
        "AWS: limits; Observed: the message";
    "integration-type" Warning: "the type cannot be served by this version"
        "The operation answers with 501."
        "Chosen";
    "tls-config" Warning: "certificates of any issuer are accepted"
        "Names and dates are still checked."
        "AWS: API_TlsConfig";
    "extension" Warning: "an extension has no effect on this type of integration"
        "The message says which, the help what it is for."
        "Chosen";
    "vpc-link" Warning: "there are no VPC links here"
        "Requests go to the host of the URI."
        "Chosen";
    "transfer-mode" Warning: "`responseTransferMode` does not fit the rest"
        "STREAM is for proxies, needs the streaming address of a function, and excludes caches."
        "AWS: response-transfer-mode";
    "buffered" Note: "bodies are collected before they go on"
        "Only `http_proxy` without a mapping from the body streams. Up to 10 MB are collected."
        "AWS: limits; Chosen for http_proxy";
    "proxy-ignored" Warning: "a proxy integration ignores a template or mapping"
        "The request and the answer pass as they are; CORS headers, for one, must come from the backend."
        "AWS: request-response-data-mappings; Recorded: test_lambda_aws_proxy_integration_request_data_mapping";

    // Mapped parameters.
    "mapping-expression" Error: "a mapping has a source that is no expression"
        "Write `'text'`, `method.request.…`, `integration.response.…`, `context.…` or `stageVariables.…`."
        "Recorded; Observed: developer-guide#7";
    "mapping-destination" Error: "a mapping goes nowhere"
        "Write `integration.request.header.NAME`, `.querystring.NAME`, `.path.NAME`, or `method.response.header.NAME`."
        "Observed: apigateway-importer#58";
    "mapping-value" Warning: "a mapping or template is no text, and is left out"
        "API Gateway imports the rest."
        "Recorded: test_apigateway_import";
    "undeclared-parameter" Warning: "a mapping reads a parameter that the method does not declare"
        "API Gateway refuses the import with the message shown. Here the mapping works."
        "Observed: developer-guide#24, aws-cdk#17318";
    "undeclared-header" Warning: "a mapping sets a header that the response does not declare"
        "API Gateway refuses the import with the message shown. Here the mapping works."
        "Observed: apigateway-importer#209";
    "undeclared-status" Warning: "an integration response has a status that the method does not declare"
        "On API Gateway such an answer becomes a 500."
        "Observed: apigateway-importer#121, execution logs";
    "path-parameter" Warning: "a mapping reads a variable that the path does not have"
        "The parameter is left out."
        "Observed: developer-guide#24";
    "static-path" Warning: "a static path value is not encoded"
        "API Gateway refuses the import with the message shown."
        "Observed: sls-apigateway-service-proxy#78";
    "header-value" Error: "a static header holds a character that no header can"
        "Remove control characters and line ends."
        "Chosen";
    "refused-header" Warning: "API Gateway sets this header itself"
        "A request that maps it fails with 500."
        "Recorded: test_apigateway_header_remapping_http, _aws";
    "dropped-header" Warning: "this header is never sent to a backend"
        "The mapping has no effect."
        "Recorded: test_apigateway_header_remapping_http";
    "header-case" Warning: "a name is declared with another case"
        "Names of headers and parameters are compared exactly."
        "AWS: known-issues";
    "header-http2" Note: "a header name with capitals is not found in HTTP/2 requests"
        "Clients that speak HTTP/2 send names in lower case, and names are compared exactly."
        "AWS: known-issues; Chosen";
    "cache-key" Warning: "a cache key names a parameter that is not declared"
        "API Gateway refuses the import."
        "AWS: api-gateway-caching";
    "stage-variable" Warning: "something reads a stage variable that the stage does not have"
        "A mapping is left out, a reference in a template prints nothing."
        "AWS: stage-variables; Recorded: test_invoking_canary_deployment";
    "stage-variable-unused" Warning: "nothing reads a stage variable that was given"
        "Perhaps its name is written differently in the document."
        "Chosen";
    "stage-variable-limit" Warning: "API Gateway does not take this stage variable"
        "100 variables; names of 64 letters, digits and `_`; values of 512 letters, digits and `-._~:/?#&=,`."
        "AWS: limits";
    "context-name" Warning: "there is no such variable in `$context`"
        "It prints nothing, or the mapping is left out."
        "AWS: api-gateway-mapping-template-reference";

    // Responses.
    "responses" Warning: "the integration has no responses"
        "Every request ends with 500."
        "Observed: execution logs";
    "status-code" Error: "a status is no status"
        "Three digits, 200 to 599."
        "Recorded";
    "default-missing" Warning: "there is no default response"
        "What no pattern matches ends with 500."
        "Observed: execution logs";
    "default-several" Warning: "two responses are the default"
        "The one with the lowest status is chosen, the other never."
        "LocalStack; Chosen";
    "selection-pattern" Error: "a pattern is no regular expression of Java"
        "API Gateway fails at run time."
        "LocalStack";
    "pattern-unreachable" Warning: "a pattern is never reached"
        "One that is tried before it matches the same. Patterns are tried by ascending `statusCode`, then in the order written."
        "Recorded: test_lambda_selection_patterns";
    "pattern-overlap" Warning: "two patterns with different statuses match the same"
        "Which is chosen is recorded, not documented."
        "Recorded: test_lambda_selection_patterns";
    "pattern-never" Warning: "a pattern matches no status"
        "HTTP backends and services of AWS are matched by status, in digits."
        "AWS: api-gateway-integration-settings-integration-response";
    "pattern-status" Warning: "a pattern for statuses is matched against an error message"
        "Functions are matched by `errorMessage`; their status is not looked at."
        "Recorded: test_lambda_selection_patterns";
    "pattern-substring" Warning: "a pattern matches one whole message only"
        "The whole message must match: `Error` does not find `Error: no such pet`."
        "AWS: how-to-method-settings-execution-console";
    "pattern-newline" Warning: "`.` does not match the end of a line"
        "An error message of several lines, as one with a stack trace, falls through to the default response: the client sees 200."
        "AWS: handle-errors-in-lambda-integration";
    "pattern-empty" Warning: "a pattern matches a call that succeeds"
        "A call that succeeds has the empty message, which `.*` matches. Write `.+`."
        "AWS: handle-errors-in-lambda-integration";
    "pattern-glob" Warning: "a pattern is written as for a shell"
        "`4*` repeats the 4; any status of 400 to 499 is `4\\d{2}`."
        "AWS: api-gateway-integration-settings-integration-response";
    "pattern-class" Warning: "a word in brackets is a set of letters"
        "`[Error]` matches one letter. Write `Error`, or `\\[Error\\]` for a word in brackets."
        "Chosen";

    // Templates.
    "template" Error: "a template cannot be parsed"
        "API Gateway takes it and answers every request with 500."
        "Observed: airspeed";
    "template-engine" Error: "this build has no such template engine"
        "Build with the feature `tera`."
        "Chosen";
    "template-method" Warning: "`$input`, `$util` or a list has no such method"
        "It prints nothing."
        "AWS: api-gateway-mapping-template-reference";
    "template-name" Warning: "nothing sets this variable"
        "It prints nothing. JSON keys such as `\"$ref\"` need #set($d = '$') and `\"${d}ref\"`."
        "Recorded: airspeed, test_dollar_left_untouched";
    "template-directive" Warning: "a directive fails, or prints itself"
        "`#parse` and `#include` fail where they are reached; there are no macros and no `#evaluate`; `#else if(…)` is no `#elseif(…)`."
        "Recorded: airspeed; Observed: qiita 2016";
    "template-argument" Warning: "a word without quotes stands where a value should"
        "The call gives nothing."
        "Chosen: as Velocity";
    "foreach-limit" Warning: "a loop has more than 1,000 rounds"
        "It ends after 1,000, silently."
        "AWS: limits; Chosen for the silence";
    "json-path" Warning: "a JSONPath cannot be read"
        "The request fails with 500 where it is evaluated."
        "Chosen: as Jayway";
    "mock-status" Warning: "a mock never gets an integer `statusCode`"
        "Every request ends with 500. The request template gives `{\"statusCode\": 200}`, an integer without quotes."
        "LocalStack: test_mock_integration; Observed: O:25284562860";
    "override-twice" Warning: "an override is set a second time"
        "The request fails with 500 where that happens."
        "AWS: apigateway-override-request-response-parameters";
    "override-lost" Warning: "an override has no effect"
        "`requestOverride` has `header`, `querystring` and `path`, `responseOverride` has `header` and `status`; what is written into a map that is not there is lost."
        "Chosen: as Velocity";
    "override-status" Warning: "a status override is no integer"
        "It is ignored unless it is an integer from 100 to 599; a text is not."
        "LocalStack";
    "template-control" Warning: "a template holds a control character"
        "It is printed as it is; in JSON it is not allowed."
        "Chosen";
    "content-type" Error: "a template is filed under something that is no media type"
        "API Gateway refuses it with the message shown."
        "Recorded: test_put_integration_response_templates";
    "json-escape" Warning: "a text goes into a JSON text without being escaped"
        "A quote, a backslash or a line end in it breaks the JSON, or adds members to it. Variables of the path are not reported: no such character stands in a path."
        "AWS: api-gateway-mapping-template-reference, $util.escapeJavaScript";
    "json-broken" Warning: "the literal parts of a template cannot be JSON"
        "A comma is missing or too many, or there are comments, whatever the references print."
        "Chosen: RFC 8259";
    "json-unquoted" Warning: "a parameter stands in JSON without quotes"
        "Parameters are texts: the output is JSON only if it is a number, and not if it is missing."
        "AWS: api-gateway-mapping-template-reference";
    "json-printed" Note: "a value of the payload stands in JSON without quotes"
        "A text prints without quotes, an object as `{a=b}`. `$input.json` prints any value as JSON."
        "Recorded: test_input_path_template_formatting";
    "json-quoted" Warning: "JSON stands in quotes"
        "`\"$input.json(…)\"` prints a text with two pairs of quotes."
        "AWS: api-gateway-mapping-template-reference";
    "json-apostrophe" Note: "`$util.escapeJavaScript` writes `\\'`, which JSON does not know"
        "Append `.replaceAll(\"\\\\'\", \"'\")`."
        "AWS: api-gateway-mapping-template-reference";
    "form-escape" Warning: "a value goes into a form without being encoded"
        "An `&`, `+` or `%` in it changes the form. Write `$util.urlEncode(…)` around it."
        "AWS: api-gateway-mapping-template-reference, $util.urlEncode";
};
