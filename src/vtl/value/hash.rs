//! Java's `equals` and `hashCode`, with a bound on depth and work.

use std::rc::Rc;

use num_bigint::{BigInt, Sign};

use super::{List, ListKind, Map, Value, View, ViewKind};
use crate::vtl::meter::Meter;
use crate::vtl::object::Exception;

/// `String.hashCode()`.
pub(crate) fn string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |h, unit| {
        h.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

fn long_hash(bits: u64) -> i32 {
    (bits ^ (bits >> 32)) as u32 as i32
}

fn big_hash(value: &BigInt) -> i32 {
    let h = value
        .magnitude()
        .iter_u32_digits()
        .rev()
        .fold(0i32, |h, digit| {
            h.wrapping_mul(31).wrapping_add(digit as i32)
        });
    if value.sign() == Sign::Minus {
        h.wrapping_neg()
    } else {
        h
    }
}

fn pointer_hash<T: ?Sized>(rc: &Rc<T>) -> i32 {
    address_hash(Rc::as_ptr(rc).cast::<()>() as usize)
}

fn address_hash(address: usize) -> i32 {
    long_hash(address as u64 >> 4) & i32::MAX
}

/// `Object.hashCode()` of any value.
pub(crate) fn hash_code(value: &Value, meter: &Meter, depth: u32) -> Result<i32, Exception> {
    meter.depth(depth)?;
    Ok(match value {
        Value::Null => 0,
        Value::Bool(true) => 1231,
        Value::Bool(false) => 1237,
        Value::Int(v) => *v,
        Value::Long(v) => long_hash(*v as u64),
        Value::BigInteger(v) => big_hash(v),
        Value::Float(v) => v.to_bits() as i32,
        Value::Double(v) => long_hash(v.to_bits()),
        Value::BigDecimal(v) => big_hash(v.unscaled())
            .wrapping_mul(31)
            .wrapping_add(v.scale()),
        Value::Char(v) => i32::from(*v),
        Value::Str(text) => string_hash(text),
        Value::List(list) if list.kind().is_array() => address_hash(list.address()),
        Value::List(list) => {
            meter.charge(list.len())?;
            list.look(|items| {
                items.iter().try_fold(1i32, |h, item| {
                    let item = hash_code(item, meter, depth + 1)?;
                    Ok::<i32, Exception>(h.wrapping_mul(31).wrapping_add(item))
                })
            })?
        }
        Value::Map(map) => map_hash(map, meter, depth)?,
        Value::View(view) => match view.kind {
            ViewKind::Entries => map_hash(&view.map, meter, depth)?,
            ViewKind::Keys => {
                let mut h = 0i32;
                for key in view.map.keys() {
                    meter.charge(1)?;
                    h = h.wrapping_add(hash_code(&key, meter, depth + 1)?);
                }
                h
            }
            ViewKind::Values => address_hash(view.map.address()),
        },
        Value::Entry(entry) => {
            hash_code(entry.key(), meter, depth + 1)? ^ hash_code(&entry.value(), meter, depth + 1)?
        }
        Value::Iter(iter) => pointer_hash(iter),
        Value::Class(name) => string_hash(name),
        Value::Block(block) => pointer_hash(block),
        Value::Loop(scope) => pointer_hash(scope),
        Value::Object(object) => pointer_hash(object),
    })
}

fn map_hash(map: &Map, meter: &Meter, depth: u32) -> Result<i32, Exception> {
    let Some(cells) = map.look() else {
        return Ok(0);
    };
    meter.charge(cells.len())?;
    let mut h = 0i32;
    for (key, value) in cells.iter() {
        h = h.wrapping_add(hash_code(key, meter, depth + 1)? ^ hash_code(value, meter, depth + 1)?);
    }
    Ok(h)
}

/// `Object.equals()` of any two values.
pub(crate) fn equals(a: &Value, b: &Value, meter: &Meter, depth: u32) -> Result<bool, Exception> {
    meter.depth(depth)?;
    Ok(match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Long(a), Value::Long(b)) => a == b,
        (Value::BigInteger(a), Value::BigInteger(b)) => a == b,
        // Java compares the bits, so NaN equals itself and the zeros differ.
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
        (Value::BigDecimal(a), Value::BigDecimal(b)) => {
            a.scale() == b.scale() && a.unscaled() == b.unscaled()
        }
        (Value::Char(a), Value::Char(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Class(a), Value::Class(b)) => a == b,
        (Value::List(a), Value::List(b)) => list_equals(a, b, meter, depth)?,
        (Value::Map(a), Value::Map(b)) => map_equals(a, b, meter, depth)?,
        (Value::View(a), Value::View(b)) => view_equals(a, b, meter, depth)?,
        (Value::Entry(a), Value::Entry(b)) => {
            equals(a.key(), b.key(), meter, depth + 1)?
                && equals(&a.value(), &b.value(), meter, depth + 1)?
        }
        (Value::Iter(a), Value::Iter(b)) => Rc::ptr_eq(a, b),
        (Value::Block(a), Value::Block(b)) => Rc::ptr_eq(a, b),
        (Value::Loop(a), Value::Loop(b)) => Rc::ptr_eq(a, b),
        (Value::Object(a), Value::Object(b)) => Rc::ptr_eq(a, b),
        _ => false,
    })
}

fn list_equals(a: &List, b: &List, meter: &Meter, depth: u32) -> Result<bool, Exception> {
    if a.same(b) {
        return Ok(true);
    }
    let plain = |kind: ListKind| !kind.is_array();
    if !plain(a.kind()) || !plain(b.kind()) {
        return Ok(false);
    }
    meter.charge(a.len().min(b.len()))?;
    a.look(|a| {
        b.look(|b| {
            for (a, b) in a.iter().zip(b) {
                if !equals(a, b, meter, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(a.len() == b.len())
        })
    })
}

fn map_equals(a: &Map, b: &Map, meter: &Meter, depth: u32) -> Result<bool, Exception> {
    if a.same(b) {
        return Ok(true);
    }
    let (Some(a), Some(b)) = (a.look(), b.look()) else {
        return Ok(false);
    };
    if a.len() != b.len() {
        return Ok(false);
    }
    meter.charge(a.len())?;
    for (key, value) in a.iter() {
        match b.get(key) {
            Some(other) if equals(value, other, meter, depth + 1)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

fn view_equals(a: &View, b: &View, meter: &Meter, depth: u32) -> Result<bool, Exception> {
    match (a.kind, b.kind) {
        (ViewKind::Entries, ViewKind::Entries) => map_equals(&a.map, &b.map, meter, depth),
        (ViewKind::Keys, ViewKind::Keys) => {
            meter.charge(a.len())?;
            Ok(a.len() == b.len() && a.map.keys().iter().all(|key| b.map.contains(key)))
        }
        (ViewKind::Values, ViewKind::Values) => Ok(a.map.same(&b.map)),
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_javas() {
        let hash = |v: Value| hash_code(&v, &Meter::single(), 0).unwrap();
        assert_eq!(hash("Hello".into()), 69_609_650);
        assert_eq!(hash(Value::Double(1.5)), 1_073_217_536);
        assert_eq!(hash(Value::Long(2_147_483_648)), i32::MIN);
        let big: BigInt = "99999999999999999999".parse().unwrap();
        assert_eq!(hash(big.into()), 1_882_487_351);
        let list = ["a", "b", "c", "b"].map(Value::from).to_vec();
        assert_eq!(hash(List::array_list(list).into()), 3_910_593);
    }

    #[test]
    fn a_list_in_itself_fails() {
        let list = List::array_list(vec![]);
        list.push(list.clone().into());
        assert!(hash_code(&list.clone().into(), &Meter::single(), 0).is_err());
        list.change(|cells| cells.clear());
    }
}
