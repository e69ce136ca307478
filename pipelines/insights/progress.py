"""Tells on standard error how far a long work is: in one line on a terminal, in a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final

PATIENCE: Final = 1.0
"""Seconds of work that need no telling."""

OFTEN, SELDOM = 0.2, 10.0
"""Seconds between two tellings, on a terminal and elsewhere."""


class Progress:
    """Is told what is done, and how many of ``whole`` bytes further that is. Use it as a context manager."""

    def __init__(self, whole: int) -> None:
        self._whole = whole
        self._done = 0
        self._terminal = sys.stderr.isatty()
        self._began = time.monotonic()
        self._next = self._began + (PATIENCE if self._terminal else SELDOM)
        self._told = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._told and self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def __call__(self, what: str, further: int) -> None:
        self._done += further
        now = time.monotonic()
        if now < self._next:
            return
        self._next, self._told = now + (OFTEN if self._terminal else SELDOM), True
        share = f"{min(1.0, self._done / self._whole):.0%}" if self._whole else ""
        line = f"{now - self._began:6.1f} s  {what}  {share}"
        if self._terminal:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)
