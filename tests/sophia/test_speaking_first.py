"""What she is asked to tell of in her own words, or politely, waits for a quiet moment and is told once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turn_events import EVENTS, SETTINGS, drive
from turn_table import Table, answered

from sophia.decisions import Apologise, Begin, Commit, Drop, Interrupt, Refuse, Reopen, Start
from sophia.events import AskRequested, CancelRequested, Failed, SayRequested, Stopped
from sophia.sayings import ANSWER_SECONDS, MOST_TRIES, MOST_WAITING, PAUSE_SECONDS
from sophia.turns import TurnTaking

NEWS = "the oven is hot"


def told(table):
    return [decision.about for decision in table.decisions if isinstance(decision, Start) and decision.about]


def test_with_nobody_speaking_she_begins_at_once_in_a_turn_of_her_own():
    table = Table().told(1.0, f" {NEWS} ")
    begin, start, commit = table.decisions
    assert isinstance(begin, Begin)
    assert (begin.origin, start.text, start.about, start.at) == ("agent", "", NEWS, 1.0)
    assert (commit.generation, commit.unasked, commit.text) == (start.generation, True, "")
    assert table.audible(1.5).turns.phase == "speaking"
    assert table.ends(3.0).wait(9).turns.phase == "idle"


def test_it_waits_until_the_user_is_answered_and_a_moment_longer():
    table = answered().told(2.0, NEWS).wait(3.0)
    assert told(table) == []
    table.ends(3.0).wait(3.0 + PAUSE_SECONDS - 0.01)
    assert told(table) == []
    assert told(table.wait(3.0 + PAUSE_SECONDS + 0.01)) == [NEWS]
    assert not [d for d in table.decisions if isinstance(d, Interrupt | Drop)]


def test_after_a_question_of_hers_the_user_has_time_to_think():
    table = answered().replies("Shall I order it?").told(2.0, NEWS).ends(3.0).wait(3.0 + ANSWER_SECONDS - 0.01)
    assert told(table) == []
    assert told(table.wait(3.0 + ANSWER_SECONDS + 0.01)) == [NEWS]


def test_who_answers_the_question_is_answered_first():
    table = answered().replies("Shall I order it?").told(2.0, NEWS).ends(3.0)
    table.voice(5.0, 6.0).says(6.1, "order it please", final=True).wait(7.5).audible(7.5).ends(9.0).wait(11.0)
    assert [type(d) for d in table.decisions if isinstance(d, Start | Commit)][-4:] == [Start, Commit, Start, Commit]
    assert told(table) == [NEWS]


def test_a_user_who_begins_before_a_word_was_heard_is_answered_and_it_is_told_after_that():
    table = Table().told(1.0, NEWS).voice(1.2, 2.0).says(2.1, "what time is it", final=True).wait(3.5)
    assert len([d for d in table.decisions if isinstance(d, Interrupt)]) == 1
    assert not [d for d in table.decisions if isinstance(d, Reopen)]
    table.audible(3.5).ends(5.0).wait(8.0)
    assert told(table) == [NEWS, NEWS]


def test_what_was_cut_off_in_its_first_moment_is_told_once_more():
    table = Table().told(1.0, NEWS).audible(1.2).voice(1.5, 2.2).says(2.3, "which oven", final=True).wait(4.0)
    assert len([d for d in table.decisions if isinstance(d, Interrupt)]) == 1
    table.audible(4.0).ends(6.0).wait(8.0)
    assert told(table) == [NEWS, NEWS]
    table.audible(8.1).ends(8.2).wait(20.0)  # short, and heard to its end
    assert told(table) == [NEWS, NEWS]


def test_a_user_who_always_speaks_at_the_same_moment_is_told_no_more_at_last():
    table = Table().told(1.0, NEWS)
    for at in range(1, 60, 6):
        table.audible(at + 0.2).voice(at + 0.5, at + 1.2).says(at + 1.3, f"and {at}", final=True).wait(at + 3)
        table.audible(at + 3).ends(at + 4.5).wait(at + 6)
    assert told(table) == [NEWS] * MOST_TRIES


def test_what_was_begun_aloud_and_cut_off_is_not_begun_again():
    table = Table().told(1.0, NEWS).audible(1.2).voice(2.5, 3.0).says(3.1, "which oven", final=True).wait(4.5)
    table.audible(4.5).ends(6.0).wait(20.0)
    assert told(table) == [NEWS]


def test_a_polite_text_waits_as_well():
    table = answered().tell(SayRequested(at=2.0, text="Tea!", polite=True)).ends(3.0)
    assert not [d for d in table.decisions if getattr(d, "text", "") == "Tea!"]
    assert [d.at for d in table.wait(5).decisions if getattr(d, "text", "") == "Tea!"] == [3.0 + PAUSE_SECONDS]


def test_a_client_that_cancels_and_the_end_withdraw_it_by_name():
    for event in (CancelRequested(at=2.5), Stopped(at=2.5)):
        table = answered().told(2.0, NEWS).tell(event).wait(20)
        assert NEWS in table.only(Refuse).reason
        assert told(table) == []
    table = Table().told(1.0, NEWS).tell(CancelRequested(at=1.1)).wait(20)
    assert told(table) == [NEWS]  # the one that was being made is not made again


def test_it_shares_the_bound_with_what_is_said():
    table = answered()
    for number in range(MOST_WAITING + 1):
        (table.told if number % 2 else table.asked)(2.0, f"Number {number}.")
    assert "wait" in table.only(Refuse).reason
    table.decisions = []
    assert "no word" in table.told(2.1, " … ").only(Refuse).reason


@pytest.mark.parametrize("again", [False, True])
def test_a_mind_that_fails_is_asked_again_once_and_then_she_is_sorry(again):
    table = Table().told(1.0, NEWS)
    for at in (1.1, 1.2):
        failed = Failed(at=at, service="llm", error=RuntimeError("gone"), generation=table.generation, again=again)
        table.wait(at).tell(failed)
        if not again:
            break
    assert told(table) == ([NEWS, NEWS] if again else [NEWS])
    assert table.only(Apologise).phrase == "llm"


@given(SETTINGS, EVENTS, st.lists(st.integers(0, 39), min_size=1, max_size=6))
def test_in_any_conversation_each_is_told_or_refused_and_never_more_than_it_may(chosen, events, places):
    for number, place in enumerate(places):
        events.insert(place, ("tell", 0.1, f"number {number}", 0))
    turns, decided, asked = TurnTaking(chosen), [], []

    class Machine:
        def __init__(self):
            self.turns = turns

        def tell(self, event):
            if isinstance(event, AskRequested):
                asked.append(event.about)
            found = turns.tell(event)
            decided.extend(found)
            return found

    now = drive(Machine(), events)
    Machine().tell(Stopped(at=now))
    starts = [d for d in decided if isinstance(d, Start)]
    commits = {d.generation for d in decided if isinstance(d, Commit) and d.unasked}
    refused = [d.reason for d in decided if isinstance(d, Refuse)]
    full = sum("wait to be said already" in reason for reason in refused)
    assert commits == {d.generation for d in starts if d.about}
    for text in {text for text in asked if text.startswith("number")}:
        turns_of_it = {d.turn for d in starts if d.about == text}
        count = len(turns_of_it) + sum(f"“{text}”" in reason for reason in refused)
        assert asked.count(text) - full <= count <= MOST_TRIES * asked.count(text)
