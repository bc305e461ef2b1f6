//! The strict JSON reader behind `$util.parseJson`: RFC 8259, nothing before or after the value.

use crate::template::json::{Build, JsonError, Piece, Units};

/// How deep objects and arrays may nest.
// Chosen: the same as for a payload.
const MAX_DEPTH: usize = 400;

/// Reads a text that is one JSON value.
pub(crate) fn parse<B: Build>(text: &str, build: &mut B) -> Result<B::Value, JsonError> {
    let mut reader = Reader {
        text,
        at: 0,
        build,
        depth: 0,
        buffer: String::new(),
    };
    let value = reader.value()?;
    match reader.next_token() {
        None => Ok(value),
        Some(_) => reader.unexpected(),
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
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no blank; stays on it.
    fn next_token(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    fn unexpected<T>(&self) -> Result<T, JsonError> {
        let what = match self.peek() {
            Some(_) => "unexpected character",
            None => "unexpected end of the text",
        };
        Err(JsonError::new(what, self.at))
    }

    fn value(&mut self) -> Result<B::Value, JsonError> {
        match self.next_token() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => {
                let at = self.at + 1;
                let slice = self.string()?;
                let made = Piece::made(&self.buffer);
                let verbatim = |slice: &str| Piece::verbatim(self.text, at, slice.len());
                Ok(self.build.text(slice.map_or(made, verbatim)))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true").map(|()| self.build.boolean(true)),
            Some(b'f') => self.word("false").map(|()| self.build.boolean(false)),
            Some(b'n') => self.word("null").map(|()| self.build.null()),
            _ => self.unexpected(),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), JsonError> {
        match self.text.get(self.at..) {
            Some(rest) if rest.starts_with(word) => {
                self.at += word.len();
                Ok(())
            }
            _ => self.unexpected(),
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<B::Value, JsonError>,
    ) -> Result<B::Value, JsonError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(JsonError::new("nested too deeply", self.at));
        }
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<B::Value, JsonError> {
        let mut array = self.build.array();
        if self.next_token() != Some(b']') {
            loop {
                let value = self.value()?;
                self.build.item(&mut array, value);
                match self.next_token() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    _ => return self.unexpected(),
                }
            }
        }
        self.at += 1;
        Ok(self.build.close_array(array))
    }

    fn object(&mut self) -> Result<B::Value, JsonError> {
        let mut object = self.build.object();
        if self.next_token() != Some(b'}') {
            loop {
                if self.next_token() != Some(b'"') {
                    return self.unexpected();
                }
                let at = self.at + 1;
                let key = match self.string()? {
                    Some(slice) => self
                        .build
                        .key(&mut object, Piece::verbatim(self.text, at, slice.len())),
                    None => self.build.key(&mut object, Piece::made(&self.buffer)),
                };
                if self.next_token() != Some(b':') {
                    return self.unexpected();
                }
                self.at += 1;
                let value = self.value()?;
                self.build.entry(&mut object, key, value);
                match self.next_token() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return self.unexpected(),
                }
            }
        }
        self.at += 1;
        Ok(self.build.close(object))
    }

    fn number(&mut self) -> Result<B::Value, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.unexpected(),
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            whole = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        // At the top any other byte is refused anyhow; inside, only these may follow.
        if !matches!(
            self.peek(),
            None | Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b']' | b'}')
        ) {
            return self.unexpected();
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if !whole {
            return Ok(self.build.double(text.parse().unwrap_or(f64::NAN)));
        }
        Ok(match text.parse() {
            Ok(number) => self.build.integer(number),
            Err(_) => self.build.big_integer(text),
        })
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<(), JsonError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.unexpected();
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        Ok(())
    }

    /// A string: as it stands in the text, or `None` and unescaped in the buffer.
    fn string(&mut self) -> Result<Option<&'a str>, JsonError> {
        self.at += 1;
        let mut start = self.at;
        let mut escaped = false;
        let mut units = Units::new();
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    if !escaped {
                        self.buffer.clear();
                        escaped = true;
                    }
                    self.keep(start, &mut units);
                    self.escape(&mut units)?;
                    start = self.at;
                }
                Some(byte) if byte >= b' ' => self.at += 1,
                _ => return self.unexpected(),
            }
        }
        let slice = if escaped {
            self.keep(start, &mut units);
            units.flush(&mut self.buffer);
            None
        } else {
            self.text.get(start..self.at)
        };
        self.at += 1;
        Ok(slice)
    }

    /// Adds what was read since `start` to the buffer.
    fn keep(&mut self, start: usize, units: &mut Units) {
        if self.at > start {
            units.flush(&mut self.buffer);
            self.buffer
                .push_str(self.text.get(start..self.at).unwrap_or_default());
        }
    }

    fn escape(&mut self, units: &mut Units) -> Result<(), JsonError> {
        self.at += 1;
        let unit = match self.peek() {
            Some(b'"') => 0x22,
            Some(b'\\') => 0x5C,
            Some(b'/') => 0x2F,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0C,
            Some(b'n') => 0x0A,
            Some(b'r') => 0x0D,
            Some(b't') => 0x09,
            Some(b'u') => {
                let digits = self.text.get(self.at + 1..self.at + 5).unwrap_or("-");
                let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                match u16::from_str_radix(digits, 16) {
                    Ok(unit) if hex => {
                        self.at += 4;
                        unit
                    }
                    _ => return self.unexpected(),
                }
            }
            _ => return self.unexpected(),
        };
        self.at += 1;
        units.push(unit, &mut self.buffer);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::template::json::tests::Show;

    fn show(text: &str) -> Option<String> {
        super::parse(text, &mut Show).ok()
    }

    #[test]
    fn values_of_every_kind() {
        for (text, want) in [
            (
                r#"{"a":[1,-0,1.0,1e5,"x",true,false,null],"b":{}}"#,
                r#"{a:[1 0 1.0d 100000.0d "x" true false null] b:{}}"#,
            ),
            (" 7 ", "7"),
            (r#""é\u00e9\ud83d\ude00\n\/""#, r#""éé😀\n/""#),
            (
                "123456789012345678901234567890",
                "big 123456789012345678901234567890",
            ),
            ("[]", "[]"),
            (r#"{"\u0061":1}"#, "{a:1}"),
        ] {
            assert_eq!(show(text).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            " ",
            "nope",
            "tru",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "-",
            "NaN",
            "'a'",
            "{a:1}",
            "[1,]",
            "[,1]",
            "{\"a\":1,}",
            "{\"a\":1} x",
            "1 2",
            "\"a",
            "\"\\x41\"",
            "\"\\u12\"",
            "\"\\u+123\"",
            "\"\n\"",
            "{\"a\"}",
            "[1",
            "{",
            "1x",
            "[1 2]",
        ] {
            assert_eq!(show(text), None, "{text}");
        }
        assert_eq!(show(&"[".repeat(100_000)), None);
    }

    #[test]
    fn any_prefix_is_no_panic() {
        let text = r#"{"k é": [1, -2.5e-3, "a\u00e9\n😀", {"x": true}], "z": null }"#;
        for (end, _) in text.char_indices() {
            assert_eq!(show(&text[..end]), None);
        }
    }
}
