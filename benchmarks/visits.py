"""Whether anything is left of sessions that are over: visitors come and go by the thousand, and what grows is told.

Visitors are in another process. Of each ten, six open a conversation and leave, two say something and are torn out of
the wall in the middle of it, and two ask in writing, hear the beginning of the answer and leave. The services are
:mod:`benchmarks.lab`: simulated. After each part it is counted what this process has: memory, descriptors, threads,
tasks, and objects of a session.

    python -m benchmarks.visits                    2,000 visits
    python -m benchmarks.visits --visits 10000 --json visits.json

It ends with 1 where descriptors, threads, tasks or a session's objects have grown since the first part. Memory is told
as a slope.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import ctypes
import gc
import json
import os
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from aiohttp import ClientError, ClientSession, WSMsgType, WSServerHandshakeError

from benchmarks.lab import running
from benchmarks.measure import resident_mb
from benchmarks.wires import another_processor, settings_for
from pipelines.certs import make_development_pki
from pipelines.conversation.conversation import Conversation
from pipelines.machine.environment import environment
from pipelines.server.serving import serving
from pipelines.server.talk import Talk
from pipelines.talk.runtime import Runtime
from pipelines.talk.session import Session

AT_ONCE = 8
PARTS = 10
SETTLE_SECONDS = 3.0
"""After a part: gRPC lets go of calls, and the kernel of sockets."""

FULL_SECONDS = 0.1
"""After a refusal, before the next try."""

OF_A_SESSION = (Conversation, Session, Talk)


async def measure(visits: int) -> dict[str, Any]:
    """All parts."""
    with tempfile.TemporaryDirectory() as folder:
        make_development_pki(Path(folder))
        async with running(Path(folder), another_processor()) as ports:
            settings = settings_for(ports, folder)
            server = settings.server.model_copy(update={"port": 0, "sessions": 2 * AT_ONCE})
            async with (
                Runtime(settings.model_copy(update={"server": server}), sessions=AT_ONCE) as runtime,
                serving(runtime) as address,
            ):
                await _part(address, 5 * AT_ONCE)  # what is made once
                parts = [await _counted(0)]
                for part in range(PARTS):
                    await _part(address, visits // PARTS)
                    parts.append(await _counted((part + 1) * (visits // PARTS)))
                    print(json.dumps(parts[-1]), file=sys.stderr, flush=True)
    memory = np.polyfit([part["visits"] for part in parts[1:]], [part["resident_mb"] for part in parts[1:]], 1)[0]
    return {
        "machine": environment() | {"services": "simulated"},
        "parts": parts,
        "memory_kb_a_visit": round(float(memory) * 1000, 2),
        "grown": [name for name in ("descriptors", "threads", "tasks", "objects") if parts[-1][name] > parts[0][name]],
    }


async def _part(address: str, visits: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.visits", "--visit", address, "--visits", str(visits)
    )
    assert await process.wait() == 0


async def _counted(visits: int) -> dict[str, Any]:
    await asyncio.sleep(SETTLE_SECONDS)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is free is not held
    alive = Counter(kind.__name__ for thing in gc.get_objects() if (kind := type(thing)) in OF_A_SESSION)
    return {
        "visits": visits,
        "resident_mb": round(resident_mb(), 2),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()),
        "objects": sum(alive.values()),
        "alive": dict(alive),
    }


# The visitors' process


async def visit(address: str, visits: int) -> None:
    """All visitors, some at a time."""
    numbers = iter(range(visits))
    async with ClientSession() as client, asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(_one_after_another(client, address, numbers))


async def _one_after_another(client: ClientSession, address: str, numbers: Iterator[int]) -> None:
    for number in numbers:
        while not await _visit(client, address, number):  # noqa: ASYNC110 - the server tells nobody that it has room
            await asyncio.sleep(FULL_SECONDS)


async def _visit(client: ClientSession, address: str, number: int) -> bool:
    """One visit; false where there was no room: those who were torn out are let go of within a second."""
    try:
        socket = await client.ws_connect(f"{address}v1/realtime", max_msg_size=0)
    except WSServerHandshakeError as error:
        if error.status == 503:
            return False
        raise
    async with socket:
        await _until(socket, "session.created")
        match number % 10:
            case 0 | 5:
                noise = np.random.default_rng(number).normal(0, 6000, 24_000).clip(-20_000, 20_000)
                audio = base64.b64encode(noise.astype("<i2").tobytes()).decode("ascii")
                await socket.send_str(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
                await asyncio.sleep(0.2)
                if (connection := socket._response.connection) and connection.transport:
                    connection.transport.abort()
            case 3 | 8:
                content = [{"type": "input_text", "text": "where is my order"}]
                item = {"type": "message", "role": "user", "content": content}
                await socket.send_str(json.dumps({"type": "conversation.item.create", "item": item}))
                await socket.send_str(json.dumps({"type": "response.create"}))
                await _until(socket, "response.output_audio.delta")
    return True


async def _until(socket: Any, kind: str) -> None:
    async with asyncio.timeout(20):
        async for message in socket:
            if message.type is WSMsgType.TEXT and json.loads(message.data)["type"] == kind:
                return
    raise ClientError(f"closed before {kind}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=2000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    parser.add_argument("--visit", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.visit:
        uvloop.run(visit(args.visit, args.visits))
        return
    results = uvloop.run(measure(args.visits))
    print(json.dumps(results))
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(1 if results["grown"] else 0)


if __name__ == "__main__":
    main()
