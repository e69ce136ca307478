"""The page, her head and the door, over real sockets."""

import asyncio
import gzip
import json
import socket

import aiohttp
import pytest
from served_page import FACTS, HEAD, PAGE, Echo, place, served, trust

from pipelines.server import listener
from pipelines.server.app import HEADERS, MESSAGE_BYTES
from pipelines.server.errors import PortTaken

KEY = "a-key-that-nobody-guesses"
INDEX = PAGE["index.html"].body


async def test_the_page_is_sent_with_its_policy():
    async with served() as (client, url):
        for path, kind, body in (
            ("/", "text/html; charset=utf-8", INDEX),
            ("/static/app.js", "text/javascript; charset=utf-8", b"talk()"),
            ("/model", "model/gltf-binary", HEAD.body),
            ("/model?light", "model/gltf-binary", HEAD.body),
        ):
            async with client.get(url + path, headers={"Accept-Encoding": "identity"}) as answer:
                assert (answer.status, answer.headers["Content-Type"]) == (200, kind)
                assert await answer.read() == body
                assert int(answer.headers["Content-Length"]) == len(body)
                assert HEADERS.items() <= dict(answer.headers).items()
        async with client.get(url + "/page.json") as answer:
            assert await answer.json() == FACTS
            assert answer.headers["Cache-Control"] == "no-store"
        async with client.get(url + "/healthz") as answer:
            assert await answer.text() == "ok\n"


async def test_a_browser_is_not_sent_what_it_has():
    async with served() as (client, url):
        async with client.get(url + "/") as answer:
            tag = answer.headers["ETag"]
        async with client.get(url + "/", headers={"If-None-Match": tag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        async with client.get(url + "/", headers={"If-None-Match": '"older"'}) as answer:
            assert answer.status == 200


async def test_what_is_large_is_packed_where_asked_for():
    async with served() as (client, url):
        async with client.get(url + "/", headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert answer.headers["X-File-Size"] == str(len(INDEX))
            packed = await answer.read()
        assert gzip.decompress(packed) == INDEX
        assert len(packed) < len(INDEX)
        async with client.get(url + "/static/app.js", headers={"Accept-Encoding": "gzip"}) as answer:
            assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/static/none.js", "/static/../app.py", "/static/%2e%2e%2fapp.py", "/static/a/b", "/x", "/static/"]
)
async def test_there_is_nothing_else(path):
    async with served() as (client, url), client.get(url + path) as answer:
        assert answer.status == 404
        assert HEADERS.items() <= dict(answer.headers).items()


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/model", "/page.json", "/healthz", "/v1/realtime"])
async def test_another_name_gets_nothing(path):
    async with served() as (client, url), client.get(url + path, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 421
        assert "evil" not in await answer.text()


async def test_a_page_of_its_own_talks_over_tls(pki):
    async with served(place(pki)) as (client, url):
        assert url.startswith("https://")
        origin = {"Origin": url}
        async with client.ws_connect(url + "/v1/realtime", headers=origin, ssl=trust(pki)) as talk:
            await talk.send_str("hello")
            assert (await talk.receive()).data == "hello"


async def test_a_foreign_page_does_not_even_shake_hands():
    visits = Echo()
    async with served(visits=visits) as (client, url):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(url + "/v1/realtime", headers={"Origin": "http://evil.example"})
        assert refused.value.status == 403
    assert visits.visits == 0


async def test_a_program_without_the_key_gets_a_status():
    visits = Echo()
    async with served(place(key=KEY), visits) as (client, url):
        async with client.get(url + "/v1/realtime") as answer:
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert (await answer.json())["error"]["code"] == "invalid_api_key"
        async with client.get(url + f"/v1/realtime?key={KEY}&api-key={KEY}") as answer:
            assert answer.status == 401, "a key is never taken from an address"
        async with client.ws_connect(url + "/v1/realtime", headers={"Authorization": f"Bearer {KEY}"}):
            pass
    assert visits.visits == 1


async def test_a_browser_without_the_key_can_read_why():
    visits = Echo()
    async with served(place(key=KEY), visits) as (client, url):
        async with client.ws_connect(
            url + "/v1/realtime", headers={"Origin": url}, protocols=["realtime", "openai-insecure-api-key.wrong"]
        ) as talk:
            error = json.loads((await talk.receive()).data)["error"]
            assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")
            assert (await talk.receive()).type is aiohttp.WSMsgType.CLOSE
            assert talk.close_code == 1008
        protocols = ["realtime", f"openai-insecure-api-key.{KEY}"]
        async with client.ws_connect(url + "/v1/realtime", headers={"Origin": url}, protocols=protocols) as talk:
            assert talk.protocol == "realtime"
    assert visits.visits == 1


async def test_a_client_that_offers_no_protocol_is_answered_none():
    async with served() as (client, url), client.ws_connect(url + "/v1/realtime") as talk:
        assert talk.protocol is None


async def test_a_key_that_is_offered_alone_is_not_logged(caplog):
    caplog.set_level("DEBUG")
    protocols = [f"openai-insecure-api-key.{KEY}"]
    async with served(place(key=KEY)) as (client, url), client.ws_connect(url + "/v1/realtime", protocols=protocols):
        pass
    assert KEY not in "".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.client")


async def test_nothing_is_packed_on_the_socket():
    async with served() as (client, url), client.ws_connect(url + "/v1/realtime", compress=15) as talk:
        assert not talk.compress


async def test_a_message_has_a_longest_size():
    async with served() as (client, url), client.ws_connect(url + "/v1/realtime", max_msg_size=0) as talk:
        await talk.send_str("a" * (MESSAGE_BYTES - 1))
        assert len((await talk.receive()).data) == MESSAGE_BYTES - 1
        await talk.send_str("a" * (MESSAGE_BYTES + 1))
        assert (await talk.receive()).type is aiohttp.WSMsgType.CLOSE
        assert talk.close_code == 1009


async def test_what_is_no_websocket_is_a_bad_request():
    async with served() as (client, url), client.get(url + "/v1/realtime") as answer:
        assert answer.status == 400


async def test_a_port_that_is_taken_is_told():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortTaken, match=str(other.getsockname()[1])):
            async with served(place(port=other.getsockname()[1])):
                pass


UPGRADE = b"GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\xff\x01\n\n\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(160),  # TLS
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde",
        UPGRADE + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \xff\xfe==\r\n\r\n",
        UPGRADE + b"Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: AAAA\r\n\r\n",
    ],
)
async def test_what_is_no_proper_request_is_refused_and_leaves_no_traceback(sent, caplog):
    async with served() as (client, url):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(sent)
        async with asyncio.timeout(5):
            line = await reader.readline()
        assert line.split()[1] in (b"400", b"405")
        writer.transport.abort()
        async with client.get(url + "/healthz") as answer:
            assert answer.status == 200
    assert not [record for record in caplog.records if record.exc_info]


async def test_who_asks_for_nothing_is_closed_and_an_open_socket_is_not(monkeypatch):
    monkeypatch.setattr(listener, "IDLE_SECONDS", 0.2)
    async with served() as (client, url), client.ws_connect(url + "/v1/realtime") as talk:
        host, port = url.removeprefix("http://").split(":")
        for sent in (b"", b"GET / HT", f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
            writer.write(sent)
            async with asyncio.timeout(5):
                assert sent.endswith(b"\n") == bool(await reader.read())
            writer.close()
        await talk.send_str("hello")
        assert (await talk.receive()).data == "hello"


async def test_it_ends_soon_with_sockets_open():
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession() as client:
        async with served() as (_, url):
            talk = await client.ws_connect(url + "/v1/realtime")
            began = loop.time()
        assert loop.time() - began < 2.0
        async with asyncio.timeout(2):
            assert (await talk.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
