"""What a check can find: the plain data that is printed, written as JSON and turned into the exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

Phase = Literal["base", "framework", "integration"]
PHASES: Final[tuple[Phase, ...]] = ("base", "framework", "integration")


class Mark(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


SYMBOLS: Final = {Mark.OK: "✓", Mark.WARN: "!", Mark.FAIL: "✗", Mark.SKIP: "–"}

EXIT_CODES: Final = {Mark.OK: 0, Mark.SKIP: 0, Mark.WARN: 1, Mark.FAIL: 3}
"""2 is missing: it is what wrong arguments and settings end with."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a probe says.

    ``found`` is one line, or a few. ``expected`` and ``fix`` may be empty; ``fix`` is a command or what to do.
    ``version`` is what ``--write-manifest`` records; None: nothing that could be expected again.
    """

    mark: Mark
    found: str
    expected: str = ""
    fix: str = ""
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A row of the checklist; ``seconds`` is what the probe took."""

    phase: Phase
    group: str
    key: str
    title: str
    why: str
    result: Result
    seconds: float


def ok(found: str, version: str | None = None) -> Result:
    """Found as it should be."""
    return Result(Mark.OK, found, version=version)


def warn(found: str, fix: str = "", expected: str = "") -> Result:
    """Works, but not as it should."""
    return Result(Mark.WARN, found, expected, fix)


def fail(found: str, fix: str = "", expected: str = "") -> Result:
    """Does not work."""
    return Result(Mark.FAIL, found, expected, fix)


def skip(found: str, fix: str = "") -> Result:
    """Was not looked at, or is not expected here."""
    return Result(Mark.SKIP, found, fix=fix)


def exit_code(findings: Iterable[Finding]) -> int:
    """That of the worst finding; 0 if there is none."""
    return max((EXIT_CODES[finding.result.mark] for finding in findings), default=0)
