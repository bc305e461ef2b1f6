//! A schema with all that it refers to, in one value: `$ref`s made local, foreign keywords left out.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::diagnostic::{Diagnostic, pointer_token};
use crate::integration::referred;

/// How much all models of an API may hold together, in JSON values.
const MAX_VALUES: usize = 300_000;

/// How many schemas may apply to one value, each because of the one before.
const MAX_CHAIN: usize = 32;

/// The keywords of draft 4 whose values are no schemas.
const PLAIN: &[&str] = &[
    "type",
    "enum",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
];

/// The formats of draft 4; others are not checked.
const FORMATS: &[&str] = &[
    "date-time",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "regex",
    "uri",
];

/// See the module.
#[derive(Debug)]
pub(super) struct Bundle {
    /// `{"$ref": "#/definitions/0", "definitions": {"0": …, "1": …}}`
    pub(super) root: Value,
    /// How many schemas may come to apply to one value, each because of the one before.
    pub(super) chain: usize,
    /// Where each definition stands in the document.
    origins: Vec<String>,
}

impl Bundle {
    pub(super) fn new(document: &Value, pointer: &str, values: &mut usize) -> Result<Self, Fault> {
        let mut bundler = Bundler {
            document,
            entry: pointer,
            places: IndexMap::from([(pointer.to_owned(), ())]),
            links: Vec::new(),
            path: String::new(),
            deepest: 0,
            values,
        };
        let mut definitions = Map::new();
        let mut next = 0;
        while let Some((place, ())) = bundler.places.get_index(next) {
            let place = place.clone();
            let Some(schema) = document.pointer(&place) else {
                return Err(fault(&place, "nothing stands here"));
            };
            bundler.path.clone_from(&place);
            bundler.links.push(Vec::new());
            let copy = bundler.schema(
                schema,
                Reach {
                    steps: 0,
                    whole: true,
                },
            )?;
            definitions.insert(next.to_string(), copy);
            next += 1;
        }
        let Bundler {
            places,
            links,
            deepest,
            ..
        } = bundler;
        let origins: Vec<String> = places.into_keys().collect();
        let chains = Chains {
            links: &links,
            origins: &origins,
            known: vec![None; links.len()],
        };
        let chain = deepest + chains.longest()?;
        let root = json!({"$ref": "#/definitions/0", "definitions": definitions});
        Ok(Self {
            root,
            chain,
            origins,
        })
    }

    /// The schema that a `$ref` of the bundle means.
    pub(super) fn definition(&self, reference: &str) -> Option<&Value> {
        self.root
            .get("definitions")?
            .get(reference.strip_prefix("#/definitions/")?)
    }

    /// Where something in the bundle stands in the document.
    pub(super) fn origin(&self, inside: &str) -> String {
        let found = inside.strip_prefix("/definitions/").and_then(|rest| {
            let (number, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let origin = self.origins.get(number.parse::<usize>().ok()?)?;
            Some(format!("{origin}{rest}"))
        });
        found
            .or_else(|| self.origins.first().cloned())
            .unwrap_or_default()
    }
}

/// Why a model cannot be compiled, with its place in the document.
pub(super) type Fault = Box<Diagnostic>;

fn fault(place: &str, message: impl Into<String>) -> Fault {
    Box::new(Diagnostic::error("request-model", place, message))
}

/// How a schema is reached from the one that applies to the value around it.
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// Schemas that apply to the same value before it.
    steps: usize,
    /// Whether that value is the one of the whole definition.
    whole: bool,
}

impl Reach {
    const INSIDE: Self = Self {
        steps: 0,
        whole: false,
    };

    fn on(self) -> Self {
        Self {
            steps: self.steps + 1,
            whole: self.whole,
        }
    }
}

/// A `$ref` to the definition of this number.
#[derive(Debug, Clone, Copy)]
struct Link {
    to: usize,
    reach: Reach,
}

struct Bundler<'a> {
    document: &'a Value,
    entry: &'a str,
    /// Definitions by place, the number of each is its index.
    places: IndexMap<String, ()>,
    links: Vec<Vec<Link>>,
    path: String,
    /// The most steps inside of a definition.
    deepest: usize,
    values: &'a mut usize,
}

impl Bundler<'_> {
    fn below<T>(
        &mut self,
        key: &str,
        make: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let outer = self.path.len();
        self.path.push('/');
        self.path.push_str(&pointer_token(key));
        let made = make(self)?;
        self.path.truncate(outer);
        Ok(made)
    }

    fn count(&mut self, values: usize) -> Result<(), Fault> {
        *self.values = self.values.saturating_add(values);
        if *self.values > MAX_VALUES {
            return Err(fault(
                &self.path,
                "the models of this API hold too much to be compiled",
            ));
        }
        Ok(())
    }

    fn schema(&mut self, schema: &Value, reach: Reach) -> Result<Value, Fault> {
        self.count(1)?;
        self.deepest = self.deepest.max(reach.steps);
        if reach.steps > MAX_CHAIN {
            return Err(fault(
                &self.path,
                format!("more than {MAX_CHAIN} schemas apply to one value"),
            ));
        }
        let members = match schema {
            // Chosen: OpenAPI 3.1 has these, draft 4 does not.
            Value::Bool(true) => return Ok(json!({})),
            Value::Bool(false) => return Ok(json!({"not": {}})),
            Value::Object(members) => members,
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(fault(&self.path, "expected a schema"));
            }
        };
        // What stands beside a reference does not count.
        if let Some(Value::String(reference)) = members.get("$ref") {
            return self.below("$ref", |bundler| bundler.reference(reference, reach));
        }
        let mut copy = Map::new();
        for (key, value) in members {
            if let Some(value) = self.below(key, |bundler| bundler.keyword(key, value, reach))? {
                copy.insert(key.clone(), value);
            }
        }
        Ok(Value::Object(copy))
    }

    /// The value of a keyword; `None` for one that is not of draft 4.
    fn keyword(&mut self, key: &str, value: &Value, reach: Reach) -> Result<Option<Value>, Fault> {
        Ok(Some(match (key, value) {
            ("not", schema) => self.schema(schema, reach.on())?,
            ("additionalItems" | "additionalProperties", Value::Bool(_)) => value.clone(),
            (
                "items" | "additionalItems" | "additionalProperties",
                Value::Object(_) | Value::Bool(_),
            ) => self.schema(value, Reach::INSIDE)?,
            ("items", Value::Array(schemas)) => self.list(schemas, Reach::INSIDE)?,
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                self.list(schemas, reach.on())?
            }
            ("properties" | "patternProperties", Value::Object(schemas)) => {
                self.members(schemas, Reach::INSIDE)?
            }
            ("dependencies", Value::Object(schemas)) => self.members(schemas, reach.on())?,
            ("format", Value::String(format)) if !FORMATS.contains(&format.as_str()) => {
                return Ok(None);
            }
            // With a value of another kind, these too: it is found when the schema is compiled.
            (
                "format"
                | "items"
                | "additionalItems"
                | "additionalProperties"
                | "allOf"
                | "anyOf"
                | "oneOf"
                | "properties"
                | "patternProperties"
                | "dependencies",
                _,
            ) => value.clone(),
            _ if PLAIN.contains(&key) => {
                self.count(weight(value))?;
                value.clone()
            }
            _ => return Ok(None),
        }))
    }

    fn list(&mut self, schemas: &[Value], reach: Reach) -> Result<Value, Fault> {
        let schemas = schemas.iter().enumerate();
        let copies = schemas.map(|(index, schema)| {
            self.below(&index.to_string(), |bundler| bundler.schema(schema, reach))
        });
        copies.collect::<Result<_, _>>().map(Value::Array)
    }

    fn members(&mut self, schemas: &Map<String, Value>, reach: Reach) -> Result<Value, Fault> {
        let copies = schemas.iter().map(|(key, schema)| {
            // The names that a property depends on.
            if schema.is_array() {
                return Ok((key.clone(), schema.clone()));
            }
            let copy = self.below(key, |bundler| bundler.schema(schema, reach))?;
            Ok((key.clone(), copy))
        });
        copies.collect::<Result<_, _>>().map(Value::Object)
    }

    // Resolved: a reference never leads to the network.
    fn reference(&mut self, reference: &str, reach: Reach) -> Result<Value, Fault> {
        let Some(mut place) = referred(self.document, reference) else {
            let fault = fault(
                &self.path,
                format!("`{reference}` is outside this document"),
            );
            let help = "put the model into the document and refer to it with `#/…`";
            return Err(Box::new(fault.help(help)));
        };
        if self.document.pointer(&place).is_none() {
            // A model that was written for itself counts from its own root.
            let within = format!("{}{place}", self.entry);
            if self.document.pointer(&within).is_none() {
                return Err(fault(
                    &self.path,
                    format!("nothing stands at `{reference}`"),
                ));
            }
            place = within;
        }
        let entry = self.places.entry(place);
        let to = entry.index();
        entry.or_insert(());
        if let Some(links) = self.links.last_mut() {
            links.push(Link {
                to,
                reach: reach.on(),
            });
        }
        Ok(json!({"$ref": format!("#/definitions/{to}")}))
    }
}

fn weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        Value::String(text) => 1 + text.len() / 16,
        Value::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(weight).sum::<usize>(),
    }
}

/// The longest chains over references.
struct Chains<'a> {
    links: &'a [Vec<Link>],
    origins: &'a [String],
    known: Vec<Option<usize>>,
}

impl Chains<'_> {
    fn longest(mut self) -> Result<usize, Fault> {
        let (mut longest, links) = (0, self.links);
        for link in links.iter().flatten() {
            longest = longest.max(link.reach.steps + self.from(link.to, 1)?);
        }
        Ok(longest)
    }

    fn from(&mut self, definition: usize, level: usize) -> Result<usize, Fault> {
        if let Some(Some(known)) = self.known.get(definition) {
            return Ok(*known);
        }
        if level > MAX_CHAIN {
            let place = self.origins.get(definition).map_or("", String::as_str);
            let message = "references lead on and on without going into a property or an item";
            return Err(fault(place, message));
        }
        let mut longest = 0;
        let links = self.links;
        for link in links
            .get(definition)
            .into_iter()
            .flatten()
            .filter(|link| link.reach.whole)
        {
            longest = longest.max(link.reach.steps + self.from(link.to, level + 1)?);
        }
        if let Some(known) = self.known.get_mut(definition) {
            *known = Some(longest);
        }
        Ok(longest)
    }
}
