"""Triton's HTTP port behind the stack's own proxy, run by the real HAProxy with the stack's own configuration."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from doctor_services import web
from fake_machines import FakeHost

from pipelines.doctor.checklist import Context, run_checks
from pipelines.doctor.finding import Mark, Result
from pipelines.doctor.framework import framework
from pipelines.doctor.inventory import listens
from pipelines.doctor.manifest import Manifest
from pipelines.settings.model import Settings

CONFIG = Path(__file__).parents[3] / "docker/proxy/haproxy.cfg"
HAPROXY = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PORTS = ("PROXY_RIVA_PORT", "PROXY_A2F_PORT", "PROXY_HTTPS_PORT", "PROXY_HEALTH_PORT")
ABSENT = dict.fromkeys(("ASR_GRPC", "ASR_HTTP", "TTS_GRPC", "TTS_HTTP", "A2F_GRPC", "A2F_HTTP"), "127.0.0.1:9")

pytestmark = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed (Debian package haproxy)")


@asynccontextmanager
async def proxied(pki: Path, clients: str) -> AsyncIterator[str]:
    """The proxy's HTTPS address; behind it is a Triton that is ready."""
    assert HAPROXY is not None
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
    ports = {name: taken[n].getsockname()[1] for n, name in enumerate(PORTS)}
    for one in taken:
        one.close()
    async with web({"/v2/health/ready": ""}, None) as triton:
        environment = {
            **ABSENT,
            **{name: str(port) for name, port in ports.items()},
            "PROXY_ADDRESS": "127.0.0.1",
            "PROXY_CERTIFICATE": str(pki / "server.crt"),
            "PROXY_AUTHORITY": str(pki / "ca.crt"),
            "PROXY_CLIENTS": clients,
            "TRITON_HTTP": triton.removeprefix("http://"),
        }
        process = await asyncio.create_subprocess_exec(
            HAPROXY, "-db", "-f", str(CONFIG), env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(10):
                while not await listens("127.0.0.1", ports["PROXY_HEALTH_PORT"]):
                    assert process.returncode is None
                    await asyncio.sleep(0.02)
            yield f"https://localhost:{ports['PROXY_HTTPS_PORT']}"
        finally:
            process.terminate()
            await process.wait()


async def look(url: str, **stack: Path) -> Result:
    settings = Settings.model_validate({"stack": {"triton_http": url, **stack}})
    checks = [check for check in framework(settings) if check.key == "triton_http"]
    context = Context(FakeHost(), Manifest(title="none"), settings)
    (result,) = [found.result async for found in run_checks(checks, context)]
    return result


async def test_a_proxy_that_asks_who_is_there(pki: Path, other_pki: Path) -> None:
    ours = {"cert": pki / "client.crt", "key": pki / "client.key"}
    async with proxied(pki, "required") as url:
        known = await look(url, ca=pki / "ca.crt", **ours)
        unknown = await look(url, ca=pki / "ca.crt")
        foreign = await look(url, ca=pki / "ca.crt", cert=other_pki / "client.crt", key=other_pki / "client.key")
        stranger = await look(url, ca=other_pki / "ca.crt", **ours)
    assert (known.mark, known.found) == (Mark.OK, f"{url}/v2/health/ready")
    assert (unknown.mark, unknown.found) == (Mark.FAIL, f"{url}: it asks for a client certificate")
    assert unknown.fix == "set stack.cert and stack.key"
    assert foreign.mark is Mark.FAIL
    assert f"{url}: it refuses us: " in foreign.found
    assert (stranger.mark, "stack.ca" in stranger.fix) == (Mark.FAIL, True)
    assert "is not trusted" in stranger.found


async def test_a_proxy_that_asks_nobody(pki: Path) -> None:
    async with proxied(pki, "none") as url:
        assert (await look(url, ca=pki / "ca.crt")).mark is Mark.OK
