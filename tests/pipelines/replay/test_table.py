"""The table on the terminal: everything is in it, it fits 80 columns, and a pipe gets plain text."""

import io

import numpy as np
import pytest
from rich.console import Console

from benchmarks.gate import USUAL, scene, synthetic
from pipelines.records.results import Run
from pipelines.replay.compare import compare
from pipelines.replay.summary import summarise
from pipelines.replay.table import show


def pair(**new):
    rng = np.random.default_rng(1)
    delays = scene(rng, 8, USUAL)
    return synthetic(rng, delays, 5, USUAL), synthetic(rng, delays, 5, USUAL, **new)


def shown(found, comparison=None, *, width=80, terminal=False):
    stream = io.StringIO()
    colours = "standard" if terminal else None
    show(found, Console(file=stream, width=width, force_terminal=terminal, color_system=colours), comparison)
    return stream.getvalue()


def changed(run, **update):
    return run.model_copy(update={"turns": tuple(turn.model_copy(update=update) for turn in run.turns)})


@pytest.mark.parametrize("width", [80, 100, 120])
def test_it_fits_and_nothing_is_cut(width):
    base, new = pair(added={"tts": 0.03})
    new = changed(new, lip_skew=0.02, face_lateness=-0.01, end_error=0.01, speculations=1, residue=0.0004)
    text = shown(new, compare(base, new), width=width)
    assert all(len(line) <= width for line in text.splitlines())
    assert "…" not in text
    for name in ("voice-to-voice", "asr", "playout", "barge-in", "lip skew", "false cut-offs", "underruns"):
        assert name in text
    for name in ("word error rate", "speculation", "residue", "missed turns", "95 % sure", "verdict", "p99"):
        assert name in text
    assert "because of tts" in text


def test_simulated_figures_say_so_in_the_title():
    run, _ = pair()
    assert "simulated (synthetic)" in shown(run).splitlines()[1]
    assert "simulated" not in shown(run.model_copy(update={"simulated": None}))


def test_a_pipe_gets_plain_text_and_a_terminal_colours():
    run, _ = pair()
    assert "\x1b" not in shown(run)
    assert "\x1b[" in shown(run, terminal=True)


def test_values_are_in_milliseconds():
    run, _ = pair()
    wait = summarise(run).voice_to_voice
    (row,) = [line for line in shown(run).splitlines() if line.startswith("  voice-to-voice")]
    assert row.split()[1:5] == [f"{estimate.value * 1000:.0f}" for estimate in (wait.p50, wait.p90, wait.p95, wait.p99)]


def test_a_summary_shows_as_its_run_does():
    run, _ = pair()
    assert shown(summarise(run)) == shown(run)


def test_the_verdict_on_each_measure():
    base, new = pair(added={"llm": 0.03})
    rows = {line.split()[0]: line for line in shown(new, compare(base, new)).splitlines() if line.strip()}
    assert rows["llm"].rstrip().endswith("slower")
    assert rows["playout"].rstrip().endswith("same")


def test_an_empty_run_and_one_without_an_answer():
    empty = Run(scenario="none", fingerprint="0" * 16, lines=3, rounds=2, complete=False)
    text = shown(empty)
    assert "interrupted" in text
    assert "0 of 6 played" in text
    run, _ = pair()
    missed = changed(run, outcome="missed", voice_to_voice=None, contributions={}, reason="Nova was not there")
    assert "Nova was not there: 40" in shown(missed)


def test_many_reasons_are_put_together():
    run, _ = pair()
    turns = [
        turn.model_copy(update={"outcome": "missed", "voice_to_voice": None, "reason": f"reason {i % 7}"})
        for i, turn in enumerate(run.turns)
    ]
    text = shown(run.model_copy(update={"turns": tuple(turns)}), width=120)
    assert text.count("reason ") == 4
    assert "other: " in text


def test_names_and_reasons_cannot_command_the_terminal():
    run, _ = pair()
    evil = "\x1b]0;owned\x07[red]x"
    turns = tuple(turn.model_copy(update={"name": evil}) for turn in run.turns)
    text = shown(run.model_copy(update={"turns": turns, "scenario": evil, "simulated": evil}))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]x" in text
