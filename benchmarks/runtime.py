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
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import uvloop

from nova.history import History
from pipelines.conversation.conversation import Conversation, Detector, Parts
from pipelines.conversation.phrases import Phrases
from pipelines.conversation.watcher import Watcher
from pipelines.machine.environment import environment
from pipelines.simulation.exact import (
    Delays,
    OracleDetector,
    Says,
    SimulatedMind,
    SimulatedRecognizer,
    SimulatedUser,
    SimulatedVoice,
)
from pipelines.telemetry.ledger import PLAYED, Count, Ledger
from sophia.audio import EAR_RATE, Pcm
from sophia.silero import SileroModel, VoiceDetector
from sophia.sinks import NullSink
from sophia.soundbite import voiced_span
from sophia.turn_settings import TurnSettings
from sophia.turns import TurnTaking
from sophia.vad import VadSettings, VoiceStarted, VoiceStopped
from sophia.wav import read_wav

DELAYS = Delays()
IDEAL = DELAYS.final + DELAYS.first_token + 5 * DELAYS.token + DELAYS.first_sound
TOKENS = re.findall(
    r" ?\S+",
    "Thanks for waiting on the line, I have just found your order right here. It left our main warehouse early this "
    "morning and should arrive at home tomorrow. Is there anything else that I can help you with right now?",
)
WARM_UP = 3
SOUNDBITE = Path(__file__).parent.parent / "pipelines/soundbites/02_what_time.wav"
TUNED = TurnSettings(pause_complete=0.1, pause_open=0.1)
Emit = Callable[[VoiceStarted | VoiceStopped], None]


class Book(Watcher):
    """Keeps the ledgers, and what the user really did: the script knows, whatever was detected."""

    def __init__(self, user: SimulatedUser, script: list[Says]) -> None:
        self.turns: list[Ledger] = []
        self._user = user
        self._script = script

    def turn(self, ledger: Ledger, span: object) -> None:
        self.turns.append(ledger)

    def added(self, ledger: Ledger) -> float | None:
        """Seconds above the ideal from the user's true last sample to her first audible one."""
        played = ledger.marks.get(PLAYED)
        ends = [self._user.started + says.at + says.length for says in self._script]
        before = [end for end in ends if played is not None and end < played]
        return played - before[-1] - IDEAL if played is not None and before else None

    def cut(self, ledger: Ledger) -> float | None:
        """Seconds from the true onset of the interrupting voice to her last sample."""
        silenced = ledger.marks.get("silenced")
        onsets = [self._user.started + says.at for says in self._script]
        before = [onset for onset in onsets if silenced is not None and onset < silenced]
        return silenced - before[-1] if silenced is not None and before else None


def speech() -> Pcm:
    """The project's own soundbite, from its first to its last voiced sample."""
    pcm = read_wav(SOUNDBITE, EAR_RATE).pcm
    span = voiced_span(pcm)
    assert span is not None
    return pcm[slice(*span)]


def conversation(
    script: list[Says], seconds: float, detector: Callable[[Emit], Detector], turns: TurnSettings, pace: float
) -> tuple[Conversation, Book]:
    """A conversation with simulated services, and its book."""
    user = SimulatedUser(script, seconds)
    book = Book(user, script)
    parts = Parts(
        source=user,
        asr=SimulatedRecognizer(user, DELAYS),
        detector=detector,
        turns=TurnTaking(turns),
        llm=SimulatedMind(TOKENS, DELAYS),
        history=History("You are Nova.", max_tokens=500),
        tts=SimulatedVoice(DELAYS, pace=pace),
        phrases=Phrases(),
        sink=NullSink(),
    )
    return Conversation(parts, book), book


def script(turns: int, period: float, over: float, pcm: Pcm | None, offset: float = 0.0) -> list[Says]:
    """A question each ``period``; with ``over`` the user also speaks that long after, over the reply."""
    says = []
    for turn in range(turns):
        at = round(0.5 + offset + turn * period, 2)
        says.append(Says(at, "where is my order", pcm=pcm))
        if over:
            says.append(Says(round(at + over, 2), "no stop that now", pcm=pcm))
    return says


def detectors(real: bool) -> tuple[Callable[[Emit], Detector], Pcm | None]:
    """The real detector with real speech, or the oracle with a buzz."""
    if not real:
        return OracleDetector, None
    model, settings = SileroModel(), VadSettings()
    return (lambda emit: VoiceDetector(model, settings, emit)), speech()


def spread(seconds: list[float]) -> dict[str, float]:
    """Median and 95th percentile in ms, and how many."""
    if not seconds:
        return {"n": 0}
    p50, p95 = np.percentile(np.array(seconds) * 1000, [50, 95])
    return {"p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1), "n": len(seconds)}


async def voice_to_voice(real: bool, settings: TurnSettings, turns: int) -> dict[str, object]:
    """What is added to the ideal voice-to-voice time, one session."""
    detector, pcm = detectors(real)
    period = 3.6 + (len(pcm) / EAR_RATE if pcm is not None else 0.6)
    talk, book = conversation(script(turns, period, 0, pcm), turns * period + 1, detector, settings, pace=0.04)
    await talk.run()
    kept = [ledger for ledger in book.turns[WARM_UP:] if ledger.voice_to_voice is not None]
    stages = {
        stage: spread([ledger.contributions().get(stage, 0.0) for ledger in kept])
        for stage in (kept[0].contributions() if kept else {})
    }
    return {
        "added": spread([added for ledger in kept if (added := book.added(ledger)) is not None]),
        "false_cutoffs": sum(ledger.counts[Count.FALSE_CUTOFFS] for ledger in book.turns),
        "missed_turns": turns - len(book.turns),
        "contributions": stages,
    }


async def barge_in(real: bool, settings: TurnSettings, turns: int) -> dict[str, object]:
    """From the onset of the user's voice to her last sample."""
    detector, pcm = detectors(real)
    period = 6.0
    talk, book = conversation(script(turns, period, 3.2, pcm), turns * period + 1, detector, settings, pace=0.1)
    await talk.run()
    cut = [cut for ledger in book.turns[2 * WARM_UP :] if (cut := book.cut(ledger)) is not None]
    return {"onset_to_last_sample": spread(cut)}


async def sessions(count: int, real: bool, seconds: float) -> dict[str, object]:
    """Many conversations in this process: processor time, added latency, memory."""
    detector, pcm = detectors(real)
    period = 3.6 + (len(pcm) / EAR_RATE if pcm is not None else 0.6)
    gc.collect()
    before = resident_mb()
    talks = []
    for index in range(count):
        offset = period * index / count
        says = script(int((seconds + 6) / period) + 1, period, 0, pcm, offset)
        talks.append(conversation(says, seconds + 6, detector, TurnSettings(), pace=0.04))
    gc.freeze()  # as the voice loop does
    async with asyncio.TaskGroup() as group:
        for talk, _ in talks:
            group.create_task(talk.run())
        await asyncio.sleep(4)
        cpu, start = time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        cpu, wall = time.process_time() - cpu, time.monotonic() - start
        memory = resident_mb()
        for talk, _ in talks:
            talk.stop()
    added = [a for _, book in talks for ledger in book.turns if (a := book.added(ledger)) is not None]
    return {
        "sessions": count,
        "cpu_ms_per_session_second": round(1000 * cpu / wall / count, 2),
        "core_used": round(cpu / wall, 3),
        "added": spread(added),
        "mb_per_session": round((memory - before) / count, 3),
        "false_cutoffs": sum(ledger.counts[Count.FALSE_CUTOFFS] for _, book in talks for ledger in book.turns),
        "outcomes": dict(Counter(str(ledger.outcome) for _, book in talks for ledger in book.turns)),
    }


def resident_mb() -> float:
    """Resident memory of this process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


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
    everything = ["import", "v2v", "machinery", "barge-in", "sessions"]
    parser.add_argument("what", nargs="*", choices=[*everything, []], help="default: all")
    parser.add_argument("--turns", type=int, default=33, help="turns a run, the first 3 dropped (default: %(default)s)")
    parser.add_argument("--sessions", default="1,10,25,50,100,150,200", help="session counts (default: %(default)s)")
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
            show(f"sessions, Silero, {count}", uvloop.run(sessions(count, True, 15.0)))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
