from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.embedded.speech.voice.speakable import LONGEST_SENTENCE, sentences, speakable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello **world**!", "Hello world !"),
        ("17 × 23 = 391", "17 times 23 equals 391"),
        ("It is 20 °C & sunny.", "It is 20 degrees celsius and sunny."),
        ("Grüße aus Köln", "Grusse aus Koln"),
        ("NVIDIA makes GPUs.", "en vidia makes G P Us."),
        ("I run on NVIDIA.", "I run on en vidia."),
        ("<b>Bold</b> and [a link](https://x.y/z)", "Bold and a link"),
        ("That is €5 or 1,250,000 cents", "That is 5 euros or 1250000 cents"),
        ("It’s “fine” – really…", 'It\'s "fine" , really...'),
        ("Wow 😀🎉!", "Wow !"),
        ("😀 … —", ""),
        ("?!", ""),
        ("a\x00b\x1bc", "a b c"),
    ],
)
def test_speakable(text: str, expected: str) -> None:
    assert speakable(text) == expected


@given(st.text(max_size=300))
def test_speakable_is_plain_and_ends_the_matter(text: str) -> None:
    plain = speakable(text)
    assert plain.isascii()
    assert plain == "" or any(c.isalnum() for c in plain)
    assert not set(plain) & set("<>{}*|`\\")


def test_sentences_are_cut_after_their_ends_only() -> None:
    text = "Hello there! Dr. Smith is here at 5 p.m. today. It costs 3.50 dollars; fine."
    assert sentences(text) == [
        "Hello there!",
        "Dr. Smith is here at 5 p.m. today.",
        "It costs 3.50 dollars;",
        "fine.",
    ]


@given(st.text(alphabet="ab c,.!? ", max_size=1500))
def test_no_sentence_is_long_and_no_letter_is_lost(text: str) -> None:
    parts = sentences(text)
    assert all(0 < len(part) <= LONGEST_SENTENCE for part in parts)
    assert [c for part in parts for c in part if c.isalnum()] == [c for c in text if c.isalnum()]
