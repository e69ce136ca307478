"""Turns whatever went wrong into one clear line for people, what to do about it, and an exit code.

:func:`explain` judges by the error alone; :func:`diagnose` also looks at the service's port, because gRPC says
"Socket closed" for a crash, a plaintext client and a missing client certificate alike.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import grpc
import grpc.aio

from aurora.errors import FaceError
from nova.errors import MindError, MindTimeout
from pipelines.conversation.generation import StageFailed
from pipelines.embedded.process import ServiceFailed
from pipelines.log import log_file
from pipelines.services.channels import CredentialsError, identity
from pipelines.settings.endpoint import Endpoint
from pipelines.settings.layers import SettingsError
from pipelines.takes.recording import RecordingError
from pipelines.telemetry.setup import TelemetryError
from sophia.microphone import MicrophoneError
from sophia.recognition import RecognizerError, RecognizerSilent
from sophia.sinks import SinkError
from sophia.synthesis import VoiceError

Kind = Literal[
    "settings", "name", "down", "silent", "lost", "untrusted", "expired", "wrong-name", "plaintext", "encrypted",
    "identity", "denied", "unknown", "rejected", "busy", "unsupported", "broken", "disk", "part", "stopped", "defect",
]  # fmt: skip

EXIT_CODES: dict[Kind, int] = {
    "stopped": 130,  # as shells report Ctrl+C
    "defect": 1,
    "part": 1,
    "settings": 2,
    **dict.fromkeys(("name", "down", "silent", "lost", "busy"), 3),
    **dict.fromkeys(("untrusted", "expired", "wrong-name", "plaintext", "encrypted", "identity", "denied"), 4),
    **dict.fromkeys(("unknown", "rejected", "unsupported", "broken"), 5),
    "disk": 6,
}
"""2: the settings; 3: a service is not there; 4: it is not trusted or does not trust us; 5: it refused or failed;
6: the disk; 1: anything else, such as a sound device; 130: stopped by the user."""

_ROOMS = ("sophia", "nova", "aurora", "pipelines")
_KINDS: tuple[tuple[type[Exception], Kind], ...] = (
    (ServiceFailed, "down"),
    (MindTimeout, "silent"),
    (RecognizerSilent, "silent"),
    (RecognizerError, "lost"),
    (MindError, "broken"),
    (VoiceError, "broken"),
    (FaceError, "broken"),
    (RecordingError, "settings"),
    (TelemetryError, "settings"),
    (MicrophoneError, "part"),
    (SinkError, "part"),
)
"""What the rooms' own errors mean, unless a full disk is behind them; any other is a ``part``."""

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space, no quota, or the file has reached the size it may have."""

_log = logging.getLogger(__name__)

_MAX_WORDS = 240
_BROKEN_OFF = ("socket closed", "reset", "goaway", "broken pipe", "handshake", "cancelling all calls")


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, for people. ``line`` and ``hint`` are complete sentences; ``hint`` may be empty."""

    service: str
    kind: Kind
    line: str
    hint: str
    exit_code: int


def explain(error: BaseException, service: str, endpoint: Endpoint | None = None) -> Failure:
    """The failure that ``error`` means for ``service`` ("asr", "llm", …) behind ``endpoint``."""
    error = next(_leaves(error))
    if isinstance(error, StageFailed):
        return explain(error.cause, error.service, endpoint)
    where = f"The {service}" + (f" at {endpoint.target}" if endpoint else "")
    if isinstance(error, SettingsError):
        return _failure(service, "settings", " ".join(error.lines), "")
    if isinstance(error, CredentialsError):
        return _failure(
            service, "settings", f"{where} cannot be reached: {error}.", "Correct the path in the settings."
        )
    if isinstance(error, grpc.aio.AioRpcError):
        return _rpc(error, service, endpoint, where)
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        return _failure(service, "stopped", f"{where} was stopped.", "")
    if isinstance(error, ssl.SSLError | socket.gaierror):
        return _network(error, service, endpoint, where)
    if isinstance(error, TimeoutError) and not _of_rooms(error):
        return _silent(service, where)
    if isinstance(error, OSError) and not _of_rooms(error):
        return _network(error, service, endpoint, where)
    if _of_rooms(error):
        return _of_our_own(error, service, endpoint)
    words = f"{type(error).__name__}: {_clean(str(error))}".rstrip(": ")
    _log.error("%s failed", where, exc_info=error)
    hint = f"This is a defect; please report it with the log, {_where_the_log_is()}."
    return _failure(service, "defect", f"{where} failed: {words}.", hint)


def blamed(error: Exception, service: str) -> tuple[str, Exception]:
    """Who failed and with what, out of groups and :class:`StageFailed`; ``service`` where the error does not say."""
    inner = next(_leaves(error))
    if isinstance(inner, StageFailed):
        return inner.service, inner.cause
    return service, inner if isinstance(inner, Exception) else error


async def diagnose(error: BaseException, service: str, endpoint: Endpoint | None, seconds: float = 2.0) -> Failure:
    """Like :func:`explain`, with a look at the port (at most ``seconds``) where the error alone is ambiguous."""
    failure = explain(error, service, endpoint)
    if endpoint is None or failure.kind not in ("lost", "busy", "silent", "untrusted"):
        return failure
    where = f"The {service} at {endpoint.target}"
    try:
        shown = await identity(endpoint, seconds)
    except CredentialsError as problem:
        return explain(problem, service, endpoint)
    except (OSError, ValueError) as problem:  # ValueError: a certificate that cannot be parsed
        found = explain(problem, service, endpoint)
        telling = ("down", "name", "plaintext") if endpoint.tls.enabled else ("down", "name")
        return found if found.kind in telling else failure
    if not endpoint.tls.enabled:
        line = f"{where} wants TLS, and the settings say plaintext."
        return _failure(service, "encrypted", line, "Set tls.enabled to true and tls.ca to its authority.")
    if not shown.trusted:
        return _untrusted(shown.reason, service, where, f" It was issued by “{_clean(shown.issuer)}”.")
    if failure.kind == "lost" and "failed to connect" in str(error):  # and not: in the middle of a call
        if endpoint.tls.cert is None:
            line = f"{where} closes the connection although its certificate is good; it may want ours (mutual TLS)."
            return _failure(service, "identity", line, "Set tls.cert and tls.key, or look into the service's log.")
        line = f"{where} closes the connection although its certificate is good; it may not accept ours."
        return _failure(service, "identity", line, "Check that its authority signed tls.cert, or look into its log.")
    return failure


def _of_our_own(error: BaseException, service: str, endpoint: Endpoint | None) -> Failure:
    """The failure that one of the rooms' errors means; it says itself what happened, and often what to do.

    A room does not know where its service is; that is added.
    """
    kind: Kind = next((meant for known, meant in _KINDS if isinstance(error, known)), "part")
    if isinstance(error.__cause__, OSError) and error.__cause__.errno in _DISK_FULL:
        kind = "disk"
    hint = _clean(str(getattr(error, "hint", "")))
    line = _clean(str(error)).removesuffix(f"; {hint}") or type(error).__name__
    if endpoint and not hint:
        hint = f"The {service} is at {endpoint.target}"
    return _failure(service, kind, _sentence(line, name=str(getattr(error, "path", ""))), _sentence(hint))


def _rpc(error: grpc.aio.AioRpcError, service: str, endpoint: Endpoint | None, where: str) -> Failure:
    code, words = error.code(), _clean(error.details() or "")
    said = f": “{words}”" if words else ""
    if code is grpc.StatusCode.UNAVAILABLE:
        return _unavailable(words, service, endpoint, where)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return _silent(service, where)
    if code is grpc.StatusCode.CANCELLED:
        return _failure(service, "broken", f"{where} stopped the call{said}.", "Look into the service's log.")
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        hint = "Check api_key_file or api_key_env and metadata of its endpoint."
        return _failure(service, "denied", f"{where} does not let us in{said}.", hint)
    if code is grpc.StatusCode.NOT_FOUND:
        hint = "Check the model, voice and language in the settings; --check lists what it has."
        return _failure(service, "unknown", f"{where} does not have what was asked for{said}.", hint)
    if code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.FAILED_PRECONDITION):
        hint = "Check the model, voice, language and rate in the settings; --check lists what it has."
        return _failure(service, "rejected", f"{where} refused the request{said}.", hint)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return _failure(service, "busy", f"{where} has no capacity left{said}.", "Try again, or end other sessions.")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        hint = "Check that the target is the right service and port."
        return _failure(service, "unsupported", f"{where} does not know this call{said}.", hint)
    return _failure(service, "broken", f"{where} failed ({code.name.lower()}){said}.", "Look into the service's log.")


def _unavailable(words: str, service: str, endpoint: Endpoint | None, where: str) -> Failure:
    low = words.lower()
    if "resolving" in low or "lookup error" in low or "domain name not found" in low:
        return _unresolved(service, endpoint, where)
    if "certificate_verify_failed" in low:
        return _untrusted(low.rpartition("certificate_verify_failed:")[2].removesuffix(": ok").strip(), service, where)
    if "hostname verification" in low:
        return _untrusted("hostname mismatch", service, where)
    if "wrong_version_number" in low or "http_request" in low:
        return _plaintext(service, where)
    if "connection refused" in low or "no route to host" in low or "unreachable" in low:
        return _down(service, where)
    if "timed out" in low or "timeout" in low or "endpoint closing" in low:
        return _silent(service, where)
    if "http1.x server" in low or "parsing http/2" in low:
        line = f"{where} does not speak gRPC."
        return _failure(service, "unsupported", line, "Check the port; HTTP and gRPC have ports of their own.")
    if any(sign in low for sign in _BROKEN_OFF):
        return _failure(
            service, "lost", f"{where} broke the connection.", "It may have crashed or been restarted; see its log."
        )
    said = f": “{words}”" if words else ""
    return _failure(service, "busy", f"{where} is not available right now{said}.", "Look into the service's log.")


def _network(error: OSError, service: str, endpoint: Endpoint | None, where: str) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(error.verify_message, service, where)
    if isinstance(error, ssl.SSLError):
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_MESSAGE", "RECORD_LAYER_FAILURE"):
            return _plaintext(service, where)
        return _failure(service, "lost", f"{where} broke off the TLS handshake ({_clean(error.reason or '')}).", "")
    if isinstance(error, socket.gaierror):
        return _unresolved(service, endpoint, where)
    if error.errno in _DISK_FULL:
        line = f"The disk is full: {error.filename or 'writing'} could not be finished."
        return _failure(service, "disk", line, "Free some space; what was written so far is intact.")
    if error.errno in (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH):
        return _down(service, where)
    if isinstance(error, ConnectionError):
        return _failure(service, "lost", f"{where} broke the connection.", "It may have crashed; see its log.")
    named = f"{error.filename}: " if error.filename else ""
    return _failure(service, "part", f"{where} failed: {named}{_clean(error.strerror or str(error))}.", "")


def _untrusted(reason: str, service: str, where: str, more: str = "") -> Failure:
    low = reason.lower()
    if "expired" in low:
        hint = "Renew the service's certificate (the stack's: python -m pipelines.certs docker/tls), then restart it."
        return _failure(service, "expired", f"{where} shows a certificate that has expired.{more}", hint)
    if "not yet valid" in low:
        return _failure(
            service,
            "expired",
            f"{where} shows a certificate that is not valid yet.{more}",
            "Check both machines' clocks.",
        )
    if "hostname" in low or "ip address mismatch" in low:
        hint = "Use a name that the certificate holds as target, or set tls.server_name to one."
        return _failure(service, "wrong-name", f"{where} shows a certificate for other names.", hint)
    hint = "Set tls.ca to the certificate of the authority that signed it."
    return _failure(service, "untrusted", f"{where} shows a certificate that tls.ca does not vouch for.{more}", hint)


def _plaintext(service: str, where: str) -> Failure:
    hint = "Turn TLS on in the service, or set tls.enabled to false if the network between is trusted."
    return _failure(service, "plaintext", f"{where} does not speak TLS on this port.", hint)


def _unresolved(service: str, endpoint: Endpoint | None, where: str) -> Failure:
    host = endpoint.host if endpoint else "its host"
    return _failure(service, "name", f"{where} cannot be found: no such host, {host}.", "Check the target's spelling.")


def _down(service: str, where: str) -> Failure:
    return _failure(
        service, "down", f"{where} is down: nothing answers on this port.", "Start it, or check the target."
    )


def _silent(service: str, where: str) -> Failure:
    return _failure(
        service, "silent", f"{where} does not answer in time.", "It may hang or be overloaded; see its log."
    )


def _failure(service: str, kind: Kind, line: str, hint: str) -> Failure:
    return Failure(service, kind, line, hint, EXIT_CODES[kind])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors inside groups, those that are not mere cancellations first."""
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    inner = [leaf for member in error.exceptions for leaf in _leaves(member)]
    yield from sorted(inner, key=lambda leaf: isinstance(leaf, asyncio.CancelledError | KeyboardInterrupt))


def _of_rooms(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in _ROOMS


def _where_the_log_is() -> str:
    try:
        return str(log_file())
    except OSError:
        return "if there is one"


def _clean(words: str) -> str:
    """One short line without control characters: what a server says may be anything, and goes to a terminal."""
    line = "".join(c if c.isprintable() else " " for c in words[: 4 * _MAX_WORDS])
    line = " ".join(line.split()).rstrip(".")
    return line if len(line) <= _MAX_WORDS else f"{line[:_MAX_WORDS]}…"


def _sentence(words: str, name: str = "") -> str:
    """``words`` with a capital and a full stop; what begins with a ``name``, a file's or a setting's, keeps it."""
    if words.partition(" ")[0].strip(",;").isalpha() and not (name and words.startswith(name)):
        words = words[0].upper() + words[1:]
    return words if not words or words.endswith((".", "!", "?", "…")) else f"{words}."
