"""The dispatcher as a process of its own, whose servers talk to simulated services."""

from __future__ import annotations

import asyncio
import ssl
import sys
from contextlib import asynccontextmanager, suppress

import aiohttp
from lab import Lab
from lab import serving as services
from pooled import KEY, Server, patient, talking

HEADERS = {"Authorization": f"Bearer {KEY}"}


class Scaled:
    """A running dispatcher."""

    def __init__(self, client, program, url):
        self.client, self.program, self.url = client, program, url

    async def lease(self):
        """Status and answer of a request for a lease."""
        async with self.client.post(f"{self.url}v1/leases", headers=HEADERS) as answer:
            return answer.status, await answer.json()

    async def told(self):
        async with self.client.get(f"{self.url}v1/servers", headers=HEADERS) as answer:
            return await answer.json()

    async def until(self, right):
        """What it tells of its servers, as soon as that is ``right``."""
        async with asyncio.timeout(120):
            while not right(told := await self.told()):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
        return told

    async def comes(self):
        """A client that asked where to go, and went there: the address and its conversation."""
        status, lease = await self.lease()
        assert status == 201, lease
        return lease["url"], await talking(self.client, lease["url"], lease["client_secret"]["value"])


@asynccontextmanager
async def scaled(tmp_path, pki, *options, places=2, tls=None):
    """A dispatcher with these options, and the key of the tests; its servers have the certificate in ``tls``."""
    (tmp_path / "key").write_text(KEY)
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str((tls or pki) / "ca.crt")))
    async with services(Lab(), pki) as port, aiohttp.ClientSession(connector=connector) as client:
        path = patient(tmp_path, pki, port)
        given = {"sessions": places, "api_key_file": tmp_path / "key", "drain_seconds": 60}
        if tls:
            given |= {"cert": tls / "server.crt", "key": tls / "server.key"}
            options += ("--ca", str(tls / "ca.crt"))
        more = [part for key, value in given.items() for part in ("--set", f"server.{key}={value}")]
        command = (sys.executable, "-m", "pipelines.scale", "--port", "0", "--config", str(path), *more, *options)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
        program = Server(process)
        try:
            line = await program.line("Leases: POST ")
            yield Scaled(client, program, line.split()[2].removesuffix("v1/leases"))
        finally:
            with suppress(ProcessLookupError, AssertionError):
                process.terminate()
                await program.line("Stopping: ")
                process.terminate()  # at once: killed, it would leave its servers to their conversations
            await program.ended()
