"""The program: what it shows and writes, what it refuses, and that it changes no configuration."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

import pytest
from tuning import SCENARIO, scenario, simulated

from pipelines.settings.model import Settings, load_settings
from pipelines.settings.tunable import apply
from pipelines.tune import __main__ as command
from pipelines.tune import program, workers
from pipelines.tune.overlay import overlay_text
from pipelines.tune.search import Search

ONLY = ["--only", "turns.pause_open", "turns.pause_unfinished", "turns.speculate", "asr.stop_history_eou"]


@pytest.fixture(autouse=True)
def _made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(workers, "simulate", simulated)
    monkeypatch.setattr(program, "load_scenario", lambda *_, **__: SCENARIO)
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slow.yaml").write_text("turns:\n  pause_open: 1.0  # too patient\n")


def tune(*arguments: str, trials: int = 25) -> int:
    return command.main(["--config", "slow.yaml", "--jobs", "1", "--trials", str(trials), *ONLY, *arguments])


def test_it_recommends_and_the_loop_accepts_the_overlay(capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("slow.yaml").read_bytes()
    pauses = ("--only", "turns.pause_open", "turns.pause_unfinished")
    assert tune("--overlay", "tuned.yaml", "--plot", "front.html", *pauses) == 0
    shown = capsys.readouterr().out
    assert "simulated (exact)" in shown
    assert re.search(r"^ +0 .*current", shown, re.MULTILINE)
    assert re.search(r"^ +\d+ .*chosen", shown, re.MULTILINE)
    assert "--config slow.yaml --config tuned.yaml" in shown
    assert Path("slow.yaml").read_bytes() == before

    text = Path("tuned.yaml").read_text()
    assert "simulated" in text
    assert "# was 1.0" in text
    assert "pause_unfinished" not in text  # it does nothing in the made-up loop
    settings = load_settings(["slow.yaml", "tuned.yaml"], environment={})
    assert settings.turns.pause_open < 1.0
    mean = re.search(r"tuned on: .*mean (\d+) → (\d+) ms", text)
    assert mean
    assert int(mean[2]) < int(mean[1])


def test_the_same_search_writes_the_same_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert tune("--overlay", "a.yaml", "--plot", "a.html", trials=12) == 0
    first = capsys.readouterr().out.replace("a.yaml", "b.yaml").replace("a.html", "b.html")
    assert tune("--overlay", "b.yaml", "--plot", "b.html", trials=12) == 0
    assert capsys.readouterr().out == first
    assert Path("a.yaml").read_bytes() == Path("b.yaml").read_bytes()
    assert Path("a.html").read_bytes() == Path("b.html").read_bytes()


def test_the_page_needs_no_network_and_is_marked_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    hostile = replace(SCENARIO, name="</script><img src=x onerror=alert(1)>")
    monkeypatch.setattr(program, "load_scenario", lambda *_, **__: hostile)
    assert tune("--plot", "front.html", trials=3) == 0
    page = Path("front.html").read_text()
    assert "default-src 'none'; script-src 'sha256-" in html.unescape(page.partition("<title>")[0])
    assert "simulated: exact" in page
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", page.replace("&lt;", ""))
    assert "<img src=x" not in page


def test_an_overlay_is_not_overwritten_and_a_configuration_never() -> None:
    Path("tuned.yaml").write_text("mine: 1\n")
    assert tune("--overlay", "tuned.yaml") == 2
    assert Path("tuned.yaml").read_text() == "mine: 1\n"
    assert tune("--overlay", "tuned.yaml", "--force", trials=12) == 0
    assert "stop_history_eou: 320" in Path("tuned.yaml").read_text()
    before = Path("slow.yaml").read_bytes()
    assert tune("--overlay", "slow.yaml", "--force") == 2
    Path("link.yaml").symlink_to("slow.yaml")
    assert tune("--overlay", "link.yaml", "--force") == 2
    assert Path("slow.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--overlay", "nowhere/tuned.yaml"], "there is no folder nowhere"),
        (["--overlay", "."], "is a folder"),
        (["--plot", "nowhere/front.html"], "there is no folder nowhere"),
        (["--only", "turns.pause_opne"], "did you mean turns.pause_open?"),
        (["--config", "none.yaml"], "no configuration none.yaml"),
        (["--simulate", "exakt"], "did you mean exact"),
        (["--study", "slow.yaml"], "slow.yaml is not a study of the tuner"),
        (["--choose", "99"], "this trial is not on the front; there are "),
        (
            ["--set", "microphone.vad.onset=0.75"],
            "With the current configuration, simulated as in exact, no line was answered",
        ),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tune(*arguments, trials=1) == 2
    told = capsys.readouterr().err
    assert expected in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("module", ["plotly", "optuna"])
def test_what_is_not_installed_is_told_with_the_way_to_get_it(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (module, "plotly.offline", "pipelines.tune.program", "pipelines.tune.search"):
        monkeypatch.setitem(sys.modules, name, None) if module in name else monkeypatch.delitem(sys.modules, name)
    assert tune("--plot", "front.html") == 2
    told = capsys.readouterr().err
    assert "pip install -e '.[replay]'" in told
    assert told.count("\n") == 1


def test_a_turn_model_that_was_not_fetched_is_told_with_the_way_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert tune("--only", "turns.sound_veto", "turns.pause_open") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("turns.sound_veto needs ")
    assert line.endswith(
        "Fetch it: make prepare EXTRAS=turn, or .venv/bin/python -m pipelines.embedded --prepare --turn-model."
    )


def test_too_few_lines_are_refused_before_anything_is_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "load_scenario", lambda *_, **__: scenario(0.5, plain=2))
    assert tune() == 2
    assert "made-up has 3 lines with a transcript" in capsys.readouterr().err


def test_a_point_of_the_front_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    tune("--study", "a.journal")
    shown = capsys.readouterr().out
    rows = [int(row) for row in re.findall(r"^ +(\d+) +\d+ +\d+", shown, re.MULTILINE)]
    recommended = re.search(r"Chosen: trial (\d+)", shown)
    assert recommended
    other = next(row for row in rows if row not in (0, int(recommended[1])))
    assert tune("--study", "a.journal", "--choose", str(other), "--overlay", "tuned.yaml") == 0
    assert f"Chosen: trial {other}, by hand" in capsys.readouterr().out
    assert f"trial {other} of" in Path("tuned.yaml").read_text()


def test_what_was_found_until_ctrl_c_is_shown_and_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    generation = Search._generation
    calls = iter(range(3))

    def interrupted(self: Search, *arguments: object) -> None:
        if next(calls) == 2:
            raise KeyboardInterrupt
        generation(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Search, "_generation", interrupted)
    assert tune("--overlay", "tuned.yaml", "--plot", "front.html", trials=100) == 130
    assert "chosen" in capsys.readouterr().out
    load_settings(["slow.yaml", "tuned.yaml"], environment={})
    assert Path("front.html").is_file()


def test_nothing_better_leaves_no_overlay(capsys: pytest.CaptureFixture[str]) -> None:
    assert tune("--overlay", "tuned.yaml", trials=1) == 0
    assert "It is the current configuration" in capsys.readouterr().out
    assert not Path("tuned.yaml").exists()


def test_what_can_be_tuned_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--config", "slow.yaml", "--list"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"turns\.pause_open +1 +0\.2 … 1\.4 by 0\.05", shown)
    assert re.search(r"turns\.speculate +true +true or false", shown)


def test_an_overlay_holds_the_changed_keys_only_and_reads_back(tmp_path: Path) -> None:
    changes = {
        "turns.pause_open": (0.6, 0.45),
        "turns.speculate": (True, False),
        "microphone.vad.offset_windows": (2, 3),
    }
    text = overlay_text(changes, ["two\nlines", "another: 'one'"])
    assert text.startswith("# two lines\n# another: 'one'\n\nturns:\n  pause_open: 0.45")
    (tmp_path / "o.yaml").write_text(text)
    loaded = load_settings(tmp_path / "o.yaml", environment={})
    assert loaded == apply(Settings(), {key: now for key, (_, now) in changes.items()})
