"""Which steps are run, and when it is enough."""

from __future__ import annotations

import numpy as np
import pytest
from load_runs import run, turn

from pipelines.load.ramp import Plan, Ramp, rounds_for
from pipelines.scenarios.scenario import Line, Scenario, Talk
from pipelines.settings.model import Settings

SOUND = np.zeros(32_000, np.int16)
SCENARIO = Scenario("questions", [Talk("questions", [Line("one", SOUND, (0, 16_000))])], ("stereo was mixed.",))


def ramp(*streams: int, until: float | None = None) -> Ramp:
    return Ramp(Plan(SCENARIO, streams, until_p95=until), Settings())


def tried(ramp: Ramp, waits: dict[int, float | None]) -> list[int]:
    """Runs the ramp against services that take so long with so many streams."""
    done = []
    for streams in ramp.steps():
        ramp.take(run([turn(float(n), session=n, wait=waits[streams]) for n in range(streams)], sessions=streams))
        done.append(streams)
    return done


def test_all_steps_are_tried_without_a_limit() -> None:
    assert tried(ramp(4, 1, 2), {4: None, 1: 0.5, 2: 9.0}) == [4, 1, 2]


@pytest.mark.parametrize("slow", [1.2, None])
def test_the_ramp_ends_with_the_first_step_beyond_the_limit(slow: float | None) -> None:
    one = ramp(1, 2, 4, until=1.0)
    assert tried(one, {1: 0.9, 2: slow, 4: 0.1}) == [1, 2] if slow is None else [1]


def test_notes_are_told_once_after_the_scenarios() -> None:
    one = ramp(1)
    one.note("no counters")
    one.note("no counters")
    one.interrupt()
    test = one.test()
    assert test.notes == ("stereo was mixed.", "no counters")
    assert not test.complete
    assert test.fingerprint == SCENARIO.fingerprint


def test_rounds_fill_the_seconds_that_were_asked_for() -> None:
    assert rounds_for(SCENARIO, 1.0) == 1
    assert rounds_for(SCENARIO, 70.0) == 10  # a line of 2 s, its cue of 1 s, a reply
