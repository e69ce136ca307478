"""Whole-utterance ears with a scripted engine: who is decoded first, what is heard when, what is taken for noise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from pipelines.embedded.speech.ears.decoders import Decoders
from pipelines.embedded.speech.ears.hypothesis import Decoded
from pipelines.embedded.speech.ears.moonshine import RATE, is_noise, text_of, vocabulary
from pipelines.embedded.speech.ears.whole_utterance import WholeUtterance

SECOND = bytes(2 * RATE)


def tone(seconds: float, before: float = 0.0, after: float = 0.0) -> bytes:
    wave = 8000 * np.sin(np.arange(round(seconds * RATE)) / 5)
    return np.pad(wave, (round(before * RATE), round(after * RATE))).astype("<i2").tobytes()


class Gated:
    """An engine that begins nothing before it may, and tells what it has begun: seconds of sound."""

    def __init__(self) -> None:
        self.may = threading.Semaphore(0)
        self.begun: list[float] = []
        self.at_work = threading.Semaphore(0)

    def __call__(self, pcm: np.ndarray, stopped: Callable[[], bool]) -> Decoded | None:
        self.begun.append(len(pcm) / RATE)
        self.at_work.release()
        while not self.may.acquire(timeout=0.01):
            if stopped():
                return None
        if stopped():
            self.may.release()
            return None
        return Decoded(f"heard {len(pcm) // RATE} seconds.", 0.9)


def test_what_somebody_waits_for_goes_first_and_the_rest_in_order() -> None:
    engine = Gated()
    decoders = Decoders(1)
    running = decoders.submit(engine, SECOND, urgent=True)
    engine.at_work.acquire(timeout=5)
    waiting = [decoders.submit(engine, SECOND * n, urgent=n in (4, 5)) for n in (2, 3, 4, 5)]
    engine.may.release(5)
    assert all(job.result(5) for job in (running, *waiting))
    assert engine.begun == [1, 4, 5, 2, 3]


def test_an_urgent_job_takes_the_place_of_another_one() -> None:
    engine = Gated()
    decoders = Decoders(1)
    live = decoders.submit(engine, SECOND, urgent=False)
    engine.at_work.acquire(timeout=5)
    urgent = decoders.submit(engine, SECOND * 2, urgent=True)
    assert live.result(5) is None
    assert live.over
    engine.may.release()
    assert urgent.result(5) == Decoded("heard 2 seconds.", 0.9)


def test_an_engine_that_fails_fails_its_stream_and_no_other() -> None:
    def engine(pcm: np.ndarray, stopped: Callable[[], bool]) -> Decoded:
        if len(pcm) == RATE:
            raise RuntimeError("out of memory")
        return Decoded("fine", 0.9)

    decoders = Decoders(1)
    with pytest.raises(RuntimeError, match="out of memory"):
        decoders.submit(engine, SECOND, urgent=False).result(5)
    assert decoders.submit(engine, SECOND * 2, urgent=False).result(5) == Decoded("fine", 0.9)


def ears(text: str, confidence: float = 0.9) -> WholeUtterance:
    return WholeUtterance(lambda pcm, stopped: Decoded(text, confidence), Decoders(1), is_noise)


def soon() -> float:
    return time.monotonic() + 5


def test_live_words_have_no_end_mark_and_are_none_while_the_second_pass_runs() -> None:
    engine = Gated()
    one = WholeUtterance(engine, Decoders(1))
    one.start()
    one.feed(SECOND)
    engine.may.release()
    assert one.text(soon()) == "heard 1 seconds"
    assert one.looks == 1
    one.feed(SECOND)
    one.speculate(SECOND * 2)
    assert one.text(time.monotonic()) == ""
    assert one.second_pass(time.monotonic()) is None
    engine.may.release()
    second = one.second_pass(soon())
    assert second is not None
    assert second.text == "heard 2 seconds."


def test_going_on_stops_the_second_pass() -> None:
    engine = Gated()
    one = WholeUtterance(engine, Decoders(1))
    one.start()
    one.feed(SECOND)
    one.speculate(SECOND)
    engine.at_work.acquire(timeout=5)
    one.resume()
    one.feed(SECOND)
    engine.may.release()
    assert one.text(soon()) == "heard 2 seconds"


def test_no_live_pass_before_there_is_something_new() -> None:
    engine = Gated()
    one = WholeUtterance(engine, Decoders(1))
    one.start()
    engine.may.release(9)
    for _ in range(10):
        one.feed(SECOND[: len(SECOND) // 10])
        one.text(soon())
    assert len(engine.begun) in (2, 3)  # each third of a second, or later where a pass took long


def test_an_engine_that_never_answers_leaves_the_live_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.embedded.speech.ears.whole_utterance._LATEST", 0.05)
    engine = Gated()
    one = WholeUtterance(engine, Decoders(1))
    one.start()
    one.feed(SECOND)
    engine.may.release()
    one.text(soon())
    one.speculate(SECOND)
    assert one.end().text == "heard 1 seconds."
    one.abandon()


def test_who_is_cut_off_in_mid_speech_is_heard_to_the_last_word() -> None:
    engine = Gated()
    one = WholeUtterance(engine, Decoders(1))
    one.start()
    one.feed(SECOND)
    engine.may.release()
    assert one.text(soon()) == "heard 1 seconds"
    one.feed(SECOND * 2)  # and no silence after it: the utterance is as long as one may be
    engine.may.release()
    assert one.end().text == "heard 3 seconds."


@pytest.mark.parametrize(
    ("text", "confidence", "words"),
    [
        ("You", 0.75, 0),
        ("Thank you.", 0.7, 0),
        ("You.", 0.9, 1),
        ("No, it is.", 0.3, 0),
        ("What is it that you want?", 0.4, 6),
        ("", 0.9, 0),
        ("Hello world,", 0.7, 2),
    ],
)
def test_what_noise_is_heard_as_is_not_taken_for_words(text: str, confidence: float, words: int) -> None:
    one = ears(text, confidence)
    one.start()
    one.speculate(tone(1.0))
    hypothesis = one.second_pass(soon())
    assert hypothesis is not None
    assert len(hypothesis.words) == words
    assert not hypothesis.text.endswith(",")


def test_words_share_the_time_in_which_there_was_a_voice() -> None:
    one = ears("one two three")
    one.start()
    one.speculate(tone(1.0, before=0.4, after=0.2))
    hypothesis = one.second_pass(soon())
    assert hypothesis is not None
    times = [(word.start, word.end) for word in hypothesis.words]
    assert times[0][0] == pytest.approx(400, abs=21)
    assert times[-1][1] == pytest.approx(1400, abs=21)
    assert all(a < b for a, b in times)
    assert [b for _, b in times[:-1]] == [a for a, _ in times[1:]]


def test_a_comma_that_the_model_doubles_is_one() -> None:
    assert text_of("\u2581Hello|,|\u2581Sophia|,|,|\u2581who".encode().split(b"|")) == "Hello, Sophia, who"


def test_a_token_of_many_bytes_has_its_length_in_two() -> None:
    packed = b"\x00" + b"\x03abc" + bytes([0x80 + 72, 1]) + b"x" * 200
    assert vocabulary(packed) == [b"", b"abc", b"x" * 200]
