"""Scores of a run, and the halves of a scenario."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tuning import PROFILE, SCENARIO, line, scenario, simulated

from pipelines.records.results import Turn
from pipelines.scenarios.scenario import Scenario, ScenarioError, Talk
from pipelines.settings.model import Settings
from pipelines.tune.score import Halves, NothingAnswered, Scores, scores, split

ONE = {"talk": "t", "name": "n", "round": 0, "session": 0, "at": 0.0, "seconds": 1.0, "voiced": (0.0, 0.9)}


def turn(number: int, outcome: str = "answered", **more: object) -> Turn:
    return Turn.model_validate({**ONE, "line": number, "outcome": outcome, "voice_to_voice": None, **more})


def test_a_score_is_the_mean_and_counts_for_each_hundred_lines() -> None:
    turns = [
        turn(0, voice_to_voice=0.4, false_cutoffs=2, speculations_dropped=1),
        turn(1, voice_to_voice=0.8, speculations_dropped=2),
        turn(2, "cut off"),
        turn(3, "missed", reason="silence"),
        turn(4, voice_to_voice=9.0),
    ]
    found = scores(turns, Halves(frozenset({("t", n) for n in range(4)}), frozenset({("t", 4)})))
    assert found.tuned.voice_to_voice == pytest.approx(0.6)
    assert found.tuned.p50 == pytest.approx(0.6)
    assert found.tuned.objectives == (found.tuned.voice_to_voice, 75.0, 75.0)
    assert (found.tuned.lines, found.tuned.failed) == (4, 1)
    assert (found.validated.lines, found.validated.voice_to_voice, found.validated.failed) == (1, 9.0, 0)
    assert Scores.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_a_half_without_an_answer_says_why() -> None:
    with pytest.raises(NothingAnswered, match="the voice was lost"):
        scores([turn(0, "missed", reason="the voice was lost")], Halves(frozenset({("t", 0)}), frozenset()))


def test_both_halves_hold_all_kinds_and_every_line_is_in_one() -> None:
    halves = split(SCENARIO)
    keys = {("talk", n) for n in range(SCENARIO.lines)}
    assert halves.tuned | halves.validated == keys
    assert not halves.tuned & halves.validated
    paused = {("talk", n) for n in range(6, 12)}
    assert len(halves.tuned & paused) == len(halves.validated & paused) == 3
    shortest, longest = ("talk", 6), ("talk", 11)
    assert (shortest in halves.tuned) != (longest in halves.tuned)
    assert split(SCENARIO) == halves


def test_lines_that_want_no_reply_are_dealt_out_too() -> None:
    mhm = replace(line("mhm", 0.0), reaction="ignore")
    mixed = Scenario("mixed", [Talk("talk", [*SCENARIO.talks[0].lines, mhm, mhm])])
    halves = split(mixed)
    assert {("talk", 12), ("talk", 13)} & halves.tuned
    assert {("talk", 12), ("talk", 13)} & halves.validated


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (scenario(0.5, 0.5, 0.5, 0.5, plain=3), "has 7 lines with a transcript"),
        (scenario(0.5, 0.5, 0.5, 0.19, plain=9), "has 3 lines with a pause of 0.2 s or more"),
    ],
)
def test_too_little_to_tune_on(lines: Scenario, expected: str) -> None:
    with pytest.raises(ScenarioError, match=expected) as caught:
        split(lines)
    assert "\n" not in str(caught.value)


def test_the_made_up_loop_trades_latency_for_cut_offs() -> None:
    halves = split(SCENARIO)
    patient = Settings.model_validate({"turns": {"pause_open": 1.2}})
    hasty = Settings.model_validate({"turns": {"pause_open": 0.2}})
    slow, fast = (scores(simulated(SCENARIO, s, PROFILE).turns, halves) for s in (patient, hasty))
    assert slow.tuned.false_cutoffs == 0
    assert fast.tuned.false_cutoffs == 50
    assert fast.tuned.voice_to_voice < slow.tuned.voice_to_voice
