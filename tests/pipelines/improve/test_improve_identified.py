"""A log tells what a shorter pause does to people, and of a longer one only what it saw."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from pipelines.improve.data import SilenceRow
from pipelines.improve.identified import said, still_silent

FORCE = 0.28


def log(explore: float = 0.0, heard: float = 1.0, number: int = 60_000) -> tuple[list[SilenceRow], np.ndarray]:
    """Silences after words that sound complete, watched up to the threshold; and how long they truly were."""
    rng = np.random.default_rng(2)
    inner = rng.random(number) < 0.18
    length = np.where(inner, 0.12 * np.exp(0.75 * rng.standard_normal(number)) + 0.08, np.inf)
    explored = rng.random(number) < explore
    threshold = np.where(explored, np.round(rng.uniform(FORCE, 0.6, number), 2), FORCE)
    reopened = (length > threshold) & (length <= threshold + 1) & (rng.random(number) < heard)
    rows: Counter[tuple[bool, str, int, int]] = Counter()
    for silence, watched, was_explored, again in zip(length, threshold, explored, reopened, strict=True):
        kind = "voice" if silence <= watched else "reopen" if again else "endpoint"
        held = watched if kind == "endpoint" else silence
        rows[bool(was_explored), kind, round(1e6 * watched), round(1e4 * held) * 100] += 1
    found = [SilenceRow("complete", one, kind, watched, held, n) for (one, kind, watched, held), n in rows.items()]
    return found, length


def cut(length: np.ndarray, pause: float) -> float:
    return 100 * float(np.mean(np.isfinite(length) & (length > pause)))


def figure(line: str) -> float:
    return next(float(word) for word in line.split() if word.replace(".", "").isdigit())


@pytest.mark.parametrize("pause", [0.16, 0.20, 0.24])
def test_a_shorter_pause_is_identified(pause: float) -> None:
    rows, length = log()
    one = said("turns.pause_complete", FORCE, pause, rows)
    assert one.known == "identified"
    assert figure(one.line) == pytest.approx(cut(length, pause) - cut(length, FORCE), abs=0.1)


def test_a_longer_pause_is_bounded_by_those_who_went_on_over_her() -> None:
    rows, length = log(heard=0.4)
    one = said("turns.pause_complete", FORCE, 0.4, rows)
    assert one.known == "bounded"
    assert 0 < figure(one.line) < cut(length, FORCE) - cut(length, 0.4)


def test_a_longer_pause_is_identified_by_exploration() -> None:
    rows, length = log(explore=0.5)
    one = said("turns.pause_complete", FORCE, 0.4, rows)
    assert one.known == "identified"
    assert figure(one.line) == pytest.approx(cut(length, FORCE) - cut(length, 0.4), abs=0.25)


def test_exploration_says_nothing_beyond_what_it_watched() -> None:
    rows, _ = log(explore=0.5)
    assert said("turns.pause_complete", FORCE, 0.8, rows).known == "bounded"


def test_what_the_log_does_not_hold_is_unknown() -> None:
    rows, _ = log()
    assert said("turns.pause_open", 0.55, 0.4, rows).known == "unknown"
    assert said("microphone.vad.offset_windows", 2, 1, rows).known == "unknown"
    alone = [SilenceRow("complete", False, "endpoint", 280_000, 280_000, 5000)]
    assert said("turns.pause_complete", FORCE, 0.5, alone).known == "unknown"


def test_kaplan_and_meier_by_hand() -> None:
    rows = [
        SilenceRow("complete", True, "voice", 500, 100, 2),
        SilenceRow("complete", True, "endpoint", 200, 200, 4),
        SilenceRow("complete", True, "voice", 500, 300, 1),
        SilenceRow("complete", True, "endpoint", 500, 500, 3),
    ]
    assert still_silent(rows, 99) == 1.0
    assert still_silent(rows, 100) == pytest.approx(0.8)
    assert still_silent(rows, 300) == pytest.approx(0.8 * 3 / 4)
