//! From rows to what a comparison is made of.

use std::collections::HashMap;

use uuid::Uuid;
use vigil_domain::{
    event::EventState,
    id::RuleId,
    shadow::{AlertSeries, Episode, Evidence, Happened, OpenAlert, Subject},
};
use vigil_store::{
    entity::{alert, alert_event, source_incident},
    rules::{RuleRow, interval_of, shadow},
};

/// Everything that is known.
pub(super) fn of(found: &shadow::Evidence, there: Vec<AlertSeries>) -> Evidence {
    let mut subjects: Vec<Subject> = found.rules.iter().map(subject).collect();
    let places: HashMap<Uuid, usize> = subjects.iter().enumerate().map(|(place, rule)| (rule.id.0, place)).collect();
    for event in &found.events {
        if let (Some(place), Some(happened)) = (places.get(&event.rule_id), happened(event)) {
            subjects[*place].happened.push(happened);
        }
    }
    for alert in &found.alerts {
        if let Some(place) = places.get(&alert.rule_id) {
            subjects[*place].open.push(open(alert));
        }
    }
    Evidence {
        subjects,
        others: found.others.iter().cloned().collect(),
        outages: found.incidents.iter().map(outage).collect(),
        there,
    }
}

fn subject(row: &RuleRow) -> Subject {
    let RuleRow { rule, group, .. } = row;
    let is_failing = rule.health == "err";
    Subject {
        id: RuleId(rule.id),
        name: rule.name.clone(),
        labels: group.labels.0.under(&rule.labels.0),
        interval: interval_of(group),
        made_at: rule.created_at,
        changed_at: rule.updated_at,
        evaluated_at: group.evaluated_at,
        is_active: rule.is_active,
        last_error: rule.last_error.clone().filter(|_| is_failing),
        happened: Vec::new(),
        open: Vec::new(),
    }
}

fn happened(event: &alert_event::Model) -> Option<Happened> {
    let to: EventState = event.state.parse().ok()?;
    Some(Happened {
        labels: event.labels.0.clone(),
        to,
        at: event.evaluated_at,
        active_at: event.active_at,
        starts_at: event.starts_at,
    })
}

fn open(alert: &alert::Model) -> OpenAlert {
    OpenAlert { labels: alert.labels.0.clone(), active_at: alert.active_at, fired_at: alert.fired_at }
}

fn outage(incident: &source_incident::Model) -> Episode {
    Episode { begin: incident.failing_since, end: incident.ended_at }
}
