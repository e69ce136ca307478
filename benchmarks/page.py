"""What one page costs the server: processor time of frames, levels and positions that it is sent over a WebSocket.

A conversation is watched by one page, in another process, over plain loopback. Frames are those of a face that moves
with 30 in a second and comes in bursts, as Audio2Face does; their cost is the difference to the same without frames.
``work`` is done without pauses: what the code and the socket cost. ``paced`` is done in real time, and holds the cost
of waking up as well, which is the machine's and depends on what else it does.

    python -m benchmarks.page
    python -m benchmarks.page --seconds 2 --windows 5    a quick look
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import uvloop
from aiohttp import ClientSession, WSMsgType, web

from aurora.face import FaceFrame
from pipelines.conversation.events import Levels, PhaseChanged
from pipelines.machine.environment import environment
from pipelines.server.access import Access, Refusal
from pipelines.server.app import make_app
from pipelines.server.connection import Connection
from pipelines.server.files import Asset, Page
from pipelines.server.listener import listening
from pipelines.server.place import Place
from pipelines.server.realtime.wire import Wire
from pipelines.server.reports import Reports
from pipelines.server.watch import Hub, Watcher
from pipelines.telemetry.metrics import Metrics
from sophia.decisions import Begin, Commit, Start
from sophia.played import Piece

RATE = 24_000
BLOCK = 480
FRAMES_A_SECOND = 30
BURST = 3
"""Frames that come together: Audio2Face answers each tenth of a second of sound."""

EXTENSIONS = [f"sophia.{name}" for name in ("face", "words", "floor", "ledger", "playout", "levels", "notice")]


class Watched:
    """One conversation that is watched, as the application asks for it."""

    def __init__(self) -> None:
        self.hub = Hub(RATE)
        self.here = asyncio.Event()

    def refusal(self, request: web.Request) -> Refusal | None:
        return None

    async def visit(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        wire = Wire(began=asyncio.get_running_loop().time(), voice_rate=RATE, watch=True)
        watcher = Watcher(self.hub, wire, Reports(Metrics()))
        self.here.set()
        await watcher.run(Connection(socket, request.transport, watcher.hear))


async def perform(hub: Hub, seconds: float, first: int, *, face: bool, paced: bool) -> float:
    """Plays ``seconds`` of a reply that is heard elsewhere; returns the processor time in ms for each second."""
    loop = asyncio.get_running_loop()
    silence = np.zeros(BLOCK, np.int16)
    weights = np.random.default_rng(1).random((64, 52)).astype(np.float32)
    began, cpu = loop.time(), time.process_time()
    for block in range(round(seconds * RATE / BLOCK)):
        sample, at = first + block * BLOCK, began + block * BLOCK / RATE
        await asyncio.sleep(at - loop.time() if paced else 0.0)
        hub.sounded(silence, at, [Piece(1, sample, 0, BLOCK)])
        if block % 5 == 0:
            hub.metered(Levels(at=at, user=-60.0, agent=-20.0))
            for k in range(BURST if face else 0):
                code = sample / RATE + k / FRAMES_A_SECOND
                hub.framed(1, FaceFrame(code, weights[(block + k) % 64]))
    return 1000 * (time.process_time() - cpu) / seconds


async def measure(seconds: float, windows: int) -> dict[str, object]:
    watched = Watched()
    place = Place("127.0.0.1", 0, "127.0.0.1", None, None, Access(["localhost"]))
    nothing = Asset(b"", "text/plain")

    async def model(light: bool) -> Asset:
        return nothing

    app = make_app(place.access, Page({}), model, lambda request: {}, watched)
    async with listening(app, place) as port:
        page = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.page", "--watch", str(port), stdout=asyncio.subprocess.PIPE
        )
        await watched.here.wait()
        assert page.stdout is not None
        await page.stdout.readline()  # it has said what it wants to see
        hub, loop = watched.hub, asyncio.get_running_loop()
        now = loop.time()
        for happening in (
            Begin(at=now, turn=1, generation=0, reason="", origin="typed", onset=None),
            Start(at=now, turn=1, generation=1, reason="", text="hello"),
            Commit(at=now, turn=1, generation=1, reason="", text="hello", silence=0.5),
            PhaseChanged(at=now, phase="speaking"),
        ):
            hub.told(happening)
        results: dict[str, object] = {
            "machine": {**environment(), "load": os.getloadavg()[0], "services": "simulated"},
            "windows": windows,
            "seconds": seconds,
        }
        first = 0
        for way in ("work", "paced"):
            costs: dict[bool, list[float]] = {True: [], False: []}
            for window in range(2 * windows):  # in turns, so that what else the machine does befalls both
                face = window % 2 == 0
                costs[face].append(await perform(hub, seconds, first, face=face, paced=way == "paced"))
                first += round(seconds * RATE / BLOCK) * BLOCK
                await asyncio.sleep(0.2)  # the page takes what waits
            added = [with_face - without for with_face, without in zip(costs[True], costs[False], strict=True)]
            results[way] = {
                "frames_cpu_ms_per_second": spread(added),
                "page_cpu_ms_per_second": spread(costs[True]),
                "page_without_face_cpu_ms_per_second": spread(costs[False]),
            }
        page.terminate()
        await page.wait()
    return results


def spread(values: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(np.array(values), [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2), "least": round(min(values), 2)}


async def watch(port: int) -> None:
    """The page: reads everything, and does nothing with it."""
    async with ClientSession() as client, client.ws_connect(f"http://127.0.0.1:{port}/v1/realtime?watch=1") as socket:
        session = {"type": "realtime", "extensions": EXTENSIONS}
        await socket.send_str(json.dumps({"type": "session.update", "session": session}))
        async for message in socket:
            if message.type is WSMsgType.TEXT and '"session.updated"' in message.data:
                print("here", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of one window")
    parser.add_argument("--windows", type=int, default=11)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    parser.add_argument("--watch", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.watch:
        uvloop.run(watch(args.watch))
        return
    results = uvloop.run(measure(args.seconds, args.windows))
    print(json.dumps(results))
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
