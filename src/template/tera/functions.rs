//! The functions and filters a Tera template can call.

use tera::{Kwargs, State, TeraResult, Value};

use super::rendering::{Failure, Place, Rendering};
use super::value::{Tree, find, override_value, text};
use crate::jsonpath::Path;
use crate::template::json::parse_strict;
use crate::template::util;

/// Adds all of them to an instance.
pub(super) fn register(tera: &mut tera::Tera) {
    tera.register_function("input_path", |kwargs: Kwargs, _: &State| {
        input_path(&kwargs)
    });
    tera.register_function("input_json", |kwargs: Kwargs, _: &State| {
        json(&input_path(&kwargs)?)
    });
    tera.register_function("params", |kwargs: Kwargs, _: &State| param(&kwargs));
    for (name, place) in [
        ("override_request_header", Place::RequestHeader),
        ("override_request_querystring", Place::RequestQuerystring),
        ("override_request_path", Place::RequestPath),
        ("override_response_header", Place::ResponseHeader),
        ("override_response_status", Place::ResponseStatus),
    ] {
        tera.register_function(name, move |kwargs: Kwargs, _: &State| set(place, &kwargs));
    }
    tera.register_filter("json_encode", |value: &Value, _: Kwargs, _: &State| {
        json(value)
    });
    tera.register_filter(
        "util_escape_javascript",
        |value: &Value, _: Kwargs, _: &State| {
            let mut out = String::new();
            util::escape_java_script(&value.to_string(), &mut out);
            Value::safe_string(&out)
        },
    );
    tera.register_filter("util_url_encode", |value: &str, _: Kwargs, _: &State| {
        util::url_encode(value)
    });
    tera.register_filter("util_url_decode", |value: &str, _: Kwargs, _: &State| {
        let mut text = String::with_capacity(value.len());
        util::url_decode(value, &mut text)
            .map(|()| text)
            .map_err(tera::Error::message)
    });
    tera.register_filter("util_base64_encode", |value: &str, _: Kwargs, _: &State| {
        util::base64_encode(value)
    });
    tera.register_filter("util_base64_decode", |value: &str, _: Kwargs, _: &State| {
        util::base64_decode(value)
    });
    tera.register_filter("util_parse_json", |value: &str, _: Kwargs, _: &State| {
        parse_strict(value, &mut Tree).unwrap_or_else(|_| Value::none())
    });
}

fn input_path(kwargs: &Kwargs) -> TeraResult<Value> {
    let path: &str = kwargs.must_get("path")?;
    // The payload is shared, so taking a handle is cheap.
    let payload = Rendering::with(|rendering| match &rendering.payload {
        Some(Ok(payload)) => Ok(payload.clone()),
        Some(Err(message)) => Err(Failure::payload(message)),
        None => Ok(Value::none()),
    })?;
    let path = Path::parse(path).map_err(tera::Error::message)?;
    find(&path, &payload).map_err(tera::Error::message)
}

/// JSON text, safe to print.
fn json(value: &Value) -> TeraResult<Value> {
    let text = serde_json::to_string(value).map_err(tera::Error::message)?;
    Ok(Value::safe_string(&text))
}

fn param(kwargs: &Kwargs) -> TeraResult<Value> {
    let name: &str = kwargs.must_get("name")?;
    let params = Rendering::with(|rendering| Ok(rendering.params.clone()))?;
    let groups = params
        .as_ref()
        .and_then(Value::as_map)
        .into_iter()
        .flat_map(|groups| groups.values());
    let mut found = groups.filter_map(|group| group.as_map()?.get(&tera::value::Key::Str(name)));
    Ok(found.next().cloned().unwrap_or_else(|| text("")))
}

fn set(place: Place, kwargs: &Kwargs) -> TeraResult<Value> {
    let name: &str = match place {
        Place::ResponseStatus => "status",
        _ => kwargs.must_get("name")?,
    };
    let value: &Value = kwargs.must_get("value")?;
    Rendering::with(|rendering| rendering.set(place, name, override_value(value)))?;
    Ok(Value::safe_string(""))
}
