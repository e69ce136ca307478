"""The jitter buffer: any order of packets, within reason, comes out in order, and what is lost is told."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.server.jitter import HELD, LONGEST_HOLE, Holes, JitterBuffer
from pipelines.server.source import NetworkSource
from pipelines.virtual_time import run

FRAME = 960


def sorted_out(numbers, first=0):
    """The payloads in the order in which they come out; each is its place."""
    buffer, out = JitterBuffer(), []
    for number in numbers:
        place = first + number
        out += buffer.put(place % (1 << 16), place * FRAME % (1 << 32), b"%d" % number)
    return [int(packet.payload) for packet in out]


def test_packets_in_order_go_on_at_once():
    buffer = JitterBuffer()
    for number in range(100):
        (packet,) = buffer.put(number, number * FRAME, b"x")
        assert packet.stamp == number * FRAME


def test_a_packet_that_is_passed_by_a_few_comes_in_its_turn():
    assert sorted_out([0, 2, 3, 1, 4]) == [0, 1, 2, 3, 4]


def test_a_lost_packet_is_waited_for_no_longer_than_three_others():
    buffer = JitterBuffer()
    buffer.put(0, 0, b"0")
    assert [buffer.put(number, number * FRAME, b"x") for number in range(2, 2 + HELD)] == [[]] * HELD
    assert len(buffer.put(2 + HELD, 0, b"x")) == HELD + 1
    assert buffer.put(1, FRAME, b"late") == []


def test_packets_that_come_twice_are_heard_once():
    assert sorted_out([0, 1, 1, 3, 3, 2, 2, 3]) == [0, 1, 2, 3]


def test_a_sender_that_begins_anew_is_heard():
    buffer = JitterBuffer()
    buffer.put(100, 0, b"a")
    buffer.put(102, 0, b"b")
    assert [packet.payload for packet in buffer.put(40_000, 7, b"c")] == [b"b", b"c"]
    assert [packet.payload for packet in buffer.put(40_001, 8, b"d")] == [b"d"]


@given(
    st.integers(0, (1 << 16) - 1),
    st.lists(st.tuples(st.booleans(), st.integers(0, HELD)), min_size=1, max_size=120),
)
def test_whatever_a_network_does_they_rise_and_those_that_came_in_time_are_there(first, fates):
    """Each packet is lost, or is held up by as many others as may pass it."""
    kept = [(place + late, place) for place, (lost, late) in enumerate(fates) if not lost or not place]
    order = [place for _, place in sorted(kept)]
    order = [0, *(place for place in order if place)]  # the first packet sets the count
    out = sorted_out(order, first)
    assert out == sorted(set(out))
    ends = [*range(len(fates), len(fates) + HELD + 1)]  # more packets: nothing waits for ever
    out = sorted_out([*order, *ends], first)
    assert set(out) == {*order, *ends}


@given(st.integers(0, (1 << 32) - 1), st.lists(st.integers(0, 40), max_size=40))
def test_holes_keep_the_count_right(stamp, missing):
    holes, sounded = Holes(), 0
    assert holes.before(stamp, FRAME) == 0
    sounded += FRAME
    for frames in missing:
        at = (stamp + sounded + frames * FRAME) % (1 << 32)
        hole = holes.before(at, FRAME)
        assert hole == frames * FRAME
        sounded += hole + FRAME


def test_a_sender_that_stopped_for_long_and_one_that_steps_back_leave_no_hole():
    holes = Holes()
    holes.before(0, FRAME)
    assert holes.before(FRAME + LONGEST_HOLE + 1, FRAME) == 0
    assert holes.before(0, FRAME) == 0


def test_a_microphone_that_sends_nothing_in_silence_is_dated_right():
    """Discontinuous transmission: a packet each 400 ms while nobody speaks. Nothing the user says later is misdated."""
    onsets, silent = [0.5, 3.0, 7.3], np.zeros(FRAME, np.int16)
    loud = np.full(FRAME, 8000, np.int16)

    async def main():
        loop, source, buffer, holes, heard = asyncio.get_running_loop(), NetworkSource(), JitterBuffer(), Holes(), []
        began, number = loop.time(), 0

        async def listen():
            async for frame in source.frames():
                if np.abs(frame.pcm).max() > 4000:
                    heard.append(frame.time - began)

        listening = asyncio.create_task(listen())
        for place in range(450):
            speaks = any(onset <= place * 0.02 < onset + 1.0 for onset in onsets)
            await asyncio.sleep(began + (place + 1) * 0.02 - loop.time())
            if speaks or place % 20 == 0:
                for packet in buffer.put(number, place * FRAME, b"x"):
                    hole = holes.before(packet.stamp, FRAME)
                    pcm = loud if speaks else silent
                    assert source.append(np.concatenate((np.zeros(hole, np.int16), pcm)), 48_000)
                number += 1
        await asyncio.sleep(1.0)
        await source.aclose()
        await listening
        return heard

    heard = run(main())
    firsts = [time for before, time in pairwise([-1.0, *heard]) if time - before > 0.5]
    assert firsts == pytest.approx(onsets, abs=0.03)
    assert len(heard) == pytest.approx(150, abs=5), "all of it, and once"
