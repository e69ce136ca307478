"""Puts the report's page together: one file, the same bytes for the same runs."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Final

from pipelines.page import PageError, render
from pipelines.records.results import Run
from pipelines.replay.compare import Comparison
from pipelines.replay.report import tables, wording
from pipelines.replay.report.figures import page_data
from pipelines.replay.summary import summarise
from pipelines.settings.outputs import write_text
from pipelines.terminal.text import clean

PAGE: Final = "index.html"

DRAWING: Final = ("theme", "distribution", "stages", "waterfall", "picker", "counters")
"""The page's own scripts, in the order in which they need each other."""


def write_report(folder: Path, run: Run, base: Run | None = None, comparison: Comparison | None = None) -> Path:
    """Writes ``index.html`` into ``folder``, which is made if need be, and returns its path.

    ``base`` is drawn beside ``run``; ``comparison`` is what a test of the two found. Raises :class:`PageError` if
    plotly is not installed or the file cannot be written.
    """
    page = rendered(run, base, comparison)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / PAGE
        write_text(place, page)
    except OSError as error:
        raise PageError(f"cannot write the report into {folder}: {error.strerror or error}") from error
    return place


def rendered(run: Run, base: Run | None = None, comparison: Comparison | None = None) -> str:
    """The page's text. Raises :class:`PageError` if plotly is not installed."""
    told = _told(run, base, comparison)
    return render(_resource("report.html"), _resource("report.css"), [_drawing()], page_data(run, base), **told)


def _told(run: Run, base: Run | None, comparison: Comparison | None) -> dict[str, Any]:
    """The template's variables."""
    summary, before = summarise(run), None if base is None else summarise(base)
    heading = f"Replay of {clean(run.scenario)}"
    return {
        "title": heading + (" (simulated)" if run.simulated else ""),
        "heading": heading,
        "simulated": clean(run.simulated or ""),
        "size": wording.size(run),
        "warnings": wording.warnings(run),
        "tiles": tables.tiles(summary, before, comparison),
        "findings": [clean(line).replace(" -> ", " → ") for line in comparison.lines()][1:] if comparison else [],
        "mean_bars": wording.mean_bars(run, base),
        **tables.stage_table(summary, before, comparison),
        "any_latency": any(turn.voice_to_voice is not None for turn in run.turns),
        "any_turn": bool(run.turns),
        "any_counter": bool(run.counters),
        "legend": wording.legend(),
        "slow_told": wording.slow_told(run),
        **tables.quality_table(summary, before, comparison),
        "reasons": wording.reasons(run),
        "folds": wording.folds(run, base),
    }


def _drawing() -> str:
    body = "\n".join(_resource(f"{name}.js") for name in DRAWING)
    return f'"use strict";\n(() => {{\n{body}}})();'


def _resource(name: str) -> str:
    return resources.files("pipelines.replay.report").joinpath("page", name).read_text(encoding="utf-8")
