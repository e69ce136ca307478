"""Approval by voice, as policy: only the user's own yes, in time, to a question that was heard, has a call run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.tools import ToolCall
from pipelines.conversation.approval import (
    DECLINED,
    HEARD_SHARE,
    LAPSE_SECONDS,
    LAPSED,
    Approvals,
    heard_share,
    verdict,
)
from sophia.completeness import words
from sophia.languages import LANGUAGES

QUESTION = "Shall I run delete file, with path: notes.txt?"
CALL = ToolCall("1", "delete_file", '{"path": "notes.txt"}')
ASKING, ANSWERING = 1, 2

every_language = pytest.mark.parametrize("table", LANGUAGES.values(), ids=lambda table: table.name)


def asked(heard: str = QUESTION, at: float = 10.0, question: str = QUESTION) -> Approvals:
    approvals = Approvals()
    approvals.asks(ASKING, CALL, question, "en")
    approvals.over(at, ASKING, heard)
    return approvals


def answer(approvals: Approvals, said: str, at: float = 12.0, generation: int = ANSWERING) -> tuple[bool, str]:
    """Whether the call may run after these words, and what the model is told."""
    approval, told = approvals.begins(at, generation, said)
    approvals.decided(at + 0.2, generation, said)
    assert approval is None or approval.call is CALL
    return bool(approval and approval.given), told


@every_language
def test_each_yes_and_no_of_a_table_is_one(table):
    for phrase in table.yes:
        assert verdict(phrase, table.code) == "yes", phrase
        assert verdict(f"{phrase.upper()}!", table.code) == "yes", phrase
        assert verdict(f"{phrase}, {table.yes[0]}.", table.code) == "yes", phrase
    for phrase in table.no:
        assert verdict(phrase, table.code) == "no", phrase
    for yes in table.yes:
        for no in table.no:
            assert verdict(f"{yes} {no}", table.code) != "yes", (yes, no)
            assert verdict(f"{no} {yes}", table.code) != "yes", (yes, no)


@pytest.mark.parametrize(
    ("said", "judged"),
    [
        ("Yes.", "yes"),
        ("Um, yes please.", "yes"),
        ("well, okay", "yes"),
        ("Yes, go ahead.", "yes"),
        ("No.", "no"),
        ("Um, no thanks.", "no"),
        ("Oh please don't do it", "no"),
        ("yes but call it a.txt", "unclear"),
        ("yes and delete the others as well", "unclear"),
        ("what does it hold", "unclear"),
        ("I said yes to somebody else", "unclear"),
        ("is that okay", "unclear"),
        ("", "unclear"),
        ("um", "unclear"),
        ("yes " * 20, "unclear"),
    ],
)
def test_what_is_a_yes(said, judged):
    assert verdict(said, "en") == judged


def test_in_a_language_without_words_nothing_is_a_yes():
    assert verdict("yes", "tlh") == "unclear"


@given(st.text(max_size=200), st.sampled_from(["en", "de", "es", "fr", "it", "tlh"]))
def test_any_words_are_judged_and_a_yes_is_made_of_the_tables_words(said, language):
    if verdict(said, language) == "yes":
        table = LANGUAGES[language]
        known = {word for phrase in table.yes for word in words(phrase)} | table.words.fillers
        assert set(words(said)) <= known


def test_her_own_words_are_no_yes():
    """An echo of a question whose arguments hold a yes."""
    trap = "Shall I run send mail, with text: yes please do it?"
    assert verdict("yes please", "en", trap) == "unclear"
    assert verdict("do it", "en", trap) == "unclear"
    assert verdict("sure, yes", "en", trap) == "yes"  # a word that is not hers


@given(st.integers(0, 20), st.text(max_size=30))
def test_how_much_of_a_question_was_heard(count, before):
    asked_words = words(QUESTION)
    heard = " ".join(asked_words[:count])
    assert heard_share(QUESTION, f"{before} {heard}") >= min(1.0, count / len(asked_words)) - 1e-9
    assert heard_share(QUESTION, "something else") == 0.0


def test_a_yes_has_the_call_run():
    assert answer(asked(), "Yes, please.") == (True, "")


def test_a_no_is_told():
    assert answer(asked(), "No.") == (False, DECLINED.format(tool="delete_file"))


@pytest.mark.parametrize("said", ["how big is it", "yes but another one"])
def test_other_words_end_the_question_and_that_is_told(said):
    approvals = asked()
    assert answer(approvals, said) == (False, LAPSED.format(tool="delete_file"))
    assert answer(approvals, "yes", generation=3) == (False, "")  # nothing is asked any more


def test_a_yes_counts_once():
    approvals = asked()
    assert answer(approvals, "yes")[0]
    assert answer(approvals, "yes", generation=3) == (False, "")


def test_a_question_that_was_not_heard_cannot_be_answered():
    half = " ".join(QUESTION.split()[:4])
    assert answer(asked(heard=half), "yes") == (False, "")
    assert answer(asked(heard=""), "yes") == (False, "")
    most = " ".join(QUESTION.split()[:-1])
    assert heard_share(QUESTION, most) > HEARD_SHARE
    assert answer(asked(heard=f"One moment. {most}"), "yes")[0]


def test_a_yes_may_come_too_late():
    assert answer(asked(at=10.0), "yes", at=10.0 + LAPSE_SECONDS - 1)[0]
    assert answer(asked(at=10.0), "yes", at=10.0 + LAPSE_SECONDS + 1) == (False, LAPSED.format(tool="delete_file"))


def test_a_yes_after_something_else_that_she_said_may_be_to_that():
    approvals = asked()
    approvals.spoke()
    assert answer(approvals, "yes") == (False, LAPSED.format(tool="delete_file"))


def test_a_reply_to_no_words_ends_no_question():
    approvals = asked()
    assert answer(approvals, "") == (False, "")
    assert answer(approvals, "yes", generation=3)[0]


def test_a_guess_decides_nothing():
    approvals = asked()
    approval, _ = approvals.begins(12.0, ANSWERING, "yes")
    assert not approval.given
    approvals.withdrawn(ANSWERING)
    told = answer(approvals, "yes and another one", generation=3)
    assert told == (False, LAPSED.format(tool="delete_file"))
    assert not approval.given


def test_a_turn_that_was_not_over_gives_its_question_back():
    approvals = asked()
    approval, _ = approvals.begins(12.0, ANSWERING, "yes")
    approvals.decided(12.2, ANSWERING, "yes")
    approvals.withdrawn(ANSWERING)
    assert not approval.given
    assert answer(approvals, "yes please", generation=3)[0]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "over", "begin", "decide", "withdraw", "speak"]),
            st.integers(1, 4),
            st.sampled_from(["yes", "no", "maybe", ""]),
        ),
        max_size=25,
    )
)
def test_in_any_order_of_events_a_call_is_given_by_a_yes_alone(steps):
    approvals, given_by, at = Approvals(), {}, 0.0
    said_at_begin = {}
    for number, (kind, generation, said) in enumerate(steps):
        at += 1.0
        match kind:
            case "ask":
                approvals.asks(generation, ToolCall(str(number), "x"), QUESTION, "en")
            case "over":
                approvals.over(at, generation, QUESTION)
            case "begin":
                approval, _ = approvals.begins(at, generation, said)
                if approval:
                    assert said == "yes"
                    given_by[generation], said_at_begin[generation] = approval, said
            case "decide":
                before = {key: approval.given for key, approval in given_by.items()}
                approvals.decided(at, generation, said)
                changed = {key for key, approval in given_by.items() if approval.given and not before[key]}
                assert not changed or (changed == {generation} and said == "yes")
            case "withdraw":
                approvals.withdrawn(generation)
            case "speak":
                approvals.spoke()
    granted = [approval.call.id for approval in given_by.values() if approval.given]
    assert len(granted) == len(set(granted))  # one yes, one call
