//! Unit tests of the room: limits, errors with their places, and arbitrary input.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    EvalError, Found, Kind, Limits, MAX_PATH_LENGTH, MAX_STEPS, Node, ParseErrorKind, Path,
};

fn eval(path: &str, document: &Value) -> Result<Option<Value>, EvalError> {
    Path::parse(path)
        .unwrap()
        .evaluate(&document)
        .map(|found| found.to_value())
}

#[test]
fn definite_and_indefinite() {
    for path in [
        "$",
        "a",
        "$.a[0]",
        "@.a",
        "$['a','b']",
        "$[(@.length-1)]",
        "$.a.length()",
    ] {
        assert!(Path::parse(path).unwrap().is_definite(), "{path}");
    }
    for path in ["$..a", "*", "$[*]", "$[0,1]", "$[1:]", "$[?(@.a)]", "$[?]"] {
        assert!(!Path::parse(path).unwrap().is_definite(), "{path}");
    }
    assert_eq!(Path::parse(" a.b ").unwrap().source(), " a.b ");
}

#[test]
fn parse_errors_say_where() {
    use ParseErrorKind as Kind;
    for (path, kind, offset) in [
        ("", Kind::Empty, 0),
        ("  ", Kind::Empty, 0),
        (".", Kind::TrailingDot, 0),
        ("$.a.", Kind::TrailingDot, 3),
        ("$..", Kind::TrailingDot, 2),
        ("$a", Kind::AfterRoot, 1),
        ("$.a b", Kind::Space, 3),
        ("a b", Kind::Space, 1),
        ("$['a'", Kind::Unclosed, 2),
        ("$[\"a\"]", Kind::Bracket, 1),
        ("$[1,99999999999]", Kind::Index, 4),
        ("$[:]", Kind::Index, 3),
        ("$[(@.count-1)]", Kind::Function, 3),
        ("$[?(@.a", Kind::Unclosed, 1),
        ("$[?@.a]", Kind::Filter, 1),
        ("$[?(@.a &&)]", Kind::Filter, 10),
        ("$[?(@.ä && )]", Kind::Filter, 11),
        ("$[?(@.a && b)]", Kind::Condition, 11),
        ("$[?(@.a == @..b)]", Kind::Indefinite, 11),
        ("$[?(@.a =~ /*/)]", Kind::Pattern, 11),
    ] {
        let error = Path::parse(path).unwrap_err();
        assert_eq!(
            (error.kind(), error.offset()),
            (kind, offset),
            "{path}: {error}"
        );
        assert!(
            error.message().starts_with(|c: char| !c.is_uppercase())
                && !error.message().ends_with('.')
        );
    }
    let message = Path::parse("$.a b").unwrap_err().to_string();
    assert_eq!(
        message,
        "a space is only allowed in brackets; a name with one is written ['a b'] (at byte 3)"
    );
}

#[test]
fn steps_that_do_not_fit_fail() {
    let document = json!({"s": "x", "n": 5, "l": [5], "o": {"a": 1, "b": {}}});
    for (path, error) in [
        ("$.s[0]", EvalError::NotAnArray),
        ("$.o[1:]", EvalError::NotAnArray),
        ("$.s[?(@.a)]", EvalError::NotAContainer),
        ("$['o','s'].a", EvalError::NamesNotLast),
        ("$.o[?]", EvalError::UnboundFilter),
        ("$.l[?(@ == 'x')]", EvalError::NotANumber),
        ("$.l[?(@ =~ 'x')]", EvalError::NotAPattern),
    ] {
        assert_eq!(eval(path, &document), Err(error), "{path}");
    }
}

#[test]
fn limits_are_errors() {
    let long = "a".repeat(MAX_PATH_LENGTH + 1);
    assert_eq!(
        Path::parse(&long).unwrap_err().kind(),
        ParseErrorKind::TooLong
    );
    let many = ".a".repeat(MAX_STEPS);
    assert_eq!(
        Path::parse(&format!("${many}")).unwrap_err().kind(),
        ParseErrorKind::TooManySteps
    );
    let patterns = vec!["@.a =~ /x/"; 17].join(" || ");
    assert_eq!(
        Path::parse(&format!("$[?({patterns})]"))
            .unwrap_err()
            .kind(),
        ParseErrorKind::Pattern
    );

    let document = json!([[1, 2, 3], [4, 5, 6]]);
    let limits = Limits {
        max_results: 3,
        ..Limits::default()
    };
    let within = |path: &str, limits: &Limits| {
        Path::parse(path)
            .unwrap()
            .evaluate_within(&&document, limits)
    };
    assert_eq!(
        within("$..*", &limits),
        Err(EvalError::TooManyResults { limit: 3 })
    );
    let limits = Limits {
        max_visits: 10,
        ..Limits::default()
    };
    assert_eq!(
        within("$..*..*..*", &limits),
        Err(EvalError::TooManyVisits { limit: 10 })
    );

    let costly = json!([{"a": "a".repeat(40)}]);
    assert_eq!(
        eval(r"$[?(@.a =~ /(?:(a+)+\1)+b/)]", &costly),
        Err(EvalError::PatternTooCostly)
    );
}

/// A tree without memory: so many lists in one another.
#[derive(Debug, Clone, PartialEq)]
struct Nested(usize);

impl Node for Nested {
    fn kind(&self) -> Kind {
        if self.0 == 0 {
            Kind::Bool(true)
        } else {
            Kind::Array
        }
    }
    fn as_str(&self) -> Option<Cow<'_, str>> {
        None
    }
    fn count(&self) -> usize {
        self.0.min(1)
    }
    fn element(&self, index: usize) -> Option<Self> {
        (index == 0 && self.0 > 0).then(|| Self(self.0 - 1))
    }
    fn member(&self, _: &str) -> Option<Self> {
        None
    }
    fn children(&self, visit: &mut dyn FnMut(Self)) {
        self.element(0).into_iter().for_each(visit);
    }
    fn is_same(&self, other: &Self) -> bool {
        self == other
    }
    fn to_text(&self) -> Cow<'_, str> {
        Cow::Borrowed("true")
    }
}

#[test]
fn depth_costs_no_stack() {
    let found = Path::parse("$..[0]")
        .unwrap()
        .evaluate(&Nested(900_000))
        .unwrap();
    assert!(matches!(found, Found::Many(found) if found.len() == 900_000));
    let longest = format!("${}", "[*]".repeat(MAX_STEPS - 1));
    let found = Path::parse(&longest)
        .unwrap()
        .evaluate(&Nested(MAX_STEPS))
        .unwrap();
    assert!(matches!(found, Found::Many(found) if found.len() == 1));
}

#[test]
fn products_of_steps_stop_at_the_limit() {
    let limits = Limits {
        max_visits: 200_000,
        ..Limits::default()
    };
    let path = Path::parse("$..[0]..[0]..[0]..nowhere").unwrap();
    let result = path.evaluate_within(&Nested(3000), &limits);
    assert_eq!(result, Err(EvalError::TooManyVisits { limit: 200_000 }));
}

#[test]
fn arbitrary_input_is_answered() {
    const PIECES: [&str; 48] = [
        "$",
        "@",
        ".",
        "..",
        "[",
        "]",
        "(",
        ")",
        "'",
        "\"",
        "*",
        "?",
        ":",
        ",",
        "-",
        " ",
        "a",
        "b",
        "ü",
        "日",
        "0",
        "1",
        "9",
        "99999999999",
        "&&",
        "||",
        "==",
        "!=",
        "<",
        ">=",
        "=~",
        "/a*/",
        "/(a|b)+/i",
        "!",
        "\\",
        "\n",
        "[?(@.a",
        ")]",
        "['a']",
        "[0]",
        "[*]",
        "[1:2]",
        "@.b",
        "null",
        "true",
        "[(@.length-1)]",
        "٣",
        "😀",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    let (mut parsed, mut found) = (0, 0);
    for _ in 0..30_000 {
        let length = random.usize(1..14);
        let source: String = (0..length)
            .map(|_| PIECES[random.usize(..PIECES.len())])
            .collect();
        let Ok(path) = Path::parse(&source)
            .map_err(|error| assert!(error.offset() <= source.len(), "{source}"))
        else {
            continue;
        };
        parsed += 1;
        let document = document(&mut random, 4);
        if let Ok(result) = path.evaluate(&&document) {
            found += usize::from(!result.is_missing());
            assert!(
                !path.is_definite() || !matches!(result, Found::Many(_)),
                "{source}"
            );
        }
    }
    assert!(parsed > 1000 && found > 200, "{parsed} {found}");
}

fn document(random: &mut fastrand::Rng, depth: usize) -> Value {
    let names = ["a", "b", "ü", "0", "日"];
    match random.u8(..if depth == 0 { 5 } else { 9 }) {
        0 => Value::Null,
        1 => json!(random.bool()),
        2 => json!(random.i8(..)),
        3 => json!(random.f64() * 100.0),
        4 => json!(names[random.usize(..names.len())]),
        5 | 6 => (0..random.usize(..4))
            .map(|_| document(random, depth - 1))
            .collect(),
        _ => Value::Object(
            (0..random.usize(..4))
                .map(|_| {
                    (
                        names[random.usize(..names.len())].to_owned(),
                        document(random, depth - 1),
                    )
                })
                .collect(),
        ),
    }
}
