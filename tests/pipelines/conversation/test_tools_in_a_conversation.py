"""Replies that call tools: told once they are decided, heard as far as they speak, and answered with the results."""

import pytest
from table import Table

from nova.errors import MalformedCall
from nova.history import NO_RESULT
from nova.tools import Only, ToolCall, ToolSpec
from pipelines.conversation.events import AnswerRequested, ToolAnswered, ToolCalled
from pipelines.simulation.exact import Says, SimulatedMind
from pipelines.simulation.paced import Answer
from pipelines.telemetry.ledger import Outcome
from sophia.decisions import Commit, Drop, Refuse, Reopen
from sophia.events import TextTyped

WEATHER = ToolSpec("get_weather", "Tells the weather.")
CALL = ToolCall("call_1", "get_weather", '{"city": "Ulm"}')
ASKED = Says(1.0, "how is the weather in ulm")
ANSWER = "It is warm and clear in Ulm today."
OUTSET = [
    "Let",
    "me",
    "have",
    "a",
    "look",
    "at",
    "the",
    "weather",
    "in",
    "the",
    "town",
    "of",
    "Ulm",
    "for",
    "you",
    "now.",
]


class Tooled(SimulatedMind):
    """Calls a tool for a question, with ``before`` said first, and reads out what tools have said."""

    before: tuple = ()
    calls_it: tuple = (CALL,)

    def __init__(self, tokens, delays):
        super().__init__(tokens, delays)
        self._answer = self._think
        self._delays = delays

    def _think(self, messages):
        answered = messages[-1].role == "tool"
        tokens = [word + " " for word in ANSWER.split()] if answered else [*self.before, *self.calls_it]
        return Answer(tokens, self._delays.first_token, lambda: self._delays.token)


class Chatty(Tooled):
    before = tuple(f"{word} " for word in OUTSET)


class Twice(Tooled):
    calls_it = (CALL, CALL)


class Malformed(SimulatedMind):
    async def reply(self, messages, *offered):
        yield "One moment please. "
        raise MalformedCall("model 'm' called a tool in a form that nobody can read")


def talk(script, *events, mind=Tooled, seconds=20, answers=0.5, **options):
    """``answers``: seconds after which the client has a call's result; None: never."""
    from pipelines.conversation.observers import Observer

    class Client(Observer):
        def told(self, happening):
            if isinstance(happening, ToolCalled) and answers is not None:
                conversation, loop = table.conversation, table.conversation._loop

                def answer():
                    at = loop.time()
                    conversation.tell(ToolAnswered(at=at, call_id=happening.call.id, output="warm"))
                    conversation.tell(AnswerRequested(at=at))

                loop.call_later(answers, answer)

    table = Table(script, seconds=seconds, events=list(events), make_mind=mind, observers=[Client()], **options)
    table.talk()
    return table


def of(table, kind):
    return [happening for happening in table.notes.happened if isinstance(happening, kind)]


def test_a_call_without_a_word_is_a_turn_of_its_own_and_its_result_is_answered():
    table = talk([ASKED])
    called, answered = table.notes.turns
    assert (called.outcome, called.called, called.heard, called.faults) == (Outcome.CALLED, ["get_weather"], "", [])
    assert (answered.outcome, answered.heard, answered.user) == (Outcome.REPLIED, ANSWER, "")
    assert table.notes.faults == []
    (told,) = of(table, ToolCalled)
    assert told.call == CALL
    *_, question, call, result = table.mind.calls[-1]
    assert (question.content, call.calls, result.content) == ("how is the weather in ulm", (CALL,), "warm")
    assert [message.role for message in table.history.messages()][1:] == ["user", "assistant", "tool", "assistant"]


def test_what_she_says_beside_a_call_is_heard_and_its_result_answered_after_it():
    table = talk([ASKED], mind=Chatty)
    called, answered = table.notes.turns
    assert called.outcome is Outcome.REPLIED
    assert called.heard.split() == "".join(Chatty.before).split()
    assert called.called == ["get_weather"]
    assert called.marks["end"] <= answered.marks["started"]  # though the result came while she spoke
    assert of(table, ToolAnswered)[0].at < called.marks["end"]
    assert of(table, Refuse) == []
    assert answered.heard == ANSWER


def test_a_call_is_told_after_its_turn_is_decided():
    table = talk([ASKED])
    kinds = [type(happening) for happening in table.notes.happened]
    assert kinds.index(Commit) < kinds.index(ToolCalled)


def test_a_call_of_a_guess_that_is_dropped_is_never_told():
    table = talk([Says(1.0, "how is the weather"), Says(1.75, "in the town of ulm")], answers=None)
    assert of(table, Drop)
    told = of(table, ToolCalled)
    commits = {decision.generation for decision in of(table, Commit)}
    assert len(told) == len(commits)
    assert {happening.generation for happening in told} == commits


def test_a_turn_with_a_call_is_not_reopened_by_what_is_said_next():
    table = talk([ASKED, Says(3.6, "and in the town of bonn")], answers=2.0)
    assert of(table, Reopen) == []
    assert table.notes.turns[0].called == ["get_weather"]


def test_the_user_goes_on_while_a_call_is_open_and_the_result_comes_late():
    table = talk([ASKED, Says(5.0, "never mind then")], (14.0, late), answers=None)
    assert table.mind.calls[-1][-3].content == NO_RESULT
    assert next(m.content for m in table.history.messages() if m.role == "tool") == "warm at last"


def late(at):
    return ToolAnswered(at=at, call_id="call_1", output="warm at last")


def test_an_interruption_while_she_speaks_beside_a_call():
    table = talk([ASKED, Says(5.0, "no stop that please")], mind=Chatty, answers=6.0)
    first = table.notes.turns[0]
    assert (first.outcome, first.called) == (Outcome.INTERRUPTED, ["get_weather"])
    call = next(message for message in table.history.messages() if message.calls)
    assert call.content.endswith(" —")
    assert table.notes.turns[-1].heard == ANSWER


def test_two_calls_at_once_with_the_same_id_are_two():
    table = talk([ASKED], mind=Twice, answers=None)
    first, second = of(table, ToolCalled)
    assert first.call.id != second.call.id
    assert [message.role for message in table.history.messages()][-3:] == ["assistant", "tool", "tool"]


def test_the_same_id_in_a_later_turn_is_another_call():
    table = talk([ASKED, Says(8.0, "and tomorrow in ulm")], answers=None, seconds=24)
    ids = [happening.call.id for happening in of(table, ToolCalled)]
    assert len(ids) == len(set(ids)) == 2


def test_a_result_of_an_unknown_call_changes_nothing():
    table = talk([ASKED], (9.0, lambda at: ToolAnswered(at=at, call_id="call_9", output="x")))
    assert [m.content for m in table.history.messages() if m.role == "tool"] == ["warm"]


def test_a_call_that_nobody_can_read_is_a_failure_told_by_an_apology():
    table = talk([ASKED], mind=Malformed)
    (ledger,) = table.notes.turns
    assert ledger.outcome is Outcome.BROKEN
    assert ledger.heard.startswith("One moment please.")
    assert of(table, ToolCalled) == []


def test_tools_and_choice_are_those_of_when_the_reply_begins():
    def offer(at):
        table.toolbox.specs, table.toolbox.choice = (WEATHER,), Only("get_weather")
        return TextTyped(at=at, text="how is it")

    table = Table([], seconds=20, events=[(1.0, offer)], make_mind=Tooled)
    table.talk()
    assert table.mind.offers == [((WEATHER,), Only("get_weather"))]


@pytest.mark.parametrize("at", [1.0, 12.0])
def test_a_call_that_a_client_tells_of_is_part_of_the_conversation(at):
    old = ToolCall("old", "get_weather")
    events = [
        (at, lambda now: ToolCalled(at=now, generation=0, call=old)),
        (at + 0.1, lambda now: ToolAnswered(at=now, call_id="old", output="cold")),
        (14.0, lambda now: TextTyped(at=now, text="and now")),
    ]
    table = talk([], *events, answers=None, seconds=20)
    assert next(m.content for m in table.mind.calls[-1] if m.role == "tool") == "cold"
