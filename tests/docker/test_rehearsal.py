"""The stack as Docker Compose itself reads it, and its rehearsal: stand-ins in the place of NVIDIA's images.

What starts containers runs with STACK_LIVE=1 and an engine alone. It takes minutes, wants the images of the monitoring
and the ports of docs/ports.md, and leaves nothing behind but the images that it built.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from stack_files import DOCKER, PROFILES, merged, settings_of

from pipelines.certs import make_development_pki
from pipelines.settings.model import load_settings
from pipelines.voice_loop import main as voice_loop

ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("COMPOSE_", "SOPHIA_"))},
    "NGC_ENV": "/dev/null",  # a key that lies on this machine is nothing for a test, nor for its report
}
STAND_IN = "sophia-stand-in:0.1.0"
CLIENT = DOCKER / "rehearsal.yaml"
PARTS = ("asr", "tts", "llm", "face")


def composed(env: str, *files: str) -> list[str]:
    found = [option for name in files for option in ("-f", str(DOCKER / name))]
    return ["docker", "compose", "--env-file", str(DOCKER / env), *found]


def read_by_compose(env: str, *files: str) -> dict[str, Any]:
    """The merged stack as Compose understands it; the test is skipped where there is none."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed")
    command = [*composed(env, *files), "config", "--format", "json"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    stack: dict[str, Any] = json.loads(done.stdout)
    return stack


@pytest.mark.parametrize("profile", PROFILES)
def test_compose_reads_what_the_other_tests_read(profile: str) -> None:
    """Those merge the files themselves; here is Compose's own word on it."""
    theirs = read_by_compose(f"{profile}.env", "docker-compose.yml")["services"]
    ours = merged(profile)["services"]
    assert set(theirs) == set(ours)
    for name, service in ours.items():
        their = theirs[name]
        assert their["image"] == service["image"]
        assert [(p["published"], p["host_ip"]) for p in their.get("ports", ())] == [
            (p["published"], p["host_ip"]) for p in service.get("ports", ())
        ]
        # Compose writes a dollar twice in what it prints.
        assert [word.replace("$$", "$") for word in their["command"] or ()] == service.get("command", [])
        assert {key: str(value) for key, value in service.get("environment", {}).items()} == {
            key: value.replace("$$", "$") for key, value in their.get("environment", {}).items()
        }
        waits, their_waits = (
            {other: how["condition"] for other, how in s.get("depends_on", {}).items() if other in ours}
            for s in (service, their)
        )
        assert their_waits == waits, name


@pytest.fixture(scope="module")
def rehearsal() -> dict[str, Any]:
    return read_by_compose("rehearsal.env", "docker-compose.yml", "docker-compose.rehearsal.yml")


def test_the_rehearsal_is_the_whole_workstation_without_a_gpu(rehearsal: dict[str, Any]) -> None:
    services = rehearsal["services"]
    assert set(services) == set(merged("workstation")["services"]) - {"dcgm-exporter"}
    for name, service in services.items():
        assert "deploy" not in service, name
        assert "nvcr.io" not in service["image"], name
    assert {name for name, service in services.items() if service["image"] == STAND_IN} == {
        "asr",
        "tts",
        "a2f",
        "triton",
    }
    assert [name for name, service in services.items() if service["image"] == STAND_IN and "build" in service] == [
        "asr"
    ]


def test_the_rehearsal_changes_nothing_that_it_is_to_prove(rehearsal: dict[str, Any]) -> None:
    real = read_by_compose("workstation.env", "docker-compose.yml")
    kept = ("ports", "secrets", "networks", "user", "read_only", "cap_drop", "security_opt", "depends_on", "tmpfs")
    for name, service in rehearsal["services"].items():
        for key in kept:
            assert service.get(key) == real["services"][name].get(key), f"{name}: {key}"
        if "healthcheck" in service:
            assert service["healthcheck"]["test"] == real["services"][name]["healthcheck"]["test"], name
    settings = settings_of("rehearsal")
    here, there = (stack["services"]["triton"]["command"] for stack in (rehearsal, real))
    assert [
        word.replace(settings["NOVA_MODEL"], "nova_vllm") if "load-model" in word else word for word in here
    ] == there


def test_the_clients_configuration_reaches_what_is_published_and_shows_its_certificate() -> None:
    settings = load_settings(str(CLIENT), environment={})
    published = {
        (name, f"localhost:{port['published']}")
        for name, service in merged("workstation")["services"].items()
        for port in service.get("ports", ())
    }
    for part in PARTS:
        endpoint = getattr(settings, part).endpoint
        assert ("triton" if part == "llm" else "proxy", endpoint.target) in published
        assert endpoint.tls.ca == DOCKER / "tls/ca.crt"
        assert endpoint.tls.cert == DOCKER / "tls/client.crt"
        assert endpoint.tls.key == DOCKER / "tls/client.key"
    for service in ("prometheus", "grafana", "node_exporter", "triton_http"):
        address = getattr(settings.stack, service).split("//")[1]
        assert ("proxy" if service == "triton_http" else service.replace("_", "-"), address) in published
    assert settings.llm.model == settings_of("rehearsal")["NOVA_MODEL"]
    assert settings.llm.template == settings_of("rehearsal")["NOVA_TEMPLATE"]


class Stack:
    """A running rehearsal with certificates of its own."""

    def __init__(self, folder: Path) -> None:
        self.tls = folder / "tls"
        make_development_pki(self.tls, ("proxy", "triton"))
        for name, text in (("triton_admin", "admin=0123456789abcdef\n"), ("grafana", "0123456789abcdef\n")):
            (folder / name).write_text(text)
            (folder / name).chmod(0o600 if name == "triton_admin" else 0o644)
        user = os.getuid() or 1000  # where root runs the tests the containers have a user of their own all the same
        if not os.getuid():
            for path in (folder, *folder.rglob("*")):
                os.chown(path, user, user)
        self.environment = ENVIRONMENT | {
            "SOPHIA_UID": str(user),
            "SOPHIA_GID": str(user),
            "SOPHIA_TLS": str(self.tls),
            "TRITON_ADMIN": str(folder / "triton_admin"),
            "GRAFANA_PASSWORD": str(folder / "grafana"),
            "COMPOSE_PROJECT_NAME": "sophia-rehearsal-test",
        }

    def __call__(self, *arguments: str) -> str:
        command = [*composed("rehearsal.env", "docker-compose.yml", "docker-compose.rehearsal.yml"), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    def states(self) -> dict[str, tuple[str, str]]:
        lines = self("ps", "--all", "--format", "json").splitlines()
        return {s["Service"]: (s["State"], s["Health"]) for s in map(json.loads, lines)}

    def ends(self, service: str) -> None:
        """Ends a service from inside: a container that the engine was told to kill is not started again."""
        program = "import os, signal; os.kill(1, signal.SIGTERM)"
        command = ["docker", "exec", self("ps", "--quiet", service).strip(), "python3", "-c", program]
        subprocess.run(command, capture_output=True, check=False)

    def restarts(self, service: str) -> int:
        command = [
            "docker",
            "inspect",
            "--format",
            "{{.RestartCount}}",
            self("ps", "--quiet", "--all", service).strip(),
        ]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    def settings(self) -> list[str]:
        """The command line of a client on this host."""
        names = {"ca": "ca.crt", "cert": "client.crt", "key": "client.key"}
        pairs = [f"{part}.endpoint.tls.{key}={self.tls / name}" for part in PARTS for key, name in names.items()]
        return ["--config", str(CLIENT), *(word for pair in pairs for word in ("--set", pair))]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if os.environ.get("STACK_LIVE") != "1":
        pytest.skip("it starts the whole stack in containers: STACK_LIVE=1 asks for that")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("there is no Docker engine")
    running = Stack(tmp_path_factory.mktemp("stack"))
    try:
        running("up", "--detach", "--build", "--wait")
        yield running
    finally:
        running("down", "--volumes")


def until(true: Callable[[], bool], seconds: float = 120.0) -> bool:
    end = time.monotonic() + seconds
    while not (done := true()) and time.monotonic() < end:
        time.sleep(1)
    return done


live = pytest.mark.timeout(1800)


@live
def test_live_everything_is_well_and_answers_the_host_through_tls(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    states = stack.states()
    assert {state for state, _ in states.values()} == {"running"}
    assert {health for _, health in states.values()} <= {"healthy", ""}
    assert voice_loop([*stack.settings(), "--check"]) == 0, capsys.readouterr().out


@live
def test_live_nobody_without_a_certificate_reaches_the_mind(stack: Stack) -> None:
    credentials = grpc.ssl_channel_credentials((stack.tls / "ca.crt").read_bytes())
    with grpc.secure_channel("localhost:8001", credentials) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary("/inference.GRPCInferenceService/ServerLive")(b"", timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


@live
def test_live_prometheus_sees_all_but_the_gpu_and_counts_the_turns(stack: Stack) -> None:
    def asked(path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:9090/api/v1/{path}", timeout=5) as answer:
            return json.load(answer)["data"]

    def down() -> set[str]:
        return {t["labels"]["job"] for t in asked("targets")["activeTargets"] if t["health"] != "up"}

    assert until(lambda: down() == {"dcgm"}), down()
    turns = "query?query=sophia_turns_total%7Boutcome%3D%22replied%22%7D%20%3E%200"
    assert until(lambda: bool(asked(turns)["result"]))


@live
def test_live_what_dies_comes_back_and_the_proxy_finds_it(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("asr", "triton"):
        stack.ends(name)
    assert until(lambda: stack.restarts("asr") == stack.restarts("triton") == 1)
    assert until(lambda: stack.states()["asr"] == stack.states()["triton"] == ("running", "healthy"))
    assert until(lambda: voice_loop([*stack.settings(), "--check"]) == 0), capsys.readouterr().out
