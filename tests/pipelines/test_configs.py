"""The configurations for a machine with the stack on itself: the ports are those of docs/ports.md, the rest its own."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from pipelines.settings.model import Settings, load_settings

ROOT = Path(__file__).parents[2]
PROFILE = {"spark.yaml": "spark", "workstation.yaml": "workstation"}
RIVA = {"spark.yaml": ("asr", "tts"), "workstation.yaml": ("proxy", "proxy")}

on_itself = pytest.mark.parametrize("name", sorted(PROFILE))


def published(profile: str) -> dict[int, tuple[str, bool]]:
    """Service and whether it speaks TLS, by its port on the host, from the table in docs/ports.md."""
    ports = {}
    for line in (ROOT / "docs/ports.md").read_text().splitlines():
        match = re.match(r"\| (\d+) \| `([a-z0-9-]+)` \| \d+ \| ([^|]+) \| ([^|]+) \|", line)
        if match and profile in [word.strip() for word in match[4].split(",")]:
            ports[int(match[1])] = match[2], "TLS" in match[3] or "HTTPS" in match[3]
    assert ports
    return ports


def load(name: str) -> Settings:
    return load_settings(name, environment={})


@on_itself
def test_services_are_where_the_port_plan_has_them(name: str) -> None:
    settings, ports = load(name), published(PROFILE[name])
    wanted = dict(zip(("asr", "tts"), RIVA[name], strict=True)) | {"llm": "triton", "face": "proxy"}
    if not settings.face.enabled:
        del wanted["face"]
    for part, service in wanted.items():
        endpoint = getattr(settings, part).endpoint
        assert endpoint.host == "localhost", part
        assert ports[endpoint.port] == (service, endpoint.tls.enabled), part


@on_itself
def test_the_doctor_looks_where_the_port_plan_has_it(name: str) -> None:
    stack, ports = load(name).stack, published(PROFILE[name])
    services = {
        "prometheus": "prometheus", "grafana": "grafana", "dcgm_exporter": "dcgm-exporter",
        "node_exporter": "node-exporter", "triton_http": "proxy",
    }  # fmt: skip
    for key, service in services.items():
        url = urlsplit(getattr(stack, key))
        assert ports[url.port or 0] == (service, url.scheme == "https"), key


@on_itself
def test_certificates_are_where_the_documentation_puts_them(name: str) -> None:
    """By the two commands that docs/certificates.md and docs/dgx.md give."""
    settings = load(name)
    place = Path("~/.config/sophia").expanduser()
    tls = [getattr(settings, part).endpoint.tls for part in ("asr", "tts", "llm", "face")]
    for found in (found for found in tls if found.enabled and found.ca):
        assert (found.ca, found.cert, found.key) == (place / "lab-ca.crt", place / "client.crt", place / "client.key")
    assert settings.llm.endpoint.tls.cert
    assert settings.stack.ca == place / "lab-ca.crt"
    for page in ("certificates.md", "dgx.md"):
        text = (ROOT / "docs" / page).read_text()
        assert "install -D -m 0644 docker/tls/ca.crt ~/.config/sophia/lab-ca.crt" in text, page
        assert "install -m 0600 docker/tls/client.crt docker/tls/client.key ~/.config/sophia/" in text, page


@on_itself
def test_what_runs_is_what_the_profile_brings(name: str) -> None:
    settings = load(name)
    lines = (ROOT / "docker" / f"{PROFILE[name]}.env").read_text().splitlines()
    profile = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert settings.face.enabled == (profile["FACE"] == "true")
    runtime = yaml.safe_load((ROOT / "docker/docker-compose.sophia.yml").read_text())["services"]["sophia"]
    for key in ("MODEL", "TEMPLATE"):
        default = runtime["environment"][f"SOPHIA_LLM__{key}"].partition(":-")[2].rstrip("}")
        assert getattr(settings.llm, key.lower()) == profile.get(f"NOVA_{key}", default)


def test_the_workstations_is_all_through_tls() -> None:
    settings = load("workstation.yaml")
    for part in ("asr", "tts", "llm", "face"):
        tls = getattr(settings, part).endpoint.tls
        assert tls.enabled, part
        assert tls.ca, part
