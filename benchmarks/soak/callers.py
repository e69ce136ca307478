"""Callers who never tire: they ask, interrupt, say "okay" in between, cough, type, and are silent for minutes.

What a caller does is drawn from a seed. It talks to any session: one of this process, or one over a socket.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from benchmarks.checker import MOST_TOLD
from benchmarks.soak.growth import Sample
from pipelines.conversation.events import Failed, Happening, TextTyped, TurnEnded
from pipelines.conversation.observers import Observer
from pipelines.scenarios.loading import load_scenario
from pipelines.simulation.exact import Says, SimulatedUser
from sophia.audio import EAR_RATE, FRAME_SECONDS, Frame, Pcm

STAYS = (5, 40)
"""Turns after which a caller leaves: all but the first, who stays."""

QUIET_SECONDS = 0.6
"""Quiet after a reply, before the caller goes on."""

FORGOTTEN = 8
"""Lines after which it is forgotten that one was said; only simulated ears ask what was."""

LONGEST_SECONDS = 60.0
"""Longest wait for a reply to be over; then the caller goes on without it."""


class EndlessUser(SimulatedUser):
    """Says what it is told, when it is told, for as long as it is asked; what it has said it forgets."""

    def __init__(self, *, phase: float, room: Pcm | None) -> None:
        super().__init__((), 0, phase=phase, room=room)
        self._closed = False
        self._frame = 0

    def say(self, text: str, pcm: Pcm) -> float:
        """Begins with the next frame but one; returns for how long it will be speaking."""
        at = (self._frame + 2) * FRAME_SECONDS
        says = Says(at, text, pcm=pcm)
        self._script = [says]
        self._ends = deque([*self._ends, (round((at + says.length) * EAR_RATE), says)], maxlen=FORGOTTEN)
        return says.length + 2 * FRAME_SECONDS

    async def frames(self) -> AsyncIterator[Frame]:
        loop = asyncio.get_running_loop()
        self.started = loop.time() + self._phase
        while not self._closed:
            start = self._frame * FRAME_SECONDS
            self._frame += 1
            if (delay := self.started + start + FRAME_SECONDS - loop.time()) > 0:
                await asyncio.sleep(delay)
            yield Frame(self._sound(start), self.started + start)

    async def aclose(self) -> None:
        self._closed = True


class Talking(Protocol):
    """A session, wherever it is."""

    @property
    def phase(self) -> str: ...

    def tell(self, event: TextTyped) -> None: ...

    def stop(self) -> None: ...

    async def run(self) -> None: ...


class Turns(Protocol):
    """Counts turns, and is told that there are no more."""

    turns: int

    def close(self) -> None: ...


@dataclass(slots=True)
class Tally(Observer):
    """What became of all turns; grows only with the kinds of things that happen."""

    turns: int = 0
    sessions: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    breaches: list[str] = field(default_factory=list)
    breached: int = 0

    def breach(self, line: str) -> None:
        """A promise was not kept."""
        self.breached += 1
        if len(self.breaches) < MOST_TOLD:
            self.breaches.append(line)

    def told(self, happening: Happening) -> None:
        if isinstance(happening, TurnEnded):
            self.turns += 1
            self.outcomes[str(happening.ledger.outcome)] += 1
        elif isinstance(happening, Failed):
            self.faults[happening.service] += 1

    def result(self, samples: Sequence[Sample], grown: Counter[str]) -> dict[str, Any]:
        """All of it, with the samples, and by how much each kind of object has ``grown``."""
        return {
            "samples": samples,
            "turns": self.turns,
            "sessions": self.sessions,
            "outcomes": dict(self.outcomes),
            "faults": dict(self.faults),
            "breaches": self.breaches,
            "breached": self.breached,
            "grown": dict(grown),
        }


class Lines:
    """What callers say; ``silence`` is how long they may be silent, in seconds."""

    def __init__(self, seed: int, silence: tuple[float, float]) -> None:
        lines = [line for talk in load_scenario("bundled").talks for line in talk.lines]
        self.questions = [line for line in lines if line.reaction == "reply" and line.name != "stop"]
        self.stops = [line for line in lines if line.name in ("stop", "wait")]
        self.nods = [line for line in lines if line.name in ("okay", "yes")]
        self.cough = np.random.default_rng(seed).normal(0, 4000, EAR_RATE // 3).astype(np.int16)
        self.silence = silence


Meet = Callable[[random.Random], tuple[EndlessUser, Talking, Turns]]
"""Makes a caller, and a session for it."""


async def calls(meet: Meet, lines: Lines, chance: random.Random, until: float, *, stays: bool) -> None:
    """One place on the line, until then (``loop.time()``): a caller who stays, or one after another."""
    loop = asyncio.get_running_loop()
    while loop.time() < until:
        user, session, counter = meet(chance)
        turns = 10**9 if stays else chance.randrange(*STAYS)
        talking = asyncio.create_task(session.run())
        try:
            await asyncio.sleep(1.0)
            while loop.time() < until and counter.turns < turns and not talking.done():
                await _turn(user, session, lines, chance)
        finally:
            session.stop()
            await talking
            counter.close()


async def _turn(user: EndlessUser, session: Talking, lines: Lines, chance: random.Random) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(chance.uniform(0.3, 3.0))
    what = chance.random()
    if what < 0.03:
        await asyncio.sleep(chance.uniform(*lines.silence))
    elif what < 0.07:
        await asyncio.sleep(user.say("", lines.cough))
    elif what < 0.12:
        session.tell(TextTyped(at=loop.time(), text="and where is it now"))
    else:
        line = chance.choice(lines.questions)
        await asyncio.sleep(user.say(line.transcript or "", line.pcm))
        if what > 0.75:  # over her voice: three in four take the floor, one says "okay"
            await asyncio.sleep(chance.uniform(0.8, 3.0))
            over = chance.choice(lines.nods if what > 0.94 else lines.stops)
            await asyncio.sleep(user.say(over.transcript or "", over.pcm))
    await _quiet(session)


async def _quiet(session: Talking) -> None:
    """Returns when she has been silent for a moment."""
    loop = asyncio.get_running_loop()
    since = began = loop.time()
    while loop.time() - since < QUIET_SECONDS and loop.time() - began < LONGEST_SECONDS:
        await asyncio.sleep(0.05)
        if session.phase != "idle":
            since = loop.time()
