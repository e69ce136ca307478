"""The pool's own file, run by the real HAProxy in front of real session servers, whose services are simulated."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager

import aiohttp
import pytest
from lab import Lab
from lab import serving as services
from pooled import KEY, Names, patient, server, talking
from stack_files import DOCKER

CONFIG = DOCKER / "proxy/pool.cfg"
HAPROXY = shutil.which("haproxy", path=os.environ.get("PATH", "") + ":/usr/sbin")
PLACES = 3

pytestmark = [
    pytest.mark.services,
    pytest.mark.timeout(180),
    pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed (Debian package haproxy)"),
]


def free_port(addresses):
    """A port that is free at all of them."""
    while True:
        with ExitStack() as held:
            port = held.enter_context(socket.create_server((addresses[0], 0))).getsockname()[1]
            try:
                for address in addresses[1:]:
                    held.enter_context(socket.create_server((address, port)))
            except OSError:
                continue
            return port


class Pool:
    """A running pool; ``servers`` by their address."""

    def __init__(self, url, client, *, health, port, names, servers):
        self.url, self.client, self.names = url, client, names
        self.servers = servers
        self._health, self._port = health, port

    async def metric(self, name, backend="sessions"):
        """One of HAProxy's figures about a backend, by the server's name; by none where it is about them all."""
        async with self.client.get(f"{self._health}/metrics") as answer:
            text = await answer.text()
        found = re.findall(rf'^{name}{{proxy="{backend}"(?:,server="(\w+)")?}} ([\d.e+]+)$', text, re.MULTILINE)
        return {key: float(value) for key, value in found}

    async def until_up(self, count):
        """Waits until HAProxy sends to so many servers."""
        async with asyncio.timeout(90):
            for backend in ("sessions", "pages"):
                while await self.metric("haproxy_backend_active_servers", backend) != {"": count}:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

    async def talks(self):
        """How many conversations are open at each server that has any, as HAProxy counts them."""
        return sorted(count for count in (await self.metric("haproxy_server_current_sessions")).values() if count)

    async def until_talks(self, *counts):
        async with asyncio.timeout(30):
            while await self.talks() != list(counts):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)

    async def talking_at(self, address):
        """How many conversations a server itself says that it has."""
        url, key = f"https://{address}:{self._port}/load", {"Authorization": f"Bearer {KEY}"}
        async with self.client.get(url, headers=key, server_hostname="localhost") as answer:
            return (await answer.json())["talking"]

    async def talk(self):
        return await talking(self.client, self.url)


@asynccontextmanager
async def pooled(tmp_path, pki, count, *, known=None):
    """A pool of ``count`` servers, of which the name server knows ``known`` (default: all), and those are up."""
    addresses = [f"127.0.0.{number}" for number in range(2, 2 + count)]
    port, front, health = free_port(addresses), free_port(["127.0.0.1"]), free_port(["127.0.0.1"])
    (tmp_path / "key").write_text(KEY)
    placed = {
        "port": port,
        "cert": pki / "server.crt",
        "key": pki / "server.key",
        "api_key_file": tmp_path / "key",
        "sessions": PLACES,
        "drain_seconds": 60,
    }
    known = count if known is None else known
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(services(Lab(), pki))
        names, dns = await stack.enter_async_context(Names.serving(addresses[:known]))
        settings = patient(tmp_path, pki, lab)
        servers = {}
        for address in addresses:
            servers[address] = await stack.enter_async_context(server(settings, host=address, **placed))
        environment = {
            "POOL_CERTIFICATE": str(pki / "server.crt"),
            "POOL_AUTHORITY": str(pki / "ca.crt"),
            "POOL_ADDRESS": "127.0.0.1",
            "POOL_PORT": str(front),
            "POOL_HEALTH_PORT": str(health),
            "POOL_SERVERS": f"server:{port}",
            "POOL_SESSIONS": str(PLACES),
            "POOL_DNS": f"127.0.0.1:{dns}",
        }
        proxy = await asyncio.create_subprocess_exec(
            HAPROXY, "-db", "-f", str(CONFIG), env=environment, stdout=subprocess.DEVNULL
        )
        try:
            trust = ssl.create_default_context(cafile=str(pki / "ca.crt"))
            connector = aiohttp.TCPConnector(ssl=trust)
            client = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            for one in servers.values():
                await one.line("From a program: ")
            pool = Pool(
                f"https://localhost:{front}",
                client,
                health=f"http://127.0.0.1:{health}",
                port=port,
                names=names,
                servers=servers,
            )
            await pool.until_up(known)
            yield pool
        finally:
            proxy.terminate()
            await asyncio.wait_for(proxy.wait(), 10)


async def refused(pool):
    """The status that one client too many gets."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await pool.talk()
    return refusal.value.status


async def test_conversations_spread_and_one_too_many_is_refused_until_somebody_leaves(tmp_path, pki):
    async with pooled(tmp_path, pki, 2) as pool:
        talks = [await pool.talk() for _ in range(2)]
        assert await pool.talks() == [1, 1]
        talks += [await pool.talk() for _ in range(2 * PLACES - 2)]
        assert await pool.talks() == [PLACES, PLACES]
        assert await refused(pool) == 503
        async with pool.client.get(pool.url + "/healthz") as answer:  # what takes no place is answered all the same
            assert (answer.status, await answer.text()) == (200, "ok\n")
        for path in ("/metrics", "/load", "/v1/realtime/calls"):
            async with pool.client.get(pool.url + path, headers={"Authorization": f"Bearer {KEY}"}) as answer:
                assert (answer.status, answer.headers.get("Server")) == (404, None), "HAProxy itself says so"
        await talks.pop().socket.close()
        await pool.until_talks(PLACES - 1, PLACES)
        talks.append(await pool.talk())
        assert await asyncio.gather(*(one.ask() for one in talks)) == ["completed"] * 2 * PLACES


async def test_a_client_secret_of_one_server_is_good_at_every_other(tmp_path, pki):
    async with pooled(tmp_path, pki, 2) as pool:
        url, key = f"{pool.url}/v1/realtime/client_secrets", {"Authorization": f"Bearer {KEY}"}
        async with pool.client.post(url, json={"session": {"type": "realtime"}}, headers=key) as answer:
            secret = (await answer.json())["value"]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await talking(pool.client, pool.url, "another-key-of-somebody")
        assert refusal.value.status == 401
        talks = [await talking(pool.client, pool.url, secret) for _ in range(2 * PLACES)]
        assert await pool.talks() == [PLACES, PLACES]
        assert await talks[0].ask() == "completed"


async def test_a_server_that_is_killed_takes_its_own_conversations_alone(tmp_path, pki):
    async with pooled(tmp_path, pki, 2) as pool:
        talks = [await pool.talk() for _ in range(2 * PLACES)]
        pool.servers["127.0.0.2"].process.kill()
        gone = await whose_end_comes(talks, PLACES)
        others = [one for one in talks if one not in gone]
        assert await asyncio.gather(*(one.ask() for one in others)) == ["completed"] * PLACES
        assert await refused(pool) == 503, "the dead one's places are not given to anybody"
        await others.pop().socket.close()
        await pool.until_talks(PLACES - 1)
        assert await (await pool.talk()).ask() == "completed"


async def whose_end_comes(talks, count):
    """Waits until so many conversations are cut off, and tells which."""
    ends = {asyncio.create_task(one.closed()): one for one in talks}
    pending, gone = set(ends), []
    while len(gone) < count:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        assert done
        gone += [ends[task] for task in done]
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return gone


async def test_a_server_that_stops_keeps_its_conversations_and_newcomers_go_elsewhere(tmp_path, pki):
    async with pooled(tmp_path, pki, 2) as pool:
        staying = [await pool.talk() for _ in range(3)]
        (leaving,) = [pool.servers[address] for address in pool.servers if await pool.talking_at(address) == 1]
        leaving.process.send_signal(signal.SIGTERM)
        await leaving.line("Stopping: ")
        newcomer = await pool.talk()  # to the one with fewer, which refuses: no health check knows it by now
        assert await pool.talks() == [1, 3]
        await pool.until_up(1)
        assert await refused(pool) == 503, "the other is full, and this one lets nobody in"
        assert await asyncio.gather(*(one.ask() for one in [*staying, newcomer])) == ["completed"] * 4
        assert leaving.process.returncode is None
        for one in staying:
            await one.socket.close()
        assert await leaving.ended() == 0
        assert await newcomer.ask() == "completed"


async def test_a_server_that_is_added_is_found_by_its_name(tmp_path, pki):
    async with pooled(tmp_path, pki, 2, known=1) as pool:
        talks = [await pool.talk() for _ in range(PLACES)]
        assert await refused(pool) == 503
        pool.names.addresses = list(pool.servers)
        await pool.until_up(2)
        talks += [await pool.talk() for _ in range(PLACES)]
        assert await refused(pool) == 503
        pool.names.addresses.pop()  # forgotten: nobody new is sent there, and who is there stays
        await pool.until_up(1)
        assert await asyncio.gather(*(one.ask() for one in talks)) == ["completed"] * 2 * PLACES
