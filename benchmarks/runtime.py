"""What the runtime itself adds: voice-to-voice, barge-in, and the cost of many sessions, with simulated services.

Recogniser, mind and voice are simulated with exact delays (docs/benchmarks.md), so everything above their sum is the
runtime's own: waiting by policy, or machinery. Figures marked "simulated" are of such services.

    python -m benchmarks.runtime                 everything, about ten minutes
    python -m benchmarks.runtime v2v --turns 10  a quick look
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import uvloop

from benchmarks.measure import Window, resident_mb, spread
from benchmarks.scene import IDEAL, SECONDS_A_WORD, TUNED, conversation, detectors, period, phase, script, user
from benchmarks.wires import wires
from pipelines.machine.environment import environment
from sophia.turn_settings import TurnSettings

WARM_UP = 3


async def voice_to_voice(real: bool, settings: TurnSettings, turns: int) -> dict[str, object]:
    """What is added to the ideal voice-to-voice time, one session."""
    detector, pcm = detectors(real)
    every = period(pcm)
    said = script(turns, every, 0, pcm)
    caller = user(said, turns * every + 1, noise=real)
    talk, book = conversation(caller, said, detector, settings, pace=SECONDS_A_WORD)
    await talk.run()
    kept = [ledger for ledger in book.turns[WARM_UP:] if ledger.voice_to_voice is not None]
    stages = {
        stage: spread([ledger.contributions().get(stage, 0.0) for ledger in kept])
        for stage in (kept[0].contributions() if kept else {})
    }
    return {
        "added": spread([added for ledger in kept if (added := book.added(ledger)) is not None]),
        "false_cutoffs": book.false_cutoffs,
        "missed_turns": book.missed(asyncio.get_running_loop().time()),
        "contributions": stages,
    }


async def barge_in(real: bool, settings: TurnSettings, turns: int) -> dict[str, object]:
    """From the onset of the user's voice to her last sample."""
    detector, pcm = detectors(real)
    every = 6.02  # an odd number of frames: voices begin anywhere in the detector's windows
    said = script(turns, every, 3.2, pcm)
    talk, book = conversation(user(said, turns * every + 1, noise=real), said, detector, settings, pace=0.1)
    await talk.run()
    cut = [cut for ledger in book.turns[2 * WARM_UP :] if (cut := book.cut(ledger)) is not None]
    return {"onset_to_last_sample": spread(cut)}


async def sessions(
    count: int, real: bool, seconds: float, *, in_step: bool = False, noise: bool = True
) -> dict[str, object]:
    """Many conversations in this process: processor time, added latency, memory."""
    detector, pcm = detectors(real)
    every = period(pcm)
    gc.collect()
    before = resident_mb()
    talks = []
    for index in range(count):
        said = script(int((seconds + 6) / every) + 1, every, 0, pcm, every * index / count)
        caller = user(said, seconds + 6, phase=0.0 if in_step else phase(index), noise=noise and real)
        talks.append(conversation(caller, said, detector, TurnSettings(), pace=SECONDS_A_WORD))
    gc.freeze()  # as the voice loop does
    async with asyncio.TaskGroup() as group:
        for talk, _ in talks:
            group.create_task(talk.run())
        await asyncio.sleep(4)
        window = Window()
        await window.run(seconds)
        memory = resident_mb()
        until = asyncio.get_running_loop().time() - 1.0  # to a later question the answer may be still to come
        for talk, _ in talks:
            talk.stop()
    gc.unfreeze()
    added = [a for _, book in talks for ledger in book.turns if (a := book.added(ledger)) is not None]
    return {
        "sessions": count,
        **window.figures(count),
        "added": spread(added),
        "mb_per_session": round((memory - before) / count, 3),
        "false_cutoffs": sum(book.false_cutoffs for _, book in talks),
        "missed_turns": sum(book.missed(until) for _, book in talks),
        "faults": sum(book.faults for _, book in talks),
        "outcomes": dict(Counter(str(ledger.outcome) for _, book in talks for ledger in book.turns)),
    }


def import_seconds() -> dict[str, object]:
    """Wall time of importing the loop in a fresh interpreter, less that of starting the interpreter."""

    def median(code: str) -> float:
        walls = []
        for _ in range(5):
            start = time.monotonic()
            subprocess.run([sys.executable, "-c", code], check=True)
            walls.append(time.monotonic() - start)
        return sorted(walls)[2]

    empty = median("pass")
    return {"seconds": round(median("import pipelines.conversation.conversation") - empty, 3)}


class Stolen:
    """How much of the machine its host gave to others: what makes a virtual machine's figures differ between runs."""

    def __init__(self) -> None:
        self._last = self._read()

    def percent(self) -> float:
        """Since the last call, percent of all processor time; 0 where the kernel does not tell."""
        (stolen, total), (before, before_total) = (now := self._read()), self._last
        self._last = now
        return round(100 * (stolen - before) / max(1, total - before_total), 1)

    @staticmethod
    def _read() -> tuple[int, int]:
        ticks = [int(x) for x in (_lines("/proc/stat") or ["cpu 0 0 0 0 0 0 0 0"])[0].split()[1:]]
        return ticks[7], sum(ticks[:8])


def machine() -> dict[str, object]:
    """Where and when the figures were taken."""
    return {**environment(), "load": os.getloadavg()[0], "services": "simulated"}


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    everything = ["import", "v2v", "machinery", "barge-in", "sessions", "in-step", "digital-silence", "wires"]
    parser.add_argument("what", nargs="*", choices=[*everything, []], help="default: all")
    parser.add_argument("--turns", type=int, default=33, help="turns a run, the first 3 dropped (default: %(default)s)")
    parser.add_argument("--sessions", default="1,10,25,50,100,150,250", help="session counts (default: %(default)s)")
    parser.add_argument("--wires", type=int, default=50, help="sessions with real streams (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=15.0, help="window of a count (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="save the figures")
    args = parser.parse_args()
    what = args.what or everything
    results: dict[str, object] = {"machine": machine(), "ideal_ms": round(1000 * IDEAL)}
    print(json.dumps(results["machine"]))

    stolen = Stolen()

    def show(name: str, result: dict[str, object]) -> None:
        results[name] = result = {**result, "stolen_percent": stolen.percent()}
        print(f"{name}: {json.dumps(result)}", flush=True)

    if "import" in what:
        show("import", import_seconds())
    if "v2v" in what:
        show("v2v, defaults, Silero", uvloop.run(voice_to_voice(True, TurnSettings(), args.turns)))
    if "machinery" in what:
        show("v2v, tuned, oracle (machinery)", uvloop.run(voice_to_voice(False, TUNED, args.turns)))
    if "barge-in" in what:
        show("barge-in, defaults, Silero", uvloop.run(barge_in(True, TurnSettings(), args.turns)))
    if "sessions" in what:
        for count in map(int, args.sessions.split(",")):
            show(f"sessions, Silero, {count}", uvloop.run(sessions(count, True, args.seconds)))
    if "in-step" in what:
        show("sessions in step, Silero, 25", uvloop.run(sessions(25, True, args.seconds, in_step=True)))
    if "digital-silence" in what:
        show("sessions on muted lines, Silero, 25", uvloop.run(sessions(25, True, args.seconds, noise=False)))
    if "wires" in what:
        show(f"wires, {args.wires}", uvloop.run(wires(args.wires, args.seconds)))
        show(f"wires, watched, {args.wires}", uvloop.run(wires(args.wires, args.seconds, watched=True)))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
