"""Simulated users: the bundled lines, said by people who hesitate more or less. Their conversations become ledgers.

Services and time are simulated. The settings of each conversation are those that its arm gets, as in the runtime, and
its ledgers are lines as the server writes them.
"""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from pipelines import virtual_time
from pipelines.conversation.events import Happening, TurnEnded
from pipelines.conversation.observers import Observer
from pipelines.records.results import Unit
from pipelines.replay.conductor import play
from pipelines.scenarios.caller import Caller
from pipelines.scenarios.scenario import Cue, Line, Scenario, Talk
from pipelines.settings.fingerprint import fingerprint
from pipelines.settings.model import Settings
from pipelines.simulation.profile import ServiceProfile
from pipelines.simulation.services import SimulatedComponents
from pipelines.talk.session import Session
from pipelines.telemetry.provenance import Models, Provenance, ledger_line
from pipelines.versions.arms import Arms, Given
from sophia.audio import EAR_RATE
from sophia.wav import wav_bytes

TOGETHER = 16
"""Conversations on one virtual clock; they share no services."""

APART = timedelta(seconds=20)
"""Between the beginnings of two conversations."""

GAP = 0.08
"""Seconds between two words from which on a user may hesitate there."""

HESITATIONS = (0.0, 0.05, 0.1, 0.15)
"""Seconds by which a user lengthens the longest pause of a line; one of these, all along."""

OFTEN = (0.4, 0.3, 0.2, 0.1)
"""How many users are like that."""


class People:
    """Draws conversations of ``lines`` lines each; the same ones for the same seeds."""

    def __init__(self, scenario: Scenario, lines: int = 6) -> None:
        known = [line for talk in scenario.talks for line in talk.lines if line.words and line.reaction == "reply"]
        self._lines = lines
        self._said = [[_hesitating(replace(line, cue=Cue()), more) for line in known] for more in HESITATIONS]

    def talks(self, number: int, seed: int) -> list[Talk]:
        """So many conversations."""
        rng, found = np.random.default_rng(seed), list[Talk]()
        for _ in range(number):
            said = self._said[int(rng.choice(len(HESITATIONS), p=OFTEN))]
            chosen = rng.choice(len(said), self._lines, replace=False)
            found.append(Talk(rng.bytes(16).hex(), tuple(said[place] for place in chosen)))
        return found


def _hesitating(line: Line, seconds: float) -> Line:
    """The line with its longest pause between two words lengthened, where there is one at all."""
    gaps = [(other.start - one.end, n) for n, (one, other) in enumerate(pairwise(line.words))]
    if not seconds or line.voiced is None or not gaps or max(gaps)[0] < GAP:
        return line
    place = max(gaps)[1]
    before, after = line.words[place], line.words[place + 1]
    cut, more = round((before.end + after.start) / 2 * EAR_RATE), round(seconds * EAR_RATE)
    pcm = np.concatenate([line.pcm[:cut], np.zeros(more, np.int16), line.pcm[cut:]])
    late = [replace(word, start=word.start + seconds, end=word.end + seconds) for word in line.words[place + 1 :]]
    words = (*line.words[: place + 1], *late)
    return replace(line, pcm=pcm, words=words, voiced=(line.voiced[0], line.voiced[1] + more))


class _Lines(Observer):
    """Keeps the ledgers of a conversation as the lines of a day file."""

    def __init__(self, provenance: Provenance) -> None:
        self._provenance = provenance
        self.found: list[str] = []

    def told(self, happening: Happening) -> None:
        if isinstance(happening, TurnEnded):
            self.found.append(json.dumps(ledger_line(happening.ledger, self._provenance, words=False)))


@dataclass(slots=True)
class World:
    """Where simulated users talk: services as slow as ``profile``; ``date`` is when the next conversation begins."""

    profile: ServiceProfile
    ledgers: Path
    date: datetime
    seed: int = 0
    _done: int = 0

    def talk(self, talks: Sequence[Talk], arms: Arms) -> int:
        """Holds the conversations and writes their ledgers; returns the number of turns."""
        arms.look()
        turns = 0
        with (self.ledgers / f"{self.date:%Y-%m-%d}.simulated.jsonl").open("a", encoding="utf-8") as file:
            for first in range(0, len(talks), TOGETHER):
                lines = virtual_time.run(self._together(talks[first : first + TOGETHER], arms))
                file.writelines(f"{line}\n" for line in lines)
                turns += len(lines)
        return turns

    async def _together(self, talks: Sequence[Talk], arms: Arms) -> list[str]:
        books = [_Place(self, talk, arms.give(talk.name)) for talk in talks]
        async with asyncio.TaskGroup() as group:
            for book in books:
                group.create_task(book.run())
        return [line for book in books for line in book.lines]

    def begin(self) -> tuple[datetime, int]:
        """The date and the number of the next conversation."""
        self.date += APART
        self._done += 1
        return self.date, self._done

    def components(self, settings: Settings, talk: Talk) -> SimulatedComponents:
        """Components for one conversation."""
        return SimulatedComponents(self.profile, settings, Scenario(talk.name, (talk,)), self.seed)


class _Place:
    """One conversation; also where its session comes from."""

    def __init__(self, world: World, talk: Talk, given: Given) -> None:
        self._world, self._talk, self._settings = world, talk, given.settings
        began, self._number = world.begin()
        self.reply_rate = given.settings.tts.rate
        self.language = given.settings.turns.language
        self._observer = _Lines(
            Provenance(
                id=talk.name,
                began=began,
                loop_time=asyncio.get_running_loop().time(),
                mode="simulated",
                language=given.settings.language,
                models=Models(*(f"simulated-{world.profile.name}",) * 4),
                settings=fingerprint(given.settings),
                arm=given.arm,
            )
        )

    @property
    def lines(self) -> list[str]:
        return self._observer.found

    def session(self, caller: Caller, unit: Unit, observers: Sequence[Observer]) -> Session:
        """For :func:`pipelines.replay.conductor.play`."""
        parts = self._world.components(self._settings, self._talk).components(caller, unit)
        return Session(parts, [*observers, self._observer])

    async def run(self) -> None:
        await play(self._talk, Unit(0, self._number, 0), self, 0.0)


def write_folder(folder: Path, talks: Sequence[Talk]) -> None:
    """The conversations as soundbites with a manifest, as a miner would leave them."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("file", "talk", "transcript"))
        for talk in talks:
            for number, line in enumerate(talk.lines):
                name = f"{talk.name}-{number}.wav"
                (folder / name).write_bytes(wav_bytes(line.pcm, EAR_RATE))
                rows.writerow((name, talk.name, line.transcript))


def tomorrow() -> datetime:
    """Tomorrow at nine: later than whatever becomes of a version meanwhile."""
    return datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
