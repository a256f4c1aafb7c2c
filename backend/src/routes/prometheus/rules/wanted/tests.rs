use axum::{
    body::Body,
    extract::{FromRequest as _, Request},
};
use serde_json::{Value, json};
use uuid::Uuid;
use vigil_domain::{Labels, alert::Annotations};
use vigil_store::entity::{rule, rule_group};

use super::*;

/// A group of rules, each with its name and the value of its label `severity`.
fn group(id: u128, name: Option<&str>, rules: &[(&str, &str)]) -> GroupRow {
    let now: vigil_domain::Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    let group = rule_group::Model {
        id: Uuid::from_u128(id),
        namespace: "vigil".to_owned(),
        name: name.map(str::to_owned),
        from_file: false,
        is_shadow: false,
        position: 0,
        interval_ms: 30_000,
        interval_given: true,
        labels: Labels::default().into(),
        query_offset_ms: None,
        alert_limit: 0,
        phase_ms: 0,
        rule_count: 1,
        next_slot_ms: 0,
        evaluated_slot_ms: None,
        evaluated_at: None,
        evaluation_us: None,
        rule_times: None,
        missed_slots: 0,
        claim_slot_ms: None,
        claim_token: None,
        claim_expires_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let of = |(name, severity): &(&str, &str)| rule::Model {
        id: Uuid::now_v7(),
        group_id: group.id,
        position: 0,
        kind: "alerting".to_owned(),
        name: (*name).to_owned(),
        expr: "up == 0".to_owned(),
        effective_expr: "up == 0".to_owned(),
        threshold_op: None,
        threshold_value: None,
        hold_ms: 0,
        keep_firing_ms: 0,
        labels: Labels::from([("severity", *severity)]).into(),
        annotations: Annotations::new().into(),
        severity: None,
        server_id: None,
        channel_ids: Vec::<Uuid>::new().into(),
        repeat_interval_ms: 0,
        is_active: true,
        is_shadow: false,
        owner_id: None,
        health: "unknown".to_owned(),
        last_error: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let rules = rules.iter().map(of).map(|rule| RuleAlerts { rule, state: None, alerts: Vec::new() }).collect();
    GroupRow { group, rules }
}

/// As the store has them: by id.
fn groups() -> Vec<GroupRow> {
    vec![
        group(1, None, &[("twice", "page")]),
        group(2, None, &[("twice", "info")]),
        group(3, Some("node"), &[("Load", "page"), ("Disk", ""), ("Memory", "{{ $labels.severity }}")]),
        group(4, Some("app"), &[("Errors", "info")]),
    ]
}

async fn asked(pairs: &[(&str, &str)]) -> Result<Wanted> {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let request = Request::builder().uri(format!("/?{query}")).body(Body::empty()).unwrap();
    Wanted::read(&Parameters::from_request(request, &()).await.unwrap())
}

/// Groups as `name: rules`, and the next token.
async fn shown(pairs: &[(&str, &str)]) -> (Vec<String>, Option<String>) {
    let shown = serde_json::to_value(asked(pairs).await.unwrap().shown(groups()).unwrap()).unwrap();
    let text = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let of = |group: &Value| {
        let rules: Vec<_> = group["rules"].as_array().unwrap().iter().map(text).collect();
        format!("{}: {}", text(group), rules.join(" "))
    };
    let next = shown.get("groupNextToken").map(|token| token.as_str().unwrap().to_owned());
    (shown["groups"].as_array().unwrap().iter().map(of).collect(), next)
}

/// The text of a refusal.
async fn refused(pairs: &[(&str, &str)]) -> String {
    let failure = match asked(pairs).await {
        Err(failure) => failure,
        Ok(wanted) => wanted.shown(groups()).unwrap_err(),
    };
    assert_eq!((failure.status.as_u16(), failure.kind), (400, "bad_data"), "{failure:?}");
    failure.message
}

const ALL: [&str; 4] = ["app: Errors", "node: Load Disk Memory", "twice: twice", "twice: twice"];

#[tokio::test]
async fn groups_are_sorted_and_lose_what_is_not_wanted() {
    let of = async |pairs: &[(&str, &str)]| shown(pairs).await.0;
    for all in [vec![], vec![("type", "ALERT")], vec![("type", "")], vec![("file[]", "vigil"), ("other", "x")]] {
        assert_eq!(of(&all).await, ALL, "{all:?}");
    }
    for none in [
        [("type", "Record")],
        [("file[]", "other.yml")],
        [("file[]", "")],
        [("rule_name[]", "load")],
        [("rule_group[]", "nod")],
        [("match[]", r#"{severity="none"}"#)],
        [("match[]", "Load")],
    ] {
        assert_eq!(of(&none).await, [""; 0], "{none:?}");
    }
    assert_eq!(of(&[("rule_name[]", "Disk"), ("rule_name[]", "Errors")]).await, ["app: Errors", "node: Disk"]);
    assert_eq!(of(&[("rule_group[]", "twice"), ("rule_group[]", "app")]).await, [ALL[0], ALL[2], ALL[3]]);
    assert_eq!(of(&[("rule_group[]", "node"), ("rule_name[]", "Errors")]).await, [""; 0]);
    let page = ("match[]", r#"{severity="page"}"#);
    assert_eq!(of(&[page]).await, ["node: Load", "twice: twice"]);
    assert_eq!(of(&[page, ("rule_group[]", "node")]).await, ["node: Load"]);
    let info = ("match[]", r#"{severity="info"}"#);
    assert_eq!(of(&[page, info]).await, ["app: Errors", "node: Load", "twice: twice", "twice: twice"]);
    let raw = ("match[]", r#"{severity=~".*labels.*"}"#);
    assert_eq!(of(&[raw]).await, ["node: Memory"], "templates are not expanded");
    let absent = ("match[]", r#"{severity!="",other=""}"#);
    assert_eq!(of(&[absent, ("rule_group[]", "node")]).await, ["node: Load Memory"], "an absent label is empty");
}

#[tokio::test]
async fn pages_together_are_the_whole_even_where_names_repeat() {
    for limit in 1..=5_usize {
        let (limit_text, mut pages, mut token) = (limit.to_string(), Vec::new(), String::new());
        loop {
            let mut pairs = vec![("group_limit", limit_text.as_str())];
            if !token.is_empty() {
                pairs.push(("group_next_token", token.as_str()));
            }
            let (page, next) = shown(&pairs).await;
            assert!(page.len() == limit || next.is_none(), "{page:?}");
            pages.extend(page);
            assert!(pages.len() <= ALL.len(), "{pages:?}");
            let Some(next) = next else { break };
            token = next;
        }
        assert_eq!(pages, ALL, "by {limit}");
    }
}

#[tokio::test]
async fn a_token_is_the_digest_of_the_next_group_that_is_shown() {
    // Of `vigil;twice`.
    let twice = "9f9c99f72a5b2370d396c70e69bd5d45671d1befa3809b4bd6ce3a40b969a78f";
    assert_eq!(shown(&[("group_limit", "2")]).await.1.as_deref(), Some(twice));
    let page = ("match[]", r#"{severity="page"}"#);
    let (first, next) = shown(&[page, ("group_limit", "1")]).await;
    assert_eq!((first, next.as_deref()), (vec!["node: Load".to_owned()], Some(twice)));
    let rest = shown(&[page, ("group_limit", "1"), ("group_next_token", twice)]).await;
    assert_eq!(rest, (vec!["twice: twice".to_owned()], None), "what is left out has no page");
    // A group that is not wanted may begin a page all the same.
    let rest = shown(&[("match[]", r#"{severity="info"}"#), ("group_limit", "9"), ("group_next_token", twice)]).await;
    assert_eq!(rest, (vec!["twice: twice".to_owned()], None));
}

#[tokio::test]
async fn what_is_wrong_is_told_in_prometheus_words() {
    let number =
        |why: &str| format!(r#"invalid parameter "group_limit": group_limit needs to be a valid number: {why}"#);
    for (pairs, text) in [
        (vec![("type", "Foo")], r#"invalid parameter "type": not supported value "foo""#.to_owned()),
        (
            vec![("exclude_alerts", "Yes")],
            "invalid parameter \"exclude_alerts\": error converting exclude_alerts: \
             strconv.ParseBool: parsing \"yes\": invalid syntax"
                .to_owned(),
        ),
        (vec![("group_limit", "x")], number(r#"strconv.ParseInt: parsing "x": invalid syntax"#)),
        (vec![("group_limit", "1.5")], number(r#"strconv.ParseInt: parsing "1.5": invalid syntax"#)),
        (vec![("group_limit", "2147483648")], number(r#"strconv.ParseInt: parsing "2147483648": value out of range"#)),
        (
            vec![("group_limit", "0")],
            r#"invalid parameter "group_limit": group_limit needs to be greater than 0"#.to_owned(),
        ),
        (
            vec![("group_limit", "-3")],
            r#"invalid parameter "group_limit": group_limit needs to be greater than 0"#.to_owned(),
        ),
        (
            vec![("group_next_token", "abc")],
            "invalid parameter \"group_next_token\": \
             group_limit needs to be present in order to paginate over the groups"
                .to_owned(),
        ),
        (
            vec![("group_next_token", "abc"), ("group_limit", "1")],
            r#"invalid parameter "group_next_token": invalid group_next_token 'abc'. were rule groups changed?"#
                .to_owned(),
        ),
        (vec![("match[]", "{}")], "match[] must contain at least one non-empty matcher".to_owned()),
        (vec![("match[]", "sum(up)")], r#"match[] is not a series selector such as {severity="page"}"#.to_owned()),
    ] {
        assert_eq!(refused(&pairs).await, text, "{pairs:?}");
    }
    for broken in ["{", r#"{severity="page""#, r#"{severity=~"("}"#, ""] {
        assert!(!refused(&[("match[]", "up"), ("match[]", broken)]).await.is_empty(), "{broken}");
    }
}

#[tokio::test]
async fn alerts_are_excluded_as_go_reads_booleans() {
    for (text, with_alerts) in
        [("", true), ("0", true), ("F", true), ("FALSE", true), ("1", false), ("t", false), ("True", false)]
    {
        let wanted = asked(&[("exclude_alerts", text)]).await.unwrap();
        assert_eq!(wanted.with_alerts, with_alerts, "{text}");
        let shown = serde_json::to_value(wanted.shown(groups()).unwrap()).unwrap();
        let alerts = if with_alerts { json!([]) } else { Value::Null };
        assert_eq!(shown["groups"][0]["rules"][0]["alerts"], alerts, "{text}");
    }
}
