"""Runs the benchmarks one after the other and reports. Called by scripts/bench."""
import argparse
import pathlib

import embedded
import evaluate
import latency
import live
import reads
import report
from lab import Lab

CASES = {
    "evaluate": evaluate.run, "active": lambda lab, options: evaluate.run(lab, options, active=True),
    "latency": latency.run, "live": live.run, "reads": reads.run, "embedded": embedded.run,
}
PAGE = pathlib.Path("docs/performance.md")
BEGIN, END = "<!-- results: written by scripts/bench --write -->", "<!-- end of results -->"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin-dir", required=True)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    options.window = 15 if options.quick else 60
    chosen = options.only.split(",")
    if unknown := [name for name in chosen if name not in CASES]:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(CASES)}")

    results = {}
    for name in chosen:
        lab = Lab(options.bin_dir)
        try:
            results[name] = CASES[name](lab, options)
        finally:
            lab.close()
        print("\n".join(getattr(report, name)(results[name])), flush=True)
    parts = report.parts(results, options.quick)
    print("\n" + report.placed("", parts))
    if options.write:
        before, rest = PAGE.read_text().split(BEGIN)
        old, after = rest.split(END)
        kept = "" if set(chosen) == set(CASES) else old
        PAGE.write_text(f"{before}{BEGIN}\n\n{report.placed(kept, parts)}\n\n{END}{after}")


if __name__ == "__main__":
    main()
