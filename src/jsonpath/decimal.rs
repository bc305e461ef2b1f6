//! Exact comparison of decimal numbers of any size.

use std::cmp::Ordering;

use super::digits::digit_value;

/// `±0.digits × 10^magnitude`, without leading or trailing zeros in `digits`; zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    magnitude: i64,
}

impl Decimal {
    /// Reads what `java.math.BigDecimal` reads: sign, digits with at most one point, exponent; no white space.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut chars = text.chars().peekable();
        let negative = match chars.peek() {
            Some('-') => true,
            Some('+') => false,
            Some(_) | None => {
                return Self::unsigned(text.chars(), false);
            }
        };
        chars.next();
        Self::unsigned(chars, negative)
    }

    fn unsigned(chars: impl Iterator<Item = char>, negative: bool) -> Option<Self> {
        let mut chars = chars;
        let mut digits = Vec::new();
        let (mut any, mut point, mut whole, mut fraction) = (false, false, 0_i64, 0_i64);
        let mut exponent = 0_i64;
        while let Some(c) = chars.next() {
            if let Some(value) = digit_value(c) {
                any = true;
                if point {
                    fraction += 1;
                }
                if digits.is_empty() && value == 0 {
                    if point {
                        whole -= 1;
                    }
                    continue;
                }
                if !point {
                    whole += 1;
                }
                digits.push(value);
            } else if c == '.' && !point {
                point = true;
            } else if c == 'e' || c == 'E' {
                exponent = parse_exponent(chars.by_ref())?;
                break;
            } else {
                return None;
            }
        }
        if !any || i32::try_from(fraction - exponent).is_err() {
            return None;
        }
        while digits.last() == Some(&0) {
            digits.pop();
        }
        Some(Self {
            negative: negative && !digits.is_empty(),
            magnitude: if digits.is_empty() {
                0
            } else {
                whole + exponent
            },
            digits,
        })
    }
}

fn parse_exponent(chars: impl Iterator<Item = char>) -> Option<i64> {
    let mut value = 0_i64;
    let (mut negative, mut any) = (false, false);
    for (at, c) in chars.enumerate() {
        match c {
            '-' | '+' if at == 0 => negative = c == '-',
            _ => {
                any = true;
                value = value
                    .checked_mul(10)?
                    .checked_add(i64::from(digit_value(c)?))?;
            }
        }
    }
    let value = if negative { -value } else { value };
    (any && i32::try_from(value).is_ok()).then_some(value)
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |d: &Self| match (d.digits.is_empty(), d.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let by_size = || {
            self.magnitude
                .cmp(&other.magnitude)
                .then_with(|| self.digits.cmp(&other.digits))
        };
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            0 => Ordering::Equal,
            1 => by_size(),
            _ => by_size().reverse(),
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_like_big_decimal() {
        let rising = [
            "-1e400",
            "-12.5",
            "-12",
            "-1",
            "-0.01",
            "0",
            "1E-7",
            "0.1",
            "00.5",
            "1",
            "1.0000001",
            "9.9",
            "10",
            "123456789012345678901234567890",
            "1e400",
        ];
        for (i, a) in rising.iter().enumerate() {
            for (j, b) in rising.iter().enumerate() {
                let (x, y) = (Decimal::parse(a).unwrap(), Decimal::parse(b).unwrap());
                assert_eq!(x.cmp(&y), i.cmp(&j), "{a} {b}");
            }
        }
        for (a, b) in [
            ("1.0", "1"),
            ("-0", "0"),
            ("1e2", "100"),
            ("+5.", "5"),
            (".50", "0.5"),
            ("0e9", "0.00"),
            ("٣", "3"),
        ] {
            assert_eq!(Decimal::parse(a), Decimal::parse(b), "{a} {b}");
            assert!(Decimal::parse(a).is_some());
        }
    }

    #[test]
    fn refuses_what_big_decimal_refuses() {
        for text in [
            "",
            "-",
            ".",
            "abc",
            "1e",
            "1e+",
            " 1",
            "1 ",
            "0x1",
            "1.2.3",
            "--1",
            "1e99999999999",
            "1e2147483648",
            "NaN",
            "1e-2147483648",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
