//! Reads this machine's files and hands them to the parsers; what fails is left out and said so.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use nix::unistd::{SysconfVar, sysconf};

use crate::{
    Family, Kind, clock,
    mounts::Prober,
    parse::{self, CpuMemory, Interface, ParseError, PressureResource, Uname},
};

/// How long one file system may take to answer before it counts as failed.
const STATFS_LIMIT: Duration = Duration::from_secs(1);
const USUAL_PAGE_SIZE: u64 = 4096;

/// Where the host's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// Usually `/proc`.
    pub proc: PathBuf,
    /// Usually `/sys`.
    pub sys: PathBuf,
    /// What mount points and `/etc/os-release` are below: usually `/`, or where a container sees its host.
    pub root: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into(), root: "/".into() }
    }
}

/// Collects the metrics of the machine it runs on.
///
/// Keep one for the life of the process: it remembers what makes counters steady and which mounts do not answer.
pub struct Collector {
    roots: Roots,
    page_size: u64,
    cpu: CpuMemory,
    prober: Prober,
    failures: Vec<(&'static str, String)>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("{0}")]
    System(#[from] io::Error),
}

type Step = fn(&mut Collector) -> Result<Vec<Family>, Failure>;

/// What is collected, under the names of node exporter's collectors; `stat` and `cpu` read the same file.
const STEPS: [(&[&str], Step); 18] = [
    (&["conntrack"], Collector::conntrack),
    (&["cpu", "stat"], Collector::stat),
    (&["diskstats"], Collector::diskstats),
    (&["entropy"], Collector::entropy),
    (&["filefd"], Collector::filefd),
    (&["filesystem"], Collector::filesystem),
    (&["loadavg"], Collector::loadavg),
    (&["meminfo"], Collector::meminfo),
    (&["netclass"], Collector::netclass),
    (&["netdev"], Collector::netdev),
    (&["netstat"], Collector::netstat),
    (&["os"], Collector::os),
    (&["pressure"], Collector::pressure),
    (&["sockstat"], Collector::sockstat),
    (&["time"], Collector::time),
    (&["timex"], Collector::timex),
    (&["uname"], Collector::uname),
    (&["vmstat"], Collector::vmstat),
];

impl Collector {
    /// A collector that reads below `roots`. Reads nothing yet and cannot fail.
    pub fn new(roots: Roots) -> Self {
        let page_size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|size| u64::try_from(size).ok());
        Self {
            roots,
            page_size: page_size.unwrap_or(USUAL_PAGE_SIZE),
            cpu: CpuMemory::default(),
            prober: Prober::new(STATFS_LIMIT),
            failures: Vec::new(),
        }
    }

    /// Everything that can be collected now.
    ///
    /// A collector that fails is left out: `node_scrape_collector_success{collector="…"}` is 0 and
    /// [`Collector::failures`] says why. Takes about a millisecond on a small host, most of it for interfaces (0.1 ms
    /// each), and up to a second more, once, for each mount that has stopped answering.
    pub fn collect(&mut self) -> Vec<Family> {
        let mut duration = Family::new(
            "node_scrape_collector_duration_seconds",
            Kind::Gauge,
            "node_exporter: Duration of a collector scrape.",
        );
        let mut success =
            Family::new("node_scrape_collector_success", Kind::Gauge, "node_exporter: Whether a collector succeeded.");
        let mut families = Vec::with_capacity(256);
        self.failures.clear();
        for (names, step) in STEPS {
            let started = Instant::now();
            let outcome = step(self);
            let seconds = started.elapsed().as_secs_f64();
            for name in names {
                duration.push([("collector", name)], seconds);
                success.push([("collector", name)], if outcome.is_ok() { 1.0 } else { 0.0 });
                self.failures.extend(outcome.as_ref().err().map(|failure| (*name, failure.to_string())));
            }
            families.extend(outcome.unwrap_or_default());
        }
        families.extend([duration, success]);
        families
    }

    /// Which collectors failed the last time, by name, and why; some for good, as the kernel may lack a feature.
    pub fn failures(&self) -> &[(&'static str, String)] {
        &self.failures
    }

    fn proc(&self, name: &str) -> Result<String, Failure> {
        read(&self.roots.proc.join(name))
    }

    fn conntrack(&mut self) -> Result<Vec<Family>, Failure> {
        let entries = self.proc("sys/net/netfilter/nf_conntrack_count")?;
        Ok(parse::conntrack(&entries, &self.proc("sys/net/netfilter/nf_conntrack_max")?)?)
    }

    fn stat(&mut self) -> Result<Vec<Family>, Failure> {
        Ok(parse::stat(&self.proc("stat")?, &mut self.cpu)?)
    }

    fn diskstats(&mut self) -> Result<Vec<Family>, Failure> {
        Ok(parse::diskstats(&self.proc("diskstats")?)?)
    }

    fn entropy(&mut self) -> Result<Vec<Family>, Failure> {
        let available = self.proc("sys/kernel/random/entropy_avail")?;
        Ok(parse::entropy(&available, &self.proc("sys/kernel/random/poolsize")?)?)
    }

    fn filefd(&mut self) -> Result<Vec<Family>, Failure> {
        Ok(parse::file_nr(&self.proc("sys/fs/file-nr")?)?)
    }

    fn filesystem(&mut self) -> Result<Vec<Family>, Failure> {
        // The first process sees the host's mounts; `hidepid` may hide it.
        let text = self.proc("1/mounts").or_else(|_| self.proc("mounts"))?;
        let mounts = parse::mounts(&text, &self.roots.root.to_string_lossy())?;
        let paths: Vec<PathBuf> = mounts.iter().map(|mount| self.below_root(&mount.path)).collect();
        self.prober.keep_only(|stuck| paths.iter().any(|path| path == stuck));
        let usages = paths.iter().map(|path| self.prober.usage(path).ok());
        Ok(parse::filesystems(mounts.iter().zip(usages)))
    }

    fn loadavg(&mut self) -> Result<Vec<Family>, Failure> {
        Ok(parse::loadavg(&self.proc("loadavg")?)?)
    }

    fn meminfo(&mut self) -> Result<Vec<Family>, Failure> {
        Ok(parse::meminfo(&self.proc("meminfo")?)?)
    }

    fn netclass(&mut self) -> Result<Vec<Family>, Failure> {
        let path = self.roots.sys.join("class/net");
        let entries = fs::read_dir(&path).map_err(|error| Failure::Read { path, error })?;
        let mut interfaces = Vec::new();
        for entry in entries {
            let path = entry?.path();
            // `bonding_masters` is a file among the interfaces.
            if path.is_dir() {
                interfaces.push(interface(&path));
            }
        }
        interfaces.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(parse::interfaces(&interfaces))
    }

    fn netdev(&mut self) -> Result<Vec<Family>, Failure> {
        Ok(parse::net_dev(&self.proc("net/dev")?)?)
    }

    fn netstat(&mut self) -> Result<Vec<Family>, Failure> {
        let mut families = parse::netstat(&self.proc("net/netstat")?)?;
        families.extend(parse::netstat(&self.proc("net/snmp")?)?);
        // Absent when the kernel has no IPv6.
        if let Ok(text) = self.proc("net/snmp6") {
            families.extend(parse::netstat(&text)?);
        }
        Ok(families)
    }

    fn os(&mut self) -> Result<Vec<Family>, Failure> {
        let text = read(&self.below_root("/etc/os-release")).or_else(|_| read(&self.below_root("/usr/lib/os-release")));
        Ok(parse::os_release(&text?)?)
    }

    fn pressure(&mut self) -> Result<Vec<Family>, Failure> {
        let mut families = Vec::new();
        for (resource, name) in PressureResource::ALL {
            families.extend(parse::pressure(resource, &self.proc(&format!("pressure/{name}"))?)?);
        }
        Ok(families)
    }

    fn sockstat(&mut self) -> Result<Vec<Family>, Failure> {
        let mut families = parse::sockstat(&self.proc("net/sockstat")?, self.page_size)?;
        if let Ok(text) = self.proc("net/sockstat6") {
            families.extend(parse::sockstat(&text, self.page_size)?);
        }
        Ok(families)
    }

    fn time(&mut self) -> Result<Vec<Family>, Failure> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
        Ok(parse::time(since_epoch))
    }

    fn timex(&mut self) -> Result<Vec<Family>, Failure> {
        Ok(parse::timex(&clock::read()?))
    }

    fn uname(&mut self) -> Result<Vec<Family>, Failure> {
        let machine = self.proc("sys/kernel/arch").unwrap_or_else(|_| std::env::consts::ARCH.to_owned());
        Ok(parse::uname(&Uname {
            sysname: &self.proc("sys/kernel/ostype")?,
            nodename: &self.proc("sys/kernel/hostname")?,
            release: &self.proc("sys/kernel/osrelease")?,
            version: &self.proc("sys/kernel/version")?,
            machine: &machine,
            domainname: &self.proc("sys/kernel/domainname")?,
        }))
    }

    fn vmstat(&mut self) -> Result<Vec<Family>, Failure> {
        Ok(parse::vmstat(&self.proc("vmstat")?)?)
    }

    /// Where the host's absolute `path` is seen from here.
    fn below_root(&self, path: &str) -> PathBuf {
        self.roots.root.join(path.trim_start_matches('/'))
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    match fs::read(path) {
        Ok(bytes) => {
            Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
        }
        Err(error) => Err(Failure::Read { path: path.to_owned(), error }),
    }
}

fn interface(path: &Path) -> Interface {
    let file = |name: &str| read(&path.join(name)).ok();
    Interface {
        name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        address: file("address"),
        broadcast: file("broadcast"),
        carrier: file("carrier"),
        carrier_changes: file("carrier_changes"),
        duplex: file("duplex"),
        flags: file("flags"),
        alias: file("ifalias"),
        mtu: file("mtu"),
        state: file("operstate"),
        speed: file("speed"),
        unhandled: file("statistics/rx_nohandler"),
        queue_length: file("tx_queue_len"),
    }
}

#[cfg(test)]
mod tests;
