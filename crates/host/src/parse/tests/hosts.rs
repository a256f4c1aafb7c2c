//! What a virtual machine, a bare-metal server, a container and an old kernel say.

use super::*;

/// A virtual machine with two cores, Linux 6.1.
pub(super) const STAT: &str = "\
cpu  212457 39655 46312 1544828 3905 0 1352 382 300 20
cpu0 103759 19261 21141 778665 802 5 608 188 250 15
cpu1 108698 20394 25171 766162 3102 0 743 193 50 5
intr 2049010 0 0 13 0 1
ctxt 3834646
btime 1795688112
processes 74700
procs_running 3
procs_blocked 1
softirq 2619098 0 259360 4
";

#[test]
fn cpu_times_are_hundredths_of_a_second_per_core_and_mode() {
    let families = stat(STAT, &mut CpuMemory::default()).unwrap();
    for (series, expected) in [
        ("node_cpu_seconds_total{cpu=\"0\",mode=\"user\"}", 1037.59),
        ("node_cpu_seconds_total{cpu=\"0\",mode=\"irq\"}", 0.05),
        ("node_cpu_seconds_total{cpu=\"1\",mode=\"idle\"}", 7661.62),
        ("node_cpu_seconds_total{cpu=\"1\",mode=\"steal\"}", 1.93),
        ("node_cpu_guest_seconds_total{cpu=\"0\",mode=\"user\"}", 2.5),
        ("node_cpu_guest_seconds_total{cpu=\"1\",mode=\"nice\"}", 0.05),
        ("node_intr_total", 2_049_010.0),
        ("node_context_switches_total", 3_834_646.0),
        ("node_boot_time_seconds", 1_795_688_112.0),
        ("node_forks_total", 74_700.0),
        ("node_procs_running", 3.0),
        ("node_procs_blocked", 1.0),
    ] {
        assert_eq!(value(&families, series), Some(expected), "{series}");
    }
    assert_eq!(families[0].metrics.len(), 16, "the sum of all cores is not a core");
}

#[test]
fn a_core_s_iowait_that_goes_back_a_little_stays_where_it_was() {
    let mut memory = CpuMemory::default();
    let iowait = |text: &str, memory: &mut CpuMemory| {
        value(&stat(text, memory).unwrap(), "node_cpu_seconds_total{cpu=\"0\",mode=\"iowait\"}")
    };
    assert_eq!(iowait("cpu0 100 0 50 1000 90 0 0 0", &mut memory), Some(0.9));
    assert_eq!(iowait("cpu0 100 0 50 1001 80 0 0 0", &mut memory), Some(0.9));
    assert_eq!(iowait("cpu0 100 0 50 1002 95 0 0 0", &mut memory), Some(0.95));
}

#[test]
fn a_core_that_was_unplugged_and_came_back_starts_anew() {
    let mut memory = CpuMemory::default();
    stat("cpu0 100 0 50 1000 90 0 0 0", &mut memory).unwrap();
    let families = stat("cpu0 1 0 1 700 2 0 0 0", &mut memory).unwrap();
    assert_eq!(value(&families, "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"}"), Some(0.01));
}

pub(super) const MEMINFO: &str = "\
MemTotal:       24684096 kB
MemFree:        23592344 kB
MemAvailable:   24114504 kB
Active(anon):       1572 kB
Inactive(file):   181288 kB
HugePages_Total:       8
Hugepagesize:       2048 kB
VmallocTotal:   34359738367 kB
";

#[test]
fn memory_in_kilobytes_is_bytes_and_pages_are_counts() {
    let families = meminfo(MEMINFO).unwrap();
    for (series, expected) in [
        ("node_memory_MemTotal_bytes", 25_276_514_304.0),
        ("node_memory_MemAvailable_bytes", 24_693_252_096.0),
        ("node_memory_Active_anon_bytes", 1_609_728.0),
        ("node_memory_Inactive_file_bytes", 185_638_912.0),
        ("node_memory_HugePages_Total", 8.0),
        ("node_memory_VmallocTotal_bytes", 35_184_372_087_808.0),
    ] {
        assert_eq!(value(&families, series), Some(expected), "{series}");
    }
}

/// A server of 2012, Linux 2.6.32: no `MemAvailable`, no guest times, fourteen columns of disk statistics.
#[test]
fn an_old_kernel_s_missing_fields_are_left_out() {
    let memory = meminfo("MemTotal: 1024 kB\nMemFree: 512 kB\nBuffers: 1 kB\nCached: 2 kB\n").unwrap();
    assert_eq!(value(&memory, "node_memory_MemAvailable_bytes"), None);
    assert_eq!(value(&memory, "node_memory_MemFree_bytes"), Some(524_288.0));
    let cpu = stat("cpu 1 2 3 4\ncpu0 1 2 3 4\nbtime 5\n", &mut CpuMemory::default()).unwrap();
    assert_eq!(value(&cpu, "node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"}"), Some(0.04));
    assert_eq!(value(&cpu, "node_cpu_seconds_total{cpu=\"0\",mode=\"steal\"}"), Some(0.0));
    let disks = diskstats("   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n").unwrap();
    assert_eq!(value(&disks, "node_disk_io_time_weighted_seconds_total{device=\"sda\"}"), Some(0.011));
    assert!(disks.iter().all(|family| !family.name.contains("discard") && !family.name.contains("flush")));
}

/// A bare-metal server: SATA, `NVMe`, software RAID and device mapper, with their partitions.
pub(super) const DISKSTATS: &str = "\
   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
   8       0 sda 372384 37238 22483610 710959 47987 170622 58701488 227957 3 57896 946581 26739 66 13131440 7554 2889 108
   8       1 sda1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
 259       0 nvme0n1 10 0 80 5 20 0 160 7 0 9 12 0 0 0 0 1 2
 259       1 nvme0n1p1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
   9     127 md127 100 0 200 0 300 0 400 0 0 0 0 0 0 0 0 0 0
 253       0 dm-0 1 0 2 3 4 0 5 6 0 7 8 0 0 0 0 0 0
 252       0 zram0 1 0 2 3 4 0 5 6 0 7 8 0 0 0 0 0 0
 254       0 vda 1 0 2 3 4 0 5 6 0 7 8 0 0 0 0 0 0
";

#[test]
fn disks_raid_and_mapped_devices_are_shown_and_partitions_are_not() {
    let families = diskstats(DISKSTATS).unwrap();
    let devices: Vec<&str> = families[0].metrics.iter().map(|metric| metric.labels[0].1.as_str()).collect();
    assert_eq!(devices, ["sda", "nvme0n1", "md127", "dm-0", "vda"]);
    for (series, expected) in [
        ("node_disk_reads_completed_total{device=\"sda\"}", 372_384.0),
        ("node_disk_read_bytes_total{device=\"sda\"}", 11_511_608_320.0),
        ("node_disk_read_time_seconds_total{device=\"sda\"}", 710.9590000000001),
        ("node_disk_written_bytes_total{device=\"nvme0n1\"}", 81_920.0),
        ("node_disk_io_now{device=\"sda\"}", 3.0),
        ("node_disk_discarded_sectors_total{device=\"sda\"}", 13_131_440.0),
        ("node_disk_flush_requests_time_seconds_total{device=\"nvme0n1\"}", 0.002),
    ] {
        assert_eq!(value(&families, series), Some(expected), "{series}");
    }
}

/// The same server's interfaces: a bond of two, a VLAN on it, a bridge, and numbers that touch the colon.
pub(super) const NET_DEV: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0
eth0:123456789   3    1    2    4     5          6         7      8       9    10   11   12    13      14         15
 bond0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
bond0.42: 18446744073709551615 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
br-a1b2c3: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
eth0:1: 5 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
";

#[test]
fn each_column_of_an_interface_has_its_own_family() {
    let families = net_dev(NET_DEV).unwrap();
    for (series, expected) in [
        ("node_network_receive_bytes_total{device=\"eth0\"}", 123_456_789.0),
        ("node_network_receive_packets_total{device=\"eth0\"}", 3.0),
        ("node_network_receive_errs_total{device=\"eth0\"}", 1.0),
        ("node_network_receive_drop_total{device=\"eth0\"}", 2.0),
        ("node_network_receive_fifo_total{device=\"eth0\"}", 4.0),
        ("node_network_receive_frame_total{device=\"eth0\"}", 5.0),
        ("node_network_receive_compressed_total{device=\"eth0\"}", 6.0),
        ("node_network_receive_multicast_total{device=\"eth0\"}", 7.0),
        ("node_network_transmit_bytes_total{device=\"eth0\"}", 8.0),
        ("node_network_transmit_drop_total{device=\"eth0\"}", 11.0),
        ("node_network_transmit_colls_total{device=\"eth0\"}", 13.0),
        ("node_network_transmit_carrier_total{device=\"eth0\"}", 14.0),
        ("node_network_receive_bytes_total{device=\"eth0:1\"}", 5.0),
        ("node_network_receive_bytes_total{device=\"bond0.42\"}", 18_446_744_073_709_552_000.0),
    ] {
        assert_eq!(value(&families, series), Some(expected), "{series}");
    }
}

#[test]
fn an_interface_that_is_down_has_no_speed_and_is_not_up() {
    let text = |text: &str| Some(text.to_owned());
    let up = Interface {
        name: "eth0".to_owned(),
        state: text("up\n"),
        speed: text("10000\n"),
        flags: text("0x1003\n"),
        mtu: text("1500\n"),
        carrier: text("1\n"),
        ..Interface::default()
    };
    let down = Interface { name: "bond0".to_owned(), state: text("down\n"), ..Interface::default() };
    let unknown = Interface { name: "tun0".to_owned(), state: text("unknown\n"), speed: text("-1\n"), ..down.clone() };
    let families = interfaces(&[up, down, unknown]);
    for (series, expected) in [
        ("node_network_up{device=\"eth0\"}", Some(1.0)),
        ("node_network_up{device=\"bond0\"}", Some(0.0)),
        ("node_network_up{device=\"tun0\"}", Some(0.0)),
        ("node_network_speed_bytes{device=\"eth0\"}", Some(1_250_000_000.0)),
        ("node_network_speed_bytes{device=\"bond0\"}", None),
        ("node_network_speed_bytes{device=\"tun0\"}", Some(-125_000.0)),
        ("node_network_flags{device=\"eth0\"}", Some(4099.0)),
        ("node_network_mtu_bytes{device=\"eth0\"}", Some(1500.0)),
        ("node_network_carrier{device=\"bond0\"}", None),
    ] {
        assert_eq!(value(&families, series), expected, "{series}");
    }
}

/// A container's mounts, with odd names, and the host's below `/host`.
pub(super) const MOUNTS: &str = "\
overlay / overlay rw,lowerdir=/var/lib/docker/overlay2/l/A 0 0
proc /proc proc rw,nosuid 0 0
tmpfs /dev/shm tmpfs rw 0 0
/dev/sdb1 /data/with\\040space\\011tab ext4 rw,relatime 0 0
/dev/sdc1 /back\\134slash xfs ro,noatime 0 0
/dev/sda1 /etc/hosts ext4 rw,errors=remount-ro 0 0
nas:/export /mnt/nas nfs4 rw,vers=4.2 0 0
/dev/sda1 /host ext4 rw 0 0
tmpfs /host/run tmpfs rw 0 0
tmpfs /host/run/credentials/systemd-sysusers.service tmpfs ro 0 0
/dev/sda1 /host/var/lib/docker/overlay2 ext4 rw 0 0
tmpfs /host/dev/shm tmpfs rw 0 0
/dev/sdd1 /srv ext4 rw 0 0
/dev/sdd1 /srv ext4 ro 0 0
";

#[test]
fn mounts_that_are_not_storage_are_ignored_and_escapes_are_undone() {
    let seen: Vec<(String, String, bool)> = mounts(MOUNTS, "/")
        .unwrap()
        .into_iter()
        .map(|mount| (mount.mount_point, mount.path, mount.read_only))
        .collect();
    let expected = [
        ("/data/with space\ttab", "/data/with space\ttab", false),
        ("/back\\134slash", "/back\\slash", true),
        ("/etc/hosts", "/etc/hosts", false),
        ("/mnt/nas", "/mnt/nas", false),
        ("/host", "/host", false),
        ("/host/run", "/host/run", false),
        ("/host/run/credentials/systemd-sysusers.service", "/host/run/credentials/systemd-sysusers.service", true),
        ("/host/var/lib/docker/overlay2", "/host/var/lib/docker/overlay2", false),
        ("/host/dev/shm", "/host/dev/shm", false),
        ("/srv", "/srv", true),
    ];
    assert_eq!(seen, expected.map(|(point, path, read_only)| (point.to_owned(), path.to_owned(), read_only)));
}

#[test]
fn a_host_seen_from_a_container_names_its_mounts_itself() {
    let points: Vec<String> = mounts(MOUNTS, "/host")
        .unwrap()
        .into_iter()
        .filter(|mount| mount.device == "/dev/sda1" || mount.device == "tmpfs")
        .map(|mount| mount.mount_point)
        .collect();
    assert_eq!(points, ["/etc/hosts", "/", "/run"]);
}

#[test]
fn types_and_places_that_hold_no_data_are_ignored_and_those_that_resemble_them_are_not() {
    let is_shown = |place: &str, fs_type: &str| {
        let text = format!("device {place} {fs_type} rw 0 0\n");
        !mounts(&text, "/").expect("a whole line").is_empty()
    };
    let types = "autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs fusectl hugetlbfs iso9660 mqueue \
                 nsfs overlay proc procfs pstore rpc_pipefs securityfs selinuxfs squashfs erofs sysfs tracefs";
    for fs_type in types.split_whitespace() {
        assert!(!is_shown("/mnt", fs_type), "{fs_type}");
    }
    for fs_type in "ext4 xfs btrfs zfs vfat tmpfs nfs nfs4 cifs fuse.sshfs fuseblk ceph overlayfs cgroup3".split(' ') {
        assert!(is_shown("/mnt", fs_type), "{fs_type}");
    }
    let places = "/dev /dev/shm /proc /sys /sys/fs/cgroup /run/credentials/x.service /var/lib/docker/overlay2 \
                  /var/lib/containers/storage/overlay/1/merged";
    for place in places.split_whitespace() {
        assert!(!is_shown(place, "ext4"), "{place}");
    }
    for place in "/ /device /processed /system /run /run/user/0 /var/lib/docker /var/lib/containers /srv/dev".split(' ')
    {
        assert!(is_shown(place, "ext4"), "{place}");
    }
}

#[test]
fn a_mount_without_usage_has_an_error_and_no_sizes() {
    let mounts = mounts("/dev/sda1 / ext4 ro 0 0\nnas:/x /mnt/x nfs4 rw 0 0\n", "/").unwrap();
    let usage =
        Usage { block_size: 4096, blocks: 1000, blocks_free: 300, blocks_available: 250, files: 64, files_free: 32 };
    let families = filesystems(mounts.iter().zip([Some(usage), None]));
    let root = "{device=\"/dev/sda1\",fstype=\"ext4\",mountpoint=\"/\"}";
    for (name, expected) in [
        ("size_bytes", 4_096_000.0),
        ("free_bytes", 1_228_800.0),
        ("avail_bytes", 1_024_000.0),
        ("files", 64.0),
        ("files_free", 32.0),
        ("readonly", 1.0),
        ("device_error", 0.0),
    ] {
        assert_eq!(value(&families, &format!("node_filesystem_{name}{root}")), Some(expected), "{name}");
    }
    let nas = "{device=\"nas:/x\",fstype=\"nfs4\",mountpoint=\"/mnt/x\"}";
    assert_eq!(value(&families, &format!("node_filesystem_device_error{nas}")), Some(1.0));
    assert_eq!(value(&families, &format!("node_filesystem_size_bytes{nas}")), None);
}

pub(super) const SNMP: &str = "\
Ip: Forwarding DefaultTTL InReceives
Ip: 1 64 1000
Tcp: RtoAlgorithm MaxConn ActiveOpens CurrEstab InErrs
Tcp: 1 -1 77 12 0
Udp: InDatagrams NoPorts InErrors
Udp: 5 6 7
";

#[test]
fn protocol_counters_are_those_node_exporter_chooses() {
    let mut families = netstat(SNMP).unwrap();
    families.extend(netstat("Ip6InOctets                     \t88\nIp6InReceives\t9\nUdpLite6InErrors\t3\n").unwrap());
    let names: Vec<&str> = families.iter().map(|family| family.name.trim_start_matches("node_netstat_")).collect();
    let expected = [
        "Ip_Forwarding",
        "Tcp_ActiveOpens",
        "Tcp_CurrEstab",
        "Tcp_InErrs",
        "Udp_InDatagrams",
        "Udp_NoPorts",
        "Udp_InErrors",
        "Ip6_InOctets",
        "UdpLite6_InErrors",
    ];
    assert_eq!(names, expected);
    assert_eq!(value(&families, "node_netstat_Tcp_CurrEstab"), Some(12.0));
    assert_eq!(families[7].help, "Statistic Ip6InOctets.");
    let listen = netstat("TcpExt: ListenDrops TCPSynRetrans TCPSynRetransX SyncookiesSent\nTcpExt: 1 2 3 4\n").unwrap();
    let names: Vec<&str> = listen.iter().map(|family| family.name.as_ref()).collect();
    let expected =
        ["node_netstat_TcpExt_ListenDrops", "node_netstat_TcpExt_TCPSynRetrans", "node_netstat_TcpExt_SyncookiesSent"];
    assert_eq!(names, expected);
    let wrapped = netstat("Tcp: CurrEstab OutRsts\nTcp: 18446744073709551615 -1\n").unwrap();
    assert_eq!(value(&wrapped, "node_netstat_Tcp_CurrEstab"), Some(18_446_744_073_709_551_615.0));
    assert_eq!(value(&wrapped, "node_netstat_Tcp_OutRsts"), Some(-1.0));
}

#[test]
fn sockets_memory_is_in_pages_and_in_bytes() {
    let text = "sockets: used 16\nTCP: inuse 1 orphan 0 tw 1 alloc 1 mem 101\nFRAG: inuse 0 memory 7\n";
    let families = sockstat(text, 4096).unwrap();
    for (series, expected) in [
        ("node_sockstat_sockets_used", 16.0),
        ("node_sockstat_TCP_tw", 1.0),
        ("node_sockstat_TCP_mem", 101.0),
        ("node_sockstat_TCP_mem_bytes", 413_696.0),
        ("node_sockstat_FRAG_memory", 7.0),
    ] {
        assert_eq!(value(&families, series), Some(expected), "{series}");
    }
}

#[test]
fn vmstat_shows_kills_paging_swapping_and_faults_only() {
    let text =
        "nr_free_pages 1\noom_kill 2\npgpgin 3\npswpout 4\npgmajfault 5\npgfault 6\npgalloc_dma 7\npgsteal_kswapd 8\n";
    let names: Vec<String> = vmstat(text).unwrap().into_iter().map(|family| family.name.into_owned()).collect();
    let expected = [
        "node_vmstat_oom_kill",
        "node_vmstat_pgpgin",
        "node_vmstat_pswpout",
        "node_vmstat_pgmajfault",
        "node_vmstat_pgfault",
    ];
    assert_eq!(names, expected);
}

#[test]
fn pressure_is_in_seconds_and_the_cpu_never_stalls() {
    let text = "some avg10=0.10 avg60=0.39 avg300=0.93 total=32425464\nfull avg10=0.10 avg60=0.39 avg300=0.92 total=28453147\n";
    let io = pressure(PressureResource::Io, text).unwrap();
    assert_eq!(value(&io, "node_pressure_io_waiting_seconds_total"), Some(32.425464));
    assert_eq!(value(&io, "node_pressure_io_stalled_seconds_total"), Some(28.453147));
    let cpu = pressure(PressureResource::Cpu, text).unwrap();
    assert_eq!(cpu.len(), 1);
    assert_eq!(value(&cpu, "node_pressure_cpu_waiting_seconds_total"), Some(32.425464));
}

#[test]
fn os_release_is_read_as_a_shell_would() {
    let text = "# a comment\nNAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE='debian'\nVERSION_ID=\"22.04\"\nPRETTY_NAME=\"a \\\"b\\\"\"\n";
    let families = os_release(text).unwrap();
    let label = |name: &str| families[0].metrics[0].labels.iter().find(|(label, _)| *label == name).unwrap().1.clone();
    let labels = ["name", "id", "id_like", "pretty_name", "version_id"].map(label);
    assert_eq!(labels, ["Ubuntu", "ubuntu", "debian", "a \"b\"", "22.04"]);
    assert_eq!(label("variant"), "");
    let version = "node_os_version{id=\"ubuntu\",id_like=\"debian\",name=\"Ubuntu\"}";
    assert_eq!(value(&families, version), Some(22.04));
    assert_eq!(os_release("ID=arch\n").unwrap().len(), 1, "a rolling release has no version");
    assert_eq!(
        value(&os_release("VERSION_ID=3.19.1\n").unwrap(), "node_os_version{id=\"\",id_like=\"\",name=\"\"}"),
        Some(3.19)
    );
}

#[test]
fn clock_offset_is_nanoseconds_only_when_the_kernel_says_so() {
    let micro = Timex { state: 0, status: 0x0001, offset: -1500.0, maxerror: 16_000_000.0, ..Timex::default() };
    let nano = Timex { state: 5, status: 0x2040, freq: 65_536.0 * 100.0, ..micro };
    let families = timex(&micro);
    assert_eq!(value(&families, "node_timex_offset_seconds"), Some(-0.0015));
    assert_eq!(value(&families, "node_timex_sync_status"), Some(1.0));
    assert_eq!(value(&families, "node_timex_maxerror_seconds"), Some(16.0));
    let families = timex(&nano);
    assert_eq!(value(&families, "node_timex_offset_seconds"), Some(-0.0000015));
    assert_eq!(value(&families, "node_timex_sync_status"), Some(0.0));
    assert_eq!(value(&families, "node_timex_frequency_adjustment_ratio"), Some(1.0001));
    assert_eq!(value(&families, "node_timex_status"), Some(8256.0));
}
