//! The service on each host: its requests, how long they took, and its processes.

use super::{DAY, Lines, Shape, mixed};

const BOUNDS: [&str; 12] = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];
const SHARES: [f64; 12] = [0.03, 0.11, 0.34, 0.58, 0.79, 0.921, 0.967, 0.986, 0.9962, 0.9991, 0.999_9, 1.0];

pub(super) fn add(lines: &mut Lines) {
    let life = 2.0 * DAY + (mixed(lines.host) % 86_400) as f64;
    for (n, handler) in
        (0_i32..).zip(["/", "/login", "/cart", "/search", "/items", "/checkout", "/api/v1/query", "/healthz"])
    {
        let (rate, seed) = (0.4 * 2_f64.powi(n), mixed(lines.host << 8 | u64::from(n.cast_unsigned())));
        for (bound, share) in BOUNDS.iter().zip(SHARES) {
            let of = [("handler", handler), ("le", *bound)];
            let shape = Shape::Bucket { rate, share, life };
            lines.seeded("api", "http_request_duration_seconds_bucket", &of, shape, seed);
        }
        let of = [("handler", handler)];
        let all = Shape::Bucket { rate, share: 1.0, life };
        lines.seeded("api", "http_request_duration_seconds_count", &of, all, seed);
        let took = Shape::Counter { rate: 0.081 * rate, unit: 0.0, life };
        lines.seeded("api", "http_request_duration_seconds_sum", &of, took, seed);
        for (code, share) in [("200", 0.97), ("304", 0.02), ("404", 0.009), ("500", 0.001)] {
            let shape = Shape::Counter { rate: rate * share, unit: 1.0, life };
            lines.service("http_requests_total", &[("code", code), ("handler", handler)], shape);
        }
    }
    for job in ["node", "api"] {
        lines.add(job, "process_cpu_seconds_total", &[], Shape::Counter { rate: 0.03, unit: 0.01, life });
        let resident = Shape::Gauge { middle: 9e7, swing: 2e7, unit: 4_096.0, hold: 3 };
        lines.add(job, "process_resident_memory_bytes", &[], resident);
        let open = Shape::Gauge { middle: 40.0, swing: 8.0, unit: 1.0, hold: 2 };
        lines.add(job, "process_open_fds", &[], open);
        lines.add(job, "process_max_fds", &[], Shape::Constant(1_048_576.0));
        lines.add(job, "process_start_time_seconds", &[], Shape::Constant(1_767_000_123.45));
    }
}
