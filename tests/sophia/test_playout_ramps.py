"""Pauses, ducking and gaps of the playout: nothing is lost or doubled, and nothing clicks."""

import numpy as np
import pytest
from playout_bench import RAMP, check, steady, tone

from sophia.played import Position
from sophia.playout import RAMP_SECONDS
from sophia.playout_events import PlayoutFinished, PlayoutUnderrun


def test_pause_and_resume_lose_and_repeat_nothing():
    async def scenario(listener, playout):
        playout.open(1)
        sound = tone(200)
        await playout.push(1, sound)
        playout.finish(1)
        playout.release(1)
        listener.pull(40)
        assert playout.pause()
        assert not playout.pause()
        assert playout.paused
        quiet = listener.pull(40)
        assert not quiet[RAMP:].any()
        assert playout.heard(1) == 40
        assert playout.idle
        assert playout.resume()
        back = listener.pull(40)
        both = back.astype(int)
        both[:40] += quiet
        assert np.allclose(both, sound[40:80], atol=1), "fade-out and fade-in add up to the sound"
        assert np.array_equal(back[RAMP:], sound[40 + RAMP : 80])

    check(scenario)


def test_resume_at_once_is_as_if_nothing_had_happened():
    async def scenario(listener, playout):
        sound = tone(100)
        playout.open(1)
        await playout.push(1, sound)
        playout.release(1)
        listener.pull(40)
        playout.pause()
        playout.resume()
        assert np.allclose(listener.pull(40), sound[40:80], atol=1)

    check(scenario)


def test_rewind_plays_again_and_counts_once():
    async def scenario(listener, playout):
        sound = tone(300)
        playout.open(1)
        await playout.push(1, sound)
        playout.release(1)
        for _ in range(10):
            listener.pull(20)
        playout.pause()
        listener.pull(20)
        playout.resume(rewind_seconds=0.05)
        again = listener.pull(30)
        assert np.array_equal(again[RAMP:], sound[150 + RAMP : 180])
        assert playout.heard(1) == 200
        assert playout.at(listener.time - 0.01) == Position(1, 170, True)
        listener.pull(40)
        assert playout.heard(1) == 220

    check(scenario)


def test_rewind_reaches_the_beginning_at_most():
    async def scenario(listener, playout):
        sound = tone(100)
        playout.open(1)
        await playout.push(1, sound)
        playout.release(1)
        listener.pull(20)
        playout.pause()
        listener.pull(20)
        playout.resume(rewind_seconds=9)
        assert np.array_equal(listener.pull(40)[RAMP:], sound[RAMP:40])

    check(scenario)


def test_ducking_is_a_ramp_and_ends_with_the_generation():
    async def scenario(listener, playout):
        playout.open(1)
        await playout.push(1, steady(60))
        playout.finish(1)
        playout.release(1)
        listener.pull(20)
        playout.duck(-20)
        block = listener.pull(20)
        assert np.all(np.diff(block[: RAMP + 1].astype(int)) <= 0)
        assert np.allclose(block[RAMP:], 500, atol=1)
        playout.unduck()
        assert np.array_equal(listener.pull(20)[RAMP:], steady(20 - RAMP))
        playout.duck()
        listener.pull(20)
        playout.open(2)
        await playout.push(2, steady(20))
        playout.release(2)
        assert np.array_equal(listener.pull(20), steady(20))

    check(scenario)


def test_an_underrun_dies_away_comes_back_softly_and_is_counted_once():
    async def scenario(listener, playout):
        playout.open(1)
        await playout.push(1, steady(30))
        playout.release(1)
        block = listener.pull(20)
        block = listener.pull(20)
        assert np.array_equal(block[:10], steady(10))
        assert np.all(np.diff(block[9 : 11 + RAMP].astype(int)) <= 0)
        assert not block[10 + RAMP :].any()
        assert not playout.idle, "the gap is part of the reply: the clock goes on"
        assert not listener.pull(20).any()
        await playout.push(1, steady(30))
        back = listener.pull(20)
        assert 0 < back[0] < 5000
        assert np.array_equal(back[RAMP:], steady(20 - RAMP))
        assert listener.of(PlayoutUnderrun) == [PlayoutUnderrun(1, pytest.approx(0.03), 30)]
        assert playout.underruns == 1
        assert playout.heard(1) == 50

    check(scenario)


def test_a_late_finish_is_not_an_underrun_and_dates_the_end_right():
    async def scenario(listener, playout):
        playout.open(1)
        await playout.push(1, steady(30))
        playout.release(1)
        listener.pull(20)
        listener.pull(20)
        playout.finish(1)
        listener.pull(20)
        assert listener.of(PlayoutFinished) == [PlayoutFinished(1, pytest.approx(0.03), 30)]
        assert playout.underruns == 0
        assert playout.idle

    check(scenario)


@pytest.mark.parametrize("cut", ["clear", "pause", "starve"])
@pytest.mark.parametrize("phase", range(0, 50, 7))
def test_cutting_a_tone_never_clicks(cut, phase):
    """At 24 kHz no step between neighbours exceeds what the tone itself and a ramp over it can make."""

    async def scenario(listener, playout):
        rate = 24_000
        sound = tone(rate, level=20_000, start=phase, period=100)
        playout.open(1)
        await playout.push(1, sound[:960] if cut == "starve" else sound)
        playout.release(1)
        listener.pull(480)
        listener.pull(480)
        if cut == "clear":
            playout.clear()
        elif cut == "pause":
            playout.pause()
        listener.pull(480)
        steps = np.abs(np.diff(listener.sound.astype(int)))
        assert steps[900:].max() <= steps[:900].max() + 20_000 / (RAMP_SECONDS * rate) + 1
        assert not listener.sound[960 + round(RAMP_SECONDS * rate) :].any()

    check(scenario, rate=24_000)
