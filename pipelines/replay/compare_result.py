"""What a comparison of two runs found: plain data, an exit code, and lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

Verdict = Literal["faster", "same", "slower", "unclear"]
"""Of a time. ``unclear``: no change was proven, but one twice as large as counts is not excluded: repeat more."""

Change = Literal["better", "same", "worse"]
"""Of a count."""

TIMES_UNCLEAR: Final = 2.0
"""So many times the least change must an interval reach above 0 for ``unclear``."""


@dataclass(frozen=True, slots=True)
class Least:
    """The least change that counts: ``seconds`` or ``share`` of the baseline, whichever is more."""

    seconds: float
    share: float

    def of(self, base: float) -> float:
        """The least change of this baseline, in seconds."""
        return max(self.seconds, self.share * base)

    def __str__(self) -> str:
        return f"{self.seconds * 1000:g} ms or {self.share * 100:g} %"


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as a change.

    ``median`` and ``tail`` (the 95th percentile) are of times, ``lines`` is a share of lines, ``words`` a share of
    words. ``alarm`` bounds the chance of any false alarm in a whole comparison of runs that differ by chance.
    """

    median: Least = Least(0.010, 0.02)
    tail: Least = Least(0.030, 0.05)
    lines: float = 0.02
    words: float = 0.02
    alarm: float = 0.04

    def of_few_rounds(self, share: float) -> Limits:
        """The same with times that have to change by ``share`` of the baseline, and the tail by twice that."""
        median = replace(self.median, share=max(self.median.share, share))
        return replace(self, median=median, tail=replace(self.tail, share=max(self.tail.share, 2 * share)))


@dataclass(frozen=True, slots=True)
class Timing:
    """A time compared. All times in seconds.

    ``measure`` is voice-to-voice, a contribution, or barge-in; ``base`` and ``new`` are the runs' own quantiles, over
    the lines that have the measure in both; ``shift`` is that of the residuals, with its confidence interval
    (``low``, ``high``; None where there is none). ``p`` bounds the chance of so large a change, in its direction, in
    any measure, if nothing changed. ``least`` is the least change that counts. ``gates``: slower is a regression.
    ``hidden``: a stage is slower, but voice-to-voice does not show it (yet): other waiting covers it.
    """

    measure: str
    quantile: Literal["p50", "p95"]
    base: float
    new: float
    shift: float
    low: float | None
    high: float | None
    p: float
    least: float
    verdict: Verdict
    gates: bool
    hidden: bool = False

    @property
    def name(self) -> str:
        """The measure, and the quantile where there are two."""
        return f"{self.measure} {self.quantile}" if self.measure == "voice-to-voice" else self.measure

    @property
    def regressed(self) -> bool:
        """Whether it makes the comparison fail."""
        return self.gates and self.verdict == "slower"

    def __str__(self) -> str:
        between = "" if self.low is None or self.high is None else f" [{_ms(self.low)}, {_ms(self.high)}]"
        verdict = "slower, hidden" if self.hidden else self.verdict
        return (
            f"{verdict}: {self.measure} {self.quantile} {self.base * 1000:.0f} -> {self.new * 1000:.0f} ms, "
            f"shift {_ms(self.shift)}{between} ms, p = {self.p:.2g}"
        )


@dataclass(frozen=True, slots=True)
class Counting:
    """A count compared: ``base`` of ``base_of`` lines (or words), and ``new`` of ``new_of``; ``p`` as in Timing."""

    measure: str
    base: int
    base_of: int
    new: int
    new_of: int
    p: float
    verdict: Change

    @property
    def name(self) -> str:
        """The measure."""
        return self.measure

    @property
    def regressed(self) -> bool:
        """Whether it makes the comparison fail."""
        return self.verdict == "worse"

    def __str__(self) -> str:
        return (
            f"{self.verdict}: {self.measure} {self.base} of {self.base_of} -> {self.new} of {self.new_of}, "
            f"p = {self.p:.2g}"
        )


@dataclass(frozen=True, slots=True)
class Blame:
    """A stage that is behind a slow-down: its ``shift`` in seconds, its ``share`` of all such shifts (0 to 1)."""

    stage: str
    shift: float
    share: float
    hidden: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that a comparison found.

    ``by`` tells what was resampled: rounds, or lines where there were too few rounds; ``units`` how many of them the
    baseline and the new run have. ``lines_paired`` counts the lines that both runs played. ``blame`` has the stages
    behind a slower voice-to-voice, largest first; if only stages that other waiting covers are slower, those.
    """

    by: Literal["rounds", "lines"]
    units: tuple[int, int]
    lines_paired: int
    simulated: str | None
    limits: Limits
    timings: tuple[Timing, ...]
    counts: tuple[Counting, ...]
    blame: tuple[Blame, ...]
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> list[Timing | Counting]:
        """Times and counts in one list."""
        return [*self.timings, *self.counts]

    @property
    def regressions(self) -> tuple[Timing | Counting, ...]:
        """What got worse by more than the limits allow."""
        return tuple(found for found in self.found if found.regressed)

    @property
    def exit_code(self) -> int:
        """1 for a regression, else 0. (2 is for runs that cannot be compared: :class:`Incomparable`.)"""
        return 1 if self.regressions else 0

    @property
    def verdict(self) -> str:
        """In a few words: ``slower``, ``slower, hidden``, ``worse``, ``faster``, ``unclear`` or ``same``."""
        if worse := self.regressions:
            times = [found for found in worse if isinstance(found, Timing)]
            if not times:
                return "worse"
            return "slower, hidden" if all(found.hidden for found in times) else "slower"
        whole = [found.verdict for found in self.timings if found.measure == "voice-to-voice"]
        return next((word for word in ("faster", "unclear") if word in whole), "same")

    def timing(self, measure: str, quantile: Literal["p50", "p95"] = "p50") -> Timing | None:
        """The comparison of one time, if it was measured in both runs."""
        return next((x for x in self.timings if (x.measure, x.quantile) == (measure, quantile)), None)

    def count(self, measure: str) -> Counting | None:
        """The comparison of one count, if it could happen."""
        return next((x for x in self.counts if x.measure == measure), None)

    def lines(self) -> Iterator[str]:
        """For people without a table: what changed first, then how it was compared, and what to keep in mind."""
        marked = " (simulated)" if self.simulated else ""
        yield f"verdict{marked}: {self.verdict}"
        changed = sorted(self.found, key=lambda one: (not one.regressed, one.verdict == "same"))
        yield from (str(one) for one in changed if one.verdict != "same")
        for blame in self.blame:
            hidden = ", hidden" if blame.hidden else ""
            yield f"because of {blame.stage}: {_ms(blame.shift)} ms, {blame.share * 100:.0f} %{hidden}"
        if same := [one.name for one in changed if one.verdict == "same"]:
            yield f"same: {', '.join(same)}"
        yield self.method
        for note in self.notes:
            yield f"note: {note}"

    @property
    def method(self) -> str:
        """How it was compared, in one sentence."""
        first, second = self.units
        units = f"{first} and {second} rounds" if self.by == "rounds" else f"{first} lines in pairs"
        return (
            f"{self.lines_paired} lines, tested by {units}; a change counts from {self.limits.median} (p95: "
            f"{self.limits.tail}), whichever is more; at most {self.limits.alarm * 100:g} % false alarms in all"
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; times in seconds."""
        return asdict(self) | {"verdict": self.verdict, "exit_code": self.exit_code, "method": self.method}


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:+.1f}"
