"""The screen for people: what was said scrolls by, and at the bottom stands what is going on now.

The event loop only notes what changed; a thread of its own paints, at most :data:`FRAMES_PER_SECOND` times a second
and only if something did change.
"""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.telemetry.ledger import Ledger
from pipelines.terminal.bar import latency_line, remarks
from pipelines.terminal.display import CLOSE_SECONDS, HEARS, State
from pipelines.terminal.text import END_OF_ISOLATE, ISOLATE, backwards, clean
from pipelines.terminal.wrapping import wrapped
from sophia.marks import gap

FRAMES_PER_SECOND = 10
MARGIN = 9
"""Cells left of the text, where the speaker's name stands."""
ECHO = 3
"""Cells left free at the end: a "^C" that the terminal echoes there must not begin a new line."""
USER, SOPHIA = "green", "cyan"
FLOOR_DBFS = -60.0
"""The level at which a meter is empty."""

STATES: Mapping[str, tuple[str, str]] = {
    State.STARTING: ("◌", "yellow"),
    State.LISTENING: ("○", "dim"),
    State.HEARING: ("●", USER),
    State.THINKING: ("◐", "yellow"),
    State.SPEAKING: ("●", SOPHIA),
    State.INTERRUPTED: ("■", "red"),
    State.DEAF: ("…", "yellow"),
}


@dataclass(frozen=True, slots=True)
class View:
    """What stands at the bottom of the screen."""

    state: str = State.STARTING
    said: str = ""
    maybe: str = ""
    heard: str = ""
    coming: str = ""
    user_level: int = 0
    sophia_level: int = 0
    waits: tuple[float, ...] = field(default=())

    def render(self, width: int, height: int) -> RenderableType:
        """As few lines as it takes; never more than fit, the oldest words give way."""
        rows: list[RenderableType] = []
        if self.said or self.maybe:
            words = Text(self.said)
            words.append(_after(self.said, self.maybe), style="dim italic")
            rows.append(_speech("you", USER, _tail(words, len(words) - 1, width, 2)))
        if self.heard or self.coming:
            reply = Text(self.heard)
            reply.append(_after(self.heard, self.coming), style="dim")
            rows.append(_speech("sophia", SOPHIA, _tail(reply, len(self.heard) - 1, width, max(1, height - 6))))
        if rows:
            rows.append(Text())
        return Group(*rows, self._status(width))

    def _status(self, width: int) -> Text:
        dot, style = STATES.get(self.state, ("·", "dim"))
        line = Text(no_wrap=True, overflow="crop").append(f"{dot} {self.state:<12}", style)
        if width >= 44:
            cells = min(14, (width - 34) // 4)
            line.append("you ", style=USER)
            line.append_text(_meter(self.user_level, cells, USER))
            line.append("  sophia ", style=SOPHIA)
            line.append_text(_meter(self.sophia_level, cells, SOPHIA))
        if self.waits:
            turns = f"{len(self.waits)} turn{'s' if len(self.waits) > 1 else ''}"
            sum_up = f"{turns}, median {statistics.median(self.waits) * 1000:.0f} ms"
            gap = width - ECHO - cell_len(line.plain) - len(sum_up)
            if gap >= 2:
                line.append(" " * gap + sum_up, style="dim")
        return line


class RichDisplay:
    """A :class:`~pipelines.terminal.display.Display` on a terminal."""

    def __init__(self, console: Console | None = None, *, stream: TextIO | None = None) -> None:
        self._console = console or Console(file=stream, highlight=False)
        self._view = View()
        self._above: deque[RenderableType] = deque(maxlen=200)
        self._after_aside = False
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._paint, name="display", daemon=True)
        self._thread.start()

    def header(self, config: str, services: Mapping[str, str]) -> None:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", min_width=MARGIN - 2)
        table.add_column(overflow="fold")
        for name, what in services.items():
            table.add_row(name, clean(what))
        title = Text.assemble(("Sophia", f"bold {SOPHIA}"), ("  " + clean(config), "dim"))
        self._print(Group(title, table))

    def state(self, name: str) -> None:
        self._show(state=name)

    def partial(self, text: str) -> None:
        self._show(maybe=clean(text))

    def final(self, text: str) -> None:
        self._show(said=clean(text), maybe="")

    def reply(self, text_so_far: str, heard_chars: int) -> None:
        self._show(heard=clean(text_so_far[:heard_chars]), coming=clean(text_so_far[heard_chars:]))

    def levels(self, user_dbfs: float, sophia_dbfs: float) -> None:
        self._show(user_level=_percent(user_dbfs), sophia_level=_percent(sophia_dbfs))

    def turn(self, ledger: Ledger) -> None:
        said, reply, heard = clean(ledger.user), clean(ledger.reply), clean(ledger.heard)
        rows: list[RenderableType] = []
        if said:
            rows.append(_speech("you", USER, Text(said)))
        if reply:
            words = Text(heard)
            unheard = reply[len(heard) :] if reply.startswith(heard) else ""
            words.append(unheard, style="dim strike")
            rows.append(_speech("sophia", SOPHIA, words))
        width = self._console.width - MARGIN
        if ledger.voice_to_voice is not None:
            rows.append(_speech("", "", latency_line(ledger, width)))
        if notes := remarks(ledger):
            rows.append(_speech("", "", Text(notes, style="dim")))
        with self._changed:
            view = self._view
            wait = ledger.voice_to_voice
            view = replace(view, heard="", coming="", waits=view.waits if wait is None else (*view.waits, wait)[-500:])
            if view.said == said:  # else the user has gone on to the next turn
                view = replace(view, said="", maybe="")
            self._view = view
            self._changed.notify()
        if rows:
            self._print(Group(*rows))

    def hears(self) -> None:
        self.notice(HEARS)

    def notice(self, line: str) -> None:
        self._print(_speech("·", "dim", Text(clean(line), style="dim")), aside=True)

    def error(self, failure_line: str, hint: str = "") -> None:
        rows = [_speech("!", "bold red", Text(clean(failure_line), style="red"))]
        if hint:
            rows.append(_speech("", "", Text(clean(hint))))
        self._print(Group(*rows))

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(CLOSE_SECONDS)

    def _show(self, **changes: str | int) -> None:
        with self._changed:
            view = replace(self._view, **changes)  # type: ignore[arg-type]  # the callers above name fields
            if view != self._view:
                self._view = view
                self._changed.notify()

    def _print(self, what: RenderableType, *, aside: bool = False) -> None:
        """Has ``what`` printed above the live part: with a blank line after it, unless it is a mere aside."""
        with self._changed:
            blank_before = self._after_aside and not aside
            self._above.append(Padding(what, (int(blank_before), 0, int(not aside), 0)))
            self._after_aside = aside
            self._changed.notify()

    def _paint(self) -> None:
        painted: View | None = None
        try:
            with Live(console=self._console, auto_refresh=False, transient=True, vertical_overflow="crop") as live:
                while True:
                    with self._changed:
                        while self._view == painted and not self._above and not self._closed:
                            self._changed.wait()
                        view, above, closed = self._view, list(self._above), self._closed
                        self._above.clear()
                    for block in above:
                        self._console.print(block)
                    if closed:
                        return
                    live.update(view.render(self._console.width, self._console.height), refresh=True)
                    painted = view
                    time.sleep(1 / FRAMES_PER_SECOND)
        except (OSError, ValueError):  # the terminal has gone; the conversation does not depend on it
            return


class _Lines:
    """Words in lines. What is written from right to left keeps its direction to its own line."""

    def __init__(self, words: Text) -> None:
        self._words = words

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in wrapped(self._words, options.max_width):
            yield Text.assemble(ISOLATE, line, END_OF_ISOLATE) if backwards(line.plain) else line


def _after(before: str, after: str) -> str:
    """``after`` with what parts it from ``before``, where there are both."""
    return gap(before, after) + after if before and after else after


def _speech(name: str, style: str, words: Text) -> Table:
    grid = Table.grid(padding=0)
    grid.add_column(width=MARGIN, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(Text(name, style=style), words if words.plain.isascii() else _Lines(words))
    return grid


def _tail(words: Text, focus: int, width: int, most: int) -> Text:
    """At most ``most`` lines of ``words``, so chosen that the character ``focus`` is among them."""
    if cell_len(words.plain) <= width - MARGIN:
        return words
    lines = wrapped(words, max(1, width - MARGIN))
    if len(lines) <= most:
        return words
    # Wrapping drops some of the spaces, so letters are what can be counted.
    ends = itertools.accumulate(_letters(line.plain) for line in lines)
    before = _letters(words.plain[: focus + 1])
    at = next((number for number, end in enumerate(ends) if end >= before), len(lines) - 1)
    first = max(0, min(at - most // 2, len(lines) - most))
    return Text("\n").join(lines[first : first + most])


def _letters(text: str) -> int:
    return len(text) - text.count(" ")


def _percent(dbfs: float) -> int:
    """The level on a scale of 0 to 100."""
    return round(100 * min(1.0, max(0.0, 1 - dbfs / FLOOR_DBFS)))


def _meter(level: int, cells: int, style: str) -> Text:
    full, half = divmod(round(level * cells * 2 / 100), 2)
    bar = "━" * full + "╸" * half
    meter = Text().append(bar, "red" if level > 97 else style)
    return meter.append("─" * (cells - len(bar)), "dim")
