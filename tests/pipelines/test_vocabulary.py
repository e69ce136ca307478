"""One vocabulary: whoever speaks of a service or of a stage calls it by the same name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from benchmarks.gate import MEANS
from pipelines.load.plot import STAGES as PLOTTED
from pipelines.replay.compare import POLICY
from pipelines.replay.exports.turns_csv import COLUMNS
from pipelines.replay.report.wording import MEANING
from pipelines.services.connect import endpoints
from pipelines.services.probes import probes
from pipelines.settings.errors import field_at
from pipelines.settings.model import Settings
from pipelines.simulation.profile import Load, ServiceProfile
from pipelines.telemetry.ledger import CONTRIBUTIONS
from pipelines.telemetry.metrics import SERVICES as COUNTED
from pipelines.terminal.bar import STYLES

SERVICES = ("asr", "llm", "tts", "face")
DEVICES = ("microphone", "speaker")
STAGES = ("capture", "asr", "endpointing", "llm", "tools", "clause", "tts", "hold", "playout")

OLD = ("ears", "recognizer", "mind", "voice")
SUFFIXES = ("crt", "csv", "js", "jsonl", "md", "py", "yaml")
"""Of files that are called as a section is or was."""

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "pipelines" / "replay" / "report" / "page"
DOCS = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "docker" / "README.md"]


def test_services_and_devices() -> None:
    assert tuple(endpoints(Settings())) == SERVICES
    assert tuple(probe.service for probe in probes(Settings())) == SERVICES
    assert sorted(COUNTED) == sorted({*endpoints(Settings()), *DEVICES})
    assert {*SERVICES, *DEVICES} <= Settings.model_fields.keys()
    assert set(SERVICES) <= ServiceProfile.model_fields.keys()
    assert "asr" in Load.model_fields


def test_stages_in_python() -> None:
    assert CONTRIBUTIONS == STAGES
    for known in (STYLES, MEANING, MEANS, PLOTTED):
        assert tuple(known) == STAGES
    assert [column for column in COLUMNS if column in STAGES] == list(STAGES)
    assert set(STAGES) >= POLICY


def test_stages_on_the_reports_page() -> None:
    style = (PAGE / "report.css").read_text()
    for stage in STAGES:
        assert f".{stage} {{ background: var(--{stage}); color: var(--on-{stage}); }}" in style
        for scheme in style.split("prefers-color-scheme: dark", 1):
            assert f"--{stage}: #" in scheme
            assert f"--on-{stage}: #" in scheme
    assert set(re.findall(r"--hatch-(\w+):", style)) == POLICY
    waiting = re.search(r"WAITING = \{(.*?)\}", (PAGE / "theme.js").read_text())
    assert waiting
    assert set(re.findall(r"(\w+):", waiting[1])) == POLICY


def test_rows_and_stages_of_the_waterfall() -> None:
    script = (PAGE / "waterfall.js").read_text()
    rows = re.search(r"const ROWS = (\[.*?\]);", script)
    assert rows
    assert [row for row in json.loads(rows[1]) if row in SERVICES] == list(SERVICES)
    spans = re.findall(r'\["(\w+)", "\w+", "\w+", "(\w+)", (?:true|false)\]', script)
    assert len(spans) == 9
    for row, stage in spans:
        assert row in json.loads(rows[1])
        assert stage in (*STAGES, "face")


@pytest.mark.parametrize(
    "file",
    [
        *sorted((ROOT / "docker" / "grafana" / "dashboards").glob("*.json")),
        *sorted((ROOT / "docker" / "prometheus" / "rules").glob("*.yml")),
        *sorted((ROOT / "tests" / "monitoring" / "rules").glob("*.yml")),
    ],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_labels_of_dashboards_and_rules(file: Path) -> None:
    text = file.read_text().replace('\\"', '"')
    assert set(re.findall(r'\bstage="([^"]*)"', text)) <= set(STAGES)
    assert set(re.findall(r'\bservice="([^"]*)"', text)) <= {*SERVICES, *DEVICES}
    assert set(re.findall(r"\bservice: (\w+)", text)) <= {*SERVICES, *DEVICES}
    assert set(re.findall(r"the stage `(\w+)`", text)) <= set(STAGES)


def test_a_benchmarks_results_name_its_stages() -> None:
    results = json.loads((ROOT / "benchmarks" / "results" / "runtime.json").read_text())
    found = [
        tuple(part["contributions"]) for part in results.values() if isinstance(part, dict) and "contributions" in part
    ]
    assert found
    for stages in found:  # in their order; tools are younger than some results
        assert stages == tuple(stage for stage in STAGES if stage in stages)
        assert {*stages, "tools"} == set(STAGES)


@pytest.mark.parametrize("file", DOCS, ids=lambda file: file.name)
def test_settings_that_the_docs_name_are_there(file: Path) -> None:
    text = file.read_text()
    named = set(re.findall(r"(?:`|--set )((?:\w+\.)+\w+)(?=[`=])", text)) - {
        "tts.rat",
        "server.address",
    }  # a mistake, an attribute
    for name in named:
        section, _, rest = name.partition(".")
        if section in Settings.model_fields and rest not in SUFFIXES:
            assert field_at(Settings, tuple(name.split(".")))[1] is not None, name
        assert section not in OLD or rest in SUFFIXES, name
    for variable in re.findall(r"\bSOPHIA_(\w+?)__\w+", text):
        assert variable in ("FOO", "SECTION") or variable.lower() in Settings.model_fields


def test_settings_of_the_containers_are_there() -> None:
    compose = yaml.safe_load((ROOT / "docker" / "docker-compose.sophia.yml").read_text())
    variables = compose["services"]["sophia"]["environment"]
    keys = [tuple(name.removeprefix("SOPHIA_").lower().split("__")) for name in variables if "__" in name]
    assert keys
    for key in keys:
        assert field_at(Settings, key)[1] is not None, key
