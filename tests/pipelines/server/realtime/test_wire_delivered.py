"""Where a client stands in a reply, by the sound that it got, and which words it heard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_talk import REPLY, WORD, timed

from pipelines.server.realtime.delivered import Delivered

RATE = 22_050


def test_a_rewind_is_counted_by_the_client_and_not_by_us():
    delivered = Delivered(RATE)
    delivered.deliver(0, 2.0)
    delivered.deliver(RATE, 1.5)  # a second of it is played again
    assert (delivered.top, delivered.client_ms, delivered.cursor_ms) == (round(2.5 * RATE), 3500, 2500)
    places = {1000: 1.0, 1999: 1.999, 2000: 1.0, 2500: 1.5, 3500: 2.5}
    for client_ms, seconds in places.items():
        assert delivered.position(client_ms) == pytest.approx(seconds * RATE, abs=1)
    assert delivered.position(9e9) == delivered.top
    assert delivered.position(-1) == 0


def test_blocks_that_are_a_sample_off_are_one_stretch():
    delivered = Delivered(RATE)
    for number in range(50):
        delivered.deliver(round(number * 0.02 * RATE) + number % 2, 0.02)
    assert delivered.position(700) == round(0.7 * RATE)


@given(st.lists(st.integers(0, 3 * RATE), max_size=12), st.integers(1, 12))
def test_each_word_is_told_once_and_in_its_order(firsts, known):
    words, delivered, told = timed(REPLY), Delivered(RATE), ""
    delivered.add(words[:known])
    for first in firsts:
        delivered.deliver(first, 0.1)
        told += delivered.due()
        count = len(told.split())
        assert count == min(known, len(words), int(delivered.top / WORD + 0.5))
    told += delivered.rest()
    assert told == delivered.text == "".join(word.text for word in words[:known])
    assert delivered.due() == delivered.rest() == ""
