"""The floor by another policy: what ends a turn, whether she answers it, and whether a voice stops her."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from turn_events import EVENTS, SETTINGS, Ears, drive
from turn_table import Table, answered

from sophia.answering import MOST_PROMPTS
from sophia.decisions import (
    Announce,
    Begin,
    Commit,
    Correct,
    Dismiss,
    Disregard,
    Drop,
    Duck,
    FinishUtterance,
    Interrupt,
    Keep,
    Pause,
    Reopen,
    Reprompt,
    Resume,
    Say,
    Start,
)
from sophia.events import (
    AnswerRequested,
    AskRequested,
    CancelRequested,
    CommitRequested,
    EarsLost,
    ForgetRequested,
    PolicyChanged,
    SayRequested,
    Stopped,
    TextTyped,
)
from sophia.floor_policy import FloorPolicy
from sophia.turns import TurnTaking

COMMITS = FloorPolicy(ends="commit")
SILENT = FloorPolicy(answers=False)
STEADY = FloorPolicy(interrupts=False)


def by(policy, table=None):
    table = table or Table()
    return table.tell(PolicyChanged(at=table.now, policy=policy))


def found(table, kind):
    return [decision for decision in table.decisions if isinstance(decision, kind)]


def texts(table, kind):
    return [decision.text for decision in found(table, kind)]


# What ends a turn


@pytest.mark.parametrize(
    ("patience", "longest", "wait"), [(1.0, None, 1.3), (2.0, None, 2.6), (0.5, 4.0, 0.65), (9.0, 4.0, 4.0)]
)
def test_our_judgement_is_more_or_less_patient_up_to_a_bound(patience, longest, wait):
    table = by(FloorPolicy(patience=patience, longest=longest)).voice(0.2, 1.0).says(1.1, "i would like to", final=True)
    assert table.wait(9).only(Commit).at == pytest.approx(1.0 + wait)


@pytest.mark.parametrize("text", ["where is my order", "i would like to", "the blue box"])
def test_a_fixed_silence_is_the_same_for_all_words(text):
    table = by(FloorPolicy(ends="silence", silence=0.9)).voice(0.2, 1.0).says(1.1, text, final=True).wait(9)
    assert table.only(Commit).at == pytest.approx(1.9)
    assert "0.90 s are set" in table.only(Commit).reason


def test_a_short_silence_asks_for_the_last_word_at_once():
    table = by(FloorPolicy(ends="silence", silence=0.2)).voice(0.2, 1.0).says(1.1, "where is my order").wait(9)
    assert table.only(FinishUtterance).at == pytest.approx(1.2)
    assert table.only(Commit).at == pytest.approx(1.2 + 0.7)


def test_nothing_but_a_commit_ends_a_turn_and_nothing_is_guessed():
    table = by(COMMITS).voice(0.2, 1.0).says(1.1, "where is my order", final=True).wait(60)
    assert table.kinds() == []
    table.tell(CommitRequested(at=60.0)).wait(90)
    assert texts(table, Keep) == ["where is my order"]
    assert found(table, Start) == []


def test_a_commit_asks_for_the_last_word_and_waits_for_it_a_moment():
    table = by(COMMITS).voice(0.2, 1.0).tell(CommitRequested(at=1.1))
    assert table.only(FinishUtterance).at == 1.1
    assert texts(table.says(1.4, "where is my order", final=True), Keep) == ["where is my order"]
    table = by(COMMITS).voice(0.2, 1.0).tell(CommitRequested(at=1.1)).wait(5)
    assert (table.only(Keep).at, table.only(Keep).text) == (pytest.approx(1.8), "")
    table.says(6.0, "where is my order", final=True)
    assert table.only(Correct).text == "where is my order"


def test_a_commit_of_sound_without_a_voice_is_a_turn_too():
    table = by(COMMITS).tell(CommitRequested(at=1.0)).says(1.2, "yes", final=True)
    assert texts(table, Keep) == ["yes"]


def test_what_a_client_takes_back_is_named_and_comes_to_nothing():
    table = by(COMMITS).voice(0.2, 1.0).says(1.1, "forget", sound=(0.2, 0.8)).tell(ForgetRequested(at=1.2))
    table.says(1.5, "forget it", final=True, sound=(0.2, 1.0)).tell(CommitRequested(at=1.6)).wait(5)
    assert texts(table, Dismiss) == ["forget"]
    assert texts(table, Disregard) == ["forget it"]
    assert texts(table, Keep) == [""]
    assert found(by(SILENT).voice(0.2, 1.0).tell(ForgetRequested(at=1.2)), Dismiss) == []


def test_words_that_come_only_after_they_were_taken_back_are_not_committed():
    table = by(COMMITS).voice(0.2, 1.0).tell(ForgetRequested(at=1.1)).says(1.4, "forget it", final=True)
    table.tell(CommitRequested(at=2.0)).wait(5)
    assert texts(table, Disregard) == ["forget it"]
    assert texts(table, Keep) == [""]


# Whether she answers


def test_words_are_kept_until_somebody_asks():
    table = by(SILENT).voice(0.2, 1.0).says(1.1, "where is my order", final=True).wait(9)
    assert table.kinds() == [Keep]
    assert table.turns.phase == "idle"
    table.tell(AnswerRequested(at=9.0))
    assert texts(table, Commit) == ["where is my order"]
    assert len({decision.turn for decision in table.decisions}) == 1


def test_what_was_kept_is_answered_together_in_the_last_turn():
    table = by(SILENT)
    for start, text in ((0.2, "where is my order"), (5.0, "it is late")):
        table.voice(start, start + 0.8).says(start + 0.9, text, final=True).wait(start + 3)
    table.tell(AnswerRequested(at=9.0))
    assert texts(table, Keep) == ["where is my order", "where is my order it is late"]
    assert (table.only(Commit).text, table.only(Commit).turn) == ("where is my order it is late", 2)
    assert table.only(Dismiss).turn == 1


def test_who_asks_while_the_user_speaks_on_is_answered_at_once_and_the_rest_is_joined():
    table = by(SILENT).voice(0.2, 1.0).says(1.1, "where is my order", final=True).wait(3)
    table.starts(3.0).tell(AnswerRequested(at=3.1)).stops(3.8).says(3.9, "for the shoes", final=True).wait(9)
    assert texts(table, Commit) == ["where is my order"]
    assert table.only(Reopen).turn == 1
    assert texts(table, Keep)[-1] == "where is my order for the shoes"


def test_a_message_takes_what_was_kept_with_it():
    table = by(SILENT).voice(0.2, 1.0).says(1.1, "where is my order", final=True).wait(3)
    table.tell(TextTyped(at=3.0, text="number five"))
    assert texts(table, Commit) == ["where is my order number five"]


def test_she_does_not_ask_again_nor_tell_of_her_ears_unasked():
    table = by(SILENT).voice(0.2, 1.2).wait(9)
    assert texts(table, Keep) == [""]
    table.tell(EarsLost(at=9.0, error=RuntimeError("gone"))).wait(60)
    assert table.kinds() == [FinishUtterance, Keep]


def test_a_guess_is_dropped_when_she_is_to_answer_no_more():
    table = Table().voice(0.2, 1.0).says(1.05, "where is my order", stable=True)
    by(SILENT, table).wait(9)
    assert table.kinds() == [Start, Drop, Keep]


def test_a_policy_that_answers_again_takes_the_kept_words_with_the_next():
    table = by(SILENT).voice(0.2, 1.0).says(1.1, "where is my order", final=True).wait(3)
    by(FloorPolicy(), table).wait(5)
    assert found(table, Commit) == []
    table.voice(5.2, 6.0).says(6.1, "it is late", final=True).wait(9)
    assert texts(table, Commit) == ["where is my order it is late"]


# Whether a voice stops her


def test_nothing_happens_to_her_and_the_words_are_answered_when_she_is_over():
    table = by(STEADY, answered()).voice(2.0, 2.8).says(2.9, "it is late", final=True).wait(5)
    assert [kind for kind in table.kinds() if kind is not Start] == [Keep]
    table.ends(6.0)
    assert texts(table, Commit) == ["it is late"]
    assert "while she spoke" in table.only(Commit).reason


def test_who_is_still_speaking_when_she_is_over_is_heard_out():
    table = by(STEADY, answered()).voice(2.0, 2.8).says(2.9, "it is late", final=True).starts(5.0).ends(5.5)
    assert found(table, Commit) == []
    table.stops(6.0).says(6.1, "very late", final=True).wait(9)
    assert texts(table, Commit) == ["it is late very late"]


def test_a_client_that_took_over_meanwhile_is_the_one_that_asks():
    table = by(STEADY, answered()).voice(2.0, 2.8).says(2.9, "it is late", final=True).wait(5)
    by(STEADY, by(SILENT, table)).ends(6.0).wait(9)
    assert found(table, Commit) == []


def test_who_cancels_her_is_answered_what_was_said_meanwhile():
    table = by(STEADY, answered()).voice(2.0, 2.8).says(2.9, "it is late", final=True).wait(5)
    table.tell(CancelRequested(at=5.0))
    assert table.only(Interrupt).at == 5.0
    assert texts(table, Commit) == ["it is late"]


def test_before_she_is_heard_nothing_is_reopened_either():
    table = by(STEADY).voice(0.2, 1.0).says(1.24, "where is my order", stable=True).wait(1.35)
    table.voice(1.4, 2.0).says(2.1, "for the shoes", final=True).wait(4)
    assert found(table, Reopen | Interrupt | Pause) == []


@pytest.mark.parametrize("policy", [STEADY, COMMITS])
def test_she_goes_on_if_she_had_paused_when_the_policy_came(policy):
    table = by(policy, answered().starts(3.0).wait(3.5)).wait(3.6)
    assert len(found(table, Pause)) == len(found(table, Resume)) == 1


# Silence


def test_she_speaks_again_after_a_silence_that_began_with_her_last_sample():
    table = by(FloorPolicy(ends="silence", idle=5.0), answered()).ends(3.0).wait(7.9)
    assert found(table, Commit) == []
    table.wait(8.1)
    assert found(table, Begin)[-1].origin == "idle"
    assert (table.only(Commit).text, table.only(Commit).at) == ("", pytest.approx(8.0))


def test_a_silence_also_begins_where_a_client_cancels_her():
    table = by(FloorPolicy(ends="silence", idle=5.0), answered()).wait(3.0).tell(CancelRequested(at=3.0)).wait(9)
    assert table.only(Commit).at == pytest.approx(8.0)


def test_a_voice_is_no_silence_and_a_noise_begins_it_anew():
    table = by(FloorPolicy(ends="silence", idle=5.0), answered()).ends(3.0).voice(7.0, 7.1).wait(11)
    assert found(table, Commit) == []
    assert found(table.wait(15), Commit)


def test_she_speaks_to_an_empty_room_no_more_than_three_times():
    table, at = by(FloorPolicy(ends="silence", idle=5.0), answered()).ends(3.0), 3.0
    for _ in range(MOST_PROMPTS):
        table.wait(at + 5.1).audible(at + 5.2).ends(at := at + 6.0)
    table.wait(at + 60.0)
    assert [begin.origin for begin in found(table, Begin)].count("idle") == MOST_PROMPTS
    table.tell(TextTyped(at=at + 60.0, text="I am back")).audible(at + 61.0).ends(at := at + 62.0)
    table.wait(at + 5.1)
    assert [begin.origin for begin in found(table, Begin)].count("idle") == MOST_PROMPTS + 1


def test_a_say_does_not_wait_for_a_commit():
    table = by(COMMITS).voice(0.2, 1.0).tell(SayRequested(at=2.0, text="One."))
    assert table.only(Say).text == "One."


# Any order


@settings(max_examples=200)
@given(
    st.sampled_from([COMMITS, SILENT, FloorPolicy(answers=False, interrupts=False)]), SETTINGS, EVENTS, st.booleans()
)
def test_no_reply_begins_unasked_whatever_happens(policy, chosen, events, timed):
    allowed, replies, over_her = 0, set(), []

    class Machine:
        turns = TurnTaking(chosen)

        def tell(self, event):
            nonlocal allowed
            allowed += isinstance(event, AnswerRequested | TextTyped | SayRequested | AskRequested)
            allowed += 2 * isinstance(event, AskRequested)  # again if it was cut off at once
            decided = self.turns.tell(event)
            replies.update(d.turn for d in decided if isinstance(d, Commit | Reprompt | Announce | Say))
            over_her.extend(d for d in decided if isinstance(d, Duck | Pause | Reopen))
            assert len(replies) <= allowed
            return decided

    machine = Machine()
    machine.tell(PolicyChanged(at=0.0, policy=policy))
    now = drive(machine, [event for event in events if event[0] != "policy"], Ears(timed))
    machine.tell(Stopped(at=now))
    assert machine.turns.phase == "idle"
    assert (policy.interrupts and not policy.commits_only) or not over_her
