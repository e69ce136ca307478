"""The whole gate, with simulated services that are noisy: a slow stage is found and blamed, and nobody cries wolf.

Rounds of a simulated run are independent of each other, so many runs are drawn from few: a pool of rounds is played
once as it is and once with 20 ms more in one stage, and every trial takes some rounds of each.
"""

import random
from functools import cache

import pytest
from stagecraft import line, profile, settings

from pipelines.replay.compare import compare
from pipelines.replay.simulate import simulate
from pipelines.scenarios.scenario import Cue, Scenario, Talk
from pipelines.simulation.distribution import Distribution

LINES = [line(name, cue=Cue("reply", 0.1)) for name in ("time", "say", "story", "time")]
SCENARIO = Scenario("gate", [Talk("talk", LINES)])
SURE = settings(max_speculations=1)
"""No guess is made from an interim, which would hide that the recogniser settles later."""
POOL, ROUNDS, TRIALS = 20, 8, 40
SLOWER = 0.020
STAGES = {"asr": ("asr", "stable"), "llm": ("llm", "first_token"), "tts": ("tts", "first_sound")}


def noisy(stage=None):
    """Delays that scatter by a fifth, and of which one in fifty is 0.2 s longer, as on a busy machine."""
    made = profile("Ten.")
    for name, (service, delay) in STAGES.items():
        typical = getattr(getattr(made, service), delay).constant
        spread = Distribution(p50=typical, p95=1.2 * typical)
        samples = [spread.at((number + 0.5) / 49) for number in range(49)]
        samples += [samples[-1], samples[-1] + 0.2]
        by = SLOWER if name == stage else 0.0
        slow = Distribution(samples=[sample + by for sample in samples])
        part = getattr(made, service).model_copy(update={delay: slow})
        made = made.model_copy(update={service: part})
    return made


@cache
def pool(stage, seed):
    return simulate(SCENARIO, SURE, noisy(stage), rounds=POOL, seed=seed, jobs=1)


def drawn(run, rounds):
    """A run of these rounds of the pool, numbered from 0."""
    numbers = {number: place for place, number in enumerate(rounds)}
    turns = [turn.model_copy(update={"round": numbers[turn.round]}) for turn in run.turns if turn.round in numbers]
    return run.model_copy(update={"rounds": len(rounds), "turns": tuple(turns)})


@pytest.mark.parametrize("stage", STAGES)
def test_20_ms_in_one_stage_are_found_and_blamed_on_it(stage):
    chance = random.Random(stage)
    found = blamed = 0
    for trial in range(TRIALS):
        base = drawn(pool(None, 1), chance.sample(range(POOL), ROUNDS))
        new = drawn(pool(stage, 2), chance.sample(range(POOL), ROUNDS))
        comparison = compare(base, new, seed=trial, resamples=500)
        found += comparison.exit_code
        blamed += bool(comparison.blame) and comparison.blame[0].stage == stage
    print(stage, found, blamed)
    assert found >= 0.95 * TRIALS
    assert blamed >= 0.95 * TRIALS


def test_two_equal_runs_do_not_cry_wolf():
    chance = random.Random(0)
    alarms = 0
    for trial in range(4 * TRIALS):
        both = chance.sample(range(POOL), 2 * ROUNDS)  # the same services, no round in both
        one, two = drawn(pool(None, 1), both[:ROUNDS]), drawn(pool(None, 1), both[ROUNDS:])
        alarms += compare(one, two, seed=trial, resamples=500).exit_code
    print("alarms", alarms)
    assert alarms <= 0.05 * 4 * TRIALS
