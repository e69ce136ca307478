"""A sink that plays far behind what it pulls takes that back at a pause or a clearing, and nothing is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.virtual_time import run
from sophia.played import PastBlocks, Piece, Position
from sophia.playout import Playout

RATE = 1000


def steps(first, count):
    """Samples that tell which they are."""
    return np.arange(first + 1000, first + count + 1000).astype(np.int16)


def check(scenario):
    async def main():
        playout = Playout(RATE, lambda event: None)
        playout.open(1)
        await playout.push(1, steps(0, 3000))
        playout.finish(1)
        playout.release(1)
        await scenario(playout)

    run(main())


@given(st.integers(1, 1900), st.integers(0, 1900), st.sampled_from([0, 1, 20]))
def test_what_was_taken_back_comes_again(pulled, heard, rewind):
    heard = min(heard, pulled)

    async def scenario(playout):
        playout.halt = lambda generation, cleared: heard
        playout.pull(pulled, 0.0)
        assert playout.pause()
        assert playout.took_back
        assert playout.heard(1) == heard
        assert not playout.pull(50, 2.0).any(), "no ramp: the sink has its own"
        assert playout.resume(rewind / RATE)
        rest = playout.pull(3000, 3.0)
        first = max(0, heard - rewind)
        assert np.array_equal(rest[4 : 3000 - first], steps(first, 3000 - first)[4:])  # after the ramp
        assert playout.heard(1) == 3000

    check(scenario)


def test_the_client_knows_better_where_it_stopped():
    async def scenario(playout):
        playout.halt = lambda generation, cleared: 200
        playout.pull(300, 0.0)
        playout.pause()
        for true in (150, 280, 230):
            playout.stopped_at(1, true)
            assert playout.heard(1) == true
        playout.resume()
        _, pieces = playout.take(20, 1.0)
        assert pieces == [Piece(1, 230, 0, 20)]
        playout.stopped_at(1, 100)  # too late: it sounds again
        assert playout.heard(1) == 250

    check(scenario)


def test_what_was_heard_before_a_rewind_stays_heard():
    async def scenario(playout):
        playout.pull(500, 0.0)
        playout.pause()
        playout.resume(0.4)
        playout.halt = lambda generation, cleared: 120
        playout.pull(100, 1.0)
        playout.pause()
        assert playout.heard(1) == 500

    check(scenario)


def test_of_a_cleared_reply_only_what_was_heard_counts():
    async def scenario(playout):
        asked = []
        playout.halt = lambda generation, cleared: asked.append((generation, cleared)) or 40
        playout.pull(300, 0.0)
        assert playout.clear() == 40
        assert asked == [(1, True)]
        assert playout.idle, "no ramp is left to be pulled"

    check(scenario)


def test_a_sink_that_can_take_nothing_back_is_as_any_other():
    async def scenario(playout):
        playout.halt = lambda generation, cleared: None
        playout.pull(300, 0.0)
        playout.pause()
        assert not playout.took_back
        assert playout.heard(1) == 300
        assert playout.pull(50, 0.3).any(), "it fades out"

    check(scenario)


def test_a_block_names_whose_samples_it_holds():
    async def scenario(playout):
        playout.open(2)
        await playout.push(2, steps(0, 100))
        playout.release(2)
        _, pieces = playout.take(3050, 0.0)
        assert pieces == [Piece(1, 0, 0, 3000), Piece(2, 0, 3000, 50)]
        assert playout.ready == 50
        _, pieces = playout.take(80, 4.0)
        assert pieces == [Piece(2, 50, 0, 50)]

    check(scenario)


@pytest.mark.parametrize(("sample", "there"), [(150, 150), (100, 100), (30, 30), (0, None), (500, 200)])
def test_what_was_taken_back_did_not_sound(sample, there):
    past = PastBlocks(RATE)
    past.add(0.0, 1, 0, 100, True)
    past.add(0.1, 1, 100, 100, True)
    past.take_back(1, sample)
    assert past.at(0.5) == (None if there is None else Position(1, there, False))
