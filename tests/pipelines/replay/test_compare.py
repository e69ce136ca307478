"""What a comparison finds, blames and refuses: by hand-made runs, and by Monte Carlo on synthetic ones."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.gate import SERVICES, USUAL, WAITING, blamed, scene, synthetic, trials
from pipelines.records.results import Run, Turn
from pipelines.replay.compare import Incomparable, Least, Limits, compare

QUIET = replace(USUAL, jitter=0.02, drift=0.002, outliers=0.0, missed=0.0, cut_off=0.0)


def pair(world=QUIET, lines=8, rounds=6, **new):
    rng = np.random.default_rng(0)
    delays = scene(rng, lines, world)
    return synthetic(rng, delays, rounds, world), synthetic(rng, delays, rounds, world, **new)


def changed(run, change, which=lambda turn: True):
    turns = tuple(turn.model_copy(update=change(turn)) if which(turn) else turn for turn in run.turns)
    return run.model_copy(update={"turns": turns})


# By experiment


@pytest.mark.parametrize("stage", [*SERVICES, "hidden llm", "hidden tts"])
def test_20_ms_more_in_one_stage_are_found_and_blamed(stage):
    """More trials, sizes and machines: ``python -m benchmarks.gate``."""
    stage, world = (stage.split()[1], WAITING) if "hidden" in stage else (stage, USUAL)
    found = list(trials(12, 10, 7, world, added={stage: 0.02}, resamples=150, seed=11))
    assert sum(blamed(comparison, stage) for comparison in found) >= 0.95 * len(found)
    if world is WAITING:
        assert sum(comparison.verdict == "slower, hidden" for comparison in found) >= 0.9 * len(found)


def test_equal_runs_raise_few_alarms():
    found = [
        comparison.exit_code
        for lines, rounds, count in ((6, 5, 60), (12, 6, 20), (16, 1, 40))
        for comparison in trials(count, lines, rounds, USUAL, resamples=150, seed=12)
    ]
    assert sum(found) <= 0.05 * len(found)


# What is found


def test_the_same_run_is_the_same():
    base, _ = pair()
    comparison = compare(base, base)
    assert (comparison.exit_code, comparison.verdict, comparison.blame) == (0, "same", ())
    assert {found.p for found in comparison.found} == {1.0}
    assert all(found.shift == 0 for found in comparison.timings)


def test_a_slower_stage_tells_how_much_and_why():
    comparison = compare(*pair(added={"llm": 0.04}))
    mind, whole = comparison.timing("llm"), comparison.timing("voice-to-voice")
    assert mind.verdict == whole.verdict == "slower"
    assert mind.low < 0.04 < mind.high
    assert mind.shift == pytest.approx(0.04, abs=0.003)
    assert not mind.hidden
    (blame,) = comparison.blame
    assert (blame.stage, blame.hidden) == ("llm", False)
    assert blame.share == pytest.approx(1.0, abs=0.1)
    assert comparison.exit_code == 1
    lines = list(comparison.lines())
    assert lines[0] == "verdict (simulated): slower"
    assert any(line.startswith("because of llm: +") for line in lines)


def test_two_slower_stages_share_the_blame_by_size():
    comparison = compare(*pair(added={"llm": 0.03, "tts": 0.06}))
    assert [blame.stage for blame in comparison.blame] == ["tts", "llm"]
    assert comparison.blame[0].share == pytest.approx(2 / 3, abs=0.07)


def test_a_faster_run_is_no_regression():
    base, new = pair(added={"tts": -0.04})
    assert compare(new, base).verdict == "slower"
    comparison = compare(base, new)
    assert (comparison.exit_code, comparison.verdict) == (0, "faster")
    assert comparison.timing("tts").verdict == "faster"


def test_a_stage_covered_by_hold_is_a_hidden_regression():
    comparison = compare(*pair(replace(QUIET, decided=0.9), added={"llm": 0.04}))
    assert comparison.timing("voice-to-voice").verdict == "same"
    assert comparison.timing("llm").hidden
    assert comparison.timing("hold").verdict == "faster"
    assert (comparison.verdict, comparison.exit_code) == ("slower, hidden", 1)
    assert [(blame.stage, blame.hidden) for blame in comparison.blame] == [("llm", True)]


def test_policy_alone_is_no_regression():
    """What recognition saved, hold took: nothing changed for people."""
    base, new = pair()

    def swapped(turn):
        parts = dict(turn.contributions)
        parts["asr"] -= 0.03
        parts["hold"] += 0.03
        return {"contributions": parts}

    comparison = compare(base, changed(new, swapped))
    assert comparison.timing("hold").verdict == "slower"
    assert comparison.exit_code == 0
    assert comparison.blame == ()


def test_policy_that_makes_people_wait_is_blamed():
    world = replace(QUIET, decided=0.9)
    comparison = compare(*pair(world, added={"hold": 0.05}))
    assert comparison.exit_code == 1
    assert [blame.stage for blame in comparison.blame] == ["hold"]


def test_what_is_too_small_does_not_count():
    base, new = pair(added={"llm": 0.007})
    assert compare(base, new).verdict == "same"
    assert compare(base, new, limits=Limits(median=Least(0.004, 0.001))).timing("llm").verdict == "slower"


def test_the_tail_is_compared_and_explained():
    """Each sixth turn or so waits 0.4 s longer for the mind: the median hardly knows."""
    rng = np.random.default_rng(5)
    base, new = pair(lines=12, rounds=10)

    def late(turn):
        parts = turn.contributions | {"llm": turn.contributions["llm"] + 0.4}
        return {"contributions": parts, "voice_to_voice": turn.voice_to_voice + 0.4}

    comparison = compare(base, changed(new, late, lambda turn: rng.random() < 0.15))
    assert comparison.timing("voice-to-voice", "p50").verdict == "same"
    assert comparison.timing("voice-to-voice", "p95").verdict == "slower"
    assert comparison.blame[0].stage == "llm"
    assert comparison.exit_code == 1


# Counts


COUNTS = {
    "missed turns": {"outcome": "missed", "voice_to_voice": None, "contributions": {}},
    "false cut-offs": {"false_cutoffs": 1},
    "unexpected replies": {"as_expected": False},
    "word errors": {"word_errors": 5},
    "disturbed lines": {"outcome": "disturbed"},
}


@pytest.mark.parametrize("measure", COUNTS)
def test_a_line_that_goes_wrong_each_time_is_a_regression(measure):
    base, new = pair()
    if measure == "disturbed lines":
        base = changed(base, lambda turn: {"outcome": "ignored"}, lambda turn: turn.line == 2)
    comparison = compare(base, changed(new, lambda turn: COUNTS[measure], lambda turn: turn.line == 2))
    found = comparison.count(measure)
    assert found.verdict == "worse"
    assert comparison.exit_code == 1
    assert found in comparison.regressions
    if measure in {"missed turns", "false cut-offs"}:
        assert (found.base, found.base_of, found.new, found.new_of) == (0, 48, 6, 48)
    back = compare(changed(new, lambda turn: COUNTS[measure], lambda turn: turn.line == 2), base)
    assert back.count(measure).verdict == "better"
    assert back.exit_code == 0


def test_one_missed_turn_proves_nothing():
    base, new = pair()
    once = changed(new, lambda turn: COUNTS["missed turns"], lambda turn: (turn.line, turn.round) == (2, 3))
    comparison = compare(base, once)
    assert comparison.count("missed turns").new == 1
    assert comparison.exit_code == 0


def test_a_run_in_which_nothing_is_answered_is_worse():
    base, new = pair()
    comparison = compare(base, changed(new, lambda turn: COUNTS["missed turns"] | {"barge_in": None}))
    assert comparison.verdict == "worse"
    assert comparison.timings == ()


def test_a_slower_barge_in_is_a_regression():
    base, new = pair()
    slow = changed(new, lambda turn: {"barge_in": turn.barge_in + 0.05}, lambda turn: turn.barge_in is not None)
    comparison = compare(base, slow)
    assert [found.name for found in comparison.regressions] == ["barge-in"]


# Few rounds


def test_with_few_rounds_lines_are_exchanged_and_a_note_says_so():
    comparison = compare(*pair(lines=12, rounds=2, added={"tts": 0.04}))
    assert (comparison.by, comparison.units) == ("lines", (12, 12))
    assert [blame.stage for blame in comparison.blame] == ["tts"]
    assert "--repeat 5" in comparison.notes[0]


def test_with_few_rounds_a_machine_that_is_a_bit_slower_is_no_alarm():
    assert compare(*pair(lines=12, rounds=2, slow=0.03)).exit_code == 0
    assert compare(*pair(lines=12, rounds=6, slow=0.03)).timing("voice-to-voice").verdict == "slower"
    assert compare(*pair(lines=12, rounds=2, slow=0.08)).timing("voice-to-voice").verdict == "slower"


def test_rounds_of_sessions_count_each():
    rng = np.random.default_rng(0)
    delays = scene(rng, 3, QUIET)
    comparison = compare(*(synthetic(rng, delays, 2, QUIET, sessions=2) for _ in range(2)))
    assert (comparison.by, comparison.units) == ("rounds", (4, 4))


def test_too_few_rounds_and_lines_prove_nothing():
    with pytest.raises(Incomparable, match=r"7 lines in 3 and 3 rounds are too few.*--repeat 5"):
        compare(*pair(lines=7, rounds=3))


# What cannot be compared, and what should be known


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fingerprint": "f" * 16}, "other soundbites"),
        ({"sessions": 4}, "--sessions 1"),
        ({"simulated": None}, r"simulated services \(synthetic\), this run real services"),
        ({"turns": ()}, "played nothing"),
    ],
)
def test_runs_of_another_kind_are_refused(change, words):
    base, new = pair(lines=8, rounds=4)
    with pytest.raises(Incomparable, match=words) as caught:
        compare(base, new.model_copy(update=change))
    assert "\n" not in str(caught.value)


def test_a_baseline_without_an_answer_is_refused():
    base, new = pair(lines=8, rounds=4)
    with pytest.raises(Incomparable, match="no answered turn"):
        compare(changed(base, lambda turn: COUNTS["missed turns"]), new)


def test_what_differs_beside_the_soundbites_is_noted():
    base, new = pair(lines=8, rounds=4)
    base = base.model_copy(
        update={
            "config": {"llm": {"model": "a", "endpoint": {"port": 1}}, "turns": {"pause": 1}},
            "environment": {"date": "yesterday", "cpu": "fast"},
        }
    )
    new = new.model_copy(
        update={
            "config": {"llm": {"model": "b", "endpoint": {"port": 2}}},
            "environment": {"date": "today", "cpu": "slow"},
            "simulated": "another",
            "turns": new.turns[:-2],
        }
    )
    assert compare(base, new).notes == (
        "this run is not complete: 30 of 32 lines were played",
        "other profiles were simulated: synthetic in the baseline, another in this run",
        "other settings: llm.model a -> b",
        "other settings: turns.pause 1 -> (none)",
        "other environment: cpu fast -> slow",
    )


def test_the_same_comparison_each_time_and_ready_for_json():
    base, new = pair(USUAL)
    assert compare(base, new, seed=1) == compare(base, new, seed=1)
    data = json.loads(json.dumps(compare(base, new).as_dict(), allow_nan=False))
    assert data["exit_code"] in {0, 1}
    assert data["timings"][0]["measure"] == "voice-to-voice"


def test_a_value_that_is_none_does_not_spoil_the_rest():
    """A file may say Infinity where a latency should be."""
    base, new = pair()
    spoiled = changed(new, lambda turn: {"voice_to_voice": float("inf")}, lambda turn: turn.round == 0)
    comparison = compare(base, spoiled)
    assert comparison.verdict == "same"
    assert np.isfinite(comparison.timing("voice-to-voice").new)


def test_runs_as_they_are_read_from_a_file():
    """The synthetic ones are made without validation; these are not."""
    base, new = pair(lines=8, rounds=4, added={"llm": 0.05})
    kept = [Run.model_validate_json(run.model_dump_json(by_alias=True)) for run in (base, new)]
    assert isinstance(kept[0].turns[0], Turn)
    assert compare(*kept).blame[0].stage == "llm"
