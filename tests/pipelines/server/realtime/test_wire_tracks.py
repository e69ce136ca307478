"""Sound beside the events: what a call is told of it, and what it may ask."""

import pytest
from wire_rules import Rules
from wire_talk import OFFSET, RATE, Talk, counting

from pipelines.server.realtime.wire import Wire


def call(**options):
    return Talk(wire=Wire(began=OFFSET, voice_rate=RATE, ids=counting(), tracks=True, **options))


def judged(talk):
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)
    return talk


def test_a_reply_begins_and_ends_to_sound_around_its_words():
    talk = call().asks()
    since = len(talk.sent)
    judged(talk.writes().sounds(0.5).ends())
    assert talk.types(since) == [
        "output_audio_buffer.started",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "output_audio_buffer.stopped",
    ]


def test_an_interruption_clears_the_sound_and_the_server_truncates():
    talk = call().asks().writes().sounds(1.0)
    since = len(talk.sent)
    judged(talk.starts().wait(0.3).says("no stop that please").wait(0.5))
    types = talk.types(since)
    assert types[:2] == ["input_audio_buffer.speech_started", "output_audio_buffer.cleared"]
    assert types.index("response.done") < types.index("conversation.item.truncated")
    assert "output_audio_buffer.stopped" not in types
    (truncated,) = [event for event in talk.events if event["type"] == "conversation.item.truncated"]
    assert truncated["audio_end_ms"] == 1000
    assert truncated["sophia"]["heard"] == "Here it is, as"


def test_the_client_clears_her_sound():
    talk = call().asks().writes().sounds(0.5)
    since = len(talk.sent)
    judged(talk.client("output_audio_buffer.clear"))
    assert talk.types(since)[0] == "output_audio_buffer.cleared"
    (done,) = [event["response"] for event in talk.events if event["type"] == "response.done"]
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}


def test_what_is_silent_already_is_cleared_without_a_word():
    """agents-js cancels the response first, and then clears."""
    talk = call().asks().writes().sounds(0.5).client("response.cancel")
    since = len(talk.sent)
    judged(talk.client("output_audio_buffer.clear"))
    assert talk.types(since) == []


def test_a_response_that_does_not_sound_yet_goes_on():
    talk = call().asks().client("output_audio_buffer.clear").writes().sounds(0.5)
    judged(talk.ends())
    assert talk.types()[-1] == "output_audio_buffer.stopped"


def test_a_written_reply_makes_no_sound():
    talk = call().client("session.update", session={"type": "realtime", "output_modalities": ["text"]})
    judged(talk.asks().writes().ends())
    assert not [kind for kind in talk.types() if kind.startswith("output_audio_buffer")]


def error_of(talk):
    (error,) = [event["error"] for event in talk.events if event["type"] == "error"]
    return error["code"]


def test_sound_that_is_appended_is_refused_once():
    talk = judged(call().client("input_audio_buffer.append", audio="AAAA").client("input_audio_buffer.append"))
    assert error_of(talk) == "invalid_event_for_transport"


def test_a_socket_has_her_sound_itself():
    talk = judged(Talk().asks().writes().sounds(0.5).client("output_audio_buffer.clear"))
    assert error_of(talk) == "invalid_event_for_transport"


def test_a_commit_by_hand_finds_the_open_microphone():
    detection = {"audio": {"input": {"turn_detection": None}}}
    talk = call().client("session.update", session={"type": "realtime", **detection})
    judged(talk.client("input_audio_buffer.commit"))
    assert "CommitRequested" in [type(wish).__name__ for wish in talk.wishes]
    assert not [event for event in talk.events if event["type"] == "error"]


def test_an_answer_beside_the_conversation_is_written():
    talk = judged(call().client("response.create", response={"conversation": "none"}))
    assert error_of(talk) == "unsupported_parameter"
    talk = call().client("response.create", response={"conversation": "none", "output_modalities": ["text"]})
    assert talk.types()[1] == "response.created"


@pytest.mark.parametrize(
    ("wished", "path"),
    [
        ({"audio": {"output": {"format": {"type": "audio/pcmu"}}}}, "audio.output.format.type"),
        ({"audio": {"input": {"format": {"rate": 16_000}}}}, "audio.input.format.rate"),
        ({"sophia": {"lead_ms": 500}}, "sophia.lead_ms"),
    ],
)
def test_formats_and_leads_are_the_tracks_business(wished, path):
    talk = call().client("session.update", session={"type": "realtime", **wished})
    session = talk.events[-1]["session"]
    assert session["sophia"]["ignored"] == [path]
    assert session["sophia"]["lead_ms"] == 0
    assert session["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24_000}
