"""A whole talk over a network, to the millisecond: the virtual clock, simulated services, and everything else real."""

import asyncio
import base64
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from page_client import EXTENSIONS
from remote import Remote
from table import REPLY, TOKENS

from nova.history import History
from pipelines.conversation.conversation import Components
from pipelines.conversation.events import GenerationOver
from pipelines.conversation.observers import Observer
from pipelines.conversation.phrases import Phrases
from pipelines.server.client_echo import ClientEcho
from pipelines.server.realtime.wire import Wire
from pipelines.server.reports import Reports
from pipelines.server.talk import Talk
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
from pipelines.talk.session import Session
from pipelines.telemetry.metrics import Metrics
from pipelines.virtual_time import run
from sophia.turns import TurnTaking

RATE = 24_000
ORDER = Says(1.0, "where is my order")


class Notes(Observer):
    def __init__(self):
        self.heard = []

    def told(self, happening):
        if isinstance(happening, GenerationOver):
            self.heard.append(happening.heard)


class Line:
    """A user, a page, a network of so many seconds each way, and a session behind it."""

    def __init__(self, script, seconds, *, network, card=0.03, face=None):
        self.loop = asyncio.get_running_loop()
        self.network = network
        self.user = SimulatedUser(script, seconds)
        self.remote = Remote(RATE, network=network, card=card, report=self._report)
        self.events = []
        self.items = []
        self.face = face or {}
        self.history = History("You are Nova.")
        self.notes = Notes()
        self.metrics = Metrics()
        self._ended = asyncio.Event()
        runtime = SimpleNamespace(reply_rate=RATE, session=self._session)
        self.reports = Reports(self.metrics)
        self.talk = Talk(runtime, self._wire, self.reports, ClientEcho(None), watched_by=self.notes)

    def _wire(self, audio_ms, trace):
        return Wire(began=self.loop.time(), voice_rate=RATE, audio_ms=audio_ms, trace=trace)

    def _session(self, source, sink, observers, *, echo, patience):
        delays = Delays()
        components = Components(
            source=source,
            asr=SimulatedRecognizer(self.user, delays),
            detector=OracleDetector,
            turns=TurnTaking(),
            llm=SimulatedMind(TOKENS, delays),
            history=self.history,
            tts=SimulatedVoice(delays, RATE),
            phrases=Phrases(),
            sink=sink,
            face=SimulatedFace(delays),
            echo=echo,
        )
        return Session(components, observers)

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
        audio = {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}
        session = {"type": "realtime", "extensions": extensions, "audio": audio, "sophia": {"lead_ms": 100}}
        self.talk.hear({"type": "session.update", "session": session})
        async for frame in self.user.frames():
            audio = base64.b64encode(frame.pcm.tobytes()).decode()
            message = {"type": "input_audio_buffer.append", "audio": audio}
            self.loop.call_later(self.network, self.talk.hear, message)

    def of(self, kind):
        return [event for _, event in self.events if event["type"] == kind]


def hold(script, seconds, **options):
    async def main():
        line = Line(script, seconds, **options)
        work = [asyncio.create_task(line.remote.run()), asyncio.create_task(line.talk.run(line))]
        await line.speak()
        line.end(None)
        await work[1]
        line.reports.close()
        work[0].cancel()
        return line

    return run(main())


@pytest.mark.parametrize("network", [0.0005, 0.01, 0.06])
@pytest.mark.parametrize("card", [0.005, 0.2])
def test_voice_to_voice_is_what_the_page_measures_itself(network, card):
    """Within a packet of 20 ms, in the first turn, when nothing is known of the page, and in the second."""
    line = hold([ORDER, Says(20.0, "where is my order")], 36, network=network, card=card)
    ledgers = line.of("sophia.turn.ledger")
    assert [ledger["outcome"] for ledger in ledgers] == ["replied", "replied"]
    for number, (said, ledger) in enumerate(zip((ORDER, Says(20.0, "")), ledgers, strict=True)):
        last_voiced = line.user.started + said.at + said.length
        audible = line.remote.began(number, 1)  # a tone: its second sample is above the noise
        assert ledger["voice_to_voice_ms"] == pytest.approx(1000 * (audible - last_voiced), abs=20)
        assert sum(ledger["contributions"].values()) == pytest.approx(ledger["voice_to_voice_ms"], abs=0.1)


@pytest.mark.parametrize("network", [0.0005, 0.01, 0.06])
def test_history_holds_the_words_that_were_heard(network):
    line = hold([ORDER, Says(6.0, "no stop that please")], 24, network=network)
    cut = line.of("conversation.item.truncated")[0]["sophia"]
    heard_ms = line.remote.samples(0)[-1][1] * 1000 / RATE
    assert cut["heard_ms"] == pytest.approx(heard_ms, abs=1)
    (_, asked), (_, heard), *_ = [(message.role, message.content) for message in line.history.messages()][1:]
    assert asked == "where is my order"
    words = [word for event in line.of("sophia.words") for word in event["words"]]
    true = "".join(text for text, start, end in words[: len(REPLY.split())] if (start + end) / 2 <= heard_ms)
    assert heard == true.strip() + " —"


@pytest.mark.parametrize("network", [0.0005, 0.01, 0.06])
def test_a_backchannel_pauses_her_and_nothing_of_the_reply_is_lost(network):
    line = hold([ORDER, Says(6.0, "mhm", 0.5)], 30, network=network)
    assert line.of("sophia.playout.pause")
    assert line.of("sophia.playout.resume")
    spans = line.remote.samples(0)
    for (_, end), (first, _) in pairwise(spans):
        assert first <= end + 1, "she goes on where she stopped, or a little before"
        assert end - first <= 0.6 * RATE
    assert spans[0][0] == 0
    ledger = next(one for one in line.of("sophia.turn.ledger") if one["outcome"] == "replied")
    assert ledger["heard"].split() == REPLY.split()
    assert spans[-1][1] == pytest.approx(RATE * len(REPLY.split()) * 0.3, rel=0.1)


def test_frames_reach_the_page_before_their_sound():
    line = hold([ORDER], 24, network=0.01)
    sent = [(at, event) for at, event in line.events if event["type"] == "sophia.face.frames"]
    assert sum(event["count"] for _, event in sent) > 200
    for at, event in sent:
        for k in range(event["count"]):
            due = line.remote.began(0, round((event["audio_start_ms"] / 1000 + k / event["fps"]) * RATE))
            assert due is None or at + 0.01 <= due, "it came after its time"


@pytest.mark.parametrize(
    ("face", "skew", "missing", "late"),
    [
        ({"skew_p95_ms": -20.0, "missing": 0.0, "late": 0}, -20.0, 0.0, 0),
        ({"skew_p95_ms": -140.0, "missing": 0.0, "late": 33}, -140.0, 0.0, 33),  # planted: lips that trail
        ({"skew_p95_ms": 0.0, "missing": 0.4, "late": 0}, 0.0, 0.4, 0),  # planted: a hole
    ],
)
def test_what_the_page_sees_of_the_face_is_in_the_ledger_and_counted(face, skew, missing, late):
    line = hold([ORDER], 24, network=0.01, face=face)
    (ledger,) = line.of("sophia.turn.ledger")
    assert (ledger["lip_skew_ms"], ledger["face_missing"]) == (skew, missing)
    value = line.metrics.registry.get_sample_value
    assert value("sophia_page_late_frames_total") == late
    assert value("sophia_page_missing_ratio_sum") == missing
    assert value("sophia_page_skew_seconds_bucket", {"le": "-0.125"}) == (skew <= -125)
