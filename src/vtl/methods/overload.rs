//! Chooses among overloaded methods as Velocity does.

use super::Call;
use crate::vtl::object::Exception;
use crate::vtl::value::Value;

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ty {
    Int,
    Long,
    Float,
    Double,
    Char,
    Bool,
    Integer,
    LongObject,
    FloatObject,
    DoubleObject,
    Character,
    Boolean,
    BigInteger,
    BigDecimal,
    Str,
    CharSequence,
    Collection,
    Iterable,
    Map,
    Object,
    Chars,
    Objects,
    Sequences,
    /// Something no template can get hold of; only null fits.
    Other,
}

/// A method of a Java class.
pub(super) struct Method {
    pub(super) name: &'static str,
    pub(super) params: &'static [Ty],
    pub(super) run: fn(&mut Call<'_>) -> Result<Value, Exception>,
}

impl Ty {
    fn primitive(self) -> bool {
        use Ty::{Bool, Char, Double, Float, Int, Long};
        matches!(self, Int | Long | Float | Double | Char | Bool)
    }

    /// What an array of this type holds.
    fn component(self) -> Option<Ty> {
        match self {
            Ty::Chars => Some(Ty::Char),
            Ty::Objects => Some(Ty::Object),
            Ty::Sequences => Some(Ty::CharSequence),
            _ => None,
        }
    }

    /// Whether the parameter is of exactly the argument's class.
    fn exact(self, value: &Value) -> bool {
        matches!(
            (self, value),
            (Ty::Int | Ty::Integer, Value::Int(_))
                | (Ty::Long | Ty::LongObject, Value::Long(_))
                | (Ty::Float | Ty::FloatObject, Value::Float(_))
                | (Ty::Double | Ty::DoubleObject, Value::Double(_))
                | (Ty::Char | Ty::Character, Value::Char(_))
                | (Ty::Bool | Ty::Boolean, Value::Bool(_))
                | (Ty::BigInteger, Value::BigInteger(_))
                | (Ty::BigDecimal, Value::BigDecimal(_))
                | (Ty::Str, Value::Str(_))
                // A null argument is looked up as an object.
                | (Ty::Object, Value::Null)
        )
    }

    fn accepts(self, value: &Value) -> bool {
        use crate::vtl::value::ListKind;
        match (self, value) {
            (ty, Value::Null) => !ty.primitive(),
            (Ty::Object, _) => true,
            (Ty::Int, Value::Int(_))
            | (Ty::Long, Value::Int(_) | Value::Long(_))
            | (Ty::Float, Value::Int(_) | Value::Long(_) | Value::Float(_))
            | (Ty::Double, Value::Int(_) | Value::Long(_) | Value::Float(_) | Value::Double(_))
            | (Ty::CharSequence, Value::Str(_))
            | (Ty::Collection | Ty::Iterable, Value::View(_))
            | (Ty::Map, Value::Map(_) | Value::Loop(_)) => true,
            (Ty::Collection | Ty::Iterable, Value::List(list)) => !list.kind().is_array(),
            (Ty::Chars, Value::List(list)) => list.kind() == ListKind::CharArray,
            (Ty::Objects, Value::List(list)) => {
                matches!(list.kind(), ListKind::ObjectArray | ListKind::StringArray)
            }
            (Ty::Sequences, Value::List(list)) => list.kind() == ListKind::StringArray,
            (ty, value) => ty.exact(value),
        }
    }

    /// Whether every value of `other` is one of this type.
    fn covers(self, other: Ty, vararg: bool) -> bool {
        use Ty::{CharSequence, Collection, Double, Float, Int, Iterable, Long, Object, Str};
        self == other
            || match (self, other) {
                (Object, other) => !other.primitive(),
                (Long, Int) | (Float, Int | Long) | (Double, Int | Long | Float) => true,
                (CharSequence, Str) | (Iterable, Collection) => true,
                _ => false,
            }
            || (vararg
                && self.component().is_some_and(|component| {
                    component.covers(other.component().unwrap_or(other), false)
                }))
    }
}

fn applicable(params: &[Ty], args: &[Value]) -> bool {
    let pairs = |n: usize| {
        params
            .iter()
            .zip(args)
            .take(n)
            .all(|(ty, arg)| ty.accepts(arg))
    };
    let last = params.last().and_then(|ty| ty.component());
    if params.len() > args.len() {
        return params.len() == args.len() + 1 && last.is_some() && pairs(args.len());
    }
    if params.len() == args.len() {
        let Some(before) = params.len().checked_sub(1) else {
            return true;
        };
        let fits = match (params.last(), args.last()) {
            (Some(ty), Some(arg)) => {
                ty.accepts(arg) || last.is_some_and(|component| component.accepts(arg))
            }
            _ => true,
        };
        return pairs(before) && fits;
    }
    // A method without parameters counts as fitting; the call then fails.
    let Some(before) = params.len().checked_sub(1) else {
        return true;
    };
    match last {
        Some(component) => {
            pairs(before) && args.iter().skip(before).all(|arg| component.accepts(arg))
        }
        None => false,
    }
}

#[derive(PartialEq)]
enum Specific {
    More,
    Less,
    Neither,
}

fn specific(one: &[Ty], other: &[Ty]) -> Specific {
    if one.len() != other.len() {
        return if one.len() > other.len() {
            Specific::More
        } else {
            Specific::Less
        };
    }
    let (mut more, mut less) = (false, false);
    for (at, (a, b)) in one.iter().zip(other).enumerate() {
        if a != b {
            let last = at + 1 == one.len();
            more = more || b.covers(*a, last);
            less = less || a.covers(*b, last);
        }
    }
    match (more, less) {
        (true, false) => Specific::More,
        (false, true) => Specific::Less,
        _ => Specific::Neither,
    }
}

/// The method to call among those of one name, if one fits.
pub(super) fn choose(methods: &[&'static Method], args: &[Value]) -> Option<&'static Method> {
    if let [only] = methods {
        return applicable(only.params, args).then_some(only);
    }
    let mut best: Vec<&'static Method> = Vec::new();
    for method in methods {
        if method.params.len() == args.len()
            && method
                .params
                .iter()
                .zip(args)
                .all(|(ty, arg)| ty.exact(arg))
        {
            return Some(method);
        }
        if !applicable(method.params, args) {
            continue;
        }
        let mut beaten = false;
        best.retain(|known| match specific(method.params, known.params) {
            Specific::More => false,
            Specific::Less => {
                beaten = true;
                true
            }
            // The same signature again is an inherited method.
            Specific::Neither => {
                beaten |= method.params == known.params;
                true
            }
        });
        if !beaten {
            best.push(method);
        }
    }
    // Of several that fit equally well none is taken.
    match best.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}
