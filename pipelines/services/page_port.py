"""Whether her page can be served where the settings say. Nothing is served for it."""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
from dataclasses import dataclass

from pipelines.settings.server import ServerSettings

ASK_SECONDS = 2.0
"""Longest wait for whoever has the port to say who it is."""


@dataclass(frozen=True, slots=True)
class PagePort:
    """What was ``found`` out about the port, in one sentence; ``fix`` says what to do, empty where all is well."""

    found: str
    fix: str = ""


async def page_port(server: ServerSettings) -> PagePort:
    """Looks whether the port can be had, and if not, whether it is her page that has it."""
    if not server.enabled:
        return PagePort("Her page is switched off (server.enabled).")
    if server.port == 0:
        return PagePort("Her page takes any port that is free (server.port is 0).")
    where = f"[{server.host}]:{server.port}" if ":" in server.host else f"{server.host}:{server.port}"
    try:
        listener = await asyncio.get_running_loop().create_server(
            asyncio.Protocol, server.host, server.port, start_serving=False
        )
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else "there is no such host"
            return PagePort(f"Her page cannot be served on {where} ({why}).", "correct server.host and server.port")
        if await _is_hers(server):
            return PagePort(f"Her page is served on {where} already, by another process.")
        return PagePort(
            f"Her page cannot have {where}: another program has this port. Beside the microphone she takes any other.",
            f"choose another server.port; sudo ss -ltnp 'sport = :{server.port}' shows whose it is",
        )
    listener.close()
    return PagePort(f"Her page can have {where}.")


async def _is_hers(server: ServerSettings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)
    trust = ssl.create_default_context() if server.secure else None
    if trust:
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE  # it is only asked for its name
    try:
        async with asyncio.timeout(ASK_SECONDS):
            reader, writer = await asyncio.open_connection(host, server.port, ssl=trust)
            try:
                writer.write(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                return b"\r\nserver: sophia\r\n" in (await reader.read(4096)).lower()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
