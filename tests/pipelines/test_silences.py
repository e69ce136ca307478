"""The silences of a ledger: how long each was, what would have ended the turn, and what did."""

import random

import pytest
from turn_table import Table

from pipelines.conversation.book import TurnBook
from sophia.decisions import Commit, Reopen
from sophia.endpointing import EXPLORED
from sophia.events import TextTyped
from sophia.turn_settings import TurnSettings
from sophia.turns import TurnTaking


class Kept(Table):
    """The table, and a book beside it."""

    def __init__(self, settings=None, chance=None):
        super().__init__(settings)
        self.turns = TurnTaking(settings, chance=chance)
        self.book = TurnBook()

    def tell(self, event):
        before = len(self.decisions)
        super().tell(event)
        for happening in (event, *self.decisions[before:]):
            self.book.tell(happening)
        return self

    @property
    def silences(self):
        return [silence for ledger in self.book.ledgers for silence in ledger.silences]


def test_a_silence_that_is_spoken_on_after_and_one_that_ends_the_turn():
    table = Kept().voice(0.2, 1.0).says(1.25, "give me the red one and", stable=True)
    table.starts(1.5).says(1.9, "give me the red one and the blue one").stops(2.0)
    table.says(2.25, "give me the red one and the blue one", stable=True).wait(5)
    inner, last = table.silences
    assert (inner.at, inner.length) == pytest.approx((1.0, 0.5))
    assert (inner.threshold, inner.sounds, inner.ended_by) == (1.3, "unfinished", "voice")
    assert last.at == pytest.approx(2.0)
    assert last.length >= last.threshold - 0.001
    assert (last.sounds, last.ended_by, last.explored) == ("complete", "endpoint", False)


def test_a_silence_that_was_taken_for_the_end_is_as_long_as_it_turned_out():
    table = Kept().voice(0.2, 1.0).says(1.2, "where is my order", stable=True).audible(1.6)
    table.starts(1.9).says(2.3, "where is my order and the other one", stable=True).wait(2.4)
    assert table.only(Reopen)
    (silence,) = table.silences
    assert (silence.at, silence.length) == pytest.approx((1.0, 0.9))
    assert (silence.ended_by, silence.threshold) == ("reopen", 0.28)


def test_what_is_typed_ends_no_silence():
    table = Kept().voice(0.2, 1.0).says(1.1, "where is").wait(1.2)
    table.tell(TextTyped(at=table.now, text="never mind"))
    assert table.only(Commit).wait is None
    assert table.silences == []


def explored(share, turns=400):
    chance = random.Random(1)
    waits = []
    for _ in range(turns):
        table = Kept(TurnSettings(explore=share), chance.random).voice(0.2, 1.0)
        table.says(1.1, "where is my order", final=True).wait(2)
        waits.append(table.only(Commit).wait)
    return waits


def test_nobody_waits_longer_unless_it_is_asked_for():
    assert {(wait.seconds, wait.explored) for wait in explored(0.0)} == {(0.28, False)}


def test_few_turns_wait_longer_and_none_shorter():
    waits = explored(0.2)
    longer = [wait.seconds - 0.28 for wait in waits if wait.explored]
    assert {wait.seconds for wait in waits if not wait.explored} == {0.28}
    assert 0.14 < len(longer) / len(waits) < 0.26
    assert 0.0 < min(longer) < 0.05
    assert EXPLORED - 0.05 < max(longer) <= EXPLORED


def test_a_turn_is_explored_as_a_whole():
    draws = iter((0.0, 0.5, 0.9, 0.9, 0.9))
    table = Kept(TurnSettings(explore=0.2), lambda: next(draws)).voice(0.2, 1.0).says(1.2, "give me the", stable=True)
    table.starts(1.5).says(1.8, "give me the red one please").stops(2.0).says(
        2.2, "give me the red one please", final=True
    )
    table.wait(3)
    assert [(s.explored, round(s.threshold, 2)) for s in table.silences] == [(True, 1.46), (True, 0.44)]
