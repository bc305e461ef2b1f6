//! The payload as a document that the language looks into.

use std::rc::Rc;

use crate::template::Params;
use crate::template::json::{Build, JsonError, Piece, parse_lenient};
use crate::template::vtl::tree::big_integer;
use crate::vtl::{Decimal, Doc, DocBuilder, Open, Value};

/// Reads a payload. Lists in it print as JSON.
pub(crate) fn read(text: &str) -> Result<Rc<Doc>, JsonError> {
    let mut rows = Rows {
        source: text,
        doc: DocBuilder::new(text.len()),
    };
    parse_lenient(text, &mut rows)?;
    Ok(rows.doc.finish(text))
}

/// All parameters of a request: what `$input.params()` gives, as a document of its own.
pub(crate) fn params(params: &Params<'_>) -> Rc<Doc> {
    let pairs: usize = params.groups().iter().map(|(_, pairs)| pairs.len()).sum();
    let mut doc = DocBuilder::with_capacity(0, 8 + 2 * pairs);
    let mut all = doc.open();
    for (name, pairs) in params.groups() {
        doc.made_key(&mut all, name);
        let mut group = doc.open();
        for (key, value) in pairs {
            doc.made_key(&mut group, key);
            doc.text(value);
            DocBuilder::count(&mut group);
        }
        doc.close_map(group, "");
        DocBuilder::count(&mut all);
    }
    doc.close_map(all, "");
    doc.finish("")
}

/// Writes a document as it is read.
struct Rows<'a> {
    source: &'a str,
    doc: DocBuilder,
}

impl Build for Rows<'_> {
    type Value = ();
    type Array = Open;
    type Object = Open;
    type Key = ();

    fn null(&mut self) {
        self.doc.null();
    }

    fn boolean(&mut self, value: bool) {
        self.doc.boolean(value);
    }

    #[inline(always)]
    fn text(&mut self, value: Piece<'_>) {
        match value.place() {
            Some(at) => self.doc.verbatim(at, value.len()),
            None => self.doc.text(value.text()),
        }
    }

    #[inline]
    fn integer(&mut self, value: i64) {
        self.doc.integer(value);
    }

    fn big_integer(&mut self, digits: &str) {
        self.doc.other(big_integer(digits));
    }

    fn double(&mut self, value: f64) {
        // Only the word `NaN` gives one, and that is a float.
        match value.is_nan() {
            true => self.doc.other(Value::Float(f32::NAN)),
            false => self.doc.double(value),
        }
    }

    fn decimal(&mut self, text: &str) {
        let value = Decimal::parse(text).map(Value::from);
        let double = || text.parse().map_or(Value::Null, Value::Double);
        self.doc.other(value.unwrap_or_else(double));
    }

    #[inline]
    fn array(&mut self) -> Open {
        self.doc.open()
    }

    #[inline]
    fn item(&mut self, array: &mut Open, (): ()) {
        DocBuilder::count(array);
    }

    #[inline]
    fn close_array(&mut self, array: Open) {
        self.doc.close_list(array);
    }

    #[inline]
    fn object(&mut self) -> Open {
        self.doc.open()
    }

    #[inline(always)]
    fn key(&mut self, object: &mut Open, key: Piece<'_>) {
        match key.place() {
            Some(at) => self.doc.key(object, at, key.bytes()),
            None => self.doc.made_key(object, key.text()),
        }
    }

    #[inline]
    fn entry(&mut self, object: &mut Open, (): (), (): ()) {
        DocBuilder::count(object);
    }

    #[inline]
    fn close(&mut self, object: Open) {
        self.doc.close_map(object, self.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_prints_as_on_aws() {
        let text = r#"{"foo":[{"nested":"b/r"}],"n":[1.10,1e21,12345678901234567890,0.12345678901234567890],"z":null}"#;
        let value = Doc::value(&read(text).unwrap(), 0);
        assert_eq!(
            value.to_text().unwrap(),
            r#"{foo=[{"nested":"b\/r"}], n=[1.1,1.0E21,12345678901234567890,0.12345678901234567890], z=null}"#
        );
    }

    #[test]
    fn numbers_are_the_nearest() {
        for text in [
            "0.1",
            "1.005",
            "123456.789012345",
            "-0.0",
            "9.007199254740993",
            "0.000000000000001",
        ] {
            let value = Doc::value(&read(&format!("[{text}]")).unwrap(), 0);
            let Some(Value::Double(number)) = value.as_list().unwrap().get(0) else {
                panic!("{text}");
            };
            let wanted: f64 = text.parse().unwrap();
            assert_eq!(number.to_bits(), wanted.to_bits(), "{text}");
        }
    }

    #[test]
    fn writes_are_seen_everywhere() {
        let doc = read(r#"{"a":{"b":[1,2]},"c":[]}"#).unwrap();
        let root = Doc::value(&doc, 0);
        let a = root.as_map().unwrap().get_str("a").unwrap();
        let again = root.as_map().unwrap().get_str("a").unwrap();
        a.as_map().unwrap().put_str("x", Value::Int(7));
        assert_eq!(again.to_text().unwrap(), "{b=[1,2], x=7}");
        let list = again.as_map().unwrap().get_str("b").unwrap();
        list.as_list().unwrap().push(root.clone());
        assert!(root.to_text().is_err());
        doc.release();
        assert_eq!(Rc::strong_count(&doc), 5);
    }
}
