"""One request over HTTP, bounded in time and size, and what went wrong with it in one line."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipelines.doctor.host import printable
from pipelines.services.channels import CredentialsError, ssl_context
from pipelines.settings.endpoint import TlsSettings

MOST_BYTES: Final = 4 << 20
"""Of a page that are read: a busy exporter sends half a MiB."""

SECONDS: Final = 5.0


class WebTrouble(Exception):
    """No page came; the message is one line that says why, ``fix`` what to do if it is not the service's fault."""

    def __init__(self, why: str, fix: str = "") -> None:
        super().__init__(why)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Page:
    """What came: its status and its text, without control characters."""

    status: int
    text: str

    def json(self) -> Any:
        """The text as JSON; raises :class:`WebTrouble` if it is none."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            raise WebTrouble(f"it answers, but not in JSON (HTTP {self.status})") from None


async def get(
    url: str,
    *,
    tls: TlsSettings | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Page:
    """Fetches ``url``, whatever its status. Redirects are not followed, proxies not used. Raises WebTrouble.

    ``tls`` (by default: the web's authorities, no certificate of ours) is read only for ``https``: a page without TLS
    needs no certificate.
    """
    import httpx2  # noqa: PLC0415 - the base phase may do without

    try:
        verify = ssl_context(tls or TlsSettings(), "http/1.1") if url.lower().startswith("https:") else True
    except CredentialsError as error:
        raise WebTrouble(str(error), "correct stack.ca, stack.cert and stack.key") from None
    try:
        async with (
            asyncio.timeout(seconds),
            httpx2.AsyncClient(verify=verify, trust_env=False, timeout=seconds) as client,
            client.stream("GET", url, headers=dict(headers or {}), params=dict(params or {})) as response,
        ):
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise WebTrouble(f"it sends more than {MOST_BYTES >> 20} MiB")
            return Page(response.status_code, printable(bytes(body)))
    except TimeoutError:
        raise WebTrouble(f"no answer within {seconds:g} s") from None
    except httpx2.TimeoutException:
        raise WebTrouble(f"no answer within {seconds:g} s") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        raise _trouble(error) from None


def _trouble(error: BaseException) -> WebTrouble:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = f"its certificate is not trusted: {cause.verify_message}"
            return WebTrouble(why, "name the authority that signed it in stack.ca")
        if isinstance(cause, ssl.SSLError) and "CERTIFICATE_REQUIRED" in (cause.reason or ""):
            return WebTrouble("it asks for a client certificate", "set stack.cert and stack.key")
        if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or ""):
            words = (cause.reason or "").replace("_", " ").lower()
            return WebTrouble(f"it refuses us: {words}", "check stack.cert: is it of the service's own authority?")
        if isinstance(cause, socket.gaierror):
            return WebTrouble("there is no host of this name", "check its spelling")
        if isinstance(cause, ConnectionRefusedError):
            return WebTrouble("nothing answers on this port")
    said = next((cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror), "")
    return WebTrouble(" ".join(printable(said or str(error) or type(error).__name__).split())[:200])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and all that it came from."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop()
        if id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [behind for behind in (cause.__context__, cause.__cause__) if behind is not None]
            waiting += cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()
