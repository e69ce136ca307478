"""Days of conversation in compressed time: several conversations side by side on a virtual clock, and what grows.

Voice detector, turn taking, playout, history, spans and metrics are real, the services simulated. One caller stays all
the time; the others leave after some turns, and new ones come. They ask, interrupt, say "okay" in between, cough, type,
and are silent for minutes. Now and then a service fails. A checker watches each conversation.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
import grpc.aio

from aurora.face import FaceFrame
from aurora.face import Pcm as FacePcm
from aurora.moods import MoodTrack
from benchmarks.checker import Checker
from benchmarks.scene import DELAYS, TOKENS, phase, room
from benchmarks.soak.callers import EndlessUser, Lines, Tally, calls
from benchmarks.soak.counting import counted, kinds
from benchmarks.soak.growth import Sample
from nova.history import History
from nova.mind import Message
from nova.tools import Choice, ToolCall, ToolSpec
from pipelines import virtual_time
from pipelines.conversation.components import Components
from pipelines.conversation.events import Happening, TurnEnded
from pipelines.conversation.measured import Measured
from pipelines.conversation.observers import Observer
from pipelines.conversation.phrases import Phrases
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.simulation.exact import SimulatedFace, SimulatedRecognizer, SimulatedVoice
from pipelines.simulation.paced import Answer, PacedMind
from pipelines.talk.session import Session
from pipelines.telemetry.ledger import Ledger
from pipelines.telemetry.setup import Telemetry
from sophia.silero import SileroModel, VoiceDetector
from sophia.sinks import NullSink
from sophia.speech import SpeechChunk
from sophia.turn_settings import TurnSettings
from sophia.turns import TurnTaking
from sophia.vad import VadSettings

SAMPLES, SAMPLES_AN_HOUR, LEAST_SAMPLES = 240, 60, 12
"""How often it is counted: at most, in each hour, at least. Counting takes longer than a minute of talk."""

FAILS = 0.01
"""Share of the requests to each service that fail."""


@dataclass(slots=True)
class Weather:
    """When services fail: by chance, the same each time."""

    chance: random.Random
    share: float

    def strike(self) -> Exception | None:
        """A failure, if it is time for one: the service is away, or it refuses."""
        if self.chance.random() >= self.share:
            return None
        code = self.chance.choice([grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INVALID_ARGUMENT])
        nothing = grpc.aio.Metadata()
        return grpc.aio.AioRpcError(code, nothing, nothing, details="a planted failure")


class FlakyMind(PacedMind):
    """Breaks off now and then, before the first token or after some."""

    def __init__(self, weather: Weather, answer: Callable[[Sequence[Message]], Answer]) -> None:
        super().__init__(answer)
        self._weather = weather

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        failure = self._weather.strike()
        left = self._weather.chance.choice([0, 12]) if failure else len(TOKENS) + 1
        async with aclosing(super().reply(messages, tools, choice)) as tokens:
            async for token in tokens:
                if failure and not left:
                    raise failure
                left -= 1
                yield token


class FlakyVoice(SimulatedVoice):
    """Breaks off now and then."""

    def __init__(self, weather: Weather) -> None:
        super().__init__(DELAYS, pace=0.25)
        self._weather = weather

    async def speak(self, clauses: AsyncIterator[str]) -> AsyncGenerator[SpeechChunk, None]:
        failure = self._weather.strike()
        left = self._weather.chance.choice([0, 40])
        async with aclosing(super().speak(clauses)) as chunks:
            async for chunk in chunks:
                if failure and not left:
                    raise failure
                left -= 1
                yield chunk


class FlakyFace(SimulatedFace):
    """Breaks off now and then."""

    def __init__(self, weather: Weather) -> None:
        super().__init__(DELAYS)
        self._weather = weather

    async def animate(
        self, sound: AsyncIterator[FacePcm], rate: int, moods: MoodTrack | None = None
    ) -> AsyncGenerator[FaceFrame, None]:
        failure = self._weather.strike()
        async with aclosing(super().animate(sound, rate, moods)) as frames:
            async for frame in frames:
                if failure:
                    raise failure
                yield frame


class Hoarder(Observer):
    """A planted leak: keeps every ledger."""

    def __init__(self) -> None:
        self.kept: list[Ledger] = []

    def told(self, happening: Happening) -> None:
        if isinstance(happening, TurnEnded):
            self.kept.append(happening.ledger)


class World:
    """What all conversations share: lines, the detector's network, telemetry."""

    def __init__(self, lines: Lines, tally: Tally, fails: float, hoarder: Hoarder | None) -> None:
        self.lines = lines
        self.fails = fails
        self.tally = tally
        self.hoarder = hoarder
        self.model = SileroModel()
        settings = TelemetrySettings(exporter="json", file=os.devnull)
        self.telemetry = Telemetry(settings, clock=asyncio.get_running_loop().time)

    def meet(self, number: int, chance: random.Random) -> tuple[EndlessUser, Session, Checker]:
        """A new caller, and a session for it."""
        user = EndlessUser(phase=phase(number), room=room() if number % 2 == 0 else None)
        history = History("You are Nova.", max_tokens=3000)
        weather = Weather(chance, self.fails)

        def answer(_: Sequence[Message]) -> Answer:
            return Answer(TOKENS[: chance.randrange(8, len(TOKENS))], 0.05 + chance.random() / 2, lambda: DELAYS.token)

        components = Components(
            source=user,
            asr=SimulatedRecognizer(user, DELAYS, stable_first=0.26),
            detector=lambda emit: VoiceDetector(self.model, VadSettings(), emit),
            turns=TurnTaking(TurnSettings()),
            llm=FlakyMind(weather, answer),
            history=history,
            tts=FlakyVoice(weather),
            phrases=Phrases(),
            sink=NullSink(),
            face=FlakyFace(weather),
        )
        checker = Checker(history, self.tally.breach)
        span = self.telemetry.start_conversation(f"soak-{self.tally.sessions}")
        self.tally.sessions += 1
        observers = [checker, self.tally, *([self.hoarder] if self.hoarder else [])]
        measured = Measured(self.telemetry.metrics, span)
        return user, Session(components, observers, measured, self.telemetry.metrics, span.end), checker


def soak(
    hours: float,
    sessions: int,
    seed: int = 0,
    *,
    fails: float = FAILS,
    leak: bool = False,
    progress: Callable[[Sample, float], None] = lambda sample, real: None,
) -> dict[str, Any]:
    """Talks for so many hours on the clock; returns samples and what became of the turns.

    ``progress`` is told each sample, and the real seconds so far. ``fails`` is the share of requests that fail, of each
    service. ``leak`` plants one.
    """

    async def run() -> dict[str, Any]:
        loop, began, until = asyncio.get_running_loop(), time.monotonic(), hours * 3600
        tally = Tally()
        lines = Lines(seed, (min(60, 60 * hours), min(600, 600 * hours)))
        world = World(lines, tally, fails, Hoarder() if leak else None)
        samples: list[Sample] = []
        number_of = min(SAMPLES, max(LEAST_SAMPLES, round(hours * SAMPLES_AN_HOUR)))
        early: Counter[str] = Counter()
        grown = early
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(sessions):
                    chance = random.Random(f"{seed}/{number}")
                    meet = partial(world.meet, number)
                    group.create_task(calls(meet, world.lines, chance, until, stays=number == 0))
                for count in range(1, number_of):
                    await asyncio.sleep(until * count / number_of - loop.time())
                    samples.append(counted(tally.turns))
                    progress(samples[-1], time.monotonic() - began)
                    if count == number_of // 4:
                        early = kinds()
                grown = kinds()
        except asyncio.CancelledError:  # Ctrl+C: what was counted is judged
            grown = kinds() if early else early
        grown.subtract(early)
        await world.telemetry.aclose()
        return tally.result(samples, grown) | {"real_seconds": round(time.monotonic() - began)}

    return virtual_time.run(run())
