"""Guardrails against their own past: what is worse than chance makes days is told, and chance is not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pytest

from pipelines.improve.measures import GUARDRAILS as TRIED
from pipelines.insights.queries import USUAL, Percentiles
from pipelines.insights.report import comparing, drift
from pipelines.insights.report.asking import COUNTED, Tally
from pipelines.insights.report.drift import GUARDRAILS, PAST, Day, Drifts, drifts
from pipelines.insights.report.noise import FEWEST_DAYS

Rng = np.random.Generator

USUALLY = dict.fromkeys(drift.LEAST, 0.02) | {"failed turns": 0.003, "dropped turns": 0.06, "underruns": 0.005}
TODAY = "2026-12-01"


def day_of(
    rng: Rng,
    ago: int,
    conversations: int,
    slower: float = 1.0,
    rates: Mapping[str, float] | None = None,
) -> Day:
    """A day before TODAY; conversations, and the day as a whole, differ as real ones do. Weekends have a quarter."""
    date = dt.date.fromisoformat(TODAY) - dt.timedelta(days=ago)
    turns = rng.geometric(1 / 12, conversations // (4 if date.weekday() > 4 else 1))
    of = np.repeat(np.arange(len(turns)), turns)
    busy = slower * np.exp(0.01 * rng.standard_normal())
    waits = (
        0.55 * busy * np.exp(0.12 * rng.standard_normal(len(turns)))[of] * np.exp(0.2 * rng.standard_normal(len(of)))
    )
    prone = rng.gamma(2, 0.5, len(turns))[of]
    shares = USUALLY | (rates or {})
    counts = {name: int((rng.random(len(of)) < share * prone).sum()) for name, share in shares.items()}
    percentiles = tuple(int(1e6 * value) for value in np.quantile(waits, USUAL))
    return Day(str(date), Percentiles(len(of), percentiles), Tally(len(of), len(turns), counts))


def month(rng: Rng, conversations: int, days: int = PAST) -> list[Day]:
    return [day_of(rng, ago, conversations) for ago in range(days + 1, 1, -1)]


def names(found: Drifts | None) -> list[str]:
    assert found is not None
    return [one.guardrail for one in found.guardrails if one.drifted]


@pytest.mark.parametrize("conversations", [24, 300])
def test_days_like_all_others_are_called_so(conversations: int) -> None:
    rng = np.random.default_rng(conversations)
    alarms = [names(drifts([*month(rng, conversations), day_of(rng, 1, conversations)], TODAY)) for _ in range(100)]
    assert sum(map(bool, alarms)) <= 3


@pytest.mark.parametrize(
    ("slower", "rates", "worse"),
    [
        (1.1, {}, ["wait p50", "wait p95"]),
        (1.0, {"false cut-offs": 0.06}, ["false cut-offs"]),
        (1.0, {"failed turns": 0.03}, ["failed turns"]),
        (0.8, {"reprompts": 0.0}, []),
    ],
)
def test_a_day_that_went_worse_is_told_with_what_was_worse(
    slower: float, rates: dict[str, float], worse: list[str]
) -> None:
    rng = np.random.default_rng(1)
    found = drifts([*month(rng, 400), day_of(rng, 1, 400, slower, rates)], TODAY)
    assert found is not None
    assert (found.date, found.past) == ("2026-11-30", PAST)
    assert [one.guardrail for one in found.guardrails] == list(GUARDRAILS)
    assert names(found) == worse


def test_certain_changes_below_the_least_effect_are_none() -> None:
    rng = np.random.default_rng(2)
    day = day_of(rng, 1, 400)
    past = [Day(f"2026-11-{n:02}", day.waits, day.tally) for n in range(1, 28)]
    assert day.waits is not None
    slower = Percentiles(day.waits.n, tuple(value + 9_000 for value in day.waits.values))
    assert names(drifts([*past, Day("2026-11-30", slower, day.tally)], TODAY)) == []
    slower = Percentiles(day.waits.n, tuple(value + 50_000 for value in day.waits.values))
    assert names(drifts([*past, Day("2026-11-30", slower, day.tally)], TODAY)) == ["wait p50", "wait p95"]


@pytest.mark.parametrize(("failed", "worse"), [(3, []), (9, ["failed turns"])])
def test_a_few_failures_after_a_past_without_any_are_chance(failed: int, worse: list[str]) -> None:
    def day(date: str, many: int) -> Day:
        return Day(date, None, Tally(100, 20, dict.fromkeys(drift.LEAST, 0) | {"failed turns": many}))

    past = [day(f"2026-11-{n:02}", 0) for n in range(1, 28)]
    assert names(drifts([*past, day("2026-11-30", failed)], TODAY)) == worse


def test_a_day_that_is_not_over_is_not_judged() -> None:
    rng = np.random.default_rng(3)
    days = [*month(rng, 400), day_of(rng, 1, 400, slower=1.5)]
    assert names(drifts(days, "2026-11-30")) == []
    assert drifts(days, days[0].date) is None
    assert names(drifts(days[::-1], TODAY)) == ["wait p50", "wait p95"]


def test_a_past_of_a_few_days_judges_nothing() -> None:
    rng = np.random.default_rng(4)
    for past in (0, FEWEST_DAYS - 1):
        found = drifts([*month(rng, 100, past), day_of(rng, 1, 100, slower=3.0)], TODAY)
        assert found == Drifts("2026-11-30", past, ())
    assert names(drifts([*month(rng, 400, FEWEST_DAYS), day_of(rng, 1, 400, slower=3.0)], TODAY))


def test_what_counts_is_what_counts_in_a_trial_and_in_a_comparison() -> None:
    assert set(drift.LEAST) <= set(COUNTED)
    tried = {one.name: one.least for one in TRIED}
    assert {name: least for name, least in drift.LEAST.items() if name in tried} == {
        name: tried[name] for name in tried if name in drift.LEAST
    }
    assert {*tried} - {*drift.LEAST} == {"wait", "words a turn"}
    for name in {*comparing.LEAST} - {comparing.WAIT}:
        assert comparing.LEAST[name] == pytest.approx(100 * drift.LEAST[name])
