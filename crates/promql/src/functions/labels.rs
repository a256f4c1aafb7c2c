//! `label_replace` and `label_join`.

use regex::Regex;
use vigil_domain::labels::METRIC_NAME;

use super::Call;
use crate::{QueryError, limits::Budget, plan::NodeId, value::Frame};

/// A change of the labels.
#[derive(Clone, Debug)]
pub(crate) enum Relabel {
    Replace { into: String, replacement: String, from: String, regex: Regex },
    Join { into: String, separator: String, from: Vec<String> },
}

impl Call {
    pub(crate) fn label_replace(input: NodeId, texts: &[String]) -> Result<Self, QueryError> {
        let [into, replacement, from, regex] = texts else {
            return Err(QueryError::BadExpression("label_replace takes five arguments".to_owned()));
        };
        let regex = Regex::new(&format!("^(?s:{regex})$"))
            .map_err(|_| QueryError::Execution(format!("invalid regular expression in label_replace(): {regex}")))?;
        check(into, "destination label name in label_replace()")?;
        let [into, replacement, from] = [into, replacement, from].map(Clone::clone);
        Ok(Self::Relabel { input, how: Relabel::Replace { into, replacement, from, regex } })
    }

    pub(crate) fn label_join(input: NodeId, texts: &[String]) -> Result<Self, QueryError> {
        let [into, separator, from @ ..] = texts else {
            return Err(QueryError::BadExpression("label_join takes at least three arguments".to_owned()));
        };
        from.iter().try_for_each(|name| check(name, "source label name in label_join()"))?;
        check(into, "destination label name in label_join()")?;
        let how = Relabel::Join { into: into.clone(), separator: separator.clone(), from: from.to_vec() };
        Ok(Self::Relabel { input, how })
    }
}

fn check(name: &str, what: &str) -> Result<(), QueryError> {
    if name.is_empty() || name.contains(char::REPLACEMENT_CHARACTER) {
        return Err(QueryError::Execution(format!("invalid {what}: {name}")));
    }
    Ok(())
}

pub(super) fn relabel(how: &Relabel, mut frame: Frame, budget: &Budget<'_>) -> Result<Frame, QueryError> {
    for (index, row) in frame.rows.iter_mut().enumerate() {
        budget.at_row(index)?;
        let (into, value) = match how {
            Relabel::Replace { into, replacement, from, regex } => {
                let Some(found) = regex.captures(row.labels.get(from).unwrap_or_default()) else { continue };
                let mut value = String::new();
                found.expand(replacement, &mut value);
                (into, value)
            }
            Relabel::Join { into, separator, from } => {
                let values: Vec<&str> = from.iter().map(|name| row.labels.get(name).unwrap_or_default()).collect();
                (into, values.join(separator))
            }
        };
        row.labels = row.labels.with(into, &value);
        row.drop_name &= into != METRIC_NAME;
    }
    frame.joined()
}
