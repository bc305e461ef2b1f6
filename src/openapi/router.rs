//! From method and path of a request to what was declared for it.

use std::collections::HashMap;

use http::Method;

use super::resource::{Resource, RouteError, Segment};

/// A table of routes: an HTTP method and a resource path each.
///
/// Paths are matched as they are on the wire, without decoding. A resource whose segment is spelled
/// out goes before one with a variable (`{id}`), and that before a greedy one (`{proxy+}`); a method
/// by name goes before `ANY`. A resource that has neither the method nor `ANY` does not count, so
/// that a less specific one may answer.
///
/// Slashes at the end of a request's path mean nothing, and several at its beginning are one.
#[derive(Debug, Clone)]
pub struct Router<T> {
    nodes: Vec<Node>,
    routes: Vec<T>,
}

/// What stands below one path; children and routes are indices.
#[derive(Debug, Clone, Default)]
struct Node {
    named: HashMap<Box<str>, usize, foldhash::fast::FixedState>,
    variable: Option<usize>,
    here: Methods,
    greedy: Methods,
}

#[derive(Debug, Clone, Default)]
struct Methods {
    named: Vec<(Box<str>, usize)>,
    any: Option<usize>,
}

impl Methods {
    fn get(&self, method: &Method) -> Option<usize> {
        let named = self
            .named
            .iter()
            .find(|(name, _)| **name == *method.as_str());
        named.map(|(_, route)| *route).or(self.any)
    }

    fn insert(&mut self, method: &str, route: usize) -> bool {
        if method == "ANY" {
            let free = self.any.is_none();
            self.any.get_or_insert(route);
            return free;
        }
        let free = self.named.iter().all(|(name, _)| **name != *method);
        if free {
            self.named.push((method.into(), route));
        }
        free
    }
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Router<T> {
    /// A table without routes.
    pub fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
            routes: Vec::new(),
        }
    }

    /// Adds a route. `http_method` may be `ANY`; it is compared exactly, in upper case.
    ///
    /// Variables are told apart by their place alone: `/{a}` and `/{b}` are the same resource, and
    /// `/{a}/x` and `/{b}/y` go together.
    ///
    /// # Errors
    ///
    /// The path is none, or the method of this resource is there already. The table is unchanged.
    pub fn insert(
        &mut self,
        http_method: &str,
        resource: &str,
        route: T,
    ) -> Result<(), RouteError> {
        let path: Resource = resource.parse()?;
        let http_method = http_method.to_ascii_uppercase();
        let next_route = self.routes.len();
        let mut at = 0;
        let mut greedy = false;
        for segment in path.segments {
            let fresh = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else {
                break;
            };
            at = match segment {
                Segment::Static(text) => *node.named.entry(text.into()).or_insert(fresh),
                Segment::Variable(_) => *node.variable.get_or_insert(fresh),
                Segment::Greedy(_) => {
                    greedy = true;
                    break;
                }
            };
            if at == fresh {
                self.nodes.push(Node::default());
            }
        }
        let taken = || RouteError::taken(resource);
        let node = self.nodes.get_mut(at).ok_or_else(taken)?;
        let methods = if greedy {
            &mut node.greedy
        } else {
            &mut node.here
        };
        if !methods.insert(&http_method, next_route) {
            return Err(taken());
        }
        self.routes.push(route);
        Ok(())
    }

    /// The route for a request, by its method and its path as sent, without the query.
    pub fn find(&self, method: &Method, path: &str) -> Option<&T> {
        // Recorded: T:test_lambda_aws_proxy_integration — `//proxy-value` is `/proxy-value`, and
        // the value of a greedy variable has no slash at its end.
        // Chosen: other resources lose it too, as in LocalStack.
        let path = path.trim_matches('/');
        let route = self.search(0, method, (!path.is_empty()).then_some(path))?;
        self.routes.get(route)
    }

    /// As deep as the deepest resource; every node is looked at once at most.
    fn search(&self, at: usize, method: &Method, rest: Option<&str>) -> Option<usize> {
        let node = self.nodes.get(at)?;
        let Some(rest) = rest else {
            return node.here.get(method);
        };
        let (segment, below) = match rest.split_once('/') {
            Some((segment, below)) => (segment, Some(below)),
            None => (rest, None),
        };
        let named = node
            .named
            .get(segment)
            .and_then(|&next| self.search(next, method, below));
        named
            .or_else(|| {
                let next = node.variable.filter(|_| !segment.is_empty())?;
                self.search(next, method, below)
            })
            .or_else(|| node.greedy.get(method))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[(&str, &'static str)]) -> Router<String> {
        let mut router = Router::new();
        for (method, resource) in routes {
            router
                .insert(method, resource, format!("{method} {resource}"))
                .unwrap();
        }
        router
    }

    fn check(router: &Router<String>, cases: &[(&str, &str)]) {
        for (request, expected) in cases {
            let (method, path) = request.split_once(' ').unwrap();
            let found = router.find(&method.parse().unwrap(), path);
            assert_eq!(found.map_or("", String::as_str), *expected, "{request}");
        }
    }

    #[test]
    fn the_most_specific_resource_with_the_method_answers() {
        let router = router(&[
            ("POST", "/shop"),
            ("ANY", "/shop/any"),
            ("OPTIONS", "/{rest+}"),
            ("GET", "/foo/{id}"),
            ("GET", "/foo/bar"),
            ("DELETE", "/foo/{other}/baz"),
            ("GET", "/foo/{rest+}"),
        ]);
        check(
            &router,
            &[
                ("POST /shop", "POST /shop"),
                ("OPTIONS /shop", "OPTIONS /{rest+}"),
                ("OPTIONS /shop/any", "ANY /shop/any"),
                ("GET /shop", ""),
                ("GET /foo/bar", "GET /foo/bar"),
                ("GET /foo/x", "GET /foo/{id}"),
                ("GET /foo/x/baz", "GET /foo/{rest+}"),
                ("DELETE /foo/x/baz", "DELETE /foo/{other}/baz"),
                ("DELETE /foo/bar/baz", "DELETE /foo/{other}/baz"),
                ("GET /foo/bar/baz/qux", "GET /foo/{rest+}"),
                ("OPTIONS /foo", "OPTIONS /{rest+}"),
                ("GET /", ""),
                ("OPTIONS /", ""),
                ("get /foo/bar", ""),
            ],
        );
    }

    #[test]
    fn slashes() {
        let router = router(&[
            ("GET", "/"),
            ("GET", "/hardcoded"),
            ("GET", "/p/{rest+}"),
            ("GET", "/v/{id}/x"),
        ]);
        check(
            &router,
            &[
                ("GET /", "GET /"),
                ("GET ", "GET /"),
                ("GET //hardcoded", "GET /hardcoded"),
                ("GET /hardcoded/", "GET /hardcoded"),
                ("GET /p/a//b", "GET /p/{rest+}"),
                ("GET /p//b", "GET /p/{rest+}"),
                ("GET /p/", ""),
                ("GET /v//x", ""),
                ("GET /v/%2F/x", "GET /v/{id}/x"),
                ("GET /hard%63oded", ""),
            ],
        );
    }

    #[test]
    fn a_taken_route_is_an_error_and_changes_nothing() {
        let mut router = router(&[("GET", "/{a}"), ("ANY", "/{a}"), ("ANY", "/{b+}")]);
        for (method, resource) in [("get", "/{b}"), ("ANY", "/{c}/"), ("ANY", "/{c+}")] {
            let error = router.insert(method, resource, String::new()).unwrap_err();
            assert!(
                error.to_string().ends_with("has this method twice"),
                "{error}"
            );
        }
        check(
            &router,
            &[
                ("GET /x", "GET /{a}"),
                ("PUT /x", "ANY /{a}"),
                ("PUT /x/y", "ANY /{b+}"),
            ],
        );
    }
}
