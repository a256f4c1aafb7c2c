//! Go's `text/template` as Prometheus gives it to the labels and annotations of alerts.
//!
//! Pure: no clock, no I/O. A template that asks the data source (`query`) stops with the expression it needs
//! ([`Expanded::Needs`]); whoever expands it asks, and expands anew with the answer.
//!
//! The language and its errors are Go's (`text/template`, `fmt`, `strconv`), the functions and their errors are
//! Prometheus'. What is different: a text may be at most [`LONGEST`] bytes, blocks and parentheses at most a thousand
//! deep and values a thousand inside each other, and [`STEPS`] and [`BYTES`] end what would take too long or write too much;
//! the local time zone is UTC;
//! a query's result prints as made-up addresses.

mod arguments;
mod builtin;
mod call;
mod exec;
mod float;
mod function;
mod gotime;
mod lex;
mod node;
mod parse;
mod printf;
mod prometheus;
mod quote;
mod value;

use std::sync::Arc;

pub use function::Asked;
pub use value::{LabelMap, Sample, Text};

use exec::{Exec, Stop};
use function::Env;
use parse::Trees;
use value::{Data, Value};

/// The longest template, in bytes.
pub const LONGEST: usize = 64 * 1024;

/// What every template of an alert begins with.
const DEFINITIONS: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
    {{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// What one expansion may do: nodes walked and functions called, more of them for long texts.
const STEPS: usize = 1_000_000;

/// The longest output, and the longest text on the way to it, in bytes.
const BYTES: usize = 1024 * 1024;

/// The template of one label or annotation, parsed.
#[derive(Debug)]
pub struct Template {
    name: String,
    text: String,
    trees: Trees,
}

/// What a template is told about an alert.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The series' labels with `__name__`.
    pub labels: &'a Arc<LabelMap>,
    pub external_labels: &'a Arc<LabelMap>,
    /// Where people reach the service, without a slash at the end.
    pub external_url: &'a str,
    pub value: f64,
    /// The evaluation's time in milliseconds since the epoch.
    pub now_ms: i64,
}

/// What came of expanding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expanded {
    Text(String),
    /// In Prometheus' words: what takes the place of the text.
    Failed(String),
    /// The answer to this expression, an instant query at the evaluation's time, is needed first.
    Needs(String),
}

impl Template {
    /// Parses the template of a label or an annotation of the alert rule called `rule`.
    ///
    /// # Errors
    ///
    /// Go's, such as `template: __alert_HighCpu:1: function "foo" not defined`.
    pub fn parse(rule: &str, text: &str) -> Result<Self, String> {
        let name = format!("__alert_{rule}");
        if text.len() > LONGEST {
            return Err(format!("template: {name}: longer than {LONGEST} bytes"));
        }
        let text = format!("{DEFINITIONS}{text}");
        let trees = parse::parse(&name, &text)?;
        Ok(Self { name, text, trees })
    }

    /// Whether `text` says the same whatever the alert: it has nothing that a template would replace.
    pub fn is_plain(text: &str) -> bool {
        !text.contains("{{")
    }

    /// Expands it. `ask` is what queries come to; it may answer [`Asked::NotYet`].
    pub fn expand(&self, scene: Scene<'_>, ask: &mut dyn FnMut(&str) -> Asked) -> Expanded {
        let Scene { labels, external_labels, external_url, value, now_ms } = scene;
        let data = Data {
            labels: labels.clone(),
            external_labels: external_labels.clone(),
            external_url: external_url.into(),
            value,
        };
        let env = Env { external_url, now_ms, bytes: BYTES, steps: STEPS, ask };
        match Exec::new(&self.name, &self.text, &self.trees, env).run(Value::Data(Arc::new(data))) {
            Ok(bytes) => Expanded::Text(String::from_utf8_lossy(&bytes).into_owned()),
            Err(Stop::Needs(expr)) => Expanded::Needs(expr),
            Err(Stop::Error(error)) => Expanded::Failed(self.failure(&error)),
            Err(Stop::Break | Stop::Continue) => Expanded::Failed(self.failure("break or continue outside range")),
        }
    }

    fn failure(&self, error: &str) -> String {
        format!("<error expanding template: error executing template {}: {error}>", self.name)
    }
}

/// Where Prometheus shows the table of an expression, below its own address.
pub fn table_link(expression: &str) -> String {
    prometheus::table(expression.as_bytes())
}

/// A number as Prometheus prints it in expressions: `0.5`, `1000000`, `NaN`, `+Inf`.
///
/// Source: Prometheus 3, `promql/parser/printer.go`, `NumberLiteral`. Before 3.3 it wrote large and small ones with exponents.
pub fn number(value: f64) -> String {
    float::format_float(value, b'f', None)
}

/// Runs `work` on a stack that is large enough for one more level of nesting.
fn on_enough_stack<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(128 * 1024, 1024 * 1024, work)
}
