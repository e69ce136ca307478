"""Her voice at a client's end: what it tells of what was heard is exact. On a virtual clock."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np

from pipelines.client.voice import RATE, Voice
from pipelines.virtual_time import run
from sophia.sinks import NullSink


def steady(seconds, level=5000):
    return np.full(round(seconds * RATE), level, "<i2").tobytes()


@asynccontextmanager
async def playing():
    """Yields the voice, what it tells, and what sounded as (level, number of samples)."""
    told, sound = [], []
    voice = Voice(told.append, lambda pcm, time, pieces: sound.append(np.array(pcm)))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(NullSink().run(voice.playout)), group.create_task(voice.report())]
        yield voice, told, sound
        for task in tasks:
            task.cancel()


def test_an_item_is_told_ten_times_a_second_and_at_its_end():
    async def main():
        async with playing() as (voice, told, sound):
            await voice.sound("a", 0.0, steady(1.0))
            voice.finish("a")
            await asyncio.sleep(2)
        assert 8 <= sum(event["playing"] for event in told) <= 11
        places = [event["audio_ms"] for event in told]
        assert places == sorted(places)
        assert told[-1] | {"playing": False, "audio_ms": 1000.0} == told[-1]
        assert sum(int((pcm != 0).sum()) for pcm in sound) == RATE

    run(main())


def test_after_a_pause_it_goes_on_where_the_server_says():
    async def main():
        async with playing() as (voice, told, sound):
            await voice.sound("a", 0.0, steady(1.0))
            await asyncio.sleep(0.5)
            voice.stop("a", for_good=False)
            stopped = told[-1]
            assert not stopped["playing"]
            assert abs(stopped["audio_ms"] - 500) <= 40
            await asyncio.sleep(0.5)
            before = len(sound)
            await voice.sound("a", stopped["audio_ms"] - 100, steady(0.6, 7000))
            voice.finish("a")
            await asyncio.sleep(1)
        after = np.concatenate(sound[before:])
        assert set(np.unique(after)) <= {0, 7000}, "what waited at the pause is gone"
        assert told[-1]["audio_ms"] == round(stopped["audio_ms"] - 100 + 600, 3)
        assert all(event["item_id"] == "a" for event in told)

    run(main())


def test_nothing_of_an_interrupted_item_is_heard_any_more():
    async def main():
        async with playing() as (voice, told, sound):
            await voice.sound("a", 0.0, steady(1.0))
            await asyncio.sleep(0.2)
            voice.stop("a", for_good=True)
            known = len(told)
            await voice.sound("a", 1000.0, steady(1.0, 7000))  # was under way
            await asyncio.sleep(1)
            assert len(told) == known
            await voice.sound("b", 0.0, steady(0.2, 3000))
            voice.finish("b")
            await asyncio.sleep(1)
        heard = np.concatenate(sound)
        assert 7000 not in heard
        assert int((heard == 3000).sum()) == round(0.2 * RATE)
        assert told[-1]["item_id"] == "b"

    run(main())


def test_after_a_gap_the_sound_goes_on():
    async def main():
        async with playing() as (voice, told, _):
            await voice.sound("a", 0.0, steady(0.2))
            await asyncio.sleep(0.5)
            await voice.sound("a", 200.0, steady(0.2))
            voice.finish("a")
            await asyncio.sleep(0.5)
        assert told[-1] | {"playing": False, "audio_ms": 400.0} == told[-1]

    run(main())
