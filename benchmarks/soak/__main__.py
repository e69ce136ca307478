"""Whether anything grows: days of conversation in compressed time, or real services for as long as you like.

    python -m benchmarks.soak --virtual 24          24 hours, four conversations side by side; services simulated
    python -m benchmarks.soak --real 60             an hour of real time, with the embedded services and a server
    python -m benchmarks.soak --virtual 1 --leak    plants a leak, to see that it is found

Memory, live objects, tasks, timers, descriptors and threads are counted again and again. It ends with 1 where one of
them grows by more than it may in 1000 turns, and where a conversation broke a promise (:mod:`benchmarks.checker`).
Ctrl+C ends a run on the virtual clock early, and what was counted is judged.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported: see sophia.silero

import uvloop

from benchmarks.soak.growth import TURNS, WARM_UP, Sample, breaches, slopes
from pipelines.machine.environment import environment

ALLOWED = {"resident_mb": 1.0, "objects": 150.0, "tasks": 1.0, "timers": 1.0, "descriptors": 1.0, "threads": 1.0}
"""By how much each may grow in 1000 turns, on the virtual clock."""

ALLOWED_IN_REAL = ALLOWED | {"resident_mb": 10.0, "objects": 4000.0, "descriptors": 5.0}
"""The same with real services. An hour has a thousand turns, in which caches still fill and sockets come and go. A
session over a socket keeps its last 1,000 items, two objects each, which an hour does not fill."""

MOST_GROWN = 10
"""Kinds of objects that are named."""

TOLD_EVERY = 10
"""Samples between two lines of progress."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--virtual", type=float, metavar="HOURS", help="on a virtual clock, services simulated")
    how.add_argument("--real", type=float, metavar="MINUTES", help="in real time, services embedded, a server beside")
    parser.add_argument("--sessions", type=int, default=4, metavar="N", help="side by side (default: 4)")
    parser.add_argument("--seed", type=int, default=0, help="another one says and breaks other things (default: 0)")
    parser.add_argument("--leak", action="store_true", help="with --virtual: keep every ledger; the bounds must fail")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    return parser


def main() -> int:
    args = arguments().parse_args()
    shown = 0

    def progress(sample: Sample, real: float) -> None:
        nonlocal shown
        if shown % TOLD_EVERY == 0:
            counts = "  ".join(f"{name} {value:.6g}" for name, value in sample.values.items())
            print(f"{sample.turns:6d} turns  {sample.seconds / 3600:6.2f} h  real {real / 60:5.1f} min  {counts}")
            sys.stdout.flush()
        shown += 1

    if args.virtual is not None:
        from benchmarks.soak import virtual  # noqa: PLC0415 - each way imports what it needs

        found = virtual.soak(args.virtual, args.sessions, args.seed, leak=args.leak, progress=progress)
        about = {"services": "simulated", "hours": args.virtual, "side_by_side": args.sessions, "seed": args.seed}
        return _verdict(about | found, ALLOWED, args.json)
    from benchmarks.soak import real  # noqa: PLC0415

    found = uvloop.run(real.soak(args.real, args.seed, progress))
    about = {"services": "embedded", "minutes": args.real, "seed": args.seed}
    return _verdict(about | found, ALLOWED_IN_REAL, args.json)


def _verdict(results: dict[str, Any], allowed: dict[str, float], file: Path | None) -> int:
    samples: list[Sample] = results.pop("samples")
    found = slopes(samples)
    wrong = breaches(samples, allowed) + results["breaches"]
    grown = Counter(results["grown"]).most_common(MOST_GROWN)
    results = {"machine": environment()} | results | {"grown": {kind: more for kind, more in grown if more > 0}}
    results |= {"slopes": found, "allowed": allowed, "wrong": wrong}
    results["samples"] = [{"turns": s.turns, "seconds": round(s.seconds), **s.values} for s in samples]
    print(f"\n{results['turns']} turns in {results['sessions']} sessions: {results['outcomes']}")
    print(f"services failed: {results['faults']}; promises broken: {results['breached']}")
    print(f"{'':18}{'first':>10}{'last':>10}{'slope':>10}{'allowed':>10}")
    for name, slope in found.items():
        first, last, bound = samples[0].values[name], samples[-1].values[name], allowed.get(name)
        limit = "-" if bound is None else f"{bound:g}"
        print(f"{name:18}{first:10.6g}{last:10.6g}{slope:10.3g}{limit:>10}")
    print(f"Slopes are for {TURNS} turns, after the first {WARM_UP:.0%}. Most grown: {results['grown'] or 'nothing'}")
    for line in wrong:
        print(f"! {line}")
    if file:
        file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
