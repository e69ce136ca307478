"""The playout's promises: order, gate, fence, exact positions, and no click."""

import asyncio
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.virtual_time import run
from sophia.played import LOUD_SECONDS, REMEMBERED_SECONDS, Position
from sophia.playout import AUDIBLE, RAMP_SECONDS, Playout
from sophia.playout_events import PlayoutFinished, PlayoutStarted, PlayoutUnderrun

RATE = 1000
RAMP = round(RAMP_SECONDS * RATE)


def tone(samples, level=8000, start=0, period=50):
    return np.rint(level * np.sin(2 * np.pi * np.arange(start, start + samples) / period)).astype(np.int16)


def steady(samples, level=5000):
    return np.full(samples, level, np.int16)


class Listener:
    """A playout with its events, and a sink that pulls by hand."""

    def __init__(self, rate=RATE, **options):
        self.events = []
        self.playout = Playout(rate, self.events.append, **options)
        self.time = 0.0
        self.sound = np.zeros(0, np.int16)

    def pull(self, samples):
        block = self.playout.pull(samples, self.time)
        assert block.shape == (samples,)
        assert block.dtype == np.int16
        self.time += samples / self.playout.rate
        self.sound = np.concatenate((self.sound, block))
        return block

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


def check(scenario, **options):
    async def main():
        listener = Listener(**options)
        await scenario(listener, listener.playout)

    run(main())


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


# --- any order of operations, against the plainest model --------------------------------------------------------


class Model:
    """What should come out: for each sample its (generation, index), or None; and where a ramp may touch it."""

    def __init__(self):
        self.tracks = {}
        self.newest = 0
        self.paused = False
        self.live = False
        self.dirty = 0  # samples from here on that a ramp may touch
        self.ducked = False
        self.heard = {}

    def active(self):
        return next((g for g, t in self.tracks.items() if t["released"]), None)

    def drop_held(self, before):
        for g in [g for g, t in self.tracks.items() if g < before and not t["released"]]:
            self.heard[g] = self.tracks.pop(g)["top"]

    def calm(self):
        self.paused = self.live = self.ducked = False

    def touch(self):
        self.dirty = RAMP

    def pull(self, count):
        out = []
        for _ in range(count):
            sample, soft = None, self.dirty > 0 or self.ducked
            while (g := self.active()) is not None and not self.paused:
                t = self.tracks[g]
                if t["cursor"] < t["pushed"]:
                    if t["gap"]:
                        t["gap"] = False
                        self.touch()
                        soft = True
                    sample = (g, t["cursor"])
                    t["cursor"] += 1
                    t["top"] = max(t["top"], t["cursor"])
                    self.live = True
                elif t["finished"]:
                    self.heard[g] = self.tracks.pop(g)["top"]
                    self.calm()
                    soft = self.dirty > 0
                    continue
                elif t["top"]:
                    if not t["gap"]:
                        t["gap"] = True
                        if self.live:
                            self.touch()
                            soft = True
                    self.live = False
                break
            if sample is None:
                self.live = False
            out.append((sample, soft))
            self.dirty = max(0, self.dirty - 1)
        return out


def value(generation, index):
    """A sample that says whose it is."""
    return np.int16(generation * 1000 + index % 997 + 1)


operation = st.one_of(
    st.tuples(st.just("open"), st.none()),
    st.tuples(st.just("push"), st.integers(0, 40)),
    st.tuples(st.just("push older"), st.integers(0, 40)),
    st.tuples(st.just("finish"), st.integers(0, 2)),
    st.tuples(st.just("release"), st.integers(0, 2)),
    st.tuples(st.just("clear"), st.one_of(st.none(), st.integers(0, 2))),
    st.tuples(st.just("pause"), st.none()),
    st.tuples(st.just("resume"), st.integers(0, 30)),
    st.tuples(st.just("duck"), st.none()),
    st.tuples(st.just("unduck"), st.none()),
    st.tuples(st.just("pull"), st.integers(1, 50)),
).map(lambda one: [one])
reply = st.tuples(st.integers(5, 90), st.integers(1, 50)).map(
    lambda n: [("open", None), ("push", n[0]), ("release", 0), ("pull", n[1])]
)
hold = st.tuples(st.integers(1, 30), st.integers(0, 30), st.integers(1, 50)).map(
    lambda n: [("pause", None), ("pull", n[0]), ("resume", n[1]), ("pull", n[2])]
)
more = st.tuples(st.integers(1, 40), st.integers(1, 50)).map(lambda n: [("push", n[0]), ("pull", n[1])])
story = st.lists(st.one_of(operation, reply, hold, more), min_size=8, max_size=40).map(
    lambda parts: [one for part in parts for one in part]
)


async def play_both(operations):
    events = []
    playout = Playout(RATE, events.append)
    model = Model()
    now = 0.0
    for name, argument in operations:
        if name in ("push", "push older"):
            g = model.newest - (name == "push older")
            track = model.tracks.get(g)
            able = track is not None and not track["finished"]
            start = track["pushed"] if track else 0
            pcm = np.array([value(g, start + i) for i in range(argument)], np.int16)
            assert await playout.push(g, pcm) == able
            if able:
                track["pushed"] += argument
        elif name == "open":
            if model.newest >= 30:
                continue
            model.newest += 1
            model.drop_held(model.newest)
            model.tracks[model.newest] = {
                "pushed": 0, "cursor": 0, "top": 0, "finished": False, "released": False, "gap": False,
            }  # fmt: skip
            playout.open(model.newest)
        elif name == "finish":
            playout.finish(model.newest - argument)
            if track := model.tracks.get(model.newest - argument):
                track["finished"] = True
        elif name == "release":
            g = model.newest - argument
            assert playout.release(g) == (g in model.tracks)
            if g in model.tracks:
                model.tracks[g]["released"] = True
        elif name == "clear":
            g = model.active() if argument is None else model.newest - argument
            if g in model.tracks:
                if g == model.active():
                    if model.live:
                        model.touch()
                    model.calm()
                model.heard[g] = model.tracks.pop(g)["top"]
            result = playout.clear(None if argument is None else model.newest - argument)
            assert result == model.heard.get(g, 0)
        elif name == "pause":
            able = model.active() is not None and not model.paused
            assert playout.pause() == able
            if able:
                if model.live:
                    model.touch()
                model.paused, model.live = True, False
        elif name == "resume":
            able = model.active() is not None and model.paused
            assert playout.resume(argument / RATE) == able
            if able:
                track = model.tracks[model.active()]
                track["cursor"] = max(0, track["cursor"] - argument)
                model.paused = False
                model.touch()
        elif name == "duck":
            playout.duck()
            model.ducked = model.active() is not None
        elif name == "unduck":
            playout.unduck()
            if model.ducked:
                model.ducked = False
                model.touch()
        else:
            block = playout.pull(argument, now)
            now += argument / RATE
            for got, (sample, soft) in zip(block, model.pull(argument), strict=True):
                if not soft:
                    assert got == (0 if sample is None else value(*sample))
        assert playout.active == model.active()
        assert playout.paused == model.paused
        for g, track in model.tracks.items():
            assert playout.heard(g) == track["top"]
        for g, heard in model.heard.items():
            assert playout.heard(g) == heard
    finished = [event.generation for event in events if isinstance(event, PlayoutFinished)]
    assert finished == sorted(set(finished))


@given(story)
@settings(max_examples=200, deadline=None)
def test_any_order_of_operations(operations):
    run(play_both(operations))
