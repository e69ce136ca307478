"""A load test against simulated services on the virtual clock: what a service profile would do under load.

Every figure that comes out is one of simulated services.
"""

from __future__ import annotations

from pipelines.load.progress import LoadProgress
from pipelines.load.ramp import Ramp
from pipelines.replay.simulate import simulate
from pipelines.simulation.profile import ServiceProfile


def run_simulated(ramp: Ramp, profile: ServiceProfile, progress: LoadProgress) -> None:
    """Runs the steps of ``ramp``, which is told what came of each.

    ``KeyboardInterrupt`` goes through; the step that was going on is lost, as it takes seconds to make it again.
    """
    plan = ramp.plan
    lines = [line for talk in plan.scenario.talks for line in talk.lines]
    if mute := sum(1 for line in lines if line.reaction == "reply" and not line.words):
        ramp.note(
            f"{mute} of {len(lines)} lines have no transcript: a simulated recogniser understands nothing of them."
        )
    for streams in ramp.steps():
        progress.step(streams)
        run = simulate(
            plan.scenario,
            ramp.settings,
            profile,
            rounds=plan.rounds,
            sessions=streams,
            seed=plan.seed,
            progress=progress,
        )
        progress.finished(ramp.take(run))
