from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.embedded.speech.ears.corpus import sentences, spell
from pipelines.embedded.speech.ears.hypothesis import HeardWord
from pipelines.embedded.speech.ears.written import cardinal, is_question, with_digits, written
from pipelines.embedded.speech.voice.spoken import spoken as spoken_form


def written_text(text: str, *, numbers: bool = True, punctuation: bool = True) -> str:
    words = [HeardWord(w, 0, 0, 0.0) for w in text.split()]
    return " ".join(w.text for w in written(words, numbers=numbers, punctuation=punctuation))


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [
        ("what is seventeen times twenty three", "What is 17 times 23?"),
        ("go forward ten meters", "Go forward 10 meters."),
        ("tell me one of them", "Tell me one of them."),
        ("what is twenty three percent of ten dollars", "What is 23% of $10?"),
        ("set an alarm for seven a m", "Set an alarm for 7 a.m."),
        ("wake me up at six thirty", "Wake me up at 6:30."),
        ("it is nine oh five p m now", "It is 9:05 p.m. now."),
        ("wake me at seven o'clock", "Wake me at 7 o'clock."),
        ("one hundred and five", "105."),
        ("a hundred and twenty thousand and six", "120006."),
        ("in nineteen ninety nine i was born", "In 1999 I was born."),
        ("what is three point one four times two", "What is 3.14 times 2?"),
        ("call five five five one two three four", "Call 5551234."),
        ("testing one two three", "Testing one two three."),
        ("it is may third", "It is May 3rd."),
        ("the twenty first of march", "The 21st of march."),
        ("i have two cats and three dogs", "I have two cats and three dogs."),
        ("hello sophia who are you", "Hello Sophia, who are you?"),
        ("is it raining in new york", "Is it raining in New York?"),
        ("what a nice day", "What a nice day."),
        ("when i was young", "When I was young."),
        ("do it again", "Do it again."),
        ("have a nice day", "Have a nice day."),
        ("have you seen this", "Have you seen this?"),
        ("who is the president of the united states", "Who is the president of the United States?"),
        ("what is the square root of nine", "What is the square root of 9?"),
        ("stop", "Stop."),
        ("why", "Why?"),
        ("", ""),
    ],
)
def test_written_form(spoken: str, expected: str) -> None:
    assert written_text(spoken) == expected


def test_numbers_and_punctuation_are_separate_wishes() -> None:
    assert written_text("what is ten percent", numbers=False) == "What is ten percent?"
    assert written_text("what is ten percent", punctuation=False) == "what is 10%"
    assert written_text("what is ten percent", numbers=False, punctuation=False) == "what is ten percent"


def test_a_written_word_spans_its_spoken_ones() -> None:
    words = [HeardWord("twenty", 100, 300, 0.8), HeardWord("three", 300, 500, 0.6), HeardWord("meters", 500, 900, 1.0)]
    out = written(words, numbers=True, punctuation=False)
    assert [(w.text, w.start, w.end) for w in out] == [("23", 100, 500), ("meters", 500, 900)]
    assert out[0].confidence == pytest.approx(0.7)


def heard(*timed: tuple[str, int]) -> list[HeardWord]:
    """Words of 200 ms each, with the pause in ms before each."""
    words, now = [], 0
    for text, pause in timed:
        words.append(HeardWord(text, now + pause, now + pause + 200, 0.9))
        now += pause + 200
    return words


@pytest.mark.parametrize(
    ("pause", "expected"),
    [(300, "I am Anna. What time is it?"), (0, "I am Anna what time is it.")],
)
def test_a_question_after_a_pause_is_a_sentence_of_its_own(pause: int, expected: str) -> None:
    words = heard(("i", 0), ("am", 0), ("anna", 0), ("what", pause), ("time", 0), ("is", 0), ("it", 0))
    assert " ".join(w.text for w in written(words, numbers=True, punctuation=True)) == expected


def test_a_pause_inside_a_question_does_not_cut_it() -> None:
    words = heard(("do", 0), ("you", 0), ("know", 0), ("what", 300), ("time", 0), ("it", 0), ("is", 0))
    assert " ".join(w.text for w in written(words, numbers=True, punctuation=True)) == "Do you know what time it is?"


@given(st.integers(0, 999))
def test_cardinals_are_read_back(number: int) -> None:
    words = spell(number).split()
    assert cardinal(words, 0) == (number, len(words))


_WORDS = sorted(
    {word for sentence in sentences() for word in sentence.split()} | {"hundred", "thousand", "point", "oh"}
)


@given(st.lists(st.sampled_from([*_WORDS, "twenty", "one", "a", "and", "percent", "a", "m"]), max_size=12))
def test_any_words_can_be_written(words: list[str]) -> None:
    """Nothing is lost but number words, times never overlap, and one end mark closes."""
    heard = [HeardWord(w, 100 * i, 100 * i + 100, 0.5) for i, w in enumerate(words)]
    out = written(heard, numbers=True, punctuation=True)
    assert bool(out) == bool(words)
    if out:
        assert (out[0].start, out[-1].end) == (0, 100 * len(words))
        assert all(a.end == b.start for a, b in pairwise(out))
        assert out[-1].text[-1] in ".?"
        assert not any(w.text != w.text.strip() or not w.text for w in out)


def test_questions_are_told_from_statements() -> None:
    assert is_question(["could", "you", "repeat", "that"])
    assert is_question(["hello", "there", "how", "are", "you"])
    assert not is_question(["tell", "me", "what", "time", "it", "is"])


def spaced(text: str) -> list[HeardWord]:
    return [HeardWord(word, 100 * i, 100 * i + 90, 0.9) for i, word in enumerate(text.split())]


def bare(words: tuple[HeardWord, ...]) -> str:
    return " ".join(word.text for word in words)


@pytest.mark.parametrize(
    ("heard", "written", "verbatim"),
    [
        ("What is seventeen times twenty-three?", "What is 17 times 23?", "what is seventeen times twenty three"),
        ("Go forward ten meters.", "Go forward 10 meters.", "go forward ten meters"),
        ("Tell me one of them, please.", "Tell me one of them, please.", "tell me one of them please"),
        ("In nineteen ninety nine, I was born.", "In 1999, I was born.", "in nineteen ninety nine i was born"),
        ("It is 23% of $10.", "It is 23% of $10.", "it is twenty three percent of ten dollars"),
        ("Wake me at 9:05.", "Wake me at 9:05.", "wake me at nine oh five"),
        ("Hello, Sophia.", "Hello, Sophia.", "hello sophia"),
        ("", "", ""),
    ],
)
def test_what_comes_written_gets_digits_or_is_spelt_out(heard: str, written: str, verbatim: str) -> None:
    assert bare(with_digits(spaced(heard))) == written
    # A hyphen is no mark: a reader of words takes "twenty-three" for the two that it is.
    assert bare(spoken_form(spaced(heard), numbers=False, punctuation=False)).replace("-", " ") == verbatim


HEARD = ["twenty", "three,", "ten", "17", "times.", "of", "$5", "a", "9:05", "dollars?", "twenty-three", "Sophia", "-"]


@given(st.lists(st.sampled_from(HEARD)))
def test_times_stay_in_order_in_every_form(words: list[str]) -> None:
    heard = spaced(" ".join(words))
    digits = with_digits(heard)
    for form in (digits, spoken_form(digits, numbers=False, punctuation=False)):
        edges = [edge for word in form for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert all(0 <= edge <= 100 * len(heard) for edge in edges)
        assert all(word.text.strip() for word in form)
