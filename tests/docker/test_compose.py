"""The compose files: valid, without collisions, pinned, closed to the outside, and true to what they lean on."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import yaml
from stack_files import DOCKER, PROFILES, merged, parts, settings_of, tool, variables

from pipelines.certs import HOSTS
from pipelines.command.stopping import STOP_SECONDS
from pipelines.settings.model import load_settings
from pipelines.settings.server import ServerSettings

ROOT = DOCKER.parent
REHEARSAL = DOCKER / "docker-compose.rehearsal.yml"
"""Changes the others, with tags of Compose's own that only Compose reads: test_rehearsal.py."""

FILES = sorted(set(DOCKER.glob("docker-compose*.yml")) - {REHEARSAL})
ARCHITECTURE = {"spark": "arm64", "workstation": "amd64"}
"""Profiles that are meant for one architecture; the others run on both."""

PINNED = re.compile(r"(?:[a-z.]+/[a-z0-9/-]+|sophia-avatar):v?\d+\.\d+[\w.-]*(?:@sha256:[0-9a-f]{64})?")

SPARK_GB = 128
SYSTEM_GB = 12
"""Left to the operating system, its page cache and a desktop."""

each_profile = pytest.mark.parametrize("profile", PROFILES)


def services(stack: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = stack["services"]
    assert found
    return found


def secret_files(stack: dict[str, Any]) -> dict[str, str]:
    return {name: secret["file"] for name, secret in stack["secrets"].items()}


def test_the_umbrella_names_every_part() -> None:
    assert {path.name for path in parts()} == {path.name for path in FILES} - {"docker-compose.yml"}


def test_files_and_merged_profiles_follow_the_compose_specification(tmp_path: Path) -> None:
    checker = tool("check-jsonschema")
    written = []
    for profile in PROFILES:
        written.append(tmp_path / f"{profile}.json")  # not YAML: the checker reads that ten times as slowly
        written[-1].write_text(json.dumps(merged(profile)))
    command = [checker, "--builtin-schema", "vendor.compose-spec", *map(str, [*FILES, *written])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@each_profile
def test_what_is_referred_to_is_defined(profile: str) -> None:
    whole = merged(profile)
    for name, service in services(whole).items():
        assert profile in service["profiles"], name
        volumes = {v["source"] for v in service.get("volumes", ()) if v["type"] == "volume"}
        secrets = {s["source"] if isinstance(s, dict) else s for s in service.get("secrets", ())}
        assert volumes <= set(whole.get("volumes", ())), name
        assert secrets <= set(whole.get("secrets", ())), name
        assert set(service["networks"]) <= set(whole["networks"]), name


@each_profile
def test_start_order_by_health(profile: str) -> None:
    running = services(merged(profile))
    graph: dict[str, set[str]] = {}
    for name, service in running.items():
        graph[name] = set()
        for other, how in service.get("depends_on", {}).items():
            if other not in running:
                assert how.get("required") is False, f"{name} waits for {other}, which {profile} does not have"
                continue
            graph[name].add(other)
            if how["condition"] == "service_healthy":
                assert "healthcheck" in running[other], f"{name} waits for the health of {other}, which tells none"
    order = list(TopologicalSorter(graph).static_order())
    rank = {name: order.index(name) for name in order}
    for earlier, later in (("asr", "triton"), ("tts", "triton"), ("a2f", "triton"), ("triton", "sophia")):
        if earlier in rank and later in rank:
            assert rank[earlier] < rank[later]
            assert earlier in graph[later]


@each_profile
def test_ports_do_not_collide_and_only_tls_can_be_opened(profile: str) -> None:
    published = [
        (port["published"], port["host_ip"], name, port["target"])
        for name, service in services(merged(profile)).items()
        for port in service.get("ports", ())
    ]
    assert [p for p, n in Counter(p for p, *_ in published).items() if n > 1] == []
    for port, address, name, _ in published:
        if address != "127.0.0.1":
            assert (profile, name) == ("speech", "proxy"), f"{name} opens port {port}"
    for path in FILES:  # an address that can be changed belongs to a port that speaks TLS
        for line in path.read_text().splitlines():
            if "host_ip" in line and "host_ip: 127.0.0.1" not in line:
                assert re.fullmatch(r"docker-compose\.(proxy|triton|pool)\.yml", path.name), line
                assert re.search(r'host_ip: "\$\{(PROXY|TRITON|POOL)_BIND:-127\.0\.0\.1\}"', line), line


def test_what_can_be_opened_to_other_machines_asks_them_who_they_are() -> None:
    """Each variable that moves a port off loopback, and what makes the service behind it ask for a certificate."""
    movable = {
        (match[1], name)
        for path in FILES
        for name, service in yaml.safe_load(path.read_text()).get("services", {}).items()
        for port in service.get("ports", ())
        if (match := re.match(r"\$\{(\w+):-", port["host_ip"]))
    }
    assert movable == {("TRITON_BIND", "triton"), ("PROXY_BIND", "proxy"), ("POOL_BIND", "pool")}
    behind = pool_server_settings()
    assert behind.secure
    assert behind.api_key_file, "the pool asks nobody: its servers do"
    for profile in PROFILES[:3]:
        triton = services(merged(profile))["triton"]
        assert "--grpc-use-ssl-mutual=true" in triton["command"]
        assert "--grpc-root-cert=/run/secrets/ca.crt" in triton["command"]
        assert {"source": "tls-ca", "target": "ca.crt"} in triton["secrets"]
        (restricted,) = [word for word in triton["command"] if "tritonserver --" in word]
        for flag in ("--grpc-restricted-protocol=", "--http-restricted-api="):
            assert flag in restricted
        assert "closed=model-repository,shared-memory,trace,logging:" in restricted
    for profile in PROFILES[:4]:  # the proxy itself refuses to start where it is open and asks nobody: test_proxy.py
        settings = settings_of(profile)
        proxy = services(merged(profile))["proxy"]["environment"]
        assert proxy["PROXY_BIND"] == settings.get("PROXY_BIND", "127.0.0.1")
        assert proxy["PROXY_BIND"] == "127.0.0.1" or proxy["PROXY_CLIENTS"] == "required"


def test_the_sparks_configuration_shows_its_certificate_to_the_mind() -> None:
    for name, environment in (("spark.yaml", {}), ("lab.yaml", services(merged("spark"))["sophia"]["environment"])):
        tls = load_settings(name, environment=environment).llm.endpoint.tls
        assert tls.enabled, name
        assert tls.cert, name
        assert tls.key, name


def test_docs_ports_says_what_the_files_say() -> None:
    """Each row of the table in docs/ports.md: host port, service, container port, protocol, profiles."""
    rows = set()
    for line in (ROOT / "docs/ports.md").read_text().splitlines():
        if match := re.match(r"\| (\d+) \| `([a-z0-9-]+)` \| (\d+) \| [^|]+ \| ([^|]+) \|", line):
            port, service, target, profiles = match.groups()
            rows |= {(port, service, int(target), profile.strip()) for profile in profiles.split(",")}
    published = {
        (port["published"], name, port["target"], profile)
        for profile in PROFILES
        for name, service in services(merged(profile)).items()
        for port in service.get("ports", ())
    }
    assert rows == published


@each_profile
def test_images_are_pinned_and_say_where_they_run(profile: str) -> None:
    for name, service in services(merged(profile)).items():
        image = service["image"]
        assert PINNED.fullmatch(image), image
        architectures = service["x-architectures"]
        assert set(architectures.values()) <= {"published", "unproven", "built here"}, name
        if profile in ARCHITECTURE:
            assert ARCHITECTURE[profile] in architectures, f"{name} in {profile}"


def test_unproven_images_are_admitted_in_the_readme() -> None:
    readme = (DOCKER / "README.md").read_text()
    for name, service in (services(merged("workstation")) | services(merged("spark"))).items():
        image = service["image"].rsplit("/", 1)[-1]
        row = next((line for line in readme.splitlines() if line.startswith("|") and f"`{image}`" in line), None)
        assert row, f"docker/README.md lists no {image} ({name})"
        for architecture in ("amd64", "arm64"):
            state = service["x-architectures"].get(architecture, "none")
            assert f"{architecture}: {state}" in row, row


@each_profile
def test_containers_may_do_little(profile: str) -> None:
    for name, service in services(merged(profile)).items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name
        assert service.get("network_mode") != "host", name
        assert service["logging"]["options"]["max-size"], name
        closed = (
            service.get("read_only") is True
            and service.get("cap_drop") == ["ALL"]
            and not service.get("cap_add")
            and re.match(r"[1-9]\d*:", str(service.get("user", "")))
        )
        assert bool(closed) != ("x-exception" in service), f"{name}: closed, or an exception that says why"


@each_profile
def test_health_is_told_or_its_lack_explained(profile: str) -> None:
    for name, service in services(merged(profile)).items():
        if "build" in service:
            assert "\nHEALTHCHECK " in (DOCKER / "Dockerfile").read_text()
            continue
        assert ("healthcheck" in service) != ("x-no-healthcheck" in service), name
        if "x-memory-gb" in service:  # models are downloaded and engines built at the first start
            assert int(service["healthcheck"]["start_period"].removesuffix("s")) >= 1200, name
            (device,) = service["deploy"]["resources"]["reservations"]["devices"]
            assert device["driver"] == "nvidia"
            assert device["capabilities"] == ["gpu"]


def test_all_of_a_spark_fits_its_unified_memory() -> None:
    running = services(merged("spark"))
    models = {name: service["x-memory-gb"] for name, service in running.items() if "x-memory-gb" in service}
    assert set(models) == {"asr", "tts", "triton"}
    gigabytes = {"m": 1 / 1024, "g": 1.0}
    rest = sum(int(s["mem_limit"][:-1]) * gigabytes[s["mem_limit"][-1]] for s in running.values() if "mem_limit" in s)
    assert sum(models.values()) + rest + SYSTEM_GB <= 0.9 * SPARK_GB


def test_the_mind_takes_the_share_that_is_planned_for_it() -> None:
    arguments = json.loads((ROOT / "nova/models/nova_vllm/1/model.json").read_text())
    taken = arguments["gpu_memory_utilization"] * SPARK_GB
    triton = services(merged("spark"))["triton"]
    assert abs(triton["x-memory-gb"] - taken) <= 1
    assert Path(arguments["model"]).parent.as_posix() in {volume["target"] for volume in triton["volumes"]}


@each_profile
def test_no_secret_is_written_down(profile: str) -> None:
    whole = merged(profile)
    for name, service in services(whole).items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"KEY|PASS|TOKEN|SECRET", key):
                assert str(value).startswith("/run/secrets/"), f"{name}: {key}"
    for path in secret_files(whole).values():
        assert path.startswith(("./tls/", "./secrets/")), path
    assert {"tls/", "secrets/", "weights/"} <= set((DOCKER / ".gitignore").read_text().split())
    for path in (p for p in DOCKER.rglob("*") if p.is_file() and not {"tls", "secrets", "weights"} & set(p.parts)):
        assert not re.search(r"nvapi-[\w-]{20}|-----BEGIN [A-Z ]*PRIVATE KEY", path.read_text()), path


@each_profile
def test_mounted_files_exist_and_are_read_only(profile: str) -> None:
    for name, service in services(merged(profile)).items():
        for volume in service.get("volumes", ()):
            if volume["type"] != "bind":
                continue
            assert volume["read_only"] is True, f"{name}: {volume['source']}"
            source = volume["source"]
            if source.startswith(("/", "./weights")):  # the host's own
                continue
            assert (DOCKER / source).exists(), f"{name} mounts {source}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_variables_have_defaults_and_a_dollar_is_a_variable(path: Path) -> None:
    text = re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE).replace("$$", "")
    assert re.findall(r"\$(?!\{[A-Z_0-9]+:-)", text) == []


def test_every_setting_of_a_profile_is_read_by_some_file() -> None:
    read = {name for path in FILES for name in variables(path.read_text())} | {"COMPOSE_PROFILES"}
    for profile in PROFILES:
        assert set(settings_of(profile)) <= read, profile


@pytest.mark.parametrize("profile", PROFILES[:3])
def test_the_runtime_understands_its_settings_and_reaches_what_runs(profile: str) -> None:
    running = services(merged(profile))
    sophia = running["sophia"]
    assert sophia["command"][0] == "--config"
    settings = load_settings(sophia["command"][1], environment=sophia["environment"])
    assert settings.telemetry.metrics_port == sophia["ports"][0]["target"]
    for part in (settings.asr, settings.tts, settings.llm):
        assert part.endpoint.tls.enabled
        host, port = part.endpoint.target.rsplit(":", 1)
        if host in running:
            assert int(port) in {p["target"] for p in running[host]["ports"]}
        else:
            assert profile == "speech-remote"
    assert settings.face.enabled == ("a2f" in running or settings.embedded_services == ("face",))
    assert bool(settings.embedded_services) == (profile == "spark"), "nothing for arm64, so the project's own"


def pool_server_settings() -> ServerSettings:
    server = services(merged("pool"))["server"]
    assert server["command"][0] == "--config"
    return load_settings(server["command"][1], environment=server["environment"]).server


def test_the_pool_looks_for_servers_where_they_listen() -> None:
    running = services(merged("pool"))
    text = (DOCKER / "proxy/pool.cfg").read_text()
    preset = dict(re.findall(r"^ +presetenv (\w+) (\S+)", text, re.MULTILINE))
    settings = pool_server_settings()
    assert preset["POOL_SERVERS"] == f"server:{settings.port}"
    assert [str(port["target"]) for port in running["pool"]["ports"]] == [preset["POOL_PORT"]]
    assert running["pool"]["environment"]["POOL_SESSIONS"] == preset["POOL_SESSIONS"] == str(settings.sessions)
    assert preset["POOL_SERVER_NAME"] in HOSTS, "a name that every certificate of pipelines.certs holds"
    assert int(running["server"]["deploy"]["replicas"]) <= int(re.findall(r"server-template server 1-(\d+)", text)[0])
    assert preset["POOL_CERTIFICATE"] == str(settings.cert)


def test_a_server_that_stops_has_as_long_as_its_conversations() -> None:
    server = services(merged("pool"))["server"]
    assert server["stop_signal"] == "SIGTERM"
    settings = pool_server_settings()
    assert int(server["stop_grace_period"].removesuffix("s")) > settings.drain_seconds + STOP_SECONDS
    assert settings.watchers == 0


def test_the_proxy_looks_for_services_where_they_listen() -> None:
    running = services(merged("workstation"))
    preset = dict(re.findall(r"^ +presetenv (\w+) (\S+)", (DOCKER / "proxy/haproxy.cfg").read_text(), re.MULTILINE))
    for name in ("asr", "tts"):
        environment = running[name]["environment"]
        assert preset[f"{name.upper()}_GRPC"] == f"{name}:{environment['NIM_GRPC_API_PORT']}"
        assert preset[f"{name.upper()}_HTTP"] == f"{name}:{environment['NIM_HTTP_API_PORT']}"
    triton = running["triton"]["command"]
    assert preset["TRITON_HTTP"] == f"triton:{triton[-2].removeprefix('--http-port=')}"
    proxy = {str(port["target"]) for port in running["proxy"]["ports"]}
    assert proxy == {preset[f"PROXY_{name}_PORT"] for name in ("RIVA", "A2F", "HTTPS")}
    assert {preset["PROXY_CERTIFICATE"], preset["PROXY_AUTHORITY"]} == {
        f"/run/secrets/{s['target']}" for s in running["proxy"]["secrets"] if s["target"].endswith(".crt")
    }


def test_prometheus_asks_services_that_exist() -> None:
    running = services(merged("spark"))
    for path in (DOCKER / "prometheus/targets").glob("*.yml"):
        for group in yaml.safe_load(path.read_text()):
            for target in group["targets"]:
                assert target.split(":")[0] in running, f"{path.name}: {target}"
