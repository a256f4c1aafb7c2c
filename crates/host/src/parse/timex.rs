//! What adjtimex(2) says of the kernel's clock discipline.

use crate::Family;

/// `TIME_ERROR`: the clock is not synchronised.
const TIME_ERROR: i32 = 5;
/// `STA_NANO`: offset and jitter are in nanoseconds, otherwise in microseconds.
const STA_NANO: i32 = 0x2000;
const MICROSECONDS: f64 = 1_000_000.0;
const NANOSECONDS: f64 = 1_000_000_000.0;
/// Frequencies are parts per million with a 16-bit fraction.
const SCALED_PPM: f64 = 1_000_000.0 * 65_536.0;

/// `struct timex` of adjtimex(2) after a call that changes nothing, in the kernel's own units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of adjtimex(2)")]
pub struct Timex {
    /// What adjtimex returned: `TIME_OK` (0) to `TIME_ERROR` (5).
    pub state: i32,
    pub status: i32,
    pub offset: f64,
    pub freq: f64,
    pub maxerror: f64,
    pub esterror: f64,
    pub constant: f64,
    pub tick: f64,
    pub ppsfreq: f64,
    pub jitter: f64,
    pub shift: f64,
    pub stabil: f64,
    pub jitcnt: f64,
    pub calcnt: f64,
    pub errcnt: f64,
    pub stbcnt: f64,
    pub tai: f64,
}

/// Offset, error bounds and synchronisation of the clock, in seconds.
pub fn timex(timex: &Timex) -> Vec<Family> {
    let mut families = discipline(timex);
    families.extend(pulse_per_second(timex));
    families
}

fn fraction(timex: &Timex) -> f64 {
    if timex.status & STA_NANO != 0 { NANOSECONDS } else { MICROSECONDS }
}

fn discipline(timex: &Timex) -> Vec<Family> {
    let synchronised = if timex.state == TIME_ERROR { 0.0 } else { 1.0 };
    let gauge = |name: &'static str, help: &'static str, value| Family::gauge(name, help, value);
    vec![
        gauge("node_timex_sync_status", "Is clock synchronized to a reliable server (1 = yes, 0 = no).", synchronised),
        gauge(
            "node_timex_offset_seconds",
            "Time offset in between local system and reference clock.",
            timex.offset / fraction(timex),
        ),
        gauge(
            "node_timex_frequency_adjustment_ratio",
            "Local clock frequency adjustment.",
            1.0 + timex.freq / SCALED_PPM,
        ),
        gauge("node_timex_maxerror_seconds", "Maximum error in seconds.", timex.maxerror / MICROSECONDS),
        gauge("node_timex_estimated_error_seconds", "Estimated error in seconds.", timex.esterror / MICROSECONDS),
        gauge("node_timex_status", "Value of the status array bits.", f64::from(timex.status)),
        gauge("node_timex_loop_time_constant", "Phase-locked loop time constant.", timex.constant),
        gauge("node_timex_tick_seconds", "Seconds between clock ticks.", timex.tick / MICROSECONDS),
        gauge("node_timex_tai_offset_seconds", "International Atomic Time (TAI) offset.", timex.tai),
    ]
}

fn pulse_per_second(timex: &Timex) -> Vec<Family> {
    let gauge = |name: &'static str, help: &'static str, value| Family::gauge(name, help, value);
    let counter = |name: &'static str, help: &'static str, value| Family::counter(name, help, value);
    vec![
        gauge("node_timex_pps_frequency_hertz", "Pulse per second frequency.", timex.ppsfreq / SCALED_PPM),
        gauge("node_timex_pps_jitter_seconds", "Pulse per second jitter.", timex.jitter / fraction(timex)),
        gauge("node_timex_pps_shift_seconds", "Pulse per second interval duration.", timex.shift),
        gauge(
            "node_timex_pps_stability_hertz",
            "Pulse per second stability, average of recent frequency changes.",
            timex.stabil / SCALED_PPM,
        ),
        counter("node_timex_pps_jitter_total", "Pulse per second count of jitter limit exceeded events.", timex.jitcnt),
        counter("node_timex_pps_calibration_total", "Pulse per second count of calibration intervals.", timex.calcnt),
        counter("node_timex_pps_error_total", "Pulse per second count of calibration errors.", timex.errcnt),
        counter(
            "node_timex_pps_stability_exceeded_total",
            "Pulse per second count of stability limit exceeded events.",
            timex.stbcnt,
        ),
    ]
}
