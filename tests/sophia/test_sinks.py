"""Sinks without a device: real time, sleep when idle, full disks, and the fall-back. On a virtual clock."""

import asyncio
import errno

import numpy as np
import pytest

from pipelines.virtual_time import run
from sophia.playout import Playout
from sophia.playout_events import PlayoutFinished, PlayoutStarted
from sophia.sinks import FallbackSink, NullSink, SinkError, SinkStalled, WavSink

RATE = 24_000


def steady(seconds, level=5000):
    return np.full(round(seconds * RATE), level, np.int16)


class Page:
    """A writer in memory; its disk is full after ``limit`` writes."""

    def __init__(self, limit=None):
        self.sound = []
        self.limit = limit
        self.closed = 0

    def write(self, pcm):
        if self.limit is not None and len(self.sound) >= self.limit:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.sound.append(pcm)

    def close(self):
        self.closed += 1


async def say(playout, generation, sound):
    playout.open(generation)
    await playout.push(generation, sound)
    playout.finish(generation)
    playout.release(generation)


async def quietly(task):
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_null_sink_plays_in_real_time_and_at_once():
    async def main():
        loop = asyncio.get_running_loop()
        events = []
        pulls = []
        playout = Playout(
            RATE, lambda event: events.append((event, loop.time())), tap=lambda pcm, at, _: pulls.append(at)
        )
        playing = asyncio.create_task(NullSink().run(playout))
        await asyncio.sleep(1.2345)
        assert not pulls, "an idle sink does not tick"
        await say(playout, 1, steady(1.0))
        await asyncio.sleep(3)
        await say(playout, 2, steady(0.5))
        await asyncio.sleep(3)
        await quietly(playing)
        return events, pulls

    events, pulls = run(main())
    assert [event for event, _ in events] == [
        PlayoutStarted(1, pytest.approx(1.2345)),
        PlayoutFinished(1, pytest.approx(2.2345), RATE),
        PlayoutStarted(2, pytest.approx(4.2345)),
        PlayoutFinished(2, pytest.approx(4.7345), RATE // 2),
    ]
    assert all(at == pytest.approx(event.time, abs=0.021) for event, at in events)
    assert len(pulls) <= 50 + 25 + 2


def test_a_short_hang_is_caught_up_and_a_long_one_is_not():
    async def main(hang):
        loop = asyncio.get_running_loop()
        times = []

        def tap(pcm, at, pieces):
            times.append(at)
            if len(times) == 10:  # the whole process stands still
                loop._virtual.now += hang

        playout = Playout(RATE, lambda event: None, tap=tap)
        playing = asyncio.create_task(NullSink().run(playout))
        await say(playout, 1, steady(5))
        await asyncio.sleep(3)
        await quietly(playing)
        return times

    short = np.diff(run(main(0.5)))
    assert np.allclose(short, 0.02)
    long = np.diff(run(main(30)))
    assert np.count_nonzero(long > 1) == 1
    assert max(long) == pytest.approx(30, abs=0.05)


def test_barge_in_is_silent_within_a_block():
    async def main():
        blocks = []
        playout = Playout(RATE, lambda event: None, tap=lambda pcm, at, _: blocks.append((at, pcm)))
        playing = asyncio.create_task(NullSink().run(playout))
        await say(playout, 1, steady(5))
        await asyncio.sleep(1.007)
        playout.clear()
        await asyncio.sleep(1)
        await quietly(playing)
        last = max(at + (np.flatnonzero(pcm)[-1] + 1) / RATE for at, pcm in blocks if pcm.any())
        return last

    assert run(main()) - 1.007 <= 0.020 + 0.004 + 1e-6


def test_wav_sink_keeps_every_sample_and_a_short_pause_between_replies():
    async def main():
        page = Page()
        playout = Playout(RATE, lambda event: None)
        sink = WavSink(page, "reply.wav")
        playing = asyncio.create_task(sink.run(playout))
        await say(playout, 1, steady(0.1))
        await asyncio.sleep(60)
        await say(playout, 2, steady(0.1, 7000))
        await asyncio.sleep(60)
        await quietly(playing)
        await sink.aclose()
        assert page.closed == 1
        return np.concatenate(page.sound)

    sound = run(main())
    assert np.count_nonzero(sound == 5000) == 2400
    assert np.count_nonzero(sound == 7000) == 2400
    quiet = int(np.flatnonzero(sound == 7000)[0]) - 2400
    assert quiet / RATE == pytest.approx(0.5, abs=0.021)


def test_a_full_disk_is_one_line_and_the_voice_goes_on():
    async def main():
        page = Page(limit=5)
        reports = []
        events = []
        playout = Playout(RATE, events.append)
        sink = FallbackSink(WavSink(page, "reply.wav"), reports.append)
        playing = asyncio.create_task(sink.run(playout))
        await say(playout, 1, steady(1.0))
        await asyncio.sleep(3)
        assert not playing.done()
        await quietly(playing)
        await sink.aclose()
        assert page.closed
        return reports, events

    reports, events = run(main())
    assert [str(report) for report in reports] == [
        "cannot write reply.wav: No space left on device; what was written before is kept"
    ]
    assert events[-1] == PlayoutFinished(1, pytest.approx(1.0, abs=0.021), RATE), "the clock never stood still"


def test_a_sink_that_stalls_gives_way():
    class Stalling:
        latency = 0.04
        closed = False

        async def run(self, playout):
            playout.pull(480, 0.0)
            await asyncio.sleep(2)
            raise SinkStalled("the sound card took no samples for 2 s")

        async def aclose(self):
            self.closed = True

    async def main():
        reports = []
        events = []
        playout = Playout(RATE, events.append)
        card = Stalling()
        sink = FallbackSink(card, reports.append)
        assert sink.latency == 0.04
        playing = asyncio.create_task(sink.run(playout))
        await asyncio.sleep(0)
        await say(playout, 1, steady(1.0))
        await asyncio.sleep(5)
        await quietly(playing)
        assert card.closed
        assert sink.latency == 0.0
        return reports, events

    reports, events = run(main())
    assert isinstance(reports[0], SinkError)
    assert events[-1] == PlayoutFinished(1, pytest.approx(3.0), RATE)


def test_two_hundred_idle_sinks_cost_nothing():
    async def main():
        loop = asyncio.get_running_loop()
        playing = [asyncio.create_task(NullSink().run(Playout(RATE, lambda event: None))) for _ in range(200)]
        await asyncio.sleep(0)
        turns = 0
        schedule = loop.call_soon

        def counting(*args, **options):
            nonlocal turns
            turns += 1
            return schedule(*args, **options)

        loop.call_soon = counting
        await asyncio.sleep(3600)
        loop.call_soon = schedule
        for task in playing:
            await quietly(task)
        return turns

    assert run(main()) < 10
