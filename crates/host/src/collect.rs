//! Reads this machine's files and hands them to the parsers; what fails is left out and said so.

mod files;

use std::{
    ffi::OsStr,
    fs, io,
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use nix::unistd::{SysconfVar, sysconf};

use files::{Failure, interface, read};

use crate::{
    Family, Kind, clock,
    mounts::Prober,
    parse::{self, CpuMemory, PressureResource, Uname},
};

/// How long all file systems together may take to answer before those that have not count as failed.
const STATFS_LIMIT: Duration = Duration::from_secs(3);
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
    /// [`Collector::failures`] says why. Takes about a millisecond on a small host, most of it in the kernel, and up to
    /// three seconds more, once, when mounts have stopped answering.
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
        let usages = self.prober.usages(&paths).into_iter().map(Result::ok);
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
            interfaces.extend(interface(&entry?.path()));
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
        let answer = nix::sys::utsname::uname().map_err(io::Error::from)?;
        let [sysname, nodename, release, version, machine, domainname] = [
            answer.sysname(),
            answer.nodename(),
            answer.release(),
            answer.version(),
            answer.machine(),
            answer.domainname(),
        ]
        .map(OsStr::to_string_lossy);
        Ok(parse::uname(&Uname {
            sysname: &sysname,
            nodename: &nodename,
            release: &release,
            version: &version,
            machine: &machine,
            domainname: &domainname,
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

#[cfg(test)]
mod tests;
