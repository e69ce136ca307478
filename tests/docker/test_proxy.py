"""The proxy's own file, run by the real HAProxy in front of plaintext services (Debian package ``haproxy``)."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import grpc
import grpc.aio
import pytest

from pipelines.certs import make_development_pki

CONFIG = Path(__file__).parents[2] / "docker/proxy/haproxy.cfg"
HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")
ASR = "/nvidia.riva.asr.RivaSpeechRecognition/StreamingRecognize"
TTS = "/nvidia.riva.tts.RivaSpeechSynthesis/SynthesizeOnline"
HEALTH = "/grpc.health.v1.Health/Check"

BEHIND = dict.fromkeys(("ASR_GRPC", "ASR_HTTP", "TTS_GRPC", "TTS_HTTP", "TRITON_HTTP"), "127.0.0.1:9")
"""Services that nobody looks for: the configuration is only read."""

pytestmark = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed (Debian package haproxy)")


class Echo(grpc.GenericRpcHandler):
    """Answers each message of any method with its own name, the method's and the message; notes when a call ended."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.ended = asyncio.Event()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        async def answer(requests: AsyncIterator[bytes], _: object) -> AsyncIterator[bytes]:
            try:
                async for message in requests:
                    yield self.name + b" " + message
            finally:  # grpc ends the requests or cancels the handler, as it happens; nobody half-closes here
                self.ended.set()

        return grpc.stream_stream_rpc_method_handler(answer)


class Page(BaseHTTPRequestHandler):
    """Says which path was asked for."""

    def do_GET(self) -> None:
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


def free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in taken]
    for s in taken:
        s.close()
    return ports


class Proxied:
    """HAProxy in front of an ASR, a TTS and a web page; Audio2Face is down."""

    def __init__(self, tls: Path) -> None:
        self.tls = tls
        self.asr, self.tts = Echo(b"asr"), Echo(b"tts")
        self.riva, self.a2f, self.https, self.health, self.down = free_ports(5)
        self.environment = {
            "PROXY_CERTIFICATE": str(tls / "server.crt"),
            "PROXY_AUTHORITY": str(tls / "ca.crt"),
            "PROXY_ADDRESS": "127.0.0.1",
            "PROXY_RIVA_PORT": str(self.riva),
            "PROXY_A2F_PORT": str(self.a2f),
            "PROXY_HTTPS_PORT": str(self.https),
            "PROXY_HEALTH_PORT": str(self.health),
            "A2F_GRPC": f"127.0.0.1:{self.down}",
            "A2F_HTTP": f"127.0.0.1:{self.down}",
        }

    def channel(self, port: int, client: bool = False) -> grpc.aio.Channel:
        identity = [(self.tls / f"client.{part}").read_bytes() if client else None for part in ("key", "crt")]
        credentials = grpc.ssl_channel_credentials((self.tls / "ca.crt").read_bytes(), *identity)
        return grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials)

    def get(self, path: str) -> tuple[int, str]:
        trust = ssl.create_default_context(cafile=str(self.tls / "ca.crt"))
        try:
            with urllib.request.urlopen(f"https://127.0.0.1:{self.https}{path}", context=trust, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, ""


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    make_development_pki(folder)
    return folder


@pytest.fixture
async def proxied(tls: Path, request: pytest.FixtureRequest) -> AsyncIterator[Proxied]:
    it = Proxied(tls)
    servers = []
    for echo, key in ((it.asr, "ASR_GRPC"), (it.tts, "TTS_GRPC")):
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((echo,))
        it.environment[key] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        servers.append(server)
    web = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=web.serve_forever, args=(0.02,), daemon=True).start()
    it.environment |= dict.fromkeys(("ASR_HTTP", "TTS_HTTP", "TRITON_HTTP"), f"127.0.0.1:{web.server_port}")
    it.environment |= getattr(request, "param", {})
    assert HAPROXY is not None
    process = await asyncio.create_subprocess_exec(
        HAPROXY, "-db", "-f", str(CONFIG), env=it.environment, stdout=subprocess.DEVNULL
    )
    try:
        await listening(it.health, process)
        yield it
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)
        web.shutdown()
        web.server_close()
        await asyncio.gather(*(server.stop(None) for server in servers))


async def listening(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(10):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
    raise AssertionError(f"haproxy ended with {process.returncode}")


async def test_each_message_passes_at_once_and_cancelling_reaches_the_service(proxied: Proxied) -> None:
    async with proxied.channel(proxied.riva) as channel, asyncio.timeout(10):
        for method, name in ((TTS, b"tts"), (ASR, b"asr")):
            call = channel.stream_stream(method)()
            for message in (b"one", b"two" * 100_000):  # the second is written only after the first was answered
                await call.write(message)
                assert await call.read() == name + b" " + message
            call.cancel()
        await proxied.asr.ended.wait()
        await proxied.tts.ended.wait()


async def test_unknown_services_and_services_that_are_down_say_so_in_grpc(proxied: Proxied) -> None:
    async def code(port: int, method: str) -> grpc.StatusCode:
        async with proxied.channel(port) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as failure:
                await channel.unary_unary(method)(b"", timeout=8)
            return failure.value.code()

    assert await code(proxied.riva, "/nvidia.riva.nmt.RivaTranslation/TranslateText") is grpc.StatusCode.UNIMPLEMENTED
    assert await code(proxied.a2f, HEALTH) is grpc.StatusCode.UNAVAILABLE


async def test_health_of_riva_is_asked_of_the_recogniser_while_both_stand(proxied: Proxied) -> None:
    async with proxied.channel(proxied.riva) as channel, asyncio.timeout(10):
        call = channel.stream_stream(HEALTH)()
        await call.write(b"?")
        assert await call.read() == b"asr ?"
        call.cancel()


async def test_no_plaintext(proxied: Proxied) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{proxied.riva}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await channel.unary_unary(ASR)(b"", timeout=5)
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("proxied", [{"PROXY_CLIENTS": "required"}], indirect=True)
async def test_clients_can_be_asked_for_their_certificate(proxied: Proxied) -> None:
    for known in (True, False):
        async with proxied.channel(proxied.riva, client=known) as channel, asyncio.timeout(10):
            call = channel.stream_stream(ASR)()
            if known:
                await call.write(b"hello")
                assert await call.read() == b"asr hello"
            else:
                with pytest.raises(grpc.aio.AioRpcError) as failure:
                    await call.read()
                assert failure.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("bind", "clients", "starts"),
    [
        (None, None, True),
        ("127.0.0.1", "none", True),
        ("0.0.0.0", None, False),
        ("192.168.1.20", "none", False),
        ("0.0.0.0", "optional", False),
        ("0.0.0.0", "required", True),
    ],
)
def test_it_is_not_opened_to_other_machines_without_asking_who_they_are(
    tls: Path, bind: str | None, clients: str | None, starts: bool
) -> None:
    assert HAPROXY is not None
    asked = {key: value for key, value in (("PROXY_BIND", bind), ("PROXY_CLIENTS", clients)) if value is not None}
    done = subprocess.run(
        [HAPROXY, "-c", "-f", str(CONFIG)], env=Proxied(tls).environment | BEHIND | asked,
        capture_output=True, text=True, check=False, timeout=10,
    )  # fmt: skip
    assert (done.returncode == 0) == starts, done.stderr
    assert ("set PROXY_CLIENTS=required" in done.stderr) != starts


async def test_https_leads_to_health_and_inference_and_to_nothing_that_changes_the_server(proxied: Proxied) -> None:
    expected = {
        "/v2/health/ready": (200, "/v2/health/ready"),
        "/v2/models/nova_vllm/ready": (200, "/v2/models/nova_vllm/ready"),
        "/asr/v1/health/ready": (200, "/v1/health/ready"),
        "/tts/v1/health/ready": (200, "/v1/health/ready"),
        "/a2f/v1/health/ready": (503, ""),
        "/v2/repository/index": (404, ""),
        "/v2/health/../repository/index": (404, ""),
        "/v2/%72epository/index": (404, ""),
        "/v2/models/nova_vllm/versions/1/../../../../repository/index": (404, ""),
        "/v2/systemsharedmemory/status": (404, ""),
        "/asr/v2/": (404, ""),
        "/": (404, ""),
    }
    with ThreadPoolExecutor(4) as pool:
        answers = await asyncio.to_thread(lambda: list(pool.map(proxied.get, expected)))
    assert dict(zip(expected, answers, strict=True)) == expected


async def test_health_and_metrics_are_in_the_clear_inside_the_stack(proxied: Proxied) -> None:
    def get(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{proxied.health}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    assert "200 OK" in await asyncio.to_thread(get, "/healthz")
    assert 'haproxy_backend_active_servers{proxy="asr"} 1' in await asyncio.to_thread(get, "/metrics")
