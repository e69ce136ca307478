"""Many sessions of one runtime with real streams to every service, over TLS, and the face on.

The services are :mod:`benchmarks.lab`, in another process and on another processor. So this process pays what one with
real services would. That is channels, encryption, messages, all four clients, spans and metrics.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.lab import running
from benchmarks.measure import Spread, Window, spread, stages
from benchmarks.scene import Book, period, phase, script, speech, user
from pipelines.certs import make_development_pki
from pipelines.conversation.face_show import MISSING_LIMIT
from pipelines.settings.model import Settings
from pipelines.talk.runtime import Runtime
from pipelines.telemetry.ledger import Outcome
from sophia.sinks import NullSink

BEFORE = 6.0
"""Seconds in which streams are opened and every caller has asked once."""


async def wires(count: int, seconds: float, *, watched: bool = False) -> dict[str, object]:
    """``count`` sessions for ``seconds``; where they are ``watched``, each one's poses are made for somebody."""
    with tempfile.TemporaryDirectory() as folder:
        make_development_pki(Path(folder))
        async with (
            running(Path(folder), another_processor()) as ports,
            Runtime(settings_for(ports, folder), sessions=count) as runtime,
        ):
            assert runtime.faceless is None, runtime.faceless
            return await _measure(runtime, count, seconds, watched)


async def _measure(runtime: Runtime, count: int, seconds: float, watched: bool) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    pcm = speech()
    every = period(pcm)
    talks = []
    for index in range(count):
        said = script(int((seconds + BEFORE + 4) / every) + 1, every, 0, pcm, every * index / count)
        caller = user(said, seconds + BEFORE + 10, phase=phase(index))
        book = WatchedBook(caller, said) if watched else Book(caller, said)
        talks.append((runtime.session(caller, NullSink(), [book]), book))
    gc.collect()
    gc.freeze()
    async with asyncio.TaskGroup() as group:
        for talk, _ in talks:
            group.create_task(talk.run())
        await asyncio.sleep(BEFORE)
        window = Window()
        await window.run(seconds)
        until = loop.time() - 1.0
        for talk, _ in talks:
            talk.stop()
    books = [book for _, book in talks]
    whole = [ledger for book in books for ledger in book.turns if ledger.outcome is Outcome.REPLIED]
    added: Spread = spread([a for book in books for ledger in book.turns if (a := book.added(ledger)) is not None])
    return {
        "sessions": count,
        **window.figures(count),
        "added": added,
        "contributions": stages(whole),
        "turns": len(whole),
        "false_cutoffs": sum(book.false_cutoffs for book in books),
        "missed_turns": sum(book.missed(until) for book in books),
        "faults": dict(sum((book.faults for book in books), Counter())),
        "without_face": sum(ledger.face_missing is None or ledger.face_missing > MISSING_LIMIT for ledger in whole),
    }


class WatchedBook(Book):
    """Somebody sees her, too."""

    def posed(self, time: float, weights: object) -> None:
        """Looks at it."""


def settings_for(ports: dict[str, int], folder: str) -> Settings:
    """The settings that reach the lab."""

    def at(place: str) -> dict[str, Any]:
        return {"endpoint": {"target": f"localhost:{ports[place]}", "tls": {"ca": f"{folder}/ca.crt"}}}

    return Settings.model_validate({"asr": at("speech"), "tts": at("speech"), "llm": at("llm"), "face": at("face")})


def another_processor() -> int | None:
    """One that this process need not share, if there are two."""
    ours, all_of_them = os.sched_getaffinity(0), set(range(os.cpu_count() or 1))
    if len(ours) > 1:
        os.sched_setaffinity(0, {min(ours)})
        return max(ours)
    return max(all_of_them - ours, default=None)
