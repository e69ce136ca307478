"""Simulated replays: the same to the byte every time, however the work is shared out."""

from stagecraft import line, over, profile, settings

from pipelines.replay.runner import Progress
from pipelines.replay.simulate import simulate
from pipelines.scenarios.scenario import Scenario, Talk
from pipelines.simulation.distribution import Distribution

TWO_TALKS = Scenario("test", [Talk("one", [line("time")]), Talk("two", [line("say"), over(1.0, "time")])])


def short():
    return profile("It is a quarter past ten in the morning.")


def jittery():
    exact = short()
    llm = exact.llm.model_copy(update={"first_token": Distribution(p50=0.12, p95=0.3)})
    return exact.model_copy(update={"llm": llm})


def test_equal_arguments_give_equal_bytes_however_many_processes_share_the_work():
    runs = [simulate(TWO_TALKS, settings(), jittery(), rounds=3, seed=7, jobs=jobs) for jobs in (1, 1, 2)]
    first, second, shared = (run.model_dump_json(by_alias=True) for run in runs)
    assert first == second == shared
    assert len(runs[0].turns) == 9
    assert len({turn.voice_to_voice for turn in runs[0].turns}) == 9


def test_another_seed_is_another_run():
    times = [
        [turn.voice_to_voice for turn in simulate(TWO_TALKS, settings(), jittery(), seed=seed, jobs=1).turns]
        for seed in (1, 2)
    ]
    assert times[0] != times[1]


def test_playings_follow_each_other_on_the_runs_clock():
    run = simulate(TWO_TALKS, settings(), short(), rounds=2, jobs=1)
    ends = [turn.at + turn.seconds for turn in run.turns]
    assert all(turn.at > end for turn, end in zip(run.turns[1:], ends, strict=False))
    assert run.simulated == "exact"
    assert "date" not in run.environment


def test_sessions_share_one_clock_and_one_lot_of_services():
    run = simulate(TWO_TALKS, settings(), short(), sessions=3, seed=1)
    assert {turn.session for turn in run.turns} == {0, 1, 2}
    assert len(run.turns) == 9
    begun = sorted(turn.at for turn in run.turns if turn.line == 0 and turn.talk == "one")
    assert begun[-1] - begun[0] < 4.5  # side by side, staggered
    again = simulate(TWO_TALKS, settings(), short(), sessions=3, seed=1)
    assert run.model_dump_json() == again.model_dump_json()


def test_progress_is_told_every_line_and_every_talk():
    class Told(Progress):
        lines, turns, units = 0, 0, 0

        def begin(self, lines):
            self.lines = lines

        def turn(self, turn):
            self.turns += 1

        def unit(self, unit, turns):
            self.units += 1

    told = Told()
    simulate(TWO_TALKS, settings(), short(), rounds=2, jobs=1, progress=told)
    assert (told.lines, told.turns, told.units) == (6, 6, 4)
