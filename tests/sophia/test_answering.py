"""Answers that a client asks for, although the user said nothing new."""

import pytest
from turn_table import Table, answered

from sophia.decisions import Begin, Commit, Correct, Dismiss, Drop, Interrupt, Refuse, Reopen, Reprompt, Say, Start
from sophia.events import AnswerRequested, CancelRequested, Failed, HoldEnded, SayRequested


def asked(table, at):
    table.wait(at)
    return table.tell(AnswerRequested(at=at))


def test_she_answers_what_stands_at_once_in_a_turn_without_a_voice():
    table = asked(Table(), 1.0)
    begin, start, commit = table.decisions
    assert isinstance(begin, Begin)
    assert (begin.origin, begin.onset) == ("asked", None)
    assert (start.text, commit.text) == ("", "")
    assert begin.turn == start.turn == commit.turn
    assert table.turns.phase == "thinking"
    assert table.audible(1.3).ends(2.0).wait(9).turns.phase == "idle"


def test_it_is_refused_while_a_reply_is_made_or_heard():
    table = asked(answered(), 2.0)
    assert "already" in table.only(Refuse).reason
    table = asked(asked(Table(), 1.0), 1.1)
    assert "already" in table.only(Refuse).reason
    assert table.kinds() == [Start, Commit, Refuse]


def test_what_tools_said_is_answered_after_the_reply_that_called_them():
    table = answered()
    table.tell(HoldEnded(at=2.2, generation=table.generation))
    table = asked(table, 2.5).wait(3.9)
    assert not [d for d in table.decisions if isinstance(d, Commit)]  # the reply sounds
    table.ends(4.0)
    assert (table.only(Commit).at, table.only(Commit).text) == (4.0, "")
    assert not [d for d in table.decisions if isinstance(d, Refuse)]


def test_a_client_that_cancels_does_not_want_what_tools_said_answered_either():
    table = answered()
    table.tell(HoldEnded(at=2.2, generation=table.generation))
    table = asked(table, 2.5).tell(CancelRequested(at=2.6)).wait(9)
    assert table.only(Interrupt)
    assert not [d for d in table.decisions if isinstance(d, Commit)]


def test_what_is_being_said_is_over_with_it_and_is_what_is_answered():
    table = asked(Table().voice(0.2, 1.0).says(1.1, "i would like to", final=True), 1.2).wait(5)
    assert (table.only(Commit).text, table.only(Commit).at) == ("i would like to", 1.2)
    assert [d.origin for d in table.decisions if isinstance(d, Begin)] == ["voice"]


def test_what_stands_is_answered_if_what_was_being_said_comes_to_nothing():
    table = asked(Table().voice(0.2, 0.4), 0.5).says(1.0, "", final=True).wait(5)
    assert [type(d) for d in table.decisions if not isinstance(d, Begin)][-3:] == [Dismiss, Start, Commit]
    assert table.only(Commit).text == ""


def test_being_asked_to_say_it_again_is_an_answer():
    table = asked(Table().voice(0.2, 1.2), 1.3).wait(4)
    assert table.only(Reprompt)
    table.ends(5.0).wait(9)
    assert not [d for d in table.decisions if isinstance(d, Commit)]


def test_words_interrupt_it_and_nothing_is_reopened():
    table = asked(Table(), 1.0).voice(1.1, 1.8).says(1.9, "which door", final=True).wait(4)
    assert table.only(Interrupt).onset == 1.1
    assert [d.text for d in table.decisions if isinstance(d, Commit)] == ["", "which door"]
    assert not [d for d in table.decisions if isinstance(d, Reopen | Drop)]


def test_a_late_final_corrects_the_turn_before_and_not_this_one():
    table = Table().voice(0.2, 1.0).says(1.24, "where is my order", stable=True).wait(1.35)
    table.tell(CancelRequested(at=1.4))
    asked(table, 1.5).says(1.6, "where is my brother", final=True)
    assert (table.only(Correct).text, table.only(Correct).turn) == ("where is my brother", 1)


def test_it_is_made_again_once_if_it_fails_unheard():
    table = asked(Table(), 1.0)
    for at in (1.1, 1.2):
        again = Failed(at=at, service="llm", error=RuntimeError("gone"), generation=table.generation, again=True)
        table.tell(again)
    assert [d.text for d in table.decisions if isinstance(d, Commit)] == ["", ""]
    assert table.turns.phase == "thinking"


@pytest.mark.parametrize("words", ["", "where is my order"])
def test_who_cancels_while_it_waits_hears_nothing(words):
    table = Table().starts(0.2)
    if words:
        table.says(0.8, words)
    asked(table, 1.0).tell(CancelRequested(at=1.1)).stops(1.3)
    table.says(1.4, words, final=True).wait(9)
    assert not [d for d in table.decisions if isinstance(d, Commit | Refuse)]
    assert table.turns.phase == "idle"


def test_she_answers_first_and_says_what_waits_afterwards():
    table = Table().starts(0.2).tell(SayRequested(at=0.3, text="One."))
    asked(table, 0.35).stops(0.4).says(0.8, "", final=True).wait(3)
    assert [kind for kind in table.kinds() if kind in (Start, Say)] == [Start]
    table.ends(4.0)
    assert table.only(Say).text == "One."
