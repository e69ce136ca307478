"""What ingest and report tell Prometheus: true figures in the node exporter's format, and only of what went well."""

from __future__ import annotations

import argparse
import shutil
import stat
import subprocess
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from spoken import talk, write

from pipelines.insights import metrics
from pipelines.insights.__main__ import main
from pipelines.insights.made import Making, Slow
from pipelines.insights.made import write as made
from pipelines.insights.report.drift import GUARDRAILS
from pipelines.insights.tables import SCHEMAS, Insights
from pipelines.settings.layers import SettingsError


def told(file: Path) -> dict[tuple[str, ...], float]:
    """Every sample: its name without ours before it, the values of its labels, and its value."""
    found = {}
    for family in text_string_to_metric_families(file.read_text()):
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            found[sample.name.removeprefix("sophia_insights_"), *sample.labels.values()] = sample.value
    return found


def take_in_told(folder: Path, *sources: Path) -> int:
    where = ["--into", str(folder / "tables"), "--metrics", str(folder / "ingest.prom")]
    return main(["ingest", *map(str, sources), *where])


def test_an_ingest_tells_when_it_was_what_it_took_in_and_how_new_that_is(tmp_path: Path) -> None:
    before = time.time()
    assert take_in_told(tmp_path, write(tmp_path / "a.jsonl", [*talk(1, turns=3), {"schema": 2}])) == 0
    found = told(tmp_path / "ingest.prom")
    assert before <= found["last_success_timestamp_seconds", "ingest"] <= time.time()
    assert found["last_duration_seconds", "ingest"] > 0
    assert (found["ingest_turns",], found["ingest_refused_lines",]) == (3, 1)
    assert {table: found["rows", table] for table in ("turns", "conversations")} == {"turns": 3, "conversations": 1}
    assert {key[1] for key in found if key[0] == "rows"} == set(SCHEMAS)
    newest = metrics.newest_turn(Insights(tmp_path / "tables"))
    assert found["newest_turn_timestamp_seconds",] == newest
    assert newest is not None
    assert time.gmtime(newest)[:3] == (2026, 11, 30)
    assert take_in_told(tmp_path, tmp_path / "a.jsonl") == 0  # its own file is written anew
    assert told(tmp_path / "ingest.prom")["ingest_turns",] == 0


def test_without_a_turn_nothing_is_said_of_the_newest(tmp_path: Path) -> None:
    assert take_in_told(tmp_path, write(tmp_path / "a.jsonl", [])) == 0
    found = told(tmp_path / "ingest.prom")
    assert ("newest_turn_timestamp_seconds",) not in found
    assert found["rows", "turns"] == 0


def test_what_did_not_go_well_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    write(tmp_path / "ledgers" / "a.jsonl", talk(1))
    assert take_in_told(tmp_path, tmp_path / "ledgers") == 0
    before = (tmp_path / "ingest.prom").read_bytes()
    (tmp_path / "ledgers" / "b.jsonl").symlink_to(tmp_path / "nowhere")
    write(tmp_path / "ledgers" / "c.jsonl", talk(2))
    assert take_in_told(tmp_path, tmp_path / "ledgers") == 1
    assert (tmp_path / "ingest.prom").read_bytes() == before
    assert len(Insights(tmp_path / "tables").dates("turns")) == 1


def test_everybody_may_read_what_the_node_exporter_reads(tmp_path: Path) -> None:
    assert take_in_told(tmp_path, write(tmp_path / "a.jsonl", talk(1))) == 0
    plain = tmp_path / "plain"
    plain.write_text("")
    assert stat.S_IMODE((tmp_path / "ingest.prom").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".new")]


def test_a_file_that_is_not_ours_or_would_not_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ingest.prom").write_text("# HELP other Of somebody else.\n")
    with pytest.raises(SettingsError, match="is there already"):
        take_in_told(tmp_path, write(tmp_path / "a.jsonl", talk(1)))
    parser = argparse.ArgumentParser(exit_on_error=False)
    metrics.add(parser)
    with pytest.raises(argparse.ArgumentError, match=r"reads files that end with \.prom"):
        parser.parse_args(["--metrics", "ingest.txt"])


@pytest.fixture(scope="module")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables of eleven days, the last of them slower."""
    folder = tmp_path_factory.mktemp("drifted")
    made(Making(1500, 11, slow=[Slow("llm", 200, "2026-11-11")]), folder)
    return folder


def test_a_report_tells_how_each_guardrail_stands(
    drifted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.prom"
    monkeypatch.setattr("time.time", lambda: 1_794_400_000.0)  # 2026-11-11, late
    assert main(["report", str(drifted), "--since", "2d", "--metrics", str(file)]) == 0
    assert "2026-11-10 against the 9 days before it" in capsys.readouterr().out
    monkeypatch.setattr("time.time", lambda: 1_794_460_000.0)  # 2026-11-12
    assert main(["report", str(drifted), "--since", "2d", "--metrics", str(file)]) == 0
    found = told(file)
    assert found["judged_day_timestamp_seconds",] == 1_794_355_200
    assert found["last_success_timestamp_seconds", "report"] == 1_794_460_000
    guardrails = [key for key in found if key[0].startswith("guardrail")]
    assert {key[1] for key in guardrails} == set(GUARDRAILS)
    now, usual, limit = (found["guardrail_seconds", "wait p50", of] for of in ("now", "usual", "limit"))
    assert usual < limit < now
    assert now - usual == pytest.approx(0.2, abs=0.03)
    cut, most = (found["guardrail_ratio", "false cut-offs", of] for of in ("now", "limit"))
    assert 0 < cut < most < 1
    said = capsys.readouterr().out
    assert "2026-11-11 against the 10 days before it" in said
    assert [line.split()[:2] for line in said.splitlines() if "drifted" in line] == [["wait", "p50"], ["wait", "p95"]]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed")
def test_prometheus_finds_nothing_to_say_of_their_names(drifted: Path, tmp_path: Path) -> None:
    assert main(["report", str(drifted), "--metrics", str(tmp_path / "report.prom")]) == 0
    assert take_in_told(tmp_path, write(tmp_path / "a.jsonl", talk(1))) == 0
    for file in ("report", "ingest"):
        page = (tmp_path / f"{file}.prom").read_bytes()
        done = subprocess.run(
            ["promtool", "check", "metrics"], input=page, capture_output=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
