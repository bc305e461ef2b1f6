//! Places in a JSON text that is already known to be valid, and the keys that it repeats.

use std::collections::HashSet;

use crate::diagnostic::pointer_token;

use super::place::{Inside, Place, Point};

/// A key that stands more than once in one object.
#[derive(Debug)]
pub(super) struct Repeated {
    pub(super) pointer: String,
    pub(super) at: Point,
}

/// Walks `text`, which `serde_json` has read before: that keeps the depth below its limit of 128.
pub(super) fn places(text: &str) -> (Place, Vec<Repeated>) {
    let mut walk = Walk {
        text,
        at: 0,
        point: Point { line: 1, column: 1 },
        repeated: Vec::new(),
        pointer: String::new(),
    };
    let place = walk.value();
    (place, walk.repeated)
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    point: Point,
    repeated: Vec<Repeated>,
    pointer: String,
}

impl Walk<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self) {
        match self.peek() {
            Some(b'\n') => {
                self.point.line = self.point.line.saturating_add(1);
                self.point.column = 1;
            }
            // Continuation bytes of UTF-8 belong to the character that is counted already.
            Some(byte) if byte & 0xc0 == 0x80 => {}
            Some(_) => self.point.column = self.point.column.saturating_add(1),
            None => return,
        }
        self.at += 1;
    }

    fn space(&mut self) {
        while matches!(
            self.peek(),
            Some(b' ' | b'\n' | b'\r' | b'\t' | b',' | b':')
        ) {
            self.step();
        }
    }

    fn value(&mut self) -> Place {
        self.space();
        let start = self.point;
        let inside = match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => {
                self.string();
                Inside::Nothing
            }
            _ => {
                while !matches!(
                    self.peek(),
                    None | Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')
                ) {
                    self.step();
                }
                Inside::Nothing
            }
        };
        Place {
            key: start,
            value: start,
            inside,
        }
    }

    fn object(&mut self) -> Inside {
        self.step();
        let mut members = Vec::new();
        let mut seen = HashSet::new();
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                self.step();
                return Inside::Members(members);
            }
            let start = self.point;
            let key = self.string();
            let outer = self.pointer.len();
            self.pointer.push('/');
            self.pointer.push_str(&pointer_token(&key));
            if !seen.insert(key.clone()) {
                self.repeated.push(Repeated {
                    pointer: self.pointer.clone(),
                    at: start,
                });
            }
            let value = self.value();
            self.pointer.truncate(outer);
            members.push((
                key,
                Place {
                    key: start,
                    ..value
                },
            ));
        }
    }

    fn array(&mut self) -> Inside {
        self.step();
        let mut items = Vec::new();
        loop {
            self.space();
            if matches!(self.peek(), None | Some(b']')) {
                self.step();
                return Inside::Items(items);
            }
            let outer = self.pointer.len();
            self.pointer.push_str(&format!("/{}", items.len()));
            items.push(self.value());
            self.pointer.truncate(outer);
        }
    }

    fn string(&mut self) -> String {
        let start = self.at;
        self.step();
        loop {
            match self.peek() {
                None => break,
                Some(b'"') => {
                    self.step();
                    break;
                }
                Some(b'\\') => {
                    self.step();
                    self.step();
                }
                Some(_) => self.step(),
            }
        }
        let quoted = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(quoted).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::Spot;
    use super::*;

    #[test]
    fn places_count_characters_and_lines() {
        let text = "{\"ä\": [1, {\"b/c\": \"x\"}],\n  \"d\": {}, \"ä\": 2}";
        let (places, repeated) = places(text);
        let find = |pointer: &str| places.find(pointer, Spot::Value).to_string();
        assert_eq!(find("/d"), "2:3");
        assert_eq!(find("/ä"), "2:17");
        assert_eq!(repeated.len(), 1);
        assert_eq!(repeated[0].pointer, "/ä");
        assert_eq!(find("/d/missing"), "2:3");
        assert_eq!(find(""), "1:1");
    }

    #[test]
    fn scalars_stand_at_their_value_and_containers_at_their_key() {
        let (places, _) = places(r#"{"a": {"b~": [10, 20]}}"#);
        assert_eq!(places.find("/a", Spot::Value).to_string(), "1:2");
        assert_eq!(places.find("/a/b~0/1", Spot::Value).to_string(), "1:19");
        assert_eq!(places.find("/a/b~0", Spot::Key).to_string(), "1:8");
    }
}
