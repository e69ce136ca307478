"""Whether there is room for one more talk: places, the event loop, and what the services behind can take.

A talk that was let in is never thrown out for somebody else. Whoever would make it worse for all is told at once that
there is no room, and may come again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import grpc

from nova.errors import Overloaded
from pipelines.conversation.events import EarsBack, EarsLost, Failed, Happening, Retrying
from pipelines.conversation.observers import Observer
from pipelines.server.access import Refusal

LATE_SECONDS: Final = 0.02
"""A loop that was never less late than a frame lasts, in :data:`LATE_WINDOW`, has more to do than it can."""

LATE_WINDOW: Final = 5.0

EXHAUSTED_SECONDS: Final = 10.0
"""A service that took no further call has no room for so long, or until its ears are back."""


class Admission(Observer):
    """One server's. It observes each talk; ``lateness`` gives the least delay of the loop within the last seconds."""

    def __init__(self, places: int, now: Callable[[], float], lateness: Callable[[float], float]) -> None:
        self._places = places
        self._now = now
        self._lateness = lateness
        self._exhausted: dict[str, float] = {}  # service -> until when

    def refusal(self, taken: int) -> Refusal | None:
        """Why nobody else is let in, where ``taken`` places are; None where there is room."""
        if taken >= self._places:
            return full(f"All places are taken ({self._places})", self._places)
        if self._lateness(LATE_WINDOW) > LATE_SECONDS:
            return full("The server has no time for another conversation", self._places)
        for service, until in self._exhausted.items():
            if self._now() < until:
                return full(f"The {service} service takes no more calls", self._places)
        return None

    def told(self, happening: Happening) -> None:
        match happening:
            case EarsLost(error=error) if is_exhausted(error):
                self._note("asr")
            case EarsBack():
                self._exhausted.pop("asr", None)
            case Failed(service=service, error=error) | Retrying(service=service, error=error) if is_exhausted(error):
                self._note(service)

    def _note(self, service: str) -> None:
        self._exhausted[service] = self._now() + EXHAUSTED_SECONDS


def full(why: str, places: int) -> Refusal:
    """There is no room now."""
    return Refusal(503, "session_limit_reached", f"{why}; try again in a moment.", {"places": places})


def is_exhausted(error: Exception) -> bool:
    """Whether a service said that it has no room for another call."""
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    return isinstance(error, Overloaded)
