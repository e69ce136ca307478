"""A user's voice over a network, on the virtual clock: each sample once, in order, at the time it was spoken."""

import asyncio
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.server.source import (
    EARLY_SECONDS,
    HEAP_SECONDS,
    LONGEST_BACKLOG,
    OWED_SECONDS,
    SILENT_AFTER,
    SLIDE_SECONDS,
    NetworkSource,
)
from pipelines.virtual_time import run

EAR = 16_000
FEW = settings(max_examples=30, phases=[Phase.explicit, Phase.generate])


def ramp(first, count):
    """Samples that tell which they are, and that no frame of them is quiet."""
    return (np.arange(first, first + count) % 20_000 + 5_000).astype(np.int16)


class Ears:
    def __init__(self):
        self.source = NetworkSource()
        self.loop = asyncio.get_running_loop()
        self.frames = []
        self.given = []

    async def run(self):
        async for frame in self.source.frames():
            self.frames.append(frame)
            self.given.append(self.loop.time())

    def sound(self):
        return np.concatenate([frame.pcm for frame in self.frames])

    def voiced(self):
        pcm = self.sound()
        return pcm[pcm != 0]

    def check(self):
        """What holds whatever a network does: in order, without holes, none before its time."""
        for before, after in zip(self.frames, self.frames[1:], strict=False):
            assert abs(after.time - before.end) <= SLIDE_SECONDS + 1e-6, "frames follow each other"
        for frame, at in zip(self.frames, self.given, strict=True):
            assert frame.end <= at + EARLY_SECONDS + 1e-6
            assert len(frame.pcm) == 320


def hear(scenario):
    async def main():
        ears = Ears()
        task = asyncio.create_task(ears.run())
        await asyncio.sleep(0)
        await scenario(ears)
        await asyncio.sleep(0.06)
        await ears.source.aclose()
        await task
        return ears

    ears = run(main())
    ears.check()
    return ears


async def send(ears, seconds, *, delays=None, first=0, rate=EAR, packet=0.02):
    """Speaks; packet i comes ``delays(i)`` seconds after it was complete, and none overtakes another."""
    start, size = ears.loop.time(), round(packet * rate)
    for i in range(round(seconds / packet)):
        due = start + (i + 1) * packet + (delays(i) if delays else 0.0)
        await asyncio.sleep(max(0.0, due - ears.loop.time()))
        assert ears.source.append(ramp(first + i * size, size), rate)


def test_a_steady_client_is_heard_as_it_speaks():
    ears = hear(lambda ears: send(ears, 3.0))
    assert np.array_equal(ears.sound(), ramp(0, 3 * EAR))
    assert [frame.time for frame in ears.frames[:3]] == pytest.approx([0.0, 0.02, 0.04])
    assert max(at - frame.end for frame, at in zip(ears.frames, ears.given, strict=True)) < 1e-6


@FEW
@given(st.lists(st.floats(0.0, 0.15), min_size=20, max_size=20))
def test_jitter_moves_no_sample(delays):
    ears = hear(lambda ears: send(ears, 4.0, delays=lambda i: delays[i % 20]))
    assert np.array_equal(ears.voiced(), ramp(0, 4 * EAR))
    # None overtakes another; the earliest packets of the last second tell when they were spoken.
    arrivals = accumulate(((i + 1) * 0.02 + delays[i % 20] for i in range(200)), max)
    least = min([at - (i + 1) * 0.02 for i, at in enumerate(arrivals)][100:])
    for place, frame in [*enumerate(frame for frame in ears.frames if frame.pcm.any())][160:]:
        assert frame.time - 0.02 * place == pytest.approx(least, abs=0.002)


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("packet", [0.02, 0.1])
def test_any_rate_becomes_the_ears(rate, packet):
    tone = np.rint(9000 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)).astype(np.int16)

    async def scenario(ears):
        size = round(packet * rate)
        for at in range(0, len(tone) - size + 1, size):
            await asyncio.sleep(packet)
            ears.source.append(tone[at : at + size], rate)

    ears = hear(scenario)
    heard = ears.sound()
    assert 1.9 * EAR < len(heard) <= 2 * EAR
    times = ears.frames[0].time + np.arange(len(heard)) / EAR
    due = 9000 * np.sin(2 * np.pi * 440 * times)
    assert np.abs(heard[800:] - due[800:]).max() < 300, "resampled without clicks, and dated to the sample"


def test_a_client_that_stops_gets_silence_in_real_time():
    async def scenario(ears):
        await send(ears, 1.0)
        await asyncio.sleep(SILENT_AFTER - 0.01)
        assert len(ears.frames) == 50
        await asyncio.sleep(0.8)
        assert 98 <= len(ears.frames) <= 99
        await send(ears, 1.0, first=EAR)

    ears = hear(scenario)
    assert np.array_equal(ears.voiced(), ramp(0, 2 * EAR))
    assert ears.frames[-1].end == pytest.approx(2.99, abs=0.03)


def test_a_client_that_never_sends_is_silent():
    async def scenario(ears):
        await asyncio.sleep(2.0)

    ears = hear(scenario)
    assert 92 <= len(ears.frames) <= 95
    assert not ears.sound().any()


def test_packets_that_were_held_up_are_heard_all_the_same_and_the_clock_catches_up():
    """A network stands still for a second in the middle of a word; afterwards the user pauses."""

    async def scenario(ears):
        await send(ears, 1.0)
        await asyncio.sleep(1.0)
        for i in range(50):
            ears.source.append(ramp(EAR + 320 * i, 320), EAR)
        for _ in range(150):
            await asyncio.sleep(0.02)
            ears.source.append(np.full(320, 3, np.int16), EAR)  # a quiet room
        assert ears.source._clock.next - ears.loop.time() < 0.021

    ears = hear(scenario)
    loud = ears.sound()
    assert np.array_equal(loud[loud > 3], ramp(0, 2 * EAR))


def test_no_more_quiet_is_left_out_than_was_put_in():
    async def scenario(ears):
        await send(ears, 0.5)
        await asyncio.sleep(0.5)
        for _ in range(500):
            assert ears.source.append(np.full(320, 3, np.int16), EAR)
        await asyncio.sleep(11)

    ears = hear(scenario)
    quiet = int(np.count_nonzero(ears.sound() == 3)) / EAR
    assert 10 - 0.55 <= quiet <= 10 < 10 + OWED_SECONDS


def test_a_file_that_is_sent_in_a_heap_is_heard_in_real_time():
    async def scenario(ears):
        await asyncio.sleep(1.0)
        for i in range(200):
            ears.source.append(ramp(320 * i, 320), EAR)
        await asyncio.sleep(4.3)

    ears = hear(scenario)
    assert np.array_equal(ears.voiced(), ramp(0, 4 * EAR))
    first = next(place for place, frame in enumerate(ears.frames) if frame.pcm.any())
    took = ears.given[first + 199] - ears.given[first]
    assert 3.98 - HEAP_SECONDS - 0.2 <= took <= 4.0, "no more is made up than the silence before it"


def test_too_much_is_refused_and_nothing_of_it_taken():
    async def scenario(ears):
        await asyncio.sleep(0.5)
        minute = ramp(0, round(LONGEST_BACKLOG * EAR))
        assert ears.source.append(minute, EAR)
        assert not ears.source.append(ramp(0, 320), EAR)
        assert ears.source.overflows == 1
        ears.source.clear()
        assert ears.source.append(ramp(0, 320), EAR)

    hear(scenario)


def test_who_is_muted_is_not_heard():
    async def scenario(ears):
        await send(ears, 1.0)
        ears.source.mute(True)
        await send(ears, 1.0, first=EAR)
        ears.source.mute(False)
        await send(ears, 1.0, first=2 * EAR)

    ears = hear(scenario)
    assert np.array_equal(ears.voiced(), np.concatenate((ramp(0, EAR), ramp(2 * EAR, EAR))))
    assert 148 <= len(ears.frames) <= 152, "the ears did not stand still"


LEAST = 0.005
"""Seconds that each packet takes at least."""


def errors(seconds, *, lateness, lost=lambda i: 0.0, room=0):
    """How wrong each frame is dated, in seconds, by when it was spoken; ``room``: the sound is this quiet.

    Packet ``i`` comes ``lateness(i)`` later than it might, behind those before it. After it the client loses
    ``lost(i)`` seconds of sound. Each packet says in its first samples which it is.
    """
    spoken, arrivals, at = [], [], 1.0
    for i in range(round(seconds / 0.02)):
        spoken.append(at)
        arrivals.append(max([at + 0.02 + LEAST + lateness(i), *arrivals[-1:]]))
        at += 0.02 + lost(i)

    async def scenario(ears):
        for i, due in enumerate(arrivals):
            await asyncio.sleep(max(0.0, due - ears.loop.time()))
            pcm = np.full(320, room, np.int16) if room else ramp(0, 320)
            pcm[:2] = 1 + i // 1000, 1 + i % 1000
            assert ears.source.append(pcm, EAR)
        await asyncio.sleep(2.0)

    places = [(frame.time, 1000 * int(frame.pcm[0] - 1) + int(frame.pcm[1] - 1)) for frame in hear(scenario).frames]
    return np.array([time - spoken[place] - LEAST for time, place in places if place >= 0])


def held_up(*, every=5.0, seconds):
    """A network that stands still for ``seconds``, again and again; what was held up then comes in a heap."""

    def lateness(i):
        at = (i * 0.02) % every
        return seconds - at if i * 0.02 >= every and at < seconds else 0.0

    return lateness


def test_a_busy_machine_does_not_lead_the_clock_astray():
    """Packets come 30 ms late in the mean, without order: 95 of 100 frames are dated within the gate of 20 ms."""
    dice = np.random.default_rng(7).exponential(0.03, 3000).clip(0.0, 0.15)
    wrong = errors(60.0, lateness=lambda i: dice[i])
    assert np.quantile(np.abs(wrong[100:]), 0.95) < 0.02


@pytest.mark.parametrize("seconds", [0.15, 0.3, 0.45, 1.0])
def test_after_a_pause_of_the_network_a_quiet_user_is_heard_in_time_again(seconds):
    wrong = errors(40.0, lateness=held_up(seconds=seconds), room=3)
    assert np.quantile(np.abs(wrong), 0.9) < 0.02
    assert wrong.min() > -0.02, "nothing is dated before it was spoken"


@pytest.mark.parametrize("seconds", [0.3, 0.45])
def test_after_a_pause_of_the_network_a_talker_is_caught_up_with_in_three_seconds(seconds):
    """A frame may be dated 4 ms earlier, so a quarter of a second is made up in a second and a quarter."""
    wrong = errors(40.0, lateness=held_up(seconds=seconds))
    late = np.abs(wrong) > 0.02
    assert late.mean() < 3.0 / 5.0
    assert not late[-50:].any()


def test_sound_that_a_client_loses_moves_the_clock_within_a_second_and_a_half():
    wrong = errors(30.0, lateness=lambda i: 0.0, lost=lambda i: 0.1 if i % 250 == 200 else 0.0)
    assert wrong.min() == pytest.approx(-0.1, abs=0.005)
    assert (np.abs(wrong) > 0.02).mean() <= 1.5 / 5.0


@pytest.mark.parametrize("ppm", [-300, 300])
def test_a_card_that_is_slow_or_fast_does_not_lead_the_clock_astray(ppm):
    async def scenario(ears):
        await send(ears, 600.0, packet=0.02, delays=lambda i: i * 0.02 * ppm / 1e6)

    ears = hear(scenario)
    last, at = ears.frames[-1], ears.given[-1]
    assert last.end == pytest.approx(at, abs=0.025)
    assert np.array_equal(ears.voiced(), ramp(0, 600 * EAR))


def test_a_time_of_the_ears_is_a_place_in_the_clients_sound():
    async def scenario(ears):
        await send(ears, 1.0)
        await asyncio.sleep(1.0)
        await send(ears, 1.0, first=EAR)
        where = ears.source.audio_ms
        assert where(0.5) == pytest.approx(500, abs=1)
        assert where(1.5) == pytest.approx(1000, abs=1), "silence of ours has no place there"
        assert where(2.5) == pytest.approx(1500, abs=21)
        assert where(-5.0) == 0.0
        assert where(99.0) == 2000

    hear(scenario)


def test_a_call_comes_once_all_that_was_appended_was_heard_and_a_clearing_leaves_that():
    called = []

    async def talk(ears):
        def call(name):
            ears.source.once_heard(lambda: called.append((name, len(ears.voiced()) if ears.frames else 0)))

        call("at once")
        ears.source.append(ramp(0, 3 * EAR), EAR)
        call("first")
        ears.source.append(ramp(0, 2 * EAR), EAR)
        ears.source.clear()
        call("second")
        await asyncio.sleep(8.0)

    hear(talk)
    assert called == [("at once", 0), ("first", 3 * EAR), ("second", 3 * EAR)]


def test_packets_in_time_are_waited_for_with_few_alarms():
    async def scenario(ears):
        alarms = set()

        async def look():
            while True:
                alarms.add(ears.source._alarm)
                await asyncio.sleep(0.01)

        looking = asyncio.create_task(look())
        await send(ears, 4.0)
        looking.cancel()
        assert len(alarms) <= 4.0 / SILENT_AFTER + 3, "one for each packet would be 200"

    hear(scenario)
