"""Sound is cut into clips where the voice stalls, and not a sample is lost or told twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aurora.face import Pcm
from aurora.feed import MESSAGE_SECONDS, QUEUED_SECONDS, Feed
from pipelines.virtual_time import run

RATE = 16_000
STALL = 1.0

Piece = tuple[float, int]
"""Seconds to wait, then samples to say."""


async def saying(pieces: list[Piece]) -> AsyncIterator[Pcm]:
    number = 0
    for wait, samples in pieces:
        await asyncio.sleep(wait)
        yield np.arange(number, number + samples, dtype=np.int64).astype(np.int16)
        number += samples


async def clips_of(feed: Feed, longest: float = 240.0) -> list[tuple[float, list[Pcm]]]:
    clips = []
    while await feed.has_more():
        clips.append((feed.seconds, [pcm async for pcm in feed.clip(longest)]))
    await feed.aclose()
    return clips


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.9, 1.1, 5.0]), st.integers(0, 40_000)), max_size=20),
    st.sampled_from([1.0, 2.5, 240.0]),
)
def test_every_sample_once_and_in_order(pieces: list[Piece], longest: float) -> None:
    async def main() -> None:
        feed = Feed(saying(pieces), RATE, STALL)
        clips = await clips_of(feed, longest)
        total = sum(samples for _, samples in pieces)
        sound = np.concatenate([np.zeros(0, np.int16), *(pcm for _, clip in clips for pcm in clip)])
        assert np.array_equal(sound, np.arange(total).astype(np.int16))
        at = 0
        for start, clip in clips:
            assert start == at / RATE
            length = sum(map(len, clip))
            assert 0 < length <= longest * RATE
            assert all(0 < len(pcm) <= MESSAGE_SECONDS * RATE for pcm in clip)
            at += length

    run(main())


def test_a_short_pause_stays_in_the_clip_and_a_long_one_ends_it() -> None:
    async def main() -> None:
        feed = Feed(saying([(0, 100), (0.9, 100), (1.1, 100), (0, 100)]), RATE, STALL)
        assert [(start * RATE, len(clip)) for start, clip in await clips_of(feed)] == [(0, 2), (200, 2)]

    run(main())


def test_what_the_voice_raises_comes_after_its_sound() -> None:
    async def failing() -> AsyncIterator[Pcm]:
        yield np.ones(100, np.int16)
        raise LookupError("no voice")

    async def main() -> None:
        feed = Feed(failing(), RATE, STALL)
        assert await feed.has_more()
        assert [len(pcm) async for pcm in feed.clip(10)] == [100]
        with pytest.raises(LookupError, match="no voice"):
            await feed.has_more()
        await feed.aclose()

    run(main())


def test_holds_the_voice_back_when_the_service_is_slow() -> None:
    asked = 0

    async def eager() -> AsyncIterator[Pcm]:
        nonlocal asked
        while True:
            asked += 1
            yield np.ones(100, np.int16)

    async def main() -> None:
        feed = Feed(eager(), RATE, STALL)
        assert await feed.has_more()
        await asyncio.sleep(1)
        assert asked <= QUEUED_SECONDS * RATE / 100 + 2
        await feed.aclose()

    run(main())


def test_closing_ends_a_voice_that_hangs() -> None:
    hung_up = False

    async def hanging() -> AsyncIterator[Pcm]:
        nonlocal hung_up
        try:
            yield np.ones(100, np.int16)
            await asyncio.sleep(3600)
        finally:
            hung_up = True

    async def main() -> None:
        feed = Feed(hanging(), RATE, STALL)
        assert await feed.has_more()
        assert [len(pcm) async for pcm in feed.clip(10)] == [100]
        await feed.aclose()
        assert hung_up
        assert asyncio.get_running_loop().time() < 2

    run(main())


@pytest.mark.parametrize(("rate", "sent"), [(8_000, 16_000), (22_050, 22_050), (144_000, 144_000), (192_000, 48_000)])
def test_rates_that_the_service_refuses_are_resampled(rate: int, sent: int) -> None:
    async def main() -> None:
        feed = Feed(saying([(0, rate // 10)] * 10), rate, STALL)
        assert feed.rate == sent
        ((_, clip),) = await clips_of(feed)
        assert sum(map(len, clip)) == pytest.approx(sent, abs=2)

    run(main())
