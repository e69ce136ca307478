"""The tools that she uses, as a terminal shows them."""

from nova.tools import ToolCall
from pipelines.conversation.events import ToolEnded, ToolStarted
from pipelines.terminal.tools import LONGEST, ToolLines
from sophia.decisions import Commit, Drop

CALL = ToolCall("1", "what_time", '{"place": "Tokyo"}')


def started(generation=1, *, guess=False, call=CALL):
    return ToolStarted(at=10.0, generation=generation, call=call, guess=guess)


def ended(generation=1, *, at=10.25, output="It is 10:41.", failure=""):
    return ToolEnded(at=at, generation=generation, call_id="1", output=output, failure=failure)


def commit(generation):
    return Commit(at=11.0, turn=1, generation=generation, reason="", text="", silence=0.0)


def shown(*happenings):
    lines = ToolLines()
    return [line for happening in happenings for line in lines.of(happening)]


def test_a_tool_is_a_line_when_it_has_ended():
    assert shown(commit(1), started(), ended()) == ["what_time(place: Tokyo): It is 10:41. (250 ms)"]
    assert shown(commit(1), started()) == []
    assert shown(commit(1), started(), ended(at=13.46))[0].endswith("(3.5 s)")


def test_that_of_a_guess_is_shown_once_it_is_decided_and_not_if_it_is_dropped():
    assert shown(started(guess=True), ended()) == []
    assert len(shown(started(guess=True), ended(), commit(1))) == 1
    drop = Drop(at=10.5, turn=1, generation=1, reason="")
    assert shown(started(guess=True), ended(), drop, commit(2)) == []


def test_a_line_is_short_and_one_whatever_a_tool_says():
    call = ToolCall("1", "write", '{"text": "' + "x" * 1000 + '"}')
    (line,) = shown(commit(1), started(call=call), ended(output="a\nb\n" + "y" * 10_000))
    assert "\n" not in line
    assert len(line) < 2 * LONGEST + 30
