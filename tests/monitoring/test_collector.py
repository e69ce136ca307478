"""The collector's and Tempo's files hang together, and nothing that was said gets past them.

Neither program is in the distribution's packages: what is checked here is that names, ports and patterns agree.
"""

import re

import pytest
import yaml
from prometheus_lab import DOCKER

from pipelines.telemetry import names

COLLECTOR = yaml.safe_load((DOCKER / "otel-collector" / "config.yaml").read_text())
TEMPO = yaml.safe_load((DOCKER / "tempo" / "tempo.yaml").read_text())
SECRETS = [re.compile(pattern) for pattern in COLLECTOR["processors"]["redaction/secrets"]["blocked_values"]]


def port(address):
    return int(address.rpartition(":")[2])


def test_every_part_of_a_pipeline_is_defined_and_every_definition_is_used():
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in COLLECTOR["service"]["pipelines"].values() for name in pipeline[kind]}
        assert used == set(COLLECTOR[kind])


@pytest.mark.parametrize("name", ["traces", "metrics"])
def test_memory_is_limited_first_and_batches_are_made_last(name):
    processors = COLLECTOR["service"]["pipelines"][name]["processors"]
    assert processors[0] == "memory_limiter"
    assert processors[-1] == "batch"


def deletions():
    """The patterns by what they clean: spans, and events of spans, each in a group of its own."""
    found = {}
    for group in COLLECTOR["processors"]["transform/content"]["trace_statements"]:
        (statement,) = group["statements"]
        where, pattern = re.fullmatch(r'delete_matching_keys\((\w+)\.attributes, "(.+)"\)', statement).groups()
        found[where] = re.compile(pattern.replace("\\\\", "\\"))
    return found


def test_what_was_said_is_deleted_from_spans_and_their_events():
    found = deletions()
    assert set(found) == {"span", "spanevent"}
    for pattern in found.values():
        assert all(pattern.search(name) for name in names.CONTENT)
        for kept in (names.OUTCOME, names.VOICE_TO_VOICE, names.CONVERSATION_ID, names.MODEL, names.FAULT_COUNT):
            assert not pattern.search(kept)
    traces = COLLECTOR["service"]["pipelines"]["traces"]["processors"]
    assert {"transform/content", "redaction/secrets"} <= set(traces)
    assert COLLECTOR["processors"]["transform/content"]["error_mode"] == "propagate"


@pytest.mark.parametrize(
    "value",
    [
        "authorization: Bearer abcdef0123456789",
        "nvapi-" + "x" * 64,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijklmnop",
        "write to jane.doe@example.org today",
    ],
)
def test_values_that_look_like_secrets_are_masked(value):
    assert any(pattern.search(value) for pattern in SECRETS)


@pytest.mark.parametrize("value", ["nova_vllm", "riva.lab:50051 does not answer", "0.412", "en-US", "replied"])
def test_ordinary_values_are_left_alone(value):
    assert not any(pattern.search(value) for pattern in SECRETS)


def test_the_ports_agree():
    tempo = COLLECTOR["exporters"]["otlp/tempo"]["endpoint"]
    assert tempo == f"tempo:{port(TEMPO['distributor']['receivers']['otlp']['protocols']['grpc']['endpoint'])}"
    targets = {
        job: yaml.safe_load((DOCKER / "prometheus" / "targets" / f"{job}.yml").read_text())[0]["targets"][0]
        for job in ("collector", "otlp")
    }
    (reader,) = COLLECTOR["service"]["telemetry"]["metrics"]["readers"]
    assert port(targets["collector"]) == reader["pull"]["exporter"]["prometheus"]["port"]
    assert port(targets["otlp"]) == port(COLLECTOR["exporters"]["prometheus"]["endpoint"])
    sources = yaml.safe_load((DOCKER / "grafana/provisioning/datasources/datasources.yaml").read_text())["datasources"]
    (url,) = (source["url"] for source in sources if source["uid"] == "tempo")
    assert port(url) == TEMPO["server"]["http_listen_port"]


def test_a_trace_may_grow_for_hours_but_not_beyond_what_tempo_hands_out():
    most = TEMPO["overrides"]["defaults"]["global"]["max_bytes_per_trace"]
    assert 5_000_000 < most < 16 << 20  # its default, and its own limit for a message
