//! What a function answers to a proxy integration, read without copies where there is nothing to unescape.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The answer of a function behind a proxy integration.
///
/// ```
/// use tower_apigw::aws::Answer;
///
/// let answer = Answer::rest(br#"{"statusCode": "201", "headers": {"X-A": true}, "body": "done"}"#)?;
/// assert_eq!(answer.status_code, Some(201));
/// assert_eq!(answer.headers, [("X-A".into(), "true".into())]);
/// let error = Answer::rest(br#"{"status": 201}"#).unwrap_err();
/// assert!(error.to_string().contains(r#"unknown member "status""#), "{error}");
/// # Ok::<_, tower_apigw::aws::Malformed>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer<'a> {
    /// The status, from 200 to 599; API Gateway takes 200 where there is none.
    pub status_code: Option<u16>,
    /// Headers of one value, in their order.
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Headers of several values, one entry a value; they stand before `headers` of the same name.
    pub multi_value_headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Values of `Set-Cookie`; only payload format 2.0 and streamed answers have them.
    pub cookies: Vec<Cow<'a, str>>,
    /// The body, as text.
    pub body: Cow<'a, str>,
    /// Whether `body` is base64.
    pub is_base64_encoded: bool,
}

/// Why an answer is none: the precise reason, for logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// Which members an answer may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contract {
    /// Payload format 1.0.
    Rest,
    /// Payload format 2.0.
    Http,
    /// In front of a stream.
    Stream,
}

impl<'a> Answer<'a> {
    /// Reads the output of a function behind a REST API: payload format 1.0.
    ///
    /// # Errors
    /// The output is not as it must be; API Gateway then answers 502.
    // Recorded: T:test_aws_proxy_response_payload_format_validation
    pub fn rest(output: &'a [u8]) -> Result<Self, Malformed> {
        // AWS: response-transfer-mode — a function that streams behind an integration that does not
        // gives status and headers, and no body.
        if let Some(at) = memchr::memchr(0, output)
            && let Some((metadata, rest)) = output.split_at_checked(at)
            && rest.starts_with(&[0; 8])
        {
            return Self::metadata(metadata);
        }
        Self::read(output, Contract::Rest)
    }

    /// Reads the output of a function behind an HTTP API: payload format 2.0. An output without
    /// `statusCode` is a body of `application/json` as a whole.
    ///
    /// # Errors
    /// The output is no JSON, or has a `statusCode` and is not as it must be; API Gateway then answers 500.
    // AWS: http-api-develop-integrations-lambda, "Lambda function response for format 2.0".
    pub fn http(output: &'a [u8]) -> Result<Self, Malformed> {
        if let Ok(answer) = Self::read(output, Contract::Http)
            && answer.status_code.is_some()
        {
            return Ok(answer);
        }
        let value: serde_json::Value = serde_json::from_slice(output).map_err(malformed)?;
        if value.get("statusCode").is_some() {
            // It was meant to be one: the reason is told again.
            return Self::read(output, Contract::Http);
        }
        let body = match serde_json::from_slice::<Cow<'a, str>>(output) {
            Ok(text) => text,
            Err(_) => std::str::from_utf8(output)
                .map(Cow::Borrowed)
                .map_err(|error| Malformed(error.to_string()))?,
        };
        Ok(Self {
            status_code: Some(200),
            headers: vec![("content-type".into(), "application/json".into())],
            body,
            ..Self::default()
        })
    }

    /// Reads what stands in front of a streamed body.
    ///
    /// # Errors
    /// It is not as it must be; API Gateway then answers 500.
    // AWS: response-transfer-mode-lambda
    pub fn metadata(metadata: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(metadata, Contract::Stream)
    }

    fn read(output: &'a [u8], contract: Contract) -> Result<Self, Malformed> {
        let mut json = serde_json::Deserializer::from_slice(output);
        let answer = (AnswerSeed { contract }).deserialize(&mut json);
        let answer = answer.map_err(malformed)?;
        json.end().map_err(malformed)?;
        Ok(answer)
    }
}

fn malformed(error: serde_json::Error) -> Malformed {
    Malformed(error.to_string())
}

/// The `errorMessage` of a function's answer: empty when there is none.
// Recorded: T:test_lambda_selection_patterns. LocalStack: what is no JSON object has none.
pub(crate) fn error_message(output: &[u8]) -> Cow<'_, str> {
    struct Message;

    impl<'de> Visitor<'de> for Message {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut message = Cow::Borrowed("");
            while let Some(key) = map.next_key_seed(TextSeed)? {
                if key == "errorMessage" {
                    let raw = map.next_value::<&serde_json::value::RawValue>()?.get();
                    message = match serde_json::from_str::<Text<'de>>(raw) {
                        Ok(Text(text)) => text,
                        Err(_) if raw == "null" => Cow::Borrowed(""),
                        Err(_) => Cow::Borrowed(raw),
                    };
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(message)
        }
    }

    let first = output.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        return Cow::Borrowed("");
    }
    let mut json = serde_json::Deserializer::from_slice(output);
    match json.deserialize_map(Message) {
        Ok(message) if json.end().is_ok() => message,
        _ => Cow::Borrowed(""),
    }
}

/// A string, borrowed where it can be.
struct Text<'a>(Cow<'a, str>);

impl<'de> de::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TextSeed.deserialize(deserializer).map(Text)
    }
}

#[derive(Clone, Copy)]
struct TextSeed;

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

struct AnswerSeed {
    contract: Contract,
}

impl<'de> DeserializeSeed<'de> for AnswerSeed {
    type Value = Answer<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for AnswerSeed {
    type Value = Answer<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with statusCode, headers, multiValueHeaders, body, isBase64Encoded")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answer<'de>, A::Error> {
        let mut answer = Answer::default();
        let buffered = self.contract != Contract::Stream;
        while let Some(key) = map.next_key_seed(TextSeed)? {
            match &*key {
                "statusCode" => answer.status_code = map.next_value_seed(StatusSeed)?,
                "headers" => {
                    answer.headers = map.next_value_seed(HeadersSeed { lists: false })?;
                }
                "multiValueHeaders" => {
                    answer.multi_value_headers =
                        map.next_value_seed(HeadersSeed { lists: true })?;
                }
                "body" if buffered => answer.body = map.next_value_seed(BodySeed)?,
                "isBase64Encoded" if buffered => {
                    answer.is_base64_encoded = map.next_value_seed(FlagSeed)?;
                }
                "cookies" if self.contract != Contract::Rest => {
                    answer.cookies = map
                        .next_value::<Option<Vec<Text<'de>>>>()?
                        .map_or_else(Vec::new, |cookies| {
                            cookies.into_iter().map(|Text(text)| text).collect()
                        });
                }
                _ if self.contract == Contract::Http => {
                    map.next_value::<IgnoredAny>()?;
                }
                // Recorded: invoke-api-with-wrong-values.
                unknown => return Err(de::Error::custom(format!("unknown member {unknown:?}"))),
            }
        }
        Ok(answer)
    }
}

/// A member that may be null; the rest is a visitor of one thing.
macro_rules! nullable {
    ($seed:ident, $value:ty, $null:expr, $expecting:literal, { $($methods:tt)* }) => {
        impl<'de> DeserializeSeed<'de> for $seed {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<$value, D::Error> {
                deserializer.deserialize_any(self)
            }
        }

        impl<'de> Visitor<'de> for $seed {
            type Value = $value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expecting)
            }

            fn visit_unit<E>(self) -> Result<$value, E> {
                Ok($null)
            }

            $($methods)*
        }
    };
}

struct StatusSeed;

fn status<E: de::Error>(number: Option<u64>, shown: &dyn fmt::Display) -> Result<Option<u16>, E> {
    // A final status: an interim one cannot end a response.
    let number = number.filter(|number| (200..600).contains(number));
    match number.and_then(|number| u16::try_from(number).ok()) {
        Some(status) => Ok(Some(status)),
        None => Err(E::custom(format!(
            "statusCode {shown} is no status from 200 to 599"
        ))),
    }
}

nullable!(StatusSeed, Option<u16>, None, "a status code", {
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Option<u16>, E> {
        status(Some(number), &number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Option<u16>, E> {
        status(u64::try_from(number).ok(), &number)
    }

    // Recorded: "201" is a status, "test" is none.
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<u16>, E> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        status(
            text.parse().ok().filter(|_| digits),
            &format_args!("{text:?}"),
        )
    }
});

struct FlagSeed;

nullable!(FlagSeed, bool, false, "a Boolean for isBase64Encoded", {
    fn visit_bool<E>(self, flag: bool) -> Result<bool, E> {
        Ok(flag)
    }
});

struct BodySeed;

// AWS: set-up-lambda-proxy-integrations — the body is a string.
nullable!(
    BodySeed,
    Cow<'de, str>,
    Cow::Borrowed(""),
    "a string for body",
    {
        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
            Ok(Cow::Borrowed(text))
        }

        fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
            Ok(Cow::Owned(text.to_owned()))
        }
    }
);

/// The value of a header: text, or what has a text. Nothing for null.
struct ValueSeed;

// Recorded: Booleans as text. Resolved: row 33, numbers too. Chosen: null leaves the header out.
nullable!(
    ValueSeed,
    Option<Cow<'de, str>>,
    None,
    "a string, a number or a Boolean for a header",
    {
        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Borrowed(text)))
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Owned(text.to_owned())))
        }

        fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
            Ok(Some(Cow::Borrowed(if flag { "true" } else { "false" })))
        }

        fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string().into()))
        }

        fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string().into()))
        }

        fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
            Ok(Some(number.to_string().into()))
        }
    }
);

type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

struct HeadersSeed {
    lists: bool,
}

nullable!(
    HeadersSeed,
    Pairs<'de>,
    Vec::new(),
    "an object of headers",
    {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::with_capacity(8);
            while let Some(name) = map.next_key_seed(TextSeed)? {
                if self.lists {
                    map.next_value_seed(ListSeed {
                        name,
                        pairs: &mut pairs,
                    })?;
                } else if let Some(value) = map.next_value_seed(ValueSeed)? {
                    pairs.push((name, value));
                }
            }
            Ok(pairs)
        }
    }
);

/// The values of one header.
struct ListSeed<'p, 'de> {
    name: Cow<'de, str>,
    pairs: &'p mut Pairs<'de>,
}

impl<'de> DeserializeSeed<'de> for ListSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values in multiValueHeaders")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while let Some(value) = values.next_element_seed(ValueSeed)? {
            if let Some(value) = value {
                self.pairs.push((self.name.clone(), value));
            }
        }
        Ok(())
    }
}
