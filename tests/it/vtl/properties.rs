//! What holds for every text, every value and every soup of tokens.

use proptest::prelude::*;
use serde_json::{Map, Value};
use tower_apigw::template::{Context, Engine, Limits, Overrides, Params, Scope, Vtl};
use tower_apigw::vtl::Template;

/// Renders with `$input.params('t')`.
fn render(source: &str, body: &str, text: &str) -> Result<String, String> {
    let template = Vtl::default()
        .compile(source, "application/json")
        .map_err(|error| error.to_string())?;
    let scope = Scope {
        body: body.as_bytes(),
        params: Params {
            querystring: &[("t".into(), text.into())],
            ..Params::default()
        },
        context: &Context::default(),
        stage_variables: &[],
        overrides: &Overrides::default(),
        limits: &Limits::default(),
    };
    let mut out = String::new();
    let rendered = template.render(&scope, &mut out);
    rendered.map(|_| out).map_err(|error| error.to_string())
}

/// JSON as payloads have it: whole numbers, and objects in their order.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|entries| Value::from(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// What a template may be made of, and may not.
const SOUP: &[&str] = &[
    "#set($a = ",
    "#set(",
    "#if(",
    "#elseif(",
    "#else",
    "#{else}",
    "#end",
    "#foreach($i in ",
    "#foreach(",
    "#break",
    "#stop",
    "#define($d)",
    "#macro(m $x)",
    "#m(1)",
    "#literal()",
    "#include('x')",
    "#parse(",
    "#evaluate(",
    "#[[",
    "]]#",
    "##",
    "#*",
    "*#",
    "#",
    "$",
    "$!",
    "${",
    "}",
    "$a",
    "$!{a}",
    "$a.b",
    "$d",
    ".size()",
    ".get(",
    "[0]",
    "[",
    "]",
    "(",
    ")",
    "{",
    "{'k': ",
    "\"",
    "'",
    "\"$a\"",
    "'x'",
    "\\",
    "\\\\",
    "\\u12",
    " ",
    "\n",
    "\t",
    "\r\n",
    ",",
    ":",
    "=",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    "!",
    "not",
    "and",
    "eq",
    "in",
    "..",
    "[1..3]",
    "+",
    "-",
    "*",
    "/",
    "%",
    "1",
    "007",
    "1.5",
    "1e9",
    "99999999999999999999",
    "true",
    "null",
    "é",
    "\u{1F600}",
    "\0",
    "$input.path('$')",
    "$input.json(",
    "$util.parseJson(",
    "$foreach.index",
    "$velocityCount",
    "$context.requestOverride.header.x",
    "text",
    "|",
];

fn soup() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        30 => prop::sample::select(SOUP).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Quotes must not be escaped in JSON, so the advice is to take the backslash away again.
    #[test]
    fn escaped_text_is_the_content_of_a_json_string(text in any::<String>()) {
        let source = r#""$util.escapeJavaScript($input.params('t')).replaceAll("\\'", "'")""#;
        let out = render(source, "", &text).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), Value::from(text));
    }

    #[test]
    fn what_is_encoded_decodes_to_itself(text in any::<String>()) {
        for source in [
            "$util.urlDecode($util.urlEncode($input.params('t')))",
            "$util.base64Decode($util.base64Encode($input.params('t')))",
        ] {
            prop_assert_eq!(render(source, "", &text), Ok(text.clone()));
        }
    }

    #[test]
    fn url_encoded_text_has_only_safe_characters(text in any::<String>()) {
        let out = render("$util.urlEncode($input.params('t'))", "", &text).unwrap();
        prop_assert!(out.chars().all(|c| c.is_ascii_alphanumeric() || "+%.-*_".contains(c)), "{}", out);
    }

    #[test]
    fn text_without_signs_is_itself(text in r"[^$#\\]*") {
        prop_assert_eq!(render(&text, "", ""), Ok(text.clone()));
    }

    #[test]
    fn unparsed_text_is_itself(text in r"[^\]]*") {
        prop_assert_eq!(render(&format!("#[[{text}]]#"), "", ""), Ok(text.clone()));
    }

    #[test]
    fn a_text_in_single_quotes_is_itself(text in any::<String>()) {
        let source = format!("#set($x = '{}')$x", text.replace('\'', "''"));
        prop_assert_eq!(render(&source, "", ""), Ok(text.clone()));
    }

    #[test]
    fn payloads_survive(value in json()) {
        let body = value.to_string();
        let out = render("$input.json('$')", &body, "").unwrap();
        let found: Value = serde_json::from_str(&out).unwrap();
        // Null prints as an empty text, at the top only.
        let wanted = if value.is_null() { Value::from("") } else { value };
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn numbers_are_compared_and_added_as_numbers(a in any::<i32>(), b in any::<i32>()) {
        let source = format!("#set($a = {a})#set($b = {b})#set($c = $a + $b)$c#if($a < $b)<#elseif($a > $b)>#else=#end");
        let sign = match a.cmp(&b) {
            std::cmp::Ordering::Less => '<',
            std::cmp::Ordering::Greater => '>',
            std::cmp::Ordering::Equal => '=',
        };
        prop_assert_eq!(render(&source, "", ""), Ok(format!("{}{sign}", i64::from(a) + i64::from(b))));
    }

    #[test]
    fn soup_parses_or_has_an_error_with_a_place(source in soup()) {
        match Template::parse(&source) {
            Ok(template) => {
                let mut out = String::new();
                let _ = template.render(&[], &Limits::default(), &mut out);
                let _ = render(&source, r#"{"a": [1, {"b": "c"}]}"#, "t");
            }
            Err(error) => {
                let (line, column) = error.span().position(&source);
                prop_assert!(line <= 1 + source.matches('\n').count() && column >= 1);
                prop_assert!(error.span().start as usize <= source.len());
                prop_assert!(error.render(&source).contains('^'));
            }
        }
    }

    #[test]
    fn anything_is_a_template_or_an_error(source in any::<String>(), body in any::<String>()) {
        let _ = render(&source, &body, &source);
        let _ = render("$input.json('$')$input.path('$.a')$input.body", &body, &source);
    }
}
