"""What those who watch are told ahead of the sound: words with their times, frames; and what they tell back."""

from itertools import pairwise

import pytest
from table import REPLY, Table

from pipelines.conversation.events import FaceShown, PlaybackStarted, PlayoutStarted
from pipelines.conversation.observers import Observer, Observers
from pipelines.simulation.exact import Says, SimulatedMind
from pipelines.telemetry.ledger import Count

ORDER = Says(1.0, "where is my order")


class Watching(Observer):
    def __init__(self):
        self.words = {}
        self.frames = {}

    def scripted(self, generation, words):
        self.words.setdefault(generation, []).extend(words)

    def framed(self, generation, frame):
        self.frames.setdefault(generation, []).append(frame)


def test_every_word_is_told_once_with_its_place_in_the_sound():
    watching = Watching()
    table = Table([ORDER], seconds=20, observers=[watching])
    (ledger,) = table.talk().turns
    words = watching.words[ledger.generations[-1]]
    assert "".join(word.text for word in words).split() == REPLY.split()
    assert all(before.end <= after.start for before, after in pairwise(words))
    assert words[-1].end == pytest.approx(ledger.sound_seconds * table.voice.rate, abs=1)


def test_frames_come_ahead_of_their_sound():
    watching = Watching()
    (ledger,) = Table([ORDER], seconds=20, face=True, observers=[watching]).talk().turns
    frames = watching.frames[ledger.generations[-1]]
    assert frames[-1].time == pytest.approx(ledger.sound_seconds, abs=0.05)
    assert len(frames) == pytest.approx(30 * ledger.sound_seconds, abs=2)


def test_the_words_of_a_canned_phrase_are_told_behind_those_of_the_reply():
    class Breaks(SimulatedMind):
        async def reply(self, messages, *offered):
            async for token in super().reply(messages, *offered):
                yield token
                if token.startswith("here."):
                    raise RuntimeError("away")

    watching = Watching()
    (ledger,) = Table([ORDER], seconds=24, make_mind=Breaks, observers=[watching]).talk().turns
    words = watching.words[ledger.generations[-1]]
    assert "".join(word.text for word in words) == ledger.heard
    assert ledger.heard.endswith("right here. Sorry, I can't think straight right now.")
    starts = [word.start for word in words]
    assert starts == sorted(starts)


def test_who_does_not_look_is_not_told():
    assert not Observers([Observer()])._framed
    assert not Observers([Observer()])._scripted


def test_her_first_sample_is_when_the_client_says():
    plain = Table([ORDER], seconds=20).talk().turns[0]
    table = Table([ORDER], seconds=20)
    begun = []

    class Client(Observer):
        def told(self, happening):
            if isinstance(happening, PlayoutStarted):
                begun.append(happening.time)
                table.conversation.tell(
                    PlaybackStarted(at=happening.at, generation=happening.generation, time=happening.time + 0.123)
                )

    table.observers = [Client()]
    (ledger,) = table.talk().turns
    assert ledger.marks["played"] == pytest.approx(begun[0] + 0.123)
    assert ledger.voice_to_voice - plain.voice_to_voice == pytest.approx(0.123)
    assert ledger.contributions()["playout"] - plain.contributions()["playout"] == pytest.approx(0.123)


def test_a_client_that_begins_before_anything_sounds_is_not_believed():
    table = Table([ORDER], seconds=20)
    table.events = [(1.5, lambda at: PlaybackStarted(at=at, generation=1, time=at))]
    assert table.talk().turns[0].marks["played"] > table.notes.start + 1.6


def test_who_shows_the_face_knows_how_it_went():
    table = Table([ORDER], seconds=20, face=True)
    table.events = [
        (3.0, lambda at: FaceShown(at=at, generation=1, skew=-0.5, missing=0.9, late=7)),
        (4.0, lambda at: FaceShown(at=at, generation=1, skew=-0.031, missing=0.25, late=9)),
    ]
    (ledger,) = table.talk().turns
    assert (ledger.lip_skew, ledger.face_missing) == (-0.031, 0.25)
    assert ledger.counts[Count.LATE_FRAMES] == 9


def test_a_client_without_figures_changes_none():
    table = Table([ORDER], seconds=20, face=True)
    plain = Table([ORDER], seconds=20, face=True).talk().turns[0]
    table.events = [(4.0, lambda at: FaceShown(at=at, generation=1)), (4.1, lambda at: FaceShown(at=at, generation=9))]
    (ledger,) = table.talk().turns
    assert (ledger.lip_skew, ledger.face_missing) == (plain.lip_skew, plain.face_missing)
    assert ledger.counts[Count.LATE_FRAMES] == 0
