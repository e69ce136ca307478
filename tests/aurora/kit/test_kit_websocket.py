"""The extension's own WebSocket client: against a real server, and against what no server should send."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import socket
import ssl
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web
from hypothesis import given
from hypothesis import strategies as st

from aurora.sophia.core import connection, websocket
from aurora.sophia.core.websocket import Address, ConnectionLost, Frames, Message, WebSocket


def unmask(sent: bytes) -> bytes:
    """The payload of a client's frame."""
    size, at = sent[1] & 0x7F, 2
    if size > 125:
        wide = 2 if size == 126 else 8
        size, at = int.from_bytes(sent[2 : 2 + wide], "big"), 2 + wide
    mask, body = sent[at : at + 4], sent[at + 4 :]
    assert len(body) == size
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))


def server_frame(kind: int, payload: bytes, last: bool = True) -> bytes:
    size = len(payload)
    head = bytes([(0x80 if last else 0) | kind])
    if size < 126:
        return head + bytes([size]) + payload
    if size < 1 << 16:
        return head + bytes([126]) + size.to_bytes(2, "big") + payload
    return head + bytes([127]) + size.to_bytes(8, "big") + payload


@given(st.binary(max_size=70_000), st.binary(min_size=4, max_size=4))
def test_a_frame_is_masked_and_whole(payload: bytes, mask: bytes) -> None:
    sent = websocket.frame(websocket.TEXT, payload, mask)
    assert sent[0] == 0x81
    assert sent[1] & 0x80
    assert unmask(sent) == payload


@given(
    st.lists(st.tuples(st.binary(max_size=300), st.integers(1, 4), st.booleans()), max_size=6),
    st.lists(st.integers(1, 200), min_size=1, max_size=50),
)
def test_messages_do_not_depend_on_how_the_bytes_are_cut(
    messages: list[tuple[bytes, int, bool]], cuts: list[int]
) -> None:
    stream, expected = b"", []
    for payload, pieces, ping in messages:
        size = -(-len(payload) // pieces) or 1
        parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
        for number, part in enumerate(parts):
            if ping and number:
                stream += server_frame(websocket.PING, b"between")  # a ping may come inside of a message
                expected.append(Message(websocket.PING, b"between"))
            stream += server_frame(0 if number else websocket.TEXT, part, number == len(parts) - 1)
        expected.append(Message(websocket.TEXT, payload))
    frames, got, at = Frames(), [], 0
    while at < len(stream):
        size = cuts[at % len(cuts)]
        got += list(frames.feed(stream[at : at + size]))
        at += size
    assert got == expected


@given(st.binary(max_size=400))
def test_nonsense_ends_the_connection_and_nothing_else(data: bytes) -> None:
    try:
        list(Frames().feed(data))
    except ConnectionLost:
        return


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x81\x80\0\0\0\0", "masks"),
        (b"\xc1\x00", "extension"),
        (b"\x80\x00", "out of order"),
        (server_frame(1, b"a", last=False) + server_frame(1, b"b"), "out of order"),
        (b"\x89\x7e\x00\x7e", "too long"),
        (b"\x09\x00", "too long"),
        (b"\x83\x00", "out of order"),
        (b"\x8b\x00", "unknown kind"),
        (b"\x81\x7f" + (1 << 21).to_bytes(8, "big"), "more than"),
        (server_frame(1, bytes(1 << 20), last=False) + server_frame(0, b"x"), "more than"),
    ],
)
def test_what_the_standard_forbids_is_told_in_words(data: bytes, why: str) -> None:
    with pytest.raises(ConnectionLost, match=why):
        list(Frames().feed(data))


@pytest.mark.parametrize(
    ("url", "to"),
    [
        ("ws://127.0.0.1:8765/v1/realtime?watch=1", Address(False, "127.0.0.1", 8765, "/v1/realtime?watch=1")),
        ("wss://spark-1/v1/realtime", Address(True, "spark-1", 443, "/v1/realtime")),
        ("ws://[::1]:8765", Address(False, "::1", 8765, "/")),
    ],
)
def test_addresses(url: str, to: Address) -> None:
    assert websocket.address(url) == to


@pytest.mark.parametrize("url", ["http://x/", "ws://", "", "ws://host:port/", "8765", "ws://h:99999/"])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(ConnectionLost, match="no address"):
        websocket.address(url)


def test_a_key_with_a_line_break_is_not_sent() -> None:
    with pytest.raises(ConnectionLost, match="line break"):
        websocket.handshake(Address(False, "h", 1, "/"), "k", {"Authorization": "Bearer a\r\nX: y"})


class Server:
    """A real aiohttp server in a thread: echoes, and closes when told ``bye``."""

    def __init__(self, context: ssl.SSLContext | None, token: str) -> None:
        self.port = 0
        self._context, self._token = context, token
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._done = asyncio.Event()

    async def _run(self) -> None:
        async def talk(request: web.Request) -> web.StreamResponse:
            if self._token and request.headers.get("Authorization") != f"Bearer {self._token}":
                raise web.HTTPUnauthorized
            line = web.WebSocketResponse(heartbeat=0.05)
            await line.prepare(request)
            async for message in line:
                if message.type is WSMsgType.TEXT and message.data == "bye":
                    await line.close(code=1013, message=b"all places are taken")
                elif message.type is WSMsgType.TEXT:
                    await line.send_str(message.data)
            return line

        app = web.Application()
        app.router.add_get("/v1/realtime", talk)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._context)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._done.wait()
        await runner.cleanup()

    def __enter__(self) -> Server:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)
        self._loop.close()


def texts(line: WebSocket, count: int) -> Iterator[str]:
    """The next ``count`` messages, pings left out; each call of receive waits at most a second."""
    for _ in range(200):
        if count == 0:
            return
        if text := line.receive(1.0):
            count -= 1
            yield text
    raise AssertionError("the messages do not come")


@pytest.mark.parametrize("text", ["hello", "", "ä" * 40_000, "x" * 900_000], ids=["short", "none", "wide", "long"])
def test_a_real_server_understands_it(text: str) -> None:
    with Server(None, "secret") as server:
        line = WebSocket(f"ws://127.0.0.1:{server.port}/v1/realtime", "secret")
        line.send(text)
        line.send("and")
        expected = [text, "and"] if text else ["and"]  # nothing can be told from a ping, and means as much
        assert list(texts(line, len(expected))) == expected
        line.send("bye")
        with pytest.raises(ConnectionLost, match="all places are taken") as lost:
            list(texts(line, 1))
        assert lost.value.code == 1013
        line.close()


def test_tls_by_the_authority_that_is_named(pki: Path, other_pki: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    with Server(context, "") as server:
        url = f"wss://localhost:{server.port}/v1/realtime"
        line = WebSocket(url, ca=str(pki / "ca.crt"))
        line.send("over TLS")
        assert list(texts(line, 1)) == ["over TLS"]
        line.close()
        for ca in ("", str(other_pki / "ca.crt")):
            with pytest.raises(ConnectionLost, match="is not trusted"):
                WebSocket(url, ca=ca)
        with pytest.raises(ConnectionLost, match="/no/such/file cannot be read as certificates"):
            WebSocket(url, ca="/no/such/file")


def test_a_wrong_key_and_a_wrong_path_are_told_apart() -> None:
    with Server(None, "secret") as server:
        with pytest.raises(ConnectionLost, match="key is wrong") as lost:
            WebSocket(f"ws://127.0.0.1:{server.port}/v1/realtime", "guess")
        assert lost.value.code == 401
        with pytest.raises(ConnectionLost, match="no Sophia"):
            WebSocket(f"ws://127.0.0.1:{server.port}/elsewhere", "secret")


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """A port where one client gets ``answer`` to its request, and nothing more."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = listener.accept()
        with peer:
            request = b""
            while b"\r\n\r\n" not in request:
                request += peer.recv(4096)
            peer.sendall(answer(request))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(10)
        listener.close()


def accepting(request: bytes) -> bytes:
    key = next(line.split(b": ")[1] for line in request.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
    accept = base64.b64encode(hashlib.sha1(key + websocket.GUID.encode()).digest())
    lines = [b"HTTP/1.1 101 Switching", b"Upgrade: websocket", b"Sec-WebSocket-Accept: " + accept, b"", b""]
    return b"\r\n".join(lines)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda request: b"SSH-2.0-OpenSSH\r\n\r\n", "no web server"),
        (lambda request: b"", "no web server"),
        (lambda request: b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "speaks no WebSocket"),
        (lambda request: b"HTTP/1.1 500 Oh\r\n\r\n", "answers 500 Oh"),
        (lambda request: accepting(request) + b"\xff" * 4, "extension"),
    ],
    ids=["ssh", "nothing", "no-accept", "500", "nonsense-after-it"],
)
def test_other_servers_are_told_apart(answer: Callable[[bytes], bytes], why: str) -> None:
    with answering(answer) as port, pytest.raises(ConnectionLost, match=why):
        WebSocket(f"ws://127.0.0.1:{port}/")


@pytest.mark.parametrize("status", ["1²1", "9" * 5000, "20", "-200"])
def test_a_status_that_is_none_is_no_web_servers(status: str) -> None:
    with pytest.raises(ConnectionLost, match="no web server"):
        websocket.check_answer(f"HTTP/1.1 {status} x".encode("latin-1"), "k")


@pytest.mark.parametrize("host", ["a" * 70, "a..b"])
def test_a_name_that_no_machine_can_have(host: str) -> None:
    with pytest.raises(ConnectionLost, match=r"can be no machine's name|nothing answers"):
        WebSocket(f"ws://{host}:1/")


def test_endless_empty_fragments_take_no_memory() -> None:
    frames = Frames()
    list(frames.feed(server_frame(websocket.TEXT, b"", last=False)))
    tracemalloc.start()
    for _ in range(50):
        assert list(frames.feed(server_frame(0, b"", last=False) * 1000)) == []
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 50_000
    assert list(frames.feed(server_frame(0, b"end"))) == [Message(websocket.TEXT, b"end")]


def test_a_ping_within_the_longest_message_is_none_of_it() -> None:
    frames, whole = Frames(), bytes(websocket.MOST_BYTES)
    stream = server_frame(websocket.TEXT, whole, last=False) + server_frame(websocket.PING, b"in between")
    assert [one.kind for one in frames.feed(stream + server_frame(0, b""))] == [websocket.PING, websocket.TEXT]


@contextmanager
def flooding(data: bytes) -> Iterator[WebSocket]:
    """A line whose server sends ``data`` again and again, and reads what it is sent."""
    listener, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        peer, _ = listener.accept()
        with peer, contextlib.suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                request += peer.recv(4096)
            peer.sendall(accepting(request))
            while not over.is_set():
                peer.sendall(data)

    thread = threading.Thread(target=serve)
    thread.start()
    line = WebSocket(f"ws://127.0.0.1:{listener.getsockname()[1]}/")
    try:
        yield line
    finally:
        over.set()
        line.close()
        listener.close()
        thread.join(10)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "data",
    [server_frame(websocket.PONG, b"") * 500, server_frame(websocket.BINARY, b"x" * 1000) * 5],
    ids=["pongs", "binary"],
)
def test_a_flood_of_what_is_no_message_does_not_hold_the_caller(data: bytes) -> None:
    with flooding(data) as line:
        assert line.receive(0.05) is None


@pytest.mark.parametrize("reason", [b"a\nb", b"\xff\x00" * 40])
def test_why_a_server_ends_it_is_one_line(reason: bytes) -> None:
    goodbye = server_frame(websocket.CLOSE, (1011).to_bytes(2, "big") + reason)
    with answering(lambda request: accepting(request) + goodbye) as port:
        line = WebSocket(f"ws://127.0.0.1:{port}/")
        with pytest.raises(ConnectionLost) as lost:
            line.receive(1.0)
        line.close()
    assert str(lost.value).isprintable()
    assert lost.value.code == 1011


def test_a_line_that_ends_within_a_frame_is_gone() -> None:
    with answering(lambda request: accepting(request) + server_frame(websocket.TEXT, b"whole")[:4]) as port:
        line = WebSocket(f"ws://127.0.0.1:{port}/")
        with pytest.raises(ConnectionLost, match="gone"):
            line.receive(1.0)
        line.close()


def test_long_events_that_nobody_fetches_are_dropped_by_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    line = connection.Connection("ws://none")
    monkeypatch.setattr(connection, "MOST_CHARACTERS", 1000)
    for number in range(50):
        line._take(json.dumps({"number": number, "text": "x" * 200}), float(number))
    kept = [arrived.event["number"] for arrived in line.drain()]
    assert kept == [46, 47, 48, 49]
    assert line.drain() == []


def test_a_message_that_comes_with_the_answer_is_not_lost() -> None:
    with answering(lambda request: accepting(request) + server_frame(websocket.TEXT, b"first")) as port:
        line = WebSocket(f"ws://127.0.0.1:{port}/")
        assert list(texts(line, 1)) == ["first"]
        with pytest.raises(ConnectionLost, match="gone"):
            line.receive(1.0)
        line.close()


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionLost, match=f"nothing answers at 127.0.0.1:{port}"):
        WebSocket(f"ws://127.0.0.1:{port}/")


def test_a_home_folder_may_be_named(pki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(pki))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    with Server(context, "") as server:
        WebSocket(f"wss://localhost:{server.port}/v1/realtime", ca=f"~{os.sep}ca.crt").close()
