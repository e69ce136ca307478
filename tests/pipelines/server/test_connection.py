"""One socket: what comes, what goes, and who is cut off."""

import asyncio
import json
import socket as sockets

import aiohttp
import pytest
from served_page import served

from pipelines.server import connection as module
from pipelines.server.connection import EVENTS_A_SECOND, EVENTS_AT_ONCE, ONE_EVENT, SHUTTING_DOWN, Connection


class Visits:
    """Holds each connection with what a test wants done on it."""

    def __init__(self, hear=None, idle=None):
        self.heard = []
        self.hear = hear or self.heard.append
        self.idle = idle
        self.connection = None
        self.here = asyncio.Event()
        self.over = asyncio.Event()
        self.ending = None

    def refusal(self, request):
        return None

    async def visit(self, socket, request):
        self.connection = Connection(socket, request.transport, self.hear, idle_seconds=self.idle)
        self.here.set()
        self.ending = await self.connection.run()
        self.over.set()


async def test_messages_come_parsed_and_events_go_in_order():
    visits = Visits()
    async with served(visits=visits) as (client, url), client.ws_connect(url + "/v1/realtime") as talk:
        await visits.here.wait()
        await talk.send_str('{"type": "a"}')
        await talk.send_str("no json")
        await talk.send_str("[" * 100_000)
        await talk.send_bytes(b"\x00\x01")
        await talk.send_str("[1]")
        visits.connection.send([{"type": "x", "text": "ä"}, {"type": "y"}])
        assert [(await talk.receive_json())["type"] for _ in range(2)] == ["x", "y"]
        await talk.close()
        await visits.over.wait()
    assert visits.heard == [{"type": "a"}, None, None, None, [1]]
    assert visits.ending.code == 1000


async def test_who_does_not_read_is_cut_off_and_costs_nobody_time():
    """The peer reads nothing: putting never waits, and two seconds of sound later it is gone."""
    visits = Visits()
    loop = asyncio.get_running_loop()
    async with served(visits=visits) as (_, url):
        host, port = url.removeprefix("http://").split(":")
        with sockets.create_connection(("127.0.0.1", int(port))) as peer:
            peer.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
            peer.sendall(
                f"GET /v1/realtime HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            )
            await visits.here.wait()
            longest, sound = 0.0, {"type": "response.output_audio.delta", "delta": "A" * 1280}
            began = loop.time()
            while not visits.over.is_set():
                before = loop.time()
                visits.connection.send([sound], 0.02)
                longest = max(longest, loop.time() - before)
                await asyncio.sleep(0)
                assert loop.time() - began < 15
            assert longest < 0.05
            assert visits.ending.error == "slow_reader"


async def test_who_takes_nothing_for_long_is_cut_off(monkeypatch):
    monkeypatch.setattr(module, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    visits = Visits()
    async with served(visits=visits) as (client, url), client.ws_connect(url + "/v1/realtime"):
        await visits.here.wait()

        async def stuck(text):
            await asyncio.Event().wait()

        visits.connection._socket.send_str = stuck
        visits.connection.send([{"type": "a"}, {"type": "b"}])
        async with asyncio.timeout(5):
            await visits.over.wait()
    assert visits.ending.error == "slow_reader"


async def test_who_is_silent_for_too_long_is_told_so(monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    visits = Visits(idle=0.2)
    async with served(visits=visits) as (client, url), client.ws_connect(url + "/v1/realtime") as talk:
        assert (await talk.receive_json())["error"]["code"] == "session_expired"
        await talk.receive()
        assert talk.close_code == 1001


async def test_an_end_is_told_and_over_within_a_second():
    visits = Visits()
    loop = asyncio.get_running_loop()
    async with served(visits=visits) as (client, url), client.ws_connect(url + "/v1/realtime") as talk:
        await visits.here.wait()
        visits.connection.end(SHUTTING_DOWN)
        began = loop.time()
        assert json.loads((await talk.receive()).data)["error"]["code"] == "server_shutting_down"
        assert (await talk.receive()).type is aiohttp.WSMsgType.CLOSE
        await visits.over.wait()
        assert loop.time() - began < 1.5
        visits.connection.send([{"type": "late"}])  # goes nowhere


async def test_a_defect_ends_the_connection_with_a_word():
    def fails(message):
        raise ZeroDivisionError

    visits = Visits(hear=fails)
    async with served(visits=visits) as (client, url), client.ws_connect(url + "/v1/realtime") as talk:
        await talk.send_str("{}")
        assert (await talk.receive_json())["error"]["code"] == "session_ended"
        await talk.receive()
        assert talk.close_code == 1011


@pytest.mark.parametrize("size", [2, (1 << 20) - 1])
async def test_who_sends_in_heaps_is_read_more_slowly(size):
    """Many short messages, or few long ones, cost the same."""
    count = round((EVENTS_AT_ONCE + EVENTS_A_SECOND) / (1 + size // ONE_EVENT))
    last = asyncio.Event()
    visits = Visits(hear=lambda message: visits.heard.append(message) or (message and last.set()))
    loop = asyncio.get_running_loop()
    async with served(visits=visits) as (client, url), client.ws_connect(url + "/v1/realtime") as talk:
        await visits.here.wait()
        began = loop.time()
        for _ in range(count):
            await talk.send_str("{" + " " * (size - 2) + "}")
        await talk.ping()
        await talk.send_str('{"last": true}')
        await last.wait()
        assert loop.time() - began > 0.9
        assert len(visits.heard) == count + 1


async def test_a_silent_peer_is_pinged_and_is_gone_once_it_does_not_answer(monkeypatch):
    for name, seconds in (("PING_SECONDS", 0.05), ("PONG_SECONDS", 0.3), ("LOOK_SECONDS", 0.02)):
        monkeypatch.setattr(module, name, seconds)
    visits = Visits()
    async with (
        served(visits=visits) as (client, url),
        client.ws_connect(url + "/v1/realtime", autoping=False) as talk,
    ):
        for _ in range(10):
            asked = await talk.receive()
            assert asked.type is aiohttp.WSMsgType.PING
            await talk.pong(asked.data)
        assert not visits.over.is_set()
        await visits.over.wait()
    assert visits.ending is module.GONE
    assert not visits.heard


async def test_a_ping_of_the_peer_is_answered():
    visits = Visits()
    async with (
        served(visits=visits) as (client, url),
        client.ws_connect(url + "/v1/realtime", autoping=False) as talk,
    ):
        await talk.ping(b"there?")
        answer = await talk.receive()
        assert (answer.type, bytes(answer.data)) == (aiohttp.WSMsgType.PONG, b"there?")
    assert not visits.heard


async def test_pings_in_heaps_are_read_more_slowly_too():
    last = asyncio.Event()
    visits = Visits(hear=lambda message: last.set())
    loop = asyncio.get_running_loop()
    async with served(visits=visits) as (client, url), client.ws_connect(url + "/v1/realtime") as talk:
        await visits.here.wait()
        began = loop.time()
        for _ in range(round(EVENTS_AT_ONCE + EVENTS_A_SECOND)):
            await talk.ping()
        await talk.send_str("{}")
        await last.wait()
        assert loop.time() - began > 0.9
