from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.embedded.speech.ears import frames
from pipelines.embedded.speech.ears.hypothesis import Heard, HeardWord


@given(
    st.lists(st.tuples(st.sampled_from([frames.AUDIO, frames.RESULT, frames.DONE]), st.binary(max_size=40))),
    st.lists(st.integers(1, 17), min_size=1),
)
def test_messages_survive_any_cut(messages: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    wire = b"".join(frames.pack(*message) for message in messages)
    unpacker, got, at, turn = frames.Unpacker(), [], 0, 0
    while at < len(wire):
        size = cuts[turn % len(cuts)]
        got += unpacker.feed(wire[at : at + size])
        at, turn = at + size, turn + 1
    assert got == messages


def test_an_absurd_length_is_refused() -> None:
    with pytest.raises(frames.BrokenPeer):
        list(frames.Unpacker().feed(frames.HEADER.pack(b"A", frames.LONGEST + 1)))


def test_results_travel_whole() -> None:
    heard = Heard("final", 1.5, words=(HeardWord("hello", 10, 300, 0.9),), confidence=0.9, others=("yellow",))
    [(kind, payload)] = frames.Unpacker().feed(frames.pack_result(heard))
    assert kind == frames.RESULT
    assert frames.read_result(payload) == heard
