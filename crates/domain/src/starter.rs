//! The rules an installation begins with when it watches its own machine: few, quiet, and each says what it means.

use crate::rule::{RuleDraft, ThresholdDraft};

/// Rules that are evaluated often, because minutes count, and those for which a minute does not.
const SOON: &str = "15s";
const SLOWLY: &str = "1m";

struct Starter {
    name: &'static str,
    severity: &'static str,
    expr: &'static str,
    threshold: Option<(&'static str, f64)>,
    interval: &'static str,
    hold: &'static str,
    keep_firing_for: &'static str,
    summary: &'static str,
    description: &'static str,
}

const PACK: [Starter; 9] = [
    Starter {
        name: "Host down",
        severity: "critical",
        expr: "up{job=\"node\"} == 0 and on () count(up{job=\"node\"}) > 1",
        threshold: None,
        interval: SOON,
        hold: "2m",
        keep_firing_for: "0s",
        summary: "A host has sent no metrics for two minutes.",
        description: "Arms with the second host: a lone machine cannot report its own end. Look whether the host runs, \
                      and whether the network to it does.",
    },
    Starter {
        name: "Disk almost full",
        severity: "warning",
        expr: "100 * (1 - node_filesystem_avail_bytes / node_filesystem_size_bytes) and node_filesystem_readonly == 0",
        threshold: Some((">", 90.0)),
        interval: SOON,
        hold: "1m",
        keep_firing_for: "0s",
        summary: "A file system is more than 90 % full.",
        description: "The value is the share of space in use, in percent, as programs without root's reserve see it. \
                      The label mountpoint says where. File systems that cannot be written to are left out.",
    },
    Starter {
        name: "Disk full within 4 hours",
        severity: "warning",
        expr: "predict_linear(node_filesystem_avail_bytes{fstype!~\"tmpfs|ramfs\"}[1h], 4 * 3600) < 0 \
               and node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.5 and node_filesystem_readonly == 0",
        threshold: None,
        interval: SLOWLY,
        hold: "30m",
        keep_firing_for: "10m",
        summary: "At the pace of the last hour a file system is full within four hours.",
        description: "The value is the free space in bytes that the last hour's trend leads to; below zero there is none. \
                      Only file systems that are half full already count, and the trend must hold for half an hour.",
    },
    Starter {
        name: "Memory almost used up",
        severity: "warning",
        expr: "100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)",
        threshold: Some((">", 95.0)),
        interval: SOON,
        hold: "5m",
        keep_firing_for: "5m",
        summary: "Less than 5 % of the memory is available.",
        description: "The value is the share in use, in percent; caches that the kernel gives back at once count as \
                      available. Soon programs are slowed down by swapping, or killed.",
    },
    Starter {
        name: "CPU busy",
        severity: "warning",
        expr: "100 * (1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode=\"idle\"}[1m])))",
        threshold: Some((">", 90.0)),
        interval: SOON,
        hold: "1m",
        keep_firing_for: "2m",
        summary: "The processors have been busy for more than 90 % of the time, for at least a minute.",
        description: "The value is the share of time over the last minute, in percent, averaged over all processors. \
                      Raise `for` if this machine is meant to work hard.",
    },
    Starter {
        name: "Clock skew",
        severity: "warning",
        expr: "(node_timex_offset_seconds > 0.05 and deriv(node_timex_offset_seconds[5m]) >= 0) \
               or (node_timex_offset_seconds < -0.05 and deriv(node_timex_offset_seconds[5m]) <= 0)",
        threshold: None,
        interval: SLOWLY,
        hold: "10m",
        keep_firing_for: "0s",
        summary: "The clock is off by more than 50 ms and does not come back.",
        description: "The value is the offset in seconds, as the kernel knows it from NTP. Look whether the time service \
                      runs and reaches its servers.",
    },
    Starter {
        name: "File system became read-only",
        severity: "critical",
        expr: "node_filesystem_readonly == 1 and min_over_time(node_filesystem_readonly[1d]) == 0",
        threshold: None,
        interval: SLOWLY,
        hold: "0s",
        keep_firing_for: "0s",
        summary: "A file system that could be written to within the last day is read-only.",
        description: "Linux does so when a disk fails. Look at the kernel's log. Ends when it can be written to again, or \
                      after a day. What was always read-only does not count.",
    },
    Starter {
        name: "OOM kill",
        severity: "warning",
        expr: "increase(node_vmstat_oom_kill[10m])",
        threshold: Some((">", 0.0)),
        interval: SLOWLY,
        hold: "0s",
        keep_firing_for: "0s",
        summary: "The kernel killed a program because memory ran out.",
        description: "The value is how many within ten minutes, about. The kernel's log names the program.",
    },
    Starter {
        name: "Reboot",
        severity: "info",
        expr: "node_boot_time_seconds > min_over_time(node_boot_time_seconds[1d]) + 60 \
               and node_time_seconds - node_boot_time_seconds < 900",
        threshold: None,
        interval: SLOWLY,
        hold: "0s",
        keep_firing_for: "0s",
        summary: "The machine was started anew within the last 15 minutes.",
        description: "The value is when, in seconds since 1970. Nothing to do if it was meant; ends by itself.",
    },
];

/// The starter rules, as somebody would write them.
pub fn pack() -> Vec<RuleDraft> {
    PACK.iter().map(Starter::draft).collect()
}

impl Starter {
    fn draft(&self) -> RuleDraft {
        let annotations = [("summary", self.summary), ("description", self.description)];
        RuleDraft {
            name: self.name.to_owned(),
            expr: self.expr.to_owned(),
            threshold: self.threshold.map(|(op, value)| ThresholdDraft { op: op.to_owned(), value }),
            hold: Some(self.hold.to_owned()),
            keep_firing_for: Some(self.keep_firing_for.to_owned()),
            interval: Some(self.interval.to_owned()),
            annotations: annotations.map(|(name, text)| (name.to_owned(), text.to_owned())).into(),
            severity: Some(self.severity.to_owned()),
            ..RuleDraft::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_starter_rule_is_a_rule_with_its_reasons() {
        let specs: Vec<_> = pack().into_iter().map(|draft| draft.check().unwrap()).collect();
        let names: BTreeSet<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names.len(), 9, "{names:?}");
        for spec in &specs {
            spec.effective_expr(None).unwrap();
            assert!(spec.annotations.contains_key("summary") && spec.annotations.contains_key("description"));
            assert!(spec.severity().is_some());
        }
    }
}
