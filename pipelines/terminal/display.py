"""What a conversation shows of itself: the interface, and the plain lines for logs and pipes.

A display is written to from the event loop and must never hold it up: whatever a terminal or a pipe does (a reader
that stalls, Ctrl+S), it is another thread that waits for it. The screen for people is in :mod:`terminal_rich`.
"""

from __future__ import annotations

import io
import os
import sys
import threading
import unicodedata
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol, TextIO

from pipelines.telemetry.ledger import Ledger
from pipelines.terminal.bar import in_words, remarks

CLOSE_SECONDS = 0.5
"""How long a display may take to show the last of what it was given."""

LONGEST = 4000
"""Characters of one text that are shown; more is cut. Bounds what a service can make a terminal do."""


class State(StrEnum):
    """What she is doing."""

    LISTENING = "listening"
    HEARING = "hearing"
    THINKING = "thinking"
    SPEAKING = "speaking"
    INTERRUPTED = "interrupted"


class Display(Protocol):
    """Shows a conversation. Every method returns at once and may be called from any thread."""

    def header(self, config: str, services: Mapping[str, str]) -> None:
        """What this is: the name of the config, and each part's name with where or what it is."""
        ...

    def state(self, name: str) -> None:
        """One of :class:`State`."""
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

    def partial(self, text: str) -> None: ...

    def final(self, text: str) -> None: ...

    def reply(self, text_so_far: str, heard_chars: int) -> None: ...

    def levels(self, user_dbfs: float, sophia_dbfs: float) -> None: ...

    def turn(self, ledger: Ledger) -> None: ...

    def notice(self, line: str) -> None: ...

    def error(self, failure_line: str, hint: str = "") -> None: ...

    def close(self) -> None: ...


class PlainDisplay:
    """One line for each thing that is settled; nothing that comes and goes. For logs, pipes and CI."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._lines = LineWriter(stream or sys.stdout)
        self._said = ""

    def header(self, config: str, services: Mapping[str, str]) -> None:
        self._lines.write(f"sophia with {config}")
        for name, what in services.items():
            self._lines.write(f"  {name}: {clean(what)}")

    def state(self, name: str) -> None: ...

    def partial(self, text: str) -> None: ...

    def final(self, text: str) -> None:
        if (text := clean(text)) and text != self._said:
            self._said = text
            self._lines.write(f"you: {text}")

    def reply(self, text_so_far: str, heard_chars: int) -> None: ...

    def levels(self, user_dbfs: float, sophia_dbfs: float) -> None: ...

    def turn(self, ledger: Ledger) -> None:
        self.final(ledger.user)
        self._said = ""
        heard, reply = clean(ledger.heard), clean(ledger.reply)
        if heard and heard != reply:
            self._lines.write(f"sophia: {heard} … (of: {reply})")
        elif reply:
            self._lines.write(f"sophia: {reply}" if heard else f"sophia (unheard): {reply}")
        latency, notes = in_words(ledger), remarks(ledger)
        if latency or notes:
            self._lines.write(f"  turn {ledger.turn}: {'; '.join(part for part in (latency, notes) if part)}")

    def notice(self, line: str) -> None:
        self._lines.write(clean(line))

    def error(self, failure_line: str, hint: str = "") -> None:
        self._lines.write(f"error: {clean(failure_line)}")
        if hint:
            self._lines.write(f"  {clean(hint)}")

    def close(self) -> None:
        self._lines.close()


class LineWriter:
    """Writes lines in a thread of its own, in order. Full (the reader stalls): the oldest are dropped and counted."""

    def __init__(self, stream: TextIO, most: int = 1000) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._most = most
        self._dropped = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="display", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Has ``line`` written soon; never waits for it."""
        with self._changed:
            if len(self._waiting) == self._most:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(line)
            self._changed.notify()

    def close(self, timeout: float = CLOSE_SECONDS) -> None:
        """Writes what is left, within ``timeout`` seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                lines = list(self._waiting)
                self._waiting.clear()
                dropped, self._dropped = self._dropped, 0
                closed = self._closed
            if dropped:
                lines.insert(0, f"({dropped} lines were not shown: nobody read them in time)")
            try:
                self._stream.writelines(line + "\n" for line in lines)
                self._stream.flush()
            except (OSError, ValueError):  # the reader has gone; the conversation does not depend on it
                return
            if closed:
                return


def clean(text: str) -> str:
    """``text`` on one line and without anything that a terminal would obey: services may send what they like.

    Control characters and bidirectional overrides are removed, whitespace is folded, the length is bounded.
    """
    shown = (" " if c.isspace() else c for c in text[:LONGEST] if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join("".join(shown).split()) + ("…" if len(text) > LONGEST else "")


def _draws(stream: TextIO) -> bool:
    """Whether ``stream`` can write the characters that the screen is drawn with."""
    try:
        "━█●".encode(stream.encoding or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def open_display(*, silent: bool = False, stream: TextIO | None = None) -> Display:
    """The right display for ``stream`` (standard output): a screen on a terminal, plain lines elsewhere."""
    out = stream or sys.stdout
    if silent:
        return SilentDisplay()
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")  # a terminal of another age gets question marks, not an exception
    if not out.isatty() or os.environ.get("TERM", "dumb") == "dumb" or not _draws(out):
        return PlainDisplay(out)
    from pipelines.terminal.screen import RichDisplay  # noqa: PLC0415 - only a terminal pays for it

    return RichDisplay(stream=out)
