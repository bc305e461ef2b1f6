//! The status of a MOCK integration: an integer `statusCode` in its rendered request.

/// Reads the status out of the rendered request template. The text is JSON in a lenient spelling:
/// keys without or with single quotes, stray commas; a quoted number is no status.
// Recorded: T:test_integration_mock_with_path_param; the rest is LocalStack's list.
pub(crate) fn status(body: &str) -> Option<i64> {
    let mut reader = Reader { rest: body };
    reader.object()
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    /// `{ key : value , … }`; the first integer under `statusCode` wins once the braces balance.
    fn object(&mut self) -> Option<i64> {
        self.blank();
        self.expect('{')?;
        let mut status = None;
        loop {
            self.blank();
            if self.expect(',').is_some() {
                continue;
            }
            if self.expect('}').is_some() {
                break;
            }
            let key = self.token(&[':', ',', '}'])?;
            self.blank();
            if self.expect(':').is_none() {
                // A bare word without a value.
                continue;
            }
            self.blank();
            let value = self.token(&[',', '}'])?;
            if key == Token::Text("statusCode")
                && let Token::Text(text) = value
                && !self.was_quoted(value)
            {
                status = text.parse::<i64>().ok();
            }
        }
        status
    }

    fn was_quoted(&self, token: Token<'_>) -> bool {
        matches!(token, Token::Quoted(_))
    }

    /// A quoted text, a bare word up to one of `ends`, or something nested as a whole.
    fn token(&mut self, ends: &[char]) -> Option<Token<'a>> {
        match self.rest.chars().next()? {
            quote @ ('"' | '\'') => {
                let inner = self.rest.get(1..)?;
                let end = quoted_end(inner, quote)?;
                let text = inner.get(..end)?;
                self.rest = inner.get(end + 1..)?;
                // A key may be quoted, a status may not.
                Some(if ends.contains(&':') {
                    Token::Text(text)
                } else {
                    Token::Quoted(text)
                })
            }
            // A nested object cannot be a key.
            '{' if ends.contains(&':') => None,
            '{' | '[' => {
                let end = nested_end(self.rest)?;
                self.rest = self.rest.get(end..)?;
                Some(Token::Quoted(""))
            }
            _ => {
                let end = self.rest.find(ends).unwrap_or(self.rest.len());
                let (text, rest) = self.rest.split_at(end);
                if text.contains(['"', '\'']) {
                    return None;
                }
                self.rest = rest;
                Some(Token::Text(text.trim()))
            }
        }
    }

    fn blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn expect(&mut self, c: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(c)?;
        Some(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Text(&'a str),
    Quoted(#[allow(dead_code)] &'a str),
}

fn quoted_end(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return Some(index),
            _ => {}
        }
    }
    None
}

/// The end of a bracketed text, quotes respected.
fn nested_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut index = 0;
    while let Some(c) = text.get(index..)?.chars().next() {
        index += c.len_utf8();
        match c {
            '"' | '\'' => index += quoted_end(text.get(index..)?, c)? + 1,
            '{' | '[' => depth += 1,
            '}' | ']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lenient_spellings() {
        for (body, expected) in [
            ("{\"statusCode\": 200}", Some(200)),
            ("{statusCode: 200}", Some(200)),
            ("{'statusCode': 200, '': ''}", Some(200)),
            ("{\"statusCode\": 200 ,, }", Some(200)),
            ("{\"statusCode\": 200 , null: null }", Some(200)),
            ("{\"statusCode\": 200, \"\": \"\"}", Some(200)),
            (
                "\n{ \"a\": {\"statusCode\": 1}, \"b\": [\"}\"], \"statusCode\": -1000 }\n",
                Some(-1000),
            ),
            ("{\"message\": \"a, b}\", \"statusCode\": 0}", Some(0)),
            ("{\"statusCode\": 200, foo}", Some(200)),
            ("{\"statusCode\": \"200\"}", None),
            ("{\"statusCode\": 200", None),
            ("{\"statusCode': 200 }", None),
            ("{'statusCode\": 200 }", None),
            ("statusCode: 200", None),
            ("{{statusCode: 200}}", None),
            ("{\"statusCode\": 200.5}", None),
            ("{\"a\": 1}", None),
            ("", None),
            ("{é", None),
        ] {
            assert_eq!(status(body), expected, "{body}");
        }
    }
}
