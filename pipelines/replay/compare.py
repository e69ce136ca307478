"""Whether a run is slower or worse than its baseline, by how much, and which stage did it.

Turns are paired by line. Each line's own level is taken off its values, and the residuals of all lines are pooled. Then
voice-to-voice, every contribution, barge-in and everything that is counted are asked three questions:

* *How much?* The shift of the median (of voice-to-voice also of the 95th percentile) between the runs' residuals. A
  bootstrap that resamples rounds gives its confidence interval: what disturbed a round disturbed all its lines.
* *By chance?* A permutation test exchanges rounds between the runs, all measures in one family. So a whole comparison
  of equal runs raises a false alarm with a chance of :attr:`Limits.alarm` at most.
* *Enough?* A change counts from a least size on, so that nobody is stopped for a millisecond.

``slower`` is what passes all three. With fewer than four rounds lines are paired and exchanged instead. That cannot
tell a slow hour of the machine from a change. So a time then has to change by :data:`DRIFT`, and a note says so. No
test can tell a machine that is slower *in the whole run* from a slower Sophia. Take both runs on the same quiet
machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from pipelines.machine.environment import ENDPOINT, NOT_FOR_LATENCY
from pipelines.records.results import Run
from pipelines.replay.compare_result import (
    TIMES_UNCLEAR,
    Blame,
    Change,
    Comparison,
    Counting,
    Least,
    Limits,
    Timing,
    Verdict,
)
from pipelines.replay.compare_turns import (
    BARGE_IN,
    COUNTS,
    MEASURES,
    TAIL,
    TIMES,
    VOICE_TO_VOICE,
    WORD_ERRORS,
    Bools,
    Floats,
    Turns,
    by,
    scores,
)
from pipelines.replay.statistics import (
    FEWEST_BLOCKS,
    RESAMPLES,
    Chances,
    Estimate,
    Resampling,
    Sample,
    paired,
    shift,
    unpaired,
)
from pipelines.telemetry.ledger import CONTRIBUTIONS

__all__ = ["Blame", "Comparison", "Counting", "Incomparable", "Least", "Limits", "Timing", "compare"]

FEWEST_LINES: Final = 8
"""Lines below which pairs of lines prove nothing: 8 signs can be set in 256 ways."""

DRIFT: Final = 0.05
"""Share by which a time has to change with few rounds: a machine easily differs by so much from one run to the next."""

POLICY: Final = frozenset({"endpointing", "hold"})
"""Contributions that are waiting on purpose. They explain a slower voice-to-voice; alone they are no regression."""

LEAST_BLAME: Final = 0.1
"""Stages with less than this share of a slow-down are not blamed."""


LIMITS: Final = Limits()
"""What counts as a change if nobody says otherwise."""


UNTOLD: Final = frozenset({*NOT_FOR_LATENCY, ENDPOINT, "date"})
"""Parts of settings and environment whose difference means nothing for a latency."""

MOST_DIFFERENCES: Final = 8
"""Differences of settings, and of the environment, that are told one by one."""


class Incomparable(Exception):
    """The two runs cannot be compared; the message is one line that says why and what to do."""


def compare(base: Run, new: Run, *, limits: Limits = LIMITS, seed: int = 0, resamples: int = RESAMPLES) -> Comparison:
    """Compares ``new`` with its baseline; the same runs and ``seed`` give the same comparison.

    ``resamples`` are those of the bootstrap. Raises :class:`Incomparable` for runs of another scenario, another number
    of sessions, a simulated and a real one, or with too few rounds and lines.
    """
    _check(base, new)
    turns = Turns.of(base, new)
    residuals = turns.residuals()
    lines = _common_lines(turns)
    rounds = turns.rounds
    by_rounds = min(rounds) >= FEWEST_BLOCKS
    if not by_rounds and lines < FEWEST_LINES:
        raise Incomparable(
            f"{lines} lines in {rounds[0]} and {rounds[1]} rounds are too few to compare: play each run at least "
            f"{FEWEST_BLOCKS} times (--repeat 5), or {FEWEST_LINES} lines or more"
        )
    if not by_rounds:
        limits = limits.of_few_rounds(DRIFT)
    least = _least(turns, residuals, limits)
    if by_rounds:
        chances = _exchanging_rounds(turns, residuals, least, seed)
        resampling = Resampling.apart(*rounds, resamples, seed)
    else:
        chances = _exchanging_lines(turns, residuals, least, seed)
        resampling = Resampling.together(turns.lines, resamples, seed)
    judge = _Judge(turns, residuals, chances, resampling, limits, by_rounds)
    timings = judge.timings()
    return Comparison(
        by="rounds" if by_rounds else "lines",
        units=rounds if by_rounds else (lines, lines),
        lines_paired=lines,
        simulated=new.simulated,
        limits=limits,
        timings=timings,
        counts=tuple(judge.counts()),
        blame=tuple(_blame(timings, residuals, turns.new)),
        notes=tuple(_notes(base, new, by_rounds)),
    )


def _check(base: Run, new: Run) -> None:
    if base.fingerprint != new.fingerprint:
        raise Incomparable(
            f"other soundbites: the baseline played {base.scenario} ({base.fingerprint}), this run {new.scenario} "
            f"({new.fingerprint}); play the baseline's scenario, or save a new baseline"
        )
    if base.sessions != new.sessions:
        raise Incomparable(
            f"the baseline ran {base.sessions} sessions side by side, this run {new.sessions}: use --sessions "
            f"{base.sessions}, or save a new baseline"
        )
    if bool(base.simulated) != bool(new.simulated):  # two profiles may be compared: that is what they are for
        kinds = [f"simulated services ({run.simulated})" if run.simulated else "real services" for run in (base, new)]
        raise Incomparable(f"the baseline had {kinds[0]}, this run {kinds[1]}; compare like with like")
    if not any(turn.voice_to_voice is not None for turn in base.turns):
        raise Incomparable("the baseline has no answered turn to compare with: save a new baseline")
    if not new.turns:
        raise Incomparable("this run played nothing: there is no turn to compare")


def _common_lines(turns: Turns) -> int:
    return len(np.intersect1d(turns.line[turns.new], turns.line[~turns.new]))


def _least(turns: Turns, residuals: Floats, limits: Limits) -> Floats:
    """The least change of each of :data:`MEASURES` and of the tail that may raise an alarm."""
    least = np.zeros(len(MEASURES) + 1)
    known = np.isfinite(residuals) & ~turns.new[:, None]
    for column in range(len(TIMES)):
        if known[:, column].any():
            values = turns.values[known[:, column], column]
            least[column] = limits.median.of(float(np.median(values)))
            if column == 0:
                # The upper half of what lies above TAIL moves with the 95th percentile; the mean is over all turns.
                least[-1] = limits.tail.of(float(np.quantile(values, 0.95))) * (1 - TAIL) / 2
    least[len(TIMES) : -1] = limits.lines
    errors = MEASURES.index(WORD_ERRORS)
    if known[:, errors].any():
        least[errors] = limits.words * turns.words[known[:, errors]].mean()
    return least


def _exchanging_rounds(turns: Turns, residuals: Floats, least: Floats, seed: int) -> Chances:
    before, after = turns.rounds
    second = np.arange(before + after) >= before
    unit = turns.round + np.where(turns.new, before, 0)
    return unpaired(by(unit, scores(residuals), before + after), second, least, seed=seed)


def _exchanging_lines(turns: Turns, residuals: Floats, least: Floats, seed: int) -> Chances:
    means = by(turns.line * 2 + turns.new, scores(residuals), turns.lines * 2)
    return paired(means[1::2] - means[::2], least, seed=seed)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Puts the three questions to each measure."""

    turns: Turns
    residuals: Floats
    chances: Chances
    resampling: Resampling
    limits: Limits
    by_rounds: bool

    def timings(self) -> tuple[Timing, ...]:
        """Of all times that both runs have; stages know whether voice-to-voice is slower, too."""
        found = [self._timing(VOICE_TO_VOICE, "p50"), self._timing(VOICE_TO_VOICE, "p95")]
        shown = any(timing is not None and timing.verdict == "slower" for timing in found)
        found += [self._timing(stage, "p50", covered=not shown) for stage in CONTRIBUTIONS]
        found.append(self._timing(BARGE_IN, "p50"))
        return tuple(timing for timing in found if timing is not None)

    def _timing(self, measure: str, quantile: Literal["p50", "p95"], covered: bool = False) -> Timing | None:
        column = TIMES.index(measure)
        estimate = self._shift(column, 0.5 if quantile == "p50" else 0.95)
        if estimate is None:
            return None
        values = self.turns.values[np.isfinite(self.residuals[:, column])]
        new = self.turns.new[np.isfinite(self.residuals[:, column])]
        q = 0.5 if quantile == "p50" else 0.95
        before, after = (float(np.quantile(values[rows, column], q)) for rows in (~new, new))
        tested = column if quantile == "p50" else len(MEASURES)
        p = float((self.chances.rise if estimate.value > 0 else self.chances.fall)[tested])
        least = (self.limits.median if quantile == "p50" else self.limits.tail).of(before)
        verdict = self._verdict(estimate, p, least)
        return Timing(
            measure=measure,
            quantile=quantile,
            base=before,
            new=after,
            shift=estimate.value,
            low=estimate.low,
            high=estimate.high,
            p=p,
            least=least,
            verdict=verdict,
            gates=measure not in POLICY,
            hidden=covered and verdict == "slower" and measure not in POLICY,
        )

    def _shift(self, column: int, q: float) -> Estimate | None:
        unit = self.turns.round if self.by_rounds else self.turns.line
        known = np.isfinite(self.residuals[:, column])
        before, after = (
            Sample(self.residuals[rows, column], unit[rows])
            for rows in (known & ~self.turns.new, known & self.turns.new)
        )
        return shift(before, after, q, self.resampling) if len(before.values) else None

    def _verdict(self, estimate: Estimate, p: float, least: float) -> Verdict:
        low, high = estimate.low, estimate.high
        if low is None or high is None:
            return "unclear"
        if p > self.limits.alarm:
            return "unclear" if high > TIMES_UNCLEAR * least else "same"
        if estimate.value >= least and low > 0:
            return "slower"
        return "faster" if estimate.value <= -least and high < 0 else "same"

    def counts(self) -> Iterator[Counting]:
        """Of everything that is counted and could happen in both runs."""
        turns = self.turns
        for column, measure in enumerate(COUNTS, len(TIMES)):
            known = np.isfinite(self.residuals[:, column])
            sides = [known & ~turns.new, known & turns.new]
            if not sides[0].any():
                continue
            weights = turns.words if measure == WORD_ERRORS else np.ones(len(turns.new))
            (base, base_of), (new, new_of) = (
                (round(turns.values[side, column].sum()), round(weights[side].sum())) for side in sides
            )
            rise = new / new_of - base / base_of
            p = float((self.chances.rise if rise > 0 else self.chances.fall)[column])
            verdict: Change = "same"
            if p <= self.limits.alarm and abs(rise) >= (
                self.limits.words if measure == WORD_ERRORS else self.limits.lines
            ):
                verdict = "worse" if rise > 0 else "better"
            yield Counting(measure, base, base_of, new, new_of, p, verdict)


def _blame(timings: tuple[Timing, ...], residuals: Floats, new: Bools) -> Iterator[Blame]:
    """The stages behind a slow-down, largest first: those that are proven slower, else whatever explains it best.

    A share is of the shift of voice-to-voice, or of all that is blamed if that is more.
    """
    slower = {(timing.measure, timing.quantile): timing for timing in timings if timing.verdict == "slower"}
    whole = slower.get((VOICE_TO_VOICE, "p50"))
    stages = {timing.measure: timing for timing in timings if timing.measure in CONTRIBUTIONS}
    proven = {stage: timing.shift for stage, timing in stages.items() if timing.verdict == "slower"}
    shifts: Mapping[str, float] = {}
    if whole or (VOICE_TO_VOICE, "p95") in slower or any(stages[stage].hidden for stage in proven):
        shifts = proven
    if not shifts and whole:
        shifts = {stage: timing.shift for stage, timing in stages.items()}
    elif not shifts and (VOICE_TO_VOICE, "p95") in slower:
        shifts = _in_the_slowest(residuals, new)
    total = max(sum(seconds for seconds in shifts.values() if seconds > 0), whole.shift if whole else 0.0)
    for stage, seconds in sorted(shifts.items(), key=lambda item: -item[1]):
        if seconds > 0 and seconds >= LEAST_BLAME * total:
            yield Blame(stage, seconds, seconds / total, hidden=stages[stage].hidden)


def _in_the_slowest(residuals: Floats, new: Bools) -> Mapping[str, float]:
    """How much more each stage took in the slowest tenth of the new run's turns than in that of the baseline's."""
    means = []
    for side in (~new, new):
        rows = residuals[side & np.isfinite(residuals[:, : len(CONTRIBUTIONS) + 1]).all(axis=1)]
        if not len(rows):
            return {}
        slowest = rows[rows[:, 0] >= np.quantile(rows[:, 0], TAIL)]
        means.append(slowest[:, 1 : len(CONTRIBUTIONS) + 1].mean(axis=0))
    return dict(zip(CONTRIBUTIONS, (means[1] - means[0]).tolist(), strict=True))


def _notes(base: Run, new: Run, by_rounds: bool) -> Iterator[str]:
    if not by_rounds:
        yield (
            f"fewer than {FEWEST_BLOCKS} rounds: lines were compared one by one, which cannot tell a slow hour of the "
            f"machine from a change; so a time has to change by {DRIFT * 100:g} % (--repeat 5 finds less)"
        )
    for name, run in (("the baseline", base), ("this run", new)):
        expected = run.lines * run.rounds * run.sessions
        if not run.complete or len(run.turns) < expected:
            yield f"{name} is not complete: {len(run.turns)} of {expected} lines were played"
    if base.simulated != new.simulated:
        yield f"other profiles were simulated: {base.simulated} in the baseline, {new.simulated} in this run"
    yield from _differences("settings", base.config, new.config)
    yield from _differences("environment", base.environment, new.environment)


def _differences(what: str, base: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    first, second = dict(_flat(base)), dict(_flat(new))
    names = [
        name
        for name in dict.fromkeys((*first, *second))
        if first.get(name) != second.get(name) and not UNTOLD.intersection(name.split("."))
    ]
    for name in names[:MOST_DIFFERENCES]:
        yield f"other {what}: {name} {_short(first.get(name))} -> {_short(second.get(name))}"
    if more := names[MOST_DIFFERENCES:]:
        yield f"other {what}: {len(more)} more"


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _short(value: Any) -> str:
    text = "(none)" if value is None else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
