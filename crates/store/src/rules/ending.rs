//! Which changes of a rule end its alerts.

use vigil_domain::{Deviations, event::EventReason, rule::RuleSpec};

use crate::entity::{rule, rule_group};

/// Why a change of a rule ends its alerts, if it does: an alert is the rule's name and labels, those of its group included,
/// and what the series adds to them.
pub(super) fn of_change(
    (old, old_group): (&rule::Model, &rule_group::Model),
    (new, new_group): (&RuleSpec, &rule_group::Model),
    deviations: Deviations,
) -> Option<EventReason> {
    if !old.is_active {
        return None;
    }
    if !new.is_active {
        return Some(EventReason::RuleDisabled);
    }
    let is_renamed = old.name != new.name;
    let is_relabelled = old_group.labels.0.under(&old.labels.0) != new_group.labels.0.under(&new.labels);
    let is_elsewhere = old_group.id != new_group.id && !deviations.alerts_follow_their_rule();
    (is_renamed || is_relabelled || is_elsewhere).then_some(EventReason::RuleChanged)
}
