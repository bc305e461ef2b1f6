//! The rules that decide, by name, each with what it says and where it is from.

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $says:literal, $source:literal;)+) => {
        /// What decided a step.
        ///
        /// In JSON it is its name in kebab case, such as `when-no-match-passes`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
        #[serde(rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[$doc])* #[doc = $says] $name,)+
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What the rule says.
            #[must_use]
            pub fn says(self) -> &'static str {
                match self { $(Self::$name => $says),+ }
            }

            /// Where the rule is from: a page of AWS's documentation, a recording, or a choice of ours.
            #[must_use]
            pub fn source(self) -> &'static str {
                match self { $(Self::$name => $source),+ }
            }
        }
    };
}

rules! {
    // The route.
    PathWithoutVariables = "the path is that of the resource; one without variables goes first", "AWS: api-gateway-method-settings-method-request";
    PathWithVariables = "the variables of the resource take one segment of the path each", "AWS: api-gateway-method-settings-method-request";
    GreedyPath = "a greedy variable takes the rest of the path; no other resource has it", "AWS: api-gateway-set-up-simple-proxy";
    // Validation.
    ValidationPassed = "the request has what its request validator asks for", "AWS: api-gateway-method-request-validation";
    RequiredParameters = "a required parameter is missing or empty", "AWS: api-gateway-method-request-validation";
    BodyMatchesModel = "the body has to match the model for its media type", "AWS: api-gateway-method-request-validation";
    // Parameters.
    Mapped = "the source has a value", "AWS: request-response-data-mappings";
    NoValue = "a source without a value, or with an empty one, leaves the parameter out", "recorded on AWS";
    RefusedHeader = "the header is set by API Gateway; mapping it fails the request", "recorded on AWS";
    DroppedHeader = "the header is never sent in this direction", "AWS: api-gateway-known-issues";
    RemappedHeader = "the header is API Gateway's own in this direction; it goes on as x-amzn-Remapped-…", "AWS: api-gateway-known-issues";
    // Request templates.
    TemplateOfMediaType = "a template is for the media type of the request", "AWS: integration-passthrough-behaviors";
    JsonWithoutContentType = "a request without a Content-Type counts as application/json", "AWS: integration-passthrough-behaviors";
    DefaultTemplate = "the template under $default is for all media types that have none", "recorded on AWS";
    EmptyTemplate = "an empty template lets the body pass", "AWS: integration-passthrough-behaviors";
    WhenNoMatchPasses = "no template is for the media type, and WHEN_NO_MATCH lets the body pass", "AWS: integration-passthrough-behaviors";
    WhenNoTemplatesPasses = "there are no templates at all, and WHEN_NO_TEMPLATES lets the body pass", "AWS: integration-passthrough-behaviors";
    WhenNoTemplatesRefuses = "there are templates, none is for the media type, and WHEN_NO_TEMPLATES refuses it with 415", "AWS: integration-passthrough-behaviors";
    NeverRefuses = "no template is for the media type, and NEVER refuses it with 415", "AWS: integration-passthrough-behaviors";
    // What a template gives.
    TemplateRendered = "what the template gives is the body", "AWS: rest-api-data-transformations";
    TemplateFailed = "a template that fails, or overrides a parameter twice, fails the request", "AWS: apigateway-override-request-response-parameters";
    StatusOfMock = "a MOCK answers with the integer `statusCode` of its rendered request template", "AWS: how-to-mock-integration";
    // Response templates.
    TemplateOfAccept = "a template is for the first media type that the client accepts", "AWS: request-response-data-mappings";
    JsonTemplate = "no template is for what the client accepts; application/json comes first", "LocalStack, measured against AWS";
    FirstTemplate = "no template is for what the client accepts or for JSON; the first one answers", "LocalStack, measured against AWS";
    NoTemplate = "there is no template; the body passes", "AWS: request-response-data-mappings";
    // Conversions.
    KeptAsItIs = "binary stays binary", "AWS: api-gateway-payload-encodings-workflow";
    ReadAsText = "the body is text; bytes that are no UTF-8 become U+FFFD", "AWS: api-gateway-payload-encodings-workflow";
    DecodedFromBase64 = "text becomes binary by decoding base64", "AWS: api-gateway-payload-encodings-workflow";
    EncodedAsBase64 = "binary becomes text by encoding base64", "AWS: api-gateway-payload-encodings-workflow";
    // Overrides.
    OverrideWins = "what a template overrides replaces what was mapped", "AWS: apigateway-override-request-response-parameters";
    OverrideStatusIgnored = "a status override that is no integer from 200 to 599 is ignored", "LocalStack, measured against AWS";
    // Selection.
    PatternMatches = "the first pattern, by ascending status, that matches the whole subject", "AWS: api-gateway-integration-settings-integration-response";
    DefaultResponse = "no pattern matches, the response without a pattern answers", "AWS: api-gateway-integration-settings-integration-response";
    NoResponse = "no pattern matches and there is no default response: 500", "observed on AWS";
    UndeclaredResponse = "the status is not among the responses of the method: 500", "observed on AWS";
    // Gateway responses.
    CustomizedType = "the API customises the gateway response of this type", "AWS: api-gateway-gatewayresponse-definition";
    CustomizedDefault = "the API does not customise this type, but the default of its family", "AWS: api-gateway-gatewayresponse-definition";
    UncustomizedType = "the API customises neither this type nor the default of its family", "AWS: api-gateway-gatewayresponse-definition";
    BeforeTheApi = "a request that is too large is answered before its API is known, so that nothing is customised", "AWS: supported-gateway-response-types";
}

impl Rule {
    /// Its name, in kebab case.
    #[must_use]
    pub fn name(self) -> String {
        let mut name = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(c.to_ascii_lowercase());
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json() {
        for rule in Rule::ALL {
            let json = serde_json::to_string(rule).unwrap();
            assert_eq!(json, format!("{:?}", rule.name()));
            assert!(!rule.says().is_empty() && !rule.source().is_empty());
        }
    }
}
