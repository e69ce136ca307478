"""Opens the channels that the rooms' clients are handed: TLS, identity, sizes, keepalive, metadata, warm-up.

A channel belongs to the event loop that runs while it is opened.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
from cryptography import x509
from opentelemetry import propagate, trace

from pipelines.services.renewal import HEALTH, RenewableChannel
from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.proxies import is_own
from pipelines.telemetry import names

if TYPE_CHECKING:
    import httpx2

Metadata = Sequence[tuple[str, str]]

MAX_MESSAGE = 64 << 20
"""Bytes of one message either way: a minute of 48 kHz sound ten times over; gRPC's own 4 MiB is less than a clip."""

MAX_KEY_BYTES = 16 << 10
"""A file larger than this is no API key; servers refuse metadata of that size anyway."""


class CredentialsError(Exception):
    """A certificate, key or API key that the settings name cannot be used; the message says which and why."""

    kind = "settings"
    befell = "cannot be reached"
    hint = "Correct the path in the settings"


class NoKey(CredentialsError):
    """The environment holds no API key."""

    def __init__(self, message: str, variable: str) -> None:
        super().__init__(message)
        self.hint = f"Export the key as {variable}, or the name of a file that holds it as {variable}_FILE"


class ProxyError(Exception):
    """The environment names a proxy that HTTP clients cannot use; the message says which variable, and why."""

    kind = "settings"
    befell = "cannot be reached"
    hint = "Correct the variable, or name the host in no_proxy"


@dataclass(frozen=True, slots=True)
class PeerIdentity:
    """Who answers behind a TLS port, as its certificate says.

    ``trusted`` tells whether our settings accept it; if not, ``reason`` is OpenSSL's word for why.
    """

    subject: str
    issuer: str
    hosts: tuple[str, ...]
    expires: datetime
    protocol: str
    trusted: bool
    reason: str = ""


def open_channel(endpoint: Endpoint, on_dead: Callable[[], None] = lambda: None) -> RenewableChannel:
    """A channel to ``endpoint``; connecting happens at its first use, see :func:`warm`.

    Its connection is its own, and is replaced once it is dead, of which ``on_dead`` hears. Must be called inside the
    running event loop. Raises :class:`CredentialsError` if a certificate cannot be used.
    """
    asyncio.get_running_loop()
    options: list[tuple[str, str | int]] = [
        ("grpc.max_receive_message_length", MAX_MESSAGE),
        ("grpc.max_send_message_length", MAX_MESSAGE),
        ("grpc.use_local_subchannel_pool", 1),  # else a new channel is given the old one's dead connection
        ("grpc.initial_reconnect_backoff_ms", 200),  # gRPC's own backoff grows to two minutes,
        ("grpc.max_reconnect_backoff_ms", 2000),  # but a restarted service should be back within a breath
        (
            "grpc.min_reconnect_backoff_ms",
            round(endpoint.connect_seconds * 1000),
        ),  # bounds one attempt, despite its name
    ]
    if endpoint.keepalive_seconds:
        options += [
            ("grpc.keepalive_time_ms", round(endpoint.keepalive_seconds * 1000)),
            ("grpc.keepalive_timeout_ms", 20_000),
        ]
    if is_own(endpoint.host):
        options.append(("grpc.enable_http_proxy", 0))
    if not endpoint.tls.enabled:
        return RenewableChannel(lambda: grpc.aio.insecure_channel(endpoint.target, options=options), on_dead)
    if endpoint.tls.server_name:
        options.append(("grpc.ssl_target_name_override", endpoint.tls.server_name))
    ssl_context(endpoint.tls)  # gRPC reports unusable files only as a failed connection
    ca, key, cert = (_read(path) for path in (endpoint.tls.ca, endpoint.tls.key, endpoint.tls.cert))
    credentials = grpc.ssl_channel_credentials(ca, key, cert)
    return RenewableChannel(lambda: grpc.aio.secure_channel(endpoint.target, credentials, options=options), on_dead)


def open_http(endpoint: Endpoint, path: str = "") -> httpx2.AsyncClient:
    """An HTTP client whose base URL is ``endpoint`` and ``path``, for services without gRPC; the caller closes it.

    It limits connecting only; how long an answer may take is for whoever asks. Raises :class:`CredentialsError` if a
    certificate cannot be used, :class:`ProxyError` for a proxy of the environment.
    """
    import httpx2  # noqa: PLC0415 - most conversations need none

    from pipelines.services.http_renewal import RenewableTransport  # noqa: PLC0415 - as above

    tls, seconds = endpoint.tls, endpoint.connect_seconds
    hooks: dict[str, list[Any]] = {}
    if tls.enabled and tls.server_name:

        async def expect_name(request: httpx2.Request) -> None:
            request.extensions = {**request.extensions, "sni_hostname": tls.server_name}

        hooks["request"] = [expect_name]
    verify = ssl_context(tls, "http/1.1") if tls.enabled else True
    variable = endpoint.proxy(rpc=False).rpartition("(")[2].removesuffix(")")
    try:
        proxy = _proxy(os.environ[variable]) if variable else None
        transport = RenewableTransport(lambda: httpx2.AsyncHTTPTransport(verify, trust_env=False, proxy=proxy))
    except (ImportError, ValueError, httpx2.InvalidURL) as error:
        raise ProxyError(f"{variable} names a proxy that cannot be used ({error})") from None
    return httpx2.AsyncClient(
        base_url=f"{'https' if tls.enabled else 'http'}://{endpoint.target}{path}",
        transport=transport,
        timeout=httpx2.Timeout(None, connect=seconds, pool=seconds),
        event_hooks=hooks,
    )


def _proxy(named: str) -> str:
    return named if "://" in named else f"http://{named}"


async def warm(channel: grpc.aio.Channel, seconds: float, metadata: Metadata = ()) -> str:
    """Connects, with TLS and all, and asks for the service's health, as one call that may take ``seconds``.

    Returns ``"serving"``, ``"not serving"`` or ``"unknown"`` (the service connects but has no health service).
    Raises ``grpc.aio.AioRpcError`` whose details say why nobody answers.
    """
    check: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(HEALTH)
    call = check(b"", timeout=seconds, metadata=grpc.aio.Metadata(*metadata))
    try:
        reply: bytes = await call
    except grpc.aio.AioRpcError as error:
        if error.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.NOT_FOUND):
            return "unknown"
        raise
    finally:
        call.cancel()
    return {b"\x08\x01": "serving", b"\x08\x02": "not serving"}.get(reply, "unknown")


def metadata_for(endpoint: Endpoint) -> Callable[[], Metadata]:
    """What a client calls before each RPC for its metadata: API key, the endpoint's own, W3C trace context.

    A client calls it within the span of the call, which is told where the service is. The API key is read now;
    raises :class:`CredentialsError` if that fails.
    """
    fixed = [*endpoint.metadata.items()]
    if api_key := _api_key(endpoint):
        fixed.insert(0, ("authorization", f"Bearer {api_key}"))

    def metadata() -> Metadata:
        span = trace.get_current_span()
        if getattr(span, "kind", None) is trace.SpanKind.CLIENT:  # and not a turn's, around calls that have none
            span.set_attributes({names.SERVER_ADDRESS: endpoint.host, names.SERVER_PORT: endpoint.port})
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return (*fixed, *carrier.items())

    return metadata


async def identity(endpoint: Endpoint, seconds: float) -> PeerIdentity:
    """Who answers at ``endpoint``, found by TLS handshakes beside gRPC that may take ``seconds`` in all.

    Raises ``OSError`` (``TimeoutError``, ``ssl.SSLError`` where nobody speaks TLS, …) if no certificate is shown.
    """
    async with asyncio.timeout(seconds):
        return await asyncio.to_thread(_handshakes, endpoint, seconds / 2)


def ssl_context(tls: TlsSettings, protocol: str = "h2") -> ssl.SSLContext:
    """What the settings trust and present; raises :class:`CredentialsError` naming the file that is wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([protocol])
    if tls.ca is None:
        context.load_default_certs()
    else:
        with _blamed("must hold certificates in PEM", tls.ca):
            context.load_verify_locations(cafile=tls.ca)
    if tls.cert and tls.key:
        with _blamed("must hold a certificate and its own key in PEM, without a password", tls.cert, tls.key):
            context.load_cert_chain(tls.cert, tls.key, password="")
    return context


@contextmanager
def _blamed(wanted: str, *paths: Path) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        why = (error.reason or "unreadable").replace("_", " ").lower()
        raise CredentialsError(f"{' and '.join(map(str, paths))} {wanted} ({why})") from None
    except OSError as error:
        missing = next((path for path in paths if not os.access(path, os.R_OK)), paths[0])
        raise CredentialsError(f"{missing} cannot be read: {error.strerror or error}") from None


def _handshakes(endpoint: Endpoint, seconds: float) -> PeerIdentity:
    context, reason = ssl_context(endpoint.tls), ""
    try:
        shown, protocol = _handshake(endpoint, context, seconds)
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # only to look at the certificate; nothing is sent
        shown, protocol = _handshake(endpoint, context, seconds)
    certificate = x509.load_der_x509_certificate(shown)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = tuple(str(name.value) for name in names)
    except x509.ExtensionNotFound:
        hosts = ()
    return PeerIdentity(
        subject=_common_name(certificate.subject),
        issuer=_common_name(certificate.issuer),
        hosts=hosts,
        expires=certificate.not_valid_after_utc,
        protocol=protocol,
        trusted=not reason,
        reason=reason,
    )


def _handshake(endpoint: Endpoint, context: ssl.SSLContext, seconds: float) -> tuple[bytes, str]:
    name = endpoint.tls.server_name or endpoint.host
    with (
        socket.create_connection((endpoint.host, endpoint.port), timeout=seconds) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b"", secured.version() or "TLS"


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _api_key(endpoint: Endpoint) -> str:
    """The key that the settings name. Where the variable is not set, ``…_FILE`` may name a file, as in containers."""
    name, file = endpoint.api_key_env, endpoint.api_key_file
    if name is not None and name not in os.environ and os.environ.get(f"{name}_FILE"):
        file = Path(os.environ[f"{name}_FILE"])
    if file is not None:
        source = str(file)
        try:
            with file.open(encoding="ascii") as content:
                key = content.read(MAX_KEY_BYTES)
        except UnicodeDecodeError:
            raise CredentialsError(f"{source} holds no API key: it is not plain text") from None
        except OSError as error:
            raise CredentialsError(f"{source} cannot be read: {error.strerror or error}") from None
    elif name is not None:
        source, key = f"the environment variable {name}", os.environ.get(name, "")
        if name not in os.environ:
            raise NoKey(f"the environment variable {name} is not set", name)
    else:
        return ""
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or len(key) >= MAX_KEY_BYTES:
        raise CredentialsError(f"{source} holds no usable API key: it must be one line of printable characters")
    return key


def _read(path: Path | None) -> bytes | None:
    return path.read_bytes() if path else None
