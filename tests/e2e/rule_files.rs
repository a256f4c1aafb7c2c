//! Rule files on both databases: what Prometheus' users rely on when they bring theirs.

use serde_json::{Value, json};
use vigil_tests::{
    app::{items, text},
    labels,
};

fn rules_of(yaml: &str) -> String {
    format!("groups:\n- name: g\n  rules:\n{yaml}")
}

fn down(more: &str) -> String {
    rules_of(&format!("  - {{alert: Down, expr: up == 0{more}}}\n"))
}

async fn exported(app: &vigil_tests::app::TestApp, namespace: &str) -> String {
    let answer = app.api.get(&format!("/rule-files/{namespace}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

/// The one rule of that name.
async fn rule(app: &vigil_tests::app::TestApp, name: &str) -> Value {
    let rules = app.api.get(&format!("/rules?q={name}")).await.ok();
    assert_eq!(items(&rules).len(), 1, "{rules}");
    items(&rules)[0].clone()
}

stories! {
    /// 1.1.7: a rule is known by its name and its labels. Its alerts outlive edits of expression, `for` and
    /// annotations, and end with its name or its labels.
    async fn alerts_outlive_a_reload_unless_the_rule_is_another(app) {
        let ops = app.telegram_channel("ops").await;
        let channel = format!("&channel_id={ops}");
        app.prometheus.answers("up == 0", [(labels! { instance = "a" }, 0.0)]);
        app.prometheus.answers("up < 1", [(labels! { instance = "a" }, 0.0)]);
        app.api.import("g.yml", &channel, &down(", for: 2m")).await.ok();
        app.tick("1m").await;
        let first = rule(&app, "Down").await;
        let id = text(&first, "id");
        let active_at = app.alerts(&id).await[0]["active_at"].clone();
        let group = items(&app.api.get("/rule-groups").await.ok())[0].clone();

        let edited = "  - {alert: New, expr: new}\n  - {alert: Down, expr: up < 1, for: 1m, annotations: {summary: away}}\n";
        let plan = app.api.import("g.yml", "", &rules_of(edited)).await.ok();
        assert_eq!((&plan["rules_added"], &plan["rules_changed"]), (&json!(1), &json!(1)));
        app.tick("1m").await;
        let alert = app.alerts(&id).await[0].clone();
        assert_eq!((&alert["active_at"], &alert["state"]), (&active_at, &json!("firing")));
        assert_eq!(alert["annotations"]["summary"], "away");
        assert_eq!(app.heard().len(), 1, "the channel was kept: {:?}", app.heard());
        let same = items(&app.api.get("/rule-groups").await.ok())[0].clone();
        assert_eq!(same["id"], group["id"]);

        let relabelled = rules_of("  - {alert: Down, expr: up < 1, labels: {team: infra}}\n");
        let plan = app.api.import("g.yml", "", &relabelled).await.ok();
        assert_eq!((&plan["rules_added"], &plan["rules_removed"]), (&json!(1), &json!(2)));
        app.deliver().await;
        assert_eq!(app.states(&id).await, ["pending", "firing", "resolved"]);
        let events = app.api.get(&format!("/events?rule_id={id}")).await.ok();
        assert_eq!(items(&events)[0]["reason"], "rule_deleted");
        assert!(app.heard()[1].to_lowercase().contains("resolved"), "{:?}", app.heard());
        app.tick("1m").await;
        let other = text(&rule(&app, "Down").await, "id");
        assert_ne!(other, id);
        assert_eq!(app.states(&other).await, ["firing"]);
        let versions = app.api.get(&format!("/rules/{id}/versions")).await.ok();
        let seen: Vec<_> = items(&versions).iter().map(|version| text(version, "change")).collect();
        assert_eq!(seen, ["deleted", "updated", "created"]);
    }

    /// C5, C6, C12, C14: a group's settings reach its rules' evaluation, in the file's order.
    async fn the_settings_of_a_group_reach_its_rules(app) {
        app.prometheus.answers("up == 0", [(labels! { instance = "a", tier = "x" }, 0.0), (labels! { instance = "b" }, 0.0)]);
        let file = |limit: u32| format!(
            "groups:\n- name: g\n  query_offset: 30s\n  limit: {limit}\n  labels: {{team: infra, severity: page, tier: y}}\n  \
             rules:\n  - {{record: r, expr: sum(up)}}\n  - {{alert: Down, expr: up == 0, labels: {{severity: info, tier: ''}}}}\n");
        app.api.import("g.yml", "", &file(2)).await.ok();
        app.tick("1m").await;
        let down = rule(&app, "Down").await;
        assert_eq!((text(&down, "interval"), text(&down, "severity")), ("1m".into(), "info".into()));
        let alerts = app.alerts(&text(&down, "id")).await;
        let expected = json!({"alertname": "Down", "instance": "a", "severity": "info", "team": "infra"});
        assert!(alerts.iter().any(|alert| alert["labels"] == expected), "{alerts:?}");
        let asked = app.prometheus.asked();
        assert_eq!(asked.iter().map(|asked| asked.expr.as_str()).collect::<Vec<_>>(), ["sum(up)", "up == 0"]);
        let slot: chrono::DateTime<chrono::Utc> = text(&alerts[0], "active_at").parse().expect("a time");
        assert_eq!(asked[0].time, Some(slot - chrono::TimeDelta::seconds(30)));
        app.api.import("g.yml", "", &file(1)).await.ok();
        app.tick("1m").await;
        let down = rule(&app, "Down").await;
        assert_eq!(text(&down, "last_error"), "exceeded limit of 1 with 2 alerts");
        assert_eq!(app.alerts(&text(&down, "id")).await.len(), 0);
        let recording = items(&app.api.get("/rules?kind=recording").await.ok())[0].clone();
        assert_eq!((text(&recording, "name"), text(&recording, "health")), ("r".into(), "ok".into()));
    }

    /// Thousands of rules are one import, and a plan finds the one that is edited. How long it takes is printed, not
    /// asserted: `--nocapture` shows it.
    async fn five_thousand_rules_are_one_import(app) {
        let rule = |group: u32, rule: u32| format!(
            "  - alert: A{group}_{rule}\n    expr: up{{g=\"{group}\"}} == {rule}\n    for: 5m\n    \
             labels: {{severity: page}}\n    annotations: {{summary: 'value {{{{ $value }}}}'}}\n");
        let group = |group: u32| format!("- name: g{group}\n  rules:\n{}", (0..50).map(|n| rule(group, n)).collect::<String>());
        let many = format!("groups:\n{}", (0..100).map(group).collect::<String>());
        let edited = many.replace("for: 5m", "for: 6m");
        for (what, yaml) in [("added", many.as_str()), ("unchanged", &many), ("changed", &edited), ("removed", "")] {
            let started = std::time::Instant::now();
            let plan = app.api.import("many.yml", "", yaml).await.ok();
            println!("{:?}: 5,000 rules {what} in {:?}", app.state.db.get_database_backend(), started.elapsed());
            assert_eq!(plan[format!("rules_{what}")], json!(5_000));
        }
        app.api.import("many.yml", "", &many).await.ok();
        let one = many.replacen("up{g=\"57\"} == 31\n", "up{g=\"57\"} > 31\n", 1);
        let plan = app.api.import("many.yml", "&dry_run=true", &one).await.ok();
        let diff = json!([{"field": "expr", "before": "up{g=\"57\"} == 31", "after": "up{g=\"57\"} > 31"}]);
        let change = json!({"group": "g57", "rule": "A57_31", "kind": "alerting", "action": "change", "diff": diff});
        assert_eq!((&plan["rules_unchanged"], &plan["changes"]), (&json!(4_999), &json!([change])));
    }

    /// Two people import at once: one after the other, never half of each.
    async fn imports_at_once_come_one_after_the_other(app) {
        let imports = (0..6).map(|n| {
            let (api, mine) = (app.api.clone(), format!("- name: g{n}\n  rules: [{{alert: A{n}, expr: up}}]\n"));
            async move { api.import("g.yml", "", &format!("{}{mine}", down(&format!(", for: {n}m")))).await }
        });
        for answer in futures::future::join_all(imports).await {
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        let left = exported(&app, "g.yml").await;
        assert_eq!(left.matches("- name:").count(), 2, "{left}");
        assert_eq!(rule(&app, "Down").await["version"], 6);
    }
}

mod existing {
    use sea_orm::{
        ConnectionTrait, DatabaseConnection, EntityTrait, QueryOrder,
        prelude::{DateTimeUtc, Uuid},
        sea_query::{Expr, Query},
    };
    use sea_orm_migration::MigratorTrait;
    use vigil_domain::{
        id::UserId,
        rule::{GroupDraft, RuleDraft},
    };
    use vigil_migration::Migrator;
    use vigil_store::{
        db,
        entity::{rule, rule_group},
        rules::{self, files, groups},
    };
    use vigil_tests::{scratch::Scratch, services::Postgres};

    /// Writes a row into a table as it was.
    async fn insert<const N: usize>(db: &DatabaseConnection, table: &'static str, values: [(&'static str, Expr); N]) {
        let (columns, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        let mut insert = Query::insert();
        insert.into_table(table).columns(columns).values_panic(values);
        db.execute(&insert).await.unwrap_or_else(|error| panic!("{table}: {error}"));
    }

    async fn group(db: &DatabaseConnection, id: Uuid, name: Option<&str>) {
        let at = DateTimeUtc::UNIX_EPOCH;
        insert(
            db,
            "rule_groups",
            [
                ("id", id.into()),
                ("name", name.map(str::to_owned).into()),
                ("interval_ms", 15_000_i64.into()),
                ("alert_limit", 7.into()),
                ("phase_ms", 3_000_i64.into()),
                ("rule_count", 1.into()),
                ("next_slot_ms", 18_000_i64.into()),
                ("missed_slots", 2_i64.into()),
                ("version", 4.into()),
                ("created_at", at.into()),
                ("updated_at", at.into()),
            ],
        )
        .await;
    }

    async fn rule(db: &DatabaseConnection, group: Uuid) {
        let (at, empty) = (DateTimeUtc::UNIX_EPOCH, serde_json::json!({}));
        insert(
            db,
            "rules",
            [
                ("id", Uuid::now_v7().into()),
                ("group_id", group.into()),
                ("position", 0.into()),
                ("name", "Down".into()),
                ("expr", "up".into()),
                ("effective_expr", "up".into()),
                ("hold_ms", 0_i64.into()),
                ("keep_firing_ms", 0_i64.into()),
                ("labels", empty.clone().into()),
                ("annotations", empty.into()),
                ("channel_ids", serde_json::json!([]).into()),
                ("repeat_interval_ms", 1_000_i64.into()),
                ("is_active", true.into()),
                ("health", "ok".into()),
                ("version", 1.into()),
                ("created_at", at.into()),
                ("updated_at", at.into()),
            ],
        )
        .await;
    }

    /// What was there before rule files is there after them, and names are unique within a namespace.
    async fn rules_that_were_there_are_kept(url: String) {
        let db = db::connect(&url, 2).await.expect("the database opens");
        let before = Migrator::migrations().iter().position(|migration| migration.name() == "m0009_rule_files");
        let before = u32::try_from(before.expect("the migration is there")).expect("few migrations");
        Migrator::up(&db, Some(before)).await.expect("the older migrations apply");
        let (node, nameless) = (Uuid::now_v7(), Uuid::now_v7());
        group(&db, node, Some("node")).await;
        for id in [nameless, Uuid::now_v7()] {
            group(&db, id, None).await;
        }
        rule(&db, node).await;
        Migrator::up(&db, None).await.expect("the migrations apply");

        let kept = rule_group::Entity::find().order_by_asc(rule_group::Column::Id).all(&db).await.expect("groups");
        assert_eq!(kept.len(), 3);
        let first = &kept[0];
        assert_eq!((first.id, first.name.as_deref(), first.namespace.as_str()), (node, Some("node"), "vigil"));
        assert_eq!((first.interval_ms, first.phase_ms, first.next_slot_ms), (15_000, 3_000, 18_000));
        assert_eq!((first.alert_limit, first.missed_slots, first.version), (7, 2, 4));
        assert!(first.interval_given && !first.from_file && first.labels.0.is_empty());
        let rules = rule::Entity::find().all(&db).await.expect("rules");
        assert_eq!((rules.len(), rules[0].kind.as_str()), (1, "alerting"));

        let now = DateTimeUtc::UNIX_EPOCH;
        let draft = GroupDraft { name: "node".to_owned(), ..GroupDraft::default() };
        let taken = groups::insert(&db, draft.check().expect("a group"), now).await;
        assert!(taken.is_err(), "the name is taken");
        let draft = RuleDraft {
            name: "Up".to_owned(),
            expr: "up".to_owned(),
            group: Some("node".to_owned()),
            ..RuleDraft::default()
        };
        let added = rules::insert(&db, draft.check().expect("a rule"), UserId::random(), now).await.expect("a rule");
        assert_eq!((added.group.id, added.group.rule_count), (node, 2));
        let listed = files::find(&db, "vigil").await.expect("a list").expect("the namespace");
        assert_eq!((listed.groups, listed.alerting), (3, 2));
        db.close().await.expect("the database closes");
    }

    #[tokio::test]
    async fn embedded() {
        let scratch = Scratch::new();
        rules_that_were_there_are_kept(format!("sqlite://{}", scratch.file("vigil.db").display())).await;
    }

    #[tokio::test]
    async fn distributed() {
        rules_that_were_there_are_kept(Postgres::shared().await.create_database().await).await;
    }
}
