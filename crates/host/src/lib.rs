//! A Linux host's metrics under node exporter's names: text in, samples out.
