"""The evaluation of a configured mind, in real time: the embedded one behind Triton, and one that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from eval_cases import LIGHT, WEATHER

from pipelines.evals.__main__ import main

PATIENT = 60.0
"""The machine of a test may be busy; how soon she answers is judged on the virtual clock."""

pytestmark = [pytest.mark.services, pytest.mark.timeout(150)]


def test_the_embedded_mind_behind_triton_calls_tools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weather = {
        "user": "What's the weather in Ulm?",
        "expect": {"calls": [{"tool": "get_weather", "given": {"city": "Ulm"}}], "says": "foggy"},
    }
    light = {"user": "Switch the light in the kitchen on.", "expect": {"calls": [{"tool": "switch_light"}]}}
    cases = [
        {"name": "weather", "silence": PATIENT, "tools": {"get_weather": WEATHER}, "lines": [weather]},
        {"name": "light", "silence": PATIENT, "tools": {"switch_light": LIGHT}, "lines": [light]},
    ]
    file = tmp_path / "cases.yaml"
    file.write_text(yaml.safe_dump_all(cases))
    code = main([str(file), "--config", "embedded.yaml"])
    told = capsys.readouterr()
    assert code == 0, told
    assert "2 of 2 conversations are good" in told.out
    assert "nova by triton" in told.out


def test_a_server_that_is_not_there_is_told_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = ["--set", "llm.backend=openai", "--set", "llm.endpoint.target=127.0.0.1:1"]
    assert main([*nowhere, "--set", "llm.model=m", "--most", "1"]) == 3
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert "is down: nothing answers on this port" in told.splitlines()[-1]
