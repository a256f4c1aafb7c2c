//! Rules in shadow, on a database of their own.

use sea_orm_migration::MigratorTrait;
use vigil_domain::{
    Deviations, Labels, Span,
    alert::Annotations,
    event::EventReason,
    rule::{GroupDraft, RuleDraft},
    rule_file::{NameScheme, ParseOptions, RuleFile, TemplateOf, UnknownFields},
};

use super::*;
use crate::{
    entity::{alert, alert_event, ended_series, notification, source_incident, stored::StoredRecorded},
    evaluation,
    history::{self, AlertFilter, EventFilter},
    rules::{
        self, Filter,
        files::{Import, apply, planned},
    },
};

struct Vigil {
    db: DatabaseConnection,
    editor: UserId,
    _folder: tempfile::TempDir,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn any_template(_: &TemplateOf<'_>) -> Result<(), String> {
    Ok(())
}

/// Two groups with two rules each.
fn file() -> RuleFile {
    let yaml = "groups:\n\
        - {name: g0, rules: [{alert: r0, expr: a}, {alert: r1, expr: a}]}\n\
        - {name: g1, rules: [{alert: r0, expr: a}, {alert: r1, expr: a}]}\n";
    let options =
        ParseOptions { unknown_fields: UnknownFields::Refuse, names: NameScheme::Utf8, templates: &any_template };
    RuleFile::parse(yaml, &options).unwrap().0
}

impl Vigil {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/vigil.db", folder.path().display());
        let db = db::connect(&url, 4).await.unwrap();
        vigil_migration::Migrator::up(&db, None).await.unwrap();
        Self { db, editor: UserId::random(), _folder: folder }
    }

    async fn import(&self, namespace: &str, shadow: Option<bool>) -> vigil_domain::rule_file::Plan {
        let import = Import::file(namespace.to_owned(), file(), None).unwrap().with_shadow(shadow);
        let plan = planned(&self.db, &import).await.unwrap();
        let applied = apply(&self.db, &import, self.editor, (at(0), Deviations::Kept)).await.unwrap().plan;
        assert_eq!(applied, plan, "it does what it said");
        applied
    }

    /// `file/group/rule` of all rules, with what is said of each.
    async fn rules(&self) -> BTreeMap<String, RuleRow> {
        let rows = rules::list(&self.db, &Filter::default(), None, 500).await.unwrap();
        let name = |row: &RuleRow| {
            let group = row.group.name.clone().unwrap_or_default();
            format!("{}/{group}/{}", row.group.namespace, row.rule.name)
        };
        rows.into_iter().map(|row| (name(&row), row)).collect()
    }

    async fn alone(&self, name: &str) -> RuleRow {
        let draft = RuleDraft { name: name.to_owned(), expr: "up".to_owned(), ..RuleDraft::default() };
        rules::insert(&self.db, draft.check().unwrap(), self.editor, at(0)).await.unwrap()
    }

    async fn open_alert(&self, rule: &Model, firing: bool) {
        let labels = Labels::from([("alertname", rule.name.as_str())]);
        let row = alert::ActiveModel {
            rule_id: Set(rule.id),
            fingerprint: Set(labels.fingerprint().to_string()),
            server_id: Set(None),
            severity: Set(None),
            state: Set(if firing { "firing" } else { "pending" }.to_owned()),
            value: Set("1".to_owned()),
            labels: Set(labels.into()),
            annotations: Set(Annotations::new().into()),
            active_at: Set(at(0)),
            fired_at: Set(firing.then(|| at(0))),
            absent_since: Set(None),
        };
        alert::Entity::insert(row).exec_without_returning(&self.db).await.unwrap();
    }
}

#[tokio::test]
async fn one_word_is_enough_for_rows_and_for_the_database() {
    let vigil = Vigil::new().await;
    vigil.import("lit.yml", None).await;
    vigil.import("dark.yml", Some(true)).await;
    for (name, row) in vigil.rules().await {
        if name.ends_with("r1") {
            set_rule(&vigil.db, RuleId(row.rule.id), None, vigil.editor, at(1), true).await.unwrap();
        }
        if name.contains("g1") && !row.group.is_shadow {
            set_group(&vigil.db, GroupId(row.group.id), None, at(1), true).await.unwrap();
        }
    }
    let rules = vigil.rules().await;
    assert_eq!(rules.len(), 8);
    for (name, row) in &rules {
        let expected =
            Shadow { rule: name.ends_with("r1"), group: name.contains("g1"), namespace: name.starts_with("dark") };
        assert_eq!(row.shadow, expected, "{name}");
        vigil.open_alert(&row.rule, true).await;
    }
    let lit: Vec<_> = rules.values().filter(|row| !row.shadow.is_on()).map(|row| row.rule.id).collect();
    assert_eq!(lit, [rules["lit.yml/g0/r0"].rule.id]);
    let listed = async |in_shadow| {
        let filter = Filter { in_shadow: Some(in_shadow), ..Filter::default() };
        rules::list(&vigil.db, &filter, None, 500).await.unwrap().len()
    };
    assert_eq!((listed(true).await, listed(false).await), (7, 1));
    let dark = among(&vigil.db, rules.values().map(|row| row.rule.id).collect()).await.unwrap();
    assert!(dark.len() == 7 && !dark.contains(&lit[0]));
    let alerts = async |in_shadow| {
        let filter = AlertFilter { in_shadow: Some(in_shadow), ..AlertFilter::default() };
        history::alerts(&vigil.db, &filter, None, 500).await.unwrap()
    };
    assert_eq!((alerts(true).await.len(), alerts(false).await.len()), (7, 1));
}

#[tokio::test]
async fn a_namespace_is_in_shadow_until_somebody_says_otherwise() {
    let vigil = Vigil::new().await;
    let word = |plan: &vigil_domain::rule_file::Plan| {
        let words = plan.diff.iter().map(|difference| (difference.before.clone(), difference.after.clone()));
        words.map(|(before, after)| (before.unwrap_or_default(), after.unwrap_or_default())).collect::<Vec<_>>()
    };
    let into = [("false".to_owned(), "true".to_owned())];
    assert_eq!(word(&vigil.import("node.yml", Some(true)).await), into);
    assert_eq!(word(&vigil.import("node.yml", None).await), [], "without a word it stays");
    assert!(vigil.rules().await.values().all(|row| row.shadow.namespace));
    let row = set_namespace(&vigil.db, "node.yml", false).await.unwrap();
    assert!(!row.file.is_shadow && row.is_read_only, "its file owns it still");
    assert!(vigil.rules().await.values().all(|row| !row.shadow.is_on()));
    assert!(matches!(set_namespace(&vigil.db, "other.yml", true).await, Err(WriteError::Missing)));

    // That of what the API made may be too, as a whole.
    let alone = vigil.alone("alone").await;
    assert!(!alone.shadow.is_on());
    set_namespace(&vigil.db, "vigil", true).await.unwrap();
    assert!(vigil.alone("another").await.shadow.namespace);
}

#[tokio::test]
async fn what_a_file_has_no_word_for_outlives_its_next_import() {
    let vigil = Vigil::new().await;
    vigil.import("node.yml", None).await;
    let rule = vigil.rules().await["node.yml/g0/r0"].clone();
    let marked = set_rule(&vigil.db, RuleId(rule.rule.id), Some(1), vigil.editor, at(1), true).await.unwrap();
    assert_eq!((marked.rule.version, marked.rule.is_shadow), (2, true));
    let stale = set_rule(&vigil.db, RuleId(rule.rule.id), Some(1), vigil.editor, at(1), false).await;
    assert!(matches!(stale, Err(WriteError::Stale)));
    let group = vigil.rules().await["node.yml/g1/r0"].group.clone();
    set_group(&vigil.db, GroupId(group.id), Some(group.version), at(1), true).await.unwrap();
    let plan = vigil.import("node.yml", None).await;
    assert!(plan.groups.iter().all(|group| group.action().is_none()), "{plan:?}");
    let rules = vigil.rules().await;
    assert!(rules["node.yml/g0/r0"].shadow.rule && rules["node.yml/g1/r1"].shadow.group);
    let versions = rules::versions(&vigil.db, RuleId(rule.rule.id), None, 10).await.unwrap();
    assert_eq!(versions.iter().map(|row| row.snapshot["shadow"] == true).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn an_evaluation_that_is_under_way_loses_its_claim() {
    let vigil = Vigil::new().await;
    vigil.import("node.yml", None).await;
    let lease = Span::from_secs(60);
    let mut second = 0;
    for change in ["rule", "group", "namespace", "edit"] {
        let row = vigil.rules().await["node.yml/g0/r0"].clone();
        let alone = vigil.alone(change).await;
        let groups = [GroupId(row.group.id), GroupId(alone.group.id)];
        second += 3_600;
        let slots = [&row.group, &alone.group].map(|group| group.next_slot_ms);
        let slot = Timestamp::from_timestamp_millis(slots.into_iter().max().unwrap()).unwrap().max(at(second));
        let claim = evaluation::claim(&vigil.db, &groups, slot, slot, lease).await.unwrap();
        assert_eq!(claim.groups.len(), 2);
        match change {
            "rule" => drop(set_rule(&vigil.db, RuleId(row.rule.id), None, vigil.editor, slot, true).await.unwrap()),
            "group" => drop(set_group(&vigil.db, GroupId(row.group.id), None, slot, true).await.unwrap()),
            "namespace" => drop(set_namespace(&vigil.db, "node.yml", true).await.unwrap()),
            _ => {
                let draft = |_: &RuleRow| {
                    let (name, expr) = ("edit".to_owned(), "up".to_owned());
                    RuleDraft { name, expr, is_shadow: Some(true), ..RuleDraft::default() }.check()
                };
                let id = RuleId(alone.rule.id);
                rules::update(&vigil.db, id, None, vigil.editor, (slot, Deviations::Kept), draft).await.unwrap();
            }
        }
        assert!(!evaluation::renew(&vigil.db, &claim, slot, lease).await.unwrap(), "{change}");
        evaluation::release(&vigil.db, claim.token).await.unwrap();
    }
}

#[tokio::test]
async fn the_end_of_a_rule_in_shadow_is_written_down_and_nothing_else() {
    let vigil = Vigil::new().await;
    let row = vigil.alone("Down").await;
    vigil.open_alert(&row.rule, true).await;
    let labels = Labels::from([("alertname", "Down")]);
    let told = crate::entity::told::ActiveModel {
        rule_id: Set(row.rule.id),
        channel_id: Set(evaluation::LOG_CHANNEL.0),
        firing: Set(BTreeSet::from([labels.fingerprint()]).into()),
        sent_at: Set(at(0)),
        notification_id: Set(Uuid::now_v7()),
        is_shadow: Set(false),
    };
    crate::entity::told::Entity::insert(told).exec_without_returning(&vigil.db).await.unwrap();
    let wrote = crate::entity::recorded::ActiveModel {
        rule_id: Set(row.rule.id),
        series: Set(StoredRecorded(BTreeSet::from([labels]))),
    };
    crate::entity::recorded::Entity::insert(wrote).exec_without_returning(&vigil.db).await.unwrap();
    set_rule(&vigil.db, RuleId(row.rule.id), None, vigil.editor, at(1), true).await.unwrap();
    let now = (at(2), Deviations::Kept);
    let due = rules::delete(&vigil.db, RuleId(row.rule.id), None, vigil.editor, now).await.unwrap();
    assert_eq!(due, []);
    let said = notification::Entity::find().all(&vigil.db).await.unwrap();
    let said: Vec<_> = said.iter().map(|row| (row.reason.as_str(), row.status.as_str())).collect();
    assert_eq!(said, [("resolved", "shadow")]);
    let events = alert_event::Entity::find().all(&vigil.db).await.unwrap();
    assert_eq!(events.iter().map(|event| event.is_shadow).collect::<Vec<_>>(), [true]);
    assert_eq!(events[0].reason, EventReason::RuleDeleted.as_str());
    let filter = EventFilter { is_shadow: Some(false), ..EventFilter::default() };
    assert_eq!(history::events(&vigil.db, &filter, None, 10).await.unwrap(), []);
    assert_eq!(ended_series::Entity::find().all(&vigil.db).await.unwrap(), [], "somebody else writes them");
    assert_eq!(crate::entity::recorded::Entity::find().all(&vigil.db).await.unwrap(), []);
}

#[tokio::test]
async fn a_rule_that_leaves_its_nameless_group_as_another_ends_on_paper() {
    let vigil = Vigil::new().await;
    set_namespace(&vigil.db, "vigil", true).await.unwrap();
    let row = vigil.alone("Down").await;
    vigil.open_alert(&row.rule, true).await;
    let draft = |_: &RuleRow| {
        let (name, expr, group) = ("Gone".to_owned(), "up".to_owned(), Some("node".to_owned()));
        RuleDraft { name, expr, group, ..RuleDraft::default() }.check()
    };
    let now = (at(1), Deviations::Kept);
    let (moved, due) = rules::update(&vigil.db, RuleId(row.rule.id), None, vigil.editor, now, draft).await.unwrap();
    assert_eq!((due.len(), moved.shadow.namespace), (0, true));
    let events = alert_event::Entity::find().all(&vigil.db).await.unwrap();
    let ends: Vec<_> = events.iter().map(|event| (event.reason.as_str(), event.is_shadow)).collect();
    assert_eq!(ends, [(EventReason::RuleChanged.as_str(), true)]);
    assert_eq!(ended_series::Entity::find().all(&vigil.db).await.unwrap(), []);
}

#[tokio::test]
async fn evidence_is_of_the_rules_that_are_compared_since_a_time() {
    let vigil = Vigil::new().await;
    vigil.import("dark.yml", Some(true)).await;
    vigil.import("lit.yml", None).await;
    let rules = vigil.rules().await;
    let compared = &rules["dark.yml/g0/r0"].rule;
    for rule in [compared, &rules["dark.yml/g0/r1"].rule, &rules["lit.yml/g0/r0"].rule] {
        vigil.open_alert(rule, true).await;
        for second in [10, 20] {
            let event = alert_event::ActiveModel {
                id: Set(Uuid::now_v7()),
                rule_id: Set(rule.id),
                rule_name: Set(rule.name.clone()),
                server_id: Set(None),
                severity: Set(None),
                fingerprint: Set(String::new()),
                labels: Set(Labels::default().into()),
                annotations: Set(Annotations::new().into()),
                state: Set("firing".to_owned()),
                value: Set("1".to_owned()),
                reason: Set("condition_met".to_owned()),
                is_shadow: Set(true),
                active_at: Set(at(second)),
                starts_at: Set(Some(at(second))),
                evaluated_at: Set(at(second)),
                created_at: Set(at(second)),
            };
            alert_event::Entity::insert(event).exec_without_returning(&vigil.db).await.unwrap();
        }
    }
    for (begin, end) in [(0, Some(5)), (0, Some(30)), (40, None)] {
        let row = source_incident::ActiveModel {
            id: Set(Uuid::now_v7()),
            failing_since: Set(at(begin)),
            declared_at: Set(at(begin)),
            ended_at: Set(end.map(at)),
            error: Set(String::new()),
        };
        source_incident::Entity::insert(row).exec_without_returning(&vigil.db).await.unwrap();
    }
    let which = Which {
        namespace: Some("dark.yml".to_owned()),
        group: Some("g0".to_owned()),
        name: Some("r0".to_owned()),
        ..Which::default()
    };
    let found = evidence(&vigil.db, &which, at(15), (10, 10)).await.unwrap();
    assert_eq!(found.rules.iter().map(|row| row.rule.id).collect::<Vec<_>>(), [compared.id]);
    assert_eq!(found.events.iter().map(|event| event.evaluated_at).collect::<Vec<_>>(), [at(20)]);
    assert_eq!((found.alerts.len(), found.incidents.len(), found.others.len()), (1, 2, 7));
    assert!(!which.is_all() && Which::default().is_all());
    let all = evidence(&vigil.db, &Which::default(), at(0), (3, 3)).await.unwrap();
    assert_eq!((all.rules.len(), all.events.len()), (4, 4), "one more than was asked for");
    let lit = Which { rule_id: Some(RuleId(rules["lit.yml/g0/r0"].rule.id)), ..Which::default() };
    assert!(evidence(&vigil.db, &lit, at(0), (3, 3)).await.unwrap().rules.is_empty());
}

#[tokio::test]
async fn a_group_of_the_api_is_made_in_shadow_and_changed() {
    let vigil = Vigil::new().await;
    let draft = |is_shadow| GroupDraft { name: "node".to_owned(), is_shadow, ..GroupDraft::default() };
    let made = groups::insert(&vigil.db, draft(Some(true)).check().unwrap(), at(0)).await.unwrap();
    assert!(made.is_shadow);
    let changed = groups::update(&vigil.db, GroupId(made.id), None, at(1), |_| draft(None).check()).await.unwrap();
    assert!(!changed.is_shadow);
}
