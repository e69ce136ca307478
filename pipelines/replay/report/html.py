"""Puts the report's page together: one file, the same bytes for the same runs, and no way out of it to the network.

The page's policy lets no script run but its own, which are named by their hashes, and lets nothing be loaded from
anywhere; so even text that slipped through the escaping could do nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pipelines.replay.compare import Comparison
from pipelines.replay.report import tables, wording
from pipelines.replay.report.figures import page_data
from pipelines.replay.results import Run
from pipelines.replay.summary import summarise
from pipelines.terminal import clean

PAGE: Final = "index.html"

DRAWING: Final = ("theme", "distribution", "stages", "waterfall", "picker", "counters")
"""The page's own scripts, in the order in which they need each other."""


class ReportError(Exception):
    """No report can be written; the message is one line that says what to do."""


def write_report(folder: Path, run: Run, base: Run | None = None, comparison: Comparison | None = None) -> Path:
    """Writes ``index.html`` into ``folder``, which is made if need be, and returns its path.

    ``base`` is drawn beside ``run``; ``comparison`` is what a test of the two found. Raises :class:`ReportError` if
    plotly is not installed or the file cannot be written.
    """
    page = rendered(run, base, comparison)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / PAGE
        place.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ReportError(f"cannot write the report into {folder}: {error.strerror or error}") from error
    return place


def rendered(run: Run, base: Run | None = None, comparison: Comparison | None = None) -> str:
    """The page's text. Raises :class:`ReportError` if plotly is not installed."""
    scripts = [_plotly(), _drawing()]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_resource("report.html")).render(
        policy=_policy(scripts),
        style=Markup(_resource("report.css")),
        scripts=[Markup(script) for script in scripts],
        data=Markup(embedded(page_data(run, base))),
        **_told(run, base, comparison),
    )


def embedded(data: Any) -> str:
    """JSON that can stand in a ``<script>`` element: nothing in it can end the element or begin a comment."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


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


def _policy(scripts: list[str]) -> str:
    """What the page may do: run these scripts, style itself (plotly does), show images of its own making."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=1)
def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs  # noqa: PLC0415 - an extra
    except ImportError:
        raise ReportError(
            "the report's plots need plotly, which is not installed: pip install 'sophia-avatar[replay]'"
        ) from None
    script: str = get_plotlyjs()
    return script


def _drawing() -> str:
    body = "\n".join(_resource(f"{name}.js") for name in DRAWING)
    return f'"use strict";\n(() => {{\n{body}}})();'


def _resource(name: str) -> str:
    return resources.files("pipelines.replay.report").joinpath("page", name).read_text(encoding="utf-8")
