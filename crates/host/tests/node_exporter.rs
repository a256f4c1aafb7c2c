//! Compares what this machine's node exporter says with what the collector says, family by family.
//!
//! Debian's package patches the default ignore lists of mounts and interfaces, so the upstream ones are given; all
//! other flags are the defaults.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use vigil_host::{Collector, Roots, exposition};

mod node_exporter {
    pub(crate) mod gaps;
    pub(crate) mod text;
    pub(crate) mod tolerance;
}

use node_exporter::{
    gaps::{HELP_DIFFERS, LEFT_OUT, MVP, OURS_ALONE, is_left_out},
    text::{Exposed, families},
    tolerance::tolerance,
};

const BINARY: &str = "prometheus-node-exporter";

/// A running node exporter; ends with the value.
struct NodeExporter {
    child: Child,
    address: String,
}

impl NodeExporter {
    fn start() -> Self {
        let mut child = Command::new(BINARY)
            .args([
                "--web.listen-address=127.0.0.1:0",
                "--collector.filesystem.mount-points-exclude=^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|\
                 var/lib/containers/storage/.+)($|/)",
                "--collector.diskstats.device-exclude=^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$",
                "--collector.netdev.device-exclude=",
            ])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{BINARY} must be installed (Debian: apt-get install {BINARY}): {error}"));
        let log = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let mut lines = log.lines().map_while(Result::ok);
        let address = lines.by_ref().find_map(|line| {
            let (_, rest) = line.split_once("msg=\"Listening on\" address=")?;
            rest.split_whitespace().next().map(str::to_owned)
        });
        // Its log goes on; unread, it would block once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        let address = address.expect("node exporter says where it listens");
        Self { child, address }
    }

    fn scrape(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("node exporter listens");
        write!(stream, "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n").expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the answer is UTF-8 text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("the answer has a head");
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        body.to_owned()
    }
}

impl Drop for NodeExporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Theirs before ours, ours, theirs after ours: what moves must lie between the two.
fn three_looks() -> [BTreeMap<String, Exposed>; 3] {
    let exporter = NodeExporter::start();
    let mut collector = Collector::new(Roots::default());
    // The first scrape opens files and fills caches on both sides.
    exporter.scrape();
    collector.collect();
    let before = families(&exporter.scrape());
    let ours = families(&exposition(&collector.collect()));
    let after = families(&exporter.scrape());
    [before, ours, after]
}

#[test]
fn every_family_is_named_typed_and_explained_as_node_exporter_does() {
    let [_, ours, theirs] = three_looks();
    let mut wrong = Vec::new();
    for (name, our) in &ours {
        let Some(their) = theirs.get(name) else {
            if !OURS_ALONE.contains(&name.as_str()) {
                wrong.push(format!("{name}: node exporter does not have it"));
            }
            continue;
        };
        if our.kind != their.kind {
            wrong.push(format!("{name}: type {} instead of {}", our.kind, their.kind));
        }
        if our.help != their.help && !HELP_DIFFERS.contains(&name.as_str()) {
            wrong.push(format!("{name}: help {:?} instead of {:?}", our.help, their.help));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_family_is_missing_but_those_left_out_on_purpose() {
    let [_, ours, theirs] = three_looks();
    let gaps: Vec<&String> = theirs.keys().filter(|name| !ours.contains_key(*name) && !is_left_out(name)).collect();
    assert!(gaps.is_empty(), "write a parser or add to LEFT_OUT: {gaps:?}");
    let superfluous: Vec<&&str> = LEFT_OUT.iter().filter(|name| ours.contains_key(**name)).collect();
    assert!(superfluous.is_empty(), "collected, so no longer to be listed in LEFT_OUT: {superfluous:?}");
    let lost: Vec<&&str> =
        MVP.iter().filter(|name| theirs.contains_key(**name) && !ours.contains_key(**name)).collect();
    assert!(lost.is_empty(), "rules rely on these: {lost:?}");
    let unheard: Vec<&&str> = MVP.iter().filter(|name| !ours.contains_key(**name)).collect();
    assert!(unheard.len() < MVP.len() / 2, "this machine shows hardly anything: {unheard:?}");
}

#[test]
fn every_series_and_value_is_what_node_exporter_says() {
    let [before, ours, after] = three_looks();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (name, our) in &ours {
        let (Some(earlier), Some(later)) = (before.get(name), after.get(name)) else { continue };
        let Some(tolerance) = tolerance(name) else { continue };
        // A collector of theirs that we do not have shows itself in these two families.
        let ours_alone = name.starts_with("node_scrape_collector_");
        let labels = |exposed: &Exposed| exposed.series.keys().cloned().collect::<Vec<String>>();
        if !ours_alone && labels(our) != labels(later) {
            wrong.push(format!("{name}: series {:?} instead of {:?}", labels(our), labels(later)));
        }
        for (series, value) in &our.series {
            let (Some(low), Some(high)) = (earlier.series.get(series), later.series.get(series)) else {
                wrong.push(format!("{name}{series}: node exporter does not have it"));
                continue;
            };
            compared += 1;
            let (low, high) = (low.min(*high) - tolerance, low.max(*high) + tolerance);
            if !(low..=high).contains(value) {
                wrong.push(format!("{name}{series}: {value} is not within {low} and {high}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 100, "only {compared} values were compared");
}
