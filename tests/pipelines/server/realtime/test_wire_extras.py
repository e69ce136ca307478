"""Events of our own: face, captions, floor, ledger, playout, levels and notices."""

import base64

import numpy as np
import pytest
from wire_rules import Rules
from wire_talk import OFFSET, RATE, REPLY, WORD, Talk, of, only

from aurora.face import ARKIT, FaceFrame
from pipelines.conversation.events import ClauseSkipped, DeviceBack, DeviceLost
from pipelines.conversation.face_events import Attending, Felt, Nodded
from pipelines.telemetry.ledger import CHAIN
from sophia.events import EarsBack, EarsLost, Failed


@pytest.fixture
def talk():
    talk = Talk().extended()
    yield talk
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)


def frames(times, value=0.5):
    return [FaceFrame(time, np.full(52, value, np.float32)) for time in times]


def weights(event):
    return np.frombuffer(base64.b64decode(event["weights"]), np.uint8).reshape(event["count"], 52)


def test_a_guessed_face_is_shown_once_its_turn_is_decided(talk):
    talk.voice(0.8).says("where is my order")
    assert talk.wire.frames(talk.generation, frames([0.0, 1 / 30, 2 / 30])) == []
    talk.wait(2.0)
    names, told = only(talk, "sophia.face.names"), only(talk, "sophia.face.frames")
    assert names["names"] == list(ARKIT)
    assert told["names_id"] == names["names_id"]
    assert told["response_id"] == only(talk, "response.created")["response"]["id"]
    assert (told["audio_start_ms"], told["fps"], told["count"]) == (0, 30.0, 3)
    assert (weights(told) == 128).all()


def test_a_guess_that_is_dropped_shows_no_face(talk):
    talk.voice(0.8).says("where is my order")
    first = talk.generation
    talk.wire.frames(first, frames([0.0, 0.1]))
    talk.starts().wait(0.2).stops().says("and another").wait(3.0)
    assert talk.generation != first
    assert of(talk, "sophia.face.frames") == []
    assert talk.wire.frames(first, frames([0.2])) == []


def test_frames_come_in_runs_that_are_evenly_spaced(talk):
    talk.asks()
    times = [0.0, 1 / 60, 2 / 60, 1.0, 1.04, 1.08, 1.12]
    told = [e for e in talk.wire.frames(talk.generation, frames(times)) if e["type"] == "sophia.face.frames"]
    assert [(e["audio_start_ms"], e["fps"], e["count"]) for e in told] == [(0, 60.0, 3), (1000, 25.0, 4)]
    (lone,) = talk.wire.frames(talk.generation, frames([1.16]))
    assert (lone["audio_start_ms"], lone["fps"], lone["count"]) == (1160, 25.0, 1)


def test_weights_that_are_no_weights_stay_within_a_byte(talk):
    talk.asks()
    odd = FaceFrame(0.0, np.array([np.nan, np.inf, -1.0, 2.0, 0.25, *[0.0] * 47], np.float32))
    event = talk.wire.frames(talk.generation, [odd])[-1]
    assert weights(event)[0, :5].tolist() == [0, 255, 0, 255, 64]


def test_many_frames_are_several_events_of_bounded_size(talk):
    talk.asks()
    told = talk.wire.frames(talk.generation, frames([number / 60 for number in range(1500)]))[1:]
    assert sum(event["count"] for event in told) == 1500
    assert max(len(event["weights"]) for event in told) < 60_000


def test_captions_come_before_their_sound_and_join_to_the_text(talk):
    talk.voice(0.8).says("where is my order").writes(3).wait(2.0).writes()
    words = [word for event in of(talk, "sophia.words") for word in event["words"]]
    assert "".join(text for text, _, _ in words) == REPLY
    assert words[1][1:] == [pytest.approx(WORD / RATE * 1000, abs=0.1), pytest.approx(2 * WORD / RATE * 1000, abs=0.1)]
    assert of(talk, "response.output_audio_transcript.delta") == []  # nothing of it has sounded


def test_the_users_words_are_told_with_how_much_is_sure(talk):
    talk.starts().wait(0.3).says("where", final=False).says("where is", final=False).wait(0.5)
    talk.stops().says("Where is it?").wait(2)
    told = [(e["text"], e["sure"], e["turn"]) for e in of(talk, "sophia.transcript")]
    assert told == [("where", 0, 1), ("where is", 5, 1), ("Where is it?", 0, 1), ("Where is it?", 12, 1)]


def test_the_floor_follows_the_conversation(talk):
    talk.asks().writes().sounds(1.6).wait(1.6).voice(0.1).wait(0.3).says("").wait(2.0)
    talk.starts().wait(0.3).says("no stop that", final=False, stable=True)
    states = [event["state"] for event in of(talk, "sophia.floor")]
    assert states == [
        "hearing",
        "thinking",
        "speaking",
        "ducked",
        "speaking",
        "ducked",
        "paused",
        "interrupted",
        "hearing",
    ]
    assert of(talk, "sophia.floor")[0]["at_ms"] == 0


def test_marks_come_as_they_are_noted_and_are_those_of_the_ledger(talk):
    talk.asks().writes().sounds(0.5).ends()
    ledger = only(talk, "sophia.turn.ledger")
    marks = {event["mark"]: event["at_ms"] for event in of(talk, "sophia.turn.mark")}
    assert marks == ledger["marks"]
    assert {"voice_start", "voice_end", "transcript", "started", "released", "played", "end"} <= marks.keys()
    assert ledger["zero_at_ms"] == marks["voice_end"]
    assert list(ledger["contributions"]) == list(CHAIN.values())
    assert sum(ledger["contributions"].values()) == pytest.approx(ledger["voice_to_voice_ms"], abs=0.01)
    assert (ledger["user"], ledger["heard"], ledger["outcome"]) == ("where is my order", REPLY, "replied")
    items = [event["item"]["id"] for event in of(talk, "conversation.item.added")]
    assert ledger["item_ids"] == items
    decisions = [(e["decision"], e["reason"], e["at_ms"]) for e in of(talk, "sophia.turn.decision")]
    assert [tuple(decision.values()) for decision in ledger["decisions"]] == decisions


def test_who_asks_for_the_ledger_in_the_middle_of_a_turn_gets_all_of_it():
    talk = Talk()
    talk.asks().writes().sounds(0.5)
    assert not of(talk, "sophia.turn.mark")
    talk.extended()
    talk.ends()
    marks = {event["mark"]: event["at_ms"] for event in of(talk, "sophia.turn.mark")}
    assert marks == only(talk, "sophia.turn.ledger")["marks"]
    assert "voice_start" in marks


def test_every_turn_has_its_ledger(talk):
    talk.asks().writes().sounds(0.3).wait(0.3)
    talk.starts().wait(0.4).says("for the shoes", final=False, stable=True).stops().says("for the shoes").wait(3)
    talk.writes().ends().voice(0.2).wait(4)
    outcomes = {event["turn"]: event["outcome"] for event in of(talk, "sophia.turn.ledger")}
    assert outcomes == {1: "replied", 2: "joined", 3: "dropped"}
    first = next(event for event in of(talk, "sophia.turn.ledger") if event["turn"] == 1)
    assert len(first["item_ids"]) == 4  # both pieces, the reply that was withdrawn, and the one to both


def test_pause_resume_and_clear_say_where(talk):
    talk.asks().writes().sounds(1.6).wait(1.6).voice(0.5).says("").wait(3).sounds(0.4)
    talk.client("response.cancel")
    told = [(e["type"].split(".")[-1], e["audio_ms"]) for e in talk.events if e["type"].startswith("sophia.playout.")]
    assert told == [
        ("pause", pytest.approx(1600)), ("resume", pytest.approx(1400)), ("clear", pytest.approx(1800)),
    ]  # fmt: skip


def test_levels_and_positions(talk):
    talk.asks().writes().sounds(0.5)
    (levels,) = talk.wire.levels(-30.04, -90.0, OFFSET + 2.0)
    assert (levels["user_db"], levels["agent_db"], levels["at_ms"]) == (-30.0, -90.0, 2000)
    (position,) = talk.wire.position(talk.generation, RATE, True, OFFSET + 2.0)
    assert (position["audio_ms"], position["playing"]) == (1000, True)
    assert talk.wire.position(99, RATE, True, OFFSET) == []


def test_troubles_are_told_in_plain_words(talk):
    gone = RuntimeError("gone")
    for happening in (
        EarsLost(at=talk.now, error=gone),
        EarsBack(at=talk.now),
        DeviceLost(at=talk.now, service="microphone", error=gone),
        DeviceBack(at=talk.now, service="microphone"),
        ClauseSkipped(at=talk.now, generation=1, text="Well.", error=gone),
        Failed(at=talk.now, service="face", error=gone),
        Failed(at=talk.now, service="llm", error=gone, again=True),
    ):
        talk.tell(happening)
    told = [(event["service"], event["state"]) for event in of(talk, "sophia.notice")]
    assert told == [
        ("asr", "lost"), ("asr", "back"), ("microphone", "lost"), ("microphone", "back"), ("tts", "skipped"),
        ("face", "failed"), ("llm", "retrying"),
    ]  # fmt: skip
    assert all(event["message"] for event in of(talk, "sophia.notice"))


def test_gestures_are_told_in_the_words_of_the_floor(talk):
    talk.tell(Attending(at=OFFSET + 1.0, to="idle")).tell(Nodded(at=OFFSET + 2.0, depth=0.06, twice=True))
    attention, nod = only(talk, "sophia.attention"), only(talk, "sophia.nod")
    assert (attention["to"], attention["at_ms"]) == ("listening", 1000.0)
    assert (nod["depth"], nod["twice"], nod["at_ms"]) == (0.06, True, 2000.0)


def test_the_mood_of_a_guess_is_told_once_its_turn_is_decided(talk):
    talk.voice(0.8).says("where is my order")
    talk.tell(Felt(at=OFFSET, generation=talk.generation, sample=RATE // 2, mood="joy", share=0.6))
    assert of(talk, "sophia.mood") == []
    talk.wait(2.0)
    told = only(talk, "sophia.mood")
    assert (told["audio_start_ms"], told["mood"], told["share"]) == (500.0, "joy", 0.6)
    assert told["item_id"] == only(talk, "response.output_item.added")["item"]["id"]
    talk.tell(Felt(at=OFFSET + 3.0, generation=talk.generation, sample=RATE, mood="", share=0.0))
    assert [event["mood"] for event in of(talk, "sophia.mood")] == ["joy", ""]
