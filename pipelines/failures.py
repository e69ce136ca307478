"""Turns whatever went wrong into one clear line for people, what to do about it, and an exit code.

:func:`explain` judges by the error alone; :mod:`pipelines.services.diagnosis` also looks at the service's port. The
rooms' own errors say themselves what they mean, so no room is imported here. The message is one line. The class may
have ``kind`` (one of :data:`Kind`, else "part"), ``hint`` (what to do) and ``befell``. The last is what befell the
service, if the message alone does not say.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, cast

import grpc
import grpc.aio

from pipelines.log import log_file

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
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space, no quota, or the file has reached the size it may have."""

_UNREACHED = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)

_log = logging.getLogger(__name__)

_MAX_WORDS = 240
_BROKEN_OFF = ("reset", "broken pipe", "handshake", "cancelling all calls", "transport closed")
_TRANSPORT = (
    "socket closed",
    "goaway",
    "stream removed",
    "rst_stream",
    "internal error from core",
    "connection is dead",
)
"""gRPC's own words for a call that was cut off, for UNAVAILABLE and, the second, for any code."""

_WRAPPING = re.compile(r"^(exception calling application|unexpected <class '[^']*'>): ", re.IGNORECASE)
_EMPTY_WORDS = re.compile(
    r"^(exception (iterating|deserializing|serializing) (requests?|responses?)|error in service handler)!?$",
    re.IGNORECASE,
)
"""What gRPC's servers put before an error of the service, or say where they will not tell it."""

_CONNECTING = ("resolving", "lookup error", "not found", "failed to connect", "timed out", "timeout", "unreachable")
"""gRPC's words for a connection that was not made; behind a proxy, it is the proxy's."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, for people. ``line`` and ``hint`` are complete sentences; ``hint`` may be empty."""

    service: str
    kind: Kind
    line: str
    hint: str
    exit_code: int


class Place(Protocol):
    """Where a service is; :class:`pipelines.settings.endpoint.Endpoint` is one."""

    @property
    def target(self) -> str: ...

    @property
    def host(self) -> str: ...

    def proxy(self, rpc: bool) -> str: ...


class StageFailed(Exception):
    """A service or a device failed; ``service`` is one of asr, llm, tts, face, microphone, speaker."""

    def __init__(self, service: str, cause: Exception) -> None:
        super().__init__(f"{service}: {cause}")
        self.service = service
        self.cause = cause


class RecordedFailure(Exception):
    """A failure read back from a recording: what was said of it then is said of it again."""

    def __init__(self, kind: Kind, line: str, hint: str = "") -> None:
        super().__init__(line)
        self.kind: Kind = kind
        self.line = line
        self.hint = hint


def explain(error: BaseException, service: str, endpoint: Place | None = None) -> Failure:
    """The failure that ``error`` means for ``service`` ("asr", "llm", …) behind ``endpoint``."""
    error = next(_leaves(error))
    if isinstance(error, StageFailed):
        return explain(error.cause, error.service, endpoint)
    if isinstance(error, RecordedFailure):
        return failure(service, error.kind, error.line, error.hint)
    where = place(service, endpoint)
    if isinstance(error, grpc.aio.AioRpcError):
        return _rpc(error, service, endpoint, where)
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        return failure(service, "stopped", f"{where} was stopped.", "")
    if isinstance(error, ssl.SSLError | socket.gaierror):
        return _network(error, service, endpoint, where)
    if isinstance(error, TimeoutError) and not _of_rooms(error):
        return _silent(service, where)
    if isinstance(error, OSError) and not _of_rooms(error):
        return _network(error, service, endpoint, where)
    if _of_rooms(error):
        return _of_our_own(error, service, endpoint)
    words = f"{type(error).__name__}: {clean(str(error))}".rstrip(": ")
    hint = f"This is a defect; please report it with the log, {_where_the_log_is()}."
    return failure(service, "defect", f"{where} failed: {words}.", hint)


def log_defect(found: Failure, error: BaseException) -> None:
    """Writes the traceback of a failure that nobody expected into the log."""
    if found.kind == "defect":
        _log.error("%s failed", found.service, exc_info=error)


def place(service: str, endpoint: Place | None) -> str:
    """What a sentence about the service begins with."""
    return f"The {service}" + (f" at {endpoint.target}" if endpoint else "")


def blamed(error: Exception, service: str) -> tuple[str, Exception]:
    """Who failed and with what, out of groups and :class:`StageFailed`; ``service`` where the error does not say."""
    inner = next(_leaves(error))
    if isinstance(inner, StageFailed):
        return inner.service, inner.cause
    return service, inner if isinstance(inner, Exception) else error


def _of_our_own(error: BaseException, service: str, endpoint: Place | None) -> Failure:
    """The failure that one of the rooms' errors means; it says itself what happened, and often what to do.

    A room does not know where its service is; that is added.
    """
    kind = cast(Kind, getattr(error, "kind", "part"))
    if isinstance(error.__cause__, OSError) and error.__cause__.errno in _DISK_FULL:
        kind = "disk"
    hint = clean(str(getattr(error, "hint", "")))
    line = clean(" ".join(getattr(error, "lines", (str(error),)))).removesuffix(f"; {hint}") or type(error).__name__
    if befell := getattr(error, "befell", ""):
        line = f"{place(service, endpoint)} {befell}: {line}"
    if endpoint and not hint:
        hint = f"The {service} is at {endpoint.target}"
    return failure(service, kind, _sentence(line, name=str(getattr(error, "path", ""))), _sentence(hint))


def _rpc(error: grpc.aio.AioRpcError, service: str, endpoint: Place | None, where: str) -> Failure:
    code, words = error.code(), _WRAPPING.sub("", clean(error.details() or ""))
    low = words.lower()
    cut_off = any(sign in low for sign in _TRANSPORT)
    if _EMPTY_WORDS.match(words) or (cut_off and code is not grpc.StatusCode.UNAVAILABLE):
        words = ""  # nothing that the service said
    said = f": “{words}”" if words else ""
    if code is grpc.StatusCode.UNAVAILABLE:
        return _unavailable(words, service, endpoint, where)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return _silent(service, where)
    if cut_off and code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED):
        return _broken_off(service, where)
    if code is grpc.StatusCode.CANCELLED:
        return failure(service, "broken", f"{where} stopped the call{said}.", "Look into the service's log.")
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        hint = "Check api_key_file or api_key_env and metadata of its endpoint."
        return failure(service, "denied", f"{where} does not let us in{said}.", hint)
    if code is grpc.StatusCode.NOT_FOUND:
        hint = "Check the model, voice and language in the settings; --check lists what it has."
        return failure(service, "unknown", f"{where} does not have what was asked for{said}.", hint)
    if code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.FAILED_PRECONDITION):
        hint = "Check the model, voice, language and rate in the settings; --check lists what it has."
        return failure(service, "rejected", f"{where} refused the request{said}.", hint)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in low:
        hint = "Both sides bound the size of a message; see the service's settings."
        return failure(service, "rejected", f"{where} was sent, or sent, too long a message{said}.", hint)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return failure(service, "busy", f"{where} has no capacity left{said}.", "Try again, or end other sessions.")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        hint = "Check that the target is the right service and port."
        return failure(service, "unsupported", f"{where} does not know this call{said}.", hint)
    return failure(service, "broken", f"{where} failed ({code.name.lower()}){said}.", "Look into the service's log.")


def _unavailable(words: str, service: str, endpoint: Place | None, where: str) -> Failure:
    low = words.lower()
    proxy = endpoint.proxy(rpc=True) if endpoint else ""
    if proxy and ("http proxy" in low or any(sign in low for sign in _CONNECTING)):
        refusal = words[low.rfind("http proxy") :] if "http proxy" in low else ""
        return _no_way_through(proxy, refusal, service, where, refused=bool(refusal))
    if "resolving" in low or "lookup error" in low or "domain name not found" in low:
        return _unresolved(service, endpoint, where)
    if "certificate_verify_failed" in low:
        return untrusted(low.rpartition("certificate_verify_failed:")[2].removesuffix(": ok").strip(), service, where)
    if "hostname verification" in low:
        return untrusted("hostname mismatch", service, where)
    if "wrong_version_number" in low or "http_request" in low:
        return _plaintext(service, where)
    if "connection refused" in low or "no route to host" in low or "unreachable" in low:
        return _down(service, where)
    if "timed out" in low or "timeout" in low or "endpoint closing" in low:
        return _silent(service, where)
    if "http1.x server" in low or "parsing http/2" in low or "alpn" in low:  # TLS without the promise of HTTP/2
        line = f"{where} does not speak gRPC."
        return failure(service, "unsupported", line, "Check the port; HTTP and gRPC have ports of their own.")
    if any(sign in low for sign in (*_BROKEN_OFF, *_TRANSPORT)):
        return _broken_off(service, where)
    said = f": “{words}”" if words else ""
    return failure(service, "busy", f"{where} is not available right now{said}.", "Look into the service's log.")


def _broken_off(service: str, where: str) -> Failure:
    hint = "It may have crashed or been restarted, or the network has changed; see its log."
    return failure(service, "lost", f"{where} broke the connection.", hint)


def _no_way_through(proxy: str, words: str, service: str, where: str, *, refused: bool) -> Failure:
    """A proxy out of the environment, such as ``lab:3128 (https_proxy)``, which is away, or refuses."""
    variable = proxy.partition("(")[2].removesuffix(")")
    hint = f"Correct {variable}, or name the service's host in no_proxy."
    way = f"{where[0].lower()}{where[1:]}"
    if refused:
        said = f": “{words}”" if words else ""
        return failure(service, "denied", f"The proxy {proxy} does not let us through to {way}{said}.", hint)
    return failure(service, "down", f"The proxy {proxy} cannot be reached, and stands before {way}.", hint)


def _network(error: OSError, service: str, endpoint: Place | None, where: str) -> Failure:
    if isinstance(error, ssl.SSLCertVerificationError):
        return untrusted(error.verify_message, service, where)
    if isinstance(error, ssl.SSLError):
        if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_MESSAGE", "RECORD_LAYER_FAILURE"):
            return _plaintext(service, where)
        return failure(service, "lost", f"{where} broke off the TLS handshake ({clean(error.reason or '')}).", "")
    words = "" if error.errno else clean(str(error))
    unreached = isinstance(error, socket.gaierror) or error.errno in _UNREACHED or _is_status(words)
    if unreached and (proxy := endpoint.proxy(rpc=False) if endpoint else ""):
        return _no_way_through(proxy, words, service, where, refused=_is_status(words))
    if isinstance(error, socket.gaierror):
        return _unresolved(service, endpoint, where)
    if error.errno in _DISK_FULL:
        line = f"The disk is full: {error.filename or 'writing'} could not be finished."
        return failure(service, "disk", line, "Free some space; what was written so far is intact.")
    if error.errno in _UNREACHED:
        return _down(service, where)
    if isinstance(error, ConnectionError):
        return failure(service, "lost", f"{where} broke the connection.", "It may have crashed; see its log.")
    named = f"{error.filename}: " if error.filename else ""
    return failure(service, "part", f"{where} failed: {named}{clean(error.strerror or str(error))}.", "")


def _is_status(words: str) -> bool:
    """Whether the words are an HTTP status, such as "403 Forbidden": a proxy's refusal."""
    return words[:3].isdigit() and not words[3:4].strip()


def untrusted(reason: str, service: str, where: str, more: str = "") -> Failure:
    """A certificate that is not good enough, by OpenSSL's word for why; ``more`` follows the first sentence."""
    low = reason.lower()
    if "expired" in low:
        hint = "Renew the service's certificate (the stack's: python -m pipelines.certs docker/tls), then restart it."
        return failure(service, "expired", f"{where} shows a certificate that has expired.{more}", hint)
    if "not yet valid" in low:
        return failure(
            service,
            "expired",
            f"{where} shows a certificate that is not valid yet.{more}",
            "Check both machines' clocks.",
        )
    if "hostname" in low or "ip address mismatch" in low:
        hint = "Use a name that the certificate holds as target, or set tls.server_name to one."
        return failure(service, "wrong-name", f"{where} shows a certificate for other names.", hint)
    hint = "Set tls.ca to the certificate of the authority that signed it."
    return failure(service, "untrusted", f"{where} shows a certificate that tls.ca does not vouch for.{more}", hint)


def _plaintext(service: str, where: str) -> Failure:
    hint = "Turn TLS on in the service, or set tls.enabled to false if the network between is trusted."
    return failure(service, "plaintext", f"{where} does not speak TLS on this port.", hint)


def _unresolved(service: str, endpoint: Place | None, where: str) -> Failure:
    host = endpoint.host if endpoint else "its host"
    return failure(service, "name", f"{where} cannot be found: no such host, {host}.", "Check the target's spelling.")


def _down(service: str, where: str) -> Failure:
    return failure(service, "down", f"{where} is down: nothing answers on this port.", "Start it, or check the target.")


def _silent(service: str, where: str) -> Failure:
    return failure(service, "silent", f"{where} does not answer in time.", "It may hang or be overloaded; see its log.")


def failure(service: str, kind: Kind, line: str, hint: str) -> Failure:
    """A failure with the exit code of its kind."""
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


def clean(words: str) -> str:
    """One short line without control characters: what a server says may be anything, and goes to a terminal."""
    line = "".join(c if c.isprintable() else " " for c in words[: 4 * _MAX_WORDS])
    line = " ".join(line.split()).rstrip(".")
    return line if len(line) <= _MAX_WORDS else f"{line[:_MAX_WORDS]}…"


def _sentence(words: str, name: str = "") -> str:
    """``words`` with a capital and a full stop; what begins with a ``name``, a file's or a setting's, keeps it."""
    if words.partition(" ")[0].strip(",;").isalpha() and not (name and words.startswith(name)):
        words = words[0].upper() + words[1:]
    return words if not words or words.endswith((".", "!", "?", "…")) else f"{words}."
