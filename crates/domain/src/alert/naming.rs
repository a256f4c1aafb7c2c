//! What the elements of a result are called as alerts.

use super::{Annotations, EvaluationError, Seen, Vector};
use crate::{
    Labels, QueryValue, Sample,
    labels::{ALERT_NAME, METRIC_NAME},
};

/// What a rule calls its alerts.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    pub rule_name: &'a str,
    pub labels: &'a Labels,
    pub annotations: &'a Annotations,
}

/// Names each element of a result as an alert (Prometheus' order: the sample's labels without `__name__`, then the
/// rule's, then `alertname`). A scalar is one element without labels. Whatever the value, presence makes an alert.
pub fn name(naming: Naming<'_>, value: QueryValue) -> Result<Vector, EvaluationError> {
    let samples = match value {
        QueryValue::Vector(samples) => samples,
        QueryValue::Scalar(value) => vec![Sample { labels: Labels::default(), value }],
        QueryValue::String(_) | QueryValue::Matrix => return Err(EvaluationError::NotAVector),
    };
    let mut vector = Vector::new();
    for Sample { mut labels, value } in samples {
        labels.remove(METRIC_NAME);
        for (name, value) in naming.labels.iter() {
            labels.set(name, value);
        }
        labels.set(ALERT_NAME, naming.rule_name);
        let seen = Seen { annotations: naming.annotations.clone(), value, labels };
        if vector.insert(seen.labels.fingerprint(), seen).is_some() {
            return Err(EvaluationError::DuplicateLabelSet);
        }
    }
    Ok(vector)
}
