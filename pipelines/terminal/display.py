"""What a conversation shows of itself: the interface.

A display is written to from the event loop and must never hold it up. Whatever a terminal or a pipe does (a reader that
stalls, Ctrl+S), another thread waits for it. Plain lines are in :mod:`pipelines.terminal.plain`, the screen for people
in :mod:`pipelines.terminal.screen`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from pipelines.telemetry.ledger import Ledger

CLOSE_SECONDS = 0.5
"""How long a display may take to show the last of what it was given."""

HEARS = "She is listening."
"""The cue to speak, in words."""


class State(StrEnum):
    """What she is doing."""

    STARTING = "starting"
    LISTENING = "listening"
    HEARING = "hearing"
    THINKING = "thinking"
    SPEAKING = "speaking"
    INTERRUPTED = "interrupted"
    DEAF = "waiting for her ears"


class Display(Protocol):
    """Shows a conversation. Every method returns at once and may be called from any thread."""

    def header(self, config: str, services: Mapping[str, str]) -> None:
        """What this is: the name of the config, and each part's name with where or what it is."""
        ...

    def state(self, name: str) -> None:
        """One of :class:`State`."""
        ...

    def hears(self) -> None:
        """Her ears are open: what is said from now on is heard. Told once."""
        ...

    def partial(self, text: str) -> None:
        """What the user may be saying, so far; replaces the last partial."""
        ...

    def final(self, text: str) -> None:
        """What the user said, so far in this turn."""
        ...

    def reply(self, text_so_far: str, heard_chars: int) -> None:
        """The whole of her reply so far, and how many of its characters were heard."""
        ...

    def levels(self, user_dbfs: float, sophia_dbfs: float) -> None:
        """How loud both are now, in dB relative to full scale."""
        ...

    def turn(self, ledger: Ledger) -> None:
        """A turn is over."""
        ...

    def notice(self, line: str) -> None:
        """Something worth knowing, in one line."""
        ...

    def error(self, failure_line: str, hint: str = "") -> None:
        """Something went wrong: what, and what to do about it, in plain words."""
        ...

    def close(self) -> None:
        """Shows what is left, within :data:`CLOSE_SECONDS`, and gives the terminal back."""
        ...


class SilentDisplay:
    """Shows nothing."""

    def header(self, config: str, services: Mapping[str, str]) -> None: ...

    def state(self, name: str) -> None: ...

    def hears(self) -> None: ...

    def partial(self, text: str) -> None: ...

    def final(self, text: str) -> None: ...

    def reply(self, text_so_far: str, heard_chars: int) -> None: ...

    def levels(self, user_dbfs: float, sophia_dbfs: float) -> None: ...

    def turn(self, ledger: Ledger) -> None: ...

    def notice(self, line: str) -> None: ...

    def error(self, failure_line: str, hint: str = "") -> None: ...

    def close(self) -> None: ...
