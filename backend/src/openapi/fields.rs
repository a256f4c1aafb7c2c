//! What fields of a name must look like, wherever a caller writes them: said once, for people and for generators.

use utoipa::openapi::{ObjectBuilder, OpenApi, RefOr, Schema, Type, schema::Object};

/// A Prometheus duration: units strictly descending, or a bare `0`.
const DURATION: &str = "^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$";
const LABEL_NAME: &str = "^[a-zA-Z_][a-zA-Z0-9_]*$";

/// Completes the schemas of what callers send.
pub(super) fn complete(document: &mut OpenApi) {
    let Some(components) = &mut document.components else { return };
    let written = components.schemas.iter_mut().filter(|(name, _)| name.ends_with("In") || name.ends_with("Patch"));
    for (_, schema) in written {
        let RefOr::T(Schema::Object(schema)) = schema else { continue };
        for (name, field) in &mut schema.properties {
            if let RefOr::T(Schema::Object(field)) = field {
                complete_field(name, field);
            }
        }
    }
}

fn complete_field(name: &str, field: &mut Object) {
    match name {
        "for" | "keep_firing_for" | "interval" | "repeat_interval" | "query_offset" => {
            field.pattern = Some(DURATION.to_owned());
        }
        "labels" | "selector" => names(field, ObjectBuilder::new().pattern(Some(LABEL_NAME))),
        "annotations" => names(field, ObjectBuilder::new().min_length(Some(1)).max_length(Some(200))),
        _ => {}
    }
}

/// Objects of up to 64 properties with names of that kind.
fn names(field: &mut Object, kind: ObjectBuilder) {
    field.property_names = Some(Box::new(kind.schema_type(Type::String).build().into()));
    field.max_properties = Some(64);
}
