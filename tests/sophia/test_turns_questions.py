"""A “yes” over her question is the answer, and elsewhere a backchannel."""

import pytest
from turn_table import asking

from sophia.asking import asks
from sophia.decisions import (
    Commit,
    Dismiss,
    Interrupt,
    Pause,
    Resume,
)
from sophia.turn_settings import TurnSettings


@pytest.mark.parametrize("word", ["yes", "Yeah.", "okay", "sure", "mhm", "right"])
@pytest.mark.parametrize("before", [1.0, 0.6, 0.25])
def test_an_affirmative_near_the_end_of_a_question_is_the_answer(word, before):
    end = 8.0
    table = asking("Your order is on its way. Shall I call you?").voice(end - before, end - before + 0.35)
    table.says(end - before + 0.6, word, final=True)
    resume = table.only(Resume)
    left = before - 0.13 + resume.rewind  # what she had still to say when she paused
    table.ends(resume.at + left).wait(20)
    assert table.decisions[-1].text == word
    assert isinstance(table.decisions[-1], Commit)
    assert table.decisions[-1].at == pytest.approx(resume.at + left, abs=0.3)


@pytest.mark.parametrize(("language", "word"), [("de-DE", "ja"), ("de-DE", "Genau."), ("de-DE", "ok"), ("en-US", "no")])
def test_so_it_is_in_german_and_so_is_a_no(language, word):
    question = "wo ist meine tasche" if language == "de-DE" else "where is my bag"
    table = asking("Soll ich dich anrufen?", TurnSettings(language=language), question)
    table.voice(7.5, 7.8).says(8.0, word, final=True)
    table.wait(8.1)
    if table.turns.phase == "speaking":
        table.ends(8.6)
    assert table.wait(20).decisions[-1].text == word
    assert isinstance(table.decisions[-1], Commit)


def test_where_nobody_may_interrupt_her_it_is_the_answer_too():
    table = asking("Shall I call you?", TurnSettings(barge_in=False)).voice(7.5, 7.8).says(8.0, "yes", final=True)
    assert table.ends(8.4).wait(20).decisions[-1].text == "yes"


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (6.4, [(0, "yes"), (1.2, "yes")]),
        (5.9, [(0, "yes"), (1.3, "yes")]),
        (5.8, [(0, "yes"), (0.9, "yes"), (0.9, "yes")]),
        (4.6, [(0, "yes"), (2.5, "yes"), (0.5, "yes")]),
        (6.55, [(0, "yes"), (0.8, "")]),
    ],
)
def test_a_yes_that_is_said_again_or_coughed_after_is_the_answer_too(start, said):
    end = 8.0
    table, at = asking("Your order is on its way. Shall I call you?"), start
    for gap, text in said:
        at += gap
        table.voice(at, at + 0.2).says(at + 0.35, text, final=True)
    paused = 0.0
    for stop, go in zip(
        *([d for d in table.decisions if isinstance(d, kind)] for kind in (Pause, Resume)), strict=True
    ):
        paused += go.at - stop.at + go.rewind
    table.ends(end + paused).wait(20)
    assert table.decisions[-1].text.split()[-1] == "yes"
    assert isinstance(table.decisions[-1], Commit)


@pytest.mark.parametrize(("text", "end"), [("Shall I call you?", 16.0), ("It left this morning.", 8.4)])
def test_in_the_middle_of_a_question_or_over_a_statement_it_is_a_backchannel(text, end):
    table = asking(text).voice(7.5, 7.8).says(8.0, "yes", final=True).ends(end).wait(30)
    assert [type(d) for d in table.decisions if isinstance(d, Commit | Dismiss)] == [Dismiss]
    assert table.only(Dismiss).text == "yes"


def test_a_backchannel_that_goes_on_takes_the_floor():
    table = asking("It left this morning.").voice(5.0, 5.3).says(5.5, "okay", final=True)
    table.voice(5.9, 6.5).says(6.7, "but where is it now", final=True).wait(20)
    assert Interrupt in table.kinds()
    assert table.decisions[-1].text == "okay but where is it now"


@pytest.mark.parametrize(
    "text",
    ["Shall I?", "Cancel it? Just say yes or no.", "She asked: “Is it you?”", "Really? 😊", "可以吗？", "هل تريد؟",
     "Let me know which one you want."],
)  # fmt: skip
def test_what_asks(text):
    assert asks(text)
    assert asks("Sag mir, welche du willst.", "de-DE")


@pytest.mark.parametrize("text", ["", "It left this morning.", "Why? Nobody knows. " + "It is a long story. " * 6])
def test_what_does_not_ask(text):
    assert not asks(text)
