//! The OpenAPI document says all that is true.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Operations that anybody may call.
const PUBLIC: [&str; 8] = [
    "get /healthz",
    "get /readyz",
    "get /setup",
    "post /setup",
    "post /api/v1/setup",
    "post /api/v1/auth/login",
    "post /api/v1/auth/refresh",
    "post /api/v1/auth/logout",
];

fn document() -> Value {
    serde_json::to_value(vigil_backend::openapi()).unwrap()
}

/// `(method and path, operation)` of every operation.
fn operations(document: &Value) -> Vec<(String, Map<String, Value>)> {
    let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let item = item.as_object().unwrap().clone();
        let path = path.clone();
        item.into_iter()
            .filter(move |(method, _)| methods.contains(&method.as_str()))
            .map(move |(method, operation)| (format!("{method} {path}"), operation.as_object().unwrap().clone()))
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn the_document_is_openapi_3_1_with_its_version() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let flow = &document["components"]["securitySchemes"]["oauth2"]["flows"]["password"];
    assert_eq!(flow["tokenUrl"], "/api/v1/auth/login");
}

#[test]
fn every_answer_is_described_and_every_operation_has_a_summary_and_a_unique_id() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let text = |field: &str| operation.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        assert!(!text("summary").is_empty(), "{name} has no summary");
        assert!(ids.insert(text("operationId")), "{name}: {} is taken", text("operationId"));
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{name} has no tag");
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let described = answer["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described, "{name}: {status} has no description");
            let is_failure = status.starts_with('4') || status.starts_with('5');
            if is_failure && let Some(content) = answer["content"].as_object() {
                let speaks_prometheus = name.contains(" /prometheus/");
                let form = if speaks_prometheus { "application/json" } else { "application/problem+json" };
                assert!(content.contains_key(form), "{name}: {status} is no {form}");
            }
        }
    }
}

#[test]
fn every_operation_is_guarded_or_known_to_be_public() {
    let document = document();
    for (name, operation) in operations(&document) {
        let ways = operation.get("security").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_open = ways.is_empty() || ways.iter().any(|way| way.as_object().is_some_and(Map::is_empty));
        assert_eq!(is_open, PUBLIC.contains(&name.as_str()), "{name}");
        if !is_open {
            for status in ["401", "403"] {
                assert!(operation["responses"].get(status).is_some(), "{name} does not say that it answers {status}");
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                fields.values().for_each(|value| check(value, document));
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, document)),
            _ => {}
        }
    }
    let document = document();
    check(&document, &document);
}

#[test]
fn path_parameters_are_declared() {
    let document = document();
    for (name, operation) in operations(&document) {
        let declared: BTreeSet<String> = operation
            .get("parameters")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        let used: BTreeSet<String> =
            name.split('{').skip(1).map(|part| part.split('}').next().unwrap().to_owned()).collect();
        assert_eq!(declared, used, "{name}");
    }
}
