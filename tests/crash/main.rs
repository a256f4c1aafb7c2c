//! What must survive: real processes, killed, frozen and cut off, while alerts come and go. Each story is told for some
//! rounds (`tests/faults --help`), and the oracle judges everything that came of it.

mod imports;
mod kills;
mod outages;
mod queue;
mod restarts;
mod schedulers;
mod source;
mod steps;
mod stop;
