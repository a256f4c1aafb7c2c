//! `/shadow/report`: how the alerts of rules in shadow agree with those of the Prometheus that still pages.

mod evidence;
mod output;
mod there;

use std::collections::BTreeSet;

use axum::extract::State;
use chrono::{DateTime, SubsecRound as _, Utc};
use serde::Deserialize;
use utoipa::{IntoParams, openapi::Object};
use utoipa_axum::{router::OpenApiRouter, routes};
use vigil_domain::{
    Labels, Mistakes, Span, Timestamp,
    id::RuleId,
    shadow::{Ignored, Scope, Watched, Window, compare, selectors},
};
use vigil_store::rules::{
    interval_of,
    shadow::{self, Which},
};

use self::output::ReportOut;
use super::{events::word, rule_files::in_background};
use crate::{
    auth::Viewer,
    extract::{Json, Query},
    openapi::{Asking, Guarded, Reading},
    problem::{Problem, Result},
    state::AppState,
};

/// What is compared when no time is given.
const DEFAULT_WINDOW: Span = Span::from_secs(86_400);
/// The longest time that is compared.
const LONGEST_WINDOW: Span = Span::from_secs(7 * 86_400);
/// The most rules that are compared at once.
const MOST_RULES: u64 = 5_000;
/// The most events that are read for it.
const MOST_EVENTS: u64 = 50_000;

const NARROWER: &str = "ask for a shorter time, or for fewer rules by namespace, group, name or rule_id";

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(report))
}

fn states() -> Object {
    word(Watched::ALL.iter().map(|state| state.as_str()))
}

/// What is compared.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportQuery {
    /// From here on; a day before `to` when absent, and at most a week.
    from: Option<DateTime<Utc>>,
    /// Up to here; now when absent.
    to: Option<DateTime<Utc>>,
    /// Only rules of this rule file; `vigil` for what the API made.
    namespace: Option<String>,
    /// Only rules of groups with this name.
    group: Option<String>,
    /// Only rules with this name.
    #[param(example = "HighCpu")]
    name: Option<String>,
    #[param(value_type = Option<Uuid>)]
    rule_id: Option<RuleId>,
    /// Which state is compared; `firing` when absent.
    #[param(schema_with = states)]
    state: Option<Watched>,
    /// Names of labels that make no difference, separated by commas: those that Thanos or Mimir adds, such as `replica`.
    /// Vigil's own external labels make none anyway.
    #[param(example = "prometheus,replica")]
    ignore_labels: Option<String>,
}

/// What was asked, checked.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    which: Which,
    scope: Scope,
}

impl ReportQuery {
    /// Every mistake at once.
    fn check(self, external: Labels, now: Timestamp) -> Result<Asked> {
        let mut mistakes = Mistakes::default();
        // To the millisecond, as the data source is asked.
        let to = self.to.unwrap_or(now).min(now).trunc_subsecs(3);
        let from = self.from.map(|from| from.trunc_subsecs(3));
        let from = from.unwrap_or_else(|| to.checked_sub_signed(DEFAULT_WINDOW.chrono()).unwrap_or(to));
        if from >= to {
            mistakes.add("from", "must be before to, and before now");
        } else if Span::between(from, to) > LONGEST_WINDOW {
            mistakes.add("from", format!("must be at most {LONGEST_WINDOW} before to"));
        }
        let names = self.ignore_labels.unwrap_or_default();
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        let ignored = Ignored { names: names.map(str::to_owned).collect(), external };
        let scope = Scope { window: Window { from, to }, watched: self.state.unwrap_or_default(), ignored };
        let Self { namespace, group, name, rule_id, .. } = self;
        Ok(mistakes.or(Asked { which: Which { namespace, group, rule_id, name }, scope })?)
    }
}

/// Compares the alerts of rules in shadow with those of the Prometheus that still pages.
///
/// That one's are the series of `ALERTS` in the data source. An alert that was in the state on both sides is `same` if it
/// began and ended at the same time, as far as the two can tell: within two intervals of the rule. Otherwise it is
/// `shifted`. What was on one side only comes with a reason, as far as what Vigil knows now can tell. Without a filter,
/// alerts of names that no rule here has are counted besides.
#[utoipa::path(get, path = "/shadow/report", tag = "shadow", operation_id = "shadow_report", params(ReportQuery),
    responses((status = 200, description = "What is the same and what is not", body = ReportOut), Guarded, Reading, Asking),
    security(("bearer" = []), ("oauth2" = [])))]
async fn report(_: Viewer, State(app): State<AppState>, Query(query): Query<ReportQuery>) -> Result<Json<ReportOut>> {
    let external = app.config.evaluation.external_labels.iter().collect();
    let Asked { which, scope } = query.check(external, app.now())?;
    let from = scope.window.from;
    let found = shadow::evidence(&app.db, &which, from, (MOST_RULES, MOST_EVENTS)).await?;
    if found.rules.is_empty() && which.rule_id.is_some() {
        return Err(Problem::NotFound("a rule in shadow with this id"));
    }
    for (what, there_are, most) in [
        ("rules", found.rules.len() as u64, MOST_RULES),
        ("events of their alerts", found.events.len() as u64, MOST_EVENTS),
    ] {
        if there_are > most {
            return Err(too_much(&format!("there are more than {most} {what}")));
        }
    }
    let asked = selectors(scope.watched, Some(&names(&found)).filter(|_| !which.is_all()));
    let (there, warnings) = match found.rules.iter().map(|row| interval_of(&row.group)).min() {
        Some(shortest) => there::ask(&app.datasource, &asked, scope.window, shortest).await?,
        None => (Vec::new(), Vec::new()),
    };
    let report = in_background(move || {
        let compared = compare(&evidence::of(&found, there), &scope);
        Ok(ReportOut::new(&scope, &found.rules, compared, warnings))
    });
    Ok(Json(report.await?))
}

/// What the alerts of the rules are called, and were.
fn names(found: &shadow::Evidence) -> BTreeSet<&str> {
    let former = found.events.iter().map(|event| event.rule_name.as_str());
    found.rules.iter().map(|row| row.rule.name.as_str()).chain(former).collect()
}

fn too_much(what: &str) -> Problem {
    Problem::field("from", format!("{what}: {NARROWER}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str) -> std::result::Result<Asked, Vec<String>> {
        let query: ReportQuery = serde_urlencoded::from_str(query).unwrap();
        match query.check(Labels::from([("region", "eu")]), "2026-01-02T00:00:00Z".parse().unwrap()) {
            Ok(asked) => Ok(asked),
            Err(Problem::Invalid(mistakes)) => Err(mistakes.into_iter().map(|mistake| mistake.field).collect()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_day_is_compared_unless_told_otherwise() {
        let Asked { which, scope } = check("").unwrap();
        assert!(which.is_all());
        assert_eq!(scope.window.from.to_rfc3339(), "2026-01-01T00:00:00+00:00");
        assert_eq!(scope.watched, Watched::Firing);
        let query = "name=Down&state=pending&ignore_labels=replica,+prometheus,&to=2030-01-01T00:00:00Z\
                     &from=2025-12-31T00:00:00Z";
        let Asked { which, scope } = check(query).unwrap();
        assert_eq!((which.name.as_deref(), scope.watched), (Some("Down"), Watched::Pending));
        assert_eq!(scope.window.to.to_rfc3339(), "2026-01-02T00:00:00+00:00", "what is to come is not compared");
        assert_eq!(scope.ignored.names, BTreeSet::from(["prometheus".to_owned(), "replica".to_owned()]));
        assert_eq!(scope.ignored.external, Labels::from([("region", "eu")]));
    }

    #[test]
    fn a_time_is_neither_empty_nor_longer_than_a_week() {
        for (query, good) in [
            ("from=2025-12-26T00:00:00Z", true),
            ("from=2025-12-25T23:59:59Z", false),
            ("from=2026-01-02T00:00:00Z", false),
            ("from=2026-01-03T00:00:00Z", false),
            ("from=2025-12-02T00:00:00Z&to=2025-12-01T00:00:00Z", false),
        ] {
            let wrong = if good { None } else { Some(vec!["from".to_owned()]) };
            assert_eq!(check(query).err(), wrong, "{query}");
        }
    }
}
