"""A few threads that decode utterances for all streams: what somebody waits for first, the rest in order of arrival."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipelines.embedded.speech.ears.hypothesis import Decoded

Decode = Callable[[NDArray[np.int16], Callable[[], bool]], Decoded | None]


class Job:
    """One utterance, or the beginning of one, to be decoded. ``urgent`` ones go before the others."""

    def __init__(self, decode: Decode, pcm: NDArray[np.int16], *, urgent: bool) -> None:
        self._decode, self.pcm, self.urgent = decode, pcm, urgent
        self.seconds = 0.0
        self._result: Decoded | None = None
        self._error: Exception | None = None
        self._stopped, self._done = threading.Event(), threading.Event()

    def stop(self) -> None:
        """Nobody wants it any more: it ends at its next token."""
        self._stopped.set()

    def result(self, seconds: float = 0.0) -> Decoded | None:
        """What was heard; ``None`` if it is not known within ``seconds``, or was stopped. Raises what went wrong."""
        if not self._done.wait(max(0.0, seconds)):
            return None
        if self._error is not None:
            raise self._error
        return self._result

    @property
    def over(self) -> bool:
        return self._done.is_set()

    def run(self) -> None:
        """Decodes; never raises."""
        began = time.monotonic()
        try:
            if not self._stopped.is_set():
                self._result = self._decode(self.pcm, self._stopped.is_set)
        except Exception as error:
            self._error = error
        self.seconds = time.monotonic() - began
        self._done.set()


class Decoders:
    """``threads`` of them. Each stream has at most one urgent and one other job waiting, which bounds the queue."""

    def __init__(self, threads: int) -> None:
        self._waiting: queue.PriorityQueue[tuple[bool, int, Job]] = queue.PriorityQueue()
        self._arrivals = itertools.count()
        self._lock = threading.Lock()
        self._running: list[Job] = []
        self._threads = threads
        for _ in range(threads):
            threading.Thread(target=self._work, daemon=True).start()

    def submit(self, decode: Decode, pcm: bytes, *, urgent: bool) -> Job:
        """Has 16 kHz int16 sound decoded. An urgent job takes the place of another one if all threads are busy."""
        job = Job(decode, np.frombuffer(pcm, "<i2"), urgent=urgent)
        if urgent:
            with self._lock:
                others = [one for one in self._running if not one.urgent]
                if others and len(self._running) == self._threads:
                    others[0].stop()
        self._waiting.put((not urgent, next(self._arrivals), job))
        return job

    def _work(self) -> None:
        while True:
            job = self._waiting.get()[2]
            with self._lock:
                self._running.append(job)
            job.run()
            with self._lock:
                self._running.remove(job)
