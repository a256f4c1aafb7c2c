use uuid::Uuid;

use super::*;
use crate::id::ChannelId;

/// What would be there after the file was imported.
fn present(file: &str) -> Vec<PresentGroup> {
    let rules = |group: &FileGroup| {
        let rules = group.rules.iter().cloned();
        rules.map(|rule| PresentRule { rule, channels: Vec::new(), is_active: true }).collect()
    };
    let groups = read(file).groups.into_iter();
    groups.map(|group| PresentGroup { rules: rules(&group), settings: group }).collect()
}

fn shown(diff: &[Difference]) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let fields = diff.iter().map(|d| format!("{}: {} → {}", d.field, text(&d.before), text(&d.after)));
    fields.collect::<Vec<_>>().join("; ")
}

/// What a plan does, a line for each change.
fn changes(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for group in &plan.groups {
        if let Some(action) = group.action() {
            lines.push(format!("{} {} {}", action.as_str(), group.name, shown(&group.diff)).trim_end().to_owned());
        }
        for rule in &group.rules {
            if let Some(action) = rule.action() {
                let line = format!("{} {}/{} {}", action.as_str(), group.name, rule.name, shown(&rule.diff));
                lines.push(line.trim_end().to_owned());
            }
        }
    }
    lines
}

fn between(before: &str, after: &str) -> Vec<String> {
    changes(&plan(&present(before), &read(after), None))
}

fn counts(added: usize, changed: usize, removed: usize, unchanged: usize) -> Counts {
    Counts { added, changed, removed, unchanged }
}

/// A group `g` of these rules, written in flow style.
fn group(rules: &[&str]) -> String {
    format!("groups:\n- name: g\n  rules: [{}]\n", rules.join(", "))
}

const A: &str = "{alert: A, expr: a}";
const B: &str = "{alert: B, expr: b}";
const C: &str = "{alert: C, expr: c}";
const D: &str = "{record: d, expr: d}";

#[test]
fn the_same_file_changes_nothing() {
    for file in [include_str!("node.yml"), include_str!("kubernetes.yml"), &group(&[A, A, D])] {
        let plan = plan(&present(file), &read(file), None);
        assert_eq!(changes(&plan), Vec::<String>::new());
        let rules = read(file).groups.iter().map(|group| group.rules.len()).sum();
        assert_eq!(plan.rules(), counts(0, 0, 0, rules));
        assert_eq!(plan.groups(), counts(0, 0, 0, read(file).groups.len()));
    }
}

#[test]
fn an_edit_of_one_rule_is_that_rule_and_no_other() {
    let edited = "{alert: B, expr: b2, for: 5m, annotations: {summary: x}}";
    let (before, after) = (group(&[A, B, C]), group(&[A, edited, C]));
    let expected = "change g/B expr: b → b2; for: nothing → 5m; annotations.summary: nothing → x";
    assert_eq!(between(&before, &after), [expected]);
    let plan = plan(&present(&before), &read(&after), None);
    assert_eq!((plan.rules(), plan.groups()), (counts(0, 1, 0, 2), counts(0, 0, 0, 1)));
    assert_eq!(plan.groups[0].rules[1].step, Step::Keep { before: 1, after: 1 });
}

#[test]
fn another_name_or_another_label_is_another_rule() {
    for (before, after, expected) in [
        (A, "{alert: A2, expr: a}", ["add g/A2", "remove g/A"]),
        (A, "{alert: A, expr: a, labels: {severity: page}}", ["add g/A", "remove g/A"]),
        (A, "{record: A, expr: a}", ["add g/A", "remove g/A"]),
    ] {
        assert_eq!(between(&group(&[before]), &group(&[after])), expected, "{after}");
    }
}

#[test]
fn the_labels_of_the_group_are_part_of_a_rule() {
    let before = "groups: [{name: g, rules: [{alert: A, expr: a}, {alert: B, expr: b, labels: {team: x}}]}]";
    let after = "groups: [{name: g, labels: {team: x}, rules: [{alert: A, expr: a}, {alert: B, expr: b}]}]";
    let expected =
        ["change g labels.team: nothing → x", "add g/A", "change g/B labels.team: x → nothing", "remove g/A"];
    assert_eq!(between(before, after), expected, "B says the same as before in another place");
}

#[test]
fn equal_rules_are_matched_in_order() {
    let (first, second) = ("{alert: A, expr: one}", "{alert: A, expr: two}");
    assert_eq!(between(&group(&[first, second]), &group(&[second])), ["change g/A expr: one → two", "remove g/A"]);
}

#[test]
fn what_is_put_in_between_moves_nothing_else() {
    assert_eq!(between(&group(&[A, C]), &group(&[B, A, D, C])), ["add g/B", "add g/d"]);
    assert_eq!(between(&group(&[A, B, C]), &group(&[C, A, B])), ["move g/C position: 3 → 1"]);
    let both = group(&["{alert: C, expr: c2}", A, B]);
    assert_eq!(between(&group(&[A, B, C]), &both), ["change g/C expr: c → c2; position: 3 → 1"]);
    let groups = |names: [&str; 3]| {
        let groups = names.map(|name| format!("- {{name: {name}, rules: [{A}]}}\n"));
        format!("groups:\n{}", groups.concat())
    };
    assert_eq!(between(&groups(["x", "y", "z"]), &groups(["z", "x", "y"])), ["move z position: 3 → 1"]);
}

#[test]
fn settings_of_a_group_are_told_apart_from_its_rules() {
    let before = "groups: [{name: g, interval: 30s, limit: 5, rules: [{alert: A, expr: a}]}]";
    let after = "groups: [{name: g, query_offset: 0s, limit: -1, rules: [{alert: A, expr: a}]}]";
    let expected = "change g interval: 30s → nothing; query_offset: nothing → 0s; limit: 5 → -1";
    assert_eq!(between(before, after), [expected]);
}

#[test]
fn groups_come_and_go_with_their_rules() {
    let after = "groups: [{name: h, rules: [{alert: A, expr: a}]}]";
    assert_eq!(between(&group(&[A, D]), after), ["add h", "add h/A", "remove g", "remove g/A", "remove g/d"]);
    let plan = plan(&present(&group(&[A, D])), &read(after), None);
    assert_eq!((plan.groups(), plan.rules()), (counts(1, 0, 1, 0), counts(1, 0, 2, 0)));
    assert_eq!(between("", ""), Vec::<String>::new());
}

#[test]
fn channels_are_kept_unless_others_are_given() {
    let [ops, night] = [1, 2].map(|id| ChannelId(Uuid::from_u128(id)));
    let mut before = present(&group(&[A, D]));
    before[0].rules[0].channels = vec![ops];
    let file = read(&group(&[A, D]));
    assert_eq!(changes(&plan(&before, &file, None)), Vec::<String>::new());
    assert_eq!(changes(&plan(&before, &file, Some(&[ops]))), Vec::<String>::new());
    let expected = format!("change g/A channel_ids: {ops} → {ops}, {night}");
    assert_eq!(changes(&plan(&before, &file, Some(&[ops, night]))), [expected], "a recording rule tells nobody");
}

#[test]
fn a_namespace_that_goes_into_shadow_changes_and_its_rules_do_not() {
    let same = || plan(&present(&group(&[A])), &read(&group(&[A])), None);
    for (before, after, expected) in [
        (false, None, ""),
        (true, None, ""),
        (true, Some(true), ""),
        (false, Some(true), "shadow: false → true"),
        (true, Some(false), "shadow: true → false"),
    ] {
        let plan = same().with_shadow(before, after);
        assert_eq!((shown(&plan.diff).as_str(), plan.rules()), (expected, counts(0, 0, 0, 1)), "{before} {after:?}");
    }
}

#[test]
fn a_rule_that_was_switched_off_is_switched_on_again() {
    let mut before = present(&group(&[A]));
    before[0].rules[0].is_active = false;
    let plan = plan(&before, &read(&group(&[A])), None);
    assert_eq!(changes(&plan), ["change g/A is_active: false → true"]);
}
