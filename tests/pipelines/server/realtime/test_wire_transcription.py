"""Sessions that only transcribe: what the client is told, and that nothing is ever answered."""

import pytest
from wire_rules import Rules
from wire_talk import OFFSET, RATE, Talk, counting, of, only

from pipelines.conversation.events import PolicyChanged
from pipelines.server.realtime.wire import Wire
from sophia.decisions import Start
from sophia.events import EarsLost

SPOKEN = "conversation.item.input_audio_transcription"


@pytest.fixture
def talk():
    wire = Wire(began=OFFSET, voice_rate=RATE, ids=counting(), wished={"type": "transcription"})
    talk = Talk(wire=wire)
    talk.tell(PolicyChanged(at=talk.now, policy=wire.policy))
    yield talk
    assert not of(talk, "response.created")
    assert not [decision for decision in talk.decided if isinstance(decision, Start)]  # not even a guess
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)


def test_the_session_is_of_that_type(talk):
    session = only(talk, "session.created")["session"]
    assert (session["type"], session["object"]) == ("transcription", "realtime.transcription_session")
    assert set(session["audio"]) == {"input"}


def test_each_utterance_is_told_by_itself(talk):
    for text in ("where is my order", "where is my order", "and the blue one"):
        talk.starts().wait(0.5).says(text, final=False).says(text, final=False).wait(0.2).stops().says(text).wait(3)
    assert [event["transcript"] for event in of(talk, f"{SPOKEN}.completed")] == [
        "where is my order", "where is my order", "and the blue one",
    ]  # fmt: skip
    assert "".join(event["delta"] for event in of(talk, f"{SPOKEN}.delta")) == (
        "where is my orderwhere is my orderand the blue one"
    )
    assert len(of(talk, "input_audio_buffer.committed")) == 3


def test_speech_without_words_and_lost_ears_are_not_spoken_of(talk):
    talk.voice(1.0).wait(5)
    talk.tell(EarsLost(at=talk.now, error=RuntimeError("gone"))).wait(20).voice(2.0).wait(20)


@pytest.mark.parametrize("kind", ["response.create", "conversation.item.create", "sophia.say"])
def test_nothing_is_answered(talk, kind):
    talk.client(kind, event_id="e1")
    error = only(talk, "error")["error"]
    assert (error["code"], error["event_id"]) == ("transcription_session", "e1")


def test_a_client_may_say_so_later():
    talk = Talk().client("session.update", session={"type": "transcription"})
    assert only(talk, "session.updated")["session"]["type"] == "transcription"
    assert any(isinstance(wish, PolicyChanged) and not wish.policy.answers for wish in talk.wishes)
