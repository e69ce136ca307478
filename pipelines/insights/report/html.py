"""The report as one page for a browser, of the make of replay's: its style, its colours, its way of drawing."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Any, Final

from pipelines.insights.queries import USUAL, Percentiles
from pipelines.insights.report import wording
from pipelines.insights.report.asking import COUNTED
from pipelines.insights.report.figures import PUBLISHED, Division, Group, Report
from pipelines.insights.tables import STAGES
from pipelines.page import render
from pipelines.replay.report.wording import MEANING, legend, ms

DRAWN_COUNTS: Final = (
    "false cut-offs",
    "suspected cut-offs",
    "reprompts",
    "interruptions in her first second",
    "failed turns",
)
"""What is drawn by day, of all that is counted."""

_NAMES: Final = [f"p{share * 100:g}" for share in USUAL]


def rendered(report: Report, now: float) -> str:
    """The page's text. ``now`` is in seconds since 1970. Raises ``PageError`` if plotly is not installed."""
    theirs = resources.files("pipelines.replay.report").joinpath("page")
    ours = resources.files("pipelines.insights.report").joinpath("page")
    scripts = [theirs.joinpath("theme.js"), ours.joinpath("trends.js"), ours.joinpath("divisions.js")]
    body = "\n".join(script.read_text("utf-8") for script in scripts)
    return render(
        ours.joinpath("insights.html").read_text("utf-8"),
        theirs.joinpath("report.css").read_text("utf-8"),
        [f'"use strict";\n(() => {{\n{body}}})();'],
        _data(report),
        **_told(report, now),
    )


def _told(report: Report, now: float) -> dict[str, Any]:
    fresh, old = wording.freshness(report, now)
    tally = report.whole.tally
    return {
        "first": report.first,
        "last": report.last,
        "size": wording.size(report),
        "fresh": fresh,
        "old": old,
        "tiles": _tiles(report),
        "changed": [wording.change(one).replace(" -> ", " → ") for one in report.changed],
        "looked": wording.looked(report),
        "judged": wording.judged(report),
        "guardrails": [wording.drift(one) for one in report.drifts.guardrails] if report.drifts else [],
        "percentiles": _NAMES,
        "stages": [
            {
                "name": wording.STAGE_NAMES.get(stage, stage),
                "meaning": MEANING.get(stage, ""),
                "cells": _cells(report.whole.times.get(stage)),
            }
            for stage in STAGES
        ],
        "published": [PUBLISHED.get(name, "") for name in _NAMES],
        "days": len(report.days.groups) > 1,
        "legend": legend(),
        "divisions": [_division(one) for one in report.divisions],
        "counts": [
            {"name": what, "here": f"{tally.per_100(what):.2f}", "published": PUBLISHED.get(what, "")}
            for what in COUNTED
        ],
        "outcomes": [
            {"name": outcome or "unknown", "here": f"{100 * many / tally.turns:.2f} %"}
            for outcome, many in report.outcomes.items()
        ],
        "hidden": list(wording.hidden(report)),
    }


def _tiles(report: Report) -> list[dict[str, str]]:
    wait, tally = report.whole.times.get(STAGES[0]), report.whole.tally
    cells = dict(zip(_NAMES, _cells(wait), strict=True))
    slower = sum(one.after > one.before for one in report.changed)
    many = len(report.changed)
    return [
        _tile("voice-to-voice, median", cells["p50"], f"published: {PUBLISHED['p50']}"),
        _tile("voice-to-voice, 95th percentile", cells["p95"], f"published: {PUBLISHED['p95']}"),
        _tile("false cut-offs", f"{tally.per_100('false cut-offs'):.2f}", "per 100 turns"),
        _tile("changes", str(many), f"{slower} for the slower", "bad" if slower else ""),
    ]


def _tile(label: str, value: str, note: str, tone: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "note": note, "tone": tone}


def _division(one: Division) -> dict[str, Any]:
    hidden = f"{one.hidden} not shown: too few conversations." if one.hidden else ""
    rows = []
    for group in one.groups:
        cells = [*_cells(group.times.get(STAGES[0])), f"{group.tally.per_100('false cut-offs'):.2f}"]
        rows.append({"name": _name(one, group), "cells": [*cells, f"{group.tally.turns:,}"]})
    return {
        "title": wording.division(one),
        "hidden": hidden,
        "rows": rows,
        "columns": [*_NAMES, "cut-offs per 100", "turns"],
    }


def _data(report: Report) -> dict[str, Any]:
    """What the scripts draw: seconds, by day and by group; None for what is not known."""
    groups = report.days.groups
    return {
        "days": [group.values[0] for group in groups],
        "stages": list(STAGES[1:]),
        "changed": sorted({one.change.since for one in report.changed}),
        "waits": _lines(groups, STAGES[0]),
        "parts": {stage: _lines(groups, stage) for stage in STAGES[1:]},
        "counts": {what: [round(group.tally.per_100(what), 3) for group in groups] for what in DRAWN_COUNTS},
        "divisions": [_drawn(one) for one in report.divisions],
    }


def _drawn(one: Division) -> dict[str, Any]:
    found = _lines(one.groups, STAGES[0])
    return {
        "names": [_name(one, group) for group in one.groups],
        "turns": [group.tally.turns for group in one.groups],
        "upright": one.keys == ("hour",),
        "p50": found["p50"],
        "p95": found["p95"],
    }


def _lines(groups: Sequence[Group], stage: str) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {name: [] for name in _NAMES}
    for group in groups:
        times = group.times.get(stage)
        for place, name in enumerate(_NAMES):
            found[name].append(None if times is None else times.values[place] / 1e6)
    return found


def _name(one: Division, group: Group) -> str:
    return ", ".join(wording.named(key, value) for key, value in zip(one.keys, group.values, strict=True))


def _cells(found: Percentiles | None) -> list[str]:
    return ["–"] * len(USUAL) if found is None else [ms(value / 1e6) for value in found.values]
