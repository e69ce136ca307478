"""What tools cost stands in the ledger: in its own contribution, run by run, wasted runs among them, and in takes."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table import Table
from test_own_tools_always import LINES, tools
from test_own_tools_always import Caller as Wanting
from test_own_tools_failing import Confused
from tooled_talk import ASKED, CALL, Caller, calling, of, talk, weather

from nova.tools import Toolbox, ToolCall
from pipelines.conversation.book import TurnBook
from pipelines.conversation.events import CancelRequested, ToolEnded, ToolStarted, TurnEnded
from pipelines.conversation.waiting import FIRST_SECONDS
from pipelines.simulation.exact import Says, SimulatedMind
from pipelines.takes import writer
from pipelines.takes.reader import ledgers, read_events
from pipelines.takes.writer import TakeWriter
from pipelines.telemetry.ledger import CONTRIBUTIONS, Count, Outcome
from sophia.decisions import Drop, Reopen
from sophia.languages import language

SECRET = "Chrysanthemum"
BROKEN_OFF = [Says(1.0, "how is the weather"), Says(1.75, "in the town of ulm")]


@pytest.fixture
def silent(monkeypatch):
    """She has no words for waiting."""
    monkeypatch.setattr("pipelines.conversation.waiting.table", lambda code: language("tlh"))


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.usefixtures("silent")
def test_a_tool_that_takes_a_second_moves_its_contribution_by_a_second_and_nothing_else(reads):
    quick = talk(weather(0.5, reads=reads)[0], [ASKED]).notes.turns[0].contributions()
    slow = talk(weather(1.5, reads=reads)[0], [ASKED]).notes.turns[0].contributions()
    moved = {name: slow[name] - seconds for name, seconds in quick.items()}
    assert moved == pytest.approx(dict.fromkeys(CONTRIBUTIONS, 0.0) | {"tools": 1.0}, abs=1e-6)


@pytest.mark.parametrize("mind", [SimulatedMind, Caller], ids=["calls nothing", "calls"])
def test_contributions_add_up_with_tools_and_without(mind):
    for ledger in talk(weather(0.3)[0], mind=mind).notes.turns:
        assert sum(ledger.contributions().values()) == pytest.approx(ledger.voice_to_voice, abs=1e-9)
        assert (ledger.contributions()["tools"] > 0.0) is (mind is Caller)


def test_what_she_says_meanwhile_ends_the_contribution():
    (turn,) = talk(weather(5.0, reads=False)[0]).notes.turns
    assert turn.marks["first_word"] - turn.marks["decided"] == pytest.approx(FIRST_SECONDS, abs=0.2)
    assert turn.marks["first_word"] == turn.marks["first_clause"]


def test_words_before_a_call_end_it_too_and_a_blank_does_not():
    marks = talk(weather(0.5)[0], mind=calling(("Well, ", CALL))).notes.turns[0].marks
    assert marks["first_word"] == marks["first_token"]
    marks = talk(weather(0.5)[0], mind=calling(("\n\n", CALL))).notes.turns[0].marks
    assert marks["first_word"] > marks["first_token"] + 0.5


def test_each_run_is_told_with_its_time_and_what_came_of_it():
    towns = [ToolCall(str(n), "weather", f'{{"city": "{n}"}}') for n in range(2)]
    (turn,) = talk(weather(0.4)[0], mind=calling(towns)).notes.turns
    assert [(run.name, run.guess, run.failure, run.output) for run in turn.tools] == [("weather", True, "", "warm")] * 2
    assert [run.seconds for run in turn.tools] == pytest.approx([0.4, 0.4])
    assert [run.arguments for run in turn.tools] == [call.arguments for call in towns]
    assert {name: turn.counts[name] for name in Count if "tool" in name} == {
        Count.TOOL_CALLS: 2, Count.TOOL_FAILURES: 0, Count.TOOL_CALLS_WASTED: 0,
    }  # fmt: skip


def test_a_failure_is_told_by_a_word():
    (turn,) = talk(weather(9.0, limit=0.3)[0]).notes.turns
    assert [run.failure for run in turn.tools] == ["timeout"]
    assert turn.counts[Count.TOOL_FAILURES] == 1


def test_what_ran_for_a_guess_that_was_dropped_is_wasted():
    table = talk(weather(5.0)[0], BROKEN_OFF)
    assert of(table, Drop)
    (turn,) = table.notes.turns
    assert (turn.counts[Count.TOOL_CALLS], turn.counts[Count.TOOL_CALLS_WASTED]) == (2, 1)
    assert turn.counts[Count.TOOL_FAILURES] == 0, "nobody waited for the first any more"
    assert len(turn.tools) == 1


def test_so_is_what_ran_for_a_turn_that_came_to_nothing():
    early = [(2.6, lambda at: CancelRequested(at=at))]
    table = talk(weather(5.0)[0], [Says(1.0, "how is the weather and")], events=early)
    ran = [event for event in of(table, ToolStarted) if event.guess]
    (turn,) = table.notes.ledgers
    assert turn.counts[Count.TOOL_CALLS_WASTED] == turn.counts[Count.TOOL_CALLS] == len(ran)
    assert ran
    assert turn.tools == []


def test_a_tool_that_outlives_its_reply_has_no_end_in_the_ledger():
    script = [ASKED, Says(5.0, "stop that please")]
    first = talk(weather(8.0, reads=False)[0], script, seconds=30).notes.turns[0]
    assert first.outcome is Outcome.INTERRUPTED
    assert [(run.seconds, run.failure) for run in first.tools] == [(None, "")]


def test_a_name_that_the_model_made_up_is_among_the_words():
    (turn,) = talk(weather()[0], mind=Confused).notes.turns
    line = turn.as_dict()
    assert (line["tools"][0]["name"], line["words"]["tools"][0]["name"]) == ("", "sky")
    assert "sky" not in json.dumps(turn.as_dict(words=False))


def recorded(folder, monkeypatch, own, script=(ASKED,), *, key=None):
    """A talk of which a take is written."""
    monkeypatch.setattr(writer, "CLOSE_SECONDS", 30.0)
    table = Table(list(script), seconds=20, make_mind=Caller, toolbox=Toolbox(own=(own,)))
    table.talk()
    take = TakeWriter(folder, {}, start=table.notes.start, reply_rate=22_050, key=key)
    for happening in table.notes.happened:
        take.told(happening)
    asyncio.run(take.aclose())
    return table


@pytest.mark.parametrize("script", [[ASKED], BROKEN_OFF], ids=["answered", "a guess dropped"])
@pytest.mark.parametrize("seconds", [0.5, 3.0])
def test_a_take_holds_what_tools_did_and_gives_the_ledgers_again_to_the_byte(tmp_path, monkeypatch, script, seconds):
    table = recorded(tmp_path, monkeypatch, weather(seconds)[0], script)
    happened = [one for one in read_events(tmp_path) if isinstance(one, ToolStarted | ToolEnded)]
    assert happened == of(table, ToolStarted, ToolEnded)
    assert any(ledger.tools for ledger in table.notes.ledgers)
    again = [json.dumps(ledger.as_dict(), ensure_ascii=False) for ledger in ledgers(tmp_path)]
    assert again == (tmp_path / "turns.jsonl").read_text().splitlines()


@pytest.mark.parametrize("sealed", [True, False])
def test_arguments_and_results_are_words(tmp_path, monkeypatch, sealed):
    monkeypatch.setattr(Caller, "rounds", ((ToolCall("c", "weather", f'{{"city": "{SECRET}"}}'),),))
    key = tmp_path / "it.key" if sealed else None
    table = recorded(tmp_path / "take", monkeypatch, weather(result=f"{SECRET} blooms")[0], key=key)
    lines = [ledger.as_dict() for ledger in table.notes.ledgers]
    assert json.dumps(lines).count(SECRET) == 2
    assert SECRET not in json.dumps([ledger.as_dict(words=False) for ledger in table.notes.ledgers])
    everything = b"".join(path.read_bytes() for path in (tmp_path / "take").iterdir())
    assert (SECRET.encode() in everything) is not sealed


@settings(max_examples=40, deadline=None)
@given(
    script=st.lists(st.tuples(st.floats(0.3, 4.0), st.sampled_from(LINES)), min_size=1, max_size=4),
    wanted=st.lists(st.lists(st.booleans(), max_size=3), max_size=4),
    seconds=st.lists(st.floats(0.0, 6.0), min_size=1, max_size=3),
    fails=st.booleans(),
)
def test_whatever_is_called_when_each_call_is_counted_in_its_turn_once(script, wanted, seconds, fails):
    at, said = 0.5, []
    for pause, text in script:
        said.append(Says(at + pause, text))
        at += pause + 0.35 * len(text.split())
    mind = type("Wanted", (Wanting,), {"wanted": tuple(map(tuple, wanted))})
    table = Table(said, seconds=at + 3.0, make_mind=mind, toolbox=Toolbox(own=tools(seconds, fails)))
    table.talk()
    begun = of(table, ToolStarted)
    dropped = {one.generation for one in of(table, Drop, Reopen)}
    for ledger in table.notes.ledgers:
        if parts := ledger.contributions():
            assert sum(parts.values()) == pytest.approx(ledger.voice_to_voice, abs=1e-9)
            assert min(parts.values()) >= 0.0
        its = [one for one in begun if one.generation in ledger.generations]
        wasted = [one for one in its if one.generation in dropped]
        assert ledger.counts[Count.TOOL_CALLS] == len(its)
        assert ledger.counts[Count.TOOL_CALLS_WASTED] == len(wasted)
        kept = [one.call for one in its if one not in wasted and one.generation == ledger.generations[-1]]
        assert [run.call for run in ledger.tools] == [call.id for call in kept]
        assert all(run.seconds is None or run.output for run in ledger.tools)
    book = TurnBook()
    again = [
        ledger for event in table.notes.happened if not isinstance(event, TurnEnded) for ledger in book.tell(event)
    ]
    assert [ledger.as_dict() for ledger in again] == [ledger.as_dict() for ledger in table.notes.ledgers]
