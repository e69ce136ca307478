"""Expected words: what is lent on the way is taken back unless a phrase is spelt to its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.embedded.speech.ears.boosting import MOST_BOOST, PHRASE, SPACE, Boosts, Phrases

SIGNS = [b".", b",", b"'", SPACE]
LETTERS = [bytes([letter]) for letter in b"aenorvxANOV"]
VOCABULARY = [*SIGNS, *LETTERS, *(SPACE + letter for letter in LETTERS), SPACE + b"No", SPACE + b"nov", b"va", b"ro"]
NUMBERS = {token: number for number, token in enumerate(VOCABULARY)}

tokens = st.lists(st.sampled_from(VOCABULARY), max_size=12)
lists = st.lists(st.tuples(st.text("aenorvx", min_size=1, max_size=6), st.floats(0.5, 100)), max_size=6)


def spelt(boosts: Boosts, *said: bytes) -> float:
    """The nats that ``said`` has been given in the end."""
    phrases = Phrases(boosts, NUMBERS)
    place, total = phrases.nothing, 0.0
    for token in said:
        place, gain = phrases.spell(place, NUMBERS[token], token)
        total += gain
    return total


NOVA = (SPACE + b"No", b"va")


def test_a_phrase_that_is_spelt_keeps_its_bonus_and_is_found_in_any_tokens() -> None:
    whole = PHRASE * 10
    assert spelt([("Nova", 10)], *NOVA, b".") == pytest.approx(whole)
    assert spelt([("Nova", 10)], SPACE + b"nov", b"a", SPACE) == pytest.approx(whole)
    assert spelt([("Nova", 10)], SPACE, b"n", b"o", b"v", b"a", b",") == pytest.approx(whole)
    assert spelt([("Nova  Nora", 10)], *NOVA, SPACE + b"N", b"o", b"r", b"a", b".") == pytest.approx(whole)


def test_a_word_that_only_begins_like_a_phrase_has_no_bonus() -> None:
    for said in ([SPACE + b"No", b"r"], [*NOVA, b"n"], [*NOVA, b"'"], [b"va"], [SPACE + b"No", b"."]):
        assert spelt([("Nova", 10)], *said, SPACE) == pytest.approx(0.0), said


def test_a_phrase_may_go_on_into_a_longer_one_and_falls_back_to_nothing() -> None:
    both = [("nova", 10.0), ("novarro", 10.0)]
    assert spelt(both, *NOVA, b".") > 0
    assert spelt(both, *NOVA, b"r", b"ro", b".") > 0
    assert spelt(both, *NOVA, b"r", b".") == pytest.approx(0.0)


def test_every_token_that_goes_on_is_offered() -> None:
    phrases = Phrases([("nova", 10)], NUMBERS)
    begun = {VOCABULARY[token] for token in phrases.next(phrases.nothing)}
    assert begun == {SPACE, SPACE + b"n", SPACE + b"N", SPACE + b"nov", SPACE + b"No"}
    place, _ = phrases.spell(phrases.nothing, NUMBERS[SPACE + b"No"], SPACE + b"No")
    assert {VOCABULARY[token] for token in phrases.next(place)} == begun | {b"v", b"va"}


@given(lists, tokens)
def test_what_is_lent_is_bounded_and_all_that_is_kept_was_said(boosts: Boosts, said: list[bytes]) -> None:
    total = spelt(boosts, *said, b".")
    text = b"".join([*said, b"."]).decode().replace(SPACE.decode(), " ")
    times = sum(text.lower().count(f" {phrase}") for phrase, _ in boosts)
    assert -1e-9 <= total <= times * PHRASE * MOST_BOOST + 1e-9


@given(lists)
def test_every_phrase_can_be_spelt(boosts: Boosts) -> None:
    for phrase, _ in boosts:
        assert spelt(boosts, SPACE, *(letter.encode() for letter in phrase), b".") > 0


def test_phrases_are_written_as_the_client_writes_them() -> None:
    phrases = Phrases([("URDF", 10), ("Isaac Sim", 10), ("robot", 10), ("C+", 10)])
    assert phrases.written("Load the urdf in isaac sim.") == "Load the URDF in Isaac Sim."
    assert phrases.written("Robots have urdfs.") == "Robots have urdfs."
    assert phrases.written("Robot, grade c+ it.") == "Robot, grade C+ it."
    assert Phrases().written("Nothing.") == "Nothing."
