"""What a client asks for and gets: wishes, answers, and errors with the codes that clients know."""

import base64

import pytest
from wire_rules import Rules
from wire_talk import OFFSET, RATE, REPLY, Talk, of, only

from pipelines.conversation.events import PlaybackAcknowledged, TextTyped
from pipelines.server.realtime.items import MOST_ITEMS
from pipelines.server.realtime.reading import MOST_TEXT
from pipelines.server.realtime.wire import Wire
from pipelines.server.realtime.wishes import AppendAudio, ClearAudio, MuteMicrophone, PlayoutReport


@pytest.fixture
def talk():
    talk = Talk()
    yield talk
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)


def message(text="hello", **fields):
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **fields}


def refused(talk, kind, **fields):
    (error,) = talk.client(kind, event_id="e1", **fields).sent[-1]
    assert error["error"]["event_id"] == "e1"
    assert error["error"]["type"] == "invalid_request_error"
    assert None not in error["error"].values()
    return error["error"]["code"]


def test_sound_keeps_its_half_samples(talk):
    sound = bytes(range(1, 8))
    for piece in (sound[:3], sound[3:4], sound[4:]):
        talk.client("input_audio_buffer.append", audio=base64.b64encode(piece).decode())
    assert [wish.pcm for wish in talk.wishes] == [sound[:2], sound[2:4], sound[4:6]]
    assert talk.sent[-1] == []
    talk.client("input_audio_buffer.clear").client("input_audio_buffer.append", audio="AQI=")
    assert talk.wishes[-2:] == [ClearAudio(), AppendAudio(b"\x01\x02")]
    assert len(of(talk, "input_audio_buffer.cleared")) == 1


@pytest.mark.parametrize(
    ("audio", "code"),
    [(None, "missing_required_parameter"), (7, "missing_required_parameter"), ("é", "invalid_value"),
     ("AAA", "invalid_value"), ("A A=", "invalid_value"), ("A" * (15 * 2**20 + 4), "string_above_max_length")],
)  # fmt: skip
def test_sound_that_is_none_is_refused(talk, audio, code):
    assert refused(talk, "input_audio_buffer.append", audio=audio) == code
    assert talk.wishes == []


@pytest.mark.parametrize("text", [{"type": "x"}, {"type": 5}, {}, [], None, "text", 3])
def test_what_is_no_event_is_an_error_and_no_more(talk, text):
    assert talk.message(text).sent[-1][0]["type"] == "error"


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (None, "missing_required_parameter"),
        (message(""), "invalid_value"),
        (message("x" * (MOST_TEXT + 1)), "string_above_max_length"),
        (message(id=""), "invalid_value"),
        (message(id="x" * 129), "invalid_value"),
        (message(id="a\nb"), "invalid_value"),
        (message(content="hello"), "invalid_value"),
        (message(content=[{"type": "input_audio", "audio": "AAAA"}]), "unsupported_content"),
        (message(content=[{"type": "input_image", "image_url": "http://x"}]), "unsupported_content"),
        (message(role="assistant", content=[{"type": "input_text", "text": "x"}]), "unsupported_content"),
        (message(role="tool"), "unsupported_item"),
        (message(role=["user"]), "unsupported_item"),
        ({"type": "mcp_call", "name": "x"}, "unsupported_item"),
    ],
)
def test_items_that_cannot_be_taken_in_are_refused_politely(talk, item, code):
    assert refused(talk, "conversation.item.create", item=item) == code
    assert of(talk, "conversation.item.added") == []


def test_items_stand_where_the_client_puts_them(talk):
    for name, place in (("a", None), ("b", None), ("front", "root"), ("between", "a")):
        where = {} if place is None else {"previous_item_id": place}
        talk.client("conversation.item.create", item=message(name, id=name), **where)
    places = {e["item"]["id"]: e["previous_item_id"] for e in of(talk, "conversation.item.added")}
    assert places == {"a": None, "b": "a", "front": None, "between": "a"}
    assert refused(talk, "conversation.item.create", item=message(id="a")) == "item_create_duplicate_item_id"
    code = refused(talk, "conversation.item.create", item=message(), previous_item_id="nowhere")
    assert code == "item_create_invalid_previous_item_id"
    talk.client("conversation.item.delete", item_id="between").client("response.create")
    assert talk.wishes[-1] == TextTyped(at=talk.now, text="a\nb\nfront")


def test_an_item_cannot_take_the_place_of_what_is_being_said(talk):
    talk.starts()
    name = only(talk, "input_audio_buffer.speech_started")["item_id"]
    assert refused(talk, "conversation.item.create", item=message(id=name)) == "item_create_duplicate_item_id"


def test_items_that_are_not_known_are_refused_with_their_own_codes(talk):
    for kind in ("retrieve", "truncate", "delete"):
        code = refused(talk, f"conversation.item.{kind}", item_id="nowhere", audio_end_ms=1)
        assert code == f"item_{kind}_invalid_item_id"


def test_only_what_she_said_can_be_truncated(talk):
    talk.types_message("hello")
    question, answer = (event["item"]["id"] for event in of(talk, "conversation.item.added"))
    assert refused(talk, "conversation.item.truncate", item_id=question, audio_end_ms=0) == "invalid_value"
    assert refused(talk, "conversation.item.truncate", item_id=answer, audio_end_ms="1") == "invalid_type"
    talk.writes().sounds(1.0).client("conversation.item.truncate", item_id=answer, audio_end_ms=500.7)
    assert only(talk, "conversation.item.truncated")["audio_end_ms"] == 500
    assert talk.wishes[-1] == PlaybackAcknowledged(at=talk.now, generation=1, samples=round(0.5007 * RATE))


def test_a_response_that_runs_is_the_only_one(talk):
    talk.types_message("hello")
    assert refused(talk, "response.create") == "conversation_already_has_active_response"
    assert refused(talk, "response.cancel", response_id="resp_other") == "response_cancel_not_active"
    running = only(talk, "response.created")["response"]["id"]
    talk.client("response.cancel", response_id=running)
    assert only(talk, "response.done")["response"]["status_details"]["reason"] == "client_cancelled"
    assert of(talk, "conversation.item.truncated") == []  # there was nothing to cut


@pytest.mark.parametrize(
    ("response", "code"),
    [("now", "invalid_type"), ({"conversation": "old"}, "unsupported_parameter"),
     ({"input": [message()]}, "unsupported_parameter"), ({"metadata": {"a": 1}}, "invalid_value"),
     ({"metadata": {str(n): "" for n in range(17)}}, "invalid_value")],
)  # fmt: skip
def test_responses_that_cannot_be_made_are_refused_and_the_message_waits(talk, response, code):
    talk.client("conversation.item.create", item=message())
    assert refused(talk, "response.create", response=response) == code
    assert talk.client("response.create").types()[-1] == "response.content_part.added"


def test_a_response_says_what_of_its_order_changes_nothing(talk):
    response = {"instructions": "Be brief.", "tools": [], "output_modalities": ["audio"], "metadata": {"a": "b"}}
    talk.types_message("hello", response=response)
    created = only(talk, "response.created")["response"]
    assert created["sophia"] == {"ignored": ["instructions"]}
    assert created["metadata"] == {"a": "b"}
    talk.writes().ends().asks()
    assert of(talk, "response.created")[1]["response"]["metadata"] is None


def test_an_order_that_was_refused_is_forgotten(talk):
    active = "conversation_already_has_active_response"
    assert refused(talk.asks(), "response.create", response={"metadata": {"a": "b"}}) == active
    assert of(talk.writes().ends().asks(), "response.created")[1]["response"]["metadata"] is None


@pytest.mark.parametrize(("text", "code"), [
    (None, "missing_required_parameter"), (" ", "missing_required_parameter"), ("…", "refused"),
    ("x" * (MOST_TEXT + 1), "string_above_max_length"),
])  # fmt: skip
def test_what_she_cannot_say_is_refused(talk, text, code):
    talk.client("sophia.say", event_id="e1", text=text)
    error = only(talk, "error")["error"]
    assert (error["code"], error["event_id"]) == (code, "e1")


def test_a_refusal_that_another_ones_request_met_is_not_told_here(talk):
    talk.client("sophia.say", text="One.").wait(1.0)
    talk.asks("x")
    from sophia.events import CommitRequested

    talk.wait(9).ends().tell(CommitRequested(at=talk.now + 1))
    assert of(talk, "error") == []


def test_reports_of_the_clients_playout_are_believed_up_to_what_was_sent(talk):
    talk.asks().writes().sounds(1.0)
    name = only(talk, "response.output_item.added")["item"]["id"]
    report = {"item_id": name, "audio_ms": 400.0, "buffered_ms": 90, "underruns": 2, "playing": False,
              "face": {"late": 3, "missing": 0.1, "skew_mean_ms": None, "else": 1}}  # fmt: skip
    talk.client("sophia.playout.position", **report)
    heard, told = talk.wishes[-2:]
    assert heard == PlaybackAcknowledged(at=talk.now, generation=1, samples=round(0.4 * RATE))
    assert told == PlayoutReport(
        at=talk.now, generation=1, audio_ms=400.0, buffered_ms=90.0, underruns=2, playing=False,
        face={"late": 3.0, "missing": 0.1},
    )  # fmt: skip
    talk.client("sophia.playout.position", item_id=name, audio_ms=9e9)
    assert talk.wishes[-2].samples == RATE
    before = len(talk.wishes)
    for odd in ({}, {"item_id": "x", "audio_ms": 1}, {"item_id": name}, {"item_id": name, "audio_ms": "1"}):
        talk.client("sophia.playout.position", **odd)
        assert talk.sent[-1] == []
    assert len(talk.wishes) == before


def test_an_interruption_counts_what_the_client_says_it_has_played(talk):
    talk.asks().writes().sounds(1.6)
    name = only(talk, "response.output_item.added")["item"]["id"]
    talk.client("sophia.playout.position", item_id=name, audio_ms=900.0).client("response.cancel")
    truncated = only(talk, "conversation.item.truncated")
    assert truncated["sophia"] == {"heard": "Here it is, as", "heard_ms": pytest.approx(900, abs=0.1)}


def test_a_client_mutes_itself(talk):
    talk.client("sophia.microphone", muted=True)
    assert talk.wishes == [MuteMicrophone(True)]
    assert refused(talk, "sophia.microphone", muted=1) == "invalid_type"


def test_the_oldest_items_are_forgotten(talk):
    for number in range(MOST_ITEMS + 5):
        talk.client("conversation.item.create", item=message(id=f"i{number}"))
        if number % 30 == 29:
            talk.client("response.create").writes().ends()
    assert refused(talk, "conversation.item.retrieve", item_id="i0") == "item_retrieve_invalid_item_id"
    assert talk.client("conversation.item.retrieve", item_id=f"i{MOST_ITEMS}").sent[-1][0]["item"]["id"]


def test_messages_that_wait_for_an_answer_are_bounded(talk):
    for number in range(32):
        talk.client("conversation.item.create", item=message(id=f"i{number}"))
    assert refused(talk, "conversation.item.create", item=message()) == "too_many_items"


def test_what_the_system_says_is_bounded():
    talk = Talk(wire=Wire(began=OFFSET, voice_rate=RATE, instructions=True))
    for _ in range(32):
        talk.client("conversation.item.create", item=message(role="system"))
    assert refused(talk, "conversation.item.create", item=message(role="system")) == "too_many_items"


def test_half_a_character_is_mended(talk):
    talk.types_message("hello \ud800 there")
    assert talk.wishes[-1].text == "hello ? there"
    talk.writes().ends()
    assert of(talk, "response.done")[0]["response"]["output"][0]["content"][0]["transcript"] == REPLY
