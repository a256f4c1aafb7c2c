//! `/proc/mounts`, and what `statfs` says of each mount.

use std::{path::Path, sync::LazyLock};

use regex::Regex;

use super::ParseError;
use crate::{Family, Kind};

/// node exporter's default `--collector.filesystem.mount-points-exclude`.
static IGNORED_MOUNT_POINTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)")
        .expect("a constant that a test compiles")
});

/// node exporter's default `--collector.filesystem.fs-types-exclude`, `erofs` being of its later versions.
static IGNORED_TYPES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs",
        "|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$"
    ))
    .expect("a constant that a test compiles")
});

/// One mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// For example `/dev/sda1`, `tmpfs` or `nas:/home`.
    pub device: String,
    /// Where it is mounted, as node exporter labels it: spaces and tabs are themselves, other escapes remain.
    pub mount_point: String,
    /// Where it is mounted, to ask `statfs`.
    pub path: String,
    /// For example `ext4`.
    pub fs_type: String,
    /// The mount has the option `ro`.
    pub read_only: bool,
}

/// What `statfs(2)` says of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of a block (`f_bsize`).
    pub block_size: u64,
    /// All blocks.
    pub blocks: u64,
    /// Free blocks.
    pub blocks_free: u64,
    /// Free blocks for other users than root.
    pub blocks_available: u64,
    /// All inodes; 0 when the file system has no such limit.
    pub files: u64,
    /// Free inodes.
    pub files_free: u64,
}

/// The mounts of `/proc/mounts` that are not ignored by default.
///
/// `root` is where a container sees its host's files; what is mounted below it is named as the host names it. It is `/`
/// for the machine itself. Of several with the same device, mount point and type only the last remains: it is the one
/// that is visible.
///
/// # Errors
///
/// A line has fewer than four fields, or there is none.
pub fn mounts(text: &str, root: &str) -> Result<Vec<Mount>, ParseError> {
    let mut mounts: Vec<Mount> = Vec::new();
    let mut lines = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        lines += 1;
        let fields: Vec<&str> = line.split_ascii_whitespace().take(4).collect();
        let [device, place, fs_type, options] = fields[..] else {
            return Err(ParseError::new("mounts", line));
        };
        let place = inside(root, place);
        let mount_point = place.replace("\\040", " ").replace("\\011", "\t");
        if IGNORED_MOUNT_POINTS.is_match(&mount_point) || IGNORED_TYPES.is_match(fs_type) {
            continue;
        }
        mounts.retain(|other| {
            (other.device.as_str(), other.mount_point.as_str(), other.fs_type.as_str())
                != (device, mount_point.as_str(), fs_type)
        });
        mounts.push(Mount {
            device: device.to_owned(),
            path: unescaped(&place),
            mount_point,
            fs_type: fs_type.to_owned(),
            read_only: options.split(',').any(|option| option == "ro"),
        });
    }
    if lines == 0 { Err(ParseError::new("mounts", text)) } else { Ok(mounts) }
}

fn inside(root: &str, place: &str) -> String {
    match Path::new(place).strip_prefix(root) {
        Ok(inside) => format!("/{}", inside.display()),
        Err(_) => place.to_owned(),
    }
}

/// The path with the kernel's four escapes undone; the backslash's last, as it may come before digits.
fn unescaped(place: &str) -> String {
    place
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\043", "#")
        .replace("\\134", "\\")
}

/// Sizes in bytes, inodes and read-only state of each mount; those whose usage is unknown have only the error.
pub fn filesystems<'a>(mounts: impl IntoIterator<Item = (&'a Mount, Option<Usage>)>) -> Vec<Family> {
    let gauge = |name, help| Family::new(name, Kind::Gauge, help);
    let mut families = [
        gauge("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."),
        gauge("node_filesystem_files", "Filesystem total file nodes."),
        gauge("node_filesystem_files_free", "Filesystem total free file nodes."),
        gauge("node_filesystem_free_bytes", "Filesystem free space in bytes."),
        gauge("node_filesystem_readonly", "Filesystem read-only status."),
        gauge("node_filesystem_size_bytes", "Filesystem size in bytes."),
    ];
    let mut errors = gauge(
        "node_filesystem_device_error",
        "Whether an error occurred while getting statistics for the given device.",
    );
    for (mount, usage) in mounts {
        let labels = [
            ("device", mount.device.as_str()),
            ("fstype", mount.fs_type.as_str()),
            ("mountpoint", mount.mount_point.as_str()),
        ];
        errors.push(labels, if usage.is_some() { 0.0 } else { 1.0 });
        let Some(usage) = usage else { continue };
        let bytes = |blocks: u64| blocks as f64 * usage.block_size as f64;
        let values = [
            bytes(usage.blocks_available),
            usage.files as f64,
            usage.files_free as f64,
            bytes(usage.blocks_free),
            if mount.read_only { 1.0 } else { 0.0 },
            bytes(usage.blocks),
        ];
        for (family, value) in families.iter_mut().zip(values) {
            family.push(labels, value);
        }
    }
    families.into_iter().chain([errors]).filter(|family| !family.metrics.is_empty()).collect()
}
