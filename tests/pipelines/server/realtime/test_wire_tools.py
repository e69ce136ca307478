"""Tools of the client on the wire: offered, called, answered, and what is refused."""

import json

import pytest
from wire_rules import Rules
from wire_talk import OFFSET, RATE, REPLY, Talk, counting, of, only

from nova.tools import Only, Toolbox, ToolCall, ToolSpec
from pipelines.conversation.events import AnswerRequested, TextTyped, ToolAnswered, ToolCalled
from pipelines.server.realtime.tools import MOST_CALLS, MOST_OUTPUT, MOST_SCHEMA, MOST_TOOLS
from pipelines.server.realtime.wire import Wire
from pipelines.server.realtime.wishes import OfferOnce

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "name": "get_weather", "description": "Tells the weather.", "parameters": SCHEMA}
CLOCK = {"type": "function", "name": "now"}
SPECS = (ToolSpec("get_weather", "Tells the weather.", SCHEMA), ToolSpec("now"))
CALL = [
    "response.output_item.added", "conversation.item.added", "response.function_call_arguments.delta",
    "response.function_call_arguments.done", "conversation.item.done", "response.output_item.done",
]  # fmt: skip
SPOKEN = ["response.output_item.added", "conversation.item.added", "response.content_part.added"]


@pytest.fixture
def talk():
    talk = Talk()
    talk.client("session.update", session={"type": "realtime", "tools": [WEATHER, CLOCK]})
    yield talk
    rules = Rules()
    for batch in talk.sent:
        rules.batch(batch)
        json.dumps(batch, allow_nan=False)


def refused(talk, kind, **fields):
    (error,) = talk.client(kind, event_id="e1", **fields).sent[-1]
    assert error["error"]["event_id"] == "e1"
    return error["error"]["code"]


def statuses(talk):
    return [event["response"]["status"] for event in of(talk, "response.done")]


def test_the_session_tells_the_tools_in_force(talk):
    session = only(talk, "session.updated")["session"]
    empty = {"description": "", "parameters": {"type": "object", "properties": {}}}
    assert session["tools"] == [WEATHER, CLOCK | empty]
    assert session["tool_choice"] == "auto"
    assert talk.wire.tools == Toolbox(SPECS)


def test_a_call_without_a_word(talk):
    talk.asks("how is it in ulm")
    before = len(talk.sent)
    talk.calls().ends()
    assert talk.types(before) == [*CALL, "response.done"]
    (call,) = only(talk, "response.done")["response"]["output"]
    assert (call["type"], call["status"], call["call_id"]) == ("function_call", "completed", "call_1")
    assert json.loads(call["arguments"]) == {"city": "Ulm"}
    assert statuses(talk) == ["completed"]
    assert of(talk, "error") == []
    added = next(event for event in of(talk, "conversation.item.added") if event["item"]["type"] == "function_call")
    assert added["item"]["status"] == "in_progress"


def test_what_she_says_before_a_call_and_after(talk):
    talk.asks("how is it in ulm").writes(3)
    before = len(talk.sent)
    talk.sounds(0.3).calls(alone=False).ends()
    assert talk.types(before)[-1] == "response.done"
    said, call = only(talk, "response.done")["response"]["output"]
    assert said["content"][0]["transcript"] == REPLY
    assert call["name"] == "get_weather"
    assert only(talk, "response.function_call_arguments.done")["output_index"] == 1
    other = Talk()
    other.client("session.update", session={"type": "realtime", "tools": [WEATHER]})
    other.asks("how is it in ulm").calls(alone=False).writes().ends()
    call, said = only(other, "response.done")["response"]["output"]
    assert (call["type"], said["type"]) == ("function_call", "message")


def test_a_call_of_a_guess_is_told_once_it_is_decided_and_never_if_it_is_dropped(talk):
    talk.voice(0.8).says("how is it in ulm").calls()
    assert of(talk, "response.function_call_arguments.done") == []
    talk.starts().wait(0.5).stops().says("and in bonn tomorrow")
    talk.wait(3)
    assert of(talk, "response.function_call_arguments.done") == []  # another guess, which has called nothing
    talk.calls()
    assert only(talk, "response.function_call_arguments.done")["call_id"] == "call_2"


def test_a_result_is_answered(talk):
    talk.asks("how is it in ulm").calls().ends().answers_call(output='{"sky": "clear"}')
    assert talk.wishes[-1] == ToolAnswered(at=talk.now, call_id="call_1", output='{"sky": "clear"}')
    added, done = talk.sent[-2]
    assert (added["type"], done["type"]) == ("conversation.item.added", "conversation.item.done")
    assert added["previous_item_id"] == of(talk, "response.done")[0]["response"]["output"][-1]["id"]
    talk.client("response.create").writes().sounds(0.3).ends()
    assert talk.wishes[-1] == AnswerRequested(at=talk.wishes[-1].at)
    assert of(talk, "response.done")[-1]["response"]["output"][0]["content"][0]["transcript"] == REPLY
    item = talk.client("conversation.item.retrieve", item_id=added["item"]["id"]).sent[-1][0]["item"]
    assert item["output"] == '{"sky": "clear"}'


def test_a_result_that_comes_while_she_speaks_is_answered_after_it(talk):
    talk.asks("how is it in ulm").writes().sounds(0.5).calls(alone=False)
    talk.answers_call().client("response.create")
    assert of(talk, "error") == []
    assert talk.types().count("response.created") == 1
    assert refused(talk, "response.create") == "conversation_already_has_active_response"  # once
    talk.ends()
    assert talk.types().count("response.created") == 2
    talk.writes().ends()
    assert statuses(talk) == ["completed", "completed"]


def test_cancelling_while_an_answer_waits_for_the_end_of_a_reply_ends_both(talk):
    talk.asks("how is it in ulm").writes().sounds(0.5).calls(alone=False).answers_call().client("response.create")
    talk.client("response.cancel").wait(5)
    assert statuses(talk) == ["cancelled"]
    assert only(talk, "response.done")["response"]["status_details"]["reason"] == "client_cancelled"
    assert talk.types().count("response.created") == 1
    talk.client("response.create").writes().ends()
    assert statuses(talk) == ["cancelled", "completed"]


def test_the_user_interrupts_while_a_call_is_open(talk):
    talk.asks("how is it in ulm").writes().sounds(1.6).wait(1.6).calls(alone=False)
    talk.starts().wait(0.3).says("no stop that", final=False, stable=True)
    said, call = only(talk, "response.done")["response"]["output"]
    assert (said["status"], call["status"]) == ("incomplete", "completed")
    talk.wait(0.3).stops().says("no stop that").wait(2).writes().ends()
    talk.answers_call()  # late, and still taken in
    assert of(talk, "error") == []
    assert statuses(talk) == ["cancelled", "completed"]


def test_cancelling_a_response_that_has_called_leaves_the_call(talk):
    talk.asks("how is it in ulm").calls().client("response.cancel")
    done = only(talk, "response.done")["response"]
    assert (done["status"], [item["type"] for item in done["output"]]) == ("cancelled", ["function_call"])
    talk.answers_call()
    assert of(talk, "error") == []


def test_two_calls_at_once(talk):
    talk.asks("how is it in ulm").calls().calls("now", "{}").ends()
    first, second = only(talk, "response.done")["response"]["output"]
    assert (first["call_id"], second["call_id"]) == ("call_1", "call_2")
    assert [event["output_index"] for event in of(talk, "response.function_call_arguments.done")] == [0, 1]
    talk.answers_call("call_2", "noon").answers_call("call_1").client("response.create").writes().ends()
    assert statuses(talk) == ["completed", "completed"]


def test_results_that_cannot_be_taken_are_refused(talk):
    def code(**item):
        return refused(talk, "conversation.item.create", item={"type": "function_call_output", **item})

    assert code(call_id="call_1", output="x") == "invalid_tool_call_id"
    talk.asks("how is it in ulm").calls().ends()
    assert code(call_id="call_1") == "missing_required_parameter"
    assert code(call_id="call_1", output={"a": 1}) == "invalid_type"
    assert code(call_id="call_1", output="x" * (MOST_OUTPUT + 1)) == "string_above_max_length"
    assert code(output="x") == "missing_required_parameter"
    talk.answers_call(output="")
    assert code(call_id="call_1", output="x") == "invalid_value"  # it has its output


def test_a_client_tells_of_calls_of_an_earlier_conversation(talk):
    call = {"type": "function_call", "call_id": "old", "name": "get_weather", "arguments": "{}", "id": "mine"}
    talk.client("conversation.item.create", item=call)
    assert talk.wishes[-1] == ToolCalled(at=talk.now, generation=0, call=ToolCall("old", "get_weather", "{}"))
    assert talk.sent[-1] == []  # nothing but the answer, which is the batch before
    assert talk.sent[-2][0]["item"] == {"object": "realtime.item", "status": "completed", **call}
    talk.answers_call("old").client("response.create").writes().ends()
    assert statuses(talk) == ["completed"]
    again = call | {"id": "again"}
    assert refused(talk, "conversation.item.create", item=again) == "invalid_value"
    for wrong in ({"arguments": "[]"}, {"arguments": "{"}, {"name": ""}, {"name": 7}, {"call_id": None}):
        odd = call | {"call_id": "x", "id": "odd"} | wrong
        assert refused(talk, "conversation.item.create", item=odd)


def test_the_oldest_calls_are_forgotten(talk):
    for number in range(MOST_CALLS + 1):
        item = {"type": "function_call", "call_id": f"c{number}", "name": "now", "arguments": "{}"}
        talk.client("conversation.item.create", item=item)
    item = {"type": "function_call_output", "call_id": "c0", "output": "x"}
    assert refused(talk, "conversation.item.create", item=item) == "invalid_tool_call_id"


TOO_MANY = [{"type": "function", "name": f"t{n}"} for n in range(MOST_TOOLS + 1)]


@pytest.mark.parametrize(
    ("tools", "code", "param"),
    [
        ("all", "invalid_type", "session.tools"),
        (TOO_MANY, "array_above_max_length", "session.tools"),
        ([{"type": "function", "name": "x", "description": "x" * MOST_SCHEMA}], "string_above_max_length",
         "session.tools"),
        ([CLOCK, 7], "invalid_type", "session.tools[1]"),
        ([CLOCK, CLOCK], "invalid_value", "session.tools[1].name"),
        ([{"type": "function"}], "missing_required_parameter", "session.tools[0].name"),
        ([{"type": "function", "name": "a\nb"}], "missing_required_parameter", "session.tools[0].name"),
        ([{"type": "function", "name": "x", "parameters": []}], "invalid_type", "session.tools[0].parameters"),
        ([{"type": "function", "name": "x", "parameters": {"a": float("nan")}}], "invalid_value",
         "session.tools[0].parameters"),
        ([{"type": "function", "name": "x", "description": 7}], "invalid_type", "session.tools[0].description"),
    ],
)  # fmt: skip
def test_tools_that_cannot_be_taken_are_refused_and_the_rest_of_the_update_holds(talk, tools, code, param):
    talk.client("session.update", session={"type": "realtime", "tools": tools, "sophia": {"lead_ms": 100}})
    error, session = talk.sent[-2] if talk.sent[-1] == [] else talk.sent[-1]
    assert (error["error"]["code"], error["error"]["param"]) == (code, param)
    assert [tool["name"] for tool in session["session"]["tools"]] == ["get_weather", "now"]
    assert session["session"]["sophia"]["lead_ms"] == 100


def test_a_choice_may_name_a_tool_that_comes_with_it_and_goes_with_it(talk):
    def update(**session):
        talk.client("session.update", session={"type": "realtime", **session})
        return of(talk, "session.updated")[-1]["session"]["tool_choice"]

    named = {"type": "function", "name": "fresh"}
    assert update(tool_choice=named, tools=[{"type": "function", "name": "fresh"}]) == named
    assert talk.wire.tools.choice == Only("fresh")
    assert update(tools=[CLOCK]) == "auto"
    assert update(tool_choice="required") == "required"
    assert update(tool_choice=named) == "required"
    assert only(talk, "error")["error"]["param"] == "session.tool_choice.name"
    assert update(tool_choice=None) == "auto"


def test_a_response_may_have_tools_of_its_own(talk):
    talk.types_message("hello", response={"tools": [CLOCK], "tool_choice": "required"})
    once, typed = talk.wishes[-2:]
    assert once == OfferOnce(Toolbox((ToolSpec("now"),), "required"))
    assert isinstance(typed, TextTyped)
    assert "sophia" not in only(talk, "response.created")["response"]
    talk.calls("now", "{}").ends()
    talk.client("response.create", response={"tool_choice": "none"})
    assert talk.wishes[-2] == OfferOnce(Toolbox(SPECS, "none"))
    assert talk.types()[-3:] == SPOKEN  # she cannot call: what she says begins at once


@pytest.mark.parametrize("response", [{"tools": 7}, {"tool_choice": 7}, {"tool_choice": {"type": "function"}}])
def test_tools_of_a_response_that_cannot_be_are_refused(talk, response):
    assert refused(talk, "response.create", response=response) in ("invalid_type", "invalid_value")


def test_a_response_that_is_called_off_takes_its_tools_with_it(talk):
    talk.starts().wait(0.4).says("and", final=False)
    talk.client("response.create", response={"tool_choice": "none"})
    if not of(talk, "response.created"):
        talk.client("response.cancel")
        assert OfferOnce(None) in talk.wishes


@pytest.mark.parametrize("options", [{"tools": False}, {"watch": True}])
def test_where_clients_may_not_bring_tools_they_are_named_as_ignored(options):
    talk = Talk(wire=Wire(began=OFFSET, voice_rate=RATE, ids=counting(), **options))
    talk.client("session.update", session={"type": "realtime", "tools": [CLOCK], "tool_choice": "required"})
    session = only(talk, "session.updated")["session"]
    assert (session["tools"], session["tool_choice"]) == ([], "auto")
    assert session["sophia"]["ignored"] == ["tools", "tool_choice"]
    talk.types_message("hello", response={"tools": [CLOCK]})
    assert only(talk, "response.created")["response"]["sophia"]["ignored"] == ["tools"]
    assert not any(isinstance(wish, OfferOnce) for wish in talk.wishes)


def test_a_client_that_watches_sees_calls_and_answers_none():
    talk = Talk(wire=Wire(began=OFFSET, voice_rate=RATE, ids=counting(), watch=True))
    talk.asks("how is it in ulm").calls().ends()
    assert only(talk, "response.function_call_arguments.done")["name"] == "get_weather"
    item = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
    assert refused(talk, "conversation.item.create", item=item) == "watching"
