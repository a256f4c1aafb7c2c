//! Texts of hosts of several kinds; the expected values are computed by hand from them.

use proptest::prelude::*;

use super::*;
use crate::Family;

mod hosts;
mod refusals;

/// The value of one series, named as a scrape would.
fn value(families: &[Family], series: &str) -> Option<f64> {
    let text = crate::exposition(families);
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().expect("a value"))
}

fn all_of(text: &str) {
    let _ = stat(text, &mut CpuMemory::default());
    let _ = meminfo(text);
    let _ = vmstat(text);
    let _ = loadavg(text);
    let _ = file_nr(text);
    let _ = conntrack(text, text);
    let _ = entropy(text, text);
    let _ = diskstats(text);
    let _ = net_dev(text);
    let _ = sockstat(text, 4096);
    let _ = netstat(text);
    let _ = os_release(text);
    for (resource, _) in PressureResource::ALL {
        let _ = pressure(resource, text);
    }
    for root in ["/", "/host"] {
        if let Ok(mounts) = mounts(text, root) {
            filesystems(mounts.iter().map(|mount| (mount, None)));
        }
    }
    let property = Some(text.to_owned());
    interfaces(&[Interface {
        name: text.to_owned(),
        flags: property.clone(),
        speed: property.clone(),
        state: property.clone(),
        mtu: property,
        ..Interface::default()
    }]);
    let uname_of =
        Uname { sysname: text, nodename: text, release: text, version: text, machine: text, domainname: text };
    uname(&uname_of);
}

const SEPARATORS: &[&str] = &[" ", "\n", "\t", "", ":", "|"];
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "cpu", "cpu0", "cpu1", "intr", "btime", "kB", "MemTotal:", "Active(anon):",
    "oom_kill", "pgfault", "pg", "some", "full", "total=5", "total=", "sda",
    "eth0:", "TCP:", "mem", "inuse", "Tcp:", "InSegs", "Ip6InOctets", "6",
    "ext4", "/mnt/a\\040b\\134", "/host/proc", "ro,relatime", "VERSION_ID=\"1.2.3\\", "ID='", "=", "0",
    "1", "18446744073709551615", "18446744073709551616", "-1", "0x1003", "é", "NaN", "1e400",
    "Inter-|",
];

/// Texts that look like the real ones: their words, separators and numbers in any order.
fn likely_text() -> impl Strategy<Value = String> {
    prop::collection::vec((prop::sample::select(WORDS), prop::sample::select(SEPARATORS)), 0..60)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, separator)| [word, separator]).collect())
}

proptest! {
    #[test]
    fn no_parser_panics_on_any_text(text in "\\PC*|[ -~\\n\\t]*") {
        all_of(&text);
    }

    #[test]
    fn no_parser_panics_on_texts_that_look_real(text in likely_text()) {
        all_of(&text);
    }

    #[test]
    fn no_parser_panics_on_a_real_text_cut_anywhere(cut in 0_usize..4096) {
        for text in [hosts::STAT, hosts::MEMINFO, hosts::DISKSTATS, hosts::NET_DEV, hosts::MOUNTS, hosts::SNMP] {
            let end = (0..=cut.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            all_of(&text[..end]);
        }
    }
}
