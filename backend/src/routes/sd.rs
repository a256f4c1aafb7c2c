//! `/sd/prometheus`: the active servers as targets, in the format of Prometheus' HTTP service discovery.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use vigil_domain::{Labels, labels::METRIC_NAME};
use vigil_store::{entity::server, servers};

use crate::{auth::Viewer, extract::Json, openapi::Guarded, problem::Result, state::AppState};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(targets))
}

/// One server as Prometheus scrapes it.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"targets": ["web-1:9100"], "labels": {"server": "web-1", "department": "shop"}}))]
pub(crate) struct TargetGroup {
    targets: Vec<String>,
    #[schema(value_type = BTreeMap<String, String>)]
    labels: Labels,
}

impl TargetGroup {
    /// `None` for a server without `instance`.
    fn of(server: server::Model) -> Option<Self> {
        let instance = server.instance?;
        let mut labels = Labels::default();
        // The selector's labels too: without them the series would not be recognised as the server's.
        for (name, value) in server.labels.0.iter().chain(server.selector.0.iter()) {
            labels.set(label_name(name), value);
        }
        if !instance.contains(':') {
            // Prometheus would add the port to the label otherwise.
            labels.set("instance", instance.as_str());
        }
        labels.set("server", server.name);
        labels.set("department", server.department.unwrap_or_default());
        labels.remove(METRIC_NAME);
        Some(Self { targets: vec![instance], labels })
    }
}

/// What is no letter, digit or `_` becomes `_`; a leading digit gets one in front.
fn label_name(name: &str) -> String {
    let mut clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if clean.starts_with(|first: char| first.is_ascii_digit()) {
        clean.insert(0, '_');
    }
    clean
}

/// Targets for Prometheus' `http_sd_configs`: active servers that have an `instance`.
#[utoipa::path(get, path = "/sd/prometheus", tag = "service-discovery", operation_id = "prometheus_targets",
    responses((status = 200, description = "The targets", body = Vec<TargetGroup>), Guarded),
    security(("bearer" = []), ("oauth2" = [])))]
async fn targets(_: Viewer, State(app): State<AppState>) -> Result<Json<Vec<TargetGroup>>> {
    let servers = servers::scraped(&app.db).await?;
    Ok(Json(servers.into_iter().filter_map(TargetGroup::of).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(instance: Option<&str>) -> server::Model {
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        server::Model {
            id: uuid::Uuid::nil(),
            name: "web-1".to_owned(),
            instance: instance.map(str::to_owned),
            selector: Labels::from([("job", "node")]).into(),
            labels: Labels::from([("env", "prod"), ("server", "another"), ("a-b", "x")]).into(),
            department: Some("shop".to_owned()),
            description: None,
            is_active: true,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn a_target_carries_every_label_that_ties_and_describes_its_server() {
        let group = TargetGroup::of(server(Some("web-1:9100"))).unwrap();
        assert_eq!(group.targets, ["web-1:9100"]);
        let expected = [("a_b", "x"), ("department", "shop"), ("env", "prod"), ("job", "node"), ("server", "web-1")];
        assert_eq!(group.labels, Labels::from(expected));
    }

    #[test]
    fn an_instance_without_a_port_keeps_its_name() {
        let group = TargetGroup::of(server(Some("web-1"))).unwrap();
        assert_eq!(group.labels.get("instance"), Some("web-1"));
        assert_eq!(TargetGroup::of(server(None)), None);
    }

    #[test]
    fn label_names_are_made_to_fit() {
        for (name, clean) in [("env", "env"), ("a-b.c", "a_b_c"), ("9lives", "_9lives"), ("ö", "_")] {
            assert_eq!(label_name(name), clean);
        }
    }
}
