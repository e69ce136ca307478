"""Ears of an engine that takes whole utterances: the utterance so far is decoded again and again for the interims.

The second pass begins at the first silence, goes before everything else, and is stopped if the user goes on. Nothing is
learned of a speaker, so streams share the engine and nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from pipelines.embedded.speech.ears.decoders import Decode, Decoders, Job
from pipelines.embedded.speech.ears.hypothesis import Decoded, HeardWord, Hypothesis
from pipelines.embedded.speech.ears.listening import RATE

_MORE: Final = 0.32
"""Seconds of new sound that are worth another live pass."""

_SHARE: Final = 2.0
"""And at least so many times what the last live pass took: a long utterance must not take a processor for itself."""

_LATEST: Final = 2.0
"""Seconds that the last word may wait for the engine; then the live words must do."""

_QUIET: Final = 0.05
"""Sound below this share of the loudest is no word's. The words share the time between the first and the last above."""

_FRAME: Final = RATE // 50


class WholeUtterance:
    """One stream's :class:`~.listening.Transcriber` that ``decode`` and the ``decoders`` make, which all share.

    ``is_noise`` knows what the engine takes noise for.
    """

    memory: str | None = ""
    writes = True

    def __init__(
        self, decode: Decode, decoders: Decoders, is_noise: Callable[[Decoded], bool] = lambda decoded: False
    ) -> None:
        self._decode, self._decoders, self._is_noise = decode, decoders, is_noise
        self.looks = 0
        self._pcm = bytearray()
        self._next = 0.0  # seconds of sound at which the next live pass is due
        self._live: Job | None = None
        self._second: Job | None = None
        self._heard = Decoded("", 0.0)

    def start(self) -> None:
        self.abandon()
        self._pcm.clear()
        self._next = _MORE
        self._heard = Decoded("", 0.0)

    def feed(self, pcm: bytes) -> None:
        self._pcm += pcm

    def text(self, deadline: float) -> str:
        """The live words, but none while the second pass is about to know better.

        The mark that the engine puts behind the last word says nothing, for more is to come.
        """
        if self._second is not None:
            return ""
        self._look()
        if self._live is None and self._seconds >= self._next:
            self._live = self._decoders.submit(self._decode, bytes(self._pcm), urgent=False)
        if self._live is not None:
            self._live.result(deadline - time.monotonic())
            self._look()
        return self._heard.text.rstrip(".,?!;:")

    def speculate(self, pcm: bytes) -> None:
        self.abandon()
        self._second = self._decoders.submit(self._decode, pcm, urgent=True)

    def second_pass(self, deadline: float) -> Hypothesis | None:
        if self._second is None:
            return None
        decoded = self._second.result(deadline - time.monotonic())
        return None if decoded is None else self._hypothesis(decoded, self._second.pcm)

    def resume(self) -> None:
        self.abandon()

    def end(self) -> Hypothesis:
        if self._second is None:  # it is cut off in mid-speech: the live words lack the last ones
            self.speculate(bytes(self._pcm))
        second = self.second_pass(time.monotonic() + _LATEST)
        return second or self._hypothesis(self._heard, np.frombuffer(bytes(self._pcm), "<i2"))

    def abandon(self) -> None:
        for job in (self._live, self._second):
            if job is not None:
                job.stop()
        self._live = self._second = None

    @property
    def _seconds(self) -> float:
        return len(self._pcm) / (2 * RATE)

    def _look(self) -> None:
        """Takes the words of a live pass that is done."""
        if self._live is None or not self._live.over:
            return
        if (decoded := self._live.result()) is not None:
            self._heard = decoded
            self.looks += 1
        self._next = len(self._live.pcm) / RATE + max(_MORE, _SHARE * self._live.seconds)
        self._live = None

    def _hypothesis(self, decoded: Decoded, pcm: np.ndarray) -> Hypothesis:
        words = decoded.text.rstrip(" ,;:-").split()  # a comma at the end belongs to words that were not said
        if not words or self._is_noise(decoded):
            return Hypothesis(confidence=decoded.confidence)
        begin, end = _voiced(pcm)
        letters = [len(word) + 1 for word in words]
        edges = begin + (end - begin) * np.cumsum([0, *letters]) / sum(letters)
        times = [round(1000 * float(edge)) for edge in edges]
        heard = zip(words, times, times[1:], strict=False)
        return Hypothesis(
            tuple(HeardWord(word, start, stop, decoded.confidence) for word, start, stop in heard),
            decoded.confidence,
            language=decoded.language,
        )


def _voiced(pcm: np.ndarray) -> tuple[float, float]:
    """Seconds between which there is sound to speak of."""
    frames = pcm[: len(pcm) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float32)
    loud = np.abs(frames).mean(axis=1)
    found = np.flatnonzero(loud > _QUIET * loud.max(initial=0.0))
    if not len(found):
        return 0.0, len(pcm) / RATE
    return found[0] * _FRAME / RATE, (found[-1] + 1) * _FRAME / RATE
