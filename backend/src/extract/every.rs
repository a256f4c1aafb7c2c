//! Every mistake of a body at once, where serde stops at the first.
//!
//! What does not fit is taken out, what is missing is filled in, and the rest is read again until all of it fits.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vigil_domain::FieldError;

use super::field_error;

/// More mistakes than this are not looked for.
const MOST: usize = 50;

/// The mistakes that keep `body` from being a `T`, in the order they were met; `first` is the one serde named.
pub(super) fn mistakes<T: DeserializeOwned>(mut body: Value, first: FieldError) -> Vec<FieldError> {
    let mut found = vec![first];
    for _ in 0..2 * MOST {
        let Some((mistake, missing)) = next::<T>(&body) else { break };
        let mended = if missing { fill::<T>(&mut body, &mistake.field) } else { take_out(&mut body, &mistake.field) };
        if !found.iter().any(|known| known.field == mistake.field) {
            found.push(mistake);
        }
        if !mended || found.len() >= MOST {
            break;
        }
    }
    found
}

/// The first mistake, and whether it is a missing field.
fn next<T: DeserializeOwned>(body: &Value) -> Option<(FieldError, bool)> {
    let error = serde_path_to_error::deserialize::<_, T>(body).err()?;
    let (path, message) = (error.path().to_string(), error.into_inner().to_string());
    Some((field_error(&path, &message), message.starts_with("missing field")))
}

/// Puts something that fits in the place of a missing field. `false` if nothing simple does.
fn fill<T: DeserializeOwned>(body: &mut Value, field: &str) -> bool {
    let candidates = [
        json!("x"),
        json!(1),
        json!(true),
        json!({}),
        json!([]),
        json!("01920000-0000-7000-8000-000000000000"),
        json!("2026-01-01T00:00:00Z"),
    ];
    candidates.into_iter().any(|candidate| {
        put(body, field, candidate) && next::<T>(body).is_none_or(|(mistake, _)| !mistake.field.starts_with(field))
    })
}

fn put(body: &mut Value, field: &str, value: Value) -> bool {
    let (parent, name) = field.rsplit_once('.').unwrap_or(("", field));
    let Some(Value::Object(fields)) = at(body, parent) else { return false };
    fields.insert(name.to_owned(), value);
    true
}

fn take_out(body: &mut Value, field: &str) -> bool {
    let (parent, name) = field.rsplit_once('.').unwrap_or(("", field));
    match at(body, parent) {
        Some(Value::Object(fields)) => fields.remove(name).is_some(),
        Some(Value::Array(items)) => match name.parse::<usize>() {
            Ok(index) if index < items.len() => {
                items.remove(index);
                true
            }
            _ => false,
        },
        _ => false,
    }
}

fn at<'a>(body: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    if path.is_empty() {
        return Some(body);
    }
    path.split('.').try_fold(body, |value, step| match value {
        Value::Object(fields) => fields.get_mut(step),
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Rule {
        name: String,
        expr: String,
        limit: Option<u32>,
        threshold: Option<Threshold>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Threshold {
        op: String,
        value: f64,
    }

    fn fields(body: Value) -> Vec<String> {
        let (first, _) = next::<Rule>(&body).unwrap();
        let mut fields: Vec<_> = mistakes::<Rule>(body, first).into_iter().map(|mistake| mistake.field).collect();
        fields.sort();
        fields
    }

    #[test]
    fn unknown_missing_and_wrong_fields_are_named_together() {
        let body = json!({"colour": "red", "limit": "many", "threshold": {"op": 1, "valeu": 2}});
        assert_eq!(
            fields(body),
            ["colour", "expr", "limit", "name", "threshold.op", "threshold.valeu", "threshold.value"]
        );
        assert_eq!(fields(json!({"name": 1, "expr": null})), ["expr", "name"]);
    }

    #[test]
    fn a_flood_of_mistakes_is_bounded() {
        let many: serde_json::Map<String, Value> = (0..1_000).map(|n| (format!("x{n}"), json!(1))).collect();
        assert!(fields(Value::Object(many)).len() <= MOST);
    }
}
