//! The collector over made-up roots.

use super::*;

fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, Collector) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().expect("files are below the directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }
    let below = |name: &str| directory.path().join(name);
    let collector = Collector::new(Roots { proc: below("proc"), sys: below("sys"), root: below("root") });
    (directory, collector)
}

fn value(families: &[Family], series: &str) -> Option<f64> {
    let text = crate::exposition(families);
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn what_fails_is_left_out_and_the_rest_is_collected() {
    let (_directory, mut collector) =
        host(&[("proc/loadavg", "0.5 0.25 0.125 1/2 3\n"), ("proc/meminfo", "MemTotal: garbage\n")]);
    let families = collector.collect();
    assert_eq!(value(&families, "node_load1"), Some(0.5));
    assert_eq!(value(&families, "node_scrape_collector_success{collector=\"loadavg\"}"), Some(1.0));
    assert_eq!(value(&families, "node_scrape_collector_success{collector=\"meminfo\"}"), Some(0.0));
    assert_eq!(value(&families, "node_scrape_collector_success{collector=\"cpu\"}"), Some(0.0));
    assert!(value(&families, "node_scrape_collector_duration_seconds{collector=\"meminfo\"}").is_some());
    assert!(families.iter().all(|family| !family.name.starts_with("node_memory_")));
    let why = collector.failures().iter().find(|(name, _)| *name == "meminfo").map(|(_, why)| why.as_str());
    assert_eq!(why, Some("meminfo: cannot read \"MemTotal: garbage\""));
}

#[test]
fn a_mount_is_asked_below_the_root_and_one_that_is_gone_is_an_error() {
    let mounts = "/dev/sda1 /there ext4 rw 0 0\n/dev/sdb1 /gone ext4 rw 0 0\n";
    let (directory, mut collector) = host(&[("proc/mounts", mounts), ("root/there/file", "")]);
    let error = |families: &[Family], device: &str, place: &str| {
        let labels = format!("{{device=\"{device}\",fstype=\"ext4\",mountpoint=\"{place}\"}}");
        value(families, &format!("node_filesystem_device_error{labels}"))
    };
    let families = collector.collect();
    assert_eq!(error(&families, "/dev/sda1", "/there"), Some(0.0));
    assert_eq!(error(&families, "/dev/sdb1", "/gone"), Some(1.0));
    fs::create_dir(directory.path().join("root/gone")).expect("a directory");
    assert_eq!(error(&collector.collect(), "/dev/sdb1", "/gone"), Some(0.0));
}

#[test]
fn interfaces_are_directories_and_a_file_among_them_is_not_one() {
    let (_directory, mut collector) = host(&[
        ("sys/class/net/bonding_masters", "bond0\n"),
        ("sys/class/net/bond0/operstate", "up\n"),
        ("sys/class/net/bond0/statistics/rx_nohandler", "7\n"),
    ]);
    let families = collector.collect();
    assert_eq!(value(&families, "node_network_up{device=\"bond0\"}"), Some(1.0));
    assert_eq!(value(&families, "node_network_receive_nohandler_total{device=\"bond0\"}"), Some(7.0));
    assert_eq!(value(&families, "node_network_up{device=\"bonding_masters\"}"), None);
}

#[test]
fn a_file_longer_than_a_page_is_read_whole_and_an_endless_one_is_refused() {
    let long: String = (0..1000).map(|number| format!("Field{number}: {number} kB\n")).collect();
    let (directory, mut collector) = host(&[("proc/meminfo", &long)]);
    assert_eq!(value(&collector.collect(), "node_memory_Field999_bytes"), Some(1_022_976.0));
    fs::remove_file(directory.path().join("proc/meminfo")).expect("a file");
    std::os::unix::fs::symlink("/dev/zero", directory.path().join("proc/meminfo")).expect("a link");
    let families = collector.collect();
    assert_eq!(value(&families, "node_scrape_collector_success{collector=\"meminfo\"}"), Some(0.0));
    let why = collector.failures().iter().find(|(name, _)| *name == "meminfo").map(|(_, why)| why.as_str());
    assert!(why.is_some_and(|why| why.ends_with("proc/meminfo: file too large")), "{why:?}");
}

#[test]
fn names_are_not_repeated_and_neither_are_labels() {
    let families = Collector::new(Roots::default()).collect();
    let mut seen = std::collections::BTreeSet::new();
    for family in &families {
        for metric in &family.metrics {
            assert!(seen.insert((family.name.clone(), metric.labels.clone())), "{} {:?}", family.name, metric.labels);
            assert!(metric.labels.is_sorted(), "{} {:?}", family.name, metric.labels);
        }
    }
    let mut names: Vec<&str> = families.iter().map(|family| family.name.as_ref()).collect();
    names.sort_unstable();
    assert!(names.is_sorted_by(|one, other| one < other), "a family appears twice");
}
