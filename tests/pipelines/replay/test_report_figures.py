"""What the report draws is what the run holds, and adds up."""

import json
import math

import numpy as np
import pytest
from report_samples import sample_run

from pipelines.records.results import Counter
from pipelines.replay.report.figures import BINS, COUNTER_POINTS, by_line, page_data, slow_turns, spectrum, turn_titles
from pipelines.telemetry.ledger import CONTRIBUTIONS


def mean_wait(run, line=None):
    values = [t.voice_to_voice for t in run.turns if t.voice_to_voice and (line is None or t.line == line)]
    return sum(values) / len(values)


def test_the_bars_of_a_line_add_up_to_its_mean_wait():
    run = sample_run(rounds=7, missed=0.1)
    lines = by_line(run)
    assert [line["title"] for line in lines] == [turn.name for turn in run.turns[:6]]
    assert [line["turns"] for line in lines] == [7] * 6
    for number, line in enumerate(lines):
        assert sum(line["parts"]) == pytest.approx(mean_wait(run, number), abs=0.002)


def test_a_line_that_was_never_answered_is_listed_without_bars():
    assert {(line["known"], line["parts"]) for line in by_line(sample_run(missed=1.0))} == {(0, None)}


@pytest.mark.parametrize(("rounds", "bars"), [(1, 6), (17, BINS), (40, BINS)])
def test_the_spectrum_holds_every_turn_once_and_never_falls(rounds, bars):
    run = sample_run(rounds=rounds)
    groups = spectrum(run)
    assert len(groups) == bars
    assert sum(group["turns"] for group in groups) == len(run.turns)
    assert [group["from"] for group in groups][1:] == [group["to"] for group in groups][:-1]
    waits = [sum(group["parts"]) for group in groups]
    assert waits == sorted(waits)
    weighted = sum(sum(group["parts"]) * group["turns"] for group in groups) / len(run.turns)
    assert weighted == pytest.approx(mean_wait(run), abs=0.002)


def test_the_stage_that_makes_turns_slow_is_found():
    quick = sample_run(rounds=9, seed=1)
    slow = sample_run(rounds=1, seed=2, slower={"tts": 0.4})
    run = quick.model_copy(update={"turns": quick.turns + slow.turns})
    more = slow_turns(run)
    assert list(more) == list(CONTRIBUTIONS)
    assert max(more, key=more.__getitem__) == "tts"
    assert more["tts"] == pytest.approx(0.4, abs=0.1)


def test_of_a_few_turns_no_tenth_is_spoken_of():
    assert slow_turns(sample_run()) is None
    assert spectrum(sample_run(missed=1.0)) == []


def test_titles_tell_turns_apart():
    run = sample_run(rounds=3)
    two = [turn.model_copy(update={"session": 1, "talk": "other"}) for turn in run.turns]
    run = run.model_copy(update={"turns": (*run.turns, *two)})
    titles = turn_titles(run)
    assert len(set(titles)) == len(titles) == 36
    assert titles[-1] == "other / 06_what_did_i_say · round 3 · session 2"
    assert turn_titles(sample_run())[0] == "01_who_are_you"


def test_a_long_counter_keeps_its_peak():
    times = tuple(float(i) for i in range(12345))
    values = tuple(99.0 if i == 7777 else 1.0 for i in range(12345))
    run = sample_run().model_copy(update={"counters": (Counter(name="cpu", unit="%", times=times, values=values),)})
    [counter] = page_data(run)["counters"]
    assert len(counter["times"]) == len(counter["values"]) == COUNTER_POINTS
    assert counter["times"][counter["values"].index(99.0)] == 7777


def test_what_is_no_number_is_left_out():
    counter = Counter(name="cpu", unit="%", times=(0.0, 1.0, 2.0), values=(5.0, math.nan, math.inf))
    turn = sample_run().turns[0].model_copy(update={"residue": math.nan})
    run = sample_run().model_copy(update={"counters": (counter,), "turns": (turn,)})
    data = page_data(run)
    assert data["counters"][0]["values"] == [5.0]
    assert data["turns"][0].get("residue") is None
    json.dumps(data, allow_nan=False)


@pytest.mark.parametrize("spoilt", ["?", "</script>", "abc", "ü"])
def test_a_spoilt_envelope_is_left_out(spoilt):
    turn = sample_run().turns[0].model_copy(update={"user_envelope": spoilt})
    [drawn] = page_data(sample_run().model_copy(update={"turns": (turn,)}))["turns"]
    assert "user_envelope" not in drawn
    assert drawn["reply_envelope"] == turn.reply_envelope


def test_rounding_keeps_what_is_seen():
    run = sample_run()
    drawn = page_data(run, run)
    exact = [turn.voice_to_voice for turn in run.turns]
    assert np.allclose([turn["voice_to_voice"] for turn in drawn["turns"]], exact, atol=1e-6)
    assert np.allclose(drawn["base"]["values"], exact, atol=1e-6)
