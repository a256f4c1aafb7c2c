//! What commands say. Whoever reads it may go at any time, as `head` does; then a command ends without a word.

use std::{
    fmt,
    io::{self, ErrorKind, Write as _},
};

use anyhow::Context as _;

/// How a command ends whose reader is gone: as one that `SIGPIPE` has killed, which is how the shell tells it.
pub(crate) const UNHEARD: u8 = 141;

/// Nobody reads standard output any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads what is printed")]
pub(crate) struct Unheard;

/// Prints a text as it is.
///
/// # Errors
/// [`Unheard`], with which the command should end; or what is wrong with standard output.
pub(crate) fn print(text: impl fmt::Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Unheard.into()),
        written => written.context("write to standard output"),
    }
}

/// Prints a text as a line, otherwise as [`print`].
pub(crate) fn line(text: impl fmt::Display) -> anyhow::Result<()> {
    print(format_args!("{text}\n"))
}

/// Says something beside what is printed, in a line on standard error. There is nowhere to complain if that is gone.
pub(crate) fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Asks the person at the terminal, on standard error; the answer is on the same line.
pub(crate) fn prompt(text: &str) -> io::Result<()> {
    let mut terminal = io::stderr();
    write!(terminal, "{text}")?;
    terminal.flush()
}
