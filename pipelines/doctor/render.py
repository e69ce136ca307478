"""The checklist for people: a line for each finding; why it matters and what to do only where something is wrong."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.status import Status
from rich.text import Text

from pipelines.doctor.finding import SYMBOLS, Finding, Mark, Phase, exit_code

COLOURS: Final = {Mark.OK: "green", Mark.WARN: "yellow", Mark.FAIL: "red", Mark.SKIP: "dim"}
TITLE_WIDTH: Final = 26
ROOMY: Final = 100
"""Columns from which on what is to be said of a finding stands beside its title, not under it."""

SCHEMA: Final = 1
"""Version of the JSON; raised when a reader of older files would misread a newer one."""

TITLES: Final = {
    "base": "Base: the machine",
    "framework": "Framework: the services around the loop",
    "integration": "Integration: a turn of conversation",
}

EMBEDDED: Final = "with embedded stand-ins for {}; name your own services with --config"
"""Follows the headings of the phases that use services: a ✓ there says nothing of the services on a DGX."""


class Shown:
    """Writes findings to ``console`` as they come, headings included.

    ``embedded`` names the services that are only the stand-ins which come with the project.
    """

    def __init__(self, console: Console, embedded: Sequence[str] = ()) -> None:
        self._console = console
        self._embedded = embedded
        self._group = ""
        self._awaited: list[str] = []
        self._status: Status | None = None

    @contextmanager
    def phase(self, phase: Phase, titles: Sequence[str]) -> Iterator[None]:
        """Shows the heading of ``phase`` and, on a terminal, for which of ``titles`` it waits while this lasts."""
        title = TITLES[phase]
        if self._embedded and phase != "base":
            title += f", {EMBEDDED.format(', '.join(self._embedded))}"
        self._console.print(Text(f"\n{title}", style="bold"), soft_wrap=True)
        self._group, self._awaited = "", list(titles)
        if not self._console.is_interactive:
            yield
            return
        with self._console.status(self._waiting()) as self._status:
            yield
        self._status = None

    def add(self, finding: Finding) -> None:
        """Shows the next one."""
        if finding.group != self._group:
            self._console.print(Text(f"  {finding.group}", style="dim"))
            self._group = finding.group
        for line in lines(finding, self._console.width if self._console.is_terminal else None):
            self._console.print(line, soft_wrap=True)
        del self._awaited[:1]
        if self._status is not None:
            self._status.update(self._waiting())

    def _waiting(self) -> Text:
        return Text(f"{self._awaited[0]} … ({len(self._awaited)} to go)" if self._awaited else "…", style="dim")

    def end(self, findings: Sequence[Finding]) -> None:
        """Shows how many there are of each mark."""
        counted = [(mark, sum(finding.result.mark == mark for finding in findings)) for mark in SYMBOLS]
        told = ", ".join(f"{count} {SYMBOLS[mark]}" for mark, count in counted if count)
        self._console.print(Text(f"\n{told or 'nothing was looked at'}", style="bold"))


def lines(finding: Finding, width: int | None = None) -> list[Text]:
    """A finding as it is shown. ``width``: columns that prose is wrapped to; what to do is left whole, to be copied."""
    result, colour = finding.result, COLOURS[finding.result.mark]
    column = TITLE_WIDTH + 6
    first, *more = [part for line in result.found.splitlines() or [""] for part in _wrapped(line, width, column)]
    shown = [Text.assemble("  ", (SYMBOLS[result.mark], colour), f" {finding.title:<{TITLE_WIDTH}}  ", first)]
    shown += [Text(f"{' ' * column}{line}") for line in more]
    if width is not None and width < ROOMY:
        column = 6
    indent = " " * column
    if result.mark in (Mark.WARN, Mark.FAIL):
        if result.expected:
            shown += [Text(f"{indent}{line}") for line in _wrapped(f"expected: {result.expected}", width, column)]
        shown += [Text(f"{indent}{line}", style="dim") for line in _wrapped(f"why: {finding.why}", width, column)]
    if result.fix:
        shown.append(Text(f"{indent}fix: {result.fix}"))
    return shown


def _wrapped(line: str, width: int | None, column: int) -> list[str]:
    """``line`` in pieces that fit between ``column`` and ``width``, words left whole."""
    if width is None:
        return [line]
    room = max(width - column, TITLE_WIDTH)
    return textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False) or [""]


def as_json(findings: Sequence[Finding], embedded: Sequence[str] = (), **about: str) -> str:
    """All of it for programs: ``about``, the exit code, and a record for each finding. Times in seconds.

    ``embedded_stand_ins`` names the services that are only the stand-ins which come with the project.
    """
    rows = []
    for finding in findings:
        row = asdict(finding)
        rows.append({**{key: row[key] for key in ("phase", "group", "key", "title")}, **row["result"],
                     "why": finding.why, "seconds": round(finding.seconds, 3)})  # fmt: skip
    report = {
        "schema": SCHEMA,
        **about,
        "embedded_stand_ins": list(embedded),
        "exit_code": exit_code(findings),
        "findings": rows,
    }
    return json.dumps(report, indent=1, ensure_ascii=False)
