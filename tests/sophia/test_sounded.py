"""Ends of voices are judged beside the loop: the newest alone, of the right sound, and nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.virtual_time import run
from sophia.audio import EAR_RATE, Frame, Pcm
from sophia.events import SoundJudged
from sophia.sounded import LEAD, SoundedDetector, ThreadedJudge, sounded
from sophia.vad import VoiceStarted, VoiceStopped

FRAME = 320


class Scripted:
    """A voice detector that hears a voice begin and end with these frames."""

    def __init__(self, emit: Callable[[VoiceStarted | VoiceStopped], None], edges: dict[int, str]) -> None:
        self._emit, self._edges, self._frames = emit, edges, 0
        self.threshold: float | None = None

    def push(self, frame: Frame) -> None:
        match self._edges.get(self._frames):
            case "starts":
                self._emit(VoiceStarted(frame.time, frame.end))
            case "stops":
                self._emit(VoiceStopped(frame.time, frame.end))
        self._frames += 1

    def adapt(self, threshold: float | None) -> None:
        self.threshold = threshold


class Patient:
    """A judge that keeps what it was asked, and says something when it is told to."""

    def __init__(self) -> None:
        self.asked: list[Pcm] = []
        self.called_off: list[int] = []
        self._tells: list[Callable[[float], None]] = []

    def judge(self, sound: Pcm, tell: Callable[[float], None]) -> Callable[[], None]:
        number = len(self.asked)
        self.asked.append(sound)
        self._tells.append(tell)
        return lambda: self.called_off.append(number)

    def says(self, number: int, complete: float) -> None:
        self._tells[number](complete)


def pushed(edges: dict[int, str], frames: int, since: float | None = 0.0) -> tuple[Patient, list[object]]:
    """Frames whose samples count up, of which the first begins at 0."""
    judge, emitted = Patient(), list[object]()
    detector = SoundedDetector(lambda emit: Scripted(emit, edges), judge, lambda: since, emitted.append)
    for number in range(frames):
        first = number * FRAME
        detector.push(Frame((np.arange(first, first + FRAME) % 30_000).astype(np.int16), first / EAR_RATE))
    return judge, emitted


def test_each_end_of_a_voice_is_judged_after_it_was_told() -> None:
    judge, emitted = pushed({3: "starts", 20: "stops", 30: "starts", 40: "stops"}, 50)
    assert [type(event) for event in emitted] == [VoiceStarted, VoiceStopped] * 2
    assert [len(sound) for sound in judge.asked] == [21 * FRAME, 41 * FRAME]
    assert 0 in judge.called_off  # what came after made it void
    assert 1 not in judge.called_off


@given(st.floats(0, 20), st.integers(1, 1200))
def test_the_sound_is_that_of_the_utterance_and_no_more_than_8_seconds(since: float, frames: int) -> None:
    judge, _ = pushed({frames - 1: "stops"}, frames, since)
    (sound,) = judge.asked
    last = frames * FRAME
    first = min(last, max(0, last - 8 * EAR_RATE, round((since - LEAD) * EAR_RATE)))
    assert abs(len(sound) - (last - first)) <= 1
    np.testing.assert_array_equal(sound, (np.arange(last - len(sound), last) % 30_000).astype(np.int16))


def test_what_is_no_utterance_is_not_judged() -> None:
    judge, emitted = pushed({3: "starts", 20: "stops"}, 30, since=None)
    assert judge.asked == []
    assert len(emitted) == 2


def test_a_judgement_is_an_event_with_the_voices_end_and_its_own_time() -> None:
    async def judged() -> object:
        await asyncio.sleep(7.5)
        judge, emitted = pushed({3: "starts", 20: "stops"}, 30)
        judge.says(0, 0.25)
        return emitted[-1]

    assert run(judged()) == SoundJudged(at=7.5, time=20 * FRAME / EAR_RATE, complete=0.25)


def test_without_a_judge_the_detector_is_what_it_was() -> None:
    make = lambda emit: Scripted(emit, {})  # noqa: E731
    assert sounded(make, None, lambda: None) is make
    detector = sounded(make, Patient(), lambda: None)(lambda _: None)
    detector.adapt(0.7)
    assert isinstance(detector, SoundedDetector)
    assert detector._detector.threshold == 0.7  # type: ignore[attr-defined]


class Gate:
    """A network that waits until it may go on, and knows what it was asked in which thread."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.threads: set[int] = set()
        self.begun, self.go_on = threading.Event(), threading.Event()

    def complete(self, sound: Pcm) -> float:
        self.asked.append(int(sound[0]))
        self.threads.add(threading.get_ident())
        self.begun.set()
        self.go_on.wait(20)
        if sound[0] == 13:
            raise RuntimeError("no more memory")
        return float(sound[0]) / 100


def sound(number: int) -> Pcm:
    return np.full(1, number, np.int16)


async def test_the_loop_goes_on_while_a_thread_judges() -> None:
    gate, told = Gate(), asyncio.Queue[float]()
    judge = ThreadedJudge(gate.complete, threads=1)
    judge.judge(sound(50), told.put_nowait)
    await asyncio.to_thread(gate.begun.wait, 20)
    assert told.empty()
    gate.go_on.set()
    assert await told.get() == 0.5
    assert threading.get_ident() not in gate.threads
    judge.close()


async def test_what_was_called_off_is_not_begun_and_what_was_begun_is_not_told() -> None:
    gate, told = Gate(), asyncio.Queue[float]()
    judge = ThreadedJudge(gate.complete, threads=1)
    off = judge.judge(sound(1), told.put_nowait)
    await asyncio.to_thread(gate.begun.wait, 20)
    off()
    for number in range(2, 40):  # one session's pauses: the newest is the only one that waits
        off = judge.judge(sound(number), told.put_nowait)
        if number < 39:
            off()
    gate.go_on.set()
    assert await told.get() == 0.39
    assert gate.asked == [1, 39]
    assert told.empty()
    judge.close()


async def test_a_failure_is_logged_and_the_words_decide_alone(caplog: pytest.LogCaptureFixture) -> None:
    gate, told = Gate(), asyncio.Queue[float]()
    gate.go_on.set()
    judge = ThreadedJudge(gate.complete, threads=1)
    judge.judge(sound(13), told.put_nowait)
    judge.judge(sound(7), told.put_nowait)
    assert await told.get() == 0.07
    assert "the turn model on audio failed: no more memory" in caplog.text
    judge.close()


async def test_closing_waits_for_nothing_and_begins_nothing() -> None:
    gate, told = Gate(), list[float]()
    judge = ThreadedJudge(gate.complete, threads=1)
    judge.judge(sound(1), told.append)
    await asyncio.to_thread(gate.begun.wait, 20)
    judge.judge(sound(2), told.append)
    judge.close()
    gate.go_on.set()
    assert gate.asked == [1]
