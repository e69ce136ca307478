"""A data channel as a WebSocket: order, room, and every ending."""

import asyncio
from collections import deque

import pytest
from aiohttp import WSMsgType

from pipelines.server.channel import BUFFERED, MOST_MESSAGES, ChannelSocket
from pipelines.server.connection import GONE, IDLE, SHUTTING_DOWN, TOO_SLOW, Connection
from pipelines.virtual_time import run


class Channel:
    """A channel over a network of so many bytes a second; ``arrived`` is what the client got."""

    def __init__(self, speed=1e9, longest=1 << 18):
        self.readyState, self.bufferedAmount = "open", 0
        self.speed, self.longest = speed, longest
        self.arrived, self.closed = [], False
        self._told, self._queue = {}, deque()
        self._loop = asyncio.get_running_loop()

    def on(self, event, f):
        self._told[event] = f

    def send(self, data):
        if len(data) > self.longest:
            raise ValueError("too long")
        self.bufferedAmount += len(data)
        self._queue.append(data)
        self._loop.call_later(self.bufferedAmount / self.speed, self._sent)

    def _sent(self):
        data = self._queue.popleft()
        self.bufferedAmount -= len(data)
        self.arrived.append(data)
        self._told["bufferedamountlow"]()

    def says(self, data):
        self._told["message"](data)

    def close(self):
        self.readyState, self.closed = "closed", True
        self._told["close"]()


async def connected(channel, **options):
    heard = []
    connection = Connection(ChannelSocket(channel), None, heard.append, **options)
    running = asyncio.create_task(connection.run())
    await asyncio.sleep(0)
    return connection, running, heard


def test_messages_go_both_ways_in_order():
    async def main():
        channel = Channel()
        connection, running, heard = await connected(channel)
        for number in range(50):
            channel.says(f'{{"n": {number}}}')
            connection.send([{"type": "x", "n": number}])
        channel.says(b"\x00")
        channel.says("no json")
        await asyncio.sleep(1)
        assert heard == [*({"n": number} for number in range(50)), None, None]
        assert [one.split(":")[-1] for one in channel.arrived] == [f"{number}}}" for number in range(50)]
        channel.close()
        assert await running == GONE

    run(main())


def test_the_last_word_arrives_before_the_end():
    async def main():
        channel = Channel(speed=2000)
        connection, running, _ = await connected(channel)
        connection.send([{"type": "x"}])
        connection.end(SHUTTING_DOWN)
        assert await running == SHUTTING_DOWN
        assert '"server_shutting_down"' in channel.arrived[-1]
        assert channel.closed

    run(main())


def test_a_client_that_takes_nothing_is_cut_off():
    async def main():
        channel = Channel(speed=1)
        connection, running, _ = await connected(channel)
        began = asyncio.get_running_loop().time()
        connection.send([{"type": "x", "data": "x" * BUFFERED} for _ in range(3)])
        assert await running == TOO_SLOW
        assert asyncio.get_running_loop().time() - began < 13

    run(main())


def test_sound_on_another_way_counts_as_a_sign_of_life():
    async def main():
        channel = Channel()
        connection, running, _ = await connected(channel, idle_seconds=5.0)
        for _ in range(10):
            await asyncio.sleep(2)
            connection.alive()
        assert not running.done()
        assert await running == IDLE

    run(main())


def test_a_flood_ends_it():
    async def main():
        channel = Channel()
        socket = ChannelSocket(channel)
        for _ in range(MOST_MESSAGES):
            channel.says("{}")
        assert not channel.closed
        channel.says("{}")
        assert channel.closed
        assert socket.closed

    run(main())


def test_an_event_that_the_client_cannot_take_is_left_out():
    async def main():
        channel = Channel(longest=100)
        socket = ChannelSocket(channel)
        await socket.send_str("x" * 101)
        await socket.send_str("y")
        await asyncio.sleep(1)
        assert channel.arrived == ["y"]
        channel.close()
        with pytest.raises(ConnectionError):
            await socket.send_str("z")
        assert [message async for message in socket] == []

    run(main())


def test_binary_messages_are_told_from_text():
    async def main():
        channel = Channel()
        socket = ChannelSocket(channel)
        channel.says(b"123")
        channel.says("456")
        channel.close()
        assert [(one.type, one.data) async for one in socket] == [(WSMsgType.BINARY, ""), (WSMsgType.TEXT, "456")]

    run(main())
