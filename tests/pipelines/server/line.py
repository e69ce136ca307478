"""A talk over a network on the virtual clock: a user, a page, simulated services, and everything else real."""

import asyncio
import base64
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
from page_client import EXTENSIONS
from remote import Remote
from table import TOKENS

from nova.history import History
from pipelines.conversation.components import Components
from pipelines.conversation.events import GenerationOver
from pipelines.conversation.observers import Observer
from pipelines.conversation.phrases import Phrases
from pipelines.server.client_echo import ClientEcho
from pipelines.server.realtime.wire import Wire
from pipelines.server.reports import Reports
from pipelines.server.talk import Talk
from pipelines.server.tokens import Tokens
from pipelines.settings.model import Settings
from pipelines.simulation.exact import (
    Delays,
    OracleDetector,
    SimulatedFace,
    SimulatedMind,
    SimulatedRecognizer,
    SimulatedUser,
    SimulatedVoice,
)
from pipelines.takes.keeping import Keeping
from pipelines.talk.session import Session
from pipelines.telemetry.metrics import Metrics
from pipelines.telemetry.provenance import Provenance
from pipelines.virtual_time import run
from sophia.turns import TurnTaking

RATE = 24_000


class Notes(Observer):
    def __init__(self):
        self.heard = []

    def told(self, happening):
        if isinstance(happening, GenerationOver):
            self.heard.append(happening.heard)


class Line:
    """A user, a page, a network of so many seconds each way, and a session behind it.

    ``detection`` is what the page wants of ``turn_detection``; ``messages`` are what it sends, by the user's seconds.
    ``wished`` is an update of its session before that begins.
    """

    track = None

    def __init__(self, script, seconds, *, network=0.01, card=0.03, face=None, tokens=TOKENS, watched_by=None,
                 detection=None, messages=(), wished=None, keeping=None):  # fmt: skip
        self.loop = asyncio.get_running_loop()
        self.network = network
        self.user = SimulatedUser(script, seconds)
        self.remote = Remote(RATE, network=network, card=card, report=self._report)
        self.events = []
        self.items = []
        self.face = face or {}
        self.detection = detection or {}
        self.messages = messages
        self.wished = wished or {}
        self.history = History("You are Nova.")
        self.tokens = tokens
        self.notes = watched_by or Notes()
        self.metrics = Metrics()
        self._ended = asyncio.Event()
        self.keeping = keeping or Keeping(Settings(), None, RATE, print)
        runtime = SimpleNamespace(
            reply_rate=RATE, session=self._session, keeping=self.keeping, provenance=self._provenance
        )
        self.reports = Reports(self.metrics)
        self.talk = Talk(
            runtime,
            self._wire,
            self.reports,
            ClientEcho("off"),
            Tokens(None),
            watched_by=[self.notes],
            track=self.track,
        )  # fmt: skip

    def _wire(self, audio_ms, trace):
        return Wire(
            began=self.loop.time(), voice_rate=RATE, audio_ms=audio_ms, trace=trace, wished=self.wished,
            tracks=self.track is not None, consents=self.keeping.consents,
        )  # fmt: skip

    def _provenance(self, mode, *, person, consent):
        began = datetime(2026, 11, 30, 21, tzinfo=UTC)
        usual = consent or self.keeping.usual
        return Provenance("0" * 32, began, self.loop.time(), person=person, mode=mode, consent=usual)

    def _session(self, source, sink, observers, *, echo, provenance, recorded, patience, greets=True):
        delays = Delays()
        components = Components(
            source=source,
            asr=SimulatedRecognizer(self.user, delays),
            detector=OracleDetector,
            turns=TurnTaking(),
            llm=SimulatedMind(self.tokens, delays),
            history=self.history,
            tts=SimulatedVoice(delays, RATE),
            phrases=Phrases(),
            sink=sink,
            face=SimulatedFace(delays),
            echo=echo,
            recorded=recorded,
        )
        return Session(components, observers, provenance=provenance)

    # What the talk takes for a connection

    def send(self, events, seconds=0.0):
        for event in events:
            self.events.append((self.loop.time(), event))
            match event["type"]:
                case "response.output_audio.delta":
                    if event["item_id"] not in self.items:
                        self.items.append(event["item_id"])
                    first = round(event["sophia"]["audio_start_ms"] * RATE / 1000)
                    pcm = np.frombuffer(base64.b64decode(event["delta"]), np.int16)
                    self.remote.send(self.items.index(event["item_id"]), first, pcm)
                case "sophia.playout.pause" | "sophia.playout.clear":
                    self.remote.pause()

    def end(self, ending):
        self._ended.set()

    async def run(self):
        await self._ended.wait()

    # The page

    def _report(self, number, sample, playing):
        self.talk.hear(
            {
                "type": "sophia.playout.position",
                "item_id": self.items[number],
                "audio_ms": sample * 1000 / RATE,
                "playing": playing,
                "buffered_ms": 0,
                "underruns": self.remote.underruns,
                "face": self.face,
            }
        )

    async def speak(self):
        extensions = [f"sophia.{name}" for name in EXTENSIONS]
        audio = {"input": {"format": {"type": "audio/pcm", "rate": 16_000}, **self.detection}}
        session = {"type": "realtime", "extensions": extensions, "audio": audio, "sophia": {"lead_ms": 100}}
        self.talk.hear({"type": "session.update", "session": session})
        for at, message in self.messages:
            self.loop.call_later(at, self.talk.hear, message)
        async for frame in self.user.frames():
            self.loop.call_later(self.network, *self._spoken(frame))

    def _spoken(self, frame):
        """A frame of the user as it reaches the server."""
        audio = base64.b64encode(frame.pcm.tobytes()).decode()
        return self.talk.hear, {"type": "input_audio_buffer.append", "audio": audio}

    def of(self, kind):
        return [event for _, event in self.events if event["type"] == kind]


def hold(script, seconds, *, kind=Line, **options):
    async def main():
        line = kind(script, seconds, **options)
        work = [asyncio.create_task(line.remote.run()), asyncio.create_task(line.talk.run(line))]
        await line.speak()
        line.end(None)
        await work[1]
        line.reports.close()
        work[0].cancel()
        return line

    return run(main())
