"""A whole conversation at a table of simulated services, on the virtual clock."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from nova.history import History
from nova.tools import Toolbox
from pipelines.conversation.components import Components
from pipelines.conversation.conversation import Conversation
from pipelines.conversation.events import Decision, Failed, TurnEnded
from pipelines.conversation.manner import Manners
from pipelines.conversation.measured import Measured
from pipelines.conversation.observers import Observer
from pipelines.conversation.phrases import Phrases
from pipelines.conversation.tongues import Speech
from pipelines.failures import StageFailed
from pipelines.simulation.exact import (
    Delays,
    OracleDetector,
    Says,
    SimulatedFace,
    SimulatedMind,
    SimulatedRecognizer,
    SimulatedUser,
    SimulatedVoice,
)
from pipelines.telemetry.ledger import Outcome
from pipelines.virtual_time import run
from sophia.decisions import Commit
from sophia.sinks import NullSink
from sophia.turn_settings import TurnSettings
from sophia.turns import TurnTaking

REPLY = (
    "Thanks for waiting on the line, I have just found your order right here. It left our main warehouse early this "
    "morning and should arrive at home tomorrow. Is there anything else that I can help you with right now?"
)
BEGINS = 1.844999999999986
"""The ``loop.time()`` at which a talk begins: the same however many phrases there are to prepare.

A round number would lie on the grid of frames, where a sum of floats decides which frame a sample is in.
"""
AT_ONCE = Delays(first_sound=0.0, speed=1e6)
TOKENS = [word + " " for word in REPLY.split()]


@dataclass
class Notes(Observer):
    """Everything that happened. ``turns`` are the ledgers of turns that she had something to say to."""

    turns: list = field(default_factory=list)
    ledgers: list = field(default_factory=list)
    happened: list = field(default_factory=list)
    decisions: list = field(default_factory=list)
    blocks: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    finals: list = field(default_factory=list)
    poses: list = field(default_factory=list)
    start: float = 0.0

    def told(self, happening):
        self.happened.append(happening)
        match happening:
            case TurnEnded(ledger=ledger):
                self.ledgers.append(ledger)
                if ledger.outcome not in (Outcome.DROPPED, Outcome.JOINED, Outcome.KEPT):
                    self.turns.append(ledger)
            case Failed(service=service, error=error):
                self.faults.append((service, error))
            case Commit(text=text):
                self.finals.append(text)
        if isinstance(happening, Decision):
            self.decisions.append(happening)

    def played(self, pcm, time):
        self.blocks.append((time, pcm))

    def posed(self, time, weights):
        self.poses.append((time, weights))

    def sounding(self, since, until):
        """Seconds of audible sound between two times of the user's script."""
        total, since, until = 0.0, since + self.start, until + self.start
        for time, pcm in self.blocks:
            rate = len(pcm) / 0.02
            loud = np.flatnonzero(np.abs(pcm.astype(int)) > 104) / rate + time
            total += float(np.count_nonzero((loud >= since) & (loud < until))) / rate
        return total


@dataclass
class Table:
    """A user's script and the services around it; replace what a test wants to break before :meth:`talk`."""

    script: list[Says]
    seconds: float = 12.0
    delays: Delays = field(default_factory=Delays)
    settings: TurnSettings = field(default_factory=TurnSettings)
    stable_first: float = 0.0
    tokens: list[str] = field(default_factory=lambda: TOKENS)
    face: bool = False
    make_mind: type | None = None
    make_voice: type | None = None
    make_face: type | None = None
    make_recognizer: type | None = None
    make_sink: type | None = None
    make_phrases: type = Phrases
    make_user: type = SimulatedUser
    detector: Callable[..., object] = OracleDetector
    echo: object | None = None
    cue: object | None = None
    events: list = field(default_factory=list)
    """What is told from outside: seconds from the start, and what makes the event of the time it is."""
    observers: list = field(default_factory=list)
    measured: Measured | None = None
    notes: Notes = field(default_factory=Notes)
    recorded: bool = False
    mood: str = "off"
    toolbox: Toolbox = field(default_factory=Toolbox)
    manners: Manners = field(default_factory=Manners)
    others: dict = field(default_factory=dict)
    """What makes a voice for each other language."""
    error: StageFailed | None = None

    def talk(self):
        run(self._talk())
        return self.notes

    async def _talk(self):
        self.user = self.make_user(self.script, self.seconds)
        self.mind = (self.make_mind or SimulatedMind)(self.tokens, self.delays)
        self.voice = (self.make_voice or SimulatedVoice)(self.delays)
        self.history = History("You are Nova.")
        phrases, others = self.make_phrases(), {}
        await phrases.prepare(SimulatedVoice(AT_ONCE))
        for tag, make_voice in self.others.items():
            others[tag] = Speech(make_voice(self.delays), self.make_phrases(tag))
            await others[tag].phrases.prepare(SimulatedVoice(AT_ONCE))
        await asyncio.sleep(BEGINS - asyncio.get_running_loop().time())
        make_face = self.make_face or SimulatedFace
        components = Components(
            source=self.user,
            asr=(self.make_recognizer or SimulatedRecognizer)(self.user, self.delays, self.stable_first),
            detector=self.detector,
            turns=TurnTaking(self.settings),
            llm=self.mind,
            history=self.history,
            tts=self.voice,
            phrases=phrases,
            sink=(self.make_sink or NullSink)(),
            echo=self.echo,
            cue=self.cue,
            tools=self.toolbox,
            manners=self.manners,
            recorded=self.recorded,
            mood=self.mood,
            others=others,
            face=make_face(self.delays) if self.face or self.make_face else None,
        )
        measured = [self.measured] if self.measured else []
        self.conversation = Conversation(components, [*measured, *self.observers, self.notes], self.measured)
        loop = asyncio.get_running_loop()
        self.notes.start = loop.time()
        for at, make in self.events:
            loop.call_at(self.notes.start + at, lambda make=make: self.conversation.tell(make(loop.time())))
        try:
            async with asyncio.timeout(600):
                await self.conversation.run()
        except StageFailed as error:
            self.error = error
