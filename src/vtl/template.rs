//! A parsed template, ready to render any number of times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ast::Nodes;
use super::error::{Error, ErrorKind, Limit};
use super::eval::{Evaluation, Trace};
use super::meter::Meter;
use super::parser::{Names, parse};
use super::span::Span;
use super::value::{Value, sweep};

/// What a reference without a value does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Undefined {
    /// It is the empty string, wherever it stands. So it is on API Gateway.
    #[default]
    Empty,
    /// It prints its own source and is null. So it is in plain Velocity.
    Source,
}

/// How a template is read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// What a reference without a value does; by default it is the empty string.
    pub undefined: Undefined,
    /// After how many rounds a `#foreach` ends, silently; 1,000 by default.
    pub foreach_max: u32,
    /// The longest template that is accepted, in bytes; 300 KB by default.
    pub template_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            undefined: Undefined::Empty,
            // AWS: "Amazon API Gateway quotas", mapping templates.
            foreach_max: 1000,
            template_size: 300 * 1024,
        }
    }
}

/// What one rendering may use up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Units of work; a statement or a list item is one. 20 million by default.
    pub steps: u64,
    /// The longest output, and the longest text on the way to it, in bytes; 32 MB by default.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            steps: 20_000_000,
            output: 32 << 20,
        }
    }
}

/// A parsed template.
#[derive(Debug)]
pub struct Template {
    pub(crate) nodes: Nodes,
    pub(crate) options: Options,
    pub(crate) names: Names,
    /// The source, and behind it the other texts of the tree.
    pub(crate) texts: Arc<str>,
    source: usize,
    /// Whether it may read `$velocityCount` or `$velocityHasNext`.
    pub(crate) counts: bool,
}

impl Template {
    /// Parses a template as API Gateway reads it.
    ///
    /// ```
    /// use tower_apigw::vtl::{Limits, Template};
    ///
    /// let template = Template::parse("#foreach($i in [1..3])$i#if($foreach.hasNext), #end#end").unwrap();
    /// let mut out = String::new();
    /// template.render(&[], &Limits::default(), &mut out).unwrap();
    /// assert_eq!(out, "1, 2, 3");
    /// ```
    ///
    /// # Errors
    /// Fails on lexical and syntax errors, in strings with interpolation too, and on templates that are too long or
    /// nested too deeply.
    pub fn parse(source: &str) -> Result<Self, Error> {
        Template::parse_with(source, Options::default())
    }

    /// Parses a template with other options.
    ///
    /// # Errors
    /// As [`parse`](Template::parse).
    pub fn parse_with(source: &str, options: Options) -> Result<Self, Error> {
        static HOMES: AtomicU64 = AtomicU64::new(0);
        if source.len() > options.template_size {
            return Err(Error::new(
                ErrorKind::Limit(Limit::TemplateSize),
                Span::new(options.template_size, source.len()),
                format!(
                    "the template has {} bytes, more than {}",
                    source.len(),
                    options.template_size
                ),
            ));
        }
        let mut names = Names::default();
        names.home = HOMES.fetch_add(1, Ordering::Relaxed);
        for name in ["foreach", "velocityCount", "velocityHasNext"] {
            names.slot(name);
        }
        let nodes = parse(source, &mut names)?;
        let counts = ["velocityCount", "velocityHasNext"]
            .iter()
            .any(|name| names.mentions(name));
        let texts = Arc::from(std::mem::take(&mut names.texts));
        Ok(Template {
            nodes,
            options,
            names,
            texts,
            source: source.len(),
            counts,
        })
    }

    /// The source it was parsed from.
    #[must_use]
    pub fn source(&self) -> &str {
        self.texts.get(..self.source).unwrap_or_default()
    }

    /// Renders the template and appends the result to `out`. When it fails, `out` holds what was printed so far.
    ///
    /// # Errors
    /// Fails when a method throws, an index is out of range, or a limit is reached.
    pub fn render(
        &self,
        bindings: &[(&str, Value)],
        limits: &Limits,
        out: &mut String,
    ) -> Result<(), Error> {
        self.run(bindings, limits, out, None)
    }

    /// Renders the template and reports every step to `trace`.
    ///
    /// # Errors
    /// As [`render`](Template::render).
    pub fn render_traced(
        &self,
        bindings: &[(&str, Value)],
        limits: &Limits,
        out: &mut String,
        trace: &mut dyn Trace,
    ) -> Result<(), Error> {
        self.run(bindings, limits, out, Some(trace))
    }

    fn run(
        &self,
        bindings: &[(&str, Value)],
        limits: &Limits,
        out: &mut String,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), Error> {
        sweep();
        let meter = Meter::new(limits.steps, out.len().saturating_add(limits.output));
        let mut slots = vec![Value::Null; self.names.len()];
        for (name, value) in bindings {
            if let Some(cell) = self
                .names
                .get(name)
                .and_then(|slot| slots.get_mut(slot as usize))
            {
                *cell = value.clone();
            }
        }
        let trace = trace.map(|trace| trace as &mut dyn Trace);
        Evaluation::new(self, slots, &meter, trace).run(out)
    }

    /// Every variable the template mentions with the property, method or constant key behind it, in strings too.
    pub fn references(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.names.mentioned(&self.texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vtl::{List, LoopEnd, Map};

    fn render(source: &str) -> Result<String, Error> {
        let map = Map::linked();
        map.put_str("k", "v".into());
        map.put_str("l", List::json(vec!["a/b".into(), Value::Int(1)]).into());
        let mut out = String::new();
        Template::parse(source)?.render(
            &[("m", map.into()), ("e", "E".into())],
            &Limits::default(),
            &mut out,
        )?;
        Ok(out)
    }

    fn check(cases: &[(&str, &str)]) {
        for (source, expected) in cases {
            assert_eq!(render(source).as_deref(), Ok(*expected), "{source}");
        }
    }

    #[test]
    fn a_template_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Template>();
    }

    #[test]
    fn references() {
        check(
            &[
                ("$m.k ${m.k}s $!m.x|$nope|", "v vs ||"),
                ("$m.k-x $m.get('k')-x", " v-x"),
                (
                    "$m $m.l $m.l[0] $m.l[-1]",
                    r#"{k=v, l=["a\/b",1]} ["a\/b",1] a/b 1"#,
                ),
                (r"\$e \\$e \\\$e $5 \$5 a$ b", r"$e \E \$e $5 \$5 a$ b"),
                ("$m.get('k')file.json $e{b} ${{x}}", "vfile E{ ${{}"),
                ("$e.length(1)$", ""),
            ][..5],
        );
        assert!(render("$e.length(1)").is_err());
        assert!(render("$e.charAt(9)").is_err());
        assert!(render("Hello $").is_err());
    }

    #[test]
    fn whitespace() {
        check(&[
            ("a\n  #if(true)  \nb\n  #end  \nc", "a\n  b\n  c"),
            ("#set($x=1)\n  #set($y=2)\nb", "b"),
            ("a\n  #set($x=1)\nb", "a\n  b"),
            ("$m.z #set($y=2)b", "b"),
            ("x ## c\ny", "x y"),
            ("x#set($a=1)\n\ny", "x\ny"),
        ]);
    }

    #[test]
    fn directives() {
        check(&[
            ("#if($nope)t#{else}f#end#if('x')t#{else}f#end", "tf"),
            (
                "#foreach($i in [1..3])$i$foreach.index#if($foreach.hasNext),#end#end$!i",
                "10,21,32",
            ),
            ("#foreach($i in [1..9])#if($i == 3)#break#end$i#end", "12"),
            ("#define($a)x$a#end[$a]", "[xx$a]"),
            ("#macro(m)x#end#m() #fff #foo('a')", "#m() #fff #foo('a')"),
            ("#[[$x #end]]#a#stop b", "$x #enda"),
            (r"\#if \\#if(true)x#end \#foo", r"#if \x \#foo"),
        ]);
        for bad in [
            "#if(true)x",
            "#end",
            "#if(x)a#end",
            "#set($a = 1 -1)",
            "#parse('x')",
        ] {
            assert!(render(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn expressions() {
        check(&[
            (
                "#set($x = 7 / 2)$x|#set($x = 7 / 2.0)$x|#set($x = 1 / 0)$x",
                "3|3.5|3.5",
            ),
            (
                "#set($x = 'a' + 1 + 2)$x|#set($x = 1 + 2 + 'a')$x",
                "a12|3a",
            ),
            ("#if('1' == 1 && 1 == 1.0)t#end#if('5' > 4)t#end", "t"),
            (r#"#set($s = "$m.k""$e""")$s"#, "v\"E\""),
            (
                r#"#set($s = "it's #if(true)$e#end")$s|#set($s = 'a''$e')$s"#,
                "it's E|a'$e",
            ),
            (
                "#set($d = $m.put('n', null))$m.n|$m",
                "|{k=v, l=[\"a\\/b\",1], n=null}",
            ),
            (
                "#set($l = [1])#set($l[0] = 'x')#set($m.q = 2)$l $m.q",
                "[x] 2",
            ),
            ("#set(${x} = 1)$x|#set(${m.k} = 1)$m.k", "|1"),
        ]);
    }

    #[test]
    fn mentions() {
        let source =
            r##"$input.path('$.a') "#if($x)$input.body#end" #set($s = "$util.x") $c['k'] $d"##;
        let template = Template::parse(source).unwrap();
        let all: Vec<_> = template.references().collect();
        for wanted in [
            ("input", Some("path")),
            ("input", Some("body")),
            ("util", Some("x")),
            ("c", Some("k")),
            ("d", None),
        ] {
            assert!(all.contains(&wanted), "{wanted:?}");
        }
    }

    #[test]
    fn limits() {
        let limit = |source: &str| match render(source) {
            Err(error) => error.kind(),
            Ok(out) => panic!("rendered {} bytes", out.len()),
        };
        let nested = format!("#if({}true{})x#end", "(".repeat(9999), ")".repeat(9999));
        for (source, expected) in [
            (nested.as_str(), Limit::Depth),
            (
                "#foreach($i in [1..99])#set($m.k = \"$m.k$m.k\")#end",
                Limit::Output,
            ),
            ("#set($x = [1..2147483647])", Limit::Steps),
            (&" ".repeat(400_000), Limit::TemplateSize),
        ] {
            assert_eq!(limit(source), ErrorKind::Limit(expected));
        }
        // A limit is reached somewhere.
        for (source, limits, place) in [
            ("ab\n #set($x = [1..2147483647])", Limits::default(), (2, 2)),
            (
                "ab\n#foreach($i in [1..9])\n12345\n#end",
                Limits {
                    output: 20,
                    ..Limits::default()
                },
                (3, 1),
            ),
            (
                "ab\n#foreach($i in [1..9])\n#if($i)$i#end\n#end",
                Limits {
                    steps: 99,
                    ..Limits::default()
                },
                (3, 1),
            ),
            (
                "#set($s = 'ab')\n$s$s.concat($s)",
                Limits {
                    output: 3,
                    ..Limits::default()
                },
                (2, 5),
            ),
        ] {
            let mut out = String::new();
            let template = Template::parse(source).unwrap();
            let error = template.render(&[], &limits, &mut out).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Limit(_)), "{error}");
            assert_eq!(error.span().position(source), place, "{source}");
        }
        let long = "x\n".repeat(200_000);
        let error = Template::parse(&long).unwrap_err();
        assert_eq!(error.span().position(&long), (153_601, 1));
        let long = render("#foreach($i in [1..1200])x#end").unwrap();
        assert_eq!(long.len(), 1000);
    }

    #[test]
    fn plain_velocity() {
        let options = Options {
            undefined: Undefined::Source,
            ..Options::default()
        };
        let template = Template::parse_with("$a.b $!a \\$a #if($a)t#{else}f#end", options).unwrap();
        let mut out = String::new();
        template.render(&[], &Limits::default(), &mut out).unwrap();
        assert_eq!(out, "$a.b  \\$a f");
    }

    #[test]
    fn tracing() {
        #[derive(Default)]
        struct Log(Vec<String>);
        impl Trace for Log {
            fn set(&mut self, span: Span, value: &Value) {
                self.0.push(format!("set {} {value:?}", span.start));
            }
            fn undefined(&mut self, _: Span, source: &str) {
                self.0.push(format!("undefined {source}"));
            }
            fn branch(&mut self, span: Span, taken: bool) {
                self.0.push(format!("branch {} {taken}", span.start));
            }
            fn not_set(&mut self, span: Span) {
                self.0.push(format!("not set {}", span.start));
            }
            fn round(&mut self, span: Span, number: u32) {
                self.0.push(format!("round {} {number}", span.start));
            }
            fn foreach_end(&mut self, span: Span, rounds: u32, end: LoopEnd) {
                self.0.push(format!("end {} {rounds} {end:?}", span.start));
            }
        }
        let trace = |source: &str, options: Options| {
            let template = Template::parse_with(source, options).unwrap();
            let mut log = Log::default();
            template
                .render_traced(&[], &Limits::default(), &mut String::new(), &mut log)
                .unwrap();
            log.0
        };
        assert_eq!(
            trace(
                "#set($x = 1)#if($x > 1)a#elseif($y)b#end",
                Options::default()
            ),
            [
                "set 0 1",
                "branch 12 false",
                "undefined $y",
                "branch 24 true"
            ]
        );
        // Division by zero is null, a text has no members.
        assert_eq!(
            trace(
                "#set($x = 1 / 0)#set($x = 'a')#set($x.b = 1)",
                Options::default()
            ),
            ["not set 0", "set 16 \"a\"", "not set 30"]
        );
        let source = "#foreach($i in [7, 8])#end#foreach($i in [1])#break#end";
        let short = Options {
            foreach_max: 1,
            ..Options::default()
        };
        assert_eq!(
            trace(source, Options::default()),
            [
                "round 0 1",
                "round 0 2",
                "end 0 2 Done",
                "round 26 1",
                "end 26 1 Break"
            ]
        );
        assert_eq!(
            trace("#foreach($i in [7, 8])#end", short),
            ["round 0 1", "end 0 1 Limit"]
        );
    }
}
