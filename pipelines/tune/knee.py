"""Which point of a front to recommend, and whether it holds on the lines that it was not tuned on."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.tune.score import Score
from pipelines.tune.search import Trial

RULE = (
    "of the points that cut off no more often and answer no later than the current configuration, the nearest to the "
    "best of each measure, each scaled to its span over the front"
)


def knee(front: Sequence[Trial], current: Trial) -> Trial:
    """The recommended point, by :data:`RULE`; ``current`` itself if no other qualifies."""
    limit = current.scores.tuned
    allowed = [
        trial
        for trial in front
        if trial.scores.tuned.false_cutoffs <= limit.false_cutoffs + 1e-9
        and trial.scores.tuned.voice_to_voice <= limit.voice_to_voice + 1e-9
    ]
    if not allowed:
        return current
    measures = list(zip(*(trial.scores.tuned.objectives for trial in front), strict=True))
    best, worst = [min(values) for values in measures], [max(values) for values in measures]

    def distance(trial: Trial) -> tuple[float, int]:
        scaled = [
            (value - low) / (high - low) if high > low else 0.0
            for value, low, high in zip(trial.scores.tuned.objectives, best, worst, strict=True)
        ]
        return sum(part * part for part in scaled), trial.number

    return min(allowed, key=distance)


def shortcomings(trial: Score, current: Score) -> list[str]:
    """In what ``trial`` is worse than ``current``, in words with figures; both of the validation half."""
    found = []
    if trial.voice_to_voice > current.voice_to_voice + 1e-9:
        found.append(f"voice-to-voice {current.voice_to_voice * 1000:.0f} → {trial.voice_to_voice * 1000:.0f} ms")
    if trial.false_cutoffs > current.false_cutoffs + 1e-9:
        found.append(f"false cut-offs {current.false_cutoffs:.1f} → {trial.false_cutoffs:.1f} per 100 lines")
    if trial.wasted > current.wasted + 1e-9:
        found.append(f"wasted speculations {current.wasted:.1f} → {trial.wasted:.1f} per 100 lines")
    if trial.failed > current.failed:
        found.append(f"missed or disturbed lines {current.failed} → {trial.failed}")
    return found
