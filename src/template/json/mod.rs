//! Reading JSON text the two ways API Gateway does: leniently for a payload, strictly for `$util.parseJson`.
//!
//! Both parsers are generic over what they build, so that a body is turned into an engine's own values in one pass.

mod lenient;
mod plain;
mod strict;

pub(crate) use self::lenient::parse as parse_lenient;
pub(crate) use self::plain::Plain;
pub(crate) use self::strict::parse as parse_strict;

/// What a parser builds.
pub(crate) trait Build {
    /// Any JSON value.
    type Value;
    /// An array that is being filled.
    type Array;
    /// An object that is being filled.
    type Object;
    /// The key of an entry whose value is being read.
    type Key;

    fn null(&mut self) -> Self::Value;
    fn boolean(&mut self, value: bool) -> Self::Value;
    fn text(&mut self, value: Piece<'_>) -> Self::Value;
    fn integer(&mut self, value: i64) -> Self::Value;
    /// A whole number of any size: an optional `-` and digits.
    fn big_integer(&mut self, digits: &str) -> Self::Value;
    fn double(&mut self, value: f64) -> Self::Value;
    /// A number with a fraction or exponent and more digits than a double is trusted with.
    fn decimal(&mut self, text: &str) -> Self::Value;
    fn array(&mut self) -> Self::Array;
    fn item(&mut self, array: &mut Self::Array, value: Self::Value);
    fn close_array(&mut self, array: Self::Array) -> Self::Value;
    fn object(&mut self) -> Self::Object;
    fn key(&mut self, object: &mut Self::Object, key: Piece<'_>) -> Self::Key;
    /// Adds an entry; a key that is there keeps its place and gets the new value.
    fn entry(&mut self, object: &mut Self::Object, key: Self::Key, value: Self::Value);
    fn close(&mut self, object: Self::Object) -> Self::Value;
}

/// A part of the source, or a text that was made from one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    whole: &'a str,
    at: usize,
    len: usize,
    verbatim: bool,
}

impl<'a> Piece<'a> {
    #[inline]
    pub(crate) fn len(self) -> usize {
        self.len
    }

    /// What stands in the source from `at` on.
    #[inline]
    fn verbatim(source: &'a str, at: usize, len: usize) -> Self {
        Self {
            whole: source,
            at,
            len,
            verbatim: true,
        }
    }

    #[inline]
    fn made(text: &'a str) -> Self {
        Self {
            whole: text,
            at: 0,
            len: text.len(),
            verbatim: false,
        }
    }

    pub(crate) fn text(self) -> &'a str {
        let end = self.at + self.len;
        self.whole.get(self.at..end).unwrap_or_default()
    }

    /// The same as bytes, which takes no look at where characters end.
    #[inline]
    pub(crate) fn bytes(self) -> &'a [u8] {
        let end = self.at + self.len;
        self.whole.as_bytes().get(self.at..end).unwrap_or_default()
    }

    /// The byte offset in the source, if it stands there as it is.
    #[inline]
    pub(crate) fn place(self) -> Option<usize> {
        self.verbatim.then_some(self.at)
    }
}

/// Why a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonError(Box<Body>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Body {
    what: &'static str,
    /// Byte offset in the text.
    offset: usize,
}

impl JsonError {
    fn new(what: &'static str, offset: usize) -> Self {
        Self(Box::new(Body { what, offset }))
    }

    /// What a client is told about its payload.
    // Recorded: the text up to the colon.
    pub(crate) fn payload_message(&self) -> String {
        format!("Could not process payload: {self}")
    }
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at offset {}", self.0.what, self.0.offset)
    }
}

/// Adds the character of a UTF-16 unit; halves of a pair are put together.
struct Units {
    high: Option<u16>,
}

impl Units {
    fn new() -> Self {
        Self { high: None }
    }

    fn push(&mut self, unit: u16, out: &mut String) {
        match (self.high.take(), unit) {
            (Some(high), 0xDC00..=0xDFFF) => out.extend(char::decode_utf16([high, unit]).flatten()),
            (stale, unit) => {
                if stale.is_some() {
                    out.push(LONE_SURROGATE);
                }
                match unit {
                    0xD800..=0xDBFF => self.high = Some(unit),
                    unit => out.push(char::from_u32(u32::from(unit)).unwrap_or(LONE_SURROGATE)),
                }
            }
        }
    }

    /// To be called before anything else is added to `out`, and at the end.
    fn flush(&mut self, out: &mut String) {
        if self.high.take().is_some() {
            out.push(LONE_SURROGATE);
        }
    }
}

/// Java writes half a surrogate pair as a question mark when it encodes UTF-8.
const LONE_SURROGATE: char = '?';

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds a text that shows the type of everything.
    pub(super) struct Show;

    impl Build for Show {
        type Value = String;
        type Array = Vec<String>;
        type Object = Vec<(String, String)>;
        type Key = String;
        fn null(&mut self) -> String {
            "null".into()
        }
        fn boolean(&mut self, value: bool) -> String {
            value.to_string()
        }
        fn text(&mut self, value: Piece<'_>) -> String {
            format!("{:?}", value.text())
        }
        fn integer(&mut self, value: i64) -> String {
            value.to_string()
        }
        fn big_integer(&mut self, digits: &str) -> String {
            format!("big {digits}")
        }
        fn double(&mut self, value: f64) -> String {
            format!("{value:?}d")
        }
        fn decimal(&mut self, text: &str) -> String {
            format!("dec {text}")
        }
        fn array(&mut self) -> Vec<String> {
            Vec::new()
        }
        fn item(&mut self, array: &mut Vec<String>, value: String) {
            array.push(value);
        }
        fn close_array(&mut self, array: Vec<String>) -> String {
            format!("[{}]", array.join(" "))
        }
        fn object(&mut self) -> Self::Object {
            Vec::new()
        }
        fn key(&mut self, _: &mut Self::Object, key: Piece<'_>) -> String {
            key.text().to_owned()
        }
        fn entry(&mut self, object: &mut Self::Object, key: String, value: String) {
            object.push((key, value));
        }
        fn close(&mut self, object: Self::Object) -> String {
            let entries: Vec<_> = object
                .iter()
                .map(|(key, value)| format!("{key}:{value}"))
                .collect();
            format!("{{{}}}", entries.join(" "))
        }
    }
}
