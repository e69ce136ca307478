"""The simulated user says each line of its script once, whenever it begins and however its frames lie."""

import asyncio
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.simulation.exact import FRAME_SAMPLES, Says, SimulatedUser
from pipelines.virtual_time import run
from sophia.audio import EAR_RATE

TIMES = st.one_of(st.integers(0, 100).map(lambda frames: frames / 50), st.floats(0, 2))
LENGTHS = st.one_of(st.integers(1, 50).map(lambda frames: frames / 50), st.floats(0.0001, 1))
PHASES = st.one_of(st.just(0.0), st.floats(0, 0.02))
UPTIMES = st.sampled_from([0.0, 1.1, 98_765.4, 1_000_000.7])  # a loop's clock counts from when the machine started


def said(script: list[Says], phase: float, uptime: float = 0.0) -> list[tuple[int, Says, int]]:
    """Each line that was told of: the frame, the line, and that frame's last sample."""

    async def listen() -> list[tuple[int, Says, int]]:
        await asyncio.sleep(uptime)
        user = SimulatedUser(script, 3.1, phase=phase)
        frames = [frame async for frame in user.frames()]
        return [(i, says, (i + 1) * FRAME_SAMPLES) for i, f in enumerate(frames) for says in user.ended_in(f)]

    return run(listen())


@given(st.lists(st.tuples(TIMES, LENGTHS), min_size=1, max_size=6), PHASES, UPTIMES)
def test_each_line_ends_once_in_the_frame_with_its_last_sample(lines, phase, uptime):
    script = [Says(at, str(number), seconds) for number, (at, seconds) in enumerate(lines)]
    told = said(script, phase, uptime)
    assert Counter(says.text for _, says, _ in told) == Counter(says.text for says in script)
    for _, says, until in told:
        assert until - FRAME_SAMPLES < max(1, round((says.at + says.length) * EAR_RATE)) <= until


def test_lines_that_end_in_one_frame_are_both_told():
    assert [says.text for _, says, _ in said([Says(1.0, "a", 0.495), Says(1.2, "b", 0.3)], 0.0)] == ["a", "b"]


@given(TIMES, st.integers(1, 4000), PHASES, UPTIMES)
def test_each_sample_of_a_line_sounds_once(at, samples, phase, uptime):
    line = Says(at, "words", pcm=np.arange(1, samples + 1, dtype=np.int16))

    async def listen() -> np.ndarray:
        await asyncio.sleep(uptime)
        return np.concatenate([frame.pcm async for frame in SimulatedUser([line], 2.5, phase=phase).frames()])

    sound = run(listen())
    np.testing.assert_array_equal(sound[sound.nonzero()], line.pcm)
    assert sound.nonzero()[0][0] == round(at * EAR_RATE)
