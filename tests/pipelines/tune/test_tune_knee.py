"""Which point of a front is recommended."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.tune.knee import knee
from pipelines.tune.score import Score, Scores
from pipelines.tune.search import Trial
from pipelines.tune.table import MOST_ROWS, thinned

OBJECTIVES = st.tuples(st.floats(0.2, 2.0), st.integers(0, 5), st.integers(0, 5))


def trial(number: int, latency: float, cutoffs: float, wasted: float) -> Trial:
    score = Score(10, latency, latency, latency, cutoffs, wasted, 0)
    return Trial(number, {}, Scores(score, score))


CURRENT = trial(0, 0.6, 10, 20)


def test_the_balanced_point_is_taken_not_an_end() -> None:
    front = [trial(1, 0.40, 10, 20), trial(2, 0.42, 5, 5), trial(3, 0.59, 0, 0), CURRENT]
    assert knee(front, CURRENT).number == 2


def test_a_point_that_cuts_off_more_or_answers_later_is_never_taken() -> None:
    front = [trial(1, 0.30, 11, 0), trial(2, 0.61, 0, 0), trial(3, 0.59, 10, 20)]
    assert knee(front, CURRENT).number == 3
    assert knee(front[:2], CURRENT) == CURRENT


@settings(max_examples=30)
@given(st.lists(OBJECTIVES, min_size=1, max_size=12), OBJECTIVES)
def test_whatever_is_recommended_is_allowed_and_not_beaten(points: list[tuple[float, int, int]], now: tuple) -> None:
    current = trial(0, *now)
    front = [current, *(trial(number, *point) for number, point in enumerate(points, 1))]
    chosen = knee(front, current).scores.tuned.objectives
    assert chosen[0] <= now[0] + 1e-9
    assert chosen[1] <= now[1]
    for other in front:
        rival = other.scores.tuned.objectives
        assert not all(a < b - 1e-6 for a, b in zip(rival, chosen, strict=True))


def test_a_long_front_is_thinned_but_keeps_its_ends_and_what_matters() -> None:
    front = [trial(n, n / 10, 0, 0) for n in range(40)]
    kept = [one.number for one in thinned(front, keep={17})]
    assert {0, 17, 39} <= set(kept)
    assert len(kept) <= MOST_ROWS + 1
    assert kept == sorted(kept)
