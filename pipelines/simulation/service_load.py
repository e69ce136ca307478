"""How busy the simulated services are at this moment, and how much that slows them down."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType

from pipelines.simulation.profile import Load, factor


class Busy:
    """Counts what is under way; entered and left by each request."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> None:
        self.count += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.count -= 1


@dataclass(slots=True)
class ServiceLoad:
    """What all conversations of a simulation ask of the services together."""

    load: Load
    streams: Busy = field(default_factory=Busy)
    llm: Busy = field(default_factory=Busy)
    tts: Busy = field(default_factory=Busy)
    face: Busy = field(default_factory=Busy)

    @property
    def asr(self) -> float:
        """The factor on the recogniser's delays."""
        return factor(self.load.asr, self.streams.count)

    @property
    def first_token(self) -> float:
        """The factor on the time to the first token."""
        return factor(self.load.first_token, self._number(self.llm))

    @property
    def token(self) -> float:
        """The factor on the time between two tokens."""
        return factor(self.load.token, self._number(self.llm))

    @property
    def first_sound(self) -> float:
        """The factor on the time to a clause's first sound."""
        return factor(self.load.first_sound, self._number(self.tts))

    @property
    def speed(self) -> float:
        """The factor on the time that a second of sound takes."""
        return factor(self.load.speed, self._number(self.tts))

    @property
    def first_frame(self) -> float:
        """The factor on the time to the face's first frame."""
        return factor(self.load.first_frame, self._number(self.face))

    def _number(self, service: Busy) -> int:
        return self.streams.count if self.load.by == "streams" else service.count
