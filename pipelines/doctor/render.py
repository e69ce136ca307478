"""The checklist for people: a line for each finding; why it matters and what to do only where something is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.text import Text

from pipelines.doctor.finding import SYMBOLS, Finding, Mark, exit_code

COLOURS: Final = {Mark.OK: "green", Mark.WARN: "yellow", Mark.FAIL: "red", Mark.SKIP: "dim"}
TITLE_WIDTH: Final = 26

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
        self._phase = self._group = ""

    def add(self, finding: Finding) -> None:
        """Shows the next one."""
        if finding.phase != self._phase:
            title = TITLES[finding.phase]
            if self._embedded and finding.phase != "base":
                title += f", {EMBEDDED.format(', '.join(self._embedded))}"
            self._console.print(Text(f"\n{title}", style="bold"), soft_wrap=True)
            self._phase, self._group = finding.phase, ""
        if finding.group != self._group:
            self._console.print(Text(f"  {finding.group}", style="dim"))
            self._group = finding.group
        for line in lines(finding):
            self._console.print(line, soft_wrap=True)

    def end(self, findings: Sequence[Finding]) -> None:
        """Shows how many there are of each mark."""
        counted = [(mark, sum(finding.result.mark == mark for finding in findings)) for mark in SYMBOLS]
        told = ", ".join(f"{count} {SYMBOLS[mark]}" for mark, count in counted if count)
        self._console.print(Text(f"\n{told or 'nothing was looked at'}", style="bold"))


def lines(finding: Finding) -> list[Text]:
    """A finding as it is shown."""
    result, colour = finding.result, COLOURS[finding.result.mark]
    first, *more = result.found.splitlines() or [""]
    indent = " " * (TITLE_WIDTH + 6)
    shown = [Text.assemble("  ", (SYMBOLS[result.mark], colour), f" {finding.title:<{TITLE_WIDTH}}  ", first)]
    shown += [Text(f"{indent}{line}") for line in more]
    if result.mark in (Mark.WARN, Mark.FAIL):
        if result.expected:
            shown.append(Text(f"{indent}expected: {result.expected}"))
        shown.append(Text(f"{indent}why: {finding.why}", style="dim"))
        if result.fix:
            shown.append(Text(f"{indent}fix: {result.fix}"))
    return shown


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
