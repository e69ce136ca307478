"""A server that speaks the page's wire and does what a test's script says: exact sound, exact frames, exact faults.

It stands in for the real one where a test needs a fault at a certain moment; what it says is what the real one says.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web
from numpy.typing import NDArray

from aurora.face import ARKIT

HERE = Path(__file__).parent / "talk"
SOURCES = Path(__file__).parents[3] / "aurora" / "web" / "src"

RATE = 24000
PACKET = 0.02
LEAD = 0.1
FPS = 30
SHUT = 0.2
"""How open the jaw of a frame is at least."""

Pcm = NDArray[np.int16]
Event = dict[str, Any]


class Talk:
    """One page's connection: the script sends by it and reads what the page has said."""

    def __init__(self, socket: web.WebSocketResponse, watch: bool) -> None:
        self.watch = watch
        self.errors: list[Exception] = []
        """What went wrong in the script, once the page has left."""
        self.page: Any = None
        """The browser's page, where a script waits for what it shows."""
        self.heard: list[Event] = []
        self.began = asyncio.get_running_loop().time()
        self.stalled = asyncio.Event()
        self.stalled.set()
        self._socket = socket
        self._outbox: asyncio.Queue[Event] = asyncio.Queue()
        self._microphone: list[bytes] = []
        self.spoken_from = math.inf
        """``loop.time()`` of the microphone's first sample, as the packet that came fastest tells it."""
        self._news = asyncio.Condition()

    @property
    def now_ms(self) -> float:
        return 1000 * (asyncio.get_running_loop().time() - self.began)

    @property
    def microphone(self) -> Pcm:
        """All that the microphone has sent, 16 kHz."""
        return np.frombuffer(b"".join(self._microphone), np.int16)

    def send(self, type: str, **fields: Any) -> None:
        self._outbox.put_nowait({"type": type, "event_id": "e", **fields})

    async def until(self, ready: Callable[[], bool]) -> None:
        """Waits for something that the page says."""
        async with self._news:
            await self._news.wait_for(ready)

    async def stall(self, until: Awaitable[Any]) -> None:
        """Nothing leaves until something has happened, as on a bad link; then all of it at once."""
        self.stalled.clear()
        await until
        self.stalled.set()

    def face(self, item: str, seconds: float, start: float = 0.0, shifted: float = 0.0) -> None:
        """Frames whose jaw, never at rest, tells the time within its second, ``shifted`` seconds off."""
        count = round(seconds * FPS)
        times = start + np.arange(count) / FPS
        rows = np.zeros((count, len(ARKIT)), np.uint8)
        rows[:, ARKIT.index("jawOpen")] = np.round((SHUT + (1 - SHUT) * (times % 1.0)) * 255)
        self.send(
            "sophia.face.frames", response_id="r", item_id=item, names_id="n", audio_start_ms=1000 * (start + shifted),
            fps=FPS, count=count, weights=base64.b64encode(rows.tobytes()).decode(),
        )  # fmt: skip

    async def say(self, item: str, sound: Pcm, start: float = 0.0, *, lead: float = LEAD) -> None:
        """Sound in packets, the first ``lead`` seconds at once, the rest in real time."""
        loop, step = asyncio.get_running_loop(), round(PACKET * RATE)
        began = loop.time()
        for at in range(0, len(sound), step):
            await asyncio.sleep(began + at / RATE - lead - loop.time())
            self.send(
                "response.output_audio.delta", response_id="r", item_id=item, output_index=0, content_index=0,
                delta=base64.b64encode(sound[at : at + step].tobytes()).decode(),
                sophia={"audio_start_ms": 1000 * (start + at / RATE)},
            )  # fmt: skip
        self.send("response.output_audio.done", response_id="r", item_id=item, output_index=0, content_index=0)

    async def run(self, script: Callable[[Talk], Awaitable[None]]) -> None:
        """Greets, reads, and plays the script until the page leaves."""
        self.send("session.created", session={"type": "realtime"})
        jobs = [asyncio.create_task(job) for job in (self._write(), self._levels(), self._play(script))]
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    self._take(json.loads(message.data) | {"received": asyncio.get_running_loop().time()})
                    async with self._news:
                        self._news.notify_all()
        finally:
            for job in jobs:
                job.cancel()
            ends = await asyncio.gather(*jobs, return_exceptions=True)
            self.errors = [end for end in ends if isinstance(end, Exception)]

    def _take(self, event: Event) -> None:
        if event["type"] == "input_audio_buffer.append":
            self._microphone.append(base64.b64decode(event["audio"]))
            self.spoken_from = min(self.spoken_from, event["received"] - len(self.microphone) / 16000)
            return
        self.heard.append(event)
        if event["type"] == "session.update":
            own = {"now_ms": self.now_ms, "role": "watch" if self.watch else "talk"}
            asked = event["session"]["extensions"]
            self.send("session.updated", session={**event["session"], "extensions": asked, "sophia": own})
            self.send("sophia.face.names", names_id="n", names=list(ARKIT))

    async def _play(self, script: Callable[[Talk], Awaitable[None]]) -> None:
        await self.until(lambda: any(event["type"] == "session.update" for event in self.heard))
        await script(self)

    async def _levels(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            self.send("sophia.levels", user_db=-60.0, agent_db=-60.0, at_ms=self.now_ms)

    async def _write(self) -> None:
        while True:
            event = await self._outbox.get()
            await self.stalled.wait()
            with contextlib.suppress(ConnectionError):
                await self._socket.send_str(json.dumps(event))


class Double:
    """The server. ``script`` plays for each page that connects; ``talks`` are those that did."""

    def __init__(self) -> None:
        self.script: Callable[[Talk], Awaitable[None]] = _nothing
        self.talks: list[Talk] = []
        self.facts: Event = {}
        """What ``/page.json`` tells beside what it usually does."""
        self.refusal: Event | None = None
        """The error that turns pages away."""
        self.url = ""

    def check(self) -> None:
        """Raises what went wrong in the scripts: nobody else hears of it."""
        for error in (error for talk in self.talks for error in talk.errors):
            raise error

    async def realtime(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["realtime"], compress=False)
        await socket.prepare(request)
        if self.refusal:
            await socket.send_str(json.dumps({"type": "error", "event_id": "e", "error": self.refusal}))
            await socket.close(code=1008)
            return socket
        talk = Talk(socket, "watch" in request.query)
        self.talks.append(talk)
        await talk.run(self.script)
        return socket


async def _nothing(talk: Talk) -> None:
    """Says nothing."""


def ours(path: str) -> tuple[str, str]:
    """Text and type of a file of a page without a picture: its sources are below ``src``, the rest is the tests'."""
    file = SOURCES / path.removeprefix("src/") if path.startswith("src/") else HERE / path
    return file.read_text("utf-8"), "text/html" if file.suffix == ".html" else "text/javascript"


async def _ours(request: web.Request) -> web.Response:
    text, kind = ours(request.match_info["path"])
    return web.Response(text=text, content_type=kind, headers={"Cache-Control": "no-store"})


async def _worklet(request: web.Request) -> web.Response:
    text = f"import '/ours/src/talk/worklets/{request.match_info['name']}';"
    return web.Response(text=text, content_type="text/javascript")


@asynccontextmanager
async def serving() -> AsyncIterator[Double]:
    """The double on a port of its own, with the page's sources as they are and a page without a picture."""
    double, app = Double(), web.Application()
    app.add_routes(
        [
            web.get("/ours/{path:.+}", _ours),
            web.get("/static/{name}", _worklet),
            web.get("/v1/realtime", double.realtime),
        ]
    )
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    double.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/ours/harness.html"  # type: ignore[attr-defined]
    try:
        yield double
    finally:
        await runner.cleanup()
    double.check()
