"""Owns one session server: starts it, starts it again when it dies, and ends with it once it was told to drain.

Threads, and no event loop: an engine's worker runs it beside a loop of its own, and may kill it at any time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

PAUSES: Final = (0.2, 1.0, 3.0, 10.0, 30.0)
"""Seconds before a server is started again, the longer the more often it has died."""

WELL_SECONDS: Final = 60.0
"""A server that lived for so long died of something new."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a server. ``url`` is None while it is not there; ``over``: it has drained and is gone for good.

    ``note`` is the last line that it said to people. ``starts`` counts how often it was started.
    """

    url: str | None
    pid: int | None
    note: str
    starts: int
    draining: bool
    over: bool


class Keeper:
    """One server. ``arguments`` are those of :mod:`pipelines.scale.member`."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._command = [sys.executable, "-m", "pipelines.scale.member", *arguments]
        self._lock = threading.RLock()
        self._draining = threading.Event()
        self._child: subprocess.Popen[str] | None = None
        self._look = Look(None, None, "", 0, draining=False, over=False)
        self._thread = threading.Thread(target=self._keep, daemon=True, name="keeper")
        self._thread.start()

    def look(self) -> Look:
        """What is known of it now."""
        return self._look

    def drain(self) -> None:
        """Has it let nobody in any more; it ends with its last conversation, or after ``server.drain_seconds``."""
        with self._lock:
            if self._draining.is_set():
                return  # a second signal would end it at once
            self._draining.set()
            self._tell(draining=True)
            if self._child is not None:
                self._child.terminate()

    def kill(self) -> None:
        """Ends it at once, with its conversations."""
        self._draining.set()
        with self._lock:
            if self._child is not None:
                self._child.kill()
        self._thread.join(5)

    def _keep(self) -> None:
        died = 0
        while not self._draining.is_set():
            began = time.monotonic()
            self._run()
            died = 0 if time.monotonic() - began >= WELL_SECONDS else died
            self._draining.wait(PAUSES[min(died, len(PAUSES) - 1)])
            died += 1
        self._tell(url=None, pid=None, over=True)

    def _run(self) -> None:
        """One life of the server."""
        pipe = subprocess.PIPE
        with self._lock:
            if self._draining.is_set():
                return
            child = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, text=True)
            self._child = child
        self._tell(pid=child.pid, starts=self._look.starts + 1)
        assert child.stdout
        with child:
            for line in child.stdout:
                with suppress(ValueError, AttributeError):  # what a library prints is not ours
                    told = json.loads(line)
                    if ready := told.get("ready"):
                        self._tell(url=ready["url"])
                    elif said := told.get("said"):
                        self._tell(note=said)
        with self._lock:
            self._child = None
        self._tell(url=None, pid=None)

    def _tell(self, **what: Any) -> None:
        with self._lock:
            self._look = replace(self._look, **what)
