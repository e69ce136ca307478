"""Hostile clients against a whole server: whatever they do, nobody else notices, and nothing is left of them."""

import asyncio
import base64
import gc
import json
import logging
import os
import socket as sockets
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path

import lab
import pytest
from lab import ANSWER, HEARD
from page_client import page, until
from rooms import house

import aurora
from pipelines.server import outbox
from pipelines.server.talk import Talk
from pipelines.talk.session import Session

pytestmark = pytest.mark.services

KIT = Path(aurora.__file__).parent / "kit/exts/aurora.sophia.live/aurora"
if str(KIT) not in aurora.__path__:  # the extension's own `aurora` is a namespace; here it is found below ours
    aurora.__path__.append(str(KIT))
Connection = import_module("aurora.sophia.core.connection").Connection

MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": HEARD}]}
ASK = ({"type": "conversation.item.create", "item": MESSAGE}, {"type": "response.create"})

DEEP = "[" * 900 + "]" * 900
ODD = [
    "null",
    "true",
    "-1",
    "1e999",
    "NaN",
    "-Infinity",
    "9" * 4000,
    '"\\ud800"',
    '""',
    "[]",
    "{}",
    DEEP,
    '"' + "x" * 9999 + '"',
]
GARBAGE = [
    "",
    "nonsense",
    "[" * 100_000,
    '{"a":' * 50_000,
    "9" * 5000,
    *ODD,
    *(
        f'{{"type": "{kind}", "event_id": {odd}, "session": {odd}, "item": {odd}, "item_id": {odd}, "audio": {odd}, '
        f'"audio_end_ms": {odd}, "audio_ms": {odd}, "response": {odd}, "text": {odd}, "muted": {odd}, "face": {odd}}}'
        for kind in ("session.update", "conversation.item.create", "conversation.item.truncate", "response.create")
        for odd in ODD
    ),
    *(f'{{"type": "session.update", "session": {{"audio": {odd}, "sophia": {{"lead_ms": {odd}}}}}}}' for odd in ODD),
    *(f'{{"type": "session.update", "session": {{"audio": {{"input": {{"format": {odd}}}}}}}}}' for odd in ODD),
    *(f'{{"type": "session.update", "session": {{"extensions": [{odd}]}}}}' for odd in ODD),
    *(
        f'{{"type": "conversation.item.create", "item": {{"type": {odd}, "id": {odd}, "content": [{odd}]}}}}'
        for odd in ODD
    ),
    *(f'{{"type": "response.create", "response": {{"metadata": {odd}, "input": {odd}}}}}' for odd in ODD),
]


def ours():
    """Tasks that run code of ours; the lab in the same loop has its own."""
    files = [getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()]
    return sum(code is not None and "/pipelines/" in code.co_filename.replace("/tests/", "") for code in files)


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def alive(*kinds):
    gc.collect()
    return [thing for thing in gc.get_objects() if type(thing) in kinds]


@asynccontextmanager
async def besieged(tmp_path, pki, caplog, **options):
    """A server that must be as it was once its visitors are gone, and has said nothing of a defect."""
    async with house(tmp_path, pki, **options) as (client, url, runtime):
        async with page(client, url) as one:  # connections to the services are open from now on
            await answered(one)
        await until(lambda: not alive(Session, Talk))
        tasks, files = ours(), descriptors()
        yield client, url, runtime
        async with page(client, url) as one:
            await answered(one)
        await until(lambda: not alive(Session, Talk))
        # A connection of the first visitor's may have been closing when it was counted.
        await until(lambda: ours() <= tasks and descriptors() <= files)
        assert runtime._users == [0]
        assert runtime.telemetry.metrics.registry.get_sample_value("sophia_sessions") == 0
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]


async def answered(one):
    for event in ASK:
        await one.say(event)
    done = await one.wait("response.done")
    assert done["response"]["status"] == "completed"


def hello(host, port):
    """What asks for a WebSocket."""
    head = [f"GET /v1/realtime HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"]
    head += ["Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"]
    return "".join(head).encode()


async def raw(url, *more, ssl):
    """A socket of its own, which takes little at a time, with a WebSocket open on it, as bytes."""
    host, port = url.removeprefix("https://").split(":")
    peer = sockets.socket()
    peer.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    peer.setblocking(False)
    await asyncio.get_running_loop().sock_connect(peer, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=peer, ssl=ssl, server_hostname="localhost")
    writer.write(hello(host, port) + b"".join(more))
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def deaf(url, *more, ssl):
    """The same by a socket that blocks: nothing behind it reads on its own. To be called in a thread."""
    host, port = url.removeprefix("https://").split(":")
    peer = sockets.socket()
    peer.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    peer.settimeout(10)
    peer.connect((host, int(port)))
    secure = ssl.wrap_socket(peer, server_hostname="localhost")
    secure.sendall(hello(host, port) + b"".join(more))
    assert secure.recv(12).startswith(b"HTTP/1.1 101")
    return secure


def masked(opcode, payload, *, fin=True):
    """A frame as a client sends it, its mask zero."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([(0x80 if fin else 0) | opcode]) + length + bytes(4) + payload


async def test_garbage_is_answered_line_by_line_and_the_talk_goes_on(tmp_path, pki, caplog):
    async with besieged(tmp_path, pki, caplog) as (client, url, _), page(client, url) as one:
        for text in GARBAGE:
            await one.socket.send_str(text)
        for data in (b"", b"\x00\xff" * 500, os.urandom(4000)):
            await one.socket.send_bytes(data)
        await answered(one)
        assert len(one.of("error")) > len(GARBAGE) / 2
        for error in one.of("error"):
            assert error["error"]["type"] == "invalid_request_error"


BROKEN = {
    "invalid UTF-8": masked(1, b'{"type": "\xff\xfe"}'),
    "half a surrogate pair": masked(1, b"\xed\xa0\x80"),
    "an opcode that nobody knows": masked(3, b"x"),
    "reserved bits": bytes([0xF1, 0x80]) + bytes(4),
    "a continuation of nothing": masked(0, b"x"),
    "a ping in two parts": masked(9, b"x", fin=False),
    "a ping that is too long": masked(9, b"x" * 126),
    "a message within a message": masked(1, b"x", fin=False) + masked(1, b"y"),
    "a message of 2^62 bytes": b"\x81\xff" + (1 << 62).to_bytes(8, "big") + bytes(4),
    "parts without end": masked(1, b"x" * 60_000, fin=False) + masked(0, b"x" * 60_000, fin=False) * 20,
    "a farewell that is none": masked(8, b"\x00"),
}


async def test_what_is_no_websocket_any_more_is_closed(tmp_path, pki, caplog):
    async with besieged(tmp_path, pki, caplog) as (client, url, _):
        for what, sent in BROKEN.items():
            reader, writer = await raw(url, ssl=client.connector._ssl)
            writer.write(sent)
            async with asyncio.timeout(5):
                try:
                    while await reader.read(65536):
                        pass
                except ConnectionError:
                    pass
            assert reader.at_eof() or reader.exception(), what
            writer.transport.abort()
        for sent in (b"\x81", masked(1, b"x" * 300)[:40]):  # half a frame, and gone
            _, writer = await raw(url, sent, ssl=client.connector._ssl)
            writer.transport.abort()


async def test_a_flood_of_sound_ends_with_a_word(tmp_path, pki, caplog):
    async with besieged(tmp_path, pki, caplog) as (client, url, _), page(client, url, headphones=False) as one:
        second = base64.b64encode(bytes(2 * 16_000)).decode()
        for _ in range(80):
            await one.say({"type": "input_audio_buffer.append", "audio": second})
        error = await one.wait("error")
        assert error["error"]["code"] == "audio_too_fast"


HALVES = ["nothing", "TLS", "half a request", "a request", "an open socket", "a session"]


async def visit(client, url, how):
    """Comes, and goes again without a word."""
    host, port = url.removeprefix("https://").split(":")
    if how == "nothing":
        with sockets.socket() as peer:
            peer.setblocking(False)
            await asyncio.get_running_loop().sock_connect(peer, (host if host[0].isdigit() else "127.0.0.1", int(port)))
        return
    if how in ("an open socket", "a session"):
        _, writer = await raw(url, ssl=client.connector._ssl)
        if how == "a session":
            writer.write(masked(1, json.dumps({"type": "session.update", "session": {}}).encode()))
            await writer.drain()
    else:
        _, writer = await asyncio.open_connection(host, int(port), ssl=client.connector._ssl)
        request = f"GET /page.json HTTP/1.1\r\nHost: {host}:{port}\r\n"
        writer.write({"TLS": "", "half a request": request, "a request": request + "\r\n"}[how].encode())
    writer.transport.abort()


async def test_a_crowd_that_comes_and_goes_leaves_nothing(tmp_path, pki, caplog):
    async with besieged(tmp_path, pki, caplog, sessions=100) as (client, url, _):
        for number in range(VISITORS):
            await visit(client, url, HALVES[number % len(HALVES)])


VISITORS = int(os.environ.get("VISITORS", "60"))


async def read(one):
    """Waits until all that was sent was read; what comes in heaps is read slowly."""
    mark = f"mark_{len(one.events)}"
    await one.say({"type": "nothing", "event_id": mark})
    await until(lambda: any(event["error"].get("event_id") == mark for event in one.of("error")))


ITEMS = ("item_of_nobody", "", 7, None)


async def pester(one):
    """Everything that can be asked of a reply, now."""
    mine = [event["item"]["id"] for event in one.events if event["type"] == "conversation.item.added"][-4:]
    for item in (*ITEMS, *mine):
        for end in (-1, 0, 1e9, 250, "x", None):
            await one.say({"type": "conversation.item.truncate", "item_id": item, "audio_end_ms": end})
        await one.say({"type": "conversation.item.retrieve", "item_id": item})
        await one.say({"type": "sophia.playout.position", "item_id": item, "audio_ms": -5, "underruns": -3})
    for rate in (8000, 24_000):
        audio = {"output": {"format": {"rate": rate}}, "input": {"format": {"rate": rate}}}
        await one.say({"type": "session.update", "session": {"audio": audio, "sophia": {"lead_ms": rate / 100}}})
    for kind in ("response.create", "input_audio_buffer.commit", "input_audio_buffer.clear", "response.create"):
        await one.say({"type": kind})
    await one.say({"type": "response.cancel", "response_id": "resp_of_nobody"})


@pytest.mark.parametrize("last", ["cancel", "delete", "say", "ask"])
async def test_who_asks_for_everything_at_every_stage_is_answered_in_the_end(tmp_path, pki, caplog, last):
    final = {
        "cancel": [{"type": "response.cancel"}],
        "delete": [],
        "say": [{"type": "sophia.say", "text": "And this."}] * 12,
        "ask": ASK,
    }
    async with besieged(tmp_path, pki, caplog) as (client, url, _), page(client, url) as one:
        await pester(one)
        for kind in ("response.created", "response.output_audio.delta", "response.done", "conversation.item.truncated"):
            for event in ASK:
                await one.say(event)
            if kind != "conversation.item.truncated":
                await one.wait(kind, len(one.of(kind)) + 1)
            await pester(one)
            for event in final[last]:
                await one.say(event)
            if last == "delete":
                for event in one.of("conversation.item.added"):
                    await one.say({"type": "conversation.item.delete", "item_id": event["item"]["id"]})
        await one.say({"type": "response.cancel"})
        await read(one)
        await until(lambda: len(one.of("response.done")) == len(one.of("response.created")))
        count = len(one.of("response.done"))
        for event in ASK:
            await one.say(event)
        done = await one.wait("response.done", count + 1)
        assert done["response"]["status"] == "completed"
        assert len(one.of("response.created")) == len(one.of("response.done"))


async def test_who_reads_nothing_is_gone_soon(tmp_path, pki, caplog, monkeypatch):
    monkeypatch.setattr(outbox, "MOST_SOUND", 0.5)
    async with besieged(tmp_path, pki, caplog) as (client, url, _):
        usual = lab.CLAUSE_SECONDS
        monkeypatch.setattr(lab, "CLAUSE_SECONDS", 4.0)
        asked = [masked(1, json.dumps(event).encode()) for event in ASK]
        peer = await asyncio.to_thread(deaf, url, *asked, ssl=client.connector._ssl)
        await until(lambda: not alive(Talk))
        peer.close()
        monkeypatch.setattr(lab, "CLAUSE_SECONDS", usual)


@pytest.mark.parametrize("phase", ["nothing", "hearing", "thinking", "speaking", "over"])
async def test_a_session_ends_in_any_state(tmp_path, pki, caplog, phase):
    async with besieged(tmp_path, pki, caplog) as (client, url, _):
        for how in ("close", "abort"):
            async with page(client, url) as one:
                if phase == "hearing":
                    audio = base64.b64encode(b"\x00\x20\x00\xe0" * 4000).decode()
                    await one.say({"type": "input_audio_buffer.append", "audio": audio})
                elif phase != "nothing":
                    for event in ASK:
                        await one.say(event)
                    wait = {"thinking": "response.created", "speaking": "response.output_audio.delta"}
                    await one.wait(wait.get(phase, "response.done"))
                if how == "abort":
                    one.socket._response.connection.transport.abort()
            del one


async def test_a_page_that_is_opened_again_in_mid_reply_begins_anew(tmp_path, pki, caplog):
    async with besieged(tmp_path, pki, caplog, sessions=2) as (client, url, _):
        for _ in range(3):
            async with page(client, url) as one:
                for event in ASK:
                    await one.say(event)
                await one.wait("response.output_audio.delta", 5)
        async with page(client, url) as one:
            await answered(one)
            assert one.of("sophia.turn.ledger")[0]["heard"].split() == ANSWER.split()


async def test_pages_that_watch_a_page_that_talks_and_kit_see_the_same_reply(tmp_path, pki, caplog):
    async with besieged(tmp_path, pki, caplog) as (client, url, _):
        kit = None
        try:
            async with page(client, url) as talker, AsyncExitStack() as stack:
                watch = [
                    await stack.enter_async_context(page(client, url, path="/v1/realtime?watch=1")) for _ in range(2)
                ]
                kit = Connection(f"{url.replace('https', 'wss')}/v1/realtime?watch=1", ca=str(pki / "ca.crt"))
                kit.start()
                await until(lambda: kit.state == "connected")
                for event in ASK:
                    await watch[0].say(event)
                told = {}

                def drained():
                    for event, _ in kit.drain():
                        told.setdefault(event["type"], []).append(event)
                    return "sophia.turn.ledger" in told

                await talker.wait("sophia.turn.ledger")
                for one in watch:
                    await one.wait("sophia.turn.ledger")
                await until(drained)
                for ledger in (*(one.of("sophia.turn.ledger")[0] for one in watch), told["sophia.turn.ledger"][0]):
                    assert ledger["heard"] == talker.of("sophia.turn.ledger")[0]["heard"]
                count = sum(event["count"] for event in talker.of("sophia.face.frames"))
                assert sum(event["count"] for event in told["sophia.face.frames"]) == count
                assert told["sophia.playout.position"]
                assert "response.output_audio.delta" not in told
            await until(lambda: kit.state == "waiting")  # the talk is over
        finally:
            if kit:
                await asyncio.to_thread(kit.stop)
