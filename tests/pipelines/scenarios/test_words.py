"""Word errors do not depend on the way of writing, and do depend on the words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.embedded.speech.ears.corpus import spell
from pipelines.scenarios.words import spelt, spoken_words, word_errors

SAME = [
    ("what is seventeen times twenty three", "What is 17 times 23?"),
    ("what is seventeen times twenty-three", "What’s… no: what is 17 × 23".partition(": ")[2]),
    ("it is eleven twenty six", "It's 11:26."),
    ("it is seven oh five p m", "It is 7:05 PM."),
    ("at six o'clock", "at 6:00"),
    ("in nineteen ninety nine", "in 1999"),
    ("one thousand nine hundred ninety nine", "1,999"),
    ("two thousand twenty four", "2024"),
    ("two hundred and five", "205"),
    ("a hundred", "100"),
    ("sixteen point one kilometers", "16.1 km"),
    ("on the twenty first of may", "on the 21st of May"),
    ("the twentieth and the twelfth", "the 20th and the 12th"),
    ("twenty percent of ten dollars", "20% of $10"),
    ("oh seven one", "oh 7 1"),
    ("zero zero seven", "007"),
    ("i cannot go and you will not", "I can't go & you won't"),
    ("do not tell me that they are here", "Don't tell me that they're here!"),
    ("okay mhm", "OK, mm-hmm."),
    ("um what time is it", "What time, uh, is it?"),
    ("they earned one point five million", "They earned 1.5 million"),
]


@pytest.mark.parametrize(("reference", "heard"), SAME)
def test_the_same_words_in_another_writing_are_no_errors(reference: str, heard: str) -> None:
    assert word_errors(reference, heard)[0] == 0
    assert word_errors(heard, reference)[0] == 0


@pytest.mark.parametrize(
    ("reference", "heard", "errors", "words"),
    [
        ("what is seventeen times twenty three", "What is 70 times 23?", 1, 6),
        ("tell me a story", "Tell me is story.", 1, 4),
        ("tell me a story", "", 4, 4),
        ("", "hello there", 2, 0),
        ("stop", "please stop it", 2, 1),
        ("john's house", "johns house", 1, 2),
        ("what has he said", "what's he said", 2, 4),  # what's may be either: nothing is assumed
        ("um", "", 1, 1),  # nothing else was said, so it counts
        ("twenty three", "twenty five", 1, 2),
    ],
)
def test_errors_are_counted_by_word(reference: str, heard: str, errors: int, words: int) -> None:
    assert word_errors(reference, heard) == (errors, words)


def test_other_languages_keep_their_words() -> None:
    assert spoken_words("Il vient à 8 heures, hm, demain.", "fr-FR") == ["il", "vient", "à", "8", "heures", "demain"]
    assert word_errors("Grüße aus Köln", "grüße aus köln!", "de-DE") == (0, 3)
    assert spoken_words("¿Qué hora es?", "es-US") == ["qué", "hora", "es"]


@given(st.integers(0, 999))
def test_numbers_are_spelt_as_the_recogniser_spells_them(number: int) -> None:
    assert spelt(number) == spell(number)


@given(st.integers(0, 10**13))
def test_a_number_in_digits_and_spelt_are_the_same_words(number: int) -> None:
    assert spoken_words(str(number)) == spoken_words(spelt(number)) or number >= 10**9


@given(st.text(max_size=200), st.sampled_from(["en-US", "de-DE"]))
def test_any_text_is_no_error_against_itself(text: str, language: str) -> None:
    words = spoken_words(text, language)
    assert word_errors(text, text, language) == (0, len(words))
    assert all(word and word == word.lower() for word in words)


def test_german_numbers_are_compared_as_they_are_read() -> None:
    assert word_errors("Was ist siebzehn mal dreiundzwanzig?", "was ist 17 x 23", "de-DE") == (0, 5)
    assert word_errors("Es ist achtzehn Uhr fünf.", "Es ist 18:05 Uhr.", "de-DE") == (0, 5)
