//! The permissive JSON reader behind `$input`: it behaves like json-smart with everything allowed.
//!
//! A payload that does not begin like JSON is one text. Names and values may go without quotes or in single ones,
//! commas may be missing or too many in places, what follows the first value is not looked at. What remains an error
//! is a text that begins like JSON and ends too early or has punctuation where a value or name should be.

use crate::template::json::{Build, JsonError, Piece, Units};

/// How deep objects and arrays may nest.
// Chosen: the limit json-smart itself has had since 2.4.9.
const MAX_DEPTH: usize = 400;

/// Reads the first value of a text.
pub(crate) fn parse<B: Build>(text: &str, build: &mut B) -> Result<B::Value, JsonError> {
    let mut reader = Reader {
        text,
        at: 0,
        build,
        depth: 0,
        buffer: String::new(),
    };
    reader.value(Stop::TEXT)
}

/// The byte that stands for the end of the text; the reference parser also takes it for the end where it occurs.
const END: u8 = 0x1A;

/// Which bytes end a value without quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stop(u8, u8);

impl Stop {
    const TEXT: Self = Self(END, END);
    const ARRAY: Self = Self(b',', b']');
    const OBJECT: Self = Self(b',', b'}');
    const NAME: Self = Self(b':', b':');

    #[inline]
    fn has(self, byte: u8) -> bool {
        byte == self.0 || byte == self.1 || byte == END
    }
}

struct Reader<'a, B: Build> {
    text: &'a str,
    at: usize,
    build: &'a mut B,
    depth: usize,
    buffer: String,
}

impl<'a, B: Build> Reader<'a, B> {
    #[inline]
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(END)
    }

    #[inline]
    fn bump(&mut self) -> u8 {
        self.at += 1;
        self.peek()
    }

    fn error<T>(&self, what: &'static str) -> Result<T, JsonError> {
        Err(JsonError::new(what, self.at.min(self.text.len())))
    }

    fn early_end<T>(&self) -> Result<T, JsonError> {
        self.error("unexpected end of the text")
    }

    fn unexpected<T>(&self) -> Result<T, JsonError> {
        self.error("unexpected character")
    }

    /// Where one value should be.
    fn value(&mut self, stop: Stop) -> Result<B::Value, JsonError> {
        while matches!(self.peek(), b' ' | b'\r' | b'\n' | b'\t') {
            self.at += 1;
        }
        match self.peek() {
            b':' | b'}' | b']' => self.unexpected(),
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'"' | b'\'' => self.quoted(B::text),
            b'0'..=b'9' | b'-' => self.number(stop),
            END if stop != Stop::TEXT => self.early_end(),
            _ => {
                let piece = self.bare(stop);
                Ok(match piece.text() {
                    "null" => self.build.null(),
                    "true" => self.build.boolean(true),
                    "false" => self.build.boolean(false),
                    "NaN" => self.build.double(f64::NAN),
                    _ => self.build.text(piece),
                })
            }
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<B::Value, JsonError>,
    ) -> Result<B::Value, JsonError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error("nested too deeply");
        }
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<B::Value, JsonError> {
        let mut array = self.build.array();
        self.at += 1;
        loop {
            match self.peek() {
                b' ' | b'\r' | b'\n' | b'\t' | b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(self.build.close_array(array));
                }
                END => return self.early_end(),
                _ => {
                    let value = self.value(Stop::ARRAY)?;
                    self.build.item(&mut array, value);
                }
            }
        }
    }

    fn object(&mut self) -> Result<B::Value, JsonError> {
        let mut object = self.build.object();
        loop {
            match self.bump() {
                b' ' | b'\r' | b'\t' | b'\n' | b',' => continue,
                b':' | b']' | b'[' | b'{' => return self.unexpected(),
                b'}' => {
                    self.at += 1;
                    return Ok(self.build.close(object));
                }
                END => return self.early_end(),
                _ => {}
            }
            self.member(&mut object)?;
            self.skip_blank();
            match self.peek() {
                b'}' => {
                    self.at += 1;
                    return Ok(self.build.close(object));
                }
                b',' => {}
                END => return self.early_end(),
                _ => return self.unexpected(),
            }
        }
    }

    /// `name: value`.
    fn member(&mut self, object: &mut B::Object) -> Result<(), JsonError> {
        let key = match self.peek() {
            b'"' => match self.plain_piece() {
                Some(piece) => self.build.key(object, piece),
                None => self.quoted(|build, piece| build.key(object, piece))?,
            },
            b'\'' => self.quoted(|build, piece| build.key(object, piece))?,
            _ => {
                let piece = self.bare(Stop::NAME);
                self.build.key(object, piece)
            }
        };
        self.skip_blank();
        match self.peek() {
            b':' => self.at += 1,
            END => return self.early_end(),
            _ => return self.unexpected(),
        }
        // A blank and a text or a number, as most are.
        if self.peek() == b' ' {
            self.at += 1;
        }
        let value = match self.peek() {
            b'"' => match self.plain_piece() {
                Some(piece) => self.build.text(piece),
                None => self.quoted(B::text)?,
            },
            b'0'..=b'9' => match self.short_number(Stop::OBJECT) {
                Some(value) => value,
                None => self.value(Stop::OBJECT)?,
            },
            _ => self.value(Stop::OBJECT)?,
        };
        self.build.entry(object, key, value);
        Ok(())
    }

    #[inline(always)]
    fn skip_blank(&mut self) {
        while self.peek() <= b' ' && self.peek() != END {
            self.at += 1;
        }
    }

    fn skip_digits(&mut self) {
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
    }

    /// Everything up to a stop, without blanks around it.
    fn bare(&mut self, stop: Stop) -> Piece<'a> {
        let start = self.at;
        self.skip_to(stop);
        self.slice(start)
    }

    fn skip_to(&mut self, stop: Stop) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest
            .iter()
            .position(|&byte| stop.has(byte))
            .unwrap_or(rest.len());
    }

    /// What was read since `start`, without blanks and control characters around it.
    fn slice(&self, start: usize) -> Piece<'a> {
        let whole = self.text.get(start..self.at).unwrap_or_default();
        let text = whole.trim_start_matches(|c| c <= ' ');
        let start = start + whole.len() - text.len();
        let text = text.trim_end_matches(|c| c <= ' ');
        Piece::verbatim(self.text, start, text.len())
    }

    /// A number as most are: few digits, nothing behind it but what ends it.
    #[inline]
    fn short_number(&mut self, stop: Stop) -> Option<B::Value> {
        let negative = self.peek() == b'-';
        let from = self.at + usize::from(negative);
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let mut at = 0;
        let (mut number, mut digits) = (0i64, 0);
        let mut fraction = None;
        loop {
            let byte = rest.get(at).copied().unwrap_or(END);
            match byte {
                b'0'..=b'9' => {
                    number = number * 10 + i64::from(byte - b'0');
                    digits += 1;
                    // So many digits are exact in any type.
                    if digits > 15 {
                        return None;
                    }
                }
                b'.' if fraction.is_none() => fraction = Some(digits),
                _ if stop.has(byte) && digits > 0 => break,
                _ => return None,
            }
            at += 1;
        }
        self.at = from + at;
        Some(match fraction {
            None => self.build.integer(if negative { -number } else { number }),
            Some(whole) => {
                // Both are exact, so their quotient is the nearest number.
                let scale = POWERS.get(digits - whole).copied().unwrap_or(1.0);
                let size = number as f64 / scale;
                self.build.double(if negative { -size } else { size })
            }
        })
    }

    /// A number, or a text that begins like one.
    fn number(&mut self, stop: Stop) -> Result<B::Value, JsonError> {
        if let Some(value) = self.short_number(stop) {
            return Ok(value);
        }
        let start = self.at;
        self.at += 1;
        self.skip_digits();
        let mut whole = true;
        if self.peek() == b'.' {
            whole = false;
            self.at += 1;
            self.skip_digits();
        }
        if matches!(self.peek(), b'e' | b'E') {
            whole = false;
            self.at += 1;
            if !matches!(self.peek(), b'+' | b'-' | b'0'..=b'9') {
                return Ok(self.text_since(start, stop));
            }
            self.at += 1;
            self.skip_digits();
        }
        self.skip_blank();
        // The reference parser looks up stops in a table that ends at `}`: what lies above ends a number as well.
        if self.peek() <= b'}' && !stop.has(self.peek()) {
            return Ok(self.text_since(start, stop));
        }
        let text = self.slice(start).text();
        if whole {
            return Ok(integer(text, self.build));
        }
        match text.parse() {
            // Recorded: more than 18 characters become an exact decimal.
            Ok(_) if text.len() > 18 => Ok(self.build.decimal(text)),
            Ok(double) => Ok(self.build.double(double)),
            Err(_) => self.error("malformed number"),
        }
    }

    /// What only began like a number, as a text up to the stop.
    fn text_since(&mut self, start: usize, stop: Stop) -> B::Value {
        self.skip_to(stop);
        let piece = self.slice(start);
        self.build.text(piece)
    }

    /// Where the quote is that ends a text without escapes.
    #[inline(always)]
    fn plain_text(&self) -> Option<usize> {
        let quote = self.peek();
        let end = end_of_plain(self.text.as_bytes(), self.at + 1, quote);
        (self.text.as_bytes().get(end) == Some(&quote)).then_some(end)
    }

    /// A text without escapes, read to its end.
    #[inline(always)]
    fn plain_piece(&mut self) -> Option<Piece<'a>> {
        let start = self.at + 1;
        let end = self.plain_text()?;
        self.at = end + 1;
        Some(Piece::verbatim(self.text, start, end - start))
    }

    /// A text in quotes of either kind.
    fn quoted<T>(&mut self, make: impl FnOnce(&mut B, Piece<'_>) -> T) -> Result<T, JsonError> {
        if let Some(piece) = self.plain_piece() {
            return Ok(make(self.build, piece));
        }
        let quote = self.peek();
        self.at += 1;
        self.escaped(quote)?;
        Ok(make(self.build, Piece::made(&self.buffer)))
    }

    /// A text with escapes, into the buffer. Control characters are dropped from it, unlike from one without escapes.
    fn escaped(&mut self, quote: u8) -> Result<(), JsonError> {
        self.buffer.clear();
        self.buffer.reserve(64);
        let mut units = Units::new();
        loop {
            let start = self.at;
            let rest = self.text.as_bytes().get(start..).unwrap_or_default();
            let plain = |&byte: &u8| byte < b' ' || byte == 0x7F || byte == b'\\' || byte == quote;
            self.at += rest.iter().position(plain).unwrap_or(rest.len());
            if self.at > start {
                units.flush(&mut self.buffer);
                self.buffer
                    .push_str(self.text.get(start..self.at).unwrap_or_default());
            }
            match self.peek() {
                END => return self.early_end(),
                b'\\' => self.escape(&mut units)?,
                byte if byte == quote => {
                    units.flush(&mut self.buffer);
                    self.at += 1;
                    return Ok(());
                }
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self, units: &mut Units) -> Result<(), JsonError> {
        let unit = match self.bump() {
            b't' => 0x09,
            b'n' => 0x0A,
            b'r' => 0x0D,
            b'f' => 0x0C,
            b'b' => 0x08,
            b'\\' => 0x5C,
            b'/' => 0x2F,
            b'\'' => 0x27,
            b'"' => 0x22,
            b'u' => self.hex(4)?,
            b'x' => self.hex(2)?,
            END => return self.early_end(),
            _ => {
                // An unknown escape vanishes, all of its character.
                let rest = self.text.get(self.at..).unwrap_or_default();
                self.at += rest.chars().next().map_or(1, char::len_utf8);
                return Ok(());
            }
        };
        self.at += 1;
        units.push(unit, &mut self.buffer);
        Ok(())
    }

    /// The digits behind the current byte; stays on the last one.
    fn hex(&mut self, digits: usize) -> Result<u16, JsonError> {
        let mut unit = 0;
        for _ in 0..digits {
            match char::from(self.bump())
                .to_digit(16)
                .and_then(|digit| u16::try_from(digit).ok())
            {
                Some(digit) => unit = unit * 16 + digit,
                None if self.peek() == END => return self.early_end(),
                None => return self.unexpected(),
            }
        }
        Ok(unit)
    }
}

/// Where a text meets its quote or an escape, or the end.
#[inline]
fn end_of_plain(text: &[u8], from: usize, quote: u8) -> usize {
    // Eight bytes at a time: what the lowest mark stands for is no coincidence, what lies above may be.
    const ONES: u64 = 0x0101_0101_0101_0101;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let mut at = from;
    let mut rest = text.get(from..).unwrap_or_default();
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let marks =
            zeros(word ^ (u64::from(quote) * ONES)) | zeros(word ^ (u64::from(b'\\') * ONES));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
        rest = behind;
        if at > from + 64 {
            break;
        }
    }
    at + memchr::memchr2(quote, b'\\', rest).unwrap_or(rest.len())
}

/// Powers of ten that are exact.
const POWERS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// A whole number in the smallest Java type that the reference parser gives it.
fn integer<B: Build>(text: &str, build: &mut B) -> B::Value {
    let sign = usize::from(text.starts_with('-'));
    if text.len() == sign {
        // A lone minus is zero.
        return build.integer(0);
    }
    match text.parse() {
        Ok(number) if text.len() <= 19 + sign => build.integer(number),
        _ => build.big_integer(text),
    }
}

#[cfg(test)]
mod tests {
    use crate::template::json::tests::Show;

    fn show(text: &str) -> String {
        super::parse(text, &mut Show).unwrap_or_else(|error| format!("error: {error}"))
    }

    #[test]
    fn json_is_read_as_it_stands() {
        for (text, want) in [
            (
                r#"{"a": [1, -2, 2.5, true, false, null, "x"], "b": {}}"#,
                r#"{a:[1 -2 2.5d true false null "x"] b:{}}"#,
            ),
            (r#"  [ ]  "#, "[]"),
            (r#""a\"b\\c\/d\n\u00e9\ud83d\ude00""#, r#""a\"b\\c/d\né😀""#),
            ("12345678901234567890", "big 12345678901234567890"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "big 9223372036854775808"),
            ("1e21", "1e21d"),
            ("0.1234567890123456789", "dec 0.1234567890123456789"),
        ] {
            assert_eq!(show(text), want, "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_read_generously() {
        for (text, want) in [
            ("a=b", r#""a=b""#),
            ("nul", r#""nul""#),
            ("1 2", r#""1 2""#),
            ("1e", r#""1e""#),
            ("", r#""""#),
            ("   ", r#""""#),
            ("NaN", "NaNd"),
            ("-", "0"),
            ("{a:1}", "{a:1}"),
            ("{'a':1}", "{a:1}"),
            ("{,}", "{}"),
            (r#"{"a":1,}"#, "{a:1}"),
            (r#"{"a":1} x"#, "{a:1}"),
            (r#"{"a":+1}"#, r#"{a:"+1"}"#),
            (r#"{"a":tru}"#, r#"{a:"tru"}"#),
            (r#"{"a":,}"#, r#"{a:""}"#),
            (r#"{"a":1.}"#, "{a:1.0d}"),
            ("[01]", "[1]"),
            ("[1 2]", r#"["1 2"]"#),
            (r#"["a" "b"]"#, r#"["a" "b"]"#),
            ("[,,1,,]", "[1]"),
            ("[ a b , c ]", r#"["a b" "c"]"#),
            ("[\u{1}a\u{b}]", r#"["a"]"#),
            ("1.5\u{1}", "1.5d"),
            ("{\"a\":\"b\u{1}c\"}", r#"{a:"b\u{1}c"}"#),
            ("{\"a\":\"b\u{1}\\tc\u{7f}\"}", r#"{a:"b\tc"}"#),
            (r#""\ud83d!\ude00""#, r#""?!?""#),
            (r#""\q\x41\é""#, r#""A""#),
            (r#"{"a":1,"a":2}"#, "{a:1 a:2}"),
        ] {
            assert_eq!(show(text), want, "{text}");
        }
    }

    #[test]
    fn what_begins_like_json_must_end_like_it() {
        for text in [
            "{a",
            "[a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "\"abc",
            "'abc",
            "{\"a\" 1}",
            "{\"a\":}",
            "[}",
            "[:",
            "]",
            "}",
            ":",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12",
            "{\"a\":\"x\" y}",
            "{[",
            "{:",
            "-.",
            "1e+",
            "[\"a\\",
            "\"\\u00g0\"",
        ] {
            assert!(show(text).starts_with("error"), "{text}: {}", show(text));
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!show(&nested(400)).starts_with("error"));
        assert!(show(&nested(401)).starts_with("error: nested too deeply"));
        assert!(show(&"{\"a\":[".repeat(100_000)).starts_with("error"));
    }

    #[test]
    fn any_prefix_of_a_document_is_no_panic() {
        let text =
            r#"{"k é": [1, -2.5e-3, "a\u00e9\n😀", {'x': true}], b c : 'd\x41', "z": nope }"#;
        for (end, _) in text.char_indices() {
            let _ = show(&text[..end]);
            let _ = show(&text[end..]);
        }
    }
}
