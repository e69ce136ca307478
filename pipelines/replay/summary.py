"""What a run amounts to: plain data that the table, the JSON and the report are made of.

Times are seconds. Quantiles carry 95 % confidence intervals by bootstrap. Rounds are resampled if there are enough of
them, else single turns: what disturbed a round disturbed all its lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipelines.records.results import Run, Turn
from pipelines.replay.statistics import FEWEST_BLOCKS, Estimate, quantiles
from pipelines.telemetry.ledger import CONTRIBUTIONS


@dataclass(frozen=True, slots=True)
class Spread:
    """Quantiles of a time over ``n`` turns; all None if there are none."""

    n: int
    p50: Estimate | None = None
    p90: Estimate | None = None
    p95: Estimate | None = None
    p99: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One contribution: its spread, its mean, and its share (0 to 1) of the mean wait. The means add up."""

    name: str
    spread: Spread
    mean: float
    share: float


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run: a talk, or a line (``line`` is its place) of all rounds and sessions."""

    talk: str
    line: int | None
    name: str
    turns: int
    missed: int
    false_cutoffs: int
    p50: float | None
    p95: float | None
    worst: float | None
    word_errors: int
    words: int


@dataclass(frozen=True, slots=True)
class Speculation:
    """What replies begun early cost: how many were started and dropped, and what was made for nothing.

    ``tokens`` and ``sound`` (seconds) are of all replies, wasted ones included.
    """

    started: int
    dropped: int
    wasted_tokens: int
    tokens: int
    wasted_sound: float
    sound: float


@dataclass(frozen=True, slots=True)
class ToolUse:
    """Calls of the runtime's own tools, and of those: without a result, for nothing, and not in the recording."""

    calls: int
    failures: int
    wasted: int
    unrecorded: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in numbers.

    ``turns`` were played of ``planned``; ``replies_wanted`` of them are lines that she has to answer. ``outcomes``
    counts turns by outcome. ``word_error_rate`` is the sum of errors by the sum of words, None if no line has a
    transcript. ``false_cutoffs`` counts endpoints before the voice ended, ``missed`` lines without a reply and
    ``missed_reasons`` why, most frequent first. ``unexpected`` of ``expectations`` answers do not hold what was
    expected. ``worst_residue`` is the greatest difference, either way, between voice-to-voice in the audio and the
    sum of its contributions. ``end_error`` is of the size of the detector's error about the end of the voice.
    ``lip_skew`` is of its size, ``worst_lip_skew`` with its sign (+ the lips lead). ``by_line`` has the slowest first.
    """

    scenario: str
    simulated: str | None
    complete: bool
    lines: int
    rounds: int
    sessions: int
    turns: int
    planned: int
    replies_wanted: int
    outcomes: dict[str, int]
    voice_to_voice: Spread
    stages: tuple[Stage, ...]
    worst_residue: float | None
    end_error: Spread
    word_error_rate: float | None
    word_errors: int
    words: int
    false_cutoffs: int
    missed: int
    missed_reasons: dict[str, int]
    unexpected: int
    expectations: int
    speculation: Speculation
    tools: ToolUse
    barge_in: Spread
    underruns: int
    lip_skew: Spread
    worst_lip_skew: float | None
    face_lateness: Spread
    by_talk: tuple[Part, ...]
    by_line: tuple[Part, ...]

    def per_100_lines(self, count: int) -> float:
        """So many in 100 lines that were played; 0 if none was."""
        return 100 * count / self.turns if self.turns else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


def summarise(run: Run, *, seed: int = 0) -> Summary:
    """Sums a run up; the same run and ``seed`` give the same summary."""
    turns = run.turns
    residues = [turn.residue for turn in turns if turn.residue is not None]
    skews = [turn.lip_skew for turn in turns if turn.lip_skew is not None]
    errors, words = _word_errors(turns)
    missed = [turn for turn in turns if turn.outcome == "missed"]
    wasted_tokens, wasted_sound = sum(t.wasted_tokens for t in turns), sum(t.wasted_seconds for t in turns)
    return Summary(
        scenario=run.scenario,
        simulated=run.simulated,
        complete=run.complete,
        lines=run.lines,
        rounds=run.rounds,
        sessions=run.sessions,
        turns=len(turns),
        planned=run.lines * run.rounds * run.sessions,
        replies_wanted=sum(turn.outcome not in {"ignored", "disturbed"} for turn in turns),
        outcomes=dict(Counter(turn.outcome for turn in turns).most_common()),
        voice_to_voice=_spread(turns, lambda turn: turn.voice_to_voice, seed),
        stages=tuple(_stages(turns, seed)),
        worst_residue=max(residues, key=abs, default=None),
        end_error=_spread(turns, lambda turn: None if turn.end_error is None else abs(turn.end_error), seed),
        word_error_rate=errors / words if words else None,
        word_errors=errors,
        words=words,
        false_cutoffs=sum(turn.false_cutoffs for turn in turns),
        missed=len(missed),
        missed_reasons=dict(Counter(turn.reason or "no reason was kept" for turn in missed).most_common()),
        unexpected=sum(turn.as_expected is False for turn in turns if turn.outcome == "answered"),
        expectations=sum(turn.as_expected is not None for turn in turns if turn.outcome == "answered"),
        speculation=Speculation(
            started=sum(turn.speculations for turn in turns),
            dropped=sum(turn.speculations_dropped for turn in turns),
            wasted_tokens=wasted_tokens,
            tokens=sum(turn.tokens for turn in turns) + wasted_tokens,
            wasted_sound=wasted_sound,
            sound=sum(turn.sound_seconds for turn in turns) + wasted_sound,
        ),
        tools=ToolUse(
            calls=sum(turn.tool_calls for turn in turns),
            failures=sum(turn.tool_failures for turn in turns),
            wasted=sum(turn.tool_calls_wasted for turn in turns),
            unrecorded=sum(turn.tool_calls_unrecorded for turn in turns),
        ),
        barge_in=_spread(turns, lambda turn: turn.barge_in, seed),
        underruns=sum(turn.underruns for turn in turns),
        lip_skew=_spread(turns, lambda turn: None if turn.lip_skew is None else abs(turn.lip_skew), seed),
        worst_lip_skew=max(skews, key=abs, default=None),
        face_lateness=_spread(turns, lambda turn: turn.face_lateness, seed),
        by_talk=_parts(turns, lambda turn: (turn.talk, None)),
        by_line=tuple(sorted(_parts(turns, lambda turn: turn.key), key=lambda part: -(part.p50 or 0.0))),
    )


def _spread(turns: Sequence[Turn], value: Callable[[Turn], float | None], seed: int) -> Spread:
    known = [(found, (turn.session, turn.round)) for turn in turns if (found := value(turn)) is not None]
    numbers: dict[tuple[int, int], int] = {}
    rounds = [numbers.setdefault(key, len(numbers)) for _, key in known]
    estimates = quantiles(
        [found for found, _ in known],
        (0.5, 0.9, 0.95, 0.99),
        blocks=rounds if len(numbers) >= FEWEST_BLOCKS else None,
        seed=seed,
    )
    return Spread(len(known), *estimates)


def _stages(turns: Sequence[Turn], seed: int) -> Iterable[Stage]:
    explained = [turn for turn in turns if turn.contributions]
    whole = sum(sum(turn.contributions.values()) for turn in explained)
    for name in CONTRIBUTIONS:
        total = sum(turn.contributions.get(name, 0.0) for turn in explained)
        spread = _spread(explained, _contribution(name), seed)
        if explained:
            yield Stage(name, spread, total / len(explained), total / whole if whole else 0.0)


def _contribution(name: str) -> Callable[[Turn], float]:
    return lambda turn: turn.contributions.get(name, 0.0)


def _word_errors(turns: Iterable[Turn]) -> tuple[int, int]:
    known = [turn for turn in turns if turn.word_errors is not None]
    return sum(turn.word_errors or 0 for turn in known), sum(turn.words for turn in known)


def _parts(turns: Iterable[Turn], key: Callable[[Turn], tuple[str, int | None]]) -> tuple[Part, ...]:
    groups: dict[tuple[str, int | None], list[Turn]] = {}
    for turn in turns:
        groups.setdefault(key(turn), []).append(turn)
    return tuple(_part(talk, line, group) for (talk, line), group in groups.items())


def _part(talk: str, line: int | None, turns: Sequence[Turn]) -> Part:
    waits = [turn.voice_to_voice for turn in turns if turn.voice_to_voice is not None]
    errors, words = _word_errors(turns)
    median, p95 = (None, None) if not waits else (float(q) for q in np.quantile(waits, [0.5, 0.95]))
    return Part(
        talk=talk,
        line=line,
        name=talk if line is None else turns[0].name,
        turns=len(turns),
        missed=sum(turn.outcome == "missed" for turn in turns),
        false_cutoffs=sum(turn.false_cutoffs for turn in turns),
        p50=median,
        p95=p95,
        worst=max(waits, default=None),
        word_errors=errors,
        words=words,
    )
