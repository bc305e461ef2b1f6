//! From `java.util.regex` syntax to that of the engine.

/// Flags that change what `.`, `^`, `$`, blanks and letters mean.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    multi_line: bool,
    dot_all: bool,
    unix_lines: bool,
    comments: bool,
    ignore_case: bool,
    /// Whether case is that of all letters, not of ASCII's alone.
    unicode_case: bool,
}

/// The line terminators besides `\r\n`, for use in a class.
const LINE_ENDS: &str = r"\n\r\x{85}\x{2028}\x{2029}";

const BLANKS: &str = r" \t\x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}";

const VERTICAL: &str = r"\n\x{0b}\x{0c}\r\x{85}\x{2028}\x{2029}";

/// How deep groups and classes may be nested.
const MAX_DEPTH: usize = 100;

struct Translator<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    out: String,
    flags: Flags,
    groups: Vec<Flags>,
    /// Whether a class names what may be a letter, alone or in a range.
    cased: bool,
}

/// The pattern in the engine's syntax.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator {
        chars: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len() * 2),
        flags: Flags::default(),
        groups: Vec::new(),
        cased: false,
    };
    translator
        .pattern()
        .map_err(|what| format!("bad pattern {pattern:?}: {what}"))?;
    Ok(translator.out)
}

type Done<T = ()> = Result<T, String>;

impl Translator<'_> {
    fn pattern(&mut self) -> Done {
        while let Some(c) = self.chars.next() {
            match c {
                '\\' => self.escape()?,
                '[' => {
                    self.cased = false;
                    let class = self.class(0)?;
                    // A named set has the letters it has, and no others' cases.
                    match self.ascii_case() || self.flags.ignore_case && !self.cased {
                        true => self.out.push_str(&format!("(?-i:{class})")),
                        false => self.out.push_str(&class),
                    }
                }
                '.' => self.dot(),
                '^' => self.start(),
                '$' => self.end(),
                '(' => self.open()?,
                ')' => {
                    self.flags = self.groups.pop().ok_or("unmatched `)`")?;
                    self.out.push(')');
                }
                '{' => self.repetition()?,
                '*' | '+' | '?' | '|' => self.out.push(c),
                '#' if self.flags.comments => {
                    while self.chars.next_if(|c| !LINE_END.contains(c)).is_some() {}
                }
                c if self.flags.comments && c.is_ascii_whitespace() => {}
                other => self.letter(other),
            }
        }
        if self.groups.is_empty() {
            Ok(())
        } else {
            Err("a group is not closed".to_owned())
        }
    }

    /// Whether case is ignored, of ASCII letters alone. The engine's sense of case is wider.
    fn ascii_case(&self) -> bool {
        self.flags.ignore_case && !self.flags.unicode_case
    }

    /// A character that stands for itself.
    fn letter(&mut self, c: char) {
        let java = self.ascii_case();
        match c {
            // Two signs beyond ASCII fold to these.
            'k' | 'K' if java => self.out.push_str("(?-i:[kK])"),
            's' | 'S' if java => self.out.push_str("(?-i:[sS])"),
            c if java && !c.is_ascii() => {
                self.out.push_str("(?-i:");
                self.out.push(c);
                self.out.push(')');
            }
            c => literal(c, &mut self.out),
        }
    }

    fn dot(&mut self) {
        if self.flags.dot_all {
            self.out.push_str("(?s:.)");
        } else if self.flags.unix_lines {
            self.out.push_str("[^\\n]");
        } else {
            self.out.push_str(&format!("[^{LINE_ENDS}]"));
        }
    }

    fn start(&mut self) {
        if self.flags.multi_line {
            self.out
                .push_str(&format!(r"(?:\A|(?<=[{LINE_ENDS}])(?!\z))"));
        } else {
            self.out.push_str(r"\A");
        }
    }

    fn end(&mut self) {
        if self.flags.multi_line {
            self.out.push_str(&format!(r"(?=[{LINE_ENDS}]|\z)"));
        } else {
            self.last_line();
        }
    }

    /// The end of the text, or the line terminator before it.
    fn last_line(&mut self) {
        self.out
            .push_str(&format!(r"(?=(?:\r\n|[{LINE_ENDS}])?\z)"));
    }

    /// What follows a `(`.
    fn open(&mut self) -> Done {
        if self.groups.len() >= MAX_DEPTH {
            return Err("groups are nested too deeply".to_owned());
        }
        self.groups.push(self.flags);
        if self.chars.next_if_eq(&'?').is_none() {
            self.out.push('(');
            return Ok(());
        }
        match self.chars.next() {
            Some(c @ (':' | '=' | '!' | '>')) => {
                self.out.push_str("(?");
                self.out.push(c);
            }
            Some('<') => match self.chars.next() {
                Some(c @ ('=' | '!')) => {
                    self.out.push_str("(?<");
                    self.out.push(c);
                }
                Some(c) if c.is_ascii_alphabetic() => {
                    let mut name = String::from(c);
                    while let Some(c) = self.chars.next_if(char::is_ascii_alphanumeric) {
                        name.push(c);
                    }
                    if self.chars.next() != Some('>') {
                        return Err("the name of a group is not closed".to_owned());
                    }
                    self.out.push_str(&format!("(?<{name}>"));
                }
                _ => return Err("bad group".to_owned()),
            },
            Some(c) => self.flag_group(c)?,
            None => return Err("bad group".to_owned()),
        }
        Ok(())
    }

    /// `(?im-s)` and `(?im-s:…)`.
    fn flag_group(&mut self, first: char) -> Done {
        let mut on = true;
        let mut passed = String::new();
        let mut next = Some(first);
        loop {
            match next {
                Some('-') if on => {
                    on = false;
                    passed.push('-');
                }
                Some('m') => self.flags.multi_line = on,
                Some('s') => self.flags.dot_all = on,
                Some('d') => self.flags.unix_lines = on,
                Some('x') => self.flags.comments = on,
                Some('i') => {
                    self.flags.ignore_case = on;
                    passed.push('i');
                }
                Some('u' | 'U') => self.flags.unicode_case = on,
                Some(end @ (':' | ')')) => {
                    let passed = passed.trim_end_matches('-');
                    if end == ':' {
                        self.out.push_str(&format!("(?{passed}:"));
                    } else {
                        // The flags stay on until the group around them ends.
                        self.groups.pop();
                        if !passed.is_empty() {
                            self.out.push_str(&format!("(?{passed})"));
                        }
                    }
                    return Ok(());
                }
                _ => return Err("unknown inline flag".to_owned()),
            }
            next = self.chars.next();
        }
    }

    fn repetition(&mut self) -> Done {
        let mut text = String::from("{");
        while let Some(c) = self.chars.next_if(|c| c.is_ascii_digit() || *c == ',') {
            text.push(c);
        }
        if self.chars.next() != Some('}') || !text[1..].starts_with(|c: char| c.is_ascii_digit()) {
            return Err("bad repetition".to_owned());
        }
        text.push('}');
        self.out.push_str(&text);
        Ok(())
    }

    /// What follows a backslash outside a class.
    fn escape(&mut self) -> Done {
        let Some(c) = self.chars.next() else {
            return Err("a character is missing behind the `\\`".to_owned());
        };
        match c {
            'Q' => self.quoted(),
            'E' => {}
            'A' | 'z' | 'b' | 'B' | 'G' => {
                self.out.push('\\');
                self.out.push(c);
            }
            'Z' => self.last_line(),
            'R' => self.out.push_str(&format!(r"(?:\r\n|[{VERTICAL}])")),
            '1'..='9' => {
                self.out.push_str("(?:\\");
                self.out.push(c);
                self.out.push(')');
            }
            'k' => {
                if self.chars.next() != Some('<') {
                    return Err("`\\k` needs a group name".to_owned());
                }
                let mut name = String::new();
                while let Some(c) = self.chars.next_if(char::is_ascii_alphanumeric) {
                    name.push(c);
                }
                if self.chars.next() != Some('>') {
                    return Err("the name of a group is not closed".to_owned());
                }
                self.out.push_str(&format!(r"\k<{name}>"));
            }
            _ => match self.set(c)? {
                Some((negated, set)) => {
                    let caret = if negated { "^" } else { "" };
                    match self.flags.ignore_case {
                        // A named set has the letters it has.
                        true => self.out.push_str(&format!("(?-i:[{caret}{set}])")),
                        false => self.out.push_str(&format!("[{caret}{set}]")),
                    }
                }
                None => {
                    let c = self.character(c)?;
                    self.letter(c);
                }
            },
        }
        Ok(())
    }

    fn quoted(&mut self) {
        while let Some(c) = self.chars.next() {
            if c == '\\' && self.chars.next_if_eq(&'E').is_some() {
                return;
            }
            self.letter(c);
        }
    }

    /// A class named by one letter or by `\p`: whether it is negated, and its members.
    fn set(&mut self, c: char) -> Done<Option<(bool, String)>> {
        let set = match c {
            'd' | 'D' => "0-9",
            'w' | 'W' => "a-zA-Z0-9_",
            's' | 'S' => r" \t\n\x{0b}\x{0c}\r",
            'h' | 'H' => BLANKS,
            'v' | 'V' => VERTICAL,
            'p' | 'P' => {
                let (negated, set) = self.property()?;
                return Ok(Some((negated != (c == 'P'), set)));
            }
            _ => return Ok(None),
        };
        Ok(Some((c.is_ascii_uppercase(), set.to_owned())))
    }

    /// What follows `\p`.
    fn property(&mut self) -> Done<(bool, String)> {
        let mut name = String::new();
        match self.chars.next() {
            Some('{') => loop {
                match self.chars.next() {
                    Some('}') => break,
                    Some(c) => name.push(c),
                    None => return Err("`\\p{` is not closed".to_owned()),
                }
            },
            Some(c) => name.push(c),
            None => return Err("`\\p` needs a name".to_owned()),
        }
        let set = match name.as_str() {
            // Observed: without regard to case, a set of letters of one case has those of any.
            "Lower" | "Upper" if self.flags.ignore_case => "a-zA-Z",
            "Lu" | "Ll" | "Lt" | "IsLu" | "IsLl" | "IsLt" if self.flags.ignore_case => {
                r"\p{Lu}\p{Ll}\p{Lt}"
            }
            "javaLowerCase" | "IsLowercase" | "javaUpperCase" | "IsUppercase"
                if self.flags.ignore_case =>
            {
                r"\p{Lowercase}\p{Uppercase}\p{Lt}"
            }
            "Lower" => "a-z",
            "Upper" => "A-Z",
            "ASCII" => r"\x{00}-\x{7f}",
            "Alpha" => "a-zA-Z",
            "Digit" => "0-9",
            "Alnum" => "a-zA-Z0-9",
            "Punct" => r"!-/:-@\[-`\{-~",
            "Graph" => "!-~",
            "Print" => " -~",
            "Blank" => r" \t",
            "Cntrl" => r"\x{00}-\x{1f}\x{7f}",
            "XDigit" => "0-9a-fA-F",
            "Space" => r" \t\n\x{0b}\x{0c}\r",
            "javaLowerCase" | "IsLowercase" => r"\p{Lowercase}",
            "javaUpperCase" | "IsUppercase" => r"\p{Uppercase}",
            "javaWhitespace" | "IsWhite_Space" | "IsWhiteSpace" => r"\p{White_Space}",
            "javaLetter" => r"\p{L}",
            "javaDigit" | "IsDigit" => r"\p{Nd}",
            "javaLetterOrDigit" => r"\p{L}\p{Nd}",
            "javaAlphabetic" | "IsAlphabetic" => r"\p{Alphabetic}",
            "IsPunctuation" => r"\p{P}",
            "IsControl" => r"\p{Cc}",
            "L1" => r"\x{00}-\x{ff}",
            "LC" => r"\p{Lu}\p{Ll}\p{Lt}",
            "LD" => r"\p{L}\p{Nd}",
            other => {
                let plain = other.strip_prefix("Is").unwrap_or(other);
                let plain = match plain.split_once('=') {
                    Some(("script" | "sc" | "general_category" | "gc", value)) => value,
                    Some(_) => return Err(format!("unknown property {other:?}")),
                    None => plain,
                };
                if plain.is_empty()
                    || !plain
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'_')
                {
                    return Err(format!("unknown property {other:?}"));
                }
                return Ok((false, format!(r"\p{{{plain}}}")));
            }
        };
        Ok((false, set.to_owned()))
    }

    /// The character an escape stands for.
    fn character(&mut self, c: char) -> Done<char> {
        let code = match c {
            't' => 9,
            'n' => 10,
            'r' => 13,
            'f' => 12,
            'a' => 7,
            'e' => 27,
            'c' => match self.chars.next() {
                Some(c) => u32::from(c) ^ 64,
                None => return Err("`\\c` needs a character".to_owned()),
            },
            '0' => self.octal()?,
            'x' if self.chars.next_if_eq(&'{').is_some() => {
                let mut digits = String::new();
                while let Some(c) = self.chars.next_if(char::is_ascii_hexdigit) {
                    digits.push(c);
                }
                if self.chars.next() != Some('}') {
                    return Err("`\\x{` is not closed".to_owned());
                }
                u32::from_str_radix(&digits, 16).map_err(|e| e.to_string())?
            }
            'x' => self.hex(2)?,
            'u' => {
                let high = self.hex(4)?;
                if (0xd800..0xdc00).contains(&high) {
                    let pair = self.chars.next() == Some('\\') && self.chars.next() == Some('u');
                    let low = if pair { self.hex(4)? } else { 0 };
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err("half of a surrogate pair".to_owned());
                    }
                    0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    high
                }
            }
            c if c.is_ascii_alphabetic() => return Err(format!("unknown escape `\\{c}`")),
            other => return Ok(other),
        };
        char::from_u32(code).ok_or_else(|| "no such character".to_owned())
    }

    fn hex(&mut self, count: usize) -> Done<u32> {
        let mut code = 0;
        for _ in 0..count {
            let digit = self.chars.next().and_then(|c| c.to_digit(16));
            code = code * 16 + digit.ok_or("a hexadecimal digit is missing")?;
        }
        Ok(code)
    }

    fn octal(&mut self) -> Done<u32> {
        let digit = |c: Option<char>| c.and_then(|c| c.to_digit(8));
        let mut code = digit(self.chars.next()).ok_or("an octal digit is missing")?;
        for most in [0o37, 0o37] {
            if code > most {
                break;
            }
            match digit(self.chars.peek().copied()) {
                Some(next) => {
                    code = code * 8 + next;
                    self.chars.next();
                }
                None => break,
            }
        }
        Ok(code)
    }

    /// A class, from behind its `[` to its `]`.
    fn class(&mut self, depth: usize) -> Done<String> {
        if depth > MAX_DEPTH {
            return Err("classes are nested too deeply".to_owned());
        }
        let mut out = String::from("[");
        if self.chars.next_if_eq(&'^').is_some() {
            out.push('^');
        }
        let mut first = true;
        let mut cases = Cases::new(self.ascii_case());
        loop {
            let c = self.chars.next().ok_or("a class is not closed")?;
            match c {
                ']' if !first => break,
                '[' => out.push_str(&self.class(depth + 1)?),
                '&' if self.chars.next_if_eq(&'&').is_some() => {
                    while self.chars.next_if_eq(&'&').is_some() {}
                    cases.end(&mut out);
                    out.push_str("&&");
                }
                '-' if !first && !matches!(self.chars.peek(), Some(']' | '[')) => {
                    out.push('-');
                    cases.range = true;
                    self.cased = true;
                }
                '\\' => self.class_escape(&mut out, &mut cases)?,
                c if self.flags.comments && c.is_ascii_whitespace() => {}
                // The engine would take `[:` for the start of a class with a name.
                ':' if first => out.push_str("::"),
                other => {
                    literal(other, &mut out);
                    cases.letter(other);
                    self.cased |= is_cased(other);
                }
            }
            first = false;
        }
        cases.end(&mut out);
        out.push(']');
        Ok(out)
    }

    fn class_escape(&mut self, out: &mut String, cases: &mut Cases) -> Done {
        let Some(c) = self.chars.next() else {
            return Err("a class is not closed".to_owned());
        };
        if c == 'Q' {
            while let Some(c) = self.chars.next() {
                if c == '\\' && self.chars.next_if_eq(&'E').is_some() {
                    return Ok(());
                }
                literal(c, out);
                cases.letter(c);
                self.cased |= is_cased(c);
            }
            return Ok(());
        }
        if c == 'E' {
            return Ok(());
        }
        match self.set(c)? {
            Some((negated, set)) => {
                let caret = if negated { "^" } else { "" };
                out.push_str(&format!("[{caret}{set}]"));
                cases.range = false;
            }
            None => {
                let c = self.character(c)?;
                literal(c, out);
                cases.letter(c);
                self.cased |= is_cased(c);
            }
        }
        Ok(())
    }
}

/// The other cases of the ASCII letters of a class, for a pattern that ignores case.
struct Cases {
    wanted: bool,
    more: String,
    last: char,
    /// Whether the next character ends a range from the last.
    range: bool,
}

impl Cases {
    fn new(wanted: bool) -> Self {
        Cases {
            wanted,
            more: String::new(),
            last: '\0',
            range: false,
        }
    }

    /// A character of the class, or the end of a range in it.
    fn letter(&mut self, c: char) {
        if !self.wanted {
            return;
        }
        let first = if self.range { self.last } else { c };
        for (start, end, other) in [('a', 'z', 'A'), ('A', 'Z', 'a')] {
            let (from, to) = (first.max(start), c.min(end));
            if from <= to {
                let moved = |c: char| char::from((c as u8 - start as u8) + other as u8);
                self.more.push(moved(from));
                self.more.push('-');
                self.more.push(moved(to));
            }
        }
        (self.last, self.range) = (c, false);
    }

    /// Adds them to the class.
    fn end(&mut self, out: &mut String) {
        out.push_str(&self.more);
        self.more.clear();
        self.range = false;
    }
}

const LINE_END: [char; 5] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];

fn is_cased(c: char) -> bool {
    c.is_ascii_alphabetic() || !c.is_ascii()
}

/// Appends a character that stands for itself.
fn literal(c: char, out: &mut String) {
    if c.is_ascii() && !c.is_ascii_alphanumeric() && c != ' ' && c != '_' {
        out.push_str(&format!(r"\x{{{:02x}}}", u32::from(c)));
    } else {
        out.push(c);
    }
}
