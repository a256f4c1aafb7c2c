//! Rule files on a database of their own.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, DatabaseConnection, EntityTrait, PaginatorTrait, QueryOrder, prelude::Uuid,
};
use sea_orm_migration::MigratorTrait;
use vigil_domain::{
    Deviations, Labels, Span, Timestamp,
    alert::Annotations,
    id::{GroupId, RuleId, UserId},
    rule::{GroupDraft, RuleDraft},
    rule_file::{Action, Counts, NameScheme, ParseOptions, Plan, TemplateOf, UnknownFields},
};

use super::*;
use crate::{
    db,
    entity::{alert, alert_event, rule, rule_group, rule_version},
    evaluation,
    rules::{self, groups},
    write::WriteError,
};

const KEPT: Deviations = Deviations::Kept;

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

fn read(yaml: &str) -> RuleFile {
    let unknown_fields = UnknownFields::Refuse;
    let options = ParseOptions { unknown_fields, names: NameScheme::Utf8, templates: &any_template };
    RuleFile::parse(yaml, &options).unwrap().0
}

fn counts(added: usize, changed: usize, removed: usize, unchanged: usize) -> Counts {
    Counts { added, changed, removed, unchanged }
}

impl Vigil {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/vigil.db", folder.path().display());
        let db = db::connect(&url, 4).await.unwrap();
        vigil_migration::Migrator::up(&db, None).await.unwrap();
        Self { db, editor: UserId::random(), _folder: folder }
    }

    async fn import(&self, yaml: &str, second: i64) -> Plan {
        let import = Import::file("node.yml".to_owned(), read(yaml), None).unwrap();
        apply(&self.db, &import, self.editor, (at(second), KEPT)).await.unwrap().plan
    }

    async fn export(&self) -> RuleFile {
        export(&self.db, "node.yml", &Scope::File).await.unwrap().unwrap()
    }

    /// By name, the last of equal ones.
    async fn rules(&self) -> BTreeMap<String, rule::Model> {
        let rules = rule::Entity::find().order_by_asc(rule::Column::Position).all(&self.db).await.unwrap();
        rules.into_iter().map(|rule| (rule.name.clone(), rule)).collect()
    }

    async fn groups(&self) -> BTreeMap<String, rule_group::Model> {
        let groups = rule_group::Entity::find().all(&self.db).await.unwrap();
        groups.into_iter().map(|group| (group.name.clone().unwrap_or_default(), group)).collect()
    }

    async fn versions(&self) -> Vec<String> {
        let versions = rule_version::Entity::find().order_by_asc(rule_version::Column::Id).all(&self.db).await.unwrap();
        let line = |row: rule_version::Model| {
            format!("{} {} {}", row.snapshot["name"].as_str().unwrap(), row.version, row.change)
        };
        versions.into_iter().map(line).collect()
    }

    async fn open_alert(&self, rule: &rule::Model) {
        let labels = Labels::from([("alertname", rule.name.as_str())]);
        let row = alert::ActiveModel {
            rule_id: Set(rule.id),
            fingerprint: Set(labels.fingerprint().to_string()),
            server_id: Set(None),
            severity: Set(None),
            state: Set("firing".to_owned()),
            value: Set("1".to_owned()),
            labels: Set(labels.into()),
            annotations: Set(Annotations::new().into()),
            active_at: Set(at(0)),
            fired_at: Set(Some(at(0))),
            absent_since: Set(None),
        };
        row.insert(&self.db).await.unwrap();
    }

    /// The labels with which the rules of a group are evaluated at its next slot.
    async fn evaluated(&self, group: &str) -> Vec<(String, Labels)> {
        let group = self.groups().await[group].clone();
        let slot = Timestamp::from_timestamp_millis(group.next_slot_ms).unwrap();
        let lease = Span::from_secs(10);
        let claim = evaluation::claim(&self.db, &[GroupId(group.id)], slot, slot, lease).await.unwrap();
        let batch = evaluation::read(&self.db, &claim).await.unwrap();
        let rules = batch.groups.into_iter().flat_map(|(_, rules)| rules);
        rules.map(|batch| (batch.rule.name, batch.rule.labels.0)).collect()
    }
}

const FILE: &str = r#"
groups:
- name: node
  interval: 30s
  query_offset: 0s
  limit: -3
  labels: {team: infra, tier: "1"}
  rules:
  - alert: Down
    expr: |
      # is it there?
      up == 0
    for: 90s
    labels: {severity: page, tier: ""}
    annotations: {summary: "{{ $labels.instance }} is down", empty: ""}
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {how: sum}
  - alert: Down
    expr: absent(up)
    labels: {severity: "{{ $labels.severity }}"}
- name: empty
  limit: 9223372036854775807
- name: größe
  rules:
  - {alert: "größe, \"x\" & y", expr: node_load1 > 1, keep_firing_for: 1w}
"#;

#[tokio::test]
async fn what_is_imported_is_exported_the_same() {
    let vigil = Vigil::new().await;
    let plan = vigil.import(FILE, 0).await;
    assert_eq!((plan.groups(), plan.rules()), (counts(3, 0, 0, 0), counts(4, 0, 0, 0)));
    assert_eq!(vigil.export().await, read(FILE));
    assert_eq!(read(&vigil.export().await.to_yaml()), read(FILE));
}

#[tokio::test]
async fn importing_a_file_again_changes_nothing() {
    let vigil = Vigil::new().await;
    vigil.import(FILE, 0).await;
    let (rules, groups, versions) = (vigil.rules().await, vigil.groups().await, vigil.versions().await);
    let plan = vigil.import(FILE, 60).await;
    assert_eq!((plan.groups(), plan.rules()), (counts(0, 0, 0, 3), counts(0, 0, 0, 4)));
    assert_eq!((vigil.rules().await, vigil.groups().await, vigil.versions().await), (rules, groups, versions));
    let file = find(&vigil.db, "node.yml").await.unwrap().unwrap();
    assert_eq!((file.groups, file.alerting, file.recording, file.is_read_only), (3, 3, 1, true));
    assert_eq!((file.file.imported_at, file.file.imported_by), (Some(at(60)), Some(vigil.editor.0)));
}

#[tokio::test]
async fn an_edited_rule_keeps_its_alerts_and_its_group_its_phase() {
    let vigil = Vigil::new().await;
    vigil.import("groups: [{name: g, rules: [{alert: A, expr: a}, {alert: B, expr: b}]}]", 0).await;
    let (a, b, g) =
        (vigil.rules().await["A"].clone(), vigil.rules().await["B"].clone(), vigil.groups().await["g"].clone());
    vigil.open_alert(&a).await;
    let plan =
        vigil.import("groups: [{name: g, rules: [{alert: A, expr: a > 1, for: 5m}, {alert: B, expr: b}]}]", 60).await;
    assert_eq!(plan.rules(), counts(0, 1, 0, 1));
    let after = vigil.rules().await;
    assert_eq!(after["B"], b);
    assert_eq!((after["A"].id, after["A"].version, after["A"].hold_ms), (a.id, 2, 300_000));
    assert_eq!(after["A"].effective_expr, "a > 1");
    assert_eq!(vigil.groups().await["g"], g, "nothing about the group itself");
    assert_eq!(alert::Entity::find().all(&vigil.db).await.unwrap().len(), 1);
    assert_eq!(vigil.versions().await, ["A 1 created", "B 1 created", "A 2 updated"]);
}

#[tokio::test]
async fn what_is_no_longer_in_the_file_goes_and_its_alerts_end() {
    let vigil = Vigil::new().await;
    vigil.import("groups: [{name: g, rules: [{alert: A, expr: a}]}, {name: h, rules: [{alert: B, expr: b}]}]", 0).await;
    for name in ["A", "B"] {
        vigil.open_alert(&vigil.rules().await[name]).await;
    }
    let plan = vigil.import("groups: [{name: g, rules: [{alert: A, expr: a, labels: {x: y}}]}]", 60).await;
    assert_eq!((plan.groups(), plan.rules()), (counts(0, 0, 1, 1), counts(1, 0, 2, 0)));
    assert!(alert::Entity::find().all(&vigil.db).await.unwrap().is_empty());
    let events = alert_event::Entity::find().all(&vigil.db).await.unwrap();
    let mut told: Vec<_> = events.iter().map(|event| (event.rule_name.as_str(), event.reason.as_str())).collect();
    told.sort_unstable();
    assert_eq!(told, [("A", "rule_deleted"), ("B", "rule_deleted")]);
    assert_eq!(vigil.groups().await.into_keys().collect::<Vec<_>>(), ["g"]);
}

#[tokio::test]
async fn a_rule_is_evaluated_with_its_groups_labels() {
    let vigil = Vigil::new().await;
    vigil.import(FILE, 0).await;
    assert_eq!(vigil.groups().await["node"].rule_count, 3);
    assert_eq!((vigil.groups().await["empty"].rule_count, vigil.groups().await["größe"].rule_count), (0, 1));
    let texts = |pairs: &[(&str, &str)]| {
        Labels::as_written(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    };
    let expected = [
        ("Down".to_owned(), texts(&[("severity", "page"), ("team", "infra"), ("tier", "")])),
        ("job:up:sum".to_owned(), texts(&[("how", "sum"), ("team", "infra"), ("tier", "1")])),
        ("Down".to_owned(), texts(&[("severity", "{{ $labels.severity }}"), ("team", "infra"), ("tier", "1")])),
    ];
    assert_eq!(vigil.evaluated("node").await, expected);
    let severities: Vec<_> = rule::Entity::find().all(&vigil.db).await.unwrap();
    let severities: Vec<_> = severities.into_iter().filter_map(|rule| rule.severity).collect();
    assert_eq!(severities, ["page"], "a template says nothing before there is an alert");
}

#[tokio::test]
async fn the_severity_of_a_group_is_that_of_its_rules() {
    let vigil = Vigil::new().await;
    let group = "groups: [{name: g, labels: {severity: page}, rules: [";
    vigil
        .import(&format!("{group}{{alert: A, expr: a}}, {{alert: B, expr: b, labels: {{severity: info}}}}]}}]"), 0)
        .await;
    let rules = vigil.rules().await;
    assert_eq!(rules["A"].severity.as_deref(), Some("page"));
    assert_eq!(rules["B"].severity.as_deref(), Some("info"));
    assert!(rules["A"].labels.0.is_empty());
}

#[tokio::test]
async fn a_changed_interval_is_a_new_schedule_and_absence_of_one_the_default() {
    let vigil = Vigil::new().await;
    vigil.import("groups: [{name: g, rules: [{alert: A, expr: a}]}]", 0).await;
    let before = vigil.groups().await["g"].clone();
    assert_eq!((before.interval_ms, before.interval_given), (60_000, false));
    vigil.import("groups: [{name: g, interval: 1m, rules: [{alert: A, expr: a}]}]", 7_200).await;
    let given = vigil.groups().await["g"].clone();
    assert_eq!((given.interval_given, given.next_slot_ms), (true, before.next_slot_ms), "the same minute");
    vigil.import("groups: [{name: g, interval: 15s, rules: [{alert: A, expr: a}]}]", 7_200).await;
    let after = vigil.groups().await["g"].clone();
    assert_eq!((after.id, after.interval_ms), (before.id, 15_000));
    let next = after.next_slot_ms - at(7_200).timestamp_millis();
    assert!(0 < next && next <= 15_000, "{next}");
}

#[tokio::test]
async fn a_plan_keeps_nothing() {
    let vigil = Vigil::new().await;
    let import = Import::file("node.yml".to_owned(), read(FILE), None).unwrap();
    assert_eq!(planned(&vigil.db, &import).await.unwrap().rules(), counts(4, 0, 0, 0));
    assert!(vigil.rules().await.is_empty() && find(&vigil.db, "node.yml").await.unwrap().is_none());
    assert_eq!(export(&vigil.db, "node.yml", &Scope::File).await.unwrap(), None);
}

#[tokio::test]
async fn what_a_file_owns_is_not_edited_until_it_is_released() {
    let vigil = Vigil::new().await;
    vigil.import("groups: [{name: g, rules: [{alert: A, expr: a}]}]", 0).await;
    let (a, g) = (RuleId(vigil.rules().await["A"].id), GroupId(vigil.groups().await["g"].id));
    let draft = |expr: &str| RuleDraft {
        name: "A".to_owned(),
        expr: expr.to_owned(),
        group: Some("g".to_owned()),
        ..RuleDraft::default()
    };
    let now = (at(1), KEPT);
    let edit = async || rules::update(&vigil.db, a, None, vigil.editor, now, |_| draft("a > 2").check()).await;
    let limit = async || {
        let draft = GroupDraft { name: "g".to_owned(), limit: Some(5), ..GroupDraft::default() };
        groups::update(&vigil.db, g, None, at(1), |_| draft.check()).await
    };
    let owned = |error: WriteError| matches!(error, WriteError::OwnedByFile(file) if file == "node.yml");
    assert!(owned(edit().await.unwrap_err()));
    assert!(owned(rules::delete(&vigil.db, a, None, vigil.editor, now).await.unwrap_err()));
    assert!(owned(limit().await.unwrap_err()));
    assert!(owned(groups::delete(&vigil.db, g, None).await.unwrap_err()));

    assert!(!release(&vigil.db, "node.yml", at(2)).await.unwrap().is_read_only);
    edit().await.unwrap();
    limit().await.unwrap();
    let plan = vigil.import("groups: [{name: g, rules: [{alert: A, expr: a}]}]", 3).await;
    assert_eq!((plan.groups[0].action(), plan.rules()), (Some(Action::Change), counts(0, 1, 0, 0)));
    assert!(owned(edit().await.unwrap_err()), "the import took it back");
    let (rule, group) = (vigil.rules().await["A"].clone(), vigil.groups().await["g"].clone());
    assert_eq!((rule.expr.as_str(), group.alert_limit, group.interval_given), ("a", 0, false));
}

#[tokio::test]
async fn rules_of_the_api_are_exported_with_what_files_have_no_word_for() {
    let vigil = Vigil::new().await;
    let draft = |name: &str, group: Option<&str>, is_active| RuleDraft {
        name: name.to_owned(),
        expr: "cpu".to_owned(),
        threshold: Some(vigil_domain::rule::ThresholdDraft { op: ">".to_owned(), value: 90.0 }),
        group: group.map(str::to_owned),
        is_active: Some(is_active),
        ..RuleDraft::default()
    };
    for draft in [draft("A", None, true), draft("A", None, true), draft("B", Some("A"), true), draft("C", None, false)]
    {
        rules::insert(&vigil.db, draft.check().unwrap(), vigil.editor, at(0)).await.unwrap();
    }
    let file = export(&vigil.db, OWN_NAMESPACE, &Scope::File).await.unwrap().unwrap();
    let named: Vec<_> = file.groups.iter().map(|group| (group.name.as_str(), group.rules.len())).collect();
    assert_eq!(named, [("A (2)", 1), ("A (3)", 1), ("A", 1)]);
    assert_eq!(file.groups[0].rules[0].expr, "(cpu) > 90");
    assert_eq!(file.groups[0].interval, Span::from_secs(60));
    let refused = Import::removal(OWN_NAMESPACE.to_owned(), Scope::File).unwrap_err();
    assert!(matches!(refused, WriteError::Invalid(mistakes) if mistakes[0].field == "namespace"));
}

#[tokio::test]
async fn a_group_is_imported_and_removed_alone() {
    let vigil = Vigil::new().await;
    let group = |yaml: &str| Import::group("node.yml".to_owned(), read(yaml).groups.remove(0)).unwrap();
    for (yaml, second) in [("groups: [{name: g, rules: [{alert: A, expr: a}]}]", 0), ("groups: [{name: h}]", 1)] {
        apply(&vigil.db, &group(yaml), vigil.editor, (at(second), KEPT)).await.unwrap();
    }
    let again = group("groups: [{name: g, rules: [{alert: A, expr: a}, {alert: B, expr: b}]}]");
    assert_eq!(planned(&vigil.db, &again).await.unwrap().rules(), counts(1, 0, 0, 1));
    apply(&vigil.db, &again, vigil.editor, (at(2), KEPT)).await.unwrap();
    let file = vigil.export().await;
    let named: Vec<_> = file.groups.iter().map(|group| (group.name.as_str(), group.rules.len())).collect();
    assert_eq!(named, [("g", 2), ("h", 0)]);

    let remove = async |name: &str| {
        let removal = Import::removal("node.yml".to_owned(), Scope::Group(name.to_owned())).unwrap();
        apply(&vigil.db, &removal, vigil.editor, (at(3), KEPT)).await
    };
    assert!(matches!(remove("x").await, Err(WriteError::Missing)));
    remove("g").await.unwrap();
    assert_eq!(vigil.export().await.groups.len(), 1);
    remove("h").await.unwrap();
    assert!(find(&vigil.db, "node.yml").await.unwrap().is_none(), "the file goes with its last group");
}

#[tokio::test]
async fn imports_of_a_file_at_once_come_one_after_the_other() {
    let vigil = Vigil::new().await;
    let imports = (0..4).map(|n| {
        let yaml = format!("groups: [{{name: g, rules: [{{alert: A, expr: a > {n}}}]}}, {{name: g{n}}}]");
        let import = Import::file("node.yml".to_owned(), read(&yaml), None).unwrap();
        let (db, editor) = (vigil.db.clone(), vigil.editor);
        async move { apply(&db, &import, editor, (at(0), KEPT)).await }
    });
    for applied in futures::future::join_all(imports).await {
        applied.unwrap();
    }
    assert_eq!((vigil.rules().await["A"].version, vigil.groups().await.len()), (4, 2));
}

#[tokio::test]
async fn channels_that_do_not_exist_are_refused_and_nothing_is_kept() {
    let vigil = Vigil::new().await;
    let nobody = ChannelId(Uuid::now_v7());
    let import = Import::file("node.yml".to_owned(), read(FILE), Some(vec![nobody])).unwrap();
    let refused = apply(&vigil.db, &import, vigil.editor, (at(0), KEPT)).await.unwrap_err();
    assert!(matches!(refused, WriteError::Invalid(mistakes) if mistakes[0].field == "channel_id"));
    assert!(find(&vigil.db, "node.yml").await.unwrap().is_none());
    let import = Import::file("node.yml".to_owned(), read(FILE), Some(vec![evaluation::LOG_CHANNEL])).unwrap();
    apply(&vigil.db, &import, vigil.editor, (at(0), KEPT)).await.unwrap();
    vigil.import(FILE, 1).await;
    let rules = vigil.rules().await;
    assert_eq!(rules["Down"].channel_ids.0, [evaluation::LOG_CHANNEL.0], "kept when none is given");
    assert!(rules["job:up:sum"].channel_ids.0.is_empty());
}

#[tokio::test]
async fn an_import_that_is_cut_short_leaves_nothing_of_it() {
    let vigil = Vigil::new().await;
    let rules: String = (0..500).map(|n| format!("  - {{alert: A{n}, expr: up}}\n")).collect();
    let file = read(&format!("groups:\n- name: g\n  rules:\n{rules}"));
    let import = Import::file("node.yml".to_owned(), file, None).unwrap();
    for attempt in 0..u32::MAX {
        let patience = std::time::Duration::from_micros(250) * attempt;
        let cut = tokio::time::timeout(patience, apply(&vigil.db, &import, vigil.editor, (at(0), KEPT))).await;
        // Whoever is cut off while the last word is under way does not learn whether it arrives, or when: maybe between
        // two looks. So there is one.
        let look = db::read(&vigil.db).await.unwrap();
        let left =
            (rule::Entity::find().count(&look).await.unwrap(), rule_group::Entity::find().count(&look).await.unwrap());
        look.commit().await.unwrap();
        assert!([(0, 0), (500, 1)].contains(&left), "{left:?} rules and groups");
        if let Ok(applied) = cut {
            assert!([0, 500].contains(&applied.unwrap().plan.rules().added) && left == (500, 1), "{left:?}");
            return;
        }
    }
}

/// How long it takes is printed, not asserted: `--nocapture` shows it.
#[tokio::test]
async fn five_thousand_rules_are_one_import() {
    let vigil = Vigil::new().await;
    let mut yaml = "groups:\n".to_owned();
    for group in 0..100 {
        yaml += &format!("- name: g{group}\n  rules:\n");
        for rule in 0..50 {
            yaml += &format!("  - alert: A{group}_{rule}\n    expr: up{{g=\"{group}\"}} == {rule}\n    for: 5m\n");
            yaml += "    labels: {severity: page}\n    annotations: {summary: 'value {{ $value }}'}\n";
        }
    }
    let started = std::time::Instant::now();
    assert_eq!(vigil.import(&yaml, 0).await.rules(), counts(5_000, 0, 0, 0));
    println!("added in {:?}", started.elapsed());
    let started = std::time::Instant::now();
    assert_eq!(vigil.import(&yaml.replace("for: 5m", "for: 6m"), 1).await.rules(), counts(0, 5_000, 0, 0));
    println!("changed in {:?}", started.elapsed());
    let started = std::time::Instant::now();
    assert_eq!(vigil.import("", 2).await.rules(), counts(0, 0, 5_000, 0));
    println!("removed in {:?}", started.elapsed());
    assert_eq!(vigil.versions().await.len(), 15_000);
}
