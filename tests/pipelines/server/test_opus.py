"""Opus, both ways: what is said is heard, packets stand at their time, and silence is silence."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("av", reason="the extra webrtc is not installed")

from pipelines.server.opus import CLOCK, TAIL, TICKS, OpusDecoder, OpusVoice
from pipelines.server.source import NetworkSource
from pipelines.virtual_time import run


def tone(rate, seconds, hertz=300):
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.int16)


class Spoken:
    """Packets with the loop's time; ``say`` hands blocks of 20 ms in real time, and rests."""

    def __init__(self, rate):
        self.rate, self.packets = rate, []
        self.loop = asyncio.get_running_loop()
        self.voice = OpusVoice(rate, lambda stamp, payload: self.packets.append((self.loop.time(), stamp, payload)))

    async def say(self, pcm, late=()):
        block, due = self.rate // 50, self.loop.time()
        for number, start in enumerate(range(0, len(pcm), block)):
            if number not in late:
                await asyncio.sleep(due - self.loop.time())
            self.voice.take(pcm[start : start + block])
            due += 0.02
        self.voice.rest()

    def heard(self):
        decoder = OpusDecoder()
        return np.concatenate([decoder.decode(payload) for _, _, payload in self.packets])


def frequency(pcm):
    spectrum = np.abs(np.fft.rfft(pcm.astype(float)))
    return np.argmax(spectrum) * CLOCK / len(pcm)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_what_is_said_is_heard(rate):
    async def main():
        spoken = Spoken(rate)
        await spoken.say(tone(rate, 1.0))
        await asyncio.sleep(1)
        return spoken

    spoken = run(main())
    pcm = spoken.heard()
    assert len(pcm) == pytest.approx(CLOCK * (1.0 + 0.02 * TAIL), abs=2 * TICKS)
    assert frequency(pcm[4800:43_200]) == pytest.approx(300, abs=5)
    assert np.abs(pcm[9600:38_400]).max() == pytest.approx(8000, rel=0.15)
    loud = np.flatnonzero(np.abs(pcm) > 2000)
    assert (loud[-1] - loud[0]) / CLOCK == pytest.approx(1.0, abs=0.03), "nothing of its end is kept back"
    assert np.abs(pcm[-TICKS:]).max() < 50, "it ends in silence"


def test_packets_of_a_reply_follow_each_other_and_stand_still_in_silence():
    async def main():
        spoken = Spoken(24_000)
        await spoken.say(tone(24_000, 0.5))
        await asyncio.sleep(2.0)
        before = len(spoken.packets)
        await asyncio.sleep(5.0)
        assert len(spoken.packets) == before == 25 + TAIL
        again = spoken.loop.time()
        await spoken.say(tone(24_000, 0.5))
        await asyncio.sleep(1.0)
        return spoken, before, again

    spoken, before, again = run(main())
    stamps = [stamp for _, stamp, _ in spoken.packets]
    assert all(later - at == TICKS for at, later in pairwise(stamps[:before]))
    assert all(later - at == TICKS for at, later in pairwise(stamps[before:]))
    began = spoken.packets[0][0]
    assert stamps[before] == pytest.approx((again - began) * CLOCK, abs=1), "the clock went on meanwhile"
    times = [at for at, _, _ in spoken.packets[:before]]
    assert all(later - at == pytest.approx(0.02, abs=1e-6) for at, later in pairwise(times))


def test_blocks_that_are_pulled_late_leave_no_hole():
    async def main():
        spoken = Spoken(24_000)
        await spoken.say(tone(24_000, 1.0), late=range(10, 20))
        return [stamp for _, stamp, _ in spoken.packets]

    stamps = run(main())
    assert stamps == list(range(0, len(stamps) * TICKS, TICKS))


def test_a_pause_and_its_end_are_never_told_to_be_at_one_time():
    async def main():
        spoken = Spoken(22_050)
        for pause in (0.0, 0.01, 0.03, 0.05, 0.09, 0.3):
            await spoken.say(tone(22_050, 0.1))
            await asyncio.sleep(pause)
        await asyncio.sleep(1)
        return [stamp for _, stamp, _ in spoken.packets]

    stamps = run(main())
    assert all(later - at >= TICKS for at, later in pairwise(stamps))


def test_a_greeting_is_silence():
    async def main():
        spoken = Spoken(24_000)
        spoken.voice.greet()
        await asyncio.sleep(1)
        return spoken

    spoken = run(main())
    assert len(spoken.packets) == TAIL
    assert np.abs(spoken.heard()).max() < 50


def test_nothing_is_sent_once_it_is_closed():
    async def main():
        spoken = Spoken(24_000)
        await spoken.say(tone(24_000, 0.1))
        count = len(spoken.packets)
        spoken.voice.close()
        await asyncio.sleep(1)
        assert len(spoken.packets) == count

    run(main())


@pytest.mark.parametrize("rate", [22_050, 24_000, 44_100])
def test_each_block_is_a_packet_at_once(rate):
    async def main():
        spoken = Spoken(rate)
        for count in range(1, 11):
            spoken.voice.take(tone(rate, 0.02))
            assert len(spoken.packets) == count
        spoken.voice.close()

    run(main())


def test_the_users_packets_reach_the_ears_as_they_come():
    """A click is heard with the packet that holds it: Opus looks 6.5 ms ahead, our filter 1 ms."""

    async def main():
        loop, source, decoder = asyncio.get_running_loop(), NetworkSource(), OpusDecoder()
        voice = OpusVoice(16_000, lambda stamp, payload: source.append(decoder.decode(payload), CLOCK))
        heard, said = [], np.zeros(10 * 320, np.int16)
        said[8 * 320 - 144 : 8 * 320 - 128] = 20_000  # 9 to 8 ms before the eighth packet's end

        async def hear():
            async for frame in source.frames():
                if np.abs(frame.pcm).max() > 4000:
                    heard.append((loop.time(), frame.time + np.abs(frame.pcm).argmax() / 16_000))

        hearing, began = asyncio.create_task(hear()), loop.time()
        for block in said.reshape(-1, 320):
            await asyncio.sleep(0.02)
            voice.take(block)
        hearing.cancel()
        voice.close()
        ((at, dated),) = heard
        assert at - began == pytest.approx(0.16)
        assert dated - began == pytest.approx(0.16 - 0.0085 + 0.0065, abs=1e-3)

    run(main())


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\xff" * 200, bytes(range(256)) * 6])
def test_what_is_no_opus_is_no_sound_or_some_but_no_failure(payload):
    decoder = OpusDecoder()
    assert len(decoder.decode(payload)) in range(0, 6 * TICKS + 1)
    assert decoder.decode(b"\xf8\xff\xfe").shape == (TICKS,), "and what comes behind is heard"
