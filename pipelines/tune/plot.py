"""The front as one page for a browser: self-contained, the same bytes for the same search, light and dark.

The page's policy lets no script run but its own, named by their hashes, and nothing be loaded from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pipelines.tune.parameters import Range
from pipelines.tune.search import Trial


class PlotError(Exception):
    """No page can be written; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn: everything that was tried, and which of it is what."""

    soundbites: str
    profile: str
    lines: tuple[int, int]
    ranges: Sequence[Range]
    trials: Sequence[Trial]
    front: Sequence[Trial]
    chosen: Trial
    chosen_by: str


def check_plotly() -> None:
    """Raises :class:`PlotError` if plotly is not installed."""
    _plotly()


def page(picture: Picture) -> str:
    """The page's text. Raises :class:`PlotError` if plotly is not installed."""
    scripts = [_plotly(), _resource("front.js")]
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(_bytes(one)).digest()).decode()}'" for one in scripts)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_resource("front.html")).render(
        policy=f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        style=Markup(_resource("front.css")),
        scripts=[Markup(script) for script in scripts],
        data=Markup(_embedded(_data(picture))),
        soundbites=picture.soundbites,
        profile=picture.profile,
        trials=len(picture.trials),
        front=len(picture.front),
        tuned_lines=picture.lines[0],
        validated_lines=picture.lines[1],
        chosen_by=picture.chosen_by,
    )


def _data(picture: Picture) -> dict[str, Any]:
    on_front = {trial.number for trial in picture.front}
    current = picture.trials[0].number
    return {
        "current": current,
        "chosen": picture.chosen.number,
        "ranges": {one.key: one.values for one in picture.ranges},
        "trials": [
            {
                "number": trial.number,
                "front": trial.number in on_front,
                "pickable": trial.number in {*on_front, current, picture.chosen.number},
                "values": dict(trial.values),
                "changes": {
                    one.key: (one.current, trial.values[one.key])
                    for one in picture.ranges
                    if trial.values[one.key] != one.current
                },
                "tuned": asdict(trial.scores.tuned),
                "validated": asdict(trial.scores.validated),
            }
            for trial in picture.trials
        ],
    }


def _embedded(data: Any) -> str:
    """JSON that can stand in a ``<script>`` element: nothing in it can end the element or begin a comment."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise PlotError("The plot needs plotly: pip install 'sophia-avatar[replay]'") from None
    return str(get_plotlyjs()).strip("\n")


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8").strip("\n")


def _bytes(script: str) -> bytes:
    return script.encode()
