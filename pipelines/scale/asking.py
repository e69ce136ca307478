"""Asks a session server how full it is."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import aiohttp

from pipelines.home import home
from pipelines.scale.book import Load
from pipelines.server.errors import ServerError

ASK_SECONDS: Final = 2.0
"""A server that has not told its load by then hangs: nobody is sent there."""

Asking = Callable[[str], Awaitable[Load]]
"""Asks a server, by its address, how full it is. Raises ``OSError`` or ``TimeoutError`` where it does not answer."""


def asking(client: aiohttp.ClientSession, key: str | None, trust: ssl.SSLContext) -> Asking:
    """Asks by ``client``, which has the time limit, and with the servers' ``key`` if they want one."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def ask(address: str) -> Load:
        try:
            async with client.get(f"{address}load", headers=headers, ssl=trust) as answer:
                answer.raise_for_status()
                told = await answer.json()
                return Load(int(told["places"]), int(told["talking"]), int(told["arrived"]), bool(told["room"]))
        except (aiohttp.ClientError, ValueError, KeyError, TypeError) as error:
            raise ConnectionError(str(error)) from error

    return ask


def trusting(authority: Path | None) -> ssl.SSLContext:
    """Trusts ``authority``, else this machine's development authority, else the system's. Raises ``ServerError``."""
    path = authority or home() / "tls" / "ca.crt"
    try:
        return ssl.create_default_context(cafile=str(path) if authority or path.exists() else None)
    except (OSError, ssl.SSLError) as error:
        raise ServerError(f"--ca: {path} cannot be used ({error}); name the servers' authority, PEM") from error
