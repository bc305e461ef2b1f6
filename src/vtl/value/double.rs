//! How Java prints floating-point numbers.

/// `Double.toString`.
pub(crate) fn double_text(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else if value == 0.0 {
        out.push_str(if value.is_sign_negative() { "-0.0" } else { "0.0" });
    } else {
        digits(&format!("{value:e}"), out);
    }
}

/// `Float.toString`.
pub(crate) fn float_text(value: f32, out: &mut String) {
    if value.is_finite() && value != 0.0 {
        digits(&format!("{value:e}"), out);
    } else {
        double_text(f64::from(value), out);
    }
}

/// Lays out `d.ddde±x` as Java does: plain from 10^-3 up to 10^7, else scientific.
fn digits(shortest: &str, out: &mut String) {
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mantissa = match mantissa.strip_prefix('-') {
        Some(rest) => {
            out.push('-');
            rest
        }
        None => mantissa,
    };
    let (head, tail) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !(-3..7).contains(&exponent) {
        out.push_str(head);
        out.push('.');
        out.push_str(if tail.is_empty() { "0" } else { tail });
        out.push('E');
        out.push_str(&exponent.to_string());
        return;
    }
    if exponent < 0 {
        out.push_str("0.");
        out.extend((1..-exponent).map(|_| '0'));
        out.push_str(head);
        out.push_str(tail);
        return;
    }
    let whole = exponent as usize;
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
            (f64::INFINITY, "Infinity"),
        ] {
            let mut out = String::new();
            double_text(value, &mut out);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn floats() {
        let mut out = String::new();
        float_text(2_147_483_648.0_f32, &mut out);
        assert_eq!(out, "2.1474836E9");
    }
}
