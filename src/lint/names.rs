//! The names that `$input`, `$util` and `$context` have, and the one that was probably meant.

/// What can be written behind each of the roots.
const NAMES: [(&str, &[&str]); 3] = [
    ("input", &["body", "json", "params", "path"]),
    (
        "util",
        &[
            "base64Decode",
            "base64Encode",
            "escapeJavaScript",
            "parseJson",
            "urlDecode",
            "urlEncode",
        ],
    ),
    ("context", CONTEXT),
];

/// What templates and mappings may read.
// AWS: api-gateway-mapping-template-reference, the table of $context variables.
const CONTEXT: &[&str] = &[
    "accountId",
    "apiId",
    "authorizer",
    "awsEndpointRequestId",
    "deploymentId",
    "domainName",
    "domainPrefix",
    "extendedRequestId",
    "httpMethod",
    "identity",
    "isCanaryRequest",
    "path",
    "protocol",
    "requestId",
    "requestOverride",
    "requestTime",
    "requestTimeEpoch",
    "resourceId",
    "resourcePath",
    "responseOverride",
    "stage",
    "wafResponseCode",
    "webaclArn",
];

/// What the table names beside that, for access logs above all.
// Chosen: nothing is said about these, since some have been seen to have a value elsewhere.
const LOGGED: &[&str] = &[
    "authenticate",
    "authorize",
    "customDomain",
    "endpointType",
    "integration",
    "integrationErrorMessage",
    "integrationLatency",
    "integrationStatus",
    "operationName",
    "responseLatency",
    "responseLength",
    "status",
    "tlsVersion",
    "cipherSuite",
    "waf",
    "wafError",
    "wafLatency",
    "wafStatus",
    "xrayTraceId",
];

/// Where `$context.error` has a value.
// AWS: api-gateway-mapping-template-reference — it is not processed in mapping templates.
pub(super) const OF_ERRORS: &str = "`$context.error` has values in gateway responses only";

/// Whether `$context` may have an entry of this name.
pub(super) fn in_context(name: &str) -> bool {
    CONTEXT.contains(&name) || LOGGED.contains(&name)
}

/// The reference that was probably meant by one that has no value: `$input.params` for `$input.param('x')`.
///
/// ```
/// use tower_apigw::lint::meant;
///
/// assert_eq!(meant("$util.escapeJavascript($x)").as_deref(), Some("$util.escapeJavaScript"));
/// assert_eq!(meant("$order.id"), None);
/// ```
pub fn meant(reference: &str) -> Option<String> {
    let name = reference.trim_start_matches(['$', '!', '{']);
    let word = |text: &str| {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
        end.map_or(text.len(), |end| end)
    };
    let (root, rest) = name.split_at(word(name));
    if let Some((_, members)) = NAMES.iter().find(|(known, _)| *known == root) {
        let member = rest.strip_prefix('.')?;
        let member = member.get(..word(member))?;
        return Some(format!("${root}.{}", closest(member, members)?));
    }
    if rest.is_empty() {
        return None;
    }
    let roots = ["input", "util", "context", "stageVariables"];
    Some(format!("${}", closest(root, &roots)?))
}

/// The name that is most like `word`; none if it is one of them, or like none.
fn closest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    if names.contains(&word) || word.len() > 40 {
        return None;
    }
    let near = names
        .iter()
        .map(|name| (distance(word, name), *name))
        .min()?;
    // A third of the letters may be wrong.
    (near.0 <= 1 + near.1.len() / 4).then_some(near.1)
}

/// How many letters differ: Levenshtein's distance, without regard to case.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, c) in from.chars().map(|c| c.to_ascii_lowercase()).enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        let mut next = vec![left];
        for (above, other) in row.iter().skip(1).zip(&to) {
            let changed = diagonal + usize::from(c != *other);
            left = changed.min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        for (reference, expected) in [
            ("$input.pth('$.a')", Some("$input.path")),
            ("$!{input.param('x')}", Some("$input.params")),
            ("$util.escapeJavascript($x)", Some("$util.escapeJavaScript")),
            ("$util.base64encode('x')", Some("$util.base64Encode")),
            ("$context.requestid", Some("$context.requestId")),
            ("$stageVariable.x", Some("$stageVariables")),
            ("$inputs.path('$')", Some("$input")),
            ("$input.path('$.gone')", None),
            ("$input.zzzzzz", None),
            ("$x", None),
            ("$order.id", None),
            ("$", None),
            ("", None),
        ] {
            assert_eq!(meant(reference).as_deref(), expected, "{reference}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
