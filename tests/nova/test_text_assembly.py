from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.text import Assembler


@given(text=st.text(max_size=40), data=st.data())
def test_bytes_cut_anywhere_join_to_the_text(text: str, data: st.DataObject) -> None:
    raw = text.encode("utf-8", "ignore")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=10)))
    assembler = Assembler()
    out = [assembler.feed(raw[a:b]) for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert "".join(out) + assembler.flush() == raw.decode()


@pytest.mark.parametrize("picture", ["👩\u200d🚀", "👍🏽", "🇩🇪", "❤\ufe0f"])
def test_a_picture_comes_out_whole(picture: str) -> None:
    assembler = Assembler()
    out = [assembler.feed(char) for char in f"a{picture}b"]
    joined = [piece for piece in out if piece]
    assert joined[0] == "a"
    assert "".join(joined) == f"a{picture}b"
    if picture[0] != "❤":  # an old sign that later became a picture is shown at once
        assert joined[1] == f"{picture}b"


def halves(text: str) -> list[str]:
    """The text's UTF-16 code units, as JSON's escapes write them."""
    raw = text.encode("utf-16-le")
    return [raw[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(raw), 2)]


@pytest.mark.parametrize("picture", ["👩\u200d🚀", "👍🏽", "🇩🇪", "👨\u200d👩\u200d👧"])
def test_a_picture_in_halves_of_its_characters_comes_out_whole(picture: str) -> None:
    assembler = Assembler()
    out = [assembler.feed(half) for half in halves(f"a{picture}b")]
    assert [piece for piece in out if piece] == ["a", f"{picture}b"]


@given(
    text=st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("👩🚀\u200d😀"), max_size=20),
    data=st.data(),
)
def test_halves_cut_anywhere_join_to_the_text(text: str, data: st.DataObject) -> None:
    units = halves(text)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(units)), max_size=10)))
    assembler = Assembler()
    out = [assembler.feed("".join(units[a:b])) for a, b in zip([0, *cuts], [*cuts, len(units)], strict=True)]
    assert "".join(out) + assembler.flush() == text


def test_half_a_character_at_the_end_is_shown_as_broken() -> None:
    assembler = Assembler()
    assert assembler.feed("é".encode()[:1]) == ""
    assert assembler.flush() == "\ufffd"


def test_what_is_held_back_is_bounded() -> None:
    assembler = Assembler()
    assert len(assembler.feed("👍" * 1000)) >= 984
