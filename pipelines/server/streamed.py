"""The face of the talk that is shown, on a stream for Unreal and others: one stream, whoever talks."""

from __future__ import annotations

from collections.abc import Callable

from aurora.face import Weights
from pipelines.conversation.observers import Observer
from pipelines.talk.face_stream import FaceStream


class Streamed(Observer):
    """Hands the poses of one talk to ``stream``, as long as ``shown`` says that this is the talk to be seen."""

    def __init__(self, stream: FaceStream, shown: Callable[[], bool]) -> None:
        self._stream = stream
        self._shown = shown

    def turned(self, time: float, head: tuple[float, float]) -> None:
        if self._shown():
            self._stream.turned(time, head)

    def posed(self, time: float, weights: Weights) -> None:
        if self._shown():
            self._stream.posed(time, weights)

    def rested(self, time: float, weights: Weights) -> None:
        if self._shown():
            self._stream.rested(time, weights)

    def close(self) -> None:
        """The talk is over: a mouth that was open does not stay so."""
        if self._shown():
            self._stream.rest()
