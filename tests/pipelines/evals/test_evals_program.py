"""The program: its table, its JSON, what it refuses, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from pipelines.evals.__main__ import main
from pipelines.evals.loading import CaseError, load_cases

HELLO = {"name": "hello", "lines": [{"user": "Hello.", "expect": {"says": "hello", "calls": []}}]}


def written(folder: Path, *cases: dict[str, object], name: str = "mine.yaml") -> Path:
    file = folder / name
    file.write_text(yaml.safe_dump_all(cases))
    return file


def test_a_good_case_ends_with_0_and_a_bad_one_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(written(tmp_path, HELLO))]) == 0
    assert "1 of 1 conversations are good" in capsys.readouterr().out
    bad = {**HELLO, "lines": [{"user": "Hello.", "expect": {"says": "goodbye"}}]}
    assert main([str(written(tmp_path, bad))]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "hello, line 1 (“Hello.”): not so: says goodbye; heard: Hello." in out


def test_the_report_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    assert main([str(written(tmp_path, HELLO)), "--json", str(report)]) == 0
    told = json.loads(report.read_text())
    assert told["good"] is True
    assert told["cases"][0]["lines"][0]["heard"].startswith("Hello")
    assert all(finding["good"] for finding in told["cases"][0]["findings"])
    assert report.stat().st_mode & 0o077 == 0
    assert main([str(written(tmp_path, HELLO)), "--json", str(written(tmp_path, HELLO))]) == 2  # its own input


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x\nlines: [{user: Hi, expcet: {}}]", "case x, lines.1.expcet: there is no such key"),
        ("name: x\nlines: []", "lines: Tuple should have at least 1 item"),
        ("name: x\nlines: [{user: Hi, expect: {says: '('}}]", "it is no regular expression"),
        ("name: x\nlines: [{user: Hi, over: 1}]", "line 1: over needs a line before"),
        ("name: x\nlines: [{user: Hi}, {user: Hi, over: 1, after: 1}]", "over and after disagree"),
        ("name: [", "this is no YAML"),
        ("- 1", "Input should be a valid dictionary"),
        ("name: x\nlines: [{user: Hi}]\n---\nname: x\nlines: [{user: Hi}]", "a second case is called x"),
    ],
)
def test_mistakes_are_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str) -> None:
    file = tmp_path / "case.yaml"
    file.write_text(text)
    assert main([str(file)]) == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert told in shown
    assert "Traceback" not in shown
    with pytest.raises(CaseError):
        load_cases([str(file)])


def test_what_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.yaml")]) == 2
    assert main([str(tmp_path)]) == 2
    assert main(["--only", "nothing"]) == 2
    assert main(["--functions", str(tmp_path / "none.json")]) == 2
    told = capsys.readouterr().err
    assert "no case is called that" in told
    assert "there is no case in it" in told


def test_function_calling_cases_are_scored(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    assert main(["--functions", "bfcl", "--json", str(report)]) == 0
    told = json.loads(report.read_text())
    assert set(told["scores"]) == {"simple_python", "multiple", "parallel", "irrelevance"}
    assert sum(score["of"] for score in told["scores"].values()) == 50
    assert told["scores"]["irrelevance"]["right"] >= 8
    assert main(["--functions", "bfcl", "--least", "0.99"]) == 1
    capfd.readouterr()
    assert main(["--functions", "bfcl", "--most", "1", "--json", "-"]) == 0
    assert json.loads(capfd.readouterr().out)["cases"][0]["id"] == "simple_python_0"
