"""Channels: TLS both ways, warm-up, metadata, and what files and keys are refused. Real servers on loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import httpx2
import pytest
from opentelemetry.sdk.trace import TracerProvider

from pipelines.services.channels import CredentialsError, identity, metadata_for, open_channel, open_http, warm
from pipelines.settings.endpoint import Endpoint, TlsSettings


class Health(grpc.GenericRpcHandler):
    """A health service in raw bytes that remembers the metadata it was called with."""

    def __init__(self, reply: bytes = b"\x08\x01") -> None:
        self.reply = reply
        self.seen: list[tuple[str, str]] = []

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if details.method != "/grpc.health.v1.Health/Check":
            return None
        self.seen = [(key, value) for key, value in details.invocation_metadata]

        async def check(request: bytes, context: object) -> bytes:
            return self.reply

        return grpc.unary_unary_rpc_method_handler(check)


@asynccontextmanager
async def serving(folder: Path, *, mtls: bool = False, health: Health | None = None) -> AsyncIterator[int]:
    """A gRPC server over TLS on a free port."""
    server = grpc.aio.server()
    if health:
        server.add_generic_rpc_handlers((health,))
    ca = (folder / "ca.crt").read_bytes() if mtls else None
    pair = ((folder / "server.key").read_bytes(), (folder / "server.crt").read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair], ca, mtls))
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


@pytest.mark.parametrize(
    ("reply", "said"), [(b"\x08\x01", "serving"), (b"\x08\x02", "not serving"), (b"", "unknown"), (None, "unknown")]
)
async def test_warming_asks_for_health(pki: Path, reply: bytes | None, said: str) -> None:
    async with serving(pki, health=None if reply is None else Health(reply)) as port:
        channel = open_channel(Endpoint(target=f"localhost:{port}", tls=TlsSettings(ca=pki / "ca.crt")))
        async with channel:
            assert await warm(channel, 5.0) == said


async def test_mutual_tls(pki: Path) -> None:
    tls = TlsSettings(ca=pki / "ca.crt", cert=pki / "client.crt", key=pki / "client.key")
    async with serving(pki, mtls=True, health=Health()) as port:
        async with open_channel(Endpoint(target=f"127.0.0.1:{port}", tls=tls)) as channel:
            assert await warm(channel, 5.0) == "serving"
        async with open_channel(Endpoint(target=f"127.0.0.1:{port}", tls=TlsSettings(ca=pki / "ca.crt"))) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await warm(channel, 5.0)


async def test_another_server_name_than_the_targets_can_be_expected(pki: Path) -> None:
    async with serving(pki, health=Health()) as port:
        tls = TlsSettings(ca=pki / "ca.crt", server_name="127.0.0.1")
        async with open_channel(Endpoint(target=f"localhost:{port}", tls=tls)) as channel:
            assert await warm(channel, 5.0) == "serving"
        tls = TlsSettings(ca=pki / "ca.crt", server_name="riva.lab")
        async with open_channel(Endpoint(target=f"localhost:{port}", tls=tls)) as channel:
            with pytest.raises(grpc.aio.AioRpcError, match="Hostname Verification"):
                await warm(channel, 5.0)


async def test_a_proxy_in_the_environment_does_not_stand_before_loopback(
    pki: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    tls = TlsSettings(ca=pki / "ca.crt")
    async with serving(pki, health=Health()) as port, open_channel(Endpoint(target=f"localhost:{port}", tls=tls)) as ch:
        assert await warm(ch, 5.0) == "serving"


async def test_metadata_carries_key_trace_and_what_was_asked_for(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", " secret\n")
    health = Health()
    async with serving(pki, health=health) as port:
        endpoint = Endpoint(
            target=f"localhost:{port}",
            tls=TlsSettings(ca=pki / "ca.crt"),
            api_key_env="LAB_KEY",
            metadata={"function-id": "f"},
        )
        metadata = metadata_for(endpoint)
        with TracerProvider().get_tracer("test").start_as_current_span("turn") as span:
            async with open_channel(endpoint) as channel:
                await warm(channel, 5.0, metadata())
            context = span.get_span_context()
    seen = dict(health.seen)
    assert seen["authorization"] == "Bearer secret"
    assert seen["function-id"] == "f"
    version, trace_id, span_id, _ = seen["traceparent"].split("-")
    assert (version, int(trace_id, 16), int(span_id, 16)) == ("00", context.trace_id, context.span_id)


def test_without_a_span_and_a_key_there_is_no_metadata() -> None:
    assert list(metadata_for(Endpoint())()) == []


def test_api_keys_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_KEY", raising=False)
    monkeypatch.setenv("EMPTY_KEY", "")
    for endpoint, words in (
        (Endpoint(api_key_env="NO_KEY"), "NO_KEY is not set"),
        (Endpoint(api_key_env="EMPTY_KEY"), "EMPTY_KEY holds no usable API key"),
        (Endpoint(api_key_file=tmp_path / "none"), "cannot be read: No such file"),
        (Endpoint(api_key_file=tmp_path), "cannot be read: Is a directory"),
    ):
        with pytest.raises(CredentialsError, match=words):
            metadata_for(endpoint)
    for content in (b"", b"two\nlines", b"\xff\xfe", b"x" * 20_000):
        (tmp_path / "key").write_bytes(content)
        with pytest.raises(CredentialsError, match="API key") as caught:
            metadata_for(Endpoint(api_key_file=tmp_path / "key"))
        assert "two" not in str(caught.value)


@pytest.mark.parametrize(
    ("tls", "words"),
    [
        ({"ca": "none.crt"}, r"none\.crt cannot be read: No such file"),
        ({"ca": "ca.key"}, r"ca\.key must hold certificates in PEM"),
        (
            {"cert": "client.crt", "key": "server.key"},
            r"client\.crt and .*server\.key must .*values mismatch\)",
        ),
        ({"cert": "client.crt", "key": "none.key"}, r"none\.key cannot be read"),
    ],
)
async def test_files_that_cannot_be_used_are_named(pki: Path, tls: dict[str, str], words: str) -> None:
    endpoint = Endpoint(tls=TlsSettings(**{key: pki / name for key, name in tls.items()}))
    with pytest.raises(CredentialsError, match=words):
        open_channel(endpoint)


def test_a_channel_needs_its_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        open_channel(Endpoint())


@asynccontextmanager
async def http_serving(folder: Path | None) -> AsyncIterator[int]:
    """A server that answers every HTTP request with its first line."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = (await reader.readline()).strip()
        while (await reader.readline()).strip():
            pass
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(first), first))
        await writer.drain()
        writer.close()

    context = None
    if folder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.crt", folder / "server.key")
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def test_http_over_tls(pki: Path, other_pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    async with http_serving(pki) as port:
        tls = TlsSettings(ca=pki / "ca.crt")
        async with open_http(Endpoint(target=f"localhost:{port}", tls=tls), "/v1") as client:
            assert (await client.get("/models")).text == "GET /v1/models HTTP/1.1"
        named = TlsSettings(ca=pki / "ca.crt", server_name="riva.lab")
        async with open_http(Endpoint(target=f"localhost:{port}", tls=named)) as client:
            with pytest.raises(httpx2.ConnectError, match=r"riva\.lab"):
                await client.get("/")
        async with open_http(Endpoint(target=f"localhost:{port}", tls=TlsSettings(ca=other_pki / "ca.crt"))) as client:
            with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get("/")


async def test_http_in_the_clear_where_the_settings_say_so() -> None:
    async with http_serving(None) as port:
        endpoint = Endpoint(target=f"127.0.0.1:{port}", tls=TlsSettings(enabled=False))
        async with open_http(endpoint) as client:
            assert (await client.get("/v2")).status_code == 200


async def test_identity_of_a_trusted_peer(pki: Path) -> None:
    async with serving(pki) as port:
        shown = await identity(Endpoint(target=f"localhost:{port}", tls=TlsSettings(ca=pki / "ca.crt")), 5.0)
    assert (shown.subject, shown.issuer, shown.trusted) == ("Sophia server", "Sophia development CA", True)
    assert "localhost" in shown.hosts
    assert shown.protocol == "TLSv1.3"


async def test_identity_of_a_stranger_is_shown_with_the_reason(pki: Path, other_pki: Path) -> None:
    async with serving(other_pki) as port:
        shown = await identity(Endpoint(target=f"localhost:{port}", tls=TlsSettings(ca=pki / "ca.crt")), 5.0)
    assert not shown.trusted
    assert "issuer" in shown.reason or "signature" in shown.reason
