"""A pool of session servers, each a process of its own, and clients of it that talk in writing."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import sys
from contextlib import asynccontextmanager

import aiohttp
from lab import config

KEY = "a-key-of-the-whole-pool"
LIMITS = {
    "asr": ("open_seconds", "answer_seconds", "give_up_seconds"),
    "llm": ("first_token_timeout", "token_timeout", "call_timeout"),
    "tts": ("first_audio_seconds", "chunk_seconds"),
    "face": ("answer_seconds",),
}
HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]}


def patient(folder, pki, port):
    """A configuration for services at ``port``, in which nothing is too late on a busy machine."""
    path = config(folder, pki, dict.fromkeys(("asr", "llm", "tts", "face"), port))
    content = json.loads(path.read_text())
    for section, limits in LIMITS.items():
        content[section] |= dict.fromkeys(limits, 20)
        content[section]["endpoint"]["connect_seconds"] = 20
    path.write_text(json.dumps(content))
    return path


class Server:
    """A session server, until it is killed or told to stop."""

    def __init__(self, process):
        self.process = process
        self.lines = []

    async def line(self, beginning):
        async with asyncio.timeout(50):
            while line := (await self.process.stdout.readline()).decode().rstrip():
                self.lines.append(line)
                if line.startswith(beginning):
                    return line
        raise AssertionError(f"it ended without “{beginning}”: {self.lines}")

    async def ended(self):
        async with asyncio.timeout(60):
            return await self.process.wait()


@asynccontextmanager
async def server(settings, **server):
    """A server of its own process with these settings (a file), and some of ``server``; it is not yet ready."""
    more = [part for key, value in server.items() for part in ("--set", f"server.{key}={value}")]
    command = (sys.executable, "-m", "pipelines.server", "--config", str(settings), *more)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    try:
        yield Server(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Names(asyncio.DatagramProtocol):
    """A name server that knows one name: whatever is asked for has these IPv4 ``addresses``."""

    def __init__(self, addresses=()):
        self.addresses = list(addresses)
        self._transport = None

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, address):
        end = data.index(b"\0", 12) + 5  # labels up to the root, type and class; what follows is an OPT record
        is_a = data[end - 4 : end - 2] == b"\0\x01"
        found = self.addresses if is_a else []
        # RFC 1035: a response with recursion; one question, so many answers, each pointing to the name at offset 12.
        head = data[:2] + b"\x85\x80" + b"\0\x01" + len(found).to_bytes(2, "big") + bytes(4)
        answers = b"".join(
            b"\xc0\x0c\0\x01\0\x01" + (1).to_bytes(4, "big") + b"\0\x04" + ipaddress.IPv4Address(one).packed
            for one in found
        )
        self._transport.sendto(head + data[12:end] + answers, address)

    @classmethod
    @asynccontextmanager
    async def serving(cls, addresses=()):
        """Yields it and its port."""
        loop = asyncio.get_running_loop()
        transport, names = await loop.create_datagram_endpoint(lambda: cls(addresses), ("127.0.0.1", 0))
        try:
            yield names, transport.get_extra_info("sockname")[1]
        finally:
            transport.close()


class Talking:
    """A client of a pool."""

    def __init__(self, socket):
        self.socket = socket

    async def until(self, kind):
        """The next event of this kind; ``ConnectionError`` where the socket ends before it."""
        async with asyncio.timeout(60):
            async for message in self.socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    break
                event = json.loads(message.data)
                if event["type"] == kind:
                    return event
        raise ConnectionError(f"closed ({self.socket.close_code}) before {kind}")

    async def ask(self):
        """Says something and hears the whole answer; its status is the result."""
        await self.socket.send_str(json.dumps({"type": "conversation.item.create", "item": HELLO}))
        await self.socket.send_str(json.dumps({"type": "response.create"}))
        await self.until("response.output_audio.delta")
        return (await self.until("response.done"))["response"]["status"]

    async def closed(self):
        """Waits until it is closed from the other side, and tells how."""
        async with asyncio.timeout(60):
            async for _ in self.socket:
                pass
        return self.socket.close_code


async def talking(client, url, key=KEY):
    """A conversation that is begun. Raises ``aiohttp.WSServerHandshakeError`` where nobody is let in."""
    address = url if url.startswith("ws") else f"{url}/v1/realtime"
    socket = await client.ws_connect(address, headers={"Authorization": f"Bearer {key}"}, max_msg_size=0)
    one = Talking(socket)
    await one.until("session.created")
    return one
