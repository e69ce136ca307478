"""A keeper's server is started again when it dies, drains when it is told to, and outlives its keeper in order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager

import aiohttp
import pytest
from lab import Lab
from lab import serving as services
from pooled import patient, talking

from pipelines.scale.keeper import Keeper

pytestmark = [pytest.mark.services, pytest.mark.timeout(180)]


@asynccontextmanager
async def settings(tmp_path, pki):
    """The arguments of a member, and a client."""
    async with services(Lab(), pki) as port, aiohttp.ClientSession() as client:
        path = patient(tmp_path, pki, port)
        yield ["--config", str(path), "--set", "server.port=0"], client


async def until(keeper, right):
    """What a keeper knows, as soon as it is ``right``."""
    async with asyncio.timeout(90):
        while not right(keeper.look()):  # noqa: ASYNC110 - it lives in threads
            await asyncio.sleep(0.02)
    return keeper.look()


async def test_one_that_dies_is_started_again_and_one_that_drains_is_not(tmp_path, pki):
    async with settings(tmp_path, pki) as (arguments, client):
        keeper = Keeper(arguments)
        try:
            first = await until(keeper, lambda look: look.url)
            assert (first.starts, first.draining) == (1, False)
            os.kill(first.pid, signal.SIGKILL)
            second = await until(keeper, lambda look: look.url and look.pid != first.pid)
            assert second.starts == 2
            one = await talking(client, second.url.rstrip("/"))
            keeper.drain()
            keeper.drain()  # told twice, it is told once: the server's second signal would end it at once
            told = await until(keeper, lambda look: "conversations may come to their end" in look.note)
            assert (told.draining, told.over) == (True, False)
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await talking(client, second.url.rstrip("/"))
            assert refusal.value.status == 503
            assert await one.ask() == "completed"
            await one.socket.close()
            last = await until(keeper, lambda look: look.over)
            assert (last.url, last.starts) == (None, 2)
        finally:
            await asyncio.to_thread(keeper.kill)


async def test_what_keeps_a_server_from_starting_is_told_and_it_is_tried_again():
    keeper = Keeper(["--set", "server.sessions=many"])
    try:
        look = await until(keeper, lambda look: look.starts > 1)
        assert "server.sessions" in look.note
        assert look.url is None
    finally:
        await asyncio.to_thread(keeper.kill)
    assert keeper.look().over


async def test_a_server_that_is_left_alone_ends_with_its_last_conversation(tmp_path, pki):
    async with settings(tmp_path, pki) as (arguments, client):
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "pipelines.scale.member", *arguments)
        member = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        try:
            async with asyncio.timeout(60):
                while "ready" not in (told := json.loads(await member.stdout.readline())):
                    pass
            one = await talking(client, told["ready"]["url"].rstrip("/"))
            member.stdin.close()
            async with asyncio.timeout(30):
                assert "conversations may come to their end" in json.loads(await member.stdout.readline())["said"]
                member._transport.get_pipe_transport(1).close()  # nobody reads what it says either
                assert await one.ask() == "completed"
                assert member.returncode is None
                await one.socket.close()
                assert await member.wait() == 0
        finally:
            if member.returncode is None:
                member.kill()
                await member.wait()
