"""The front as one page for a browser: self-contained, the same bytes for the same search, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

from pipelines.page import render
from pipelines.settings.tunable import Range
from pipelines.tune.search import Trial


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


def page(picture: Picture) -> str:
    """The page's text. Raises :class:`~pipelines.page.PageError` if plotly is not installed."""
    return render(
        _resource("front.html"),
        _resource("front.css"),
        [_resource("front.js")],
        _data(picture),
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


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8").strip("\n")
