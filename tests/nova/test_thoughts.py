from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.thoughts import SpokenText

STOPS = ("<|im_end|>", "\n\n", "\n\nUser:")
PIECES = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "<thinking>",
            "</thinking>",
            "<|im_end|>",
            "<thi",
            "nk>",
            "<",
            "/",
            ">",
            "a",
            " b ",
            "\n",
        ]
    ),
    max_size=12,
)


def spoken(pieces: list[str], *, thinking: bool = False, stops: tuple[str, ...] = STOPS) -> str:
    filter_ = SpokenText(stops, thinking=thinking)
    return "".join([filter_.feed(p) for p in pieces]) + filter_.flush()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello.", "Hello."),
        ("<think>hm, let me see</think>\n\nYes.", "Yes."),
        ("<think></think>Yes.", "Yes."),
        ("  Yes. ", "Yes. "),
        ("One. <think>two</think> Three.", "One. Three."),
        ("<thinking>x</thinking>Yes", "Yes"),
        ("<think>never closed", ""),
        ("</think>Yes", "Yes"),
        ("3 < 4 and <b>", "3 < 4 and <b>"),
        ("Yes.<|im_end|>more", "Yes."),
        ("Yes.\n\nUser: no", "Yes."),
        ("<think>a<|im_end|>b</think>c", "c"),
        ("ends with <thin", "ends with <thin"),
    ],
)
def test_only_what_is_meant_for_the_ear_is_spoken(text: str, expected: str) -> None:
    assert spoken([text]) == expected


def test_a_prompt_that_opened_the_thought() -> None:
    assert spoken(["so they want", " a fact</think>", "Paris."], thinking=True) == "Paris."


def test_nothing_comes_after_a_stop() -> None:
    filter_ = SpokenText(("<|im_end|>",))
    assert filter_.feed("a<|im_end|>b") == "a"
    assert filter_.stopped
    assert filter_.feed("c") == ""
    assert filter_.flush() == ""


def test_ordinary_text_is_not_held_back() -> None:
    filter_ = SpokenText(STOPS)
    assert filter_.feed("Hello") == "Hello"
    assert filter_.feed(", you <") == ", you "
    assert filter_.feed("3") == "<3"


@given(pieces=PIECES, thinking=st.booleans(), data=st.data())
def test_any_chunking_gives_the_same_text(pieces: list[str], thinking: bool, data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    whole = spoken([text], thinking=thinking)
    assert spoken(chunks, thinking=thinking) == whole
    assert spoken(list(text), thinking=thinking) == whole
    assert not any(mark in whole for mark in ("<|im_end|>",))
