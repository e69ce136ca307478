"""The caller plays lines to the sample, on absolute deadlines."""

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import virtual_time
from pipelines.scenarios.caller import Caller
from pipelines.scenarios.scenario import Line, Talk

RATE = 16_000


def tone(seconds, level=1000):
    return np.full(round(seconds * RATE), level, np.int16)


def listen(talk, script, seconds):
    """Plays ``script`` (line, at) for some seconds: all the sound, the frames, and the caller."""

    async def run():
        caller = Caller(talk)
        for line, at in script:
            caller.say(line, at)
        frames, arrivals = [], []
        async for frame in caller.frames():
            frames.append(frame)
            arrivals.append(asyncio.get_running_loop().time())
            if len(frames) * 0.02 >= seconds - 1e-9:
                break
        return caller, frames, arrivals

    caller, frames, arrivals = virtual_time.run(run())
    return caller, frames, arrivals, np.concatenate([frame.pcm for frame in frames])


@settings(max_examples=30)
@given(st.integers(0, 12_000), st.integers(1, 6_000))
def test_a_line_lies_where_it_was_said_to_the_sample(first, length):
    line = Line.of("a", np.full(length, 1000, np.int16))
    caller, _, _, sound = listen(Talk("t", [line]), [(line, first / RATE)], 1.2)
    assert np.flatnonzero(sound)[0] == first
    assert np.count_nonzero(sound) == length
    assert caller.said[0].start == pytest.approx(first / RATE)
    assert caller.said[0].end == pytest.approx((first + length) / RATE)


def test_frames_leave_when_their_last_sample_would_have_been_spoken():
    _, frames, arrivals, _ = listen(Talk("t", []), [], 1.0)
    assert arrivals == pytest.approx([frame.end for frame in frames])


def test_the_last_voiced_sample_is_captured_with_the_frame_that_holds_it():
    pcm = np.concatenate([np.zeros(1600, np.int16), tone(0.5), np.zeros(3200, np.int16)])
    line = Line.of("a", pcm)
    caller, _, _, _ = listen(Talk("t", [line]), [(line, 0.1)], 2.0)
    said = caller.said[0]
    assert said.first_voiced == pytest.approx(0.2)
    assert said.last_voiced == pytest.approx(0.7)
    assert said.captured == pytest.approx(0.7)


def test_overlapping_lines_are_added_and_clipped():
    loud = Line.of("loud", tone(1.0, 20_000))
    other = Line.of("other", tone(1.0, 20_000))
    _, _, _, sound = listen(Talk("t", [loud, other]), [(loud, 0.0), (other, 0.5)], 2.0)
    assert sound[100] == 20_000
    assert sound[RATE * 3 // 4] == 32_767
    assert sound[RATE * 5 // 4] == 20_000


def test_what_is_said_too_late_begins_with_the_next_frame():
    line = Line.of("a", tone(0.1))

    async def run():
        caller = Caller(Talk("t", [line]))
        async for frame in caller.frames():
            if frame.time > 0.095 and not caller.said:
                caller.say(line, 0.0)
            if caller.said:
                return caller.said[0].start
        return None

    assert virtual_time.run(run()) == pytest.approx(0.12)


def test_noise_goes_on_under_everything_and_repeats():
    noise = np.arange(1, 1001, dtype=np.int16)
    line = Line.of("a", tone(0.5))
    _, _, _, sound = listen(Talk("t", [line], noise), [(line, 0.5)], 1.5)
    silent = sound[: RATE // 2]
    assert np.array_equal(silent, np.resize(noise, len(silent)))
    assert sound[RATE // 2] == 1000 + noise[(RATE // 2) % 1000]


def test_a_line_without_a_voice_has_no_end_of_voice():
    line = Line.of("silence", np.zeros(8000, np.int16))
    caller, _, _, _ = listen(Talk("t", [line]), [(line, 0.0)], 1.0)
    assert caller.said[0].last_voiced is None
    assert caller.said[0].captured is None
