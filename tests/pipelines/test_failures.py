"""Every bad day gets one clear line. What can happen on a socket happens here on a real one."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aurora.errors import FaceError
from nova.errors import MindTimeout, ModelError
from pipelines.embedded.process import ServiceFailed
from pipelines.failures import EXIT_CODES, Failure, StageFailed, explain
from pipelines.services.channels import CredentialsError, open_channel, warm
from pipelines.services.diagnosis import diagnose
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.model import SettingsError
from pipelines.takes.writer import RecordingError
from pipelines.telemetry.setup import TelemetryError
from sophia.microphone import NoMicrophone
from sophia.recognition import RecognizerSilent
from sophia.sinks import SinkError, SinkStalled
from sophia.synthesis import VoiceError
from sophia.wav import WavError


@asynccontextmanager
async def serving(folder: Path | None, *, mtls: bool = False) -> AsyncIterator[int]:
    """A gRPC server without services on a free port: over TLS from ``folder``, else plaintext."""
    server = grpc.aio.server()
    if folder is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        ca = (folder / "ca.crt").read_bytes() if mtls else None
        pair = ((folder / "server.key").read_bytes(), (folder / "server.crt").read_bytes())
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair], ca, mtls))
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


async def meet(endpoint: Endpoint, seconds: float = 5.0) -> Failure:
    """The failure that connecting to ``endpoint`` ends with."""
    async with open_channel(endpoint) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await warm(channel, seconds)
    failure = await diagnose(caught.value, "llm", endpoint, seconds)
    for text in (failure.line, failure.hint):
        assert "\n" not in text
        assert not text or text.endswith((".", "”"))
        assert "grpc" not in text.lower().replace("speak grpc", "").replace("and grpc", "")
    assert endpoint.target in failure.line
    assert failure.exit_code == EXIT_CODES[failure.kind]
    return failure


def at(port: int, pki: Path, **tls: object) -> Endpoint:
    return Endpoint(target=f"localhost:{port}", tls=TlsSettings.model_validate({"ca": pki / "ca.crt", **tls}))


async def test_endpoint_down(pki: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound but not listening: nobody else can take the port meanwhile
        failure = await meet(at(free.getsockname()[1], pki))
    assert failure.kind == "down"
    assert failure.line.endswith("is down: nothing answers on this port.")


@pytest.mark.parametrize("encrypted", [True, False])
async def test_endpoint_hangs_without_answering(pki: Path, encrypted: bool) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        failure = await meet(at(mute.getsockname()[1], pki, enabled=encrypted), 0.3)
    assert failure.kind == "silent"
    assert failure.line.endswith("does not answer in time.")


async def test_wrong_authority(pki: Path, other_pki: Path) -> None:
    async with serving(other_pki) as port:
        failure = await meet(at(port, pki))
    assert failure.kind == "untrusted"
    assert "tls.ca does not vouch for" in failure.line
    assert "“Sophia development CA”" in failure.line


async def test_expired_certificate(pki: Path, expired_pki: Path) -> None:
    async with serving(expired_pki) as port:
        failure = await meet(at(port, pki))
    assert failure.kind == "expired"
    assert failure.exit_code == 4
    assert "docker/tls" in failure.hint  # without a folder it would renew the embedded services' own


async def test_certificate_for_another_name(pki: Path) -> None:
    async with serving(pki) as port:
        failure = await meet(at(port, pki, server_name="riva.lab"))
    assert failure.kind == "wrong-name"


async def test_plaintext_port_where_tls_was_expected(pki: Path) -> None:
    async with serving(None) as port:
        failure = await meet(at(port, pki))
    assert failure.kind == "plaintext"


async def test_tls_port_where_plaintext_was_expected(pki: Path) -> None:
    async with serving(pki) as port:
        failure = await meet(at(port, pki, ca=None, enabled=False))
    assert failure.kind == "encrypted"
    assert "tls.enabled to true" in failure.hint


async def test_server_that_demands_our_certificate(pki: Path, other_pki: Path) -> None:
    async with serving(pki, mtls=True) as port:
        failure = await meet(at(port, pki))
        assert (failure.kind, "Set tls.cert" in failure.hint) == ("identity", True)
        failure = await meet(at(port, pki, cert=other_pki / "client.crt", key=other_pki / "client.key"))
        assert (failure.kind, "may not accept ours" in failure.line) == ("identity", True)


async def test_no_such_host() -> None:
    failure = await meet(Endpoint(target="no-such-host.invalid:50051"))
    assert failure.kind == "name"
    assert "no such host, no-such-host.invalid" in failure.line


@pytest.mark.parametrize("protocols", [None, [], ["http/1.1"], ["h2"]])
async def test_an_http_server_is_not_a_grpc_server(pki: Path, protocols: list[str] | None) -> None:
    """In plaintext, and over TLS, whatever it says of the protocols that it speaks."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(64)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    tls = None
    if protocols is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pki / "server.crt", pki / "server.key")
        if protocols:
            tls.set_alpn_protocols(protocols)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        failure = await meet(at(port, pki) if tls else at(port, pki, ca=None, enabled=False))
    assert failure.kind == "unsupported"
    assert failure.line.endswith("does not speak gRPC.")


async def test_service_killed_in_the_middle_is_found_down(pki: Path) -> None:
    async def hold(request: bytes, context: object) -> bytes:
        reached.set()
        await asyncio.get_running_loop().create_future()
        return b""

    reached = asyncio.Event()
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(hold)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("s", {"m": handler}),))
    pair = ((pki / "server.key").read_bytes(), (pki / "server.crt").read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    endpoint = at(port, pki)
    async with open_channel(endpoint) as channel:
        call = channel.unary_unary("/s/m")(b"", timeout=10)
        waiting = asyncio.ensure_future(call)
        await asyncio.wait_for(reached.wait(), 10)
        await server.stop(0)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await waiting
        failure = await diagnose(caught.value, "llm", endpoint)
    assert failure.kind == "down"


def rpc_error(code: grpc.StatusCode, details: str = "") -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details)


@pytest.mark.parametrize(
    ("code", "details", "kind", "words"),
    [
        (
            grpc.StatusCode.INVALID_ARGUMENT,
            "Model not found for language xx",
            "rejected",
            "“Model not found for language xx”",
        ),
        (grpc.StatusCode.NOT_FOUND, "no voice Bob", "unknown", "“no voice Bob”"),
        (grpc.StatusCode.UNAUTHENTICATED, "", "denied", "does not let us in."),
        (grpc.StatusCode.PERMISSION_DENIED, "", "denied", "does not let us in."),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "", "busy", "no capacity left."),
        (grpc.StatusCode.UNIMPLEMENTED, "", "unsupported", "does not know this call."),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", "silent", "does not answer in time."),
        (grpc.StatusCode.INTERNAL, "CUDA out of memory", "broken", "failed (internal): “CUDA out of memory”."),
        (grpc.StatusCode.UNAVAILABLE, "Socket closed", "lost", "broke the connection."),
        (grpc.StatusCode.UNAVAILABLE, "Too many pings, GOAWAY", "lost", "broke the connection."),
        (grpc.StatusCode.UNAVAILABLE, "warming up", "busy", "“warming up”"),
        (grpc.StatusCode.CANCELLED, "", "broken", "stopped the call."),
    ],
)
def test_what_a_service_answers(code: grpc.StatusCode, details: str, kind: str, words: str) -> None:
    failure = explain(rpc_error(code, details), "asr", Endpoint(target="riva.lab:50051"))
    assert failure.kind == kind
    assert failure.line.startswith("The asr at riva.lab:50051 ")
    assert words in failure.line


@given(st.text(max_size=3000), st.sampled_from(list(grpc.StatusCode)))
def test_whatever_a_service_says_stays_one_harmless_line(details: str, code: grpc.StatusCode) -> None:
    failure = explain(rpc_error(code, details), "tts", Endpoint())
    assert failure.line.isprintable()
    assert len(failure.line) < 400


def test_errors_without_a_service() -> None:
    assert explain(OSError(errno.ENOSPC, "No space left on device", "user.wav"), "recording").kind == "disk"
    assert explain(TimeoutError(), "face").kind == "silent"
    assert explain(CredentialsError("x.crt cannot be read: gone"), "face").exit_code == 2
    assert explain(SettingsError(["a: wrong."]), "settings").line == "a: wrong."
    assert explain(asyncio.CancelledError(), "llm").exit_code == 130
    failure = explain(ZeroDivisionError("division by zero"), "llm")
    assert (failure.kind, failure.exit_code) == ("defect", 1)
    assert "ZeroDivisionError: division by zero" in failure.line


def test_an_error_of_our_own_speaks_for_itself() -> None:
    class Ours(Exception):
        hint = "Plug it in"

    Ours.__module__ = "sophia.microphone"
    failure = explain(Ours("no microphone was found"), "microphone")
    assert (failure.kind, failure.line, failure.hint) == ("part", "No microphone was found.", "Plug it in.")


def test_a_files_name_stays_as_it_is_and_a_hint_is_said_once() -> None:
    failure = explain(WavError(Path("none.wav"), "cannot be read", "check the path"), "microphone")
    assert failure.line.startswith("none.wav cannot be read")
    assert f"{failure.line} {failure.hint}".lower().count("check the path") == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MindTimeout("model 'nova' gave no first token within 10 s"), "silent"),
        (ModelError("model 'nova': out of memory"), "broken"),
        (VoiceError("the voice said nothing"), "broken"),
        (FaceError("the face service refused the clip"), "broken"),
        (RecognizerSilent("the recogniser hears but does not answer"), "silent"),
        (ServiceFailed("triton", "libpython is missing"), "down"),
        (NoMicrophone("no microphone was found"), "part"),
        (SinkStalled("the sound card took no samples"), "part"),
        (RecordingError("take already holds user.wav"), "settings"),
        (TelemetryError("the collector cannot be used"), "settings"),
    ],
)
def test_what_the_rooms_own_errors_mean(error: Exception, kind: str) -> None:
    for wrapped in (error, StageFailed("llm", error), ExceptionGroup("", [StageFailed("llm", error)])):
        failure = explain(wrapped, "llm")
        assert failure.kind == kind
        assert failure.line[0].isupper()
        assert failure.line.endswith(".")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_the_disk_whoever_ran_into_it(number: int) -> None:
    for kind in (SinkError, RecordingError):
        error = kind("cannot write reply.wav: no space; what was written before is kept")
        error.__cause__ = OSError(number, "no space", "reply.wav")
        assert explain(error, "speaker").exit_code == EXIT_CODES["disk"] == 6
    assert explain(OSError(number, "no space", "reply.wav"), "recording").kind == "disk"


@pytest.mark.parametrize("name", ["none.wav", "take/none", "none", "./none"])
def test_a_file_keeps_its_name_and_the_hint_is_given_once(name: str) -> None:
    failure = explain(WavError(Path(name), "is empty", "record it again"), "voice loop")
    assert failure.line == f"{Path(name)} is empty."
    assert failure.hint == "Record it again."


def test_a_rooms_error_is_told_with_the_place_of_its_service() -> None:
    failure = explain(VoiceError("the voice said nothing"), "tts", Endpoint(target="riva.lab:50051"))
    assert (failure.line, failure.hint) == ("The voice said nothing.", "The tts is at riva.lab:50051.")


def test_a_setting_keeps_its_name() -> None:
    assert explain(TelemetryError("telemetry.ca: gone; name another file"), "x").line.startswith("telemetry.ca: gone")


def test_of_a_group_the_cause_is_told_and_not_the_cancellations() -> None:
    cause = rpc_error(grpc.StatusCode.INTERNAL, "boom")
    group = BaseExceptionGroup("", [asyncio.CancelledError(), ExceptionGroup("", [cause])])
    assert "boom" in explain(group, "llm").line
