"""Her own voice in a remote user's microphone: the browser takes most of it out, and this what it leaves.

Where nothing is installed that cancels without closing the ear, the browser's own must do: she would not be interrupted
otherwise. With headphones nothing comes back, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Sequence

from sophia.audio import Frame, Pcm
from sophia.echo import EchoCanceller, EchoError, EchoGuard
from sophia.half_duplex import HalfDuplexGuard


def guard(mode: str) -> EchoGuard | None:
    """What ``microphone.echo`` asks for, behind a browser's own cancellation; None where there is nothing to add."""
    if mode == "half-duplex":
        return HalfDuplexGuard()
    if mode == "off":
        return None
    try:
        return EchoCanceller()
    except EchoError:
        return None


class ClientEcho:
    """An :class:`~sophia.echo.EchoGuard` that can be put aside: ``headphones`` says that the client needs none."""

    def __init__(self, guard: EchoGuard | None) -> None:
        self.headphones = False
        self._guard = guard

    def reference(self, pcm: Pcm, rate: int, time: float) -> None:
        if self._guard and not self.headphones:
            self._guard.reference(pcm, rate, time)

    def process(self, frame: Frame) -> Sequence[Frame]:
        if self._guard is None or self.headphones:
            return (frame,)
        return self._guard.process(frame)
