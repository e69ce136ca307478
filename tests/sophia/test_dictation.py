"""Dictations wait, what is evidently whole does not, and plain questions wait no longer than before."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.endpointing import LONGEST, SCRIPTS, cut_off, dictations, in_form, plain, waits
from sophia.completeness import WordTurnModel
from sophia.pauses import Pauses
from sophia.turn_settings import TurnSettings

MODEL = WordTurnModel()
TUNED, PLAIN = dictations("tuned"), plain()
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
ZIFFERN = ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]


def pause(text, language="en-US"):
    return Pauses(TurnSettings(language=language), MODEL).after(text)[0].seconds


def sounds(text, language="en-US"):
    return MODEL.judge(text, language).sounds


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name != "after_whole"])
def test_few_dictations_are_cut_off_even_with_the_longest_pauses(name):
    """The judgement after each piece must wait longer than the longest pause."""
    script = dictations(name)
    assert len({one.pieces for one in script}) >= 27
    cut = [
        one.pieces
        for one in script
        if any(pause("\n".join(one.pieces[:n]), one.language) <= LONGEST for n in range(1, len(one.pieces)))
    ]
    assert len(cut) <= 0.05 * len(script), cut


@pytest.mark.parametrize("one", [one for one in dictations("after_whole") if one.form == "written"], ids=str)
def test_what_is_whole_is_answered_though_it_might_go_on(one):
    wholes = ["\n".join(one.pieces[:n]) for n in range(1, len(one.pieces))]
    assert any(sounds(text, one.language) == "complete" for text in wholes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Set a timer for ten.\nMinutes.", "unfinished"),
        ("The total is forty.\nTwo dollars.", "unfinished"),
        ("My e-mail is jane.\nDot doe.\nAt example.", "unfinished"),
        ("The password is sunflower.\nUnderscore.", "unfinished"),
        ("My e-mail is jane.\nDot doe.\nAt example dot org.", "complete"),
        ("My phone number is five five five.\nWhat time is it?", "complete"),
        ("I have been\nto the shop today.", "complete"),
    ],
)
def test_who_paused_within_a_dictation_may_pause_again(text, expected):
    assert sounds(text) == expected


@pytest.mark.parametrize("text", ["Twelve.", "42", "I want number two.", "1984."])
def test_a_short_number_that_answers_is_not_being_dictated(text):
    assert sounds(text) != "unfinished"


def test_whole_turns_of_dictations_are_not_cut_off():
    """Through turn taking, on the virtual clock: what Riva would write, with pauses as long as they get."""
    written = [one for one in TUNED if one.form == "written"]
    cut = [one.pieces for one in written if cut_off(one, [LONGEST] * (len(one.pieces) - 1))]
    assert not cut


def test_not_one_plain_question_without_marks_waits_longer_than_before():
    bare = [one for one in PLAIN if one.form == "bare"]
    slower = [(one.text, now, one.before) for one in bare if (now := pause(one.text, one.language)) > one.before]
    assert not slower


def test_few_plain_questions_wait_longer_because_marks_are_not_believed():
    written = [one for one in PLAIN if one.form == "written"]
    slower = [one.text for one in written if pause(one.text, one.language) > one.before]
    assert len(slower) <= 0.04 * len(written), slower


def test_a_question_is_decided_after_its_pause():
    assert waits(PLAIN[0]) == pytest.approx(0.28, abs=0.021)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("My phone number is", "en-US"),
        ("My phone number.", "en-US"),
        ("My number's 5.", "en-US"),
        ("Set a timer for.", "en-US"),
        ("Can you set a timer for ten?", "en-US"),
        ("It's 4 1 5.", "en-US"),
        ("Uh, it's double five.", "en-US"),
        ("J O", "en-US"),
        ("J as in John.", "en-US"),
        ("a.b@example", "en-US"),
        ("www.example", "en-US"),
        ("My e-mail is john@", "en-US"),
        ("Can you take my number? Five five five.", "en-US"),
        ("I was born on March 3rd.", "en-US"),
        ("Transfer two thousand.", "en-US"),
        ("Meine Nummer ist.", "de-DE"),
        ("Stell bitte einen Timer auf 10.", "de-DE"),
        ("Weck mich um halb.", "de-DE"),
        ("Zwei drei fünf.", "de-DE"),
        ("B wie Berta.", "de-DE"),
        ("Der Preis ist zwölf.", "de-DE"),
        ("My last name is Nguyen.", "en-US"),
        ("Her surname is Bennett with double N.", "en-US"),
        ("The link is example dot com.", "en-US"),
        ("I am five foot.", "en-US"),
        ("Add bread and two.", "en-US"),
        ("Call my wife on four four.", "en-US"),
        ("My date of birth is oh five. Twelve.", "en-US"),
        ("Geh auf w w w Punkt.", "de-DE"),
        ("Der Termin ist am vierten.", "de-DE"),
    ],
)
def test_what_is_being_dictated_is_unfinished(text, language):
    assert sounds(text, language) == "unfinished"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("My phone number is 415 867 5309.", "en-US"),
        ("My phone number is five five five, one two three, four five six seven.", "en-US"),
        ("My pin is one two three four.", "en-US"),
        ("My zip code is 62704.", "en-US"),
        ("Set a timer for ten minutes.", "en-US"),
        ("Wake me up at 7:30.", "en-US"),
        ("My date of birth is March 3rd, 1984.", "en-US"),
        ("It's john.doe@example.com.", "en-US"),
        ("Please call 911.", "en-US"),
        ("What is 17 times 23?", "en-US"),
        ("Tell me about the number one hit.", "en-US"),
        ("Is that your phone number?", "en-US"),
        ("I forgot my password.", "en-US"),
        ("He lives in the U.S.A.", "en-US"),
        ("Tell me how to spell it.", "en-US"),
        ("The website is down.", "en-US"),
        ("My name is Anna.", "en-US"),
        ("Call me at five.", "en-US"),
        ("Set an alarm for tomorrow at 7.", "en-US"),
        ("It's 3 p.m.", "en-US"),
        ("My birthday is in June.", "en-US"),
        ("Send it to Mark.", "en-US"),
        ("Weck mich um sieben.", "de-DE"),
        ("Stelle einen Timer auf zehn Minuten.", "de-DE"),
        ("Das ist mein Code.", "de-DE"),
        ("Wie viel ist zwei plus zwei?", "de-DE"),
    ],
)
def test_what_is_whole_does_not_wait(text, language):
    assert sounds(text, language) == "complete"


@given(
    st.sampled_from([("My phone number is", "en-US", DIGITS), ("Meine Nummer ist", "de-DE", ZIFFERN)]),
    st.lists(st.integers(0, 9), min_size=13, max_size=13),
    st.lists(st.integers(1, 4), min_size=3, max_size=8),
    st.sampled_from(["written", "figures", "bare"]),
)
def test_a_phone_number_waits_for_its_digits_however_it_is_grouped(start, digits, sizes, form):
    announcement, language, names = start
    said = announcement
    for begin, size in zip([0, *accumulate(sizes)], sizes, strict=False):
        if begin + size > len(digits):
            break
        group = " ".join(names[digit] for digit in digits[begin : begin + size])
        said = f"{said} {in_form(group, form).capitalize()}."
        count, number = begin + size, "".join(map(str, digits))
        if number[:count] in {"911", "112", "110", "999", "115", "116", "117", "118", "144"}:
            continue
        if count < 10:
            assert sounds(said, language) == "unfinished", said
        elif count >= 13:
            assert sounds(said, language) == "complete", said


@given(st.text(max_size=60), st.sampled_from(["en-US", "de-DE", "es-US", "fr-FR", "it-IT", "ja-JP"]))
def test_any_text_is_judged(text, language):
    for piece in (text, f"my number is five\n{text}", f"{text}\n.", f"my number is\n.\n{text}"):
        assert MODEL.judge(piece, language).sounds in {"complete", "open", "unfinished"}


@given(
    st.lists(
        st.sampled_from(
            [
                "my",
                "number",
                "is",
                "five",
                "555",
                "J.",
                "dot",
                "at",
                "a",
                "I",
                "the",
                "com",
                "plus",
                "double",
                "and",
                ".",
                "?",
                "ten",
                "as",
                "in",
            ]
        )
    )
)
def test_any_mixture_of_dictated_things_is_judged(pieces):
    assert MODEL.judge(" ".join(pieces), "en-US").reason
