"""The commands: what they print, what they leave behind and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from pipelines.improve.__main__ import main
from pipelines.improve.soundbites import in_proof, load
from pipelines.insights.mining.mine import HALVES, half_of
from pipelines.scenarios.loading import load_scenario
from pipelines.scenarios.scenario import ScenarioError
from pipelines.versions.store import Store

SLOW = ("--config", "embedded.yaml", "--set", "turns.pause_complete=0.6")
QUICK = ("--only", "turns.pause_complete", "--trials", "4", "--repeat", "1", "--jobs", "1")


@pytest.mark.timeout(180)
def test_from_a_proposal_to_a_rollback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = (*SLOW, "--set", f"insights.versions={tmp_path / 'versions'}")
    out = tmp_path / "proposal.yaml"
    assert main(["--dry-run", *QUICK, *place]) == 10
    assert not (tmp_path / "versions").exists()
    assert main(["propose", *QUICK, *place, "--out", str(out)]) == 10
    (version,) = Store(tmp_path / "versions").versions()
    assert version.state == "proven"  # and no further: that is a person's
    told = yaml.safe_load(out.read_text())
    assert told["version"] == version.id
    assert told["changes"][0]["log"] == "unknown"
    assert told["experiment"] is True
    assert out.stat().st_mode & 0o077 == 0
    held = json.loads(Store(tmp_path / "versions").evidence(version))
    assert held["proof"]["exit_code"] == 0
    capsys.readouterr()
    assert main(["approve", version.id, *place]) == 2  # nobody is at a terminal
    assert "--yes NAME" in capsys.readouterr().err
    assert main(["canary", version.id, "--yes", "Ann", *place]) == 2
    assert "nobody has approved it" in capsys.readouterr().err
    assert main(["approve", version.id[:5], "--yes", "Ann", *place]) == 0
    assert main(["canary", version.id, "--yes", "Ann", "--share", "0.1", *place]) == 0
    assert main(["status", *place]) == 0
    shown = capsys.readouterr().out
    assert "canary (10% of conversations)" in shown
    assert "approved by Ann" in shown
    assert main(["rollback", version.id, "--yes", "Ann", *place]) == 0
    assert main(["canary", version.id, "--yes", "Ann", *place]) == 2
    assert "it stays so" in capsys.readouterr().err
    assert main(["propose", *QUICK, *place, "--out", str(out), "--force"]) == 0  # what was withdrawn is not tried again
    assert "was withdrawn" in capsys.readouterr().out
    assert len(Store(tmp_path / "versions").versions()) == 1


def test_mistakes_end_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ("--set", f"insights.versions={tmp_path / 'versions'}")
    for words, line in (
        (["status"], "insights.versions names no folder"),
        (["approve", "abc", "--yes", "Ann", *place], "0 versions begin with 'abc'"),
        (["--only", "turns.reopen_window"], "none that can be tuned"),
        (["nowhere/", "--dry-run"], "nowhere is not there"),
        (["--takes", str(tmp_path), "--dry-run"], "--takes needs --tables"),
        (["--simulate", "nothing", "--dry-run"], "There is no service profile nothing"),
        (["status", "--set", f"insights.approval_key={tmp_path / 'none'}"], "cannot be read"),
    ):
        assert main(words) == 2
        told = capsys.readouterr().err
        assert line in told
        assert len(told.splitlines()) == 1, told


def test_a_conversation_is_dealt_as_the_miner_deals_it() -> None:
    for talk in ("a", "b", "c", "pauses", "noise"):
        assert in_proof(talk) == (half_of(talk) == HALVES[1])


def test_halves_hold_every_conversation_once() -> None:
    halves = load(["bundled"], "en-US")
    names = [talk.name for half in (halves.tune, halves.prove) for talk in half.talks]
    assert sorted(names) == sorted(talk.name for talk in load_scenario("bundled").talks)
    twice = load(["bundled", "bundled"], "en-US")
    assert twice.tune.lines == 2 * halves.tune.lines
    assert len({talk.name for half in (twice.tune, twice.prove) for talk in half.talks}) == 2 * len(names)


def test_what_the_miner_made_is_dealt_already(tmp_path: Path) -> None:
    source = load_scenario("bundled/pauses").talks[0].lines[0]
    from sophia.wav import wav_bytes

    for half, number in zip(HALVES, (8, 9), strict=True):
        (tmp_path / half).mkdir()
        rows = [f"{n}.wav,case {n},{source.transcript}" for n in range(number)]
        for n in range(number):
            (tmp_path / half / f"{n}.wav").write_bytes(wav_bytes(source.pcm, 16_000))
        (tmp_path / half / "manifest.csv").write_text("\n".join(["file,talk,transcript", *rows]) + "\n")
    halves = load([str(tmp_path)], "en-US")
    assert (halves.tune.lines, halves.prove.lines) == (8, 9)


def test_a_half_that_is_too_small_is_refused() -> None:
    with pytest.raises(ScenarioError, match="8 lines are needed"):
        load(["bundled/pauses"], "en-US")
