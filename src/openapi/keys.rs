//! Keys that are not known, and which known one was meant.

use super::cloudformation;
use super::cursor::At;
use super::findings::Findings;

pub(super) const EXTENSION: &str = "x-amazon-apigateway-";

/// Notes every key of `at` that is not in `known`. Extensions of others are none of our business.
pub(super) fn check(at: &At<'_>, known: &[&str], findings: &mut Findings) {
    for (key, member) in at.members() {
        if !known.contains(&key) {
            unknown(key, &member, known, findings);
        }
    }
}

/// Notes that `key`, at `at`, is not among `known`.
pub(super) fn unknown(key: &str, at: &At<'_>, known: &[&str], findings: &mut Findings) {
    let finding = if key.starts_with(EXTENSION) || key == "x-amazon-apigateway" {
        at.warning(
            "unknown-extension",
            format!("the extension `{key}` has no meaning here and is ignored"),
        )
    } else if key.starts_with("x-") {
        return;
    } else if cloudformation::is_function(key) {
        findings.push_key(
            at.warning(
                "intrinsic",
                format!("the CloudFormation function `{key}` is not carried out"),
            )
            .help("read the document that the deployment gives"),
        );
        return;
    } else {
        at.warning(
            "unknown-key",
            format!("the key `{key}` has no meaning here and is ignored"),
        )
    };
    findings.push_key(match meant(key, known) {
        Some(meant) => finding.help(format!("did you mean `{meant}`?")),
        None => finding,
    });
}

/// Notes that what `at` says has no effect here.
pub(super) fn unsupported(
    at: &At<'_>,
    message: impl Into<String>,
    help: &str,
    findings: &mut Findings,
) {
    findings.push_key(at.warning("not-supported", message).help(help));
}

/// The known key that is at most two letters away from `key`, whatever its case.
fn meant<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let nearest = known
        .iter()
        .map(|known| (distance(key, known), *known))
        .min()?;
    let near = if key.len() < 6 { 1 } else { 2 };
    (nearest.0 <= near).then_some(nearest.1)
}

/// How many letters must be put in, taken out or changed to make `b` of `a`; long keys are far from
/// everything.
fn distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 2 || a.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.windows(2)) {
            let &[diagonal, above] = above else { break };
            left = (diagonal + usize::from(x != *y))
                .min(above + 1)
                .min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_keys_are_suggested() {
        let known = ["passthroughBehavior", "uri", "type", "responses"];
        for (key, expected) in [
            ("passThroughBehavior", Some("passthroughBehavior")),
            ("passthroughBehaviour", Some("passthroughBehavior")),
            ("url", Some("uri")),
            ("Type", Some("type")),
            ("response", Some("responses")),
            ("default", None),
        ] {
            assert_eq!(meant(key, &known), expected, "{key}");
        }
    }
}
