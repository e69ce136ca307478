"""What the report's plots show, worked out of a run: plain data that the page's JavaScript only has to draw.

Times are seconds. Stages are :data:`pipelines.telemetry.ledger.CONTRIBUTIONS`, always all, always in that order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipelines.records.results import ENVELOPE_SECONDS, Counter, Run, Turn, unpack_envelope
from pipelines.telemetry.ledger import CHAIN, CONTRIBUTIONS
from pipelines.terminal.text import clean

BINS: Final = 100
"""Bars of the spectrum at most: one for each percent of the turns."""

COUNTER_POINTS: Final = 1000
"""Points of a counter's curve at most; more are not seen on any screen."""

SLOW: Final = 0.1
"""Share of the turns that are called the slow ones."""

_LEAST = 10  # turns; of fewer, a tenth is not even one

Floats = npt.NDArray[np.float64]


def page_data(run: Run, base: Run | None = None) -> dict[str, Any]:
    """Everything that the page draws, ready for JSON: no NaN, no infinity."""
    titles = turn_titles(run)
    data = {
        "stages": list(CONTRIBUTIONS),
        "chain": dict(CHAIN),
        "step": ENVELOPE_SECONDS,
        "turns": [_turn(turn, title) for title, turn in zip(titles, run.turns, strict=True)],
        "lines": by_line(run),
        "spectrum": spectrum(run),
        "base": None if base is None else _latencies(base),
        "counters": [_thinned(counter) for counter in run.counters],
    }
    rounded: dict[str, Any] = _rounded(data)
    return rounded


def turn_titles(run: Run) -> list[str]:
    """A name for each turn that no other turn has, as short as that allows."""
    talks = len({turn.talk for turn in run.turns}) > 1
    rounds = len({turn.round for turn in run.turns}) > 1
    sessions = len({turn.session for turn in run.turns}) > 1
    return [
        (f"{clean(turn.talk)} / " if talks else "")
        + clean(turn.name)
        + (f" · round {turn.round + 1}" if rounds else "")
        + (f" · session {turn.session + 1}" if sessions else "")
        for turn in run.turns
    ]


def explained(run: Run) -> tuple[list[int], Floats]:
    """The turns whose wait is known by stage: their places in the run, and seconds, shape ``(turns, stages)``."""
    places = [i for i, turn in enumerate(run.turns) if turn.voice_to_voice is not None and turn.contributions]
    parts = [[run.turns[i].contributions.get(stage, 0.0) for stage in CONTRIBUTIONS] for i in places]
    return places, np.array(parts, np.float64).reshape(len(places), len(CONTRIBUTIONS))


def by_line(run: Run) -> list[dict[str, Any]]:
    """For each line in the order of the scenario: how often it was played, and its mean wait by stage."""
    places, parts = explained(run)
    rows: dict[tuple[str, int], list[int]] = {}
    for row, place in enumerate(places):
        rows.setdefault(run.turns[place].key, []).append(row)
    talks = len({turn.talk for turn in run.turns}) > 1
    lines: dict[tuple[str, int], dict[str, Any]] = {}
    for turn in run.turns:
        found = lines.setdefault(
            turn.key,
            {
                "key": list(turn.key),
                "title": (f"{clean(turn.talk)} / " if talks else "") + clean(turn.name),
                "turns": 0,
                "known": len(rows.get(turn.key, ())),
                "parts": parts[rows[turn.key]].mean(axis=0).tolist() if turn.key in rows else None,
            },
        )
        found["turns"] += 1
    return list(lines.values())


def spectrum(run: Run) -> list[dict[str, Any]]:
    """The turns from the fastest to the slowest in at most :data:`BINS` groups: mean seconds by stage of each.

    ``from`` and ``to`` are shares of the turns, 0 to 1.
    """
    places, parts = explained(run)
    if not places:
        return []
    order = _order(run, places)
    edges = np.round(np.linspace(0, len(order), min(BINS, len(order)) + 1)).astype(int)
    return [
        {
            "from": int(first) / len(order),
            "to": int(last) / len(order),
            "turns": int(last - first),
            "parts": parts[order[first:last]].mean(axis=0).tolist(),
        }
        for first, last in pairwise(edges)
    ]


def slow_turns(run: Run) -> dict[str, float] | None:
    """What the slowest tenth of the turns waits longer than the fastest half, by stage: mean seconds.

    They add up to the whole difference. None if there are too few turns to speak of a tenth.
    """
    places, parts = explained(run)
    if len(places) < _LEAST:
        return None
    order = _order(run, places)
    slow = parts[order[-max(1, round(SLOW * len(order))) :]].mean(axis=0)
    fast = parts[order[: len(order) // 2]].mean(axis=0)
    return dict(zip(CONTRIBUTIONS, (slow - fast).tolist(), strict=True))


def _turn(turn: Turn, title: str) -> dict[str, Any]:
    """The turn's record without what is as usual; text of services in one line, bounded; no spoilt envelopes."""
    found: dict[str, Any] = json.loads(turn.model_dump_json(exclude_defaults=True))
    for name in ("transcript", "heard", "reply", "reason"):
        if found.get(name):
            found[name] = clean(found[name])
    for event in (*found.get("decisions", ()), *found.get("faults", ())):
        event |= {"kind": clean(event["kind"]), "reason": clean(event["reason"])}
    for name in ("user_envelope", "reply_envelope"):
        try:
            unpack_envelope(found.get(name, ""))
        except ValueError:
            del found[name]
    return {"title": title, **found}


def _order(run: Run, places: Sequence[int]) -> npt.NDArray[np.intp]:
    return np.argsort([run.turns[i].voice_to_voice or 0.0 for i in places], kind="stable")


def _latencies(base: Run) -> dict[str, Any]:
    known = [
        (turn.voice_to_voice, title)
        for title, turn in zip(turn_titles(base), base.turns, strict=True)
        if turn.voice_to_voice is not None
    ]
    return {"values": [value for value, _ in known], "titles": [title for _, title in known]}


def _thinned(counter: Counter) -> dict[str, Any]:
    """The counter with the highest value of each stretch kept: a peak is what one looks for."""
    size = min(len(counter.times), len(counter.values))
    times, values = np.array(counter.times[:size], float), np.array(counter.values[:size], float)
    known = np.isfinite(times) & np.isfinite(values)
    times, values = times[known], values[known]
    stretches = np.array_split(np.arange(len(times)), COUNTER_POINTS) if len(times) > COUNTER_POINTS else None
    if stretches is not None:
        highest = [stretch[np.argmax(values[stretch])] for stretch in stretches]
        times, values = times[highest], values[highest]
    named = {"name": clean(counter.name), "unit": clean(counter.unit)}
    return {**named, "times": times.tolist(), "values": values.tolist()}


def _rounded(value: Any) -> Any:
    """The same with six significant digits of each float, which halves the page; None for what is no number."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
