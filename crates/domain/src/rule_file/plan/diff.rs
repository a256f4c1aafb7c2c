//! What differs between a group or a rule that is there and what a file says of it, field by field.

use std::collections::BTreeMap;

use crate::{
    Span,
    id::ChannelId,
    rule_file::{FileGroup, FileRule, FileRuleKind},
};

use super::{Difference, PresentRule, Step};

/// The field of a difference that says where something stands, from 1.
pub(super) const POSITION: &str = "position";

/// Differences as they are found.
#[derive(Default)]
pub(super) struct Diff(pub(super) Vec<Difference>);

impl Diff {
    fn compare(&mut self, field: impl Into<String>, before: Option<String>, after: Option<String>) {
        if before != after {
            self.0.push(Difference { field: field.into(), before, after });
        }
    }

    fn pairs(&mut self, field: &str, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
        let added = after.keys().filter(|name| !before.contains_key(*name));
        for name in before.keys().chain(added) {
            self.compare(format!("{field}.{name}"), before.get(name).cloned(), after.get(name).cloned());
        }
    }

    pub(super) fn place(&mut self, step: Step, moved: bool) {
        if let (true, Step::Keep { before, after }) = (moved, step) {
            self.compare(POSITION, Some((before + 1).to_string()), Some((after + 1).to_string()));
        }
    }

    pub(super) fn shadow(&mut self, before: bool, after: bool) {
        self.compare("shadow", Some(before.to_string()), Some(after.to_string()));
    }

    pub(super) fn settings(&mut self, old: &FileGroup, new: &FileGroup) {
        let interval = |group: &FileGroup| (group.interval != Span::ZERO).then(|| group.interval.to_string());
        let offset = |group: &FileGroup| group.query_offset.map(|offset| offset.to_string());
        let limit = |group: &FileGroup| (group.limit != 0).then(|| group.limit.to_string());
        self.compare("interval", interval(old), interval(new));
        self.compare("query_offset", offset(old), offset(new));
        self.compare("limit", limit(old), limit(new));
        self.pairs("labels", &old.labels, &new.labels);
    }

    pub(super) fn rule(&mut self, old: &PresentRule, new: &FileRule, channels: Option<&[ChannelId]>) {
        let PresentRule { rule: old, channels: told, is_active } = old;
        self.compare("expr", Some(old.expr.clone()), Some(new.expr.clone()));
        if let (
            FileRuleKind::Alert { hold, keep_firing, annotations, .. },
            FileRuleKind::Alert { hold: new_hold, keep_firing: new_keep_firing, annotations: new_annotations, .. },
        ) = (&old.kind, &new.kind)
        {
            let text = |span: &Span| (*span != Span::ZERO).then(|| span.to_string());
            self.compare("for", text(hold), text(new_hold));
            self.compare("keep_firing_for", text(keep_firing), text(new_keep_firing));
            self.pairs("annotations", annotations, new_annotations);
            if let Some(channels) = channels {
                self.compare("channel_ids", ids(told), ids(channels));
            }
        }
        self.pairs("labels", &old.labels, &new.labels);
        self.compare("is_active", Some(is_active.to_string()), Some(true.to_string()));
    }
}

fn ids(channels: &[ChannelId]) -> Option<String> {
    let texts: Vec<_> = channels.iter().map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}
