"""The few plain HTTP requests that supervision needs, on loopback, without blocking and without a library."""

from __future__ import annotations

import asyncio

LIMIT = 65_536
"""Most bytes of an answer that are looked at."""


async def request(port: int, method: str, path: str, body: bytes = b"", timeout: float = 2.0) -> tuple[int, bytes]:
    """Status and body. Raises ``OSError`` if nobody answers properly, ``TimeoutError`` after ``timeout`` seconds."""
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LIMIT)
        try:
            head = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}"]
            writer.write("\r\n".join([*head, "", ""]).encode() + body)
            await writer.drain()
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
            size = min(LIMIT, int(headers.get("content-length", "0")))
            return int(lines[0].split()[1]), await reader.readexactly(size)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError) as error:
            raise OSError(f"no HTTP on port {port}: {error}") from None
        finally:
            writer.close()
