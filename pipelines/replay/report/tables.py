"""The report's figures as tables: the headline's tiles, the stages, the quality; plain text that the page escapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pipelines.replay.compare import Comparison, Timing
from pipelines.replay.report.wording import MEANING, WENT_WELL, ms, percent, signed
from pipelines.replay.statistics import Estimate
from pipelines.replay.summary import Spread, Summary

VOICE_TO_VOICE: Final = "voice-to-voice"

TONES: Final[Mapping[str, str]] = {
    "slower": "bad",
    "slower, hidden": "bad",
    "worse": "bad",
    "faster": "good",
    "better": "good",
}
SIGNS: Final[Mapping[str, str]] = {"bad": "▲ ", "good": "▼ ", "": ""}
"""So that no verdict is told by its colour alone."""


def tiles(run: Summary, base: Summary | None, comparison: Comparison | None) -> list[dict[str, str]]:
    """What one wants to know first."""
    waits = run.voice_to_voice
    answered = run.outcomes.get("answered", 0)
    others = [
        f"{count:,} {outcome}" for outcome, count in run.outcomes.items() if outcome not in ("answered", "ignored")
    ]
    wrong = not WENT_WELL.issuperset(run.outcomes)
    found = [
        _tile("voice-to-voice, median", _time(waits.p50), _certain(waits.p50)),
        _tile("voice-to-voice, 95th percentile", _time(waits.p95), _certain(waits.p95)),
        _tile(
            "lines answered",
            f"{answered:,} of {run.replies_wanted:,}",
            ", ".join(others) or "nothing went wrong",
            "bad" if wrong else "",
        ),
    ]
    if comparison is not None:
        tone = TONES.get(comparison.verdict, "")
        timing = comparison.timing(VOICE_TO_VOICE)
        told = f"median {_shift(timing)}" if timing else "no wait was measured in both runs"
        found.append(_tile("against the baseline", SIGNS[tone] + comparison.verdict, told, tone))
    elif base is not None:
        found.append(_tile("baseline, median", _time(base.voice_to_voice.p50), "drawn beside this run, not tested"))
    return found


def stage_table(run: Summary, base: Summary | None, comparison: Comparison | None) -> dict[str, Any]:
    """Voice-to-voice and each stage: quantiles, the share of the mean wait, and what the comparison says."""
    columns = ["", "median", "95 % CI", "p95", "share of the mean"]
    columns += ["baseline, median"] if base is not None else []
    columns += ["shift of the median", "verdict"] if comparison is not None else []
    before = {stage.name: stage.spread for stage in base.stages} if base is not None else {}
    rows = []
    for stage in run.stages:
        cells = [*_spread(stage.spread), percent(stage.share)]
        if base is not None:
            cells.append(_time(before[stage.name].p50) if stage.name in before else "–")
        rows.append(_judged(stage.name, cells, comparison, stage.name) | {"meaning": MEANING[stage.name]})
    if rows:
        cells = [*_spread(run.voice_to_voice), percent(1.0)]
        cells += [_time(base.voice_to_voice.p50)] if base is not None else []
        rows.insert(0, _judged(VOICE_TO_VOICE, cells, comparison, VOICE_TO_VOICE) | {"meaning": ""})
    return {"stage_columns": columns, "stages": rows}


def quality_table(run: Summary, base: Summary | None, comparison: Comparison | None) -> dict[str, Any]:
    """Everything but the wait: what was missed, cut off, misheard, wasted; without rows of which nothing is known."""
    columns = ["", "this run"]
    columns += ["baseline"] if base is not None else []
    columns += ["verdict"] if comparison is not None else []
    rows = []
    for name, cell, measure in QUALITY:
        cells = [cell(run), *([cell(base)] if base is not None else [])]
        if set(cells) != {"–"}:
            rows.append(_judged(name, cells, comparison, measure, shift=False))
    return {"quality_columns": columns, "quality": rows}


def _of(count: Callable[[Summary], int], of: Callable[[Summary], int]) -> Callable[[Summary], str]:
    def cell(run: Summary) -> str:
        whole = of(run)
        return f"{count(run):,} of {whole:,} ({count(run) / whole * 100:.1f} %)" if whole else "–"

    return cell


def _quantiles(spread: Callable[[Summary], Spread], name: str) -> Callable[[Summary], str]:
    """The median and the quantile ``name``."""

    def cell(run: Summary) -> str:
        found = spread(run)
        return f"{_time(found.p50)} / {_time(getattr(found, name))}" if found.n else "–"

    return cell


def _precise(value: Callable[[Summary], float | None]) -> Callable[[Summary], str]:
    def cell(run: Summary) -> str:
        found = value(run)
        return "–" if found is None else f"{found * 1000:+.2f} ms".replace("-", "−")

    return cell


QUALITY: Final[Sequence[tuple[str, Callable[[Summary], str], str]]] = (
    ("lines missed", _of(lambda run: run.missed, lambda run: run.replies_wanted), "missed turns"),
    ("lines cut off", _of(lambda run: run.outcomes.get("cut off", 0), lambda run: run.replies_wanted), ""),
    ("lines to be ignored that disturbed her", _of(
        lambda run: run.outcomes.get("disturbed", 0), lambda run: run.turns - run.replies_wanted), "disturbed lines"),
    ("unexpected replies", _of(lambda run: run.unexpected, lambda run: run.expectations), "unexpected replies"),
    ("false cut-offs", lambda run: f"{run.false_cutoffs:,} ({run.per_100_lines(run.false_cutoffs):.1f} in 100 lines)",
     "false cut-offs"),
    ("word errors", _of(lambda run: run.word_errors, lambda run: run.words), "word errors"),
    ("barge-in: her last sample after the onset, p50 / p95", _quantiles(lambda run: run.barge_in, "p95"), "barge-in"),
    ("speculative starts dropped", _of(lambda run: run.speculation.dropped, lambda run: run.speculation.started), ""),
    ("tokens wasted", _of(lambda run: run.speculation.wasted_tokens, lambda run: run.speculation.tokens), ""),
    ("sound wasted", lambda run: f"{run.speculation.wasted_sound:,.1f} s", ""),
    ("tools without a result", _of(lambda run: run.tools.failures, lambda run: run.tools.calls), ""),
    ("tools run for nothing", _of(lambda run: run.tools.wasted, lambda run: run.tools.calls), ""),
    ("tools not in the recording", _of(lambda run: run.tools.unrecorded, lambda run: run.tools.calls), ""),
    ("underruns", lambda run: f"{run.underruns:,}", ""),
    ("size of the lip skew, p50 / p99", _quantiles(lambda run: run.lip_skew, "p99"), ""),
    ("worst lip skew (+ the lips lead)", _precise(lambda run: run.worst_lip_skew), ""),
    ("face's first frame after the first sound, p50 / p95", _quantiles(lambda run: run.face_lateness, "p95"), ""),
    ("detector's error about the end of the voice, p50 / p95", _quantiles(lambda run: run.end_error, "p95"), ""),
    ("worst residue of a turn's sum", _precise(lambda run: run.worst_residue), ""),
)  # fmt: skip
"""A row's name, its cell, and what a comparison calls it, if it compares it."""


def _judged(
    name: str, cells: list[str], comparison: Comparison | None, measure: str, *, shift: bool = True
) -> dict[str, Any]:
    """A row with the comparison's verdict, and the shift of its median unless that has no column."""
    if comparison is None:
        return {"name": name, "cells": cells, "tone": ""}
    timing = comparison.timing(measure)
    found = timing or comparison.count(measure)
    verdict = "slower, hidden" if timing and timing.hidden else found.verdict if found else "–"
    tone = TONES.get(verdict, "")
    shifted = [_shift(timing) if timing else "–"] if shift else []
    return {"name": name, "cells": [*cells, *shifted, SIGNS[tone] + verdict], "tone": tone}


def _tile(label: str, value: str, note: str, tone: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "note": note, "tone": tone}


def _spread(spread: Spread) -> list[str]:
    return [_time(spread.p50), _between(spread.p50), _time(spread.p95)]


def _time(estimate: Estimate | None) -> str:
    return "–" if estimate is None else ms(estimate.value)


def _between(estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return "–"
    return f"{estimate.low * 1000:.0f} to {estimate.high * 1000:.0f} ms"


def _certain(estimate: Estimate | None) -> str:
    if estimate is None:
        return "no line was answered"
    return "one turn: no interval" if estimate.low is None else f"95 % CI {_between(estimate)}"


def _shift(timing: Timing) -> str:
    if timing.low is None or timing.high is None:
        return signed(timing.shift)
    return f"{signed(timing.shift)} ({signed(timing.low)[:-3]} to {signed(timing.high)[:-3]})"
