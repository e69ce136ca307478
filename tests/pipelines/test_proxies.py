"""Proxies out of the environment: none before this machine itself; one that refuses is named, and what set it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import httpx2
import pytest

from nova.services.http import transport_error
from pipelines.failures import Failure
from pipelines.services.channels import ProxyError, open_channel, open_http, warm
from pipelines.services.diagnosis import diagnose
from pipelines.settings import proxies
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.proxies import HTTPS, RPC, is_own, proxy_before
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.telemetry.setup import Telemetry

VARIABLES = ("grpc_proxy", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
PLAIN = TlsSettings(enabled=False)


class Proxy:
    """Answers every request with a refusal, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readline()).decode().strip())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest.fixture
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*VARIABLES, "no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@asynccontextmanager
async def proxied(environment: pytest.MonkeyPatch, *variables: str) -> AsyncIterator[Proxy]:
    """A proxy that these variables name."""
    proxy = Proxy()
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for name in variables:
        environment.setenv(name, f"http://user:secret@127.0.0.1:{port}")
    yield proxy
    server.close()


def names_of_this_machine() -> list[str]:
    """Loopback and this machine's own names, as far as they resolve here."""
    found = ["127.0.0.1", "127.0.0.2", "localhost", socket.gethostname()]
    return [name for name in found if _resolves(name)]


def _resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, 1, family=socket.AF_INET))
    except OSError:
        return False


async def test_no_proxy_stands_before_this_machine(without_proxies: pytest.MonkeyPatch) -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("0.0.0.0:0")
    await server.start()
    async with proxied(without_proxies, *VARIABLES) as proxy:
        for name in names_of_this_machine():
            async with open_channel(Endpoint(target=f"{name}:{port}", tls=PLAIN)) as channel:
                assert await warm(channel, 5.0) == "unknown"
        assert proxy.asked == []
    await server.stop(0)


async def test_nor_before_a_model_over_http_or_the_collector(without_proxies: pytest.MonkeyPatch) -> None:
    answered = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readline()
        if first.startswith(b"GET"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        else:
            answered.set()  # gRPC's preface: the exporter came by itself
        await writer.drain()
        writer.close()

    async with (
        proxied(without_proxies, *VARIABLES) as proxy,
        await asyncio.start_server(answer, "0.0.0.0", 0) as server,
    ):
        port = server.sockets[0].getsockname()[1]
        for name in names_of_this_machine():
            async with open_http(Endpoint(target=f"{name}:{port}", tls=PLAIN)) as client:
                assert (await client.get("/")).status_code == 200
        settings = TelemetrySettings(exporter="otlp", endpoint=f"http://{socket.gethostname()}:{port}", insecure=True)
        telemetry = Telemetry(settings, clock=asyncio.get_running_loop().time)
        telemetry.start_conversation("x").end()
        async with asyncio.timeout(10):
            await answered.wait()
        await telemetry.aclose()
        assert proxy.asked == []


async def refused(endpoint: Endpoint) -> Failure:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with open_channel(endpoint) as channel:
            await warm(channel, 5.0)
    return await diagnose(caught.value, "asr", endpoint)


@pytest.mark.parametrize("variable", ["grpc_proxy", "https_proxy", "http_proxy"])
async def test_a_proxy_that_refuses_is_named_with_its_variable(
    without_proxies: pytest.MonkeyPatch, variable: str, pki: Path
) -> None:
    async with proxied(without_proxies, variable) as proxy:
        failure = await refused(Endpoint(target="riva.lab:50051", tls=TlsSettings(ca=pki / "ca.crt")))
        assert proxy.asked
    assert failure.line.startswith("The proxy 127.0.0.1:")
    assert f"({variable}) does not let us through to the asr at riva.lab:50051" in failure.line
    assert variable in failure.hint
    assert "secret" not in failure.line + failure.hint
    assert failure.kind == "denied"


async def test_a_proxy_that_is_down_is_named_too(without_proxies: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        without_proxies.setenv("https_proxy", f"http://{address}")
        failure = await refused(Endpoint(target="riva.lab:50051"))
    assert (
        failure.line
        == f"The proxy {address} (https_proxy) cannot be reached, and stands before the asr at riva.lab:50051."
    )


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "all_proxy"])
async def test_a_proxy_that_refuses_a_model_over_http_is_named(
    without_proxies: pytest.MonkeyPatch, variable: str
) -> None:
    endpoint = Endpoint(target="nova.lab:443")
    async with proxied(without_proxies, variable), open_http(endpoint, "/v1") as client:
        with pytest.raises(httpx2.HTTPError) as caught:
            await client.get("/models")
        failure = await diagnose(transport_error(caught.value), "llm", endpoint)
    assert f"({variable}) does not let us through to the llm at nova.lab:443" in failure.line


def test_a_proxy_that_http_cannot_use_is_one_line(without_proxies: pytest.MonkeyPatch) -> None:
    for value in ("socks5://127.0.0.1:9", "gopher://127.0.0.1:9", "http://[::1"):
        without_proxies.setenv("all_proxy", value)
        with pytest.raises(ProxyError, match=r"^all_proxy names a proxy that cannot be used"):
            open_http(Endpoint(target="nova.lab:443"))
        open_http(Endpoint(target="localhost:443"))  # which needs none


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True), ("LOCALHOST.", True), ("sophia.localhost", True), ("127.8.9.1", True), ("::1", True),
        ("[::1]", True), ("::ffff:127.0.0.1", True), ("0.0.0.0", True), (socket.gethostname(), True),
        (f"{socket.gethostname().partition('.')[0]}.local", True),
        ("riva.lab", False), ("localhost.lab", False), ("192.0.2.7", False), ("2001:db8::1", False),
        ("224.0.0.1", False), ("", False),
    ],
)  # fmt: skip
def test_what_is_this_machine(host: str, own: bool) -> None:
    assert is_own(host) is own


def test_names_in_the_file_of_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.1.1 spark.lab spark # us\n192.0.2.7 riva.lab\nnonsense spark2\n# 127.0.0.1 no.lab\n")
    monkeypatch.setattr(proxies, "HOSTS", hosts)
    assert [is_own(name) for name in ("spark.lab", "SPARK", "riva.lab", "spark2", "no.lab")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    monkeypatch.setattr(proxies, "HOSTS", tmp_path / "none")
    assert not is_own("spark.lab")


@pytest.mark.parametrize(
    ("host", "exempt", "stands"),
    [
        ("riva.lab", "", True), ("riva.lab", "iva.lab", True), ("riva.lab", " , x", True),
        ("riva.lab", "riva.lab", False), ("riva.lab", "lab", False), ("riva.lab", ".lab", False),
        ("riva.lab", "*.lab", False), ("riva.lab", "*", False), ("riva.lab", "x, RIVA.lab", False),
        ("192.0.2.7", "192.0.2.0/24", False), ("192.0.3.7", "192.0.2.0/24", True), ("riva.lab", "192.0.2.0/24", True),
    ],
)  # fmt: skip
def test_no_proxy_exempts(without_proxies: pytest.MonkeyPatch, host: str, exempt: str, stands: bool) -> None:
    without_proxies.setenv("https_proxy", "proxy.lab:3128")
    without_proxies.setenv("no_proxy", exempt)
    for variables in (RPC, HTTPS):
        assert proxy_before(host, variables) == ("proxy.lab:3128 (https_proxy)" if stands else "")
