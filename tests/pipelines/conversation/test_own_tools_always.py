"""What holds of the runtime's own tools whatever the user says when, and however long they take."""

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from table import Table

from nova.functions import ToolError
from nova.tools import Tool, Toolbox, ToolCall, ToolSpec
from pipelines.conversation.events import ToolEnded, ToolStarted, TurnEnded
from pipelines.simulation.exact import Says, SimulatedMind
from pipelines.simulation.paced import Answer
from sophia.decisions import Begin, Commit, Drop, Interrupt, Reopen

LINES = ("how is the weather in ulm", "stop that please", "mhm", "and what about", "tomorrow then")
TOOLS = ("look", "change")


def tools(seconds, fails):
    async def run(arguments):
        await asyncio.sleep(seconds[arguments["n"] % len(seconds)])
        if fails:
            raise ToolError("it does not work today")
        return "done"

    return tuple(Tool(ToolSpec(name), run, reads=name == "look", seconds=4.0) for name in TOOLS)


class Caller(SimulatedMind):
    """Calls as many tools as ``wanted`` says for each answer, and speaks before, between or after."""

    wanted: tuple = ()

    def __init__(self, tokens, delays):
        super().__init__(tokens, delays)
        self._answer = self._think
        self._made = 0

    def _think(self, messages):
        calls = self.wanted[self._made % len(self.wanted)] if self.wanted else ()
        self._made += 1
        asked = [ToolCall("same", TOOLS[effect], f'{{"n": {self._made + n}}}') for n, effect in enumerate(calls)]
        words = ["Well, ", "let ", "me ", "see. "] if not calls or self._made % 3 else []
        return Answer([*words, *asked], 0.1, lambda: 0.02)


@settings(max_examples=25, deadline=None)
@given(
    script=st.lists(st.tuples(st.floats(0.3, 4.0), st.sampled_from(LINES)), min_size=1, max_size=4),
    wanted=st.lists(st.lists(st.booleans(), max_size=3), max_size=4),
    seconds=st.lists(st.floats(0.0, 6.0), min_size=1, max_size=3),
    fails=st.booleans(),
)
def test_every_run_ends_once_and_no_effect_comes_before_the_decision(script, wanted, seconds, fails):
    at, said = 0.5, []
    for pause, text in script:
        said.append(Says(at + pause, text))
        at += pause + 0.35 * len(text.split())
    mind = type("Wanted", (Caller,), {"wanted": tuple(map(tuple, wanted))})
    table = Table(said, seconds=at + 3.0, make_mind=mind, toolbox=Toolbox(own=tools(seconds, fails)))
    table.talk()

    committed, over = set(), set()
    started, ended, told = {}, Counter(), 0
    for happening in table.notes.happened:
        match happening:
            case Commit(generation=generation):
                committed.add(generation)
            case Drop(generation=generation) | Interrupt(generation=generation) | Reopen(generation=generation):
                over.add(generation)
            case ToolStarted(generation=generation, call=call, guess=guess):
                assert call.id not in started
                assert generation not in over, "nothing runs for a reply that is over"
                assert guess is (generation not in committed)
                assert not (guess and call.name == "change")
                started[call.id] = call
            case ToolEnded(call_id=call_id, output=output):
                assert call_id in started
                assert output
                ended[call_id] += 1
            case TurnEnded():
                told += 1
    assert set(ended) == set(started)
    assert set(ended.values()) <= {1}
    assert told == sum(isinstance(happening, Begin) for happening in table.notes.happened)
    whole(table.history.messages("and now"))


def whole(messages):
    """The results of calls follow them, in their order, and user and assistant take turns."""
    waiting, spoken = [], "assistant"
    for message in messages[1:]:
        if message.role == "tool":
            assert waiting.pop(0) == message.answers
            continue
        assert not waiting
        waiting = list(message.calls)
        assert message.role != spoken or message.role == "assistant"
        spoken = message.role
    assert not waiting
