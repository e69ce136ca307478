"""Steps made of runs, and what is written of them."""

from __future__ import annotations

import csv
import io
import json

import pytest
from load_runs import counters, run, turn

from nova.services.triton_statistics import ModelStatistics
from pipelines.load.results import GIVEN_UP, Batching, LoadTest, Step, as_csv


def step(*waits: float | None, streams: int = 1) -> Step:
    turns = [turn(float(number), session=number % streams, wait=wait) for number, wait in enumerate(waits)]
    return Step.of(run(turns, sessions=streams), 0.24)


def test_a_step_tells_means_tails_and_losses() -> None:
    turns = [turn(5.0 * n, wait=0.4 + 0.1 * n, underruns=1) for n in range(4)] + [turn(20.0, wait=None)]
    found = Step.of(run(turns), 0.24)
    assert (found.turns, found.measured, found.missed, found.underruns) == (5, 4, 1, 4)
    assert found.seconds == 20.0
    assert found.figures["e2e"].mean == pytest.approx(0.55)
    assert found.figures["e2e"].p50 == pytest.approx(0.55)
    assert found.figures["e2e"].values == pytest.approx((0.4, 0.5, 0.6, 0.7))
    assert found.keeps is None  # one of five was never answered
    assert found.reasons == {"nothing was understood": 1}
    assert sum(found.contributions.values()) == pytest.approx(0.45)


def test_lines_of_a_session_that_was_given_up_are_missed() -> None:
    lost = run([turn(0.0)], rounds=3, complete=False)
    found = Step.of(lost, 0.24)
    assert (found.turns, found.missed, found.complete) == (3, 2, True)
    assert found.reasons == {GIVEN_UP: 2}
    assert found.keeps is None
    stopped = Step.of(lost, 0.24, interrupted=True)
    assert (stopped.turns, stopped.missed, stopped.complete) == (1, 0, False)
    assert stopped.keeps == 0.4


def test_where_sessions_never_met_every_turn_is_measured() -> None:
    apart = Step.of(run([turn(0.0), turn(9.0, session=1)], sessions=2), 0.24)
    assert (apart.measured, apart.steady, apart.keeps) == (2, False, 0.4)
    together = Step.of(run([turn(9.0 * n, session=s) for n in range(2) for s in range(2)], sessions=2), 0.24)
    assert (together.measured, together.steady) == (4, True)


def test_a_step_without_a_reply_has_no_figures() -> None:
    found = step(None, None)
    assert found.figures == {}
    assert found.contributions == {}
    assert not found.within(10.0)


def test_the_machine_is_judged_from_the_runs_beginning_on() -> None:
    found = Step.of(run([turn()], counters=counters()), 0.24).generator
    assert found is not None
    assert found.lag == pytest.approx(0.002)
    assert (found.process_cores, found.machine_cpu, found.stolen) == pytest.approx((0.5, 0.4, 0.01))
    assert found.trouble() == ""
    busy = Step.of(run([turn()], counters=counters(35.0, 97.0, 12.0)), 0.24).generator
    assert busy is not None
    assert busy.trouble() == (
        "the event loop was 35 ms late, 97% of this machine's cores were in use, its host gave 12% of it to others"
    )


def test_holds_the_most_streams_of_an_unbroken_row() -> None:
    def test(*steps: Step) -> LoadTest:
        return LoadTest(scenario="s", fingerprint="f", steps=steps)

    good, slow = (0.5, 0.5), (1.5, 1.5)
    assert test(step(*good), step(*good, streams=2)).holds(1.0) == 2
    assert test(step(*good), step(*slow, streams=2)).holds(1.0) == 1
    assert test(step(*slow), step(*good, streams=2)).holds(1.0) == 0
    assert test(step(*good, streams=2), step(*good)).holds(1.0) == 2  # in whatever order


def test_csv_has_the_same_columns_whatever_was_measured() -> None:
    counted = Batching.of(ModelStatistics("nova", 12, 4, 12, 1, 0.06, 1.2))
    full = Step.of(run([turn()], counters=counters()), 0.24).model_copy(update={"batching": counted})
    test = LoadTest(scenario="s", fingerprint="f", steps=(full, step(None, streams=1)))
    rows = list(csv.DictReader(io.StringIO(as_csv(test))))
    assert rows[0].keys() == rows[1].keys()
    assert float(rows[0]["e2e_mean"]) == 0.4
    assert float(rows[0]["triton_mean_batch"]) == 3.0
    assert float(rows[0]["triton_mean_queue"]) == pytest.approx(0.005)
    assert rows[1]["e2e_mean"] == rows[1]["lag"] == ""
    assert as_csv(LoadTest(scenario="s", fingerprint="f")) == "streams\n"


def test_json_is_read_back() -> None:
    test = LoadTest(scenario="s", fingerprint="f", simulated="exact", steps=(step(0.4, None),))
    content = test.model_dump_json(by_alias=True)
    assert json.loads(content)["schema"] == 1
    assert LoadTest.model_validate_json(content) == test
