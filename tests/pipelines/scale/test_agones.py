"""What Agones is told of a server: a place that is promised stays promised, and one that nobody came for comes back."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

import aiohttp
import pytest
from aiohttp import web
from lab import Lab
from lab import serving as services
from pooled import patient, server, talking

from pipelines.scale import agones
from pipelines.scale.agones import COME_SECONDS, COUNTER, Counting, Told, tell
from pipelines.scale.asking import asking
from pipelines.scale.book import Load


def load(talking, arrived):
    return Load(20, talking, arrived, room=True)


def test_an_empty_server_is_ready_and_one_with_conversations_is_allocated():
    assert Counting().look(load(0, 0), 0, "Scheduled", 0.0) == Told(0, "Ready")
    assert Counting().look(load(0, 0), 0, "Ready", 0.0) == Told()
    assert Counting().look(load(1, 1), 1, "Ready", 0.0) == Told(0, "Allocated")
    assert Counting().look(load(1, 1), 1, "Allocated", 0.0) == Told()


def test_whoever_was_allocated_a_place_has_time_to_come():
    one = Counting()
    assert one.look(load(0, 0), 1, "Allocated", 0.0) == Told()
    assert one.look(load(0, 0), 1, "Allocated", COME_SECONDS - 1) == Told()
    assert one.look(load(0, 0), 1, "Allocated", COME_SECONDS) == Told(-1, "Ready")


def test_a_promise_outlives_one_who_leaves():
    one = Counting()
    one.look(load(2, 2), 3, "Allocated", 0.0)  # two are there, one is on its way
    assert one.look(load(1, 2), 3, "Allocated", 1.0) == Told(-1)
    assert one.look(load(2, 3), 2, "Allocated", 2.0) == Told()


def test_who_came_without_an_allocation_is_counted():
    assert Counting().look(load(3, 3), 1, "Allocated", 0.0) == Told(2)


class Sidecar:
    """Agones' REST port as its documentation has it, for one game server."""

    def __init__(self):
        self.state, self.count, self.healthy = "Scheduled", 0, 0
        self._changed = asyncio.Condition()

    def app(self):
        async def to(state):
            async with self._changed:
                self.state = state
                self._changed.notify_all()
            return web.json_response({})

        async def ready(request):
            return await to("Ready")

        async def allocate(request):
            return await to("Allocated")

        async def health(request):
            self.healthy += 1
            return web.json_response({})

        async def game_server(request):
            return web.json_response({"object_meta": {}, "status": {"state": self.state}})

        async def counter(request):
            if request.method == "PATCH":
                self.count += int((await request.json())["countDiff"])
                await to(self.state)
            return web.json_response({"name": COUNTER, "count": str(self.count), "capacity": "20"})

        app = web.Application()
        app.add_routes([web.post("/ready", ready), web.post("/allocate", allocate), web.post("/health", health)])
        app.add_routes([web.get("/gameserver", game_server), web.get(f"/v1beta1/counters/{COUNTER}", counter)])
        app.add_routes([web.patch(f"/v1beta1/counters/{COUNTER}", counter)])
        return app

    async def until(self, state, count):
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: (self.state, self.count) == (state, count))


@pytest.mark.services
@pytest.mark.timeout(180)
async def test_a_server_becomes_ready_then_allocated_and_is_not_declared_empty_when_it_dies(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(agones, "TELL_SECONDS", 0.05)
    sidecar = Sidecar()
    runner = web.AppRunner(sidecar.app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    async with services(Lab(), pki) as port, server(patient(tmp_path, pki, port), port=0) as one:
        address = (await one.line("Talk to her in a browser: ")).rpartition(" ")[2]
        async with aiohttp.ClientSession() as client:
            ask = asking(client, None, ssl.create_default_context())
            telling = asyncio.create_task(tell(ask, address, f"http://127.0.0.1:{site.port}"))
            try:
                await sidecar.until("Ready", 0)
                talk = await talking(client, address.rstrip("/"))
                await sidecar.until("Allocated", 1)
                assert sidecar.healthy
                one.process.kill()
                await one.ended()
                assert await talk.closed() == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
                assert (sidecar.state, sidecar.count) == ("Allocated", 1), "who does not answer is not declared empty"
            finally:
                telling.cancel()
                with suppress(asyncio.CancelledError):
                    await telling
                await runner.cleanup()
