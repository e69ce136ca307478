"""The report's words and tables say what the run, and the comparison, say."""

import pytest
from report_samples import sample_run

from pipelines.replay.compare import compare
from pipelines.replay.report import tables, wording
from pipelines.replay.summary import summarise
from pipelines.telemetry.ledger import CONTRIBUTIONS


@pytest.fixture(scope="module")
def base():
    return sample_run(rounds=6, seed=2)


@pytest.fixture(scope="module")
def slower():
    return sample_run(rounds=6, seed=1, slower={"llm": 0.08}, missed=0.1)


@pytest.fixture(scope="module")
def tested(base, slower):
    """What the tables are made of: both summaries and the comparison."""
    return summarise(slower), summarise(base), compare(base, slower)


def test_the_headline(tested):
    summary, _, comparison = tested
    half, tail, answered, verdict = tables.tiles(*tested)
    assert half["value"] == f"{summary.voice_to_voice.p50.value * 1000:.0f} ms"
    assert half["note"].startswith("95 % CI ")
    assert tail["value"] == f"{summary.voice_to_voice.p95.value * 1000:.0f} ms"
    assert answered["value"] == f"{36 - summary.missed} of 36"
    assert (answered["note"], answered["tone"]) == (f"{summary.missed} missed", "bad")
    assert (verdict["value"], verdict["tone"]) == ("▲ slower", "bad")
    assert f"+{comparison.timing('voice-to-voice').shift * 1000:.0f} ms" in verdict["note"]


def test_a_baseline_that_was_not_tested_gets_no_verdict(tested):
    summary, before, _ = tested
    assert tables.tiles(summary, before, None)[-1]["note"] == "drawn beside this run, not tested"
    assert len(tables.tiles(summary, None, None)) == 3
    table = tables.stage_table(summary, before, None)
    assert {len(row["cells"]) for row in table["stages"]} == {len(table["stage_columns"]) - 1} == {5}


def test_the_stage_that_is_slower_is_the_only_one_called_so(tested):
    table = tables.stage_table(*tested)
    assert [row["name"] for row in table["stages"]] == ["voice-to-voice", *CONTRIBUTIONS]
    assert {row["name"] for row in table["stages"] if row["tone"] == "bad"} == {"voice-to-voice", "llm"}
    assert {len(row["cells"]) for row in table["stages"]} == {len(table["stage_columns"]) - 1}
    assert {row["name"]: row["cells"][-1] for row in table["stages"]}["llm"] == "▲ slower"


def test_quality_rows_are_compared_where_there_is_a_test(tested):
    table = tables.quality_table(*tested)
    rows = {row["name"]: row["cells"] for row in table["quality"]}
    assert rows["lines missed"][0] == f"{tested[0].missed} of 36 ({tested[0].missed / 36 * 100:.1f} %)"
    assert rows["lines missed"][1] == "0 of 36 (0.0 %)"
    assert rows["lines missed"][-1] == tested[2].count("missed turns").verdict
    assert rows["underruns"][-1] == "–"
    assert "lines to be ignored that disturbed her" not in rows  # there was none to be ignored
    assert {len(cells) for cells in rows.values()} == {len(table["quality_columns"]) - 1}


def test_nothing_answered():
    run = sample_run(missed=1.0)
    summary = summarise(run)
    half, _, answered = tables.tiles(summary, None, None)
    assert (half["value"], half["note"]) == ("–", "no line was answered")
    assert answered["value"] == "0 of 6"
    assert tables.stage_table(summary, None, None)["stages"] == []
    assert wording.mean_bars(run, None) == []
    assert wording.slow_told(run) == ""
    [reason] = wording.reasons(run)
    assert (reason["count"], reason["reason"]) == (6, "Nova did not answer within 5 s")


def test_reasons_come_by_frequency_and_name_some_lines():
    run = sample_run(lines=20, missed=1.0)
    rare = run.turns[3].model_copy(update={"outcome": "cut off", "reason": "answered before its end"})
    run = run.model_copy(update={"turns": (*run.turns[:3], rare, *run.turns[4:])})
    often, once = wording.reasons(run)
    assert (often["count"], once["count"], once["outcome"]) == (19, 1, "cut off")
    assert often["lines"].endswith(" and 13 more")


def test_the_mean_bars_are_drawn_to_one_scale(base, slower):
    ours, theirs = wording.mean_bars(slower, base)
    assert sum(float(part["percent"]) for part in ours["parts"]) == pytest.approx(100, abs=0.1)
    assert sum(float(part["percent"]) for part in theirs["parts"]) < 95


def test_what_slow_turns_wait_for_is_told():
    quick, slow = sample_run(rounds=9, seed=1), sample_run(seed=2, slower={"tts": 0.4})
    told = wording.slow_told(quick.model_copy(update={"turns": quick.turns + slow.turns}))
    assert told.split("Most of it: ")[1].startswith("tts ")


def test_what_was_cut_short_is_said_first():
    assert wording.warnings(sample_run()) == []
    assert "interrupted" in wording.warnings(sample_run().model_copy(update={"complete": False}))[0]
    assert wording.warnings(sample_run(rounds=0)) == ["Nothing was played."]


@pytest.mark.parametrize(("seconds", "told"), [(0.0504, "+50 ms"), (-0.0124, "−12 ms"), (-0.0001, "0 ms")])
def test_differences_have_a_sign(seconds, told):
    assert wording.signed(seconds) == told
