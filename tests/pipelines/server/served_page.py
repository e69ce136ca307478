"""A server as the tests need it, and clients that trust it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager

import aiohttp

from pipelines.server.access import Access
from pipelines.server.app import make_app
from pipelines.server.files import Asset, Page
from pipelines.server.listener import listening
from pipelines.server.place import Place

PAGE = Page(
    {
        "index.html": Asset(b"<!doctype html>" + b"Sophia " * 400, "text/html; charset=utf-8"),
        "app.js": Asset(b"talk()", "text/javascript; charset=utf-8"),
    }
)
HEAD = Asset(b"glTF" + bytes(5000), "model/gltf-binary")
FACTS = {"name": "Sophia", "watch": False}


class Echo:
    """Says back what it is told, until it is told to end."""

    def __init__(self):
        self.visits = 0

    def refusal(self, request):
        return None

    async def visit(self, socket, request):
        self.visits += 1
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                await socket.send_str(message.data)
        await socket.close()


def place(pki=None, key=None, origins=(), port=0):
    """A place on loopback: over TLS with the identity in ``pki``, if there is one."""
    tls = None
    if pki:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pki / "server.crt", pki / "server.key")
    return Place("127.0.0.1", port, "localhost", tls, key, Access(["localhost"], origins, key))


async def model(light):
    return HEAD


@asynccontextmanager
async def served(where=None, visits=None):
    """A server and a client of it: what to ask, and a function that opens a WebSocket."""
    where = where or place()
    app = make_app(where.access, PAGE, model, lambda request: FACTS, visits or Echo())
    async with (
        listening(app, where) as port,
        asyncio.timeout(20),
        aiohttp.ClientSession(auto_decompress=False) as session,
    ):
        yield session, where.url(port).rstrip("/")


def trust(pki):
    """A client's context that trusts the authority of ``pki`` alone."""
    return ssl.create_default_context(cafile=str(pki / "ca.crt"))
