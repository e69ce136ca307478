"""The dashboards are as generated, fit the screen, and every query returns data from a Prometheus that has it."""

import csv
import functools
import json
import re
import time
import urllib.request

import httpx2
import pytest
import yaml
from prometheus_lab import DOCKER, backfill, configure, learned, needs_prometheus, prometheus, triton, two_minutes

from pipelines.monitoring import queries
from pipelines.monitoring.__main__ import main
from pipelines.telemetry.ledger import CHAIN, Ledger
from pipelines.telemetry.metrics import Metrics

BOARDS = sorted((DOCKER / "grafana" / "dashboards").glob("*.json"))
NODE = {"node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"}  # and what else the node exporter has

board = pytest.mark.parametrize("file", BOARDS, ids=lambda file: file.stem)


def panels(file):
    return json.loads(file.read_text())["panels"]


def test_what_is_committed_is_what_is_generated(capsys):
    pytest.importorskip("grafana_foundation_sdk", reason="extra dev: grafana-foundation-sdk")
    assert main(["write", "--check"]) == 0, capsys.readouterr().out
    assert len(BOARDS) == 3


def test_writing_mends_what_is_out_of_date(tmp_path, monkeypatch, capsys):
    pytest.importorskip("grafana_foundation_sdk", reason="extra dev: grafana-foundation-sdk")
    monkeypatch.setattr("pipelines.monitoring.__main__.DOCKER", tmp_path)
    assert main(["write", "--check"]) == 1
    assert not list(tmp_path.iterdir())
    assert main(["write"]) == 0
    assert main(["write", "--check"]) == 0
    (tmp_path / "grafana/dashboards/gpu.json").write_text("{}")
    capsys.readouterr()
    assert main(["write", "--check"]) == 1
    assert capsys.readouterr().out == "docker/grafana/dashboards/gpu.json is out of date\n"


@board
def test_panels_neither_overlap_nor_leave_the_screen(file):
    taken = set()
    for panel in panels(file):
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels(file)}) == len(panels(file))


@board
def test_every_panel_says_what_it_shows_and_asks_the_provisioned_source(file):
    sources = yaml.safe_load((DOCKER / "grafana/provisioning/datasources/datasources.yaml").read_text())["datasources"]
    uids = {source["uid"] for source in sources}
    for panel in panels(file):
        if panel["type"] == "row":
            continue
        assert panel["title"]
        assert panel["targets"], panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs), panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} <= uids


def test_the_stages_lie_upon_each_other_as_they_follow_each_other():
    (panel,) = (panel for panel in panels(DOCKER / "grafana/dashboards/voice_loop.json") if panel["title"] == "Stages")
    assert [target["legendFormat"] for target in panel["targets"]] == list(CHAIN.values())
    assert panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal"


@board
def test_every_alert_has_the_colour_of_its_severity_on_the_dashboards(file):
    rules = [rule for path in (DOCKER / "prometheus" / "rules").glob("*.yml") for rule in rules_of(path)]
    (panel,) = (panel for panel in panels(file) if panel["title"] == "Alerts")
    patterns = [override["matcher"]["options"].strip("/") for override in panel["fieldConfig"]["overrides"]]
    for rule in rules:
        if "alert" in rule:
            row = f"{rule['alert']} {rule['labels']['severity']} localhost"
            assert sum(bool(re.search(pattern, row)) for pattern in patterns) == 1, row


def rules_of(file):
    return [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


@functools.cache
def known():
    """Every series that something in the stack tells or records."""
    loop = {sample.name for family in Metrics().registry.collect() for sample in family.samples}
    loop |= {"sophia_certificate_expiry_timestamp_seconds"}  # has no series before a service was looked at
    loop |= {"sophia_tool_seconds_bucket"}  # nor this before a tool ran
    with (DOCKER / "dcgm-exporter" / "counters.csv").open() as file:
        dcgm = {row[0].strip() for row in csv.reader(file) if not row[0].startswith("#")}
    files = (DOCKER / "prometheus" / "rules").glob("*.yml")
    recorded = {rule["record"] for file in files for rule in rules_of(file) if "record" in rule}
    insights = {name for name, _, _ in learned(0.0)}
    return loop | dcgm | recorded | insights | NODE | {name for name, _, _ in triton(1)} | {"ALERTS"}


@board
def test_no_query_asks_for_what_nobody_tells(file):
    for query in queries.queries(file.read_text()):
        plain = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\bby\s*\([^)]*\)|\b[0-9][0-9.e]*|-Inf\b", "", query.expr)
        names = set(re.findall(r"[A-Za-z_][A-Za-z0-9_:]*(?![A-Za-z0-9_:]*\s*\()", plain))
        assert names <= known(), query
        assert names, query


def test_a_dot_in_a_histogram_leads_to_its_trace():
    text = (DOCKER / "grafana/provisioning/datasources/datasources.yaml").read_text()
    sources = {source["uid"]: source for source in yaml.safe_load(text)["datasources"]}
    (link,) = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert sources[link["datasourceUid"]]["type"] == "tempo"
    metrics, ledger = Metrics(), Ledger(turn=1, marks={"voice_end": 1.0, "played": 1.3})
    metrics.record(ledger, trace_id="ab" * 16)
    exemplars = [s.exemplar for f in metrics.registry.collect() for s in f.samples if s.exemplar]
    assert {name for exemplar in exemplars for name in exemplar.labels} == {link["name"]}
    marked = [t for file in BOARDS for p in panels(file) for t in p.get("targets", []) if t.get("exemplar")]
    assert marked
    assert all("sophia_" in target["expr"] for target in marked)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    configure(folder, {}, every="300ms")
    backfill(folder, two_minutes(time.time()))
    with prometheus(folder) as url:
        deadline = time.monotonic() + 10
        fire = ("gpu_xid", "underruns_burn", "guardrail_drifted")
        while not (all(map(evaluated, rule_groups(url))) and all(shown(url, alert) for alert in fire)):
            assert time.monotonic() < deadline, "not every rule was evaluated, or no alert fired, in 10 s"
            time.sleep(0.05)
        yield url


def rule_groups(url):
    with urllib.request.urlopen(f"{url}/api/v1/rules", timeout=5) as reply:
        return json.load(reply)["data"]["groups"]


def shown(url, alert):
    """Whether the alert is a series already; it fires a round earlier."""
    (told,) = queries.ask(url, one_panel(f'ALERTS{{alertstate="firing",alertname="{alert}"}}'))
    return told.found == "data"


def evaluated(group):
    return not group["lastEvaluation"].startswith("0001-")  # the year of Go's zero time


def one_panel(expr):
    return json.dumps({"panels": [{"panels": [{"title": "one", "targets": [{"expr": expr, "refId": "A"}]}]}]})


@needs_prometheus
@board
def test_every_query_returns_data(url, file):
    answers = queries.ask(url, file.read_text())
    assert [answer for answer in answers if answer.found != "data"] == []
    assert len(answers) >= 10


@needs_prometheus
def test_every_rule_can_be_evaluated_on_real_series(url):
    rules = [rule for group in rule_groups(url) for rule in group["rules"]]
    assert len(rules) >= 50
    assert [rule["lastError"] for rule in rules if rule["health"] == "err"] == []


@needs_prometheus
@pytest.mark.parametrize(
    ("expr", "found"),
    [
        ("sum(sophia_turns_total)", "data"),
        ("sum(sophia_turn_total)", "empty"),
        ("vector(0) / 0", "empty"),
        ("sum(", "error"),
        ("rate(sophia_turns_total)", "error"),
    ],
)
def test_data_is_told_from_nothing_and_from_nonsense(url, expr, found):
    (answer,) = queries.ask(url, one_panel(expr))
    assert answer.found == found
    assert bool(answer.why) == (found == "error")


@needs_prometheus
def test_the_program_tells_how_it_stands(url, capsys):
    assert main(["ask", url, "--empty"]) == 0
    said = capsys.readouterr().out
    assert "voice_loop:" in said
    assert "0 empty, 0 wrong" in said


def test_where_no_prometheus_is_the_program_says_so(capsys):
    assert main(["ask", "http://127.0.0.1:1"]) == 2
    assert "no Prometheus answers at http://127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b"[]",
        b'"success"',
        b"{}",
        b'{"status": "success"}',
        b'{"status": "success", "data": {"result": 3}}',
        b'{"status": "success", "data": {"result": [{"value": []}]}}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_prometheus_is_told_in_one_line(body):
    def answer(request):
        return httpx2.Response(200, content=body)

    client = httpx2.Client(base_url="http://elsewhere:9090", transport=httpx2.MockTransport(answer))
    with (
        client,
        pytest.raises(queries.PrometheusAbsent, match=r"elsewhere:9090/? answers, but not as Pr"),
    ):
        queries.answer(client, queries.Query("panel", "A", "up"))


def test_a_variable_that_nobody_fills_in_is_refused():
    with pytest.raises(ValueError, match=r"\$job"):
        list(queries.queries(one_panel('up{job="$job"}')))
