//! How Java prints floating-point numbers.
//!
//! Up to JDK 18, Java does not always print the shortest digits that read back as the same number. The digits here
//! are those older ones: AWS's templates were recorded with them.

use num_bigint::BigUint;
use num_traits::{One as _, ToPrimitive as _, Zero as _};

/// `Double.toString`.
pub(crate) fn double_text(value: f64, out: &mut String) {
    let size = value.abs();
    if (1e-3..1e7).contains(&size)
        && let Some((number, places)) = short(size)
    {
        sign(value.is_sign_negative(), out);
        short_text(number, places, out);
        return;
    }
    // Between these bounds the shortest digits and Java's are the same, except for powers of two.
    if (1e-3..1e14).contains(&size) && !power_of_two(value.to_bits(), 52) {
        sign(value.is_sign_negative(), out);
        let text = format!("{size:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        layout(&digits.replace('.', ""), exponent.parse().unwrap_or(0), out);
        return;
    }
    if special(value, out) {
        return;
    }
    let bits = value.to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), ((bits >> 52) & 0x7ff) as i32);
    print(fraction, exponent, 52, 1023, out);
}

/// `Float.toString`.
pub(crate) fn float_text(value: f32, out: &mut String) {
    if special(f64::from(value), out) {
        return;
    }
    let bits = value.to_bits();
    let (fraction, exponent) = (bits & ((1 << 23) - 1), ((bits >> 23) & 0xff) as i32);
    print(u64::from(fraction), exponent, 23, 127, out);
}

/// The number as a whole one and how many of its digits are behind the point, if they are few.
fn short(size: f64) -> Option<(u64, usize)> {
    // Both are exact, so their quotient is the nearest number to these digits; of so few digits no others are.
    let scales = [(1.0, 0), (10.0, 1), (100.0, 2), (1e3, 3), (1e4, 4)];
    scales.into_iter().find_map(|(scale, places)| {
        let whole = (size * scale).round();
        (whole / scale == size).then_some((whole as u64, places))
    })
}

fn short_text(number: u64, places: usize, out: &mut String) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number);
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
    out.push_str(if whole.is_empty() { "0" } else { whole });
    out.push('.');
    // Zeros between the point and the digits.
    out.push_str(
        "0000"
            .get(..places.saturating_sub(digits.len()))
            .unwrap_or_default(),
    );
    out.push_str(if fraction.is_empty() { "0" } else { fraction });
}

fn power_of_two(bits: u64, fraction: u32) -> bool {
    bits & ((1 << fraction) - 1) == 0
}

fn sign(negative: bool, out: &mut String) {
    if negative {
        out.push('-');
    }
}

/// Prints the sign; then all of zero, infinity and NaN.
fn special(value: f64, out: &mut String) -> bool {
    if value.is_nan() {
        out.push_str("NaN");
        return true;
    }
    sign(value.is_sign_negative(), out);
    if value == 0.0 {
        out.push_str("0.0");
    } else if value.is_infinite() {
        out.push_str("Infinity");
    } else {
        return false;
    }
    true
}

/// Prints a number from its parts: `width` bits of fraction, and an exponent with this bias.
fn print(fraction: u64, exponent: i32, width: i32, bias: i32, out: &mut String) {
    let (mantissa, power) = if exponent == 0 {
        (fraction, 1 - bias - width)
    } else {
        (fraction | (1 << width), exponent - bias - width)
    };
    // The place of the highest bit, and how many bits there are from it down.
    let bits = 64 - mantissa.leading_zeros() as i32;
    let highest = power + bits - 1;
    let (digits, place) = match whole(mantissa, power) {
        Some(value) if highest < 63 => integer(value, highest, bits),
        _ => generate(mantissa, power, bits),
    };
    layout(&digits, place, out);
}

/// The number as an integer, if it is one.
fn whole(mantissa: u64, power: i32) -> Option<u64> {
    if power >= 0 {
        return (power < 64 && mantissa.leading_zeros() as i32 >= power).then(|| mantissa << power);
    }
    let zeros = mantissa.trailing_zeros() as i32;
    (-power <= zeros).then(|| mantissa >> -power)
}

/// All digits of an integer, less those beyond its precision.
fn integer(value: u64, highest: i32, bits: i32) -> (String, i32) {
    let spare = highest - bits - 1;
    let cut = if spare > 0 {
        (f64::from(spare) * std::f64::consts::LOG10_2).floor() as u32
    } else {
        0
    };
    let scale = 10u64.pow(cut.min(18));
    let (mut kept, rest) = (value / scale, value % scale);
    if cut > 0 && rest >= scale / 2 {
        kept += 1;
    }
    let digits = kept.to_string();
    let place = digits.len() as i32 - 1 + cut as i32;
    let trimmed = digits.trim_end_matches('0');
    (trimmed.to_owned(), place)
}

/// Digits one by one until they tell the number from its neighbours; at least two where the exponent is printed.
fn generate(mantissa: u64, power: i32, bits: i32) -> (String, i32) {
    // value = top / bottom, half the distance to a neighbour = half / bottom
    let lowest = mantissa.trailing_zeros() as i32;
    let single = bits - lowest == 1;
    let mut top = BigUint::from(mantissa) << 2usize;
    let mut bottom = BigUint::one() << 2usize;
    // A power of two has a nearer neighbour below.
    let mut half = BigUint::from(if single { 1u32 } else { 2 });
    if power >= 0 {
        top <<= power as usize;
        half <<= power as usize;
    } else {
        bottom <<= (-power) as usize;
    }
    let mut place = (f64::from(power + bits - 1) * std::f64::consts::LOG10_2).floor() as i32;
    let ten = BigUint::from(10u32);
    if place >= 0 {
        bottom *= ten.pow(place as u32);
    } else {
        let scale = ten.pow(place.unsigned_abs());
        top *= &scale;
        half *= &scale;
    }
    if top >= &bottom * &ten {
        bottom *= &ten;
        place += 1;
    } else if top < bottom {
        top *= &ten;
        half *= &ten;
        place -= 1;
    }
    let mut digits = String::new();
    let (mut low, mut high);
    loop {
        let digit = &top / &bottom;
        top %= &bottom;
        digits.push(char::from(b'0' + digit.to_u8().unwrap_or(0)));
        low = top < half;
        high = &top + &half > bottom;
        if digits.len() == 1 && !(-3..8).contains(&place) {
            (low, high) = (false, false);
        }
        if low || high || (top.is_zero() && digits.len() > 1) {
            break;
        }
        top *= &ten;
        half *= &ten;
    }
    let up = if high && low {
        let twice = &top << 1usize;
        let odd = digits.bytes().last().is_some_and(|d| d % 2 == 1);
        twice > bottom || (twice == bottom && odd)
    } else {
        high
    };
    if up {
        round_up(&mut digits, &mut place);
    }
    let trimmed = digits.trim_end_matches('0').len().max(1);
    digits.truncate(trimmed);
    (digits, place)
}

fn round_up(digits: &mut String, place: &mut i32) {
    let mut kept = digits.trim_end_matches('9').to_owned();
    match kept.pop() {
        Some(last) => {
            kept.push(char::from(last as u8 + 1));
            let zeros = digits.len() - kept.len();
            kept.push_str(&"0".repeat(zeros));
            *digits = kept;
        }
        None => {
            *digits = format!("1{}", "0".repeat(digits.len() - 1));
            *place += 1;
        }
    }
}

/// Lays out digits as Java does: plain from 10^-3 up to 10^7, else scientific. `place` is the power of ten of the
/// first digit.
fn layout(digits: &str, place: i32, out: &mut String) {
    let (head, tail) = digits.split_at(digits.len().min(1));
    if !(-3..7).contains(&place) {
        out.push_str(head);
        out.push('.');
        out.push_str(if tail.is_empty() { "0" } else { tail });
        out.push('E');
        out.push_str(&place.to_string());
        return;
    }
    if place < 0 {
        out.push_str("0.");
        out.extend((1..-place).map(|_| '0'));
        out.push_str(digits);
        return;
    }
    let whole = place as usize;
    out.push_str(head);
    let (left, right) = tail.split_at(whole.min(tail.len()));
    out.push_str(left);
    out.extend((left.len()..whole).map(|_| '0'));
    out.push('.');
    out.push_str(if right.is_empty() { "0" } else { right });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Java's digits, without the shorter ways to most of them.
    fn slow(value: f64) -> String {
        let mut out = String::new();
        sign(value.is_sign_negative(), &mut out);
        let bits = value.to_bits();
        let (fraction, exponent) = (bits & ((1 << 52) - 1), ((bits >> 52) & 0x7ff) as i32);
        print(fraction, exponent, 52, 1023, &mut out);
        out
    }

    #[test]
    fn short_numbers_print_as_all_others() {
        let mut random = fastrand::Rng::with_seed(7);
        let powers = (-9..24).map(|power| 2f64.powi(power));
        let some = (0..4_000).map(|at| {
            let digits = random.u32(..99_999_999);
            f64::from(digits) / 10f64.powi(at % 7) * if at % 2 == 0 { 1.0 } else { -1.0 }
        });
        let ends = [
            0.001,
            0.0099,
            0.01,
            1.0,
            9.9999,
            9_999_999.0,
            1e7,
            0.1 + 0.2,
            100.0,
            1_000_000.5,
        ];
        for value in powers.chain(some).chain(ends).filter(|value| *value != 0.0) {
            let mut out = String::new();
            double_text(value, &mut out);
            assert_eq!(out, slow(value), "{value:e}");
        }
    }

    #[test]
    fn doubles() {
        for (value, text) in [
            (1.0, "1.0"),
            (0.001, "0.001"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (9.99e-4, "9.99E-4"),
            (-12.5, "-12.5"),
            (123_456.789, "123456.789"),
            (2_147_483_648.0, "2.147483648E9"),
            (0.05, "0.05"),
            (0.5, "0.5"),
            (-0.0, "-0.0"),
            (f64::INFINITY, "Infinity"),
            (f64::NAN, "NaN"),
            (1e23, "9.999999999999999E22"),
            (2e23, "1.9999999999999998E23"),
            (4_611_686_018_427_387_904.0, "4.6116860184273879E18"),
            (5e-324, "4.9E-324"),
            (f64::MAX, "1.7976931348623157E308"),
        ] {
            let mut out = String::new();
            double_text(value, &mut out);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn floats() {
        for (value, text) in [
            (2_147_483_648.0_f32, "2.14748365E9"),
            (1.5, "1.5"),
            (0.1, "0.1"),
            (1e20, "1.0E20"),
        ] {
            let mut out = String::new();
            float_text(value, &mut out);
            assert_eq!(out, text);
        }
    }
}
