"""Calls of tools in a model's text: found in every dialect, however the stream is cut, and never spoken."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tool_stream import CLOCK, TOOLS, WEATHER, plain, read

from nova.errors import MalformedCall
from nova.generation import Cleaner
from nova.tools import NOTHING, ToolSpec

ULM = ("get_weather", {"city": "Ulm"})
NOW = ("now", {})
DIALECTS = {
    "hermes": '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Ulm"}}\n</tool_call>',
    "hermes, cut short by its stop": '<tool_call>{"name": "get_weather", "arguments": {"city": "Ulm"}}<|im_end|>',
    "nemotron": '<TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Ulm"}}]</TOOLCALL>',
    "qwen coder": (
        "<tool_call>\n<function=get_weather>\n<parameter=city>\nUlm\n</parameter>\n</function>\n</tool_call>"
    ),
    "llama": '{"name": "get_weather", "parameters": {"city": "Ulm"}}',
    "llama with its token": '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Ulm"}}<|eom_id|>',
    "llama 3.1": '<function=get_weather>{"city": "Ulm"}</function>',
    "mistral": '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Ulm"}}]',
    "as openai": '<tool_call>{"function": {"name": "get_weather", "arguments": "{\\"city\\": \\"Ulm\\"}"}}</tool_call>',
}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS)
@given(data=st.data())
def test_a_call_is_found_in_each_dialect_however_the_stream_is_cut(text: str, data: st.DataObject) -> None:
    before = data.draw(st.sampled_from(["", "\n", "Let me look. ", "<think>call <tool_call>it</think>"]))
    whole = before + text
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(whole) - 1)))))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    spoken, calls = read(pieces)
    assert plain(calls) == [ULM]
    assert spoken.strip() == ("Let me look." if before.startswith("Let") else "")


TWO = (
    DIALECTS["hermes"] + "\n" + '<tool_call>{"name": "now", "arguments": {}}</tool_call>',
    '<TOOLCALL>[{"name": "get_weather", "arguments": {"city": "Ulm"}}, {"name": "now"}]</TOOLCALL>',
    '{"name": "get_weather", "parameters": {"city": "Ulm"}}; {"name": "now", "parameters": {}}',
)


@pytest.mark.parametrize("text", TWO)
def test_two_calls_at_once_have_ids_of_their_own(text: str) -> None:
    _, calls = read([text])
    assert plain(calls) == [ULM, NOW]
    assert len({call.id for call in calls}) == 2


def test_what_is_said_around_calls_is_spoken() -> None:
    spoken, calls = read(["One moment.", DIALECTS["hermes"], " I am on it.", "<|im_end|> more"])
    assert (spoken, plain(calls)) == ("One moment.I am on it.", [ULM])


FRAGMENTS = st.sampled_from(
    ["<tool_call>", "</tool_call>", '{"name": "now"}', '{"name"', "{", "}", "<think>", "</think>", "<|im_end|>", "\n",
     "<|python_tag|>", "[TOOL_CALLS]", "<TOOLCALL>[", "]</TOOLCALL>", " Hello. ", "<tool_", "<|channel|>", "final",
     "<|message|>", "<function=now>", "</function>", "; ", "<|eot_id|>", "```tool_call", "```", "[INST]", "a<", "<|"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(FRAGMENTS, max_size=9), st.data(), st.booleans())
def test_whatever_marks_meet_the_cuts_change_nothing(parts: list[str], data: st.DataObject, doubt: bool) -> None:
    def result(pieces: list[str]) -> object:
        cleaner = Cleaner((), style="auto", tools=TOOLS, model="m", doubt=doubt)
        spoken = "".join(map(cleaner.feed, pieces)) + cleaner.flush()
        try:
            return spoken, plain(cleaner.calls())
        except MalformedCall:
            return spoken, "malformed"

    whole = "".join(parts)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(whole) - 1)), max_size=8)))
    assert result([whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]) == result([whole])
    assert result(list(whole)) == result([whole])


@given(st.text(alphabet='{}[]"<>/|nametolcUOL_:, \n', max_size=40), st.integers(0, 40))
def test_however_an_answer_is_cut_the_same_is_spoken_and_called(noise: str, cut: int) -> None:
    def result(pieces: list[str]) -> object:
        try:
            spoken, calls = read(pieces)
        except MalformedCall:
            return "malformed"
        return spoken, plain(calls)

    whole = f"Well {noise}" if len(noise) % 2 else noise
    assert result([whole]) == result([whole[:cut], whole[cut:]]) == result(list(whole))


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>get the weather</tool_call>",
        '<tool_call>{"name": "get_weather", "arguments": {"city": "Ul',
        '<tool_call>{"name": "get_weather", "arguments": [1]}</tool_call>',
        '<tool_call>{"name": "fly", "arguments": {}}</tool_call>',
        '<tool_call>{"arguments": {}}</tool_call>',
        "<TOOLCALL>[]</TOOLCALL>",
        "<tool_call></tool_call>",
        '{"city": "Ulm"}',
        '<tool_call>{"name": "get_weather", "arguments": {"city": "\\ud800"}}</tool_call>',
        '<tool_call>{"name": "get_weather", "arguments": {"days": NaN}}</tool_call>',
        "<tool_call><function=get_weather>" + "<parameter=city>" * 5_000 + "</function></tool_call>",
        "{" * 2000,
        "<tool_call>" + "[" * 100_000 + "</tool_call>",
    ],
)
def test_a_call_that_nobody_can_read_is_a_failure_and_not_spoken(text: str) -> None:
    cleaner = Cleaner((), style="auto", tools=TOOLS, model="m")
    assert "".join(map(cleaner.feed, text)) + cleaner.flush() == ""
    with pytest.raises(MalformedCall, match="model 'm' called"):
        cleaner.calls()


def test_without_tools_calls_are_left_out_as_ever_and_braces_are_text() -> None:
    assert read(["Hi. ", DIALECTS["hermes"]], tools=())[0] == "Hi. "
    assert read(['{"a": 1}'], tools=())[0] == '{"a": 1}'


def test_values_of_tagged_parameters_follow_the_schema() -> None:
    text = "<tool_call><function=get_weather><parameter=city>7</parameter><parameter=days>7</parameter></function>"
    assert plain(read([text + "</tool_call>"])[1]) == [("get_weather", {"city": "7", "days": 7})]


def test_a_call_in_what_turns_out_to_be_a_thought_is_none() -> None:
    spoken, calls = read(["I could ", DIALECTS["hermes"], "</think>Hello."], doubt=True)
    assert (spoken, calls) == ("Hello.", [])


def test_an_answer_that_must_be_a_call_goes_on_from_the_prompt() -> None:
    cleaner = Cleaner((), style="auto", tools=(CLOCK,), model="m")
    cleaner.begin('<tool_call>\n{"name": "now", "arguments": ')
    assert plain([part for part in cleaner.take("{}}\n</tool_call>") if not isinstance(part, str)]) == [NOW]


def test_a_tool_is_told_as_servers_have_it() -> None:
    told = WEATHER.as_function()
    assert json.loads(json.dumps(told))["function"]["parameters"]["properties"]["days"] == {"type": "integer"}
    assert ToolSpec("x").parameters == NOTHING
