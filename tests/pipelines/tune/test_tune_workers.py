"""Configurations are really played, and it does not matter in which process."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.scenarios.loading import load_scenario
from pipelines.settings.model import Settings
from pipelines.settings.tunable import apply
from pipelines.simulation.profile import load_profile
from pipelines.tune.score import Halves, NothingAnswered, Scores
from pipelines.tune.workers import Case, Workers


@pytest.mark.timeout(180)  # a process of its own imports everything once more
def test_a_process_of_its_own_finds_what_this_one_finds() -> None:
    bundled = load_scenario("bundled/questions")
    talk = bundled.talks[0]
    short = replace(bundled, talks=[replace(talk, lines=talk.lines[:2])])
    halves = Halves(frozenset({(talk.name, 0)}), frozenset({(talk.name, 1)}))
    case = Case(short, load_profile("exact"), halves)
    eager = apply(Settings(), {"asr.stop_history_eou": 160})
    patient = apply(Settings(), {"turns.speculate": False, "turns.pause_complete": 1.0, "turns.pause_open": 1.0})
    deaf = replace(case, scenario=replace(short, talks=[replace(talk, lines=[replace(talk.lines[0], words=())])]))

    with Workers(case, 2) as workers:
        apart = next(workers.evaluate([eager]))
    with Workers(case, 1) as workers:
        alone = list(workers.evaluate([eager, patient]))
    fast, slow = alone
    assert apart == fast
    assert isinstance(fast, Scores)
    assert isinstance(slow, Scores)
    assert fast.tuned.voice_to_voice + 0.5 < slow.tuned.voice_to_voice
    with Workers(deaf, 1) as workers:
        assert isinstance(next(workers.evaluate([eager])), NothingAnswered)
