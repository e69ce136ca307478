"""Her own voice in a remote user's microphone: a browser cancels it, so nothing is done here unless somebody asks.

A canceller costs as much as a whole session's ears, and lets her first sample come later. ``microphone.echo: cancel``
and ``half-duplex`` ask for a guard for every client, and a client may ask for a canceller of its own. With headphones
nothing comes back, and nothing is done.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from sophia.audio import Frame, Pcm
from sophia.echo import EchoCanceller, EchoError, EchoGuard
from sophia.half_duplex import HalfDuplexGuard


def may_cancel(mode: str) -> bool:
    """Whether a client's wish for a canceller can be met where ``microphone.echo`` is ``mode``."""
    return mode != "off" and importlib.util.find_spec("livekit") is not None


class ClientEcho:
    """An :class:`~sophia.echo.EchoGuard` that is there only while it is needed; ``mode`` is ``microphone.echo``."""

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._guard: EchoGuard | None = None

    def adapt(self, *, headphones: bool, wished: bool) -> None:
        """The client wears headphones, or wishes that its echo is cancelled here."""
        mode = "cancel" if wished else self._mode
        if headphones or mode not in ("cancel", "half-duplex"):
            self._guard = None
        elif self._guard is None:
            self._guard = _made(mode)

    def reference(self, pcm: Pcm, rate: int, time: float) -> None:
        if self._guard:
            self._guard.reference(pcm, rate, time)

    def process(self, frame: Frame) -> Sequence[Frame]:
        return self._guard.process(frame) if self._guard else (frame,)


def _made(mode: str) -> EchoGuard | None:
    """None where nothing is installed that cancels without closing the ear: she could not be interrupted otherwise."""
    if mode == "half-duplex":
        return HalfDuplexGuard()
    try:
        return EchoCanceller()
    except EchoError:
        return None
