"""What a fault is: one small entry, with how it is brought about and what is expected of the program meanwhile."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos.trial import Record, Trial

Inject = Callable[[Trial], Awaitable[None]]
Expect = Callable[[Record], list[str]]


def always() -> str:
    """Nothing is missing."""
    return ""


def root() -> str:
    """Why it cannot be done without root; empty for root."""
    return "" if os.geteuid() == 0 else "it needs root"


def nothing_more(record: Record) -> list[str]:
    """What is expected of every trial will do."""
    return []


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``does`` and ``expected`` are for people, and for the table of outcomes.

    * ``targets`` are the programs that it befalls.
    * ``lines``: they reach services of this process over bad lines, instead of running their own; ``link``: out of a
      network namespace besides.
    * After ``inject`` so many turns have to be answered (``recovers``), the first ``within`` seconds.
    * ``code`` is the exit code in the end; None: what the recording explains, and of the server 0.
    * ``ends``: the fault ends the program. ``whole_take``: the recording is to be whole.
    * ``expect`` adds what is expected of this fault alone. ``needs`` says why it cannot be done here.
    * ``wrap`` changes the command line; ``around`` is entered with the trial's folder before the program starts, and
      gives its environment.
    """

    name: str
    does: str
    expected: str
    inject: Inject
    targets: tuple[str, ...] = ("voice",)
    lines: bool = False
    link: bool = False
    recovers: int = 2
    within: float = 30.0
    code: int | None = None
    ends: bool = False
    expect: Expect = nothing_more
    needs: Callable[[], str] = always
    wrap: Callable[[list[str]], list[str]] = list
    settings: tuple[str, ...] = ()
    around: Callable[[Path], AbstractContextManager[dict[str, str]]] = lambda folder: nullcontext({})
    whole_take: bool = True

    def answers(self, target: str) -> int:
        """How many turns have to be answered afterwards; of the server's callers, to each of them."""
        return min(self.recovers, 1) if target == "server" else self.recovers
