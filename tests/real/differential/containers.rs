//! What cAdvisor and kube-state-metrics say of a few containers.

use vigil_promql::Series;

use super::series::{
    Life,
    Shape::{self, Always, Counter, Events, Gauge, Turns},
    of_target, series,
};

const CADVISOR: &str = r#"job="cadvisor",instance="web-1:8080""#;
const STATE: &str = r#"job="kube-state-metrics",instance="10.0.0.9:8080""#;

/// A pod that stays, one that is restarted, one that is replaced and the one that replaces it, and one that nothing limits.
const PODS: [(&str, &str, &str, f64, Life); 5] = [
    ("shop", "cart-7d9f5-x2x4q", "cart", 5.0e8, Life::whole(1_217)),
    ("shop", "cart-7d9f5-m8zkp", "cart", 5.0e8, Life { restart_s: Some(1_500), ..Life::whole(1_431) }),
    ("shop", "pay-5c6b7-aaaaa", "pay", 2.5e8, Life { until_s: 1_100, ..Life::whole(1_613) }),
    ("shop", "pay-6d7c8-bbbbb", "pay", 2.5e8, Life { from_s: 1_120, ..Life::whole(1_871) }),
    ("monitoring", "agent-0", "agent", 0.0, Life::whole(2_217)),
];

const OF_A_CONTAINER: &[(&str, &str, Shape)] = &[
    ("container_cpu_usage_seconds_total", r#"cpu="total""#, Counter(0.31)),
    ("container_cpu_cfs_periods_total", "", Events(10.0)),
    ("container_cpu_cfs_throttled_periods_total", "", Events(2.7)),
    ("container_spec_cpu_quota", "", Always(50_000.0)),
    ("container_spec_cpu_period", "", Always(100_000.0)),
    ("container_memory_working_set_bytes", "", Gauge(2.2e8, 2.0e8)),
    ("container_memory_rss", "", Gauge(1.8e8, 1.0e8)),
    ("container_memory_failcnt", "", Events(0.01)),
    ("container_fs_usage_bytes", r#"device="/dev/sda1""#, Gauge(4.0e7, 1.0e7)),
    ("container_fs_limit_bytes", r#"device="/dev/sda1""#, Always(1.0e8)),
    ("container_fs_reads_total", r#"device="/dev/sda1""#, Events(0.8)),
    ("container_start_time_seconds", "", Always(1_709_160_000.0)),
];

pub(super) fn all() -> Vec<Series> {
    let mut found = Vec::new();
    let mut add = |metric, others: &str, target, shape, life| {
        found.push(series(of_target(metric, others, target), shape, life));
    };
    for (namespace, pod, app, limit, life) in PODS {
        let of_pod = format!("namespace={namespace:?},pod={pod:?}");
        let of_container = format!("{of_pod},container={app:?},image=\"registry.example.org/{app}:1.4\"");
        for (metric, others, shape) in OF_A_CONTAINER {
            add(metric, &format!("{of_container},{others}"), CADVISOR, *shape, life);
        }
        // The sum of a pod has no container, as cAdvisor has it.
        let of_sum = format!("{of_pod},cpu=\"total\"");
        add("container_cpu_usage_seconds_total", &of_sum, CADVISOR, Counter(0.33), life);
        add("container_spec_memory_limit_bytes", &of_container, CADVISOR, Always(limit), life);
        let of_net = format!("{of_pod},interface=\"eth0\"");
        add("container_network_receive_bytes_total", &of_net, CADVISOR, Counter(20_000.0), life);
        add("container_network_transmit_bytes_total", &of_net, CADVISOR, Counter(9_000.0), life);

        // Exported by one program about all of them, whose own restarts are not theirs.
        let known = Life { restart_s: None, ..life };
        let container = format!("{of_pod},container={app:?}");
        add("kube_pod_container_status_restarts_total", &container, STATE, Events(0.004), known);
        add(
            "kube_pod_labels",
            &format!("{of_pod},label_app={app:?},label_team=\"{namespace}-team\""),
            STATE,
            Always(1.0),
            known,
        );
        add("kube_pod_info", &format!("{of_pod},node=\"web-1\",host_ip=\"10.0.0.1\""), STATE, Always(1.0), known);
        for (phase, shape) in [("Running", Turns(&[1.0, 1.0, 1.0, 0.0])), ("Pending", Turns(&[0.0, 0.0, 0.0, 1.0]))] {
            add("kube_pod_status_phase", &format!("{of_pod},phase={phase:?}"), STATE, shape, known);
        }
    }
    for (deployment, wanted, available) in [("cart", 2.0, &[2.0, 2.0, 1.0]), ("pay", 1.0, &[1.0, 1.0, 1.0])] {
        let whole = Life::whole(4_613);
        let of_deployment = format!("namespace=\"shop\",deployment={deployment:?}");
        add("kube_deployment_spec_replicas", &of_deployment, STATE, Always(wanted), whole);
        add("kube_deployment_status_replicas_available", &of_deployment, STATE, Turns(available), whole);
    }
    found
}
