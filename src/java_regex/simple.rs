//! Whole matches of patterns that are a row of ASCII classes, such as `[a-z]+[0-9]*`: one look at each byte decides.

/// Characters of ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Set([u64; 2]);

impl Set {
    fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    fn add_all(&mut self, other: Set) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    #[inline]
    fn has(self, byte: u8) -> bool {
        let word = self.0.get(usize::from(byte >> 6)).copied().unwrap_or(0);
        word >> (byte & 63) & 1 != 0
    }

    fn meets(self, other: Set) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    fn of(bytes: impl IntoIterator<Item = u8>) -> Self {
        let mut set = Set::default();
        bytes.into_iter().for_each(|byte| set.add(byte));
        set
    }

    /// What `\d` or `\w` stands for, or an escaped sign.
    fn escaped(byte: u8) -> Option<Self> {
        Some(match byte {
            b'd' => Set::of(b'0'..=b'9'),
            b'w' => Set::of((0..=127u8).filter(|b| b.is_ascii_alphanumeric() || *b == b'_')),
            sign if sign.is_ascii_punctuation() => Set::of([sign]),
            _ => return None,
        })
    }
}

/// So many characters of a set.
#[derive(Debug, Clone, Copy)]
struct Part {
    set: Set,
    least: u32,
    most: u32,
}

/// Such a pattern.
#[derive(Debug, Clone)]
pub(super) struct Simple(Box<[Part]>);

/// More parts, or more characters of one set, are left to the engine.
const MOST: u32 = 1000;

impl Simple {
    /// The pattern, if it is of this kind and no part of it can take a character from what follows it.
    pub(super) fn of(pattern: &str) -> Option<Self> {
        let mut rest = pattern.as_bytes();
        rest = rest.strip_prefix(b"^").unwrap_or(rest);
        let mut parts: Vec<Part> = Vec::new();
        while let Some((&byte, behind)) = rest.split_first() {
            if byte == b'$' && behind.is_empty() {
                break;
            }
            let (set, behind) = match byte {
                b'[' => class(behind)?,
                b'\\' => {
                    let (&byte, behind) = behind.split_first()?;
                    (Set::escaped(byte)?, behind)
                }
                b'^' | b'$' | b'.' | b'|' | b'?' | b'*' | b'+' | b'(' | b')' | b'{' | b'}'
                | b']' => {
                    return None;
                }
                b' '..=b'~' => (Set::of([byte]), behind),
                _ => return None,
            };
            let (least, most, behind) = repetition(behind)?;
            rest = behind;
            parts.push(Part { set, least, most });
            if parts.len() > MOST as usize {
                return None;
            }
        }
        let sure = parts.iter().enumerate().all(|(at, part)| {
            let mut next = parts.iter().skip(at + 1);
            part.least == part.most
                || loop {
                    match next.next() {
                        Some(one) if one.set.meets(part.set) => break false,
                        Some(one) if one.least == 0 => {}
                        Some(_) | None => break true,
                    }
                }
        });
        sure.then(|| Simple(parts.into()))
    }

    /// Whether it matches all of a text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let mut bytes = text.as_bytes();
        for part in &self.0 {
            let most = bytes.len().min(part.most as usize);
            let window = bytes.get(..most).unwrap_or_default();
            let taken = window
                .iter()
                .position(|b| !part.set.has(*b))
                .unwrap_or(most);
            if taken < part.least as usize {
                return false;
            }
            bytes = bytes.get(taken..).unwrap_or_default();
        }
        bytes.is_empty()
    }
}

/// A class from behind its `[`, and what follows its `]`.
fn class(mut rest: &[u8]) -> Option<(Set, &[u8])> {
    let mut set = Set::default();
    let mut first = true;
    loop {
        let (&byte, behind) = rest.split_first()?;
        rest = behind;
        match byte {
            b']' if !first => return Some((set, rest)),
            b'-' if rest.first() == Some(&b']') => set.add(b'-'),
            b'[' | b']' | b'&' | b'^' | b'-' => return None,
            b'\\' => {
                let (&byte, behind) = rest.split_first()?;
                rest = behind;
                set.add_all(Set::escaped(byte)?);
                // What a range from here would be is another question.
                if rest.first() == Some(&b'-') && rest.get(1) != Some(&b']') {
                    return None;
                }
            }
            b' '..=b'~' => match rest {
                [b'-', b']', ..] => set.add(byte),
                [b'-', last, behind @ ..] if last.is_ascii_alphanumeric() && *last >= byte => {
                    set.add_all(Set::of(byte..=*last));
                    rest = behind;
                }
                [b'-', ..] => return None,
                _ => set.add(byte),
            },
            _ => return None,
        }
        first = false;
    }
}

/// How often what stands before it is wanted, and what follows.
fn repetition(rest: &[u8]) -> Option<(u32, u32, &[u8])> {
    let (least, most, behind) = match rest {
        [b'?', behind @ ..] => (0, 1, behind),
        [b'*', behind @ ..] => (0, u32::MAX, behind),
        [b'+', behind @ ..] => (1, u32::MAX, behind),
        [b'{', behind @ ..] => {
            let (least, behind) = number(behind)?;
            match behind {
                [b'}', behind @ ..] => (least, least, behind),
                [b',', b'}', behind @ ..] => (least, u32::MAX, behind),
                [b',', behind @ ..] => {
                    let (most, behind) = number(behind)?;
                    (least, most, behind.strip_prefix(b"}")?)
                }
                _ => return None,
            }
        }
        behind => return Some((1, 1, behind)),
    };
    // Reluctant and possessive ones, and what no pattern may have.
    if matches!(behind.first(), Some(b'?' | b'*' | b'+' | b'{')) || most < least {
        return None;
    }
    Some((least, most, behind))
}

fn number(rest: &[u8]) -> Option<(u32, &[u8])> {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, behind) = rest.split_at_checked(digits)?;
    let number: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (number <= MOST).then_some((number, behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::java_regex::{BACKTRACKS, SIZE, build, translate};

    #[test]
    fn the_engine_agrees() {
        let patterns = [
            "[a-z]+[0-9]*",
            "^\\d{4}-\\d{2}$",
            "\\w+@\\w+",
            "a",
            "",
            "^$",
            "a?b*c+",
            "x{2,3}y{0,}",
            "[A-Za-z0-9_-]{1,4}",
            "[-]",
            "[a-]",
            "[\\w.-]+x?",
            "[\\d]{0}",
            "[a-c]?d",
            "[ ,;]+",
            "a{3}",
        ];
        let texts = [
            "", "a", "ab", "abc", "abc12", "12", "1234-56", "1234-5", "a@b", "a@", "é", "aé", "bc",
            "c", "xxy", "xxxyy", "xy", "a-b_", "-", "a-", "d", "ad", " ,", "aaa", "aaaa", "a\n",
            "x.y",
        ];
        for pattern in patterns {
            let engine = build(
                &translate::translate(pattern).unwrap(),
                true,
                BACKTRACKS,
                SIZE,
            );
            let engine = engine.unwrap();
            let simple = Simple::of(pattern);
            for text in texts {
                if let Some(simple) = &simple {
                    let wanted = engine.is_match(text).unwrap();
                    assert_eq!(simple.is_match(text), wanted, "{pattern} on {text:?}");
                }
            }
        }
        let known = patterns
            .iter()
            .filter(|pattern| Simple::of(pattern).is_some());
        assert_eq!(known.count(), 15);
    }

    #[test]
    fn others_are_left_to_the_engine() {
        for pattern in [
            "a|b",
            "(a)",
            ".",
            "[^a]",
            "[a&&b]",
            "[[a]]",
            "a+a",
            "[a-z]*[x-z]",
            "a*?",
            "a++",
            "\\s",
            "é",
            "[é]",
            "[a-\\d]",
            "[\\d-z]",
            "[]a]",
            "[z-a]",
            "a{",
            "a{2,1}",
            "a$b",
            "*a",
            "\\",
            "[a",
            "a{2}{3}",
            "(?i)a",
            "[!-/]",
            "a{9999}",
        ] {
            assert!(Simple::of(pattern).is_none(), "{pattern}");
        }
    }
}
