"""A user who is recorded hears so before she says anything else, and it is a turn like any canned phrase."""

import pytest
from table import Table

from pipelines.conversation.phrases import Phrases
from pipelines.simulation.exact import Says
from pipelines.talk.program import _Outcomes
from pipelines.telemetry.ledger import Outcome
from sophia.decisions import Begin, Notify
from sophia.turn_settings import TurnSettings

ORDER = Says(6.0, "where is my order")


def test_she_says_so_before_the_first_word():
    notes = Table([ORDER], seconds=30, recorded=True).talk()
    first, second = notes.ledgers
    assert first.heard == Phrases().texts["recorded"]
    assert (first.outcome, first.user, first.voice_to_voice) == (Outcome.REPLIED, "", None)
    assert first.marks["played"] < notes.start + 0.5
    assert (second.user, second.outcome) == ("where is my order", Outcome.REPLIED)
    assert [d.origin for d in notes.happened if isinstance(d, Begin)] == ["agent", "voice"]


def test_she_does_not_where_nobody_is_recorded():
    notes = Table([ORDER], seconds=30).talk()
    assert not [happening for happening in notes.happened if isinstance(happening, Notify)]
    assert len(notes.ledgers) == 1


def test_who_talks_over_it_is_answered_and_hears_it_again():
    notes = Table([Says(0.6, "where is my order")], seconds=30, recorded=True).talk()
    phrase = Phrases().texts["recorded"]
    cut, answer, again = notes.ledgers
    assert phrase.startswith(cut.heard)
    assert (cut.outcome, again.outcome, again.heard) == (Outcome.INTERRUPTED, Outcome.REPLIED, phrase)
    assert answer.user == "where is my order"


def test_it_counts_as_no_turn_that_she_answered():
    watch = _Outcomes({}, lambda: pytest.fail("nobody was answered"))
    Table([], seconds=10, recorded=True, observers=[watch]).talk()
    assert (watch.turns, watch.worst) == (0, 0)


def test_it_is_said_in_german_to_germans():
    assert "aufgezeichnet" in Phrases("de-DE").texts["recorded"]
    assert "recorded" in Phrases("en-GB").texts["recorded"]
    assert Phrases(TurnSettings(language="de-DE").language).texts.keys() == Phrases().texts.keys()
