//! Reads the files of `/proc`, `/sys` and `/etc` with as few system calls as they need.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{OFlag, openat},
    sys::stat::Mode,
};

use crate::parse::{Interface, ParseError};

/// Most files are shorter than this, so that one read gets them whole.
const PAGE: usize = 4096;
/// No file is longer, not even a mount table of thousands of containers.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Why a collector has nothing to show.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("{0}")]
    System(#[from] io::Error),
}

/// The text of a file of `/proc` or `/etc`.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::Read { path: path.to_owned(), error };
    // With room from the start: asking the kernel for the length of these files costs two calls, and it does not know.
    let mut bytes = Vec::with_capacity(PAGE);
    File::open(path).map_err(failed)?.take(LONGEST).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 == LONGEST { Err(failed(io::ErrorKind::FileTooLarge.into())) } else { Ok(text(bytes)) }
}

/// The value of a file of `/sys` below `directory`: at most a page, which comes whole with the first read.
fn attribute(directory: &OwnedFd, name: &str) -> Option<String> {
    let file = openat(directory, name, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).ok()?;
    let mut page = [0; PAGE];
    let length = File::from(file).read(&mut page).ok()?;
    Some(text(page[..length].to_vec()))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The interface at `path`; `None` for what is no directory, as `bonding_masters` among the interfaces.
pub(super) fn interface(path: &Path) -> Option<Interface> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory = nix::fcntl::open(path, flags, Mode::empty()).ok()?;
    let file = |name| attribute(&directory, name);
    Some(Interface {
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
    })
}
