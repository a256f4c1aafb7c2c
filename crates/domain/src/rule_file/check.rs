//! What must be true of a rule, whatever the YAML.
//!
//! Source: prometheus/prometheus `model/rulefmt/rulefmt.go`, `Rule.Validate` and `testTemplateParsing`.

use crate::{
    Span,
    labels::{METRIC_NAME, is_label_name},
    promql::{self, ExprError},
};

use super::{
    field::{Field, Found, Noted, Pair},
    finding::{Finding, Findings, Position},
    read::ParseOptions,
};

/// What counts as the name of a label, an annotation or a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameScheme {
    /// Anything that is not empty, as since Prometheus 3.0.
    #[default]
    Utf8,
    /// `[a-zA-Z_][a-zA-Z0-9_]*`, for metrics with `:`, as before.
    Legacy,
}

/// A template of an alerting rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TemplateOf<'a> {
    /// The alert's name: Prometheus calls the template `__alert_` and this.
    pub alert: &'a str,
    /// What the template is for.
    pub part: TemplatePart,
    /// The label's or the annotation's name.
    pub name: &'a str,
    /// The template itself.
    pub text: &'a str,
}

/// What a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    /// The value of a label.
    Label,
    /// The text of an annotation.
    Annotation,
}

/// Says what is wrong with a template, such as `template: __alert_A:1: unclosed action`.
pub type TemplateCheck<'a> = dyn Fn(&TemplateOf<'_>) -> Result<(), String> + 'a;

/// A rule as it stands in the file, every field of the right type.
pub(super) struct RuleFields<'t> {
    pub(super) at: Position,
    pub(super) record: Field<&'t str>,
    pub(super) alert: Field<&'t str>,
    pub(super) expr: Field<&'t str>,
    pub(super) hold: Field<Span>,
    pub(super) keep_firing: Field<Span>,
    pub(super) labels: Vec<Pair<'t>>,
    pub(super) annotations: Vec<Pair<'t>>,
    pub(super) annotations_at: Option<Position>,
}

impl<'t> RuleFields<'t> {
    /// The alert's name, or else the metric's.
    pub(super) fn name(&self) -> &'t str {
        written(&self.alert).or(written(&self.record)).map_or("", |found| found.value)
    }

    /// Whether it is a recording rule and nothing else.
    pub(super) fn is_record(&self) -> bool {
        written(&self.alert).is_none() && written(&self.record).is_some()
    }
}

/// To Prometheus an empty text is the same as none.
fn written<'f, 't>(field: &'f Field<&'t str>) -> Option<&'f Found<&'t str>> {
    field.as_ref().ok()?.as_ref().filter(|found| !found.value.is_empty())
}

/// Notes every mistake in a rule.
pub(super) fn rule(rule: &RuleFields<'_>, options: &ParseOptions<'_>, mistakes: &mut Findings) {
    let (record, alert) = (written(&rule.record), written(&rule.alert));
    match (record, alert) {
        (Some(record), Some(_)) => {
            mistakes.push(Finding::new(record.at, "only one of 'record' and 'alert' must be set"));
        }
        (None, None) if rule.record.is_ok() && rule.alert.is_ok() => {
            mistakes.push(Finding::new(rule.at, "one of 'record' or 'alert' must be set"));
        }
        (None, None) | (Some(_), None) | (None, Some(_)) => {}
    }
    expr(rule, mistakes);
    if let Some(record) = record {
        recording(rule, record, options.names, mistakes);
    }
    label_names(&rule.labels, options.names, mistakes);
    for annotation in &rule.annotations {
        if !is_name(annotation.name, options.names) {
            mistakes.push(Finding::new(annotation.name_at, format!("invalid annotation name: {}", annotation.name)));
        }
    }
    if let Some(alert) = alert {
        templates(rule, alert.value, options.templates, mistakes);
    }
}

fn expr(rule: &RuleFields<'_>, mistakes: &mut Findings) {
    let (at, text) = match &rule.expr {
        Ok(Some(expr)) => (expr.at, expr.value),
        Ok(None) => (rule.at, ""),
        Err(Noted) => return,
    };
    if text.is_empty() {
        return mistakes.push(Finding::new(at, "field 'expr' must be set in rule"));
    }
    let message = match promql::parse(text) {
        Ok(_) => return,
        Err(ExprError::Empty) => "could not parse expression: no expression found in input".to_owned(),
        Err(error @ ExprError::TooLong) => format!("field 'expr' {error}"),
        Err(error @ (ExprError::Syntax(_) | ExprError::NoSelector | ExprError::NotEvaluable)) => error.to_string(),
    };
    mistakes.push(Finding::new(at, message));
}

/// What only an alerting rule may have, and what a metric may be called.
fn recording(rule: &RuleFields<'_>, record: &Found<&str>, names: NameScheme, mistakes: &mut Findings) {
    let nonzero = |field: &Field<Span>| {
        let found = field.as_ref().ok()?.as_ref()?;
        (found.value != Span::ZERO).then_some(found.name_at)
    };
    let annotations = rule.annotations_at.filter(|_| !rule.annotations.is_empty());
    let fields =
        [("annotations", annotations), ("for", nonzero(&rule.hold)), ("keep_firing_for", nonzero(&rule.keep_firing))];
    for (field, at) in fields {
        if let Some(at) = at {
            mistakes.push(Finding::new(at, format!("invalid field '{field}' in recording rule")));
        }
    }
    if !is_metric_name(record.value, names) {
        mistakes.push(Finding::new(record.at, format!("invalid recording rule name: {}", record.value)));
    }
    if record.value.contains(['{', '}']) {
        let message = "braces present in the recording rule name; should it be in expr?";
        mistakes.push(Finding::new(record.at, format!("{message}: {}", record.value)));
    }
}

/// Notes labels that cannot be called what they are called.
pub(super) fn label_names(labels: &[Pair<'_>], names: NameScheme, mistakes: &mut Findings) {
    for label in labels {
        if !is_name(label.name, names) || label.name == METRIC_NAME {
            mistakes.push(Finding::new(label.name_at, format!("invalid label name: {}", label.name)));
        }
    }
}

fn templates(rule: &RuleFields<'_>, alert: &str, check: &TemplateCheck<'_>, mistakes: &mut Findings) {
    let labels = rule.labels.iter().map(|pair| (TemplatePart::Label, "label", pair));
    let annotations = rule.annotations.iter().map(|pair| (TemplatePart::Annotation, "annotation", pair));
    for (part, word, pair) in labels.chain(annotations) {
        if let Err(message) = check(&TemplateOf { alert, part, name: pair.name, text: pair.text }) {
            mistakes.push(Finding::new(pair.at, format!("{word} {:?}: {message}", pair.name)));
        }
    }
}

/// Whether a label or an annotation can have this name.
pub(super) fn is_name(name: &str, names: NameScheme) -> bool {
    match names {
        NameScheme::Utf8 => !name.is_empty(),
        NameScheme::Legacy => is_label_name(name) || name == METRIC_NAME,
    }
}

/// Whether a metric can have this name.
pub(super) fn is_metric_name(name: &str, names: NameScheme) -> bool {
    match names {
        NameScheme::Utf8 => !name.is_empty(),
        NameScheme::Legacy => {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
            !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(word)
        }
    }
}
