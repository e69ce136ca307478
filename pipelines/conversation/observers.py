"""Those who watch a conversation: the terminal, a recording, metrics, spans, a client's connection, a test.

An observer is told every event and every decision, on the loop's thread, in the order in which they happened. It is
quick: what takes long it hands to a task or a thread of its own. An observer that raises is logged and not told any
more; the conversation does not depend on who watches.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from opentelemetry import context as otel

from aurora.face import FaceFrame, Weights
from pipelines.conversation.events import Happening, Reading
from sophia.audio import Frame, Pcm
from sophia.heard import TimedWord
from sophia.played import Piece

_log = logging.getLogger(__name__)


class Observer:
    """Does nothing; overrides what it cares for. Methods that are not overridden cost nothing."""

    def told(self, happening: Happening) -> None:
        """Anything that came in, was decided or was derived."""

    def metered(self, reading: Reading) -> None:
        """What meters and captions show, ten times a second; it is only made where somebody shows it."""

    @property
    def metering(self) -> bool:
        """Whether it shows meters or captions just now."""
        return True

    def listened(self, frame: Frame) -> None:
        """A frame as the ears got it: 20 ms of 16 kHz mono, echo removed."""

    def played(self, pcm: Pcm, time: float) -> None:
        """A block as the sink got it, audible at ``time``; no call means silence."""

    def sounded(self, pcm: Pcm, time: float, pieces: Sequence[Piece]) -> None:
        """The same as :meth:`played`, and whose samples the block holds; what no piece names is silence, or a ramp."""

    def posed(self, time: float, weights: Weights) -> None:
        """The pose of the face at ``time``, shape ``(52,)``; only while she speaks, and where she has a face."""

    def turned(self, time: float, head: tuple[float, float]) -> None:
        """Pitch (down) and yaw (to her left) of the head, in radians, in the pose that follows at once."""

    def rested(self, time: float, weights: Weights) -> None:
        """The pose between replies, shape ``(52,)``, sixty times a second; it is only made where somebody wants it."""

    def framed(self, generation: int, frame: FaceFrame) -> None:
        """A frame of the face as the service made it, ahead of its sound; also of a reply that is dropped."""

    def scripted(self, generation: int, words: Sequence[TimedWord]) -> None:
        """The next words of a reply and the samples at which they sound, ahead of them; also of one that is dropped."""


class Tracing(Protocol):
    """Spans of the conversation: an observer that also knows each turn's place in a trace."""

    def context(self, turn: int) -> otel.Context | None: ...


class Observers:
    """All observers of a conversation as one."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._all = list(observers)
        self._sort()

    def _sort(self) -> None:
        """Who overrides what: a frame every 20 ms should not visit those who do not care."""

        def who(method: str) -> list[Observer]:
            plain = getattr(Observer, method)
            return [one for one in self._all if getattr(getattr(one, method), "__func__", None) is not plain]

        self._told, self._metered, self._listened = who("told"), who("metered"), who("listened")
        self._played, self._posed, self._rested = who("played"), who("posed"), who("rested")
        self._framed, self._scripted, self._sounded = who("framed"), who("scripted"), who("sounded")
        self._turned = who("turned")

    @property
    def watch_the_face(self) -> bool:
        """Whether anybody sees her: otherwise no pose need be made."""
        return bool(self._posed)

    @property
    def watch_the_rest(self) -> bool:
        """Whether anybody sees her while she says nothing."""
        return bool(self._rested)

    @property
    def watch_the_meters(self) -> bool:
        """Whether anybody shows levels and captions just now: otherwise nothing need be read."""
        return any(one.metering for one in self._metered)

    def told(self, happening: Happening) -> None:
        self._tell(self._told, "told", happening)

    def metered(self, reading: Reading) -> None:
        self._tell(self._metered, "metered", reading)

    def listened(self, frame: Frame) -> None:
        self._tell(self._listened, "listened", frame)

    def played(self, pcm: Pcm, time: float) -> None:
        self._tell(self._played, "played", pcm, time)

    def sounded(self, pcm: Pcm, time: float, pieces: Sequence[Piece]) -> None:
        self._tell(self._sounded, "sounded", pcm, time, pieces)

    def posed(self, time: float, weights: Weights) -> None:
        self._tell(self._posed, "posed", time, weights)

    def turned(self, time: float, head: tuple[float, float]) -> None:
        self._tell(self._turned, "turned", time, head)

    def rested(self, time: float, weights: Weights) -> None:
        self._tell(self._rested, "rested", time, weights)

    def framed(self, generation: int, frame: FaceFrame) -> None:
        self._tell(self._framed, "framed", generation, frame)

    def scripted(self, generation: int, words: Sequence[TimedWord]) -> None:
        self._tell(self._scripted, "scripted", generation, words)

    def _tell(self, whom: list[Observer], method: str, *what: object) -> None:
        for one in whom:
            try:
                getattr(one, method)(*what)
            except Exception:
                _log.exception("an observer failed and is not told any more: %s", type(one).__qualname__)
                self._all = [other for other in self._all if other is not one]
                self._sort()
