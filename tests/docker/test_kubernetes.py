"""The manifests against Kubernetes' own schemas, and their numbers against the settings and metrics that there are."""

from __future__ import annotations

import importlib.util
import math
import re
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest
from stack_files import DOCKER

from pipelines.command.stopping import STOP_SECONDS
from pipelines.scale.agones import COUNTER
from pipelines.settings.model import Settings
from pipelines.telemetry.metrics import Metrics

FOLDER = DOCKER / "kubernetes"


def documents(name: str) -> dict[str, Any]:
    """The documents of a file by their kind; of two services the one with an address of its own."""
    found = list(yaml.safe_load_all((FOLDER / name).read_text()))
    return {one["kind"]: one for one in reversed(found)}


SERVER, AGONES = documents("server.yaml"), documents("agones.yaml")


def settings() -> Settings:
    return Settings.model_validate(yaml.safe_load(SERVER["ConfigMap"]["data"]["sophia.yaml"]))


def pods() -> list[Any]:
    return [
        SERVER["Deployment"]["spec"]["template"]["spec"],
        AGONES["Fleet"]["spec"]["template"]["spec"]["template"]["spec"],
    ]


def test_kubernetes_knows_every_word() -> None:
    if not importlib.util.find_spec("kubernetes_validate"):
        pytest.skip("kubernetes-validate is not installed (.venv/bin/python -m pip install kubernetes-validate)")
    import kubernetes_validate

    version = kubernetes_validate.latest_version()
    for one in yaml.safe_load_all((FOLDER / "server.yaml").read_text()):
        kubernetes_validate.validate(one, version, strict=True)
    for pod in pods():
        kubernetes_validate.validate(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": pod}, version, strict=True
        )


def test_the_server_is_closed_and_asks_for_its_key() -> None:
    server = settings().server
    assert server.secure
    assert server.api_key_file
    assert server.watchers == 0
    for pod in pods():
        mounts = {volume["name"]: volume for volume in pod["volumes"]}
        assert mounts["key"]["secret"]["defaultMode"] == 0o440
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            paths = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            assert str(server.api_key_file).startswith(paths["key"])
            assert str(server.cert).startswith(paths["tls"])
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert "cpu" not in container["resources"]["limits"]


def test_a_pod_has_as_long_as_its_conversations() -> None:
    drain = settings().server.drain_seconds
    deployment, fleet = pods()
    waits = deployment["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert deployment["terminationGracePeriodSeconds"] >= waits + drain + STOP_SECONDS
    assert fleet["terminationGracePeriodSeconds"] >= drain + STOP_SECONDS
    ready = deployment["containers"][0]["readinessProbe"]
    assert waits > ready["periodSeconds"] * ready["failureThreshold"]


def test_ports_and_probes_are_the_servers() -> None:
    container = pods()[0]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"https": settings().server.port, "metrics": settings().telemetry.metrics_port}
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {(probe["port"], probe["scheme"]) for probe in probes.values()} == {("https", "HTTPS")}
    (port,) = AGONES["Fleet"]["spec"]["template"]["spec"]["ports"]
    assert port["containerPort"] == ports["https"]
    labels = SERVER["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    assert SERVER["Service"]["spec"]["selector"].items() <= labels
    assert SERVER["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert SERVER["Deployment"]["spec"]["selector"]["matchLabels"].items() <= labels


def test_pods_are_added_by_a_metric_that_there_is_and_before_all_places_are_taken() -> None:
    (rule,) = SERVER["HorizontalPodAutoscaler"]["spec"]["metrics"]
    exposed = generate_latest(Metrics().registry).decode()
    assert re.search(rf"^{rule['pods']['metric']['name']} ", exposed, re.MULTILINE)
    places = settings().server.sessions
    assert int(rule["pods"]["target"]["averageValue"]) == math.floor(0.7 * places)
    fleet = AGONES["Fleet"]["spec"]
    assert fleet["template"]["spec"]["counters"][COUNTER]["capacity"] == places
    counter = AGONES["FleetAutoscaler"]["spec"]["policy"]["counter"]
    assert counter["key"] == COUNTER
    assert counter["minCapacity"] == fleet["replicas"] * places
    for selector in AGONES["GameServerAllocation"]["spec"]["selectors"]:
        assert selector["counters"][COUNTER]["minAvailable"] == 1
        assert selector["matchLabels"]["agones.dev/fleet"] == fleet["template"]["metadata"]["labels"]["app"]


def test_what_a_container_runs_is_there() -> None:
    for pod in pods():
        for container in pod["containers"]:
            assert importlib.util.find_spec(container["command"][2])
