//! `BigDecimal`, as far as templates reach it.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::BigInt;
use num_integer::Integer as _;
use num_traits::{Pow as _, Signed as _, ToPrimitive as _, Zero as _};

/// A decimal number of any size: `unscaled` × 10^-`scale`.
#[derive(Debug, Clone)]
pub struct Decimal {
    unscaled: BigInt,
    scale: i32,
}

/// No scale beyond this is computed with: a power of ten that large would take all memory.
const MAX_SCALE: i32 = 10_000;

impl Decimal {
    /// A decimal from its parts.
    #[must_use]
    pub fn new(unscaled: BigInt, scale: i32) -> Self {
        Decimal { unscaled, scale }
    }

    /// Reads digits with an optional sign, fraction and exponent.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(&digits);
        if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        Some(Decimal::new(digits.parse().ok()?, scale))
    }

    /// The exact value of a double; `None` for infinities and NaN.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        // 1,074 places show every bit of the smallest double.
        let text = format!("{value:.1074}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        Decimal::parse(if text == "-0" { "0" } else { text })
    }

    /// The digits without the point.
    #[must_use]
    pub fn unscaled(&self) -> &BigInt {
        &self.unscaled
    }

    /// How many of the digits stand behind the point.
    #[must_use]
    pub fn scale(&self) -> i32 {
        self.scale
    }

    /// The nearest double.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        format!("{}e{}", self.unscaled, -i64::from(self.scale))
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// The integer part.
    #[must_use]
    pub fn to_bigint(&self) -> Option<BigInt> {
        if self.scale <= 0 {
            return power(-self.scale).map(|p| &self.unscaled * p);
        }
        power(self.scale).map(|p| &self.unscaled / p)
    }

    fn aligned(&self, other: &Decimal) -> Option<(BigInt, BigInt, i32)> {
        let scale = self.scale.max(other.scale);
        let left = &self.unscaled * power(scale.checked_sub(self.scale)?)?;
        let right = &other.unscaled * power(scale.checked_sub(other.scale)?)?;
        Some((left, right, scale))
    }

    pub(crate) fn add(&self, other: &Decimal) -> Option<Decimal> {
        let (a, b, scale) = self.aligned(other)?;
        Some(Decimal::new(a + b, scale))
    }

    pub(crate) fn sub(&self, other: &Decimal) -> Option<Decimal> {
        let (a, b, scale) = self.aligned(other)?;
        Some(Decimal::new(a - b, scale))
    }

    pub(crate) fn mul(&self, other: &Decimal) -> Option<Decimal> {
        let scale = self.scale.checked_add(other.scale)?;
        Some(Decimal::new(&self.unscaled * &other.unscaled, scale))
    }

    /// Division that keeps the dividend's scale and rounds half down.
    pub(crate) fn div(&self, other: &Decimal) -> Option<Decimal> {
        if other.unscaled.is_zero() {
            return None;
        }
        // The quotient's digits are unscaled / other.unscaled × 10^other.scale.
        let (mut top, mut bottom) = (self.unscaled.clone(), other.unscaled.clone());
        if other.scale >= 0 {
            top *= power(other.scale)?;
        } else {
            bottom *= power(-other.scale)?;
        }
        let (quotient, rest) = top.abs().div_rem(&bottom.abs());
        let up = rest * 2 > bottom.abs();
        let size = if up { quotient + 1 } else { quotient };
        let negative = top.is_negative() != bottom.is_negative();
        Some(Decimal::new(
            if negative { -size } else { size },
            self.scale,
        ))
    }

    /// Compares by value; a difference in scale does not count.
    #[must_use]
    pub fn compare(&self, other: &Decimal) -> Ordering {
        match self.aligned(other) {
            Some((a, b, _)) => a.cmp(&b),
            None => self
                .to_f64()
                .partial_cmp(&other.to_f64())
                .unwrap_or(Ordering::Equal),
        }
    }
}

fn power(exponent: i32) -> Option<BigInt> {
    if !(0..=MAX_SCALE).contains(&exponent) {
        return None;
    }
    Some(BigInt::from(10).pow(exponent.to_u32()?))
}

/// `BigDecimal.toString()`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.unscaled.magnitude().to_string();
        if self.unscaled.is_negative() {
            f.write_str("-")?;
        }
        let exponent = digits.len() as i64 - 1 - i64::from(self.scale);
        if self.scale == 0 {
            return f.write_str(&digits);
        }
        if self.scale > 0 && exponent >= -6 {
            let point = digits.len() as i64 - i64::from(self.scale);
            if point <= 0 {
                let zeros = "0".repeat(point.unsigned_abs() as usize);
                return write!(f, "0.{zeros}{digits}");
            }
            let (whole, fraction) = digits.split_at(point as usize);
            return write!(f, "{whole}.{fraction}");
        }
        let (head, tail) = digits.split_at(1);
        f.write_str(head)?;
        if !tail.is_empty() {
            write!(f, ".{tail}")?;
        }
        if exponent != 0 {
            write!(f, "E{exponent:+}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_java_does() {
        for (text, expected) in [
            ("1.10", "1.10"),
            ("1e3", "1E+3"),
            ("123e-10", "1.23E-8"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1E-7"),
            ("-12.5", "-12.5"),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn exact_doubles() {
        assert_eq!(
            Decimal::from_f64(0.1).unwrap().to_string(),
            "0.1000000000000000055511151231257827021181583404541015625"
        );
        assert_eq!(Decimal::from_f64(2.0).unwrap().to_string(), "2");
    }

    #[test]
    fn division_rounds_half_down() {
        let div = |a: &str, b: &str| {
            let (a, b) = (Decimal::parse(a).unwrap(), Decimal::parse(b).unwrap());
            a.div(&b).unwrap().to_string()
        };
        assert_eq!(div("1.00", "3"), "0.33");
        assert_eq!(div("0.05", "2"), "0.02");
        assert_eq!(div("0.07", "2"), "0.03");
        assert_eq!(div("-5", "0.5"), "-10");
    }
}
