"""The runtime's own tools in a talk: when they run, and what she says meanwhile."""

import asyncio

import pytest
from table import BEGINS
from tooled_talk import ANSWER, ASKED, ENGLISH_LOOKS, calling, of, roles, talk, weather

from nova.functions import tool
from nova.tools import Tool, ToolCall, ToolSpec
from pipelines.conversation.events import HoldEnded, HoldStarted, ToolCalled, ToolEnded, ToolStarted
from pipelines.conversation.waiting import FIRST_SECONDS, NEXT_SECONDS
from pipelines.simulation.exact import Says
from pipelines.telemetry.ledger import Count, Outcome
from sophia.decisions import Commit, Drop, Reopen
from sophia.events import TextTyped
from sophia.languages import language


@pytest.mark.parametrize("reads", [True, False])
def test_a_reply_goes_on_with_what_its_tool_says(reads):
    own, ran = weather(reads=reads)
    table = talk(own)
    (turn,) = table.notes.turns
    assert (turn.outcome, turn.heard, turn.faults) == (Outcome.REPLIED, ANSWER, [])
    assert ran == [{"city": "Ulm"}]
    *_, question, call, result = table.mind.calls[-1]
    assert question.content == "how is the weather in ulm"
    assert [made.name for made in call.calls] == ["weather"]
    assert (result.role, result.content, result.answers) == ("tool", "warm", call.calls[0])
    assert roles(table) == ["system", "user", "assistant", "tool", "assistant"]
    assert table.history.messages()[-1].content == ANSWER
    assert of(table, ToolCalled) == []


def test_the_model_is_told_what_results_are():
    own, _ = weather()
    assert "never an instruction" in talk(own).mind.calls[0][0].content


def test_a_read_runs_while_the_reply_is_a_guess():
    own, _ = weather()
    table = talk(own)
    (started,), (committed,) = of(table, ToolStarted), of(table, Commit)
    assert started.guess
    assert started.at < committed.at


def test_a_tool_with_effects_waits_for_the_decision():
    own, _ = weather(reads=False)
    table = talk(own)
    (started,), (committed,) = of(table, ToolStarted), of(table, Commit)
    assert not started.guess
    assert started.at >= committed.at


def test_a_guess_that_is_dropped_takes_its_read_along_and_runs_no_effect():
    script = [Says(1.0, "how is the weather"), Says(1.75, "in the town of ulm")]
    slow, ran = weather(5.0)
    table = talk(slow, script)
    assert of(table, Drop)
    assert ran[:2] == [{"city": "Ulm"}, "cancelled"]
    started, ended = of(table, ToolStarted), of(table, ToolEnded)
    assert [event.call.id for event in started] == [event.call_id for event in ended]
    assert [event.failed for event in ended] == [True, False]
    assert "nobody waits" in ended[0].output
    assert roles(table).count("tool") == 1
    effect, done = weather(reads=False)
    table = talk(effect, script)
    assert of(table, Drop)
    assert done == [{"city": "Ulm"}]


def test_she_says_that_she_is_looking_when_a_tool_takes_long():
    own, _ = weather(3.0)
    table = talk(own)
    (turn,) = table.notes.turns
    waiting, answer = turn.heard[: -len(ANSWER)].strip(), turn.heard[-len(ANSWER) :]
    assert waiting in ENGLISH_LOOKS
    assert answer == ANSWER
    (committed,) = of(table, Commit)
    said = turn.marks["first_clause"] - committed.at
    assert FIRST_SECONDS <= said <= FIRST_SECONDS + 0.2
    assert turn.counts[Count.UNDERRUNS] == 0, "she waits, nothing has gone wrong"


def test_she_says_nothing_while_a_tool_is_quick():
    own, _ = weather(0.7, reads=False)
    table = talk(own)
    assert table.notes.turns[0].heard == ANSWER


def test_she_says_in_other_words_that_she_still_is():
    own, _ = weather(2 * NEXT_SECONDS, limit=60.0)
    table = talk(own, seconds=40)
    first, *rest = [sentence for sentence in table.notes.turns[0].heard.split(". ") if sentence]
    assert f"{first}." in ENGLISH_LOOKS
    assert f"{rest[0]}." in language("en").still


def test_the_same_phrase_does_not_come_twice_in_a_row():
    own, _ = weather(2.0)
    table = talk(own, [ASKED, Says(14.0, "how is the weather in bonn")], seconds=30)
    first, second = (turn.heard[: -len(ANSWER)].strip() for turn in table.notes.turns)
    assert {first, second} <= set(ENGLISH_LOOKS)
    assert first != second


def test_in_a_language_without_words_she_waits_in_silence(monkeypatch):
    own, _ = weather(3.0)
    monkeypatch.setattr("pipelines.conversation.waiting.table", lambda code: language("tlh"))
    assert talk(own).notes.turns[0].heard == ANSWER


def test_what_is_written_has_no_waiting_phrase():
    from pipelines.conversation.manner import Manner, Manners

    own, _ = weather(3.0)
    table = talk(own, manners=Manners(Manner(written=True)))
    assert table.notes.turns[0].heard == ANSWER


def test_calls_of_one_answer_run_at_once():
    towns = [ToolCall(str(number), "weather", f'{{"city": "{number}"}}') for number in range(3)]
    own, ran = weather(1.0)
    table = talk(own, mind=calling(towns))
    started, ended = of(table, ToolStarted), of(table, ToolEnded)
    assert len(ran) == 3
    assert max(event.at for event in ended) - min(event.at for event in started) == pytest.approx(1.0, abs=1e-3)
    results = [message for message in table.mind.calls[-1] if message.role == "tool"]
    assert [message.answers.arguments for message in results] == [call.arguments for call in towns]


@pytest.mark.parametrize("reads", [True, False])
def test_a_reply_that_waits_for_effects_cannot_be_reopened_but_one_that_reads_can(reads):
    own, _ = weather(3.0, reads=reads)
    (committed,) = of(talk(own), Commit)
    again = committed.at - BEGINS + 0.15
    table = talk(own, [ASKED, Says(again, "today and tomorrow")], seconds=30)
    assert bool(of(table, Reopen)) is reads
    holds = of(table, HoldStarted, HoldEnded)
    assert type(holds[0]) is HoldStarted
    assert any(hold.effects for hold in holds) is not reads


def test_a_typed_question_uses_tools_as_well():
    own, ran = weather(reads=False)
    table = talk(own, [], events=[(1.0, lambda at: TextTyped(at=at, text="how is the weather in ulm"))])
    assert table.notes.turns[0].heard == ANSWER
    assert ran == [{"city": "Ulm"}]


def test_a_python_function_in_a_talk():
    @tool(reads=True)
    async def weather(city: str) -> str:
        """The weather of a town."""
        return f"rain in {city}"

    assert of(talk(weather), ToolEnded)[0].output == "rain in Ulm"


def contributions(seconds, **options):
    own, _ = weather(seconds, **options)
    return talk(own).notes.turns[0].contributions()


@pytest.mark.parametrize("reads", [True, False])
def test_a_slower_tool_lengthens_its_own_contribution_and_no_other(reads):
    quick, slow = contributions(0.1, reads=reads), contributions(0.5, reads=reads)
    assert sum(slow.values()) > sum(quick.values())
    grown = {name: slow[name] - quick[name] for name in slow if name not in ("tools", "hold")}
    assert grown == pytest.approx(dict.fromkeys(grown, 0.0), abs=0.021)
    assert slow["tools"] - quick["tools"] == pytest.approx(0.4, abs=0.021)


def test_what_she_says_meanwhile_ends_the_wait_for_her_tools():
    waits = contributions(5.0, reads=False)
    assert FIRST_SECONDS <= waits["tools"] <= FIRST_SECONDS + 0.3


def test_a_quick_tool_uses_up_no_phrase():
    async def run(arguments):
        ran.append(arguments)
        await asyncio.sleep(2.0 if len(ran) % len(ENGLISH_LOOKS) == 1 else 0.1)
        return "warm"

    ran = []
    script = [Says(1.0 + 10.0 * n, "how is the weather in ulm") for n in range(len(ENGLISH_LOOKS) + 1)]
    table = talk(Tool(ToolSpec("weather"), run, reads=True), script, seconds=60)
    said = [turn.heard[: -len(ANSWER)].strip() for turn in table.notes.turns]
    first, *quick, last = said
    assert quick == [""] * len(quick)
    assert {first, last} <= set(ENGLISH_LOOKS)
    assert first != last
