//! What a template writes around its references: JSON, a form, or something that is not known.

/// The place in the output that a template has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing but blanks was written.
    Start,
    /// Between the texts of JSON.
    Json(Json),
    /// In a text of JSON.
    Text {
        json: Json,
        text: String,
        escaped: bool,
    },
    /// In a form: `Action=SendMessage&MessageBody=…`.
    Form,
    Unknown,
}

/// What stands before a place between the texts of JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Json {
    /// The last text that was a key.
    pub(super) key: String,
    /// The last text, and the last character behind it.
    last_text: String,
    last: Option<char>,
}

/// The longest key that is kept.
const MAX_KEY: usize = 64;

impl Place {
    /// The place behind a written text.
    pub(super) fn after(mut self, written: &str) -> Self {
        if self == Self::Start {
            let start = written.trim_start();
            self = match start.chars().next() {
                None => return self,
                Some('{' | '[') => Self::Json(Json::default()),
                // AWS: the query protocol of SQS, SNS and others.
                Some(_) if start.starts_with("Action=") => return Self::Form,
                Some(_) => return Self::Unknown,
            };
        }
        for c in written.chars() {
            self = self.step(c);
        }
        self
    }

    fn step(self, c: char) -> Self {
        match self {
            Self::Json(mut json) => match c {
                '"' => Self::Text {
                    json,
                    text: String::new(),
                    escaped: false,
                },
                ':' => {
                    json.key = std::mem::take(&mut json.last_text);
                    json.last = Some(c);
                    Self::Json(json)
                }
                c if c.is_whitespace() => Self::Json(json),
                c => {
                    json.last = Some(c);
                    Self::Json(json)
                }
            },
            Self::Text {
                mut json,
                mut text,
                escaped,
            } => match c {
                '"' if !escaped => {
                    json.last_text = text;
                    json.last = Some('"');
                    Self::Json(json)
                }
                c => {
                    if text.len() < MAX_KEY {
                        text.push(c);
                    }
                    Self::Text {
                        json,
                        text,
                        escaped: c == '\\' && !escaped,
                    }
                }
            },
            other => other,
        }
    }

    /// The place behind a printed reference.
    pub(super) fn after_reference(self) -> Self {
        match self {
            Self::Start | Self::Unknown => Self::Unknown,
            Self::Form => Self::Form,
            Self::Json(mut json) => {
                json.last = Some('$');
                Self::Json(json)
            }
            Self::Text { json, text, .. } => Self::Text {
                json,
                text,
                escaped: false,
            },
        }
    }

    /// The place behind two ways.
    pub(super) fn or(self, other: &Self) -> Self {
        match (self, other) {
            (left, right) if left == *right => left,
            (Self::Json(left), Self::Json(right)) => Self::Json(Json {
                key: if left.key == right.key {
                    left.key
                } else {
                    String::new()
                },
                last_text: String::new(),
                last: left.last.filter(|last| right.last == Some(*last)),
            }),
            (Self::Text { json, text, .. }, Self::Text { .. }) => Self::Text {
                json,
                text,
                escaped: false,
            },
            _ => Self::Unknown,
        }
    }
}

impl Json {
    /// Whether a value begins here.
    pub(super) fn begins_value(&self) -> bool {
        matches!(self.last, Some(':' | '[' | ','))
    }

    /// Whether it is the value of a member.
    pub(super) fn is_member(&self) -> bool {
        self.last == Some(':')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let text = |written: &str| matches!(Place::Start.after(written), Place::Text { .. });
        assert!(text(r#" {"a": ""#) && text(r#"{"a": "\""#) && !text(r#"{"a": "\\""#));
        assert_eq!(Place::Start.after("Action=Send&Body="), Place::Form);
        assert_eq!(Place::Start.after("<x a=\""), Place::Unknown);
        assert_eq!(Place::Start.after(" \n"), Place::Start);
        let Place::Json(json) = Place::Start.after(r#"{"N": "#) else {
            panic!("no JSON");
        };
        assert!(json.is_member() && json.begins_value());
        assert_eq!(json.key, "N");
    }

    #[test]
    fn ways_meet() {
        let one = Place::Start.after(r#"{"a": 1"#);
        let two = Place::Start.after(r#"{"a": "x""#);
        assert!(matches!(one.clone().or(&two), Place::Json(_)));
        let open = Place::Start.after(r#"{"a": "x"#);
        assert_eq!(one.or(&open), Place::Unknown);
    }
}
