"""What she is asked to say: it waits for the floor, is said once, and is never lost without a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turn_events import EVENTS, SETTINGS, drive
from turn_table import Table, answered

from sophia.decisions import Apologise, Begin, Commit, Drop, Interrupt, Pause, Refuse, Reopen, Resume, Say, Start
from sophia.events import CancelRequested, Failed, SayRequested, Stopped
from sophia.sayings import MOST_WAITING
from sophia.turns import TurnTaking


def said(table):
    return [decision.text for decision in table.decisions if isinstance(decision, Say)]


def test_she_says_it_at_once_when_nobody_speaks_in_a_turn_of_her_own():
    table = Table().asked(1.0, " The door is open. ")
    begin, say = table.decisions
    assert isinstance(begin, Begin)
    assert (begin.origin, begin.turn) == ("agent", say.turn)
    assert (say.text, say.at) == ("The door is open.", 1.0)
    assert table.turns.phase == "thinking"
    assert table.audible(1.2).turns.phase == "speaking"
    assert table.ends(2.0).wait(9).turns.phase == "idle"
    assert said(table) == ["The door is open."]


def test_it_waits_while_the_user_speaks_and_until_the_user_is_answered():
    table = Table().voice(0.2, 1.0).says(1.07, "where is my order", final=True)
    table.asked(1.1, "The door is open.").wait(2.0).audible(2.0)
    assert said(table) == []
    table.ends(3.0)
    assert [kind for kind in table.kinds() if kind in (Start, Commit, Say)] == [Start, Commit, Say]
    assert table.only(Say).at == 3.0


def test_it_waits_while_she_speaks_and_interrupts_nothing():
    table = answered().asked(2.0, "One.").asked(2.1, "Two.").wait(2.5)
    assert said(table) == []
    table.ends(3.0)
    assert said(table) == ["One."]
    table.audible(3.2).ends(4.0)
    assert said(table) == ["One.", "Two."]
    assert not [d for d in table.decisions if isinstance(d, Interrupt)]


def test_a_noise_that_never_ends_does_not_keep_it():
    table = Table().starts(0.2).says(1.0, "where is my order", final=True).asked(1.5, "One.").wait(6).audible(6)
    assert table.turns.phase == "speaking"
    assert said(table.ends(7.0)) == ["One."]


@pytest.mark.parametrize("audible", [False, True])
def test_words_of_the_user_interrupt_it_and_nothing_is_reopened(audible):
    table = Table().voice(0.2, 1.0).says(1.07, "hello", final=True).wait(1.5).audible(1.5).ends(2.0)
    table.decisions = []
    table.asked(3.0, "The door is open.")
    if audible:
        table.audible(3.2)
    table.voice(3.5, 4.0).says(4.1, "which door", final=True).wait(6)
    assert table.only(Interrupt).onset == 3.5
    assert table.only(Commit).text == "which door"
    assert not [d for d in table.decisions if isinstance(d, Reopen | Drop)]


def test_a_voice_without_words_only_pauses_it():
    table = Table().asked(1.0, "The door is open.").audible(1.2).voice(2.5, 3.0).wait(5).ends(6)
    assert table.kinds().count(Pause) == table.kinds().count(Resume) == 1
    assert not [d for d in table.decisions if isinstance(d, Interrupt)]


def test_what_still_waits_is_said_after_the_user_was_answered():
    table = Table().asked(1.0, "One.").asked(1.0, "Two.").audible(1.2)
    table.voice(2.5, 3.0).says(3.1, "which door", final=True).wait(4)
    table.audible(4).ends(5)
    assert said(table) == ["One.", "Two."]
    assert [d.text for d in table.decisions if isinstance(d, Commit)] == ["which door"]


def test_a_client_that_cancels_gets_silence_and_each_text_that_waits_is_named():
    table = Table().asked(1.0, "One.").asked(1.1, "Two.").asked(1.2, "Three.")
    table.tell(CancelRequested(at=1.5)).wait(9)
    assert said(table) == ["One."]
    refused = [d.reason for d in table.decisions if isinstance(d, Refuse)]
    assert ["Two." in reason or "Three." in reason for reason in refused] == [True, True]


def test_a_client_cancels_what_waits_although_nothing_is_said_yet():
    table = Table().starts(0.2).asked(0.5, "One.").tell(CancelRequested(at=0.6))
    assert "One." in table.only(Refuse).reason


def test_too_many_texts_and_texts_without_a_word_are_refused_with_a_reason():
    table = answered()
    for number in range(MOST_WAITING + 1):
        table.asked(2.0, f"Number {number}.")
    assert "wait" in table.only(Refuse).reason
    table.decisions = []
    assert "no word" in table.asked(2.1, " … ").only(Refuse).reason


def test_the_end_of_the_conversation_names_what_was_not_said():
    table = answered().asked(2.0, "One.").tell(Stopped(at=2.5))
    assert "One." in table.only(Refuse).reason
    assert said(table.asked(3.0, "Two.").wait(9)) == []


def test_a_voice_that_fails_is_apologised_for_and_the_text_is_not_made_again():
    table = Table().asked(1.0, "One.")
    table.tell(Failed(at=1.1, service="tts", error=RuntimeError("gone"), generation=table.generation, again=True))
    assert table.only(Apologise).phrase == "tts"


@given(SETTINGS, EVENTS, st.lists(st.integers(0, 39), min_size=1, max_size=6))
def test_in_any_conversation_each_text_is_said_once_or_refused(chosen, events, places):
    for number, place in enumerate(places):
        events.insert(place, ("say", 0.1, f"number {number}", 0))
    turns = TurnTaking(chosen)
    decided, asked = [], []

    class Machine:
        def __init__(self):
            self.turns = turns

        def tell(self, event):
            if isinstance(event, SayRequested):
                asked.append(event.text.strip())
            found = turns.tell(event)
            decided.extend(found)
            return found

    now = drive(Machine(), events)
    Machine().tell(Stopped(at=now))
    sayings = [d for d in decided if isinstance(d, Say)]
    refused = [d.reason for d in decided if isinstance(d, Refuse)]
    for text in {text for text in asked if text.startswith("number")}:
        count = sum(d.text == text for d in sayings) + sum(f"“{text}”" in reason for reason in refused)
        full = sum("wait to be said already" in reason for reason in refused)
        assert asked.count(text) - full <= count <= asked.count(text)
