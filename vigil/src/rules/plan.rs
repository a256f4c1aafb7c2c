//! What an import changes, as people read it.

use std::fmt::Write as _;

use serde::Deserialize;

/// What an import changed, or would.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) namespace: String,
    groups_added: usize,
    groups_changed: usize,
    groups_removed: usize,
    rules_added: usize,
    rules_changed: usize,
    rules_removed: usize,
    rules_unchanged: usize,
    /// What differs of the namespace itself.
    #[serde(default)]
    diff: Vec<Difference>,
    /// Groups, each before its rules; then what goes.
    changes: Vec<Change>,
    warnings: Vec<Warning>,
}

/// What happens to a group or a rule.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Change {
    group: String,
    /// `None` when it is the group itself.
    rule: Option<String>,
    kind: Kind,
    action: Action,
    /// What differs of something that stays.
    diff: Vec<Difference>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Group,
    Alerting,
    Recording,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Action {
    Add,
    Change,
    Move,
    Remove,
}

/// A field that changes.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Difference {
    field: String,
    before: Option<String>,
    after: Option<String>,
}

/// Something in a file that does nothing.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Warning {
    line: usize,
    column: usize,
    message: String,
}

/// Whether a plan is still to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tense {
    Future,
    Past,
}

impl Plan {
    /// Whether anything changes.
    pub(crate) fn changes_something(&self) -> bool {
        !self.changes.is_empty() || !self.diff.is_empty()
    }

    /// `line:column: message` of what the file says that nobody heeds.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        self.warnings.iter().map(|Warning { line, column, message }| format!("{line}:{column}: {message}"))
    }

    /// Counts, then a line for each change and one for each of its fields. Ends with a newline.
    pub(crate) fn report(&self, tense: Tense) -> String {
        let mut report = format!("{}: {}\n", self.namespace, self.counted(tense));
        if !self.diff.is_empty() {
            report += "  ~ namespace\n";
            report += &fields(&self.diff);
        }
        for change in &self.changes {
            // A String takes whatever is written to it.
            let _ = writeln!(report, "  {} {}", change.sign(), change.what());
            report += &fields(&change.diff);
        }
        report
    }

    /// `2 rules added, 1 changed, 40 unchanged; 1 group added`; nothing of what there is none of.
    fn counted(&self, tense: Tense) -> String {
        if !self.changes_something() {
            let nothing = match tense {
                Tense::Future => "nothing to change",
                Tense::Past => "nothing changed",
            };
            return format!("{nothing} ({})", number(self.rules_unchanged, "rule"));
        }
        let done = match tense {
            Tense::Future => ["to add", "to change", "to remove", "unchanged"],
            Tense::Past => ["added", "changed", "removed", "unchanged"],
        };
        let rules = [self.rules_added, self.rules_changed, self.rules_removed, self.rules_unchanged];
        let groups = [self.groups_added, self.groups_changed, self.groups_removed, 0];
        let counts = [("rule", rules), ("group", groups)].map(|(what, numbers)| {
            let some = numbers.into_iter().zip(done).filter(|(number, _)| *number > 0).enumerate();
            let some = some.map(|(index, (count, done))| match index {
                0 => format!("{} {done}", number(count, what)),
                _ => format!("{count} {done}"),
            });
            some.collect::<Vec<_>>().join(", ")
        });
        let counts = counts.into_iter().filter(|counts| !counts.is_empty()).collect::<Vec<_>>().join("; ");
        if counts.is_empty() { "no rules".to_owned() } else { counts }
    }
}

impl Change {
    const fn sign(&self) -> char {
        match self.action {
            Action::Add => '+',
            Action::Change => '~',
            Action::Move => '>',
            Action::Remove => '-',
        }
    }

    /// In the words of a rule file.
    fn what(&self) -> String {
        let group = &self.group;
        let kind = match self.kind {
            Kind::Group => "group",
            Kind::Alerting => "alert",
            Kind::Recording => "record",
        };
        match &self.rule {
            None => format!("{kind} {group:?}"),
            Some(rule) => format!("{kind} {rule:?} in group {group:?}"),
        }
    }
}

/// A line for each.
fn fields(diff: &[Difference]) -> String {
    let line = |Difference { field, before, after }: &Difference| {
        format!("      {field}: {} → {}\n", shown(before.as_deref()), shown(after.as_deref()))
    };
    diff.iter().map(line).collect()
}

/// On one line, whatever it is.
fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"))
}

/// `1 rule`, `2 rules`.
pub(crate) fn number(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = r#"{"namespace": "node.yml", "dry_run": true, "groups_added": 1, "groups_changed": 1, "groups_removed": 0,
        "groups_unchanged": 3, "rules_added": 1, "rules_changed": 2, "rules_removed": 1, "rules_unchanged": 40,
        "changes": [
            {"group": "node", "rule": null, "kind": "group", "action": "change",
             "diff": [{"field": "interval", "before": null, "after": "30s"}]},
            {"group": "node", "rule": "HighCpu", "kind": "alerting", "action": "change",
             "diff": [{"field": "expr", "before": "cpu > 90\n", "after": "cpu > 95"},
                      {"field": "labels.tier", "before": "\"1\"", "after": null}]},
            {"group": "node", "rule": "job:up:sum", "kind": "recording", "action": "move",
             "diff": [{"field": "position", "before": "3", "after": "1"}]},
            {"group": "größe", "rule": null, "kind": "group", "action": "add", "diff": []},
            {"group": "größe", "rule": "New", "kind": "alerting", "action": "add", "diff": []},
            {"group": "node", "rule": "Old", "kind": "alerting", "action": "remove", "diff": []}],
        "warnings": [{"line": 4, "column": 5, "group": "node", "rule": "HighCpu", "message": "field debug not found"}]}"#;

    const REPORT: &str = r#"node.yml: 1 rule to add, 2 to change, 1 to remove, 40 unchanged; 1 group to add, 1 to change
  ~ group "node"
      interval: nothing → "30s"
  ~ alert "HighCpu" in group "node"
      expr: "cpu > 90\n" → "cpu > 95"
      labels.tier: "\"1\"" → nothing
  > record "job:up:sum" in group "node"
      position: "3" → "1"
  + group "größe"
  + alert "New" in group "größe"
  - alert "Old" in group "node"
"#;

    #[test]
    fn a_plan_has_a_line_for_each_change_and_each_field() {
        let plan: Plan = serde_json::from_str(PLAN).unwrap();
        assert_eq!(plan.report(Tense::Future), REPORT);
        let past = plan.report(Tense::Past);
        let first = "node.yml: 1 rule added, 2 changed, 1 removed, 40 unchanged; 1 group added, 1 changed\n";
        assert!(past.starts_with(first), "{past}");
        assert_eq!(plan.warnings().collect::<Vec<_>>(), ["4:5: field debug not found"]);
    }

    #[test]
    fn a_namespace_that_goes_into_shadow_is_a_change_by_itself() {
        let diff = Difference { field: "shadow".into(), before: Some("false".into()), after: Some("true".into()) };
        let plan = Plan { namespace: "a".into(), rules_unchanged: 41, diff: vec![diff.clone()], ..Plan::default() };
        assert!(plan.changes_something());
        let expected = "a: 41 rules unchanged\n  ~ namespace\n      shadow: \"false\" → \"true\"\n";
        assert_eq!(plan.report(Tense::Past), expected);
        let empty = Plan { namespace: "a".into(), diff: vec![diff], ..Plan::default() };
        assert!(empty.report(Tense::Past).starts_with("a: no rules\n"));
    }

    #[test]
    fn a_plan_without_changes_says_how_much_stays() {
        let plan = |rules_unchanged| Plan { namespace: "a".to_owned(), rules_unchanged, ..Plan::default() };
        assert_eq!(plan(41).report(Tense::Future), "a: nothing to change (41 rules)\n");
        assert_eq!(plan(1).report(Tense::Past), "a: nothing changed (1 rule)\n");
        assert!(!plan(1).changes_something());
    }
}
