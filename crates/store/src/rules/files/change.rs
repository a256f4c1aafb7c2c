//! From a plan to the rows that follow from it. Nothing in here asks the database.

use sea_orm::{ActiveValue::Set, DbErr, TryIntoModel, prelude::Uuid};
use vigil_domain::{
    Labels, Span, Timestamp,
    group::DEFAULT_INTERVAL,
    id::{ChannelId, GroupId, UserId},
    rule::DEFAULT_REPEAT_INTERVAL,
    rule_file::{Action, FileGroup, FileRuleKind, GroupPlan, Plan, RulePlan, Step},
};

use super::{Import, read::Standing};
use crate::{
    entity::{
        rule, rule_group, rule_version,
        stored::{StoredAnnotations, StoredIds, StoredLabels},
    },
    rules::{
        groups, interval_of, severity_of,
        versions::{self, Change},
    },
};

/// Who changes what, and when.
#[derive(Clone, Copy)]
pub(super) struct Edit<'a> {
    pub(super) import: &'a Import,
    pub(super) standing: &'a [Standing],
    /// The place of the first group that the import speaks of.
    pub(super) first_position: i32,
    pub(super) editor: UserId,
    pub(super) now: Timestamp,
}

/// What is to be written, and what removed.
#[derive(Default)]
pub(super) struct Rows {
    /// Whole rows, new or not.
    pub(super) groups: Vec<rule_group::Model>,
    pub(super) groups_gone: Vec<Uuid>,
    /// Whole rows, new or not.
    pub(super) rules: Vec<rule::Model>,
    pub(super) rules_gone: Vec<rule::Model>,
    /// Rules of which nothing but the place changes.
    pub(super) moved: Vec<(Uuid, i32)>,
    pub(super) versions: Vec<rule_version::ActiveModel>,
}

impl Edit<'_> {
    /// What follows from the plan.
    pub(super) fn rows(&self, plan: &Plan) -> Result<Rows, DbErr> {
        let mut rows = Rows::default();
        for group in &plan.groups {
            match group.step {
                Step::Remove { before } => self.remove_group(&self.standing[before], &mut rows)?,
                Step::Add { after } => self.write_group(group, None, after, &mut rows)?,
                Step::Keep { before, after } => {
                    self.write_group(group, Some(&self.standing[before]), after, &mut rows)?;
                }
            }
        }
        Ok(rows)
    }

    fn remove_group(&self, Standing { group, rules }: &Standing, rows: &mut Rows) -> Result<(), DbErr> {
        rows.groups_gone.push(group.id);
        for rule in rules {
            self.remove_rule(rule, group, rows)?;
        }
        Ok(())
    }

    fn remove_rule(&self, rule: &rule::Model, group: &rule_group::Model, rows: &mut Rows) -> Result<(), DbErr> {
        let last = rule::Model { version: rule.version + 1, ..rule.clone() };
        rows.versions.push(versions::row(&last, group, Change::Deleted, Some(self.editor), self.now)?);
        rows.rules_gone.push(rule.clone());
        Ok(())
    }

    fn write_group(
        &self,
        plan: &GroupPlan,
        old: Option<&Standing>,
        index: usize,
        rows: &mut Rows,
    ) -> Result<(), DbErr> {
        let wanted = &self.import.file.groups[index];
        let group = self.group(plan, old.map(|old| &old.group), wanted, index)?;
        let before = old.map(|old| old.rules.as_slice()).unwrap_or_default();
        let inside = Inside { edit: self, group: &group, wanted, asked: &self.import.asked[index] };
        for rule in &plan.rules {
            match rule.step {
                Step::Remove { before: place } => self.remove_rule(&before[place], &group, rows)?,
                Step::Add { after } => inside.add(after, rows)?,
                Step::Keep { before: place, after } => inside.keep(rule, &before[place], after, rows)?,
            }
        }
        if old.is_none_or(|old| old.group != group) {
            rows.groups.push(group);
        }
        Ok(())
    }

    fn group(
        &self,
        plan: &GroupPlan,
        old: Option<&rule_group::Model>,
        wanted: &FileGroup,
        index: usize,
    ) -> Result<rule_group::Model, DbErr> {
        let interval_given = wanted.interval != Span::ZERO;
        let interval = if interval_given { wanted.interval } else { DEFAULT_INTERVAL };
        let evaluated = wanted.rules.len();
        let mut row = match old {
            Some(old) => old.clone().into(),
            None => groups::fresh(Some(wanted.name.clone()), interval, self.now),
        };
        if let Some(old) = old {
            if interval_of(old) != interval {
                groups::reschedule(&mut row, GroupId(old.id), interval, self.now);
            } else if old.rule_count == 0 && evaluated > 0 {
                // Due from now on, not since its last rule went.
                row.next_slot_ms = Set(groups::next(interval, Span::from_millis_i64(old.phase_ms), self.now));
            }
            if plan.action().is_some() {
                row.version = Set(old.version + 1);
                row.updated_at = Set(self.now);
            }
        }
        row.namespace = Set(self.import.namespace.clone());
        row.from_file = Set(true);
        row.position = Set(self.first_position.saturating_add(place(index)));
        row.interval_given = Set(interval_given);
        row.query_offset_ms = Set(wanted.query_offset.map(Span::millis_i64));
        row.alert_limit = Set(wanted.limit);
        row.labels = Set(StoredLabels(Labels::as_written(wanted.labels.clone())));
        row.rule_count = Set(place(evaluated));
        row.try_into_model()
    }
}

/// A group whose rules are written.
struct Inside<'a> {
    edit: &'a Edit<'a>,
    /// As it will be.
    group: &'a rule_group::Model,
    wanted: &'a FileGroup,
    /// What the data source will be asked, by rule.
    asked: &'a [String],
}

impl Inside<'_> {
    fn add(&self, index: usize, rows: &mut Rows) -> Result<(), DbErr> {
        let Edit { editor, now, .. } = *self.edit;
        let rule = self.rule(index);
        rows.versions.push(versions::row(&rule, self.group, Change::Created, Some(editor), now)?);
        rows.rules.push(rule);
        Ok(())
    }

    fn keep(&self, plan: &RulePlan, old: &rule::Model, index: usize, rows: &mut Rows) -> Result<(), DbErr> {
        let Edit { editor, now, import, .. } = *self.edit;
        if plan.action() != Some(Action::Change) {
            if old.position != place(index) {
                rows.moved.push((old.id, place(index)));
            }
            return Ok(());
        }
        let rule = kept(old, self.rule(index), import.channels.is_some());
        rows.versions.push(versions::row(&rule, self.group, Change::Updated, Some(editor), now)?);
        rows.rules.push(rule);
        Ok(())
    }

    /// The rule as if nobody had known it.
    fn rule(&self, index: usize) -> rule::Model {
        let Edit { import, editor, now, .. } = *self.edit;
        let wanted = &self.wanted.rules[index];
        let labels = Labels::as_written(wanted.labels.clone());
        let (hold, keep_firing, annotations, channels) = match &wanted.kind {
            FileRuleKind::Alert { hold, keep_firing, annotations, .. } => {
                let channels = import.channels.iter().flatten().map(|ChannelId(id)| *id);
                (*hold, *keep_firing, annotations.clone(), channels.collect())
            }
            FileRuleKind::Record { .. } => Default::default(),
        };
        rule::Model {
            id: Uuid::now_v7(),
            group_id: self.group.id,
            position: place(index),
            kind: wanted.kind().as_str().to_owned(),
            name: wanted.name().to_owned(),
            expr: wanted.expr.clone(),
            effective_expr: self.asked[index].clone(),
            threshold_op: None,
            threshold_value: None,
            hold_ms: hold.millis_i64(),
            keep_firing_ms: keep_firing.millis_i64(),
            severity: severity_of(&self.group.labels.0, &labels),
            labels: StoredLabels(labels),
            annotations: StoredAnnotations(annotations),
            server_id: None,
            channel_ids: StoredIds(channels),
            repeat_interval_ms: DEFAULT_REPEAT_INTERVAL.millis_i64(),
            is_active: true,
            is_shadow: false,
            owner_id: Some(editor.0),
            health: "unknown".to_owned(),
            last_error: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

/// The rule that was there, saying what the file says. What a file has no word for stays, and so does how its last
/// evaluation went if the same is asked.
fn kept(old: &rule::Model, wanted: rule::Model, channels_given: bool) -> rule::Model {
    let same = old.effective_expr == wanted.effective_expr;
    let old = old.clone();
    rule::Model {
        id: old.id,
        channel_ids: if channels_given { wanted.channel_ids } else { old.channel_ids },
        repeat_interval_ms: old.repeat_interval_ms,
        is_shadow: old.is_shadow,
        owner_id: old.owner_id,
        health: if same { old.health } else { wanted.health },
        last_error: old.last_error.filter(|_| same),
        version: old.version + 1,
        created_at: old.created_at,
        ..wanted
    }
}

/// A count or a place as the database keeps it.
fn place(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}
