"""The scene of the runtime's benchmark: callers, what they say and where, and services with exact delays.

Callers have phases, as people have: no two sessions' frames begin at the same instant. Between their words is the noise
of a quiet room. The voice detector passes over digital silence without asking its network, which would make the figures
too good.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from nova.history import History
from pipelines.conversation.components import Components
from pipelines.conversation.conversation import Conversation
from pipelines.conversation.events import Failed, Happening, TurnEnded, VoiceStarted, VoiceStopped
from pipelines.conversation.observers import Observer
from pipelines.conversation.phrases import Phrases
from pipelines.simulation.exact import (
    Delays,
    OracleDetector,
    Says,
    SimulatedMind,
    SimulatedRecognizer,
    SimulatedUser,
    SimulatedVoice,
)
from pipelines.telemetry.ledger import PLAYED, Count, Ledger, Outcome
from sophia.audio import EAR_RATE, FRAME_SECONDS, Pcm
from sophia.silero import SileroModel, VoiceDetector
from sophia.sinks import NullSink
from sophia.soundbite import voiced_span
from sophia.turn_settings import TurnSettings
from sophia.turns import TurnTaking
from sophia.vad import Detector, VadSettings
from sophia.wav import read_wav

DELAYS = Delays()
IDEAL = DELAYS.final + DELAYS.first_token + 5 * DELAYS.token + DELAYS.first_sound
REPLY = (
    "Thanks for waiting on the line, I have just found your order right here. It left our main warehouse early this "
    "morning and should arrive at home tomorrow. Is there anything else that I can help you with right now?"
)
TOKENS = re.findall(r" ?\S+", REPLY)
TUNED = TurnSettings(pause_complete=0.1, pause_open=0.1)
"""The shortest pauses, so that no policy waits."""

WAIT = 3.6
"""Seconds from the end of a question to the next one: her reply takes about half of it."""

SECONDS_A_WORD = 0.04
"""How fast she speaks: 40 words, a reply, take 1.6 s."""

ROOM_LEVEL = 12.0
"""Standard deviation of a quiet room's noise, -69 dB relative to full scale."""

GOLDEN = 0.618
"""Of a frame: from one caller's phase to the next one's. No two are alike, and any number of them is spread evenly."""

_SOUNDBITE = Path(__file__).parent.parent / "pipelines/soundbites/02_what_time.wav"

Emit = Callable[[VoiceStarted | VoiceStopped], None]
MakeDetector = Callable[[Emit], Detector]


class Book(Observer):
    """Keeps the ledgers, and counts faults by service.

    What the user really did is told by the script, whatever was detected.
    """

    def __init__(self, user: SimulatedUser, script: list[Says]) -> None:
        self.turns: list[Ledger] = []
        self.faults: Counter[str] = Counter()
        self._user = user
        self._script = script

    def told(self, happening: Happening) -> None:
        if isinstance(happening, TurnEnded) and happening.ledger.outcome not in (
            Outcome.DROPPED,
            Outcome.JOINED,
            Outcome.KEPT,
        ):
            self.turns.append(happening.ledger)
        elif isinstance(happening, Failed):
            self.faults[happening.service] += 1

    def added(self, ledger: Ledger, ideal: float = IDEAL) -> float | None:
        """Seconds above the ideal from the user's true last sample to her first audible one."""
        played = ledger.marks.get(PLAYED)
        ends = [self._user.started + says.at + says.length for says in self._script]
        before = [end for end in ends if played is not None and end < played]
        return played - before[-1] - ideal if played is not None and before else None

    def cut(self, ledger: Ledger) -> float | None:
        """Seconds from the true onset of the interrupting voice to her last sample."""
        silenced = ledger.marks.get("silenced")
        onsets = [self._user.started + says.at for says in self._script]
        before = [onset for onset in onsets if silenced is not None and onset < silenced]
        return silenced - before[-1] if silenced is not None and before else None

    def missed(self, until: float) -> int:
        """How many questions that were over ``until`` then (``loop.time()``) she never answered."""
        times = [ledger.marks[PLAYED] for ledger in self.turns if PLAYED in ledger.marks]
        missed = 0
        for says in self._script:
            end = self._user.started + says.at + says.length
            missed += end < until and not any(end < time < end + WAIT for time in times)
        return missed

    @property
    def false_cutoffs(self) -> int:
        """Turns that were decided while the user meant to go on."""
        return sum(ledger.counts[Count.FALSE_CUTOFFS] for ledger in self.turns)


@cache
def room() -> Pcm:
    """Ten seconds of a quiet room, the same each time."""
    noise = np.random.default_rng(618).normal(0.0, ROOM_LEVEL, 10 * EAR_RATE)
    return np.rint(noise).astype(np.int16)


@cache
def speech() -> Pcm:
    """The project's own soundbite, from its first to its last voiced sample, spoken in that room."""
    pcm = read_wav(_SOUNDBITE, EAR_RATE).pcm
    span = voiced_span(pcm)
    assert span is not None
    said = pcm[slice(*span)]
    return said + room()[: len(said)]


def script(
    turns: int, every: float, over: float, pcm: Pcm | None, offset: float = 0.0, *, early: float = 0.0
) -> list[Says]:
    """A question each ``every`` seconds; with ``over`` the user also speaks that long after, over the reply.

    Questions end with a frame, or ``early`` before its end, and interruptions begin with one. What waiting for a
    frame's end takes is no matter of the runtime, and only a barge-in has it inside its figure.
    """
    question = Says(0, "where is my order", pcm=pcm)
    says = []
    for turn in range(turns):
        at = 0.5 + offset + turn * every
        says.append(replace(question, at=_framed(at + question.length) - question.length - early))
        if over:
            says.append(replace(question, at=_framed(at + over), text="no stop that now"))
    return says


def _framed(time: float) -> float:
    return round(time / FRAME_SECONDS) * FRAME_SECONDS


def phase(index: int) -> float:
    """How long after a common beat the frames of caller ``index`` begin, in seconds."""
    return index * GOLDEN % 1.0 * FRAME_SECONDS


def user(script: list[Says], seconds: float, *, phase: float = 0.0, noise: bool = True) -> SimulatedUser:
    """A caller in a quiet room; without ``noise`` on a muted line."""
    return SimulatedUser(script, seconds, phase=phase, room=room() if noise else None)


def conversation(
    caller: SimulatedUser, said: list[Says], detector: MakeDetector, turns: TurnSettings, pace: float
) -> tuple[Conversation, Book]:
    """A conversation with simulated services, and its book."""
    book = Book(caller, said)
    components = Components(
        source=caller,
        asr=SimulatedRecognizer(caller, DELAYS),
        detector=detector,
        turns=TurnTaking(turns),
        llm=SimulatedMind(TOKENS, DELAYS),
        history=History("You are Nova.", max_tokens=500),
        tts=SimulatedVoice(DELAYS, pace=pace),
        phrases=Phrases(),
        sink=NullSink(),
    )
    return Conversation(components, [book]), book


def detectors(real: bool) -> tuple[MakeDetector, Pcm | None]:
    """The real detector with real speech, or the oracle with a buzz."""
    if not real:
        return OracleDetector, None
    model, settings = SileroModel(), VadSettings()
    return (lambda emit: VoiceDetector(model, settings, emit)), speech()


def above_ideal(caller: SimulatedUser, said: Sequence[Says], heard: Sequence[float]) -> list[float]:
    """What each of the answers took above the ideal, ``heard`` being when they began (``loop.time()``)."""
    ends = [caller.started + says.at + says.length for says in said]
    return [time - max(end for end in ends if end < time) - IDEAL for time in heard if time > ends[0]]


def period(pcm: Pcm | None) -> float:
    """Seconds from one question to the next."""
    return WAIT + (len(pcm) / EAR_RATE if pcm is not None else Says(0, "").length)
