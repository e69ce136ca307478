"""Devices that are lost and come back, on the virtual clock: told once each, and nothing unheard counts as heard."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from pipelines.virtual_time import run
from sophia.audio import FRAME_SECONDS, Frame
from sophia.microphone import MicrophoneLost, NoMicrophone
from sophia.playout import Playout
from sophia.playout_events import PlayoutFinished, PlayoutStarted
from sophia.returning import ReturningMicrophone, ReturningSink
from sophia.sinks import NullSink, SinkError

RATE = 16_000
LOUD = np.full(320, 5000, np.int16)


class Plugged:
    """A microphone that gives ``frames`` frames and is then lost; none at all: it cannot be opened."""

    def __init__(self, frames):
        self.overflows = 1
        self.closed = False
        self._count = frames

    async def frames(self):
        loop = asyncio.get_running_loop()
        if not self._count:
            await asyncio.sleep(0.3)  # opening takes a while
            raise NoMicrophone("no microphone: Error querying device -1; plug one in")
        for _ in range(self._count):
            await asyncio.sleep(FRAME_SECONDS)
            if self.closed:
                return
            yield Frame(LOUD, loop.time() - FRAME_SECONDS)
        raise MicrophoneLost("the microphone stopped; was it unplugged?")

    async def aclose(self):
        self.closed = True


def listened(microphones, *, seconds=300.0, most=10_000, close_at=None):
    """What a returning microphone gives: frames, what was told, and what ended it."""

    async def main():
        loop = asyncio.get_running_loop()
        told, frames, coming = [], [], iter([Plugged(count) for count in microphones])
        source = ReturningMicrophone(
            lambda: next(coming),
            seconds,
            lambda error: told.append((loop.time(), str(error))),
            lambda: told.append((loop.time(), "back")),
        )
        if close_at:
            loop.call_at(close_at, lambda: closing.append(asyncio.ensure_future(source.aclose())))
        closing = []
        try:
            async for frame in source.frames():
                frames.append(frame)
                if len(frames) == most:
                    break
        except Exception as error:
            return frames, told, error, source
        return frames, told, None, source

    return run(main())


def test_a_blip_is_bridged_with_silence_in_real_time_and_told_once_each():
    frames, told, error, source = listened([50, 0, 0, 60], most=300)
    assert error is None
    assert [what for _, what in told] == ["the microphone stopped; was it unplugged?", "back"]
    assert told[1][0] - told[0][0] == pytest.approx(0.5 + 0.3 + 1.0 + 0.3 + 2.0 + FRAME_SECONDS, abs=0.05)
    silent = [frame for frame in frames if not frame.pcm.any()]
    assert len(silent) * FRAME_SECONDS == pytest.approx(told[1][0] - told[0][0], abs=0.05)
    steps = [later.time - before.time for before, later in pairwise(frames)]
    assert max(steps) < 0.05
    assert min(steps) > -1e-9
    assert source.overflows == 4


def test_a_microphone_that_never_opened_is_an_error_at_once():
    frames, told, error, _ = listened([0, 50])
    assert isinstance(error, NoMicrophone)
    assert not frames
    assert not told


def test_one_that_stays_away_ends_the_conversation_after_the_time_that_is_set():
    frames, told, error, _ = listened([50, *[0] * 100], seconds=20)
    assert isinstance(error, MicrophoneLost)
    assert "did not come back within 20 s: no microphone" in str(error)
    assert len(told) == 1
    assert frames[-1].end - told[0][0] == pytest.approx(20, abs=0.5)


def test_closing_while_it_is_away_ends_the_frames():
    frames, told, error, _ = listened([50, *[0] * 100], close_at=4.0, most=2000)
    assert error is None
    assert len(told) == 1
    assert frames[-1].end < 4.1


class Card(NullSink):
    """A loudspeaker that takes ``seconds`` of sound, and is then lost; none: it does not open."""

    def __init__(self, seconds):
        super().__init__()
        self.underflows = 1
        self.opened = asyncio.Event()
        self._seconds = seconds

    async def run(self, playout):
        await asyncio.sleep(0.1)
        if not self._seconds:
            raise SinkError("no sound card to play on")
        self.opened.set()
        try:
            async with asyncio.timeout(self._seconds):
                await super().run(playout)
        except TimeoutError:
            raise SinkError("the sound card stopped; was it unplugged?") from None


def played(cards, sounds, *, seconds=300.0, until=40.0):
    """Plays generations of ``(at, length)`` seconds: events, what was told, and the blocks that reached somebody."""

    async def main():
        loop = asyncio.get_running_loop()
        events, told, blocks, coming = [], [], [], iter([Card(length) for length in cards])
        playout = Playout(RATE, events.append, tap=lambda pcm, at, _: blocks.append((at, pcm)))
        sink = ReturningSink(
            lambda: next(coming),
            seconds,
            lambda error: told.append((loop.time(), str(error))),
            lambda: told.append((loop.time(), "back")),
            lambda error: told.append((loop.time(), "for good")),
        )
        playing = asyncio.create_task(sink.run(playout))
        for number, (at, length) in enumerate(sounds, 1):
            await asyncio.sleep(at - loop.time())
            playout.open(number)
            await playout.push(number, np.full(round(length * RATE), 5000, np.int16))
            playout.finish(number)
            playout.release(number)
        await asyncio.sleep(until - loop.time())
        playing.cancel()
        await asyncio.wait([playing])
        heard = [playout.heard(number) / RATE for number in range(1, len(sounds) + 1)]
        audible = sum(np.count_nonzero(pcm) for _, pcm in blocks) / RATE
        return events, told, heard, audible

    return run(main())


def test_what_was_played_to_nobody_was_not_heard_and_the_clock_goes_on():
    # The card dies at 4.1 s, two seconds into the first reply; the second is wholly unheard; the third is heard.
    events, told, heard, audible = played([4, 0, 0, 0, 100], [(2.1, 5), (9, 1), (20, 1)])
    assert [what for _, what in told] == ["the sound card stopped; was it unplugged?", "back"]
    assert heard == [pytest.approx(2, abs=0.05), 0, pytest.approx(1, abs=0.01)]
    assert audible == pytest.approx(3, abs=0.1)
    ended = [event for event in events if isinstance(event, PlayoutFinished)]
    assert [event.generation for event in ended] == [1, 2, 3]
    assert [event.time for event in ended] == [pytest.approx(t, abs=0.15) for t in (7.1, 10, 21)]
    assert [event.samples / RATE for event in ended] == heard
    assert [event.generation for event in events if isinstance(event, PlayoutStarted)] == [1, 3]


def test_a_card_that_never_opens_is_told_once_and_again_when_it_is_given_up():
    _, told, heard, _ = played([0] * 100, [(2, 1)], seconds=30, until=60)
    assert [what for _, what in told] == ["no sound card to play on", "for good"]
    assert told[1][0] == pytest.approx(30, abs=0.5)
    assert heard == [0]
