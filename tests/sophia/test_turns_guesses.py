"""Replies that are begun on an interim, once the voice detector has heard the voice end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turn_table import Table

from sophia.decisions import Commit, Drop, FinishUtterance, Start
from sophia.turn_settings import TurnSettings

QUESTION = "where is my order"


def told(table, at, text, until):
    """An interim with the words of the sound up to ``until``."""
    return table.says(at, text, sound=(0.2, until - 0.24))


def asked(settings=None, until=1.0):
    """The voice ends at 1.0, which is known at 1.064; the interim comes before, with the words up to ``until``."""
    table = told(Table(settings).starts(0.2), 0.55, "where", 0.5)
    return told(table, 1.05, QUESTION, until).stops(1.0)


def test_a_whole_question_is_answered_from_the_voices_end_on():
    table = asked().says(1.28, QUESTION + "?", stable=True, sound=(0.2, 1.0)).wait(2)
    assert table.kinds() == [Start, Commit]
    assert table.only(Start).at == pytest.approx(1.064)
    assert table.only(Start).text == QUESTION
    assert table.only(Commit).at == pytest.approx(1.28)


def test_an_interim_that_comes_after_the_voice_has_ended_begins_it_too():
    table = told(Table().voice(0.2, 1.0), 1.15, QUESTION, 1.0)
    assert table.only(Start).at == pytest.approx(1.15)


def test_nothing_is_guessed_while_the_voice_goes_on():
    table = told(Table().starts(0.2), 1.0, QUESTION, 1.0).wait(1.2)
    assert table.kinds() == []


@pytest.mark.parametrize("text", ["the blue box", "where is the", "set a timer for ten", "um"])
def test_words_that_do_not_sound_complete_wait_for_the_recogniser(text):
    table = told(Table().starts(0.2), 1.05, text, 1.0).stops(1.0).wait(1.2)
    assert table.kinds() == []
    assert table.says(1.28, text, stable=True).kinds() == [Start]


def test_so_do_words_that_are_not_all_of_the_voice():
    assert asked(until=0.7).wait(1.2).kinds() == []


@pytest.mark.parametrize(("at", "begun"), [(0.99, False), (1.1, True)])
def test_without_times_the_interim_must_come_after_the_voice(at, begun):
    table = Table().starts(0.2)
    table = table.says(at, QUESTION).stops(1.0) if at < 1 else table.stops(1.0).says(at, QUESTION)
    assert (table.kinds() == [Start]) is begun


def test_a_newer_interim_with_other_words_drops_it():
    table = told(asked(), 1.1, "where is my order for the shoes", 1.04)
    assert table.kinds() == [Start, Drop, Start]
    table.says(1.28, "where is my order for the shoes", stable=True, sound=(0.2, 1.04)).wait(3)
    assert table.kinds() == [Start, Drop, Start, Commit]


def test_once_the_recogniser_has_settled_on_it_interims_drop_it_no_more():
    table = asked().says(1.25, QUESTION, stable=True, sound=(0.2, 1.0))
    assert told(table, 1.26, "where is my border", 1.04).kinds() == [Start]


def test_the_last_guess_of_a_turn_is_left_to_the_surer_one():
    table = Table(TurnSettings(max_speculations=1))
    told(table.starts(0.2), 1.05, QUESTION, 1.0).stops(1.0).wait(1.2)
    assert table.kinds() == []
    assert table.says(1.24, QUESTION, stable=True).kinds() == [Start]


def test_who_wants_no_guess_gets_none():
    assert Start not in asked(TurnSettings(speculate=False)).wait(1.2).kinds()


def test_nothing_is_decided_sooner():
    table = asked().wait(9)
    assert table.kinds() == [Start, FinishUtterance, Commit]
    assert table.only(Commit).silence > 0.45


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.floats(0.05, 0.8), st.floats(0.1, 1.5), st.integers(0, 6)), min_size=1, max_size=6),
    st.integers(1, 4),
)
def test_in_no_turn_are_more_guesses_than_may_be(pieces, most):
    table, at, said = Table(TurnSettings(max_speculations=most)), 0.2, "what is it"
    for pause, voiced, word in pieces:
        table.starts(at)
        at += voiced
        said += f" {'abcdefg'[word]}"
        told(table, max(at, table.now), said, at).stops(max(at, table.now - 0.06))
        at = max(at + pause, table.now)
    table.wait(at + 9)
    guesses = [d.turn for d in table.decisions if isinstance(d, Start) and d.reason != "the turn is decided"]
    assert all(guesses.count(turn) <= most for turn in guesses)
