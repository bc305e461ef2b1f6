//! `String.format`: the conversions templates use.

use super::{Call, Thrown};
use crate::vtl::object::Exception;
use crate::vtl::ops;
use crate::vtl::value::{Decimal, Value, hash_code};

/// One `%…` of a pattern.
#[derive(Default)]
struct Spec {
    index: Option<usize>,
    flags: String,
    width: Option<usize>,
    precision: Option<usize>,
    conversion: char,
}

fn illegal(what: &str, spec: &Spec) -> Exception {
    Exception::new(format!("{what}: %{}", spec.conversion))
}

fn number(digits: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut text = String::new();
    while let Some(c) = digits.next_if(char::is_ascii_digit) {
        text.push(c);
    }
    text.parse().ok()
}

/// Reads what follows a `%`.
fn spec(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Thrown<Spec> {
    let mut spec = Spec::default();
    let mut ahead = chars.clone();
    if let Some(n) = number(&mut ahead) {
        if ahead.next_if_eq(&'$').is_some() {
            spec.index = Some(n);
            *chars = ahead;
        }
    } else if ahead.next_if_eq(&'<').is_some() {
        return Err(Exception::new("MissingFormatArgumentException: %<"));
    }
    while let Some(c) = chars.next_if(|c| "-#+ 0,(".contains(*c)) {
        spec.flags.push(c);
    }
    spec.width = number(chars);
    if chars.next_if_eq(&'.').is_some() {
        spec.precision = Some(number(chars).ok_or_else(|| {
            Exception::new("UnknownFormatConversionException: no precision after the point")
        })?);
    }
    spec.conversion = chars
        .next()
        .ok_or_else(|| Exception::new("UnknownFormatConversionException: %"))?;
    Ok(spec)
}

/// Formats the arguments; one array argument stands for its items.
pub(super) fn format(call: &mut Call<'_>, pattern: &str, args: &[Value]) -> Thrown {
    let spread;
    let args = match args {
        [Value::List(list)] if list.kind().is_array() => {
            spread = list.items();
            spread.as_slice()
        }
        other => other,
    };
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    let mut next = 0;
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let spec = spec(&mut chars)?;
        call.meter
            .text(spec.width.unwrap_or(0).max(spec.precision.unwrap_or(0)))?;
        let text = match spec.conversion {
            'n' => "\n".to_owned(),
            '%' => "%".to_owned(),
            _ => {
                let at = match spec.index {
                    Some(index) => index.saturating_sub(1),
                    None => {
                        next += 1;
                        next - 1
                    }
                };
                let value = args
                    .get(at)
                    .ok_or_else(|| illegal("MissingFormatArgumentException", &spec))?;
                convert(call, &spec, value)?
            }
        };
        pad(&spec, &text, &mut out);
        call.meter.text(out.len())?;
    }
    call.made(out)
}

fn pad(spec: &Spec, text: &str, out: &mut String) {
    let missing = spec.width.unwrap_or(0).saturating_sub(text.chars().count());
    let blanks = " ".repeat(missing);
    if spec.flags.contains('-') {
        out.push_str(text);
        out.push_str(&blanks);
    } else {
        out.push_str(&blanks);
        out.push_str(text);
    }
}

fn convert(call: &mut Call<'_>, spec: &Spec, value: &Value) -> Thrown<String> {
    let lower = spec.conversion.to_ascii_lowercase();
    let text = match (lower, value) {
        ('s', value) => cut(spec, call.text_of(value)?),
        ('b', Value::Bool(v)) => cut(spec, v.to_string()),
        ('b', value) => cut(spec, (!value.is_null()).to_string()),
        ('h' | 'c' | 'd' | 'x' | 'o' | 'f' | 'e' | 'g', Value::Null) => "null".to_owned(),
        ('h', value) => format!("{:x}", hash_code(value, call.meter, 0)?),
        ('c', Value::Char(unit)) => super::unicode::from_units(&[*unit]),
        ('c', Value::Int(code)) => u32::try_from(*code)
            .ok()
            .and_then(char::from_u32)
            .map(String::from)
            .ok_or_else(|| illegal("IllegalFormatCodePointException", spec))?,
        ('d', Value::Int(_) | Value::Long(_) | Value::BigInteger(_))
            if spec.precision.is_none() =>
        {
            let digits = call.text_of(value)?;
            signed(spec, &digits)
        }
        ('x', Value::Int(v)) => zeros(spec, format!("{v:x}")),
        ('x', Value::Long(v)) => zeros(spec, format!("{v:x}")),
        ('o', Value::Int(v)) => zeros(spec, format!("{v:o}")),
        ('o', Value::Long(v)) => zeros(spec, format!("{v:o}")),
        ('f', Value::Float(_) | Value::Double(_) | Value::BigDecimal(_)) => {
            signed(spec, &fixed(call, value, spec.precision.unwrap_or(6))?)
        }
        ('e', Value::Float(_) | Value::Double(_)) => {
            let v = ops::double_value(value).unwrap_or(f64::NAN);
            signed(spec, &scientific(v, spec.precision.unwrap_or(6)))
        }
        ('c' | 'd' | 'x' | 'o' | 'f' | 'e' | 'g', _) => {
            return Err(illegal("IllegalFormatConversionException", spec));
        }
        _ => return Err(illegal("UnknownFormatConversionException", spec)),
    };
    Ok(if spec.conversion.is_ascii_uppercase() {
        text.to_uppercase()
    } else {
        text
    })
}

fn cut(spec: &Spec, text: String) -> String {
    match spec.precision {
        Some(n) => text.chars().take(n).collect(),
        None => text,
    }
}

fn scientific(value: f64, places: usize) -> String {
    let text = format!("{value:.places$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let n: i32 = exponent.parse().unwrap_or(0);
            let sign = if n < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", n.abs())
        }
        None => text,
    }
}

/// A fixed number of places, rounded half up on the decimal digits Java prints.
fn fixed(call: &mut Call<'_>, value: &Value, places: usize) -> Thrown<String> {
    let text = call.text_of(value)?;
    let Some(decimal) = Decimal::parse(&text) else {
        return Ok(text);
    };
    let negative = text.starts_with('-');
    let digits = decimal.unscaled().magnitude().to_string();
    let scale = i64::from(decimal.scale());
    let places = places.min(10_000);
    // The digits as a whole number of 10^-places.
    let shift = places as i64 - scale;
    let mut scaled = if shift >= 0 {
        let zeros = usize::try_from(shift).unwrap_or(0).min(100_000);
        format!("{digits}{}", "0".repeat(zeros))
    } else {
        let drop = usize::try_from(-shift).unwrap_or(0);
        let keep = digits.len().saturating_sub(drop);
        let (kept, rest) = digits.split_at(keep);
        let up = drop <= digits.len() && rest.bytes().next().is_some_and(|b| b >= b'5');
        let kept: num_bigint::BigInt = kept.parse().unwrap_or_default();
        (kept + i32::from(up)).to_string()
    };
    if scaled.len() <= places {
        scaled = format!("{}{scaled}", "0".repeat(places + 1 - scaled.len()));
    }
    let (whole, fraction) = scaled.split_at(scaled.len() - places);
    let sign = if negative { "-" } else { "" };
    let point = if places > 0 { "." } else { "" };
    Ok(format!("{sign}{whole}{point}{fraction}"))
}

/// Applies the flags of numbers: sign, grouping, zeros.
fn signed(spec: &Spec, text: &str) -> String {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let mut digits = digits.to_owned();
    if spec.flags.contains(',') {
        let (whole, rest) = match digits.find('.') {
            Some(at) => digits.split_at(at),
            None => (digits.as_str(), ""),
        };
        let mut grouped = String::new();
        for (at, c) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(c);
        }
        digits = format!("{grouped}{rest}");
    }
    let (before, after) = match negative {
        true if spec.flags.contains('(') => ("(", ")"),
        true => ("-", ""),
        false if spec.flags.contains('+') => ("+", ""),
        false if spec.flags.contains(' ') => (" ", ""),
        false => ("", ""),
    };
    if spec.flags.contains('0') {
        let used = before.len() + after.len() + digits.len();
        let missing = spec.width.unwrap_or(0).saturating_sub(used);
        digits = format!("{}{digits}", "0".repeat(missing));
    }
    format!("{before}{digits}{after}")
}

fn zeros(spec: &Spec, digits: String) -> String {
    let prefix = match (spec.flags.contains('#'), spec.conversion) {
        (true, 'x' | 'X') => "0x",
        (true, _) => "0",
        _ => "",
    };
    let used = prefix.len() + digits.len();
    let missing = if spec.flags.contains('0') {
        spec.width.unwrap_or(0).saturating_sub(used)
    } else {
        0
    };
    format!("{prefix}{}{digits}", "0".repeat(missing))
}
