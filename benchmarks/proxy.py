"""What HAProxy costs before session servers: processor time for each second of a conversation, and milliseconds.

HAProxy runs as ``docker/proxy/pool.cfg`` has it, TLS on both sides, on a processor of its own. Clients and a server
have the wire of a talk, without the talk: 20 ms of sound in each message of a client, and 100 ms in each of the
server's, half of the time. Both read one clock, so a message says how old it is. HAProxy looks whether its servers are
well all the time, by TLS as well; what that takes is told apart.

    python -m benchmarks.proxy                          50 conversations, 20 s; needs haproxy and two processors
    python -m benchmarks.proxy --sessions 100 --json proxy.json
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, TCPConnector, web

from benchmarks.measure import spread
from benchmarks.processes import cpu_seconds
from benchmarks.scene import phase
from benchmarks.wires import another_processor
from pipelines.certs import make_development_pki
from pipelines.machine.environment import environment
from sophia.audio import EAR_RATE, FRAME_SECONDS

CONFIG = Path(__file__).parent.parent / "docker/proxy/pool.cfg"
PLACES = 16
"""Servers that the configuration has room for. Here they are all the same one."""

DELTA_SECONDS, DELTA_RATE = 0.1, 24_000
TALKS_SECONDS = 2.0
"""She speaks for so long, and is silent for as long."""

BEFORE = 3.0
"""Seconds in which everybody comes."""

UP_SECONDS = 20.0
"""Longest wait for HAProxy to have found the server, and to end."""


def payload(seconds: float, rate: int) -> str:
    """So much sound as base64."""
    return base64.b64encode(os.urandom(2 * round(seconds * rate))).decode()


SAID, HEARD = payload(DELTA_SECONDS, DELTA_RATE), payload(FRAME_SECONDS, EAR_RATE)


def event(kind: str, name: str, sound: str) -> str:
    """A message that tells when it was sent: ``time.monotonic()``, for uvloop's clock knows whole milliseconds."""
    return json.dumps({"type": kind, "event_id": "event_0123456789abcdef", name: sound, "at": time.monotonic()})


class Ages:
    """How old messages were when they came, in seconds, while somebody wants to know."""

    def __init__(self) -> None:
        self.up: list[float] = []
        self.down: list[float] = []
        self.wanted = False

    def take(self, text: str, found: list[float]) -> None:
        """A message came, to the server (:attr:`up`) or to a client (:attr:`down`)."""
        if self.wanted:
            found.append(time.monotonic() - json.loads(text)["at"])


async def speaks(socket: web.WebSocketResponse, offset: float) -> None:
    """Her side: a block each 100 ms, half of the time."""
    await asyncio.sleep(offset * 100)
    loop = asyncio.get_running_loop()
    began = due = loop.time()
    while True:
        if (due - began) % (2 * TALKS_SECONDS) < TALKS_SECONDS:
            await socket.send_str(event("response.output_audio.delta", "delta", SAID))
        due += DELTA_SECONDS
        await asyncio.sleep(max(0.0, due - loop.time()))


@asynccontextmanager
async def server(tls: Path, ages: Ages) -> AsyncIterator[int]:
    """The server behind; its port."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(speaks(socket, float(request.query["phase"])))
            async for message in socket:
                ages.take(message.data, ages.up)
            speaking.cancel()
        return socket

    async def ready(request: web.Request) -> web.Response:
        return web.Response(text="ready\n")

    app = web.Application()
    app.add_routes([web.get("/v1/realtime", talk), web.get("/readyz", ready)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "server.crt", tls / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await web.SockSite(runner, listening, ssl_context=context).start()
        try:
            yield listening.getsockname()[1]
        finally:
            await runner.cleanup()


@asynccontextmanager
async def proxy(tls: Path, behind: int, sessions: int, cpu: int | None) -> AsyncIterator[tuple[int, int]]:
    """HAProxy before the server: its port and its process."""
    free = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            free.append(taken.getsockname()[1])
    variables = {
        "POOL_CERTIFICATE": f"{tls}/server.crt",
        "POOL_AUTHORITY": f"{tls}/ca.crt",
        "POOL_ADDRESS": "127.0.0.1",
        "POOL_PORT": str(free[0]),
        "POOL_HEALTH_PORT": str(free[1]),
        "POOL_SERVERS": f"127.0.0.1:{behind}",
        "POOL_SESSIONS": str(-(-sessions // PLACES)),
    }
    bound = [] if cpu is None else ["taskset", "-c", str(cpu)]
    process = await asyncio.create_subprocess_exec(
        *bound, "haproxy", "-db", "-f", str(CONFIG), env=os.environ | variables,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield free[0], process.pid
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), UP_SECONDS)


async def call(client: ClientSession, url: str, offset: float, ages: Ages, until: float) -> None:
    """One client, until then (``loop.time()``)."""
    loop = asyncio.get_running_loop()

    async def listen(socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            ages.take(message.data, ages.down)

    async with client.ws_connect(f"{url}?phase={offset}", max_msg_size=0) as socket, asyncio.TaskGroup() as group:
        group.create_task(listen(socket))
        due = loop.time() + offset
        while due < until:
            await asyncio.sleep(max(0.0, due - loop.time()))
            await socket.send_str(event("input_audio_buffer.append", "audio", HEARD))
            due += FRAME_SECONDS
        await socket.close()


async def let_in(client: ClientSession, url: str) -> None:
    """Waits until a client is: HAProxy looks for the server twice a second."""
    async with asyncio.timeout(UP_SECONDS):
        while True:
            with suppress(ClientError):
                await (await client.ws_connect(f"{url}?phase=0")).close()
                return
            await asyncio.sleep(0.1)


async def part(client: ClientSession, url: str, ages: Ages, pid: int, *, sessions: int, seconds: float) -> float:
    """All clients at ``url``: the share of a core that process ``pid`` takes meanwhile."""
    loop = asyncio.get_running_loop()
    await let_in(client, url)
    async with asyncio.TaskGroup() as group:
        until = loop.time() + BEFORE + seconds + 1.0
        for number in range(sessions):
            group.create_task(call(client, url, phase(number), ages, until))
        await asyncio.sleep(BEFORE)
        ages.up, ages.down, ages.wanted = [], [], True
        before = cpu_seconds([pid])
        await asyncio.sleep(seconds)
        used, ages.wanted = cpu_seconds([pid]) - before, False
    return used / seconds


async def measure(sessions: int, seconds: float) -> dict[str, Any]:
    """Past HAProxy, and through it."""
    cpu, ages = another_processor(), Ages()
    with tempfile.TemporaryDirectory() as folder:
        tls = Path(folder)
        make_development_pki(tls)
        trust = ssl.create_default_context(cafile=str(tls / "ca.crt"))
        async with server(tls, ages) as behind, proxy(tls, behind, sessions, cpu) as (front, pid):
            shares, told = [], {}
            for name, port in (("past", behind), ("through", front)):
                url = f"https://127.0.0.1:{port}/v1/realtime"
                async with ClientSession(connector=TCPConnector(ssl=trust, limit=0)) as client:
                    shares.append(await part(client, url, ages, pid, sessions=sessions, seconds=seconds))
                told[name] = {"to_server": spread(ages.up), "to_client": spread(ages.down)}
    return {
        "sessions": sessions,
        "seconds": seconds,
        "cpu_ms_per_session_second": round(1000 * (shares[1] - shares[0]) / sessions, 2),
        "checks_cpu_ms_per_second_and_server": round(1000 * shares[0] / PLACES, 2),
        **told,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20.0, help="of one measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    args = parser.parse_args()
    if shutil.which("haproxy") is None:
        print("Needs haproxy: apt install haproxy", file=sys.stderr)
        return 2
    version = subprocess.run(["haproxy", "-v"], capture_output=True, text=True, check=True).stdout.split()[2]
    found = {"machine": environment() | {"haproxy": version}, **uvloop.run(measure(args.sessions, args.seconds))}
    print(json.dumps(found))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
