"""The program from its command line: what it prints, writes and returns. Services are simulated, in virtual time."""

import json
import shutil
import sys

import pytest
from stagecraft import SOUNDBITES

from pipelines.records.store import load_run
from pipelines.replay.__main__ import main
from pipelines.simulation.distribution import exactly
from pipelines.simulation.profile import load_profile, to_yaml


@pytest.fixture
def bites(tmp_path):
    folder = tmp_path / "bites"
    folder.mkdir()
    shutil.copy(SOUNDBITES / "02_what_time.wav", folder)
    (folder / "manifest.csv").write_text("file,transcript,expect\n02_what_time.wav,what time is it,quarter\n")
    return folder


@pytest.fixture
def replay(capsys, bites, monkeypatch, tmp_path):
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments, of=bites, profile="exact"):
        simulated = ["--simulate", str(profile), "--jobs", "1"] if profile else []
        code = main([str(of), *simulated, *map(str, arguments)])
        return code, " ".join(capsys.readouterr().out.split())

    return run


def slower(tmp_path, by=0.02):
    exact = load_profile("exact")
    tts = exact.tts.model_copy(update={"first_sound": exactly(0.08 + by)})
    file = tmp_path / "slower.yaml"
    file.write_text(to_yaml(exact.model_copy(update={"tts": tts, "name": "slower"})))
    return file


class TestFiles:
    def test_a_baseline_and_a_report_are_made_anew_but_nothing_else(self, replay, tmp_path):
        base, report, other = tmp_path / "base.json", tmp_path / "report", tmp_path / "other"
        for _ in range(2):
            assert replay("--save-baseline", base, "--report", report)[0] == 0
        other.mkdir()
        (other / "index.html").write_text("somebody's page")
        code, told = replay("--report", other)
        assert code == 2
        assert "index.html is there already" in told
        code, told = replay("--save-baseline", other / "index.html")
        assert code == 2
        assert "say --force" in told
        assert (other / "index.html").read_text() == "somebody's page"

    def test_what_is_compared_with_is_not_overwritten(self, replay, tmp_path):
        base = tmp_path / "base.json"
        replay("--save-baseline", base)
        before = base.read_bytes()
        code, told = replay("--baseline", base, "--save-baseline", base, "--force")
        assert code == 2
        assert "is read, too" in told
        assert base.read_bytes() == before


class TestGate:
    def test_a_run_that_equals_its_baseline_passes(self, replay, tmp_path):
        base = tmp_path / "base.json"
        code, told = replay("--repeat", 5, "--save-baseline", base)
        assert code == 0
        assert "simulated (exact)" in told
        assert f"The baseline is in {base}." in told
        code, told = replay("--repeat", 5, "--seed", 1, "--baseline", base)
        assert code == 0
        assert "verdict" in told.lower()

    def test_a_stage_that_is_20_ms_slower_is_a_regression_and_is_blamed(self, replay, tmp_path):
        base = tmp_path / "base.json"
        replay("--repeat", 5, "--save-baseline", base)
        code, told = replay("--repeat", 5, "--baseline", base, profile=slower(tmp_path))
        assert code == 1
        assert "slower" in told
        assert "because of tts" in told

    def test_other_soundbites_cannot_be_compared(self, replay, tmp_path, bites):
        base = tmp_path / "base.json"
        replay("--repeat", 5, "--save-baseline", base)
        (bites / "manifest.csv").write_text("file,transcript\n02_what_time.wav,what day is it\n")
        code, told = replay("--repeat", 5, "--baseline", base)
        assert code == 2
        assert "other soundbites" in told

    def test_a_baseline_of_another_schema(self, replay, tmp_path):
        base = tmp_path / "base.json"
        replay("--save-baseline", base)
        content = json.loads(base.read_text())
        base.write_text(json.dumps({**content, "schema": 7}))
        code, told = replay("--baseline", base)
        assert code == 2
        assert "has schema 7, this version reads 2" in told


class TestKept:
    def test_a_report_has_the_page_and_the_data(self, replay, tmp_path):
        code, told = replay("--report", tmp_path / "report")
        assert code == 0
        written = {path.name for path in (tmp_path / "report").iterdir()}
        assert {"index.html", "run.json", "turns.csv", "otlp.jsonl", "trace.json"} <= written
        assert "index.html" in told

    def test_two_simulated_runs_write_identical_reports(self, replay, tmp_path):
        for name in ("one", "two"):
            replay("--repeat", 2, "--report", tmp_path / name)
        for path in (tmp_path / "one").iterdir():
            assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name

    def test_an_earlier_run_is_shown_again(self, replay, tmp_path):
        replay("--out", tmp_path / "run")
        code, told = replay("--show", tmp_path / "run", profile=None)
        assert code == 0
        assert "voice-to-voice" in told

    def test_a_profile_out_of_a_run_simulates_it_again(self, replay, tmp_path):
        replay("--repeat", 3, "--out", tmp_path / "run")
        kept = ["--save-profile", tmp_path / "p.yaml", "--out", tmp_path / "second"]
        code, _ = replay("--profile-from", tmp_path / "run", *kept, profile=None)
        assert code == 0
        first, second = load_run(tmp_path / "run"), load_run(tmp_path / "second")
        assert second.turns[0].voice_to_voice == pytest.approx(first.turns[0].voice_to_voice, abs=0.01)
        assert load_profile(tmp_path / "p.yaml")


class TestRefused:
    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            (["--simulate", "exat"], "exact"),
            (["--baseline", "nowhere.json"], "cannot read nowhere.json"),
            (["--profile-from", "nowhere"], "cannot read nowhere"),
        ],
    )
    def test_what_cannot_be_used_is_one_line_and_2(self, replay, arguments, why):
        code, told = replay(*arguments, profile=None)
        assert code == 2
        assert why in told

    def test_a_report_without_plotly_is_told_before_anything_is_played(self, replay, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "plotly.offline", None)
        code, told = replay("--report", tmp_path / "report")
        assert code == 2
        assert "pip install -e '.[replay]'" in told
        assert "round 1" not in told

    def test_an_empty_folder(self, replay, tmp_path):
        (tmp_path / "empty").mkdir()
        code, told = replay(of=tmp_path / "empty")
        assert code == 2
        assert "empty" in told

    def test_a_folder_that_holds_a_run(self, replay, tmp_path):
        replay("--out", tmp_path / "run")
        code, told = replay("--out", tmp_path / "run")
        assert code == 2
        assert "holds a run already" in told
        assert "round 1" not in told  # nothing is played first

    def test_nothing_answered_is_a_failure(self, replay, bites):
        (bites / "manifest.csv").write_text("file,transcript\n02_what_time.wav,\n")
        code, told = replay("--set", "turns.max_reprompts=0")
        assert code == 1
        assert "missed" in told
