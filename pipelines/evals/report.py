"""What an evaluation found: a table with a line for each case, what was not right, and JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.evals.functions import Answered
from pipelines.evals.judging import Verdict
from pipelines.terminal.text import clean

MOST_WRONG = 10
"""Function-calling cases that are shown where they went wrong."""


def show(console: Console, verdicts: Sequence[Verdict], mind: str) -> None:
    """The table, and each thing that is not as it has to be."""
    table = Table(title=f"Conversations with {clean(mind)}", title_justify="left")
    for heading, side in (("case", "left"), ("lines", "right"), ("calls", "right"), ("wait", "right"), ("", "left")):
        table.add_column(heading, justify="right" if side == "right" else "left")
    for verdict in verdicts:
        played = verdict.played
        waits = verdict.latencies
        table.add_row(
            played.case.name,
            str(len(played.case.lines)),
            str(len(played.ran)),
            f"{median(waits):.2f} s" if waits else "–",
            "[green]good[/green]" if verdict.good else "[red]not good[/red]",
        )
    console.print(table)
    for verdict in verdicts:
        for finding in verdict.findings:
            if not finding.good:
                where = f"[red]{verdict.played.case.name}[/red]{_place(verdict, finding.line)}"
                said = f"not so: {escape(clean(finding.what))}; {escape(clean(finding.told).rstrip('.'))}."
                console.print(f"{where}: {said}", soft_wrap=True)
    good = sum(verdict.good for verdict in verdicts)
    console.print(f"{good} of {len(verdicts)} conversations are good.")


def _place(verdict: Verdict, line: int) -> str:
    return f", line {line} (“{escape(clean(verdict.played.case.lines[line - 1].user))}”)" if line else ""


def show_functions(console: Console, answers: Sequence[Answered], mind: str) -> None:
    """How many function-calling cases of each kind went right, and the first that did not."""
    table = Table(title=f"Function calling by {clean(mind)}", title_justify="left")
    table.add_column("kind")
    table.add_column("right", justify="right")
    table.add_column("of", justify="right")
    table.add_column("share", justify="right")
    for kind, found in _by_kind(answers).items():
        right = sum(not one.wrong for one in found)
        table.add_row(kind, str(right), str(len(found)), f"{right / len(found):.0%}")
    console.print(table)
    for one in [one for one in answers if one.wrong][:MOST_WRONG]:
        console.print(f"{one.case.id}: {escape(clean(one.wrong))}", soft_wrap=True)
    right = sum(not one.wrong for one in answers)
    console.print(f"{right} of {len(answers)} cases are right.")


def _by_kind(answers: Sequence[Answered]) -> dict[str, list[Answered]]:
    kinds: dict[str, list[Answered]] = {}
    for one in answers:
        kinds.setdefault(one.case.kind, []).append(one)
    return kinds


def as_json(verdicts: Sequence[Verdict], mind: str) -> str:
    """All of it, for programs."""
    told = {"mind": mind, "good": all(verdict.good for verdict in verdicts), "cases": [_case(v) for v in verdicts]}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _case(verdict: Verdict) -> dict[str, Any]:
    played = verdict.played
    return {
        "name": played.case.name,
        "good": verdict.good,
        "seconds": round(played.seconds, 3),
        "voice_to_voice": [round(wait, 4) for wait in verdict.latencies],
        "lines": [
            {
                "user": line.user,
                "heard": played.heard(place),
                "calls": [{"tool": call.name, "given": call.parsed()} for call in played.calls(place)],
            }
            for place, line in enumerate(played.case.lines)
        ],
        "findings": [
            {"line": one.line, "what": one.what, "good": one.good, "told": one.told} for one in verdict.findings
        ],
    }


def functions_as_json(answers: Sequence[Answered], mind: str) -> str:
    """The scores and each case, for programs."""
    scores = {
        kind: {"right": sum(not one.wrong for one in found), "of": len(found)}
        for kind, found in _by_kind(answers).items()
    }
    cases = [
        {
            "id": one.case.id,
            "calls": [{"tool": call.name, "given": call.parsed()} for call in one.calls],
            "wrong": one.wrong,
        }
        for one in answers
    ]
    return json.dumps({"mind": mind, "scores": scores, "cases": cases}, indent=2, ensure_ascii=False) + "\n"
