//! Asks the kernel about its clock discipline; changes nothing.

use std::io;

use rtime_clock::adjtime;

use crate::parse::Timex;

/// What adjtimex(2) answers to a request without modes, which needs no privilege.
///
/// # Errors
///
/// The call is refused, as some container runtimes do.
pub(crate) fn read() -> io::Result<Timex> {
    let mut answer = adjtime::Timex::new();
    let state = adjtime::adjtimex(&mut answer)?;
    let raw = answer.0;
    Ok(Timex {
        state,
        status: raw.status,
        offset: raw.offset as f64,
        freq: raw.freq as f64,
        maxerror: raw.maxerror as f64,
        esterror: raw.esterror as f64,
        constant: raw.constant as f64,
        tick: raw.tick as f64,
        ppsfreq: raw.ppsfreq as f64,
        jitter: raw.jitter as f64,
        shift: f64::from(raw.shift),
        stabil: raw.stabil as f64,
        jitcnt: raw.jitcnt as f64,
        calcnt: raw.calcnt as f64,
        errcnt: raw.errcnt as f64,
        stbcnt: raw.stbcnt as f64,
        tai: f64::from(raw.tai),
    })
}
