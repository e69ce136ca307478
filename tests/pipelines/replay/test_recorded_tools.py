"""Tools in a replay: they say what they said when it was recorded, as long after, and nothing is run."""

import asyncio
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stagecraft import line, perform

from nova.tools import Tool, Toolbox, ToolCall, ToolError, ToolSpec
from pipelines import virtual_time
from pipelines.conversation.observers import Observer
from pipelines.insights.mining.folders import MANIFEST, Case, write_case, write_manifest
from pipelines.records.results import Run
from pipelines.replay.recorded_tools import FAILED, NOT_RECORDED, RecordedTools
from pipelines.replay.summary import summarise
from pipelines.replay.table import _told
from pipelines.scenarios.loading import load_scenario
from pipelines.scenarios.scenario import Scenario, ScenarioError, Talk
from pipelines.takes import writer
from pipelines.takes.tool_results import FILE, ToolResult, read_results, tool_results, written
from pipelines.takes.writer import TakeWriter
from sophia.wav import wav_bytes

ULM = ToolResult("weather", '{"city": "Ulm"}', "warm", 0.4)
LATER = ToolResult("weather", '{"city": "Ulm"}', "cold", 0.2)
BONN = ToolResult("weather", '{"city": "Bonn"}', "wet")


def forbidden():
    async def run(arguments):
        raise AssertionError("a replay runs no tool")

    return Tool(ToolSpec("weather"), run, reads=True)


def asked(recorded, *cities, name="weather"):
    """What the tool says of these cities, one after the other, and when."""
    stand_in = recorded.instead(Tool(ToolSpec(name), forbidden().run))

    async def ask():
        found = []
        for city in cities:
            began = asyncio.get_running_loop().time()
            try:
                said = await stand_in.run({"city": city})
            except ToolError as error:
                said = error
            found.append((said, round(asyncio.get_running_loop().time() - began, 6)))
        return found

    return virtual_time.run(ask())


def test_a_call_has_the_result_of_its_arguments_after_the_time_that_it_took():
    assert asked(RecordedTools([BONN, ULM, LATER]), "Ulm", "Bonn", "Ulm") == [
        ("warm", 0.4), ("wet", 0.0), ("cold", 0.2),
    ]  # fmt: skip


def test_a_call_more_than_there_were_has_the_last_result_again():
    assert [said for said, _ in asked(RecordedTools([ULM, LATER, BONN]), "Ulm", "Ulm", "Ulm")] == [
        "warm",
        "cold",
        "cold",
    ]


def test_other_arguments_take_the_next_result_of_the_tool():
    assert [said for said, _ in asked(RecordedTools([ULM, BONN]), "Berlin", "Bonn", "Berlin")] == [
        "warm",
        "wet",
        "warm",
    ]


def test_what_was_not_recorded_says_so():
    for recorded, name in ((RecordedTools([]), "weather"), (RecordedTools([ULM]), "clock")):
        ((said, seconds),) = asked(recorded, "Ulm", name=name)
        assert isinstance(said, ToolError)
        assert (str(said), seconds) == (NOT_RECORDED, 0.0)


def test_a_failure_fails_again_with_the_same_words():
    failure = ToolResult("weather", '{"city": "Ulm"}', f"{FAILED}no town is called so", 0.1, failed=True)
    ((said, seconds),) = asked(RecordedTools([failure]), "Ulm")
    assert isinstance(said, ToolError)
    assert (f"{FAILED}{said}", seconds) == (failure.output, 0.1)


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("abcd"), max_size=8))
def test_whatever_is_called_each_result_is_new_as_long_as_there_are_any_of_its_kind(recorded, called):
    results = [ToolResult("weather", json.dumps({"city": city}), f"{city}{n}") for n, city in enumerate(recorded)]
    said = [str(said) for said, _ in asked(RecordedTools(results), *called)]
    outputs = {result.output for result in results}
    assert {*said} <= {*outputs, NOT_RECORDED}
    if NOT_RECORDED in said:
        assert {*said[: said.index(NOT_RECORDED)]} == outputs, "there are some left"
    if all(called.count(city) <= recorded.count(city) for city in called):
        assert [one[0] for one in said] == called
        assert len({*said}) == len(said)


class Asker:
    """A mind that calls the tool, and then reads out what it said."""

    city = "Ulm"

    async def reply(self, messages, tools=(), choice="auto"):
        await asyncio.sleep(0.1)
        if messages[-1].role == "tool":
            yield f"It is {messages[-1].content} there now, I think, and will be."
        else:
            yield ToolCall("1", "weather", json.dumps({"city": self.city}))


def with_tools(own, mind=Asker):
    def change(components):
        components.llm = mind()
        components.tools = Toolbox(own=(own,))

    return change


def test_a_recorded_talk_runs_no_tool_and_waits_as_long():
    (turn,) = perform(line("time"), change=with_tools(forbidden()), tools=(ULM,)).turns
    assert turn.outcome == "answered"
    assert turn.reply.startswith("It is warm there")
    assert (turn.tool_calls, turn.tool_failures, turn.tool_calls_unrecorded) == (1, 0, 0)
    assert turn.marks["first_word"] - turn.marks["first_token"] == pytest.approx(0.4 + 0.1, abs=1e-6)
    slow = ToolResult(ULM.name, ULM.arguments, ULM.output, 1.2)
    (slower,) = perform(line("time"), change=with_tools(forbidden()), tools=(slow,)).turns
    assert slower.contributions["tools"] > turn.contributions["tools"]


def test_a_call_that_was_not_recorded_is_told_to_the_model_and_counted():
    (turn,) = perform(line("time"), change=with_tools(forbidden()), tools=()).turns
    assert NOT_RECORDED in turn.reply
    assert (turn.tool_calls, turn.tool_failures, turn.tool_calls_unrecorded) == (1, 1, 1)
    run = Run(scenario="it", fingerprint="0" * 16, lines=1, rounds=1, turns=(turn,))
    assert ("tools", "1 called, 1 failed, 1 not in the recording", True) in list(_told(summarise(run)))


def test_without_a_recording_the_tools_are_the_runtimes():
    ran = []

    async def run(arguments):
        ran.append(arguments)
        return "fine"

    (turn,) = perform(line("time"), change=with_tools(Tool(ToolSpec("weather"), run, reads=True))).turns
    assert ran
    assert turn.reply.startswith("It is fine there")


class Recorder(Observer):
    """Writes a take of what it is told."""

    def __init__(self, folder):
        self._folder = folder
        self._take = None
        self.listening = []

    def _writer(self):
        if self._take is None:
            start = asyncio.get_running_loop().time()
            self._take = TakeWriter(self._folder, {}, start=start, reply_rate=24_000)
        return self._take

    def listened(self, frame):
        self._writer().listened(frame)

    def told(self, happening):
        self._writer().told(happening)

    def close(self):
        asyncio.run(self._take.aclose())


def test_a_take_is_replayed_with_what_its_tools_said(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "CLOSE_SECONDS", 30.0)
    monkeypatch.setattr(writer, "MOST_WAITING", 1_000_000)  # virtual seconds are faster than a disk

    async def run(arguments):
        await asyncio.sleep(0.3)
        return f"{len(arguments['city'])} degrees"

    recorder = Recorder(tmp_path / "take")
    own = Tool(ToolSpec("weather"), run, reads=True)
    (live,) = perform(line("time"), change=with_tools(own), observers=[recorder]).turns
    recorder.close()
    assert live.reply.startswith("It is 3 degrees")
    (talk,) = load_scenario(tmp_path / "take").talks
    (result,) = talk.tools
    assert (result.name, result.output, result.turn) == ("weather", "3 degrees", 1)
    assert result.seconds == pytest.approx(0.3, abs=1e-5)
    (again,) = perform(*talk.lines, change=with_tools(forbidden()), tools=talk.tools).turns
    assert again.reply == live.reply
    assert again.tool_calls_unrecorded == 0


def test_what_was_cut_off_refused_or_asked_about_has_no_result(tmp_path):
    def event(kind, at, **data):
        return json.dumps({"t": at, "kind": kind, "data": {"at": at, "generation": 1, **data}})

    lines = []
    for at, failure in enumerate(("", "cancelled", "refused", "asked", "timeout")):
        call = {"id": str(at), "name": f"tool_{failure}", "arguments": "{}"}
        lines += [event("tool_started", at, call=call, guess=False)]
        lines += [event("tool_ended", at + 0.5, call_id=str(at), output="so", failure=failure)]
    lines.append(event("tool_started", 9, call={"id": "9", "name": "late", "arguments": "{}"}, guess=False))
    (tmp_path / "events.jsonl").write_text("\n".join(lines) + '\n{"t": 10, "ki')
    found = tool_results(tmp_path)
    assert [(result.name, result.seconds, result.failed) for result in found] == [
        ("tool_", 0.5, False), ("tool_timeout", 0.5, True),
    ]  # fmt: skip
    assert tool_results(tmp_path / "nowhere") == ()


def test_a_hard_case_keeps_what_was_said_in_its_turns_and_no_more(tmp_path):
    case = Case(
        "slow-1-2", "tune", "1", 2, "2026-12-01", {"slow": "tools"}, "lab", "en-US", "short", "", tmp_path / "take"
    )  # fmt: skip
    said = [replace(ULM, turn=1), replace(BONN, turn=2)]
    rows = write_case(case, [replace(line("time"), name="turn_02")], tmp_path / "tune", said)
    write_manifest(tmp_path / "tune" / MANIFEST, rows)
    assert (tmp_path / "tune" / case.name / FILE).stat().st_mode & 0o777 == 0o600
    for folder in (tmp_path / "tune", tmp_path / "tune" / case.name):
        (talk,) = load_scenario(folder).talks
        assert talk.tools == (said[1],)


def test_results_are_part_of_what_is_compared():
    def fingerprint(*tools):
        return Scenario("it", [Talk("talk", [line("time")], tools=tools)]).fingerprint

    assert len({fingerprint(), fingerprint(ULM), fingerprint(BONN), fingerprint(ULM, BONN)}) == 4
    assert fingerprint() == Scenario("it", [Talk("talk", [line("time")])]).fingerprint


@given(st.lists(st.builds(ToolResult, st.text(), st.text(), st.text(), st.floats(0, 1000), st.booleans())))
def test_a_file_of_results_is_read_as_it_was_written(tmp_path_factory, results):
    path = tmp_path_factory.mktemp("case") / FILE
    path.write_text(written(results))
    assert list(read_results(path)) == results


@pytest.mark.parametrize(
    "text", ["no", "{}", '{"name": 3}', "[1]", '{"name": "a", "arguments": "", "output": "", "seconds": -1}']
)
def test_a_file_that_holds_none_is_told(tmp_path, text):
    (tmp_path / "a.wav").write_bytes(wav_bytes(line("time").pcm, 16_000))
    (tmp_path / "manifest.csv").write_text("file,talk\na.wav,it\n")
    (tmp_path / FILE).write_text(f"{written([ULM])}{text}\n")
    with pytest.raises(ScenarioError, match="line 2: not what a tool said"):
        load_scenario(tmp_path)
    (tmp_path / FILE).write_text(written([ULM]))
    assert load_scenario(tmp_path).talks[0].tools == (ULM,)
