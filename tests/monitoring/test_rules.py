"""Prometheus's own tools accept the configuration and the rules, and the alerts fire when they should."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest

from pipelines.monitoring import slo
from pipelines.settings.stack import StackSettings
from pipelines.telemetry.ledger import Count, Ledger, Outcome
from pipelines.telemetry.metrics import VOICE_BUCKETS, Metrics

PROMETHEUS = Path(__file__).parents[2] / "docker" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((Path(__file__).parent / "rules").glob("*.yml"))

promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed")


def run(*arguments):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@promtool
def test_prometheus_accepts_the_configuration_and_its_targets():
    run("check", "config", PROMETHEUS / "prometheus.yml")


@promtool
def test_the_rules_are_free_of_lint():
    run("check", "rules", "--lint=all", "--lint-fatal", *RULES)


@promtool
@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_not_otherwise(file):
    run("test", "rules", file)


@promtool
def test_the_loops_own_metrics_are_named_as_prometheus_wants_them():
    metrics = Metrics()
    metrics.certificate("llm", 1.8e9)
    metrics.lost(Count.OVERFLOWS, 2)
    ledger = Ledger(1, {"voice_end": 1.0, "played": 1.3}, outcome=Outcome.REPLIED, lip_skew=-0.02, face_missing=0.1)
    metrics.record(ledger)
    page = generate_latest(metrics.registry)
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def alerts(files):
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def test_every_alert_says_how_bad_what_and_what_to_do():
    found = alerts(RULES)
    assert len(found) >= 20
    for rule in found:
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}, rule
        assert set(rule["annotations"]) == {"summary", "action"}, rule


def test_every_alert_has_a_test_that_it_fires_and_one_that_it_does_not():
    cases = [
        case
        for file in TESTS
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
    ]
    named = {rule["alert"] for rule in alerts(RULES)}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == named
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == named


def test_every_alert_is_tried_at_its_limit():
    """Those of objectives and of learning in files of their own, for their hours ask for another clock."""
    tried = "".join(
        (Path(__file__).parent / "rules" / f"{name}.yml").read_text() for name in ("limits", "slo", "learning")
    )
    named = {rule["alert"] for rule in alerts(RULES)}
    assert set(re.findall(r'alertname="(\w+)"', tried)) == named


def test_an_objectives_windows_are_those_of_its_names():
    for group in slo.rules()["groups"]:
        for rule in group["rules"]:
            window = rule["labels"]["window"] if "alert" in rule else rule["record"].rpartition("_")[2]
            assert set(re.findall(r"\[(\w+)\]", rule["expr"])) == {window}


def test_every_job_calls_this_machine_the_same():
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    names = {str(job["relabel_configs"]) for job in jobs}
    assert names == {
        str([{"source_labels": ["host"], "regex": "^$", "target_label": "host", "replacement": "localhost"}])
    }
    shipped = [group for file in (PROMETHEUS / "targets").glob("*.yml") for group in yaml.safe_load(file.read_text())]
    assert len(shipped) == len(jobs) - 1  # all but Prometheus itself
    assert all(set(group) == {"targets"} for group in shipped)


def test_the_dcgm_exporter_is_told_to_count_what_the_rules_ask_for():
    lines = (PROMETHEUS.parent / "dcgm-exporter" / "counters.csv").read_text().splitlines()
    rows = [[field.strip() for field in line.split(",")] for line in lines if line and not line.startswith("#")]
    assert all(len(row) == 3 for row in rows), "the exporter refuses a file with a comma in a help text"
    assert {kind for _, kind, _ in rows} <= {"gauge", "counter", "label"}
    names = [name for name, _, _ in rows]
    assert len(set(names)) == len(names)
    asked = {name for file in RULES for name in re.findall(r"\bDCGM_\w+", file.read_text())}
    assert asked <= set(names)


def test_the_rules_of_the_objectives_are_as_generated():
    written = (PROMETHEUS / "rules" / "voice_loop_slo.yml").read_text()
    assert written == slo.render(), "run: python -m pipelines.monitoring write"


def test_the_objectives_speak_of_what_the_loop_counts():
    assert float(slo.VOICE_TO_VOICE) in VOICE_BUCKETS
    assert {"replied", "interrupted", "broken", "failed", "reprompted", "dropped", "joined", "kept", "called"} == {
        str(outcome) for outcome in Outcome
    }
    shown = {sample.name for family in Metrics().registry.collect() for sample in family.samples}
    text = "".join(objective.bad + objective.total for objective in slo.OBJECTIVES)
    asked = {word.split("[")[0].split("{")[0] for word in text.split("(") if word.startswith("sophia_")}
    assert asked == {
        "sophia_voice_to_voice_seconds_count",
        "sophia_voice_to_voice_seconds_bucket",
        "sophia_turns_total",
        "sophia_underruns_total",
    }
    assert asked <= shown


def test_a_slow_turn_is_what_the_doctor_calls_slow():
    assert float(slo.VOICE_TO_VOICE) == StackSettings().voice_to_voice


def test_a_budget_that_burns_faster_is_told_sooner_and_more_loudly():
    factors = [alert.factor for alert in slo.ALERTS]
    assert factors == sorted(factors, reverse=True)
    assert all(alert.factor * objective.budget < 1 for alert in slo.ALERTS for objective in slo.OBJECTIVES)
