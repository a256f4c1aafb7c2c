//! `POST /rules/preview`: what a rule would say if it were evaluated now.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use vigil_domain::{
    Labels,
    alert::{Annotations, Naming, Seen, Vector},
    number,
    rule::RuleDraft,
};
use vigil_store::rules;

use super::input::RuleIn;
use crate::{
    auth::Operator,
    extract::Json,
    openapi::{Asking, Guarded, Writing},
    problem::{Problem, Result},
    state::AppState,
};

/// More alerts than this are counted, not shown.
const MOST_ALERTS: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(preview))
}

/// What the rule's expression returns now, named as alerts.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Preview {
    alerts: Vec<PreviewedAlert>,
    /// What the data source, or Vigil, has to say about it.
    warnings: Vec<String>,
}

/// An alert that the rule would make; whether it is pending or firing depends on `for`.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct PreviewedAlert {
    #[schema(value_type = BTreeMap<String, String>, example = json!({"alertname": "HighCpu", "instance": "web-1:9100"}))]
    labels: Labels,
    #[schema(value_type = BTreeMap<String, String>)]
    annotations: Annotations,
    /// The sample's value as text: `97.5`, `NaN`, `+Inf`.
    #[schema(example = "97.5")]
    value: String,
}

impl Preview {
    fn of(vector: Vector, mut warnings: Vec<String>) -> Self {
        let total = vector.len();
        if total > MOST_ALERTS {
            warnings.push(format!("{MOST_ALERTS} of {total} alerts are shown"));
        }
        let alerts = vector.into_values().take(MOST_ALERTS).map(|Seen { labels, annotations, value }| PreviewedAlert {
            labels,
            annotations,
            value: number::format(value),
        });
        Self { alerts: alerts.collect(), warnings }
    }
}

/// Runs a rule's expression now and shows the alerts it would make. Nothing is kept.
#[utoipa::path(post, path = "/rules/preview", tag = "rules", operation_id = "preview_rule", request_body = RuleIn,
    responses((status = 200, description = "What it would say", body = Preview), Guarded, Writing, Asking),
    security(("bearer" = []), ("oauth2" = [])))]
async fn preview(_: Operator, State(app): State<AppState>, Json(body): Json<RuleIn>) -> Result<Json<Preview>> {
    let spec = RuleDraft::from(body).check_with(app.deviations())?;
    let expr = rules::asked(&app.db, &spec).await?;
    let now = app.now();
    let answer = app.datasource.instant(&expr, now).await?;
    let naming = Naming {
        rule_name: &spec.name,
        labels: &spec.labels,
        annotations: &spec.annotations,
        installation: &app.installation,
    };
    let named = app.datasource.name(naming, &answer.value, now).await;
    let vector = named.map_err(|error| Problem::field("expr", error.to_string()))?;
    Ok(Json(Preview::of(vector, answer.warnings)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(labels: &Labels, annotations: &Annotations, value: f64) -> Vector {
        let seen = Seen { labels: labels.clone(), annotations: annotations.clone(), value };
        Vector::from([(labels.fingerprint(), seen)])
    }

    #[test]
    fn alerts_are_shown_as_they_would_be_named() {
        let annotations = Annotations::from([("summary".to_owned(), "busy".to_owned())]);
        let expected = Labels::from([("alertname", "HighCpu"), ("instance", "a"), ("severity", "critical")]);
        let vector = seen(&expected, &annotations, f64::INFINITY);
        let preview = Preview::of(vector, vec!["partial".to_owned()]);
        assert_eq!(preview.alerts, [PreviewedAlert { labels: expected, annotations, value: "+Inf".to_owned() }]);
        assert_eq!(preview.warnings, ["partial"]);
    }

    #[test]
    fn a_flood_of_alerts_is_cut_and_counted() {
        let labels = (0..=MOST_ALERTS).map(|n| Labels::from([("n", n.to_string())]));
        let vector = labels.flat_map(|labels| seen(&labels, &Annotations::new(), 1.0)).collect();
        let preview = Preview::of(vector, Vec::new());
        assert_eq!(preview.alerts.len(), MOST_ALERTS);
        assert_eq!(preview.warnings, ["1000 of 1001 alerts are shown"]);
    }
}
