"""Responses beside the conversation: what may be asked, their orders, and their ends."""

import pytest
from wire_rules import Rules
from wire_talk import OFFSET, RATE, Talk, of, only, timed

from nova.mind import Message
from pipelines.conversation.manner import Manner
from pipelines.server.realtime.asides import MOST_INPUTS
from pipelines.server.realtime.wire import Wire
from pipelines.server.realtime.wishes import AskAside, CancelAside


@pytest.fixture
def talk():
    talk = Talk()
    yield talk
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)


def said(role, text, kind="input_text"):
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def beside(talk, **response):
    talk.client("response.create", event_id="e1", response={"conversation": "none", **response})
    return next((wish for wish in reversed(talk.wishes) if isinstance(wish, AskAside)), None)


def test_one_in_writing_while_she_speaks(talk):
    talk.asks().writes().sounds(0.5)
    before = len(talk.sent)
    asked = beside(talk, input=[said("user", "topic?")], output_modalities=["text"], metadata={"for": "topic"})
    assert asked == AskAside((Message("user", "topic?"),), Manner(written=True))
    talk.sent += [talk.wire.asides.wrote("orders"), talk.wire.asides.over("completed")]
    assert talk.types(before) == [
        "response.created", "response.output_item.added", "response.content_part.added", "response.output_text.delta",
        "response.output_text.done", "response.content_part.done", "response.output_item.done", "response.done",
    ]  # fmt: skip
    done = of(talk, "response.done")[-1]["response"]
    assert (done["status"], done["metadata"]) == ("completed", {"for": "topic"})
    item = done["output"][0]["id"]
    talk.client("conversation.item.retrieve", item_id=item)
    assert only(talk, "error")["error"]["code"] == "item_retrieve_invalid_item_id"  # nobody's
    talk.ends()
    assert [event["response"]["status"] for event in of(talk, "response.done")] == ["completed", "completed"]


def test_a_spoken_one_sends_each_word_with_its_sound(talk):
    beside(talk, input=[said("user", "hello")])
    talk.sent += [talk.wire.asides.words(timed("Good day.")), talk.wire.asides.sound(0, bytes(2 * 24_000))]
    talk.sent.append(talk.wire.asides.over("completed"))
    assert "".join(event["delta"] for event in of(talk, "response.output_audio_transcript.delta")) == "Good day."
    assert len(of(talk, "response.output_audio.delta")) == 1


def test_there_is_one_at_a_time_and_it_can_be_cancelled_by_its_id(talk):
    beside(talk, input=[said("user", "hello")])
    name = only(talk, "response.created")["response"]["id"]
    beside(talk, input=[said("user", "hello")])
    assert only(talk, "error")["error"]["code"] == "conversation_already_has_active_response"
    talk.client("response.cancel")
    assert of(talk, "error")[-1]["error"]["code"] == "response_cancel_not_active"  # the conversation has none
    talk.client("response.cancel", response_id=name)
    assert isinstance(talk.wishes[-1], CancelAside)
    talk.sent.append(talk.wire.asides.over("cancelled"))
    details = only(talk, "response.done")["response"]["status_details"]
    assert details == {"type": "cancelled", "reason": "client_cancelled"}
    assert beside(talk, input=[said("user", "hello")])
    talk.sent.append(talk.wire.asides.over("failed", ("llm", "It is away.")))
    assert of(talk, "response.done")[-1]["response"]["status_details"]["error"]["code"] == "llm_failed"


def test_without_input_it_is_the_conversation_that_is_answered(talk):
    assert beside(talk).messages is None


def test_items_are_referred_to_and_roles_take_turns(talk):
    talk.asks().writes().ends()
    question, answer = (event["item"]["id"] for event in of(talk, "conversation.item.added"))
    refer = [{"type": "item_reference", "id": answer}, {"type": "item_reference", "id": question}]
    asked = beside(talk, input=[*refer, said("user", "Which language?")])
    assert [message.role for message in asked.messages] == ["user", "assistant", "user"]
    assert asked.messages[-1].content == "where is my order\nWhich language?"
    talk.sent.append(talk.wire.asides.over("completed"))
    assert [message.role for message in beside(talk, input=[]).messages] == ["user"]


def test_what_the_system_writes_stands_with_the_instructions_where_it_may():
    talk = Talk(wire=Wire(began=OFFSET, voice_rate=RATE, instructions=True))
    talk.client("session.update", session={"type": "realtime", "instructions": "Be brief."})
    asked = beside(talk, instructions="One word.", input=[said("system", "It rains."), said("user", "Weather?")])
    assert asked.manner.instructions == "One word.\n\nIt rains."


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ("hello", "response.input", "invalid_value"),
        ([said("user", "x")] * (MOST_INPUTS + 1), "response.input", "invalid_value"),
        ([said("user", "x" * 7_999)] * 5, "response.input", "string_above_max_length"),
        ([said("user", "x" * 8_001)], "response.input[0]", "string_above_max_length"),
        ([{"type": "item_reference", "id": "no"}], "response.input[0].id", "item_not_found"),
        ([{"type": "function_call"}], "response.input[0]", "unsupported_item"),
        ([said("user", "x", "input_image")], "response.input[0]", "unsupported_content"),
        ([said("system", "x")], "response.input[0]", "instructions_not_allowed"),
        ([5], "response.input[0]", "unsupported_item"),
    ],
)
def test_what_cannot_be_answered_is_refused_and_nothing_begins(talk, given, param, code):
    assert beside(talk, input=given) is None
    error = only(talk, "error")["error"]
    assert (error["param"], error["code"], error["event_id"]) == (param, code, "e1")
    assert not of(talk, "response.created")


def test_input_is_for_responses_beside_the_conversation(talk):
    talk.client("response.create", response={"input": [said("user", "x")]})
    assert only(talk, "error")["error"]["param"] == "response.input"


def test_who_watches_asks_nothing_beside():
    talk = Talk(wire=Wire(began=OFFSET, voice_rate=RATE, watch=True))
    beside(talk)
    assert only(talk, "error")["error"]["code"] == "watching"
