"""What becomes of a conversation when something breaks: fault after fault, and a checker over what was recorded.

    python -m benchmarks.chaos --list               all faults, and what is expected
    python -m benchmarks.chaos                      all of them, on the voice loop and on the server: most of an hour
    python -m benchmarks.chaos --only kill-speech --target voice --seed 7 --keep /tmp/chaos

The programs run as their users run them, with the embedded services over TLS. Each fault comes at a moment that the
seed decides. It ends with 1 where a program did not keep its promises (:mod:`benchmarks.chaos.judge`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported: see sophia.silero

from benchmarks.chaos.fault import Fault
from benchmarks.chaos.faults_clients import CLIENTS
from benchmarks.chaos.faults_lines import LINES
from benchmarks.chaos.faults_machine import MACHINE
from benchmarks.chaos.faults_processes import PROCESSES
from benchmarks.chaos.running import tried
from pipelines.machine.environment import environment

FAULTS = (*MACHINE, *PROCESSES, *LINES, *CLIENTS)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = sorted(fault.name for fault in FAULTS)
    parser.add_argument("--list", action="store_true", help="tell all faults and what is expected, and end")
    parser.add_argument(
        "--only", action="append", choices=names, metavar="NAME", help="this fault alone; may be repeated"
    )
    parser.add_argument("--target", choices=("voice", "server"), help="this program alone")
    parser.add_argument("--seed", type=int, default=0, help="decides when faults come (default: 0)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="trials side by side (default: 1)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep each trial's take, output and log there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    return parser


def main() -> int:
    args = arguments().parse_args()
    chosen = [fault for fault in FAULTS if args.only is None or fault.name in args.only]
    if args.list:
        for fault in chosen:
            print(f"{fault.name:24} {'+'.join(fault.targets):13} {fault.does}\n{'':38} → {fault.expected}")
            if lacks := fault.needs():
                print(f"{'':38} not here: {lacks}")
        return 0
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
    trials = [(fault, target) for fault in chosen for target in fault.targets if args.target in (None, target)]
    results = asyncio.run(_all(trials, args.seed, args.jobs, args.keep))
    print(f"\n{'fault':24}{'target':8}{'exit':>5}{'stop s':>8}{'answer s':>10}  outcome")
    for result in results:
        print(_row(result))
    broken = [result for result in results if result.get("breaches")]
    print(f"{len(results)} trials, {len(broken)} with broken promises, seed {args.seed}")
    if args.json:
        report = {"machine": environment() | {"services": "embedded"}, "seed": args.seed, "trials": results}
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if broken else 0


async def _all(trials: Sequence[tuple[Fault, str]], seed: int, jobs: int, keep: Path | None) -> list[dict[str, Any]]:
    free, done = asyncio.Semaphore(jobs), 0

    async def one(fault: Fault, target: str) -> dict[str, Any]:
        nonlocal done
        async with free:
            if lacks := fault.needs():
                result: dict[str, Any] = {"fault": fault.name, "target": target, "skipped": lacks}
            else:
                result = await tried(fault, target, seed, keep)
        done += 1
        _say(f"{done}/{len(trials)}  {fault.name}, {target}: {fault.does}")
        for line in _story(result):
            _say(f"    {line}")
        return result

    async with asyncio.TaskGroup() as group:
        running = [group.create_task(one(fault, target)) for fault, target in trials]
    return [task.result() for task in running]


def _story(result: dict[str, Any]) -> list[str]:
    """What became of a trial, line by line."""
    if lacks := result.get("skipped"):
        return [f"skipped: {lacks}"]
    end = f"{result['turns']}, exit code {result['exit_code']}, {result['seconds']} s"
    return [*result["notes"], *(f"! {breach}" for breach in result["breaches"]), end]


def _row(result: dict[str, Any]) -> str:
    head = f"{result['fault']:24}{result['target']:8}"
    if lacks := result.get("skipped"):
        return f"{head}{'':23}  skipped: {lacks}"
    stop, answer = ("-" if result[name] is None else result[name] for name in ("stop_seconds", "first_answer_seconds"))
    said = "; ".join(result["breaches"]) or f"kept: {result['turns']}"
    return f"{head}{result['exit_code']!s:>5}{stop!s:>8}{answer!s:>10}  {said}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
