"""Sound waits for the face in seconds: how it was cut does not matter, and not a sample is lost or told twice."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aurora.backlog import Backlog
from pipelines.virtual_time import run

RATE = 1000
SIZES = st.lists(st.integers(0, 1500), max_size=40)


def cut(sizes: list[int]) -> list[np.ndarray[tuple[int], np.dtype[np.int16]]]:
    ends = np.cumsum([0, *sizes])
    return [np.arange(first, last).astype(np.int16) for first, last in pairwise(ends)]


@given(SIZES, st.floats(0.005, 3.0))
def test_every_sample_once_however_it_was_cut(sizes: list[int], seconds: float) -> None:
    async def main() -> None:
        backlog = Backlog(RATE, seconds)

        async def fill() -> None:
            for pcm in cut(sizes):
                await backlog.put(pcm)
            backlog.end()

        async with asyncio.TaskGroup() as group:
            group.create_task(fill())
            heard = [pcm async for pcm in backlog]
        assert np.array_equal(np.concatenate([np.zeros(0, np.int16), *heard]), np.arange(sum(sizes)).astype(np.int16))
        assert await backlog.get() is None

    run(main())


@given(st.integers(1, 1000), st.integers(1, 10))
def test_it_holds_so_many_seconds_in_pieces_of_any_size(size: int, seconds: int) -> None:
    async def main() -> None:
        backlog = Backlog(RATE, seconds)
        taken = 0
        while backlog.offer(np.zeros(size, np.int16)):
            taken += size
        assert seconds * RATE - size < taken <= max(seconds * RATE, size)
        assert await backlog.get() is not None
        assert backlog.offer(np.zeros(size, np.int16))

    run(main())
