"""The lease endpoint before real servers of this machine: nobody is sent in vain, and nobody pays for another's end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter

import aiohttp
import pytest
from scaled import HEADERS, scaled

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]


async def test_a_burst_gets_what_there_is_and_a_dead_server_costs_its_own_clients_alone(tmp_path, pki):
    async with scaled(tmp_path, pki, "--servers", "2") as it:
        await it.until(lambda told: told["free"] == 4)
        answers = await asyncio.gather(*(it.lease() for _ in range(6)))
        assert Counter(status for status, _ in answers) == {201: 4, 503: 2}
        leases = [answer for status, answer in answers if status == 201]
        assert sorted(Counter(lease["url"] for lease in leases).values()) == [2, 2]

        secrets = [lease["client_secret"]["value"] for lease in leases]
        talks = {}
        for lease, secret in zip(leases, secrets, strict=True):
            socket = await it.client.ws_connect(lease["url"], headers={"Authorization": f"Bearer {secret}"})
            talks.setdefault(lease["url"], []).append(socket)
        told = await it.until(lambda told: sum(one["talking"] or 0 for one in told["data"]) == 4)
        assert [one["leases"] for one in told["data"]] == [0, 0]

        victim, other = told["data"]
        os.kill(victim["pid"], signal.SIGKILL)
        again = await it.until(lambda told: told["free"] == 2)  # its places are there again, at an address of its own
        assert [one["url"] for one in again["data"] if one["name"] == other["name"]] == [other["url"]]
        url, one = await it.comes()
        assert url not in talks
        assert await one.ask() == "completed"
        for socket in talks[f"ws{other['url'].removeprefix('http')}v1/realtime"]:
            assert not socket.closed
            await socket.send_str('{"type": "session.update", "session": {"type": "realtime"}}')
            async with asyncio.timeout(30):
                while (await socket.receive_json())["type"] != "session.updated":
                    pass


async def test_one_drains_one_is_added_and_sigterm_waits_for_the_last(tmp_path, pki):
    async with scaled(tmp_path, pki, "--servers", "1", places=1) as it:
        await it.until(lambda told: told["free"] == 1)
        first_url, first = await it.comes()
        assert (await it.lease())[0] == 503
        async with it.client.put(f"{it.url}v1/servers", json={"count": 2}, headers=HEADERS) as answer:
            assert (await answer.json())["count"] == 2
        await it.until(lambda told: told["free"] == 1)
        second_url, second = await it.comes()
        assert second_url != first_url

        async with it.client.post(f"{it.url}v1/servers/server-1/drain", headers=HEADERS) as answer:
            assert answer.status == 202
        await it.until(lambda told: len(told["data"]) == 3 and told["free"] == 1)  # another one in its place
        assert await first.ask() == "completed", "a server that drains keeps whom it has"
        await first.socket.close()
        told = await it.until(lambda told: len(told["data"]) == 2)
        assert [one["name"] for one in told["data"]] == ["server-2", "server-3"]

        it.program.process.send_signal(signal.SIGTERM)
        await it.program.line("Stopping: ")
        assert (await it.lease())[0] == 503
        assert await second.ask() == "completed"
        await second.socket.close()
        assert await it.program.ended() == 0


async def test_it_asks_for_the_key_and_refuses_nonsense(tmp_path, pki):
    async with scaled(tmp_path, pki, "--servers", "0") as it:
        for method, path in (("POST", "leases"), ("GET", "servers"), ("PUT", "servers"), ("POST", "servers/x/drain")):
            async with it.client.request(method, f"{it.url}v1/{path}") as answer:
                assert answer.status == 401
        async with it.client.get(f"{it.url}healthz") as answer:
            assert await answer.text() == "ok\n"
        async with it.client.get(f"{it.url}readyz") as answer:
            assert answer.status == 503
        for wrong in ("", "[]", '{"count": -1}', '{"count": true}', '{"count": 1e9}', "[" * 900):
            async with it.client.put(f"{it.url}v1/servers", data=wrong, headers=HEADERS) as answer:
                assert answer.status == 400
        async with it.client.post(f"{it.url}v1/servers/x/drain", headers=HEADERS) as answer:
            assert answer.status == 404
        with pytest.raises(aiohttp.ClientError):
            await it.client.get(
                f"{it.url}v1/servers", headers={"Host": "evil.example", **HEADERS}, raise_for_status=True
            )
