//! Broken texts are errors that name what is broken, never a part of a host.

use super::*;

#[test]
fn nothing_is_not_a_host() {
    assert!(stat("", &mut CpuMemory::default()).is_err());
    assert!(meminfo("\n").is_err());
    assert!(vmstat("").is_err());
    assert!(loadavg("").is_err());
    assert!(file_nr("").is_err());
    assert!(net_dev("").is_err());
    assert!(sockstat("", 4096).is_err());
    assert!(netstat("").is_err());
    assert!(mounts("", "/").is_err());
    assert!(os_release("").is_err());
    assert!(pressure(PressureResource::Cpu, "").is_err());
    assert!(conntrack("", "1").is_err() && conntrack("1", "").is_err());
    assert!(entropy("x", "1").is_err());
}

#[test]
fn a_truncated_line_is_refused() {
    assert!(stat("cpu0 1 2 3\n", &mut CpuMemory::default()).is_err());
    assert!(diskstats("   8       0 sda 1 2 3 4 5 6 7 8 9 10\n").is_err());
    assert!(diskstats("   8       0\n").is_err());
    assert!(net_dev("a|b|c\na|b|c\neth0: 1 2 3\n").is_err());
    assert!(mounts("/dev/sda1 / ext4\n", "/").is_err());
    assert!(netstat("Tcp: A B\nTcp: 1\n").is_err());
    assert!(netstat("Tcp: A B\n").is_err());
    assert!(netstat("Tcp: A\nUdp: 1\n").is_err());
    assert!(loadavg("0.1 0.2").is_err());
    assert!(pressure(PressureResource::Io, "some avg10=0 total=1\n").is_err());
    assert!(sockstat("TCP: inuse\n", 4096).is_err());
}

#[test]
fn what_is_no_number_never_becomes_a_sample() {
    for word in ["NaN", "inf", "1e400", "-1", "0x10", "1.5", "18446744073709551616"] {
        assert!(meminfo(&format!("MemTotal: {word} kB\n")).is_err(), "{word}");
        assert!(vmstat(&format!("oom_kill {word}\n")).is_err(), "{word}");
        assert!(stat(&format!("cpu0 1 2 3 {word}\n"), &mut CpuMemory::default()).is_err(), "{word}");
        assert!(file_nr(&format!("{word} 0 1\n")).is_err(), "{word}");
    }
    assert!(loadavg("NaN 0 0").is_err() && loadavg("inf 0 0").is_err());
}

#[test]
fn an_error_names_the_file_and_the_line() {
    let error = meminfo("MemTotal: 1 kB\nMemFree: many kB\n").unwrap_err();
    assert_eq!(error.to_string(), "meminfo: cannot read \"MemFree: many kB\"");
    let long = "x".repeat(500);
    assert_eq!(meminfo(&long).unwrap_err().text.len(), 80);
}
