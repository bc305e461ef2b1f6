//! `$input`: the payload and the request parameters.

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::jsonpath::Path;
use crate::template::Scope;
use crate::template::vtl::needs::{InputNeeds, Names};
use crate::template::vtl::node::find;
use crate::template::vtl::payload;
use crate::template::vtl::{Parts, inherited, too_many};
use crate::vtl::{Doc, Exception, MAX_TEXT, Map, Object, Value};

/// Marks an exception as the client's fault: the payload is broken.
pub(crate) const PAYLOAD: u8 = 1;

/// The object behind `$input`.
pub(crate) struct Input {
    parts: Arc<Parts>,
    body: Option<Arc<str>>,
    document: OnceCell<Result<Document, Exception>>,
    params: Parameters,
    /// Paths that are not written out in the template, parsed in this rendering.
    computed: RefCell<Vec<(Box<str>, Rc<Path>)>>,
}

/// The payload's content.
struct Document {
    doc: Rc<Doc>,
    root: Value,
}

/// The request parameters.
enum Parameters {
    /// All of them: what `$input.params()` gives, and a template may change.
    All(Rc<Doc>),
    /// Those the template names, in the order of its names.
    Named(Vec<Value>),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").finish_non_exhaustive()
    }
}

impl Input {
    /// `$input` for one rendering. Values outlive the borrowed scope, so what the template may need later is copied
    /// here, and a payload whose content is needed for certain is parsed in place.
    pub(crate) fn new(scope: &Scope<'_>, parts: &Arc<Parts>, needs: &InputNeeds) -> Self {
        let document = OnceCell::new();
        let copied = needs.text || (needs.maybe_content && !needs.content);
        let body = (copied || needs.content).then(|| scope.body_text());
        if let (true, Some(body)) = (needs.content, &body) {
            let _ = document.set(read(body));
        }
        Self {
            parts: Arc::clone(parts),
            body: body.filter(|_| copied).map(Arc::from),
            document,
            params: match &needs.params {
                Names::All => Parameters::All(payload::params(&scope.params)),
                Names::Only(names) => {
                    let value =
                        |name: &str| scope.params.get(name).map_or(Value::Null, Value::from);
                    Parameters::Named(names.iter().map(|name| value(name)).collect())
                }
            },
            computed: RefCell::default(),
        }
    }

    fn needs(&self) -> Option<&InputNeeds> {
        self.parts.needs.input.as_ref()
    }

    fn body(&self) -> Value {
        self.body
            .as_ref()
            .map_or(Value::Null, |body| Value::from(Arc::clone(body)))
    }

    /// The payload's content: parsed once, and the same objects for every later look.
    fn document(&self) -> Result<&Value, Exception> {
        let read = || read(self.body.as_deref().unwrap_or("{}"));
        match self.document.get_or_init(read) {
            Ok(document) => Ok(&document.root),
            Err(exception) => Err(exception.clone()),
        }
    }

    /// To be called when the rendering is over and its values have been read.
    pub(crate) fn release(&self) {
        if let Some(Ok(document)) = self.document.get() {
            document.doc.release();
        }
        if let Parameters::All(doc) = &self.params {
            doc.release();
        }
    }

    /// `$input.path(expression)`: nothing if the path leads nowhere.
    fn path(&self, expression: &str) -> Result<Option<Value>, Exception> {
        let document = self.document()?;
        if document.is_null() {
            return Ok(Some(Value::Null));
        }
        if let Some(path) = self.needs().and_then(|needs| needs.paths.get(expression)) {
            return find(path, document);
        }
        find(&*self.computed(expression)?, document)
    }

    fn computed(&self, expression: &str) -> Result<Rc<Path>, Exception> {
        let mut computed = self.computed.borrow_mut();
        if let Some((_, path)) = computed.iter().find(|(known, _)| **known == *expression) {
            return Ok(Rc::clone(path));
        }
        let path =
            Rc::new(Path::parse(expression).map_err(|error| Exception::new(error.to_string()))?);
        if computed.len() < COMPUTED {
            computed.push((expression.into(), Rc::clone(&path)));
        }
        Ok(path)
    }

    /// `$input.json(expression)`.
    fn json(&self, expression: &str) -> Result<Value, Exception> {
        let mut text = String::new();
        self.write_json(expression, &mut text)?;
        Ok(Value::from(text))
    }

    fn write_json(&self, expression: &str, out: &mut String) -> Result<(), Exception> {
        match self.path(expression)? {
            // AWS, second hand: what is not there, or null, is an empty text.
            None => out.push_str("\"\""),
            Some(Value::Null) if !self.parts.json_null => out.push_str("\"\""),
            Some(value) => value.to_json(out, false)?,
        }
        Ok(())
    }

    /// `$input.params(name)`: path, then query, then header.
    fn param(&self, name: &str) -> Value {
        match (&self.params, self.needs().map(|needs| &needs.params)) {
            (Parameters::All(doc), _) => {
                let all = Doc::value(doc, 0);
                let groups = all.as_map().map(Map::values).into_iter().flatten();
                let mut found =
                    groups.filter_map(|group| group.as_map().and_then(|group| group.get_str(name)));
                found.next().unwrap_or_default()
            }
            (Parameters::Named(values), Some(Names::Only(names))) => {
                let index = names.binary_search_by(|known| (**known).cmp(name)).ok();
                index
                    .and_then(|index| values.get(index))
                    .cloned()
                    .unwrap_or_default()
            }
            (Parameters::Named(_), _) => Value::Null,
        }
    }

    /// `$input.params()`.
    fn params(&self) -> Value {
        match &self.params {
            Parameters::All(doc) => Doc::value(doc, 0),
            Parameters::Named(_) => Value::Null,
        }
    }
}

/// How many computed paths a rendering remembers.
const COMPUTED: usize = 16;

fn read(text: &str) -> Result<Document, Exception> {
    if text.len() > MAX_TEXT {
        return Err(Exception::host(PAYLOAD, "the payload is too large"));
    }
    let doc =
        payload::read(text).map_err(|error| Exception::host(PAYLOAD, error.payload_message()))?;
    let root = Doc::value(&doc, 0);
    Ok(Document { doc, root })
}

impl Object for Input {
    fn property(&self, name: &str) -> Result<Value, Exception> {
        Ok(match name {
            "body" | "Body" => self.body(),
            _ => Value::Null,
        })
    }

    fn call(&self, method: &str, args: &[Value]) -> Result<Option<Value>, Exception> {
        Ok(Some(match (method, args) {
            ("path", [Value::Str(path)]) => self.path(path)?.unwrap_or_default(),
            ("json", [Value::Str(path)]) => self.json(path)?,
            ("path" | "json", [Value::Null]) => {
                return Err(Exception::new("NullPointerException: the path is null"));
            }
            ("params", []) => self.params(),
            ("params", [Value::Str(name)]) => self.param(name),
            ("params", [Value::Null]) => Value::Null,
            ("getBody", []) => self.body(),
            ("params" | "getBody", _) => return Err(too_many(method)),
            _ => return inherited(method, args),
        }))
    }

    fn prints(&self, method: &str) -> bool {
        method == "json"
    }

    fn print(
        &self,
        method: &str,
        args: &[Value],
        out: &mut String,
    ) -> Option<Result<(), Exception>> {
        let ("json", [Value::Str(path)]) = (method, args) else {
            return None;
        };
        Some(self.write_json(path, out))
    }

    fn class_name(&self) -> &str {
        "gateway.InputScope"
    }
}
