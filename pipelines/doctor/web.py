"""One request over HTTP, bounded in time and size, and what went wrong with it in one line."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines.doctor.host import printable

MOST_BYTES: Final = 4 << 20
"""Of a page that are read: a busy exporter sends half a MiB."""

SECONDS: Final = 5.0


class WebTrouble(Exception):
    """No page came; the message is one line that says why."""


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
    ca: Path | None = None,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Page:
    """Fetches ``url``, whatever its status. Redirects are not followed, proxies not used. Raises WebTrouble.

    ``ca`` is read only for ``https``: a page without TLS needs no certificate.
    """
    import httpx2  # noqa: PLC0415 - the base phase may do without

    secured = url.lower().startswith("https:")
    try:
        verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=str(ca)) if ca and secured else True
    except (OSError, ssl.SSLError) as error:
        raise WebTrouble(f"the CA certificate {ca} cannot be used: {error}") from None
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
        raise WebTrouble(_reason(error)) from None


def _reason(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ConnectionRefusedError):
            return "nothing answers on this port"
        cause = cause.__cause__ or cause.__context__
    return " ".join(printable(str(error) or type(error).__name__).split())[:200]
