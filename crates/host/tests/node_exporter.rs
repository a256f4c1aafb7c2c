//! Compares what this machine's node exporter says with what the collector says, family by family.
//!
//! Names, types and texts are those of Debian's version, 1.5; later ones add families and labels. The package patches
//! the default ignore lists of mounts and interfaces, so the upstream ones are given; all other flags are the defaults.

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
struct Look {
    before: BTreeMap<String, Exposed>,
    ours: BTreeMap<String, Exposed>,
    after: BTreeMap<String, Exposed>,
}

struct Watch {
    exporter: NodeExporter,
    collector: Collector,
}

impl Watch {
    fn start() -> Self {
        let mut watch = Self { exporter: NodeExporter::start(), collector: Collector::new(Roots::default()) };
        // The first scrape opens files and fills caches on both sides.
        watch.look();
        watch
    }

    fn look(&mut self) -> Look {
        let before = families(&self.exporter.scrape());
        let ours = families(&exposition(&self.collector.collect()));
        Look { before, ours, after: families(&self.exporter.scrape()) }
    }
}

#[test]
fn every_family_is_named_typed_and_explained_as_node_exporter_does() {
    let Look { ours, after: theirs, .. } = Watch::start().look();
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
    let Look { ours, after: theirs, .. } = Watch::start().look();
    let missing: Vec<&String> = theirs.keys().filter(|name| !ours.contains_key(*name)).collect();
    println!("{} families, {} in both; node exporter alone: {missing:#?}", theirs.len(), theirs.len() - missing.len());
    let gaps: Vec<&&String> = missing.iter().filter(|name| !is_left_out(name)).collect();
    assert!(gaps.is_empty(), "write a parser or add to LEFT_OUT: {gaps:?}");
    let superfluous: Vec<&&str> = LEFT_OUT.iter().filter(|name| ours.contains_key(**name)).collect();
    assert!(superfluous.is_empty(), "collected, so no longer to be listed in LEFT_OUT: {superfluous:?}");
    let lost: Vec<&&str> =
        MVP.iter().filter(|name| theirs.contains_key(**name) && !ours.contains_key(**name)).collect();
    assert!(lost.is_empty(), "rules rely on these: {lost:?}");
    // What this machine's kernel does not have: connection tracking, perhaps, or pressure.
    let unheard: Vec<&&str> = MVP.iter().filter(|name| !ours.contains_key(**name)).collect();
    assert!(unheard.len() < MVP.len() / 2, "this machine shows hardly anything: {unheard:?}");
}

/// A machine on which much goes on may move on between the looks; what is wrong is so at each.
#[test]
fn every_series_and_value_is_what_node_exporter_says() {
    const LOOKS: usize = 5;
    let mut watch = Watch::start();
    let mut lasting: Option<BTreeMap<String, String>> = None;
    for _ in 0..LOOKS {
        let mut wrong = differences(&watch.look());
        if let Some(before) = lasting {
            wrong.retain(|what, _| before.contains_key(what));
        }
        if wrong.is_empty() {
            return;
        }
        lasting = Some(wrong);
    }
    panic!("{:#?}", lasting.unwrap_or_default());
}

/// How, by family or series, ours is not what node exporter says.
fn differences(Look { before, ours, after }: &Look) -> BTreeMap<String, String> {
    let mut wrong = BTreeMap::new();
    let mut compared = 0;
    for (name, our) in ours {
        let (Some(earlier), Some(later)) = (before.get(name), after.get(name)) else { continue };
        // Collectors of theirs that we do not have show themselves in the families about collectors.
        let labels = |exposed: &Exposed| exposed.series.keys().cloned().collect::<Vec<String>>();
        if !name.starts_with("node_scrape_collector_") && labels(our) != labels(later) {
            wrong.insert(name.clone(), format!("series {:?} instead of {:?}", labels(our), labels(later)));
        }
        for (labels, value) in &our.series {
            let series = format!("{name}{labels}");
            let (Some(low), Some(high)) = (earlier.series.get(labels), later.series.get(labels)) else {
                wrong.insert(series, "node exporter does not have it".to_owned());
                continue;
            };
            let Some(tolerance) = tolerance(name) else { continue };
            compared += 1;
            let (low, high) = (low.min(*high) - tolerance, low.max(*high) + tolerance);
            if !(low..=high).contains(value) {
                wrong.insert(series, format!("{value} is not within {low} and {high}"));
            }
        }
    }
    assert!(compared > 100, "only {compared} values were compared");
    wrong
}
