"""The playout's promises: order, gate, fence, exact positions, and who is told."""

import asyncio
import threading
import time

import numpy as np
import pytest
from playout_bench import RAMP, RATE, check, steady, tone

from sophia.played import LOUD_SECONDS, REMEMBERED_SECONDS, Position
from sophia.playout import AUDIBLE, Playout
from sophia.playout_events import PlayoutFinished, PlayoutStarted


def test_what_was_pushed_is_what_is_heard():
    async def scenario(listener, playout):
        sound = tone(230)
        playout.open(1)
        for at in range(0, 230, 7):
            assert await playout.push(1, sound[at : at + 7])
        playout.finish(1)
        assert playout.release(1)
        while playout.active is not None:
            listener.pull(20)
        assert np.array_equal(listener.sound[:230], sound)
        assert not listener.sound[230:].any()
        assert playout.heard(1) == 230
        loud = int(np.flatnonzero(np.abs(sound) >= 104)[0])
        assert listener.events == [PlayoutStarted(1, loud / RATE), PlayoutFinished(1, pytest.approx(0.23), 230)]
        assert playout.underruns == 0

    check(scenario)


def test_started_is_the_first_audible_sample_not_the_leading_silence():
    async def scenario(listener, playout):
        playout.open(3)
        await playout.push(3, np.concatenate((np.full(33, 60, np.int16), steady(20))))
        playout.release(3)
        listener.time = 7.0
        listener.pull(20)
        assert not listener.events
        assert not playout.audible
        listener.pull(20)
        assert listener.events == [PlayoutStarted(3, pytest.approx(7.033))]
        assert playout.audible

    check(scenario)


def test_nothing_sounds_before_the_release():
    async def scenario(listener, playout):
        playout.open(1)
        await playout.push(1, steady(100))
        playout.finish(1)
        assert playout.idle
        assert not listener.pull(50).any()
        assert playout.heard(1) == 0
        assert playout.active is None
        playout.release(1)
        assert playout.active == 1
        assert np.array_equal(listener.pull(50), steady(50))

    check(scenario)


def test_a_voice_that_delivers_in_drops_gets_a_cushion_first():
    async def scenario(listener, playout):
        playout.open(1)
        playout.release(1)
        await playout.push(1, steady(30))
        assert playout.idle
        assert not listener.pull(20).any()
        await playout.push(1, steady(10))
        assert not playout.idle
        assert np.array_equal(listener.pull(20), steady(20))
        assert playout.underruns == 0

    check(scenario, cushion_seconds=0.04)


def test_a_reply_shorter_than_the_cushion_is_played_once_it_is_complete():
    async def scenario(listener, playout):
        playout.open(1)
        playout.release(1)
        await playout.push(1, steady(15))
        assert playout.idle
        playout.finish(1)
        assert np.array_equal(listener.pull(20)[:15], steady(15))

    check(scenario, cushion_seconds=0.04)


def test_the_next_generation_waits_behind_the_one_that_plays_and_joins_without_a_gap():
    async def scenario(listener, playout):
        playout.open(1)
        await playout.push(1, steady(30))
        playout.release(1)
        listener.pull(10)
        playout.open(2)
        assert await playout.push(2, steady(30, -5000))
        assert await playout.push(1, steady(5)), "the older one still delivers"
        playout.finish(1)
        playout.release(2)
        block = listener.pull(40)
        assert np.array_equal(block, np.concatenate((steady(25), steady(15, -5000))))
        assert listener.of(PlayoutFinished) == [PlayoutFinished(1, pytest.approx(0.035), 35)]
        assert listener.of(PlayoutStarted)[1] == PlayoutStarted(2, pytest.approx(0.035))

    check(scenario)


def test_clearing_what_plays_keeps_what_is_held():
    async def scenario(listener, playout):
        playout.open(1)
        await playout.push(1, steady(100))
        playout.release(1)
        listener.pull(20)
        playout.open(2)
        await playout.push(2, steady(20, -5000))
        assert playout.clear() == 20
        assert playout.heard(1) == 20
        assert not await playout.push(1, steady(10))
        assert not playout.release(1)
        after = listener.pull(20)
        assert not after[RAMP:].any()
        playout.release(2)
        assert np.array_equal(listener.pull(20), steady(20, -5000))

    check(scenario)


def test_a_held_guess_is_dropped_by_name_and_the_voice_goes_on():
    async def scenario(listener, playout):
        playout.open(1)
        await playout.push(1, steady(100))
        playout.release(1)
        playout.open(2)
        await playout.push(2, steady(10, -5000))
        listener.pull(20)
        playout.duck()
        listener.pull(20)
        assert playout.clear(2) == 0
        ducked = listener.pull(20)
        assert np.allclose(ducked, 5000 * 10 ** (-12 / 20), atol=1), "ducking is the active generation's"
        assert not playout.release(2)

    check(scenario)


def test_a_newer_guess_replaces_an_older_one():
    async def scenario(listener, playout):
        playout.open(1)
        await playout.push(1, steady(10))
        playout.open(2)
        assert not await playout.push(1, steady(10))
        assert not playout.release(1)
        assert await playout.push(2, steady(10))
        with pytest.raises(ValueError, match="not newer"):
            playout.open(2)

    check(scenario)


def test_push_waits_while_the_buffer_is_full():
    async def scenario(listener, playout):
        sound = tone(250)
        playout.open(1)
        pushing = asyncio.create_task(playout.push(1, sound))
        await asyncio.sleep(1)
        assert not pushing.done()
        assert playout.buffered(1) == pytest.approx(0.1)
        playout.release(1)
        playout.pull(0, 0.0)
        while not pushing.done():
            listener.pull(20)
            await asyncio.sleep(0)
            assert playout.buffered(1) <= 0.1
        assert await pushing
        playout.finish(1)
        while playout.active is not None:
            listener.pull(20)
        assert np.array_equal(listener.sound[:250], sound)
        assert playout.underruns == 0

    check(scenario, max_seconds=0.1)


@pytest.mark.parametrize("ending", ["clear", "newer", "finish"])
def test_a_waiting_push_ends_with_its_generation(ending):
    async def scenario(listener, playout):
        playout.open(1)
        pushing = asyncio.create_task(playout.push(1, steady(250)))
        await asyncio.sleep(1)
        if ending == "clear":
            playout.clear(1)
        elif ending == "newer":
            playout.open(2)
        else:
            playout.finish(1)
        assert not await pushing

    check(scenario, max_seconds=0.1)


def test_sound_of_the_wrong_kind_is_refused():
    async def scenario(listener, playout):
        playout.open(1)
        with pytest.raises(TypeError, match="int16"):
            await playout.push(1, np.zeros(10, np.float32))
        with pytest.raises(TypeError, match="shape"):
            await playout.push(1, np.zeros((10, 1), np.int16))

    check(scenario)


def test_a_reply_without_sound_finishes():
    async def scenario(listener, playout):
        playout.open(1)
        playout.release(1)
        assert playout.idle
        playout.finish(1)
        assert not playout.idle
        listener.pull(20)
        assert listener.events == [PlayoutFinished(1, 0.0, 0)]

    check(scenario)


def test_loud_for_a_moment_after_the_last_audible_block():
    async def scenario(listener, playout):
        playout.open(1)
        await playout.push(1, np.concatenate((steady(20), steady(180, level=AUDIBLE - 1), steady(20, level=-AUDIBLE))))
        playout.release(1)
        assert not playout.loud_at(0.0)
        for _ in range(11):
            listener.pull(20)
        times = (0.0, 0.019, 0.02 + 0.9 * LOUD_SECONDS, 0.02 + 1.1 * LOUD_SECONDS, 0.199, 0.2, 0.219, 5.0)
        assert [playout.loud_at(t) for t in times] == [True, True, True, False, False, True, True, False]

    check(scenario)


def test_positions_to_the_sample():
    async def scenario(listener, playout):
        assert playout.at(0.0) is None
        playout.open(1)
        await playout.push(1, steady(50))
        playout.release(1)
        listener.time = 5.0
        listener.pull(20)
        listener.pull(20)
        assert playout.at(4.999) is None
        assert playout.at(5.0) == Position(1, 0, True)
        assert playout.at(5.0134) == Position(1, 13, True)
        assert playout.at(5.033) == Position(1, 33, True)
        assert playout.at(5.5) == Position(1, 40, False)

    check(scenario)


@pytest.mark.parametrize("block", [1, 2, 10, 50, 200])
def test_positions_are_known_for_two_seconds_whatever_the_blocks(block):
    async def scenario(listener, playout):
        playout.open(1)
        await playout.push(1, steady(5000))
        playout.release(1)
        listener.time = 5.0
        for _ in range(5000 // block):
            listener.pull(block)
        end = 5.0 + 5000 / RATE
        for ago in (0.0005, 0.1, 1.0, REMEMBERED_SECONDS - 0.01):
            assert playout.at(end - ago).sample == pytest.approx(5000 - ago * RATE, abs=1)
            assert playout.loud_at(end - ago)
        assert playout.at(5.0) is None

    check(scenario)


def test_the_tap_hears_what_is_played():
    async def scenario(listener, playout):
        heard = []
        playout.tap = lambda pcm, at, _: heard.append((pcm, at))
        playout.open(1)
        await playout.push(1, steady(100))
        playout.release(1)
        for _ in range(3):
            listener.pull(20)
        assert np.array_equal(np.concatenate([pcm for pcm, _ in heard]), listener.sound)
        assert [at for _, at in heard] == pytest.approx([0.0, 0.02, 0.04])

    check(scenario)


def test_an_idle_sink_is_woken_by_whatever_gives_it_work():
    async def scenario(listener, playout):
        async def wakes():
            waiting = asyncio.create_task(playout.wanted())
            await asyncio.sleep(1)
            assert not waiting.done()
            return waiting

        waiting = await wakes()
        playout.open(1)
        await playout.push(1, steady(40))
        await asyncio.sleep(0)
        assert not waiting.done(), "held sound is nobody's work"
        playout.release(1)
        await waiting
        listener.pull(20)
        playout.pause()
        await playout.wanted()
        listener.pull(20)
        waiting = await wakes()
        playout.resume()
        await waiting
        playout.finish(1)
        while not playout.idle:
            listener.pull(20)
        waiting = await wakes()
        playout.open(2)
        playout.release(2)
        await asyncio.sleep(0)
        assert not waiting.done()
        await playout.push(2, steady(1))
        await waiting

    check(scenario)


async def test_an_audio_thread_may_pull():
    """Events and the tap arrive on the loop's thread; the sound is whole."""
    threads = set()
    finished = asyncio.Event()

    def on_event(event):
        threads.add(threading.get_ident())
        if isinstance(event, PlayoutFinished):
            finished.set()

    blocks = []
    playout = Playout(RATE, on_event, max_seconds=0.2, tap=lambda pcm, at, _: threads.add(threading.get_ident()))
    stop = threading.Event()

    def device():
        while not stop.is_set():
            if (block := playout.pull(10, time.monotonic())).any():
                blocks.append(block)
            time.sleep(0)

    sound = steady(3000)
    thread = threading.Thread(target=device)
    playout.open(1)
    await playout.push(1, sound[:150])
    playout.release(1)
    thread.start()
    try:
        async with asyncio.timeout(20):
            assert await playout.push(1, sound[150:])
            playout.finish(1)
            await finished.wait()
    finally:
        stop.set()
        thread.join()
    assert threads == {threading.get_ident()}
    assert playout.heard(1) == 3000
