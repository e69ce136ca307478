"""Clients of :mod:`benchmarks.pool`: they ask for a lease, talk without a break, and go on elsewhere when they must.

Every other one speaks: its microphone is open all the time, 20 ms at a time. The rest writes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Self

import aiohttp
import numpy as np

from benchmarks.scene import room, speech
from sophia.audio import EAR_RATE, FRAME_SECONDS, Pcm

HEARTBEAT = 6.0
"""A server that answers no ping for half as long is gone: of a machine without power nobody tells."""

REST_SECONDS = 0.5
"""Between the end of an answer and the next question."""

AGAIN_SECONDS = 0.25
"""Before the next try, where there is no room or nobody answers."""

ANSWER_SECONDS = 20.0
WELL_SECONDS = 180.0
"""Longest wait until a pool is well again."""


@dataclass
class Client:
    """One client, its conversation over all its servers, and what became of it in the present part."""

    name: int
    url: str = ""
    token: str = ""
    whole: set[str] = field(default_factory=set)  # ids of items that are complete, and were told to be
    told: asyncio.Event = field(default_factory=asyncio.Event)
    hang_up: bool = False
    lost: str = ""  # the address of the server that it lost, until it talks again
    why: str = ""
    losses: list[tuple[str, float, str]] = field(default_factory=list)  # whose, when it talked again, and why
    items_kept: int = 0
    items_lost: int = 0
    bad: list[str] = field(default_factory=list)  # answers that were none, errors that were told
    turns: int = 0
    firsts: list[float] = field(default_factory=list)
    saying: deque[str] = field(default_factory=deque)  # frames of a question that are still to be said
    said: float = 0.0  # when the last one was

    @property
    def speaks(self) -> bool:
        return self.name % 2 == 1

    def reset(self) -> None:
        """A new part begins."""
        self.losses, self.firsts, self.bad = [], [], []
        self.items_kept = self.items_lost = self.turns = 0


class Lost(Exception):
    """The connection is gone."""


class Crowd:
    """All clients of a lease endpoint at ``base``, which asks for ``key``."""

    def __init__(self, base: str, key: str, authority: Path) -> None:
        self._base, self._headers = base, {"Authorization": f"Bearer {key}"}
        self._trust = ssl.create_default_context(cafile=str(authority))
        self.clients: list[Client] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._trust, limit=0)
        timeout = aiohttp.ClientTimeout(total=3.0)
        self._http = aiohttp.ClientSession(connector=connector, headers=self._headers, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.close()

    # The endpoint

    async def told(self) -> dict[str, Any]:
        async with self._http.get(f"{self._base}/v1/servers", raise_for_status=True) as answer:
            told: dict[str, Any] = await answer.json()
            return told

    async def until(self, right: Callable[[dict[str, Any]], bool], seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while not right(await self.told()):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)

    async def count(self, servers: int) -> None:
        async with self._http.put(f"{self._base}/v1/servers", json={"count": servers}, raise_for_status=True):
            pass

    async def drain(self, name: str) -> None:
        async with self._http.post(f"{self._base}/v1/servers/{name}/drain", raise_for_status=True):
            pass

    async def lease(self) -> dict[str, Any] | None:
        async with self._http.post(f"{self._base}/v1/leases") as answer:
            return await answer.json() if answer.status == 201 else None

    async def burst(self, count: int) -> dict[str, Any]:
        """So many ask at once, and nobody comes."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(self.told() for _ in range(count)))  # connections are there

        async def one() -> tuple[bool, float]:
            began = loop.time()
            return await self.lease() is not None, loop.time() - began

        answers = await asyncio.gather(*(one() for _ in range(count)))
        leased = sum(got for got, _ in answers)
        median = 1000 * float(np.median([seconds for _, seconds in answers]))
        return {"asked": count, "leased": leased, "refused": count - leased, "p50_ms": round(median, 1)}

    # The clients

    async def begin(self, count: int) -> None:
        """Has so many clients come, and waits until each was answered."""
        for number in range(count):
            client = Client(number)
            self.clients.append(client)
            self._tasks.add(asyncio.create_task(self._live(client), name=f"client {number}"))
        async with asyncio.timeout(60):
            while not all(client.turns for client in self.clients):  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    def hang_up(self, url: str) -> None:
        """Has the clients of a server end their conversation after the present answer, and come again."""
        for client in self.clients:
            client.hang_up = client.url.startswith(_socket(url))

    async def part(
        self,
        what: str,
        seconds: float,
        do: Callable[[], object] | Awaitable[None] | None = None,
        *,
        victims: Collection[str] = (),
        servers: int | None = None,
    ) -> dict[str, Any]:
        """Does something to the pool, waits until all is well again and ``seconds`` more; tells who lost what.

        ``victims`` are the addresses that end by it, and so many ``servers`` are to be there in the end.
        """
        loop = asyncio.get_running_loop()
        for client in self.clients:
            client.reset()
        began, well = loop.time(), None
        if isinstance(do, Awaitable):
            await do
        elif do is not None:
            do()
        gone = {_socket(url) for url in victims}
        if servers is not None:
            await asyncio.sleep(0.5)

            def all_well(told: dict[str, Any]) -> bool:
                there = [one for one in told["data"] if one["talking"] is not None and one["url"] not in victims]
                return len(there) == servers == len(told["data"])

            await self.until(all_well, WELL_SECONDS)
            well = loop.time() - began
        await asyncio.sleep(seconds)
        async with asyncio.timeout(WELL_SECONDS):
            while any(client.lost for client in self.clients):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        losses = [loss for client in self.clients for loss in client.losses]
        mine = [when - began for url, when, _ in losses if url.startswith(tuple(gone))]
        disturbed = [why for url, _, why in losses if not url.startswith(tuple(gone))]
        disturbed += [why for client in self.clients for why in client.bad]
        row = {
            "what": what,
            "well_s": None if well is None else round(well, 1),
            "lost": len(mine),
            "again_s": sorted(round(after, 2) for after in mine),
            "items_kept": sum(client.items_kept for client in self.clients),
            "items_lost": sum(client.items_lost for client in self.clients),
            "disturbed": len(disturbed),
            "disturbed_by": disturbed,
            "turns": sum(client.turns for client in self.clients),
            "spoken": sum(client.turns for client in self.clients if client.speaks),
            "first_ms": {
                way: _middle([first for client in self.clients if client.speaks is speaks for first in client.firsts])
                for way, speaks in (("written", False), ("spoken", True))
            },
        }
        print(json.dumps(row).replace("{", "(").replace("}", ")"), flush=True)
        return row

    async def _live(self, client: Client) -> None:
        while True:
            try:
                lease = await self.lease()
                if lease is None:
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                await self._talk(client, lease)
                client.hang_up = False
                client.url = client.token = ""
                client.whole.clear()
            except (Lost, aiohttp.ClientError, OSError, TimeoutError) as error:
                if client.url:
                    client.lost, client.why = client.url, f"{type(error).__name__}: {error}"
                client.url = ""
                await asyncio.sleep(AGAIN_SECONDS)

    async def _talk(self, client: Client, lease: dict[str, Any]) -> None:
        secret = {"Authorization": f"Bearer {lease['client_secret']['value']}"}
        timeout = aiohttp.ClientWSTimeout(ws_close=1.0)
        async with self._http.ws_connect(
            lease["url"], headers=secret, heartbeat=HEARTBEAT, max_msg_size=0, timeout=timeout
        ) as socket:
            await _until(socket, client, "session.created")
            session: dict[str, Any] = {"type": "realtime", "extensions": ["sophia.resume"]}
            session["audio"] = {"input": {"format": {"type": "audio/pcm", "rate": EAR_RATE}}}
            session["sophia"] = {"headphones": True, **({"resume": client.token} if client.token else {})}
            await socket.send_str(json.dumps({"type": "session.update", "session": session}))
            await _until(socket, client, "session.updated")
            if client.token:
                restored = await _until(socket, client, "sophia.resume.restored")
                items = set(restored["item_ids"])
                client.items_kept += len(client.whole & items)
                client.items_lost += len(client.whole - items)
                client.whole = items
            client.url = lease["url"]
            client.saying.clear()
            microphone = asyncio.create_task(_microphone(socket, client)) if client.speaks else None
            try:
                while not client.hang_up:
                    await self._turn(socket, client)
                    await asyncio.sleep(REST_SECONDS)
            finally:
                if microphone:
                    microphone.cancel()
                    await asyncio.gather(microphone, return_exceptions=True)

    async def _turn(self, socket: aiohttp.ClientWebSocketResponse, client: Client) -> None:
        loop = asyncio.get_running_loop()
        if client.speaks:
            client.saying.extend(_appends(speech()))
        else:
            content = [{"type": "input_text", "text": f"Where is order {client.turns}?"}]
            item = {"type": "message", "role": "user", "content": content}
            await socket.send_str(json.dumps({"type": "conversation.item.create", "item": item}))
            await socket.send_str(json.dumps({"type": "response.create"}))
            client.said = loop.time()
        await _until(socket, client, "response.output_audio.delta")
        first = loop.time() - client.said
        if client.lost:
            client.losses.append((client.lost, loop.time(), client.why))
            client.lost = ""
        else:
            client.firsts.append(first)
        done = await _until(socket, client, "response.done")
        if done["response"]["status"] != "completed":
            client.bad.append(str(done["response"]["status_details"]))
        client.turns += 1


async def _microphone(socket: aiohttp.ClientWebSocketResponse, client: Client) -> None:
    """What the client says, and a quiet room in between, in real time; whoever listens knows when it is cut off."""
    loop, noise = asyncio.get_running_loop(), cycle(_appends(room()))
    due = loop.time()
    while True:
        asks = bool(client.saying)
        await socket.send_str(client.saying.popleft() if asks else next(noise))
        if asks:
            client.said = loop.time()
        due += FRAME_SECONDS
        await asyncio.sleep(due - loop.time())


def _appends(pcm: Pcm) -> Iterator[str]:
    """The events that append a sound, 20 ms in each."""
    samples = round(EAR_RATE * FRAME_SECONDS)
    for start in range(0, len(pcm), samples):
        sound = base64.b64encode(pcm[start : start + samples].astype("<i2").tobytes()).decode("ascii")
        yield json.dumps({"type": "input_audio_buffer.append", "audio": sound})


def _middle(seconds: list[float]) -> dict[str, int]:
    """Median and 95th percentile in ms."""
    p50, p95 = np.percentile(np.array(seconds) * 1000, [50, 95]) if seconds else (0.0, 0.0)
    return {"p50": round(float(p50)), "p95": round(float(p95))}


async def _until(socket: aiohttp.ClientWebSocketResponse, client: Client, kind: str) -> dict[str, Any]:
    """The next event of this kind. On the way the token is kept, and which items are complete."""
    async with asyncio.timeout(ANSWER_SECONDS):
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            event: dict[str, Any] = json.loads(message.data)
            if event["type"] == "sophia.resume.token":
                client.token = event["token"]
            elif event["type"] == "conversation.item.done" and event["item"].get("status") == "completed":
                client.whole.add(event["item"]["id"])
            elif event["type"] == "error":
                client.bad.append(str(event["error"]["code"]))
            if event["type"] == kind:
                return event
    raise Lost(f"closed with {socket.close_code} before {kind}, {socket.exception()!r}")


def _socket(url: str) -> str:
    """How addresses of conversations at the server ``url`` begin."""
    return f"ws{url.removeprefix('http')}"
