"""What the scrubber takes out of transcripts, what it leaves, and that it is finished when it is finished."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.training.scrub import EMAIL, Scrubber, iban, luhn


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("write to jane.doe+lab@mail.example.co.uk, please", "write to [EMAIL], please"),
        ("it is john dot doe at example dot com", "it is [EMAIL]"),
        ("call +49 (0)30 / 1234-5678 today", "call [PHONE] today"),
        ("call (555) 123-4567", "call [PHONE]"),
        ("call 555-123-4567.", "call [PHONE]."),
        ("my card is 4111 1111 1111 1111, thanks", "my card is [CARD], thanks"),
        ("my card is 378282246310005", "my card is [CARD]"),
        ("number 4111 1111 1111 1112", "number [NUMBER]"),  # no card, but nothing to train on either
        ("five five five one two three four five six seven", "[NUMBER]"),
        ("it is Five, five, double five, 1 2, three nine", "it is [NUMBER]"),
        ("null eins sieben zwei drei vier fünf", "[NUMBER]"),
        ("pay DE89 3704 0044 0532 0130 00 NOW", "pay [IBAN] NOW"),
        ("pay GB82WEST12345698765432.", "pay [IBAN]."),
    ],
)
def test_private_details_are_taken_out(text: str, scrubbed: str) -> None:
    assert Scrubber()(text) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "I was born in 1984, and it is 2026-11-22 or 22.11.2026 now",
        "pi is 3.14159265, about 22/7",
        "between 1990-2026 it rose by 12345 points",
        "one two three four five six",
        "meet me at noon at the bakery",
        "DE00 1234 is a part number, so is AB12 CDEF GHIJ KLMN OP",
        "what is 123 456 plus 1",
    ],
)
def test_what_is_not_private_stays(text: str) -> None:
    assert Scrubber()(text) == text


def test_names_are_taken_out_as_words_of_their_own() -> None:
    scrub = Scrubber(["Ann", "Ann Lee", "  ", "O'Neil (Bob)"])
    assert scrub("ann lee met ANN, Anna and O'Neil (Bob)") == "[NAME] met [NAME], Anna and [NAME]"
    assert scrub.found == {"NAME": 3}


def test_findings_are_counted() -> None:
    scrub = Scrubber()
    scrub("a@b.de and c@d.de, 4111111111111111")
    assert scrub.found == {"EMAIL": 2, "CARD": 1}


@pytest.mark.parametrize(("digits", "valid"), [("79927398713", True), ("79927398710", False), ("0", True)])
def test_luhn(digits: str, valid: bool) -> None:
    assert luhn(digits) is valid


@given(st.text(st.characters(codec="ascii", categories=("Lu", "Nd")), min_size=5, max_size=34))
def test_iban_takes_anything_that_its_pattern_can_find(text: str) -> None:
    assert iban(text) in (True, False)


PIECES = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["a@b.de", "4111 1111 1111 1111", "+49 30 12345678", "one", "two", " ", "-", ".", "at", "dot", "DE89"]
    ),
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    scrub = Scrubber(["Ann"])
    once = scrub(text)
    assert scrub(once) == once
    assert EMAIL.search(once) is None


def test_a_long_line_takes_no_long_time() -> None:
    for text in ("a" * 50_000, "1 " * 25_000, "one " * 12_000, "a dot " * 8_000 + "at b", "DE89" + "A" * 50_000):
        Scrubber()(text)
