"""Pieces of an utterance, and turns that were reopened, are joined without a word or a mark doubled or lost."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joined_talk import Talk

from sophia.completeness import words
from sophia.transcripts import joined

PAUSES = st.one_of(st.sampled_from([0.2, 0.3, 0.45, 0.6, 0.9, 1.4]), st.floats(0.1, 3.0))


def sayings(vocabulary):
    """Up to four pieces of one to five words, with pauses between."""
    piece = st.lists(vocabulary, min_size=1, max_size=5)
    more = st.lists(st.tuples(PAUSES, piece), max_size=3)
    return st.builds(lambda first, rest: first + [one for pause, words in rest for one in [pause, *words]], piece, more)


FEW = st.sampled_from(["what", "is", "the", "blue", "shoe", "and", "red"])
MARKS = st.sampled_from(["", ".", "?", ".?", ","])
DOUBLED = re.compile(r"[.?,]\s*[.?,]")


def talks(said, times, misheard):
    """Any talk of these words, with a recogniser that tells these times."""
    late, sounds = st.floats(0, 0.6), st.floats(0.02, 0.8)
    times = st.sampled_from(times)
    return st.builds(Talk, said, times=times, marks=MARKS, late=late, sounds=sounds, misheard=misheard)


def distinct(pieces):
    """Pieces of so many words, each after a pause; no word is said twice."""
    said = []
    for number, (pause, count) in enumerate(pieces):
        said += [pause] if number else []
        said += [f"word{'abcd'[number]}{'vwxyz'[word]}" for word in range(count)]
    return said


def all_of(said):
    return [word for word in said if isinstance(word, str)]


MISHEARD = st.lists(st.sampled_from([None, None, "", "whale"]), max_size=4)
DISTINCT = st.lists(st.tuples(PAUSES, st.integers(1, 5)), min_size=1, max_size=4).map(distinct)


@settings(max_examples=500)
@given(talks(sayings(FEW), ["words", "processed", "shared"], MISHEARD))
def test_each_word_is_answered_once_and_in_its_place(talk):
    """By the time of the sound, also where the same words are said again, and whatever was made of them at first."""
    text = " ".join(talk.hold().texts)
    assert words(text) == all_of(talk.said), talk.decisions
    assert not DOUBLED.search(text)


@settings(max_examples=500)
@given(talks(DISTINCT, ["words", "none"], st.just([])))
def test_nothing_is_said_twice_on_the_way(talk):
    """Not in a guess either, and not where the recogniser tells no times, as long as no word is said twice."""
    assert words(" ".join(talk.hold().texts)) == all_of(talk.said), talk.decisions
    for text in [decision.text for decision in talk.decisions if getattr(decision, "text", "")]:
        assert len(words(text)) == len(set(words(text))), talk.decisions
        assert not DOUBLED.search(text)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["footwear?", ". jolly"], "footwear? jolly"),
        (["footwear", ". Jolly good."], "footwear. Jolly good."),
        (["one", "", "two"], "one two"),
        ([".", "one"], ". one"),
        (["one.", "."], "one."),
        (["it costs", ".5 euros"], "it costs .5 euros"),
        (["well…", "… no"], "well… no"),
        ([], ""),
    ],
)
def test_a_mark_is_not_doubled_where_parts_are_joined(parts, text):
    assert joined(parts) == text


@given(st.lists(st.from_regex(r"([.,?!] )?[a-z]{1,3}( [a-z]{1,3})?[.,?!]?", fullmatch=True), max_size=6))
def test_joining_loses_no_word_and_doubles_no_mark(parts):
    assert words(joined(parts)) == [word for part in parts for word in words(part)]
    assert not re.search(r"[a-z][.,?!]\s*[.,?!]", joined(parts))
