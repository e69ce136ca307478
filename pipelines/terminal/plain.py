"""A conversation as plain lines, for logs, pipes and CI."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Mapping
from typing import TextIO

from pipelines.telemetry.ledger import Ledger
from pipelines.terminal.bar import in_words, remarks
from pipelines.terminal.display import CLOSE_SECONDS, HEARS
from pipelines.terminal.text import clean, isolated


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
            self._lines.write(f"you: {isolated(text)}")

    def reply(self, text_so_far: str, heard_chars: int) -> None: ...

    def levels(self, user_dbfs: float, sophia_dbfs: float) -> None: ...

    def turn(self, ledger: Ledger) -> None:
        self.final(ledger.user)
        self._said = ""
        heard, reply = clean(ledger.heard), clean(ledger.reply)
        whole, heard, reply = heard == reply, isolated(heard), isolated(reply)
        if heard and not whole:
            self._lines.write(f"sophia: {heard} … (of: {reply})")
        elif reply:
            self._lines.write(f"sophia: {reply}" if heard else f"sophia (unheard): {reply}")
        latency, notes = in_words(ledger), remarks(ledger)
        if latency or notes:
            self._lines.write(f"  turn {ledger.turn}: {'; '.join(part for part in (latency, notes) if part)}")

    def hears(self) -> None:
        self.notice(HEARS)

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
