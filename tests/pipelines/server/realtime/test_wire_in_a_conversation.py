"""The wire as an observer of whole conversations, with simulated services on the virtual clock."""

import pytest
from table import REPLY, Table
from wire_rules import Rules
from wire_talk import counting

from pipelines.conversation.events import CancelRequested, SayRequested, TextTyped
from pipelines.conversation.observers import Observer
from pipelines.server.realtime.schema import EXTENSIONS
from pipelines.server.realtime.wire import Wire
from pipelines.simulation.exact import Says
from pipelines.telemetry.ledger import Outcome

RATE = 24_000
"""The simulated voice's, which is the session's too: blocks need no resampling here."""


class Client(Observer):
    """Hands everything to a wire as a connection does, and judges every batch of what comes back."""

    def __init__(self):
        self.table = None
        self.wire = None
        self.rules = Rules()
        self.events = []

    def _send(self, batch):
        self.rules.batch(batch)
        self.events += batch

    def _wire(self):
        if self.wire is None:
            began = self.table.notes.start
            self.wire = Wire(began=began, voice_rate=RATE, extensions=EXTENSIONS, ids=counting())
            self._send(self.wire.opened(began))
        return self.wire

    def told(self, happening):
        self._send(self._wire().told(happening))

    def scripted(self, generation, words):
        self._send(self._wire().words(generation, words))

    def framed(self, generation, frame):
        self._send(self._wire().frames(generation, [frame]))

    def played(self, pcm, time):
        at = self.table.conversation.playout.at(time)
        if at and at.playing:
            self._send(self._wire().sound(at.generation, at.sample, pcm.tobytes()))

    def of(self, kind):
        return [event for event in self.events if event["type"] == kind]


def talk(script, *events, seconds=40, **options):
    client = Client()
    client.table = Table(script, seconds=seconds, events=list(events), observers=[client], **options)
    client.table.talk()
    client.rules.over()
    return client


def transcripts(client):
    return [event["response"]["output"][0]["content"][0]["transcript"] for event in client.of("response.done")]


def test_a_turn_is_told_with_its_words_and_its_face():
    client = talk([Says(1.0, "where is my order")], face=True)
    (ledger,) = client.table.notes.turns
    assert transcripts(client) == [ledger.heard]
    assert ledger.heard.split() == REPLY.split()
    (completed,) = client.of("conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == "where is my order"
    sound = sum(len(event["delta"]) * 3 / 4 / 2 / RATE for event in client.of("response.output_audio.delta"))
    assert sound == pytest.approx(ledger.sound_seconds, abs=0.03)
    frames = client.of("sophia.face.frames")
    assert sum(event["count"] for event in frames) > 25 * ledger.sound_seconds
    assert {event["fps"] for event in frames[1:]} == {30.0}
    captions = [word for event in client.of("sophia.words") for word in event["words"]]
    assert "".join(word for word, _, _ in captions) == ledger.heard
    (told,) = client.of("sophia.turn.ledger")
    assert told["voice_to_voice_ms"] == pytest.approx(ledger.voice_to_voice * 1000, abs=0.01)


def test_words_never_run_ahead_of_their_sound_by_more_than_half_a_word():
    client = talk([Says(1.0, "where is my order")])
    places = [word for event in client.of("sophia.words") for word in event["words"]]
    sent, words = 0.0, 0
    for event in client.events:
        if event["type"] == "response.output_audio.delta":
            sent = event["sophia"]["audio_start_ms"] + len(event["delta"]) * 3 / 4 / 2 / RATE * 1000
        elif event["type"] == "response.output_audio_transcript.delta":
            words += len(event["delta"].split())
            assert sum(places[words - 1][1:]) / 2 <= sent + 1


def test_an_interruption_tells_what_was_heard():
    client = talk([Says(1.0, "where is my order"), Says(6.0, "no stop that please")])
    first, second = client.table.notes.turns
    assert (first.outcome, second.outcome) == (Outcome.INTERRUPTED, Outcome.REPLIED)
    (truncated,) = client.of("conversation.item.truncated")
    assert truncated["sophia"]["heard"] == first.heard
    assert transcripts(client)[0].startswith(first.heard)
    assert [event["response"]["status"] for event in client.of("response.done")] == ["cancelled", "completed"]


def test_a_backchannel_leaves_no_trace_but_a_gap():
    client = talk([Says(1.0, "where is my order"), Says(5.0, "mhm")])
    assert len(client.of("input_audio_buffer.speech_started")) == 1
    assert len(client.of("sophia.playout.pause")) == len(client.of("sophia.playout.resume")) == 1
    assert transcripts(client) == [client.table.notes.turns[0].heard]


def test_typing_saying_and_cancelling():
    client = talk(
        [],
        (1.0, lambda at: TextTyped(at=at, text="where is my order")),
        (3.0, lambda at: SayRequested(at=at, text="The door is open.")),
        (4.0, lambda at: TextTyped(at=at, text="stop")),
        (6.0, lambda at: CancelRequested(at=at)),
        (8.0, lambda at: SayRequested(at=at, text="Goodbye then.")),
    )
    statuses = [event["response"]["status"] for event in client.of("response.done")]
    assert statuses == ["cancelled", "cancelled", "completed"]
    assert transcripts(client)[-1] == "Goodbye then."
    heard = [ledger.heard for ledger in client.table.notes.turns]
    assert [event["sophia"]["heard"] for event in client.of("conversation.item.truncated")] == heard[:2]


def test_a_phrase_of_hers_has_its_words():
    client = talk([Says(1.0, "where is my order")], tokens=[])
    (ledger,) = client.table.notes.turns
    assert ledger.outcome is Outcome.FAILED
    (done,) = client.of("response.done")
    assert done["response"]["status"] == "failed"
    assert transcripts(client) == [ledger.heard]
    assert ledger.heard.startswith("Sorry")
