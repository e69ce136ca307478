"""A run summed up: every figure of a small run that can be worked out by hand."""

import json

import numpy as np
import pytest

from pipelines.records.results import Run, Turn
from pipelines.replay.summary import summarise
from pipelines.telemetry.ledger import CONTRIBUTIONS

PARTS = dict.fromkeys(CONTRIBUTIONS, 0.0) | {"asr": 0.3, "llm": 0.1}


def turn(line=0, round=0, wait=0.4, **more):
    """A turn that was answered after ``wait``: what is not recognition's or the mind's is the voice's."""
    parts = {} if wait is None else PARTS | {"tts": wait - 0.4}
    common = {"talk": "talk", "line": line, "name": f"line {line}", "round": round, "session": 0, "at": 0.0}
    fields = {
        "seconds": 2.0,
        "voiced": (0.1, 1.9),
        "outcome": "answered" if wait is not None else "missed",
        "voice_to_voice": wait,
        "contributions": parts,
    }
    return Turn(**common | fields | more)


def run(*turns, **more):
    lines = len({turn.key for turn in turns})
    rounds = len({turn.round for turn in turns})
    return Run(**{"scenario": "test", "fingerprint": "0" * 16, "lines": lines, "rounds": rounds, "turns": turns} | more)


def test_an_empty_run_is_all_nothing():
    summary = summarise(Run(scenario="test", fingerprint="0" * 16, lines=3, rounds=2, complete=False))
    assert (summary.turns, summary.planned, summary.complete) == (0, 6, False)
    assert (summary.voice_to_voice.n, summary.voice_to_voice.p50, summary.stages) == (0, None, ())
    assert (summary.word_error_rate, summary.worst_residue, summary.worst_lip_skew) == (None, None, None)
    assert summary.per_100_lines(0) == 0


def test_one_turn_has_values_but_no_interval():
    wait = summarise(run(turn(wait=0.5))).voice_to_voice
    assert wait.p99.value == 0.5
    assert (wait.p50.low, wait.p50.high) == (None, None)


def test_waits_and_stages():
    waits = np.linspace(0.4, 0.8, 41)
    summary = summarise(run(*(turn(line, 0, wait) for line, wait in enumerate(waits))))
    assert summary.voice_to_voice.p50.value == pytest.approx(0.6)
    assert summary.voice_to_voice.p90.value == pytest.approx(0.76)
    assert summary.voice_to_voice.p50.low < 0.6 < summary.voice_to_voice.p50.high
    by_name = {stage.name: stage for stage in summary.stages}
    assert tuple(by_name) == CONTRIBUTIONS
    assert by_name["asr"].spread.p50.value == pytest.approx(0.3)
    assert by_name["tts"].mean == pytest.approx(0.2)
    assert by_name["llm"].share == pytest.approx(0.1 / 0.6)
    assert sum(stage.mean for stage in summary.stages) == pytest.approx(np.mean(waits))
    assert sum(stage.share for stage in summary.stages) == pytest.approx(1)


def test_rounds_that_differ_as_a_whole_widen_the_interval():
    rng = np.random.default_rng(0)
    waits = 0.5 + 0.05 * np.arange(6)[:, None] + 0.001 * rng.standard_normal((6, 10))
    turns = [turn(i, r, wait) for (r, i), wait in np.ndenumerate(waits)]
    by_rounds = summarise(run(*turns)).voice_to_voice.p50
    one_by_one = summarise(run(*(t.model_copy(update={"round": 0}) for t in turns))).voice_to_voice.p50
    assert by_rounds.value == one_by_one.value
    assert by_rounds.high - by_rounds.low > 1.3 * (one_by_one.high - one_by_one.low)


def test_what_went_wrong_is_counted_with_its_reasons():
    summary = summarise(
        run(
            turn(0, wait=None, reason="no words"),
            turn(1, wait=None, reason="no words"),
            turn(2, wait=None),
            turn(3, outcome="ignored", wait=None),
            turn(4, outcome="disturbed", wait=None),
            turn(5, false_cutoffs=2, as_expected=False),
            turn(6, as_expected=True),
            turn(7, wait=None, as_expected=False, reason="Nova is gone"),
        )
    )
    assert summary.missed == 4
    assert summary.replies_wanted == 6
    assert next(iter(summary.missed_reasons.items())) == ("no words", 2)
    assert summary.missed_reasons["no reason was kept"] == 1
    assert summary.outcomes == {"missed": 4, "ignored": 1, "disturbed": 1, "answered": 2}
    assert (summary.false_cutoffs, summary.per_100_lines(summary.false_cutoffs)) == (2, 25.0)
    assert (summary.unexpected, summary.expectations) == (1, 2)


def test_word_errors_are_of_all_words_that_are_known():
    summary = summarise(
        run(turn(0, word_errors=2, words=4), turn(1, word_errors=0, words=16), turn(2, word_errors=None, words=50))
    )
    assert (summary.word_errors, summary.words) == (2, 20)
    assert summary.word_error_rate == pytest.approx(0.1)


def test_what_speculation_cost():
    one = {"speculations": 2, "speculations_dropped": 1, "wasted_tokens": 5, "tokens": 15}
    found = summarise(
        run(turn(0, **one, sound_seconds=3.0, wasted_seconds=1.0), turn(1, sound_seconds=4.0))
    ).speculation
    assert (found.started, found.dropped, found.wasted_tokens, found.tokens) == (2, 1, 5, 20)
    assert (found.wasted_sound, found.sound) == (1.0, 8.0)


def test_the_worst_is_the_worst_either_way():
    summary = summarise(
        run(
            turn(0, residue=0.001, lip_skew=0.02, end_error=-0.03, barge_in=0.2, face_lateness=-0.1, underruns=1),
            turn(1, residue=-0.003, lip_skew=-0.05, end_error=0.01, barge_in=0.3, face_lateness=0.1, underruns=2),
        )
    )
    assert summary.worst_residue == -0.003
    assert summary.worst_lip_skew == -0.05
    assert summary.lip_skew.p50.value == pytest.approx(0.035)
    assert summary.end_error.p50.value == pytest.approx(0.02)
    assert summary.barge_in.p50.value == pytest.approx(0.25)
    assert summary.face_lateness.p50.value == pytest.approx(0.0)
    assert summary.underruns == 3


def test_talks_and_lines_the_slowest_first():
    turns = [turn(line, r, 0.5 + 0.1 * line) for line in range(3) for r in range(2)] + [turn(3, 0, None)]
    summary = summarise(run(*turns))
    assert [part.line for part in summary.by_line] == [2, 1, 0, 3]
    assert summary.by_line[0].p50 == pytest.approx(0.7)
    assert summary.by_line[-1].missed == 1
    (talk,) = summary.by_talk
    assert (talk.name, talk.line, talk.turns, talk.missed) == ("talk", None, 7, 1)
    assert talk.worst == pytest.approx(0.7)


def test_the_same_each_time_and_ready_for_json():
    one = run(*(turn(line, r, 0.4 + 0.01 * line) for line in range(4) for r in range(5)))
    assert summarise(one) == summarise(one)
    data = json.loads(json.dumps(summarise(one).as_dict(), allow_nan=False))
    assert data["voice_to_voice"]["p50"]["n"] == 20
