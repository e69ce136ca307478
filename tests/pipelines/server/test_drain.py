"""How it stops: nobody is let in any more, and who is being answered hears the end. A second signal ends it at once."""

import signal
from contextlib import asynccontextmanager

import aiohttp
import lab
import pooled
import pytest
from lab import Lab, config
from lab import serving as services
from page_client import page
from rooms import SERVICES

pytestmark = pytest.mark.services


@asynccontextmanager
async def program(tmp_path, pki, **more):
    """Yields the program, its address and a client's session; the services are in this process."""
    async with services(Lab(), pki) as port, aiohttp.ClientSession() as client:
        settings = config(tmp_path, pki, dict.fromkeys(SERVICES, port))
        async with pooled.server(settings, port=0, **more) as one:
            address = (await one.line("Talk to her in a browser: ")).rpartition(" ")[2]
            assert address.removesuffix("/") in await one.line("From a program: ")
            yield one, address.rstrip("/"), client


@asynccontextmanager
async def answered(client, url, **options):
    """A page that is being answered."""
    async with page(client, url, **options) as one:
        await one.say({"type": "conversation.item.create", "item": pooled.HELLO})
        await one.say({"type": "response.create"})
        await one.wait("response.output_audio.delta", 3)
        yield one


async def test_ctrl_c_lets_a_reply_come_to_its_end(tmp_path, pki):
    async with program(tmp_path, pki) as (server, url, client), answered(client, url) as one:
        server.process.send_signal(signal.SIGINT)
        assert "replies may come to their end" in await server.line("Stopping: ")
        async with client.get(url + "/readyz") as answer:
            assert (answer.status, await answer.text()) == (503, "shutting down\n")
        async with client.get(url + "/v1/realtime") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        done = await one.wait("response.done")
        assert done["response"]["status"] == "completed"
        assert (await one.wait("error"))["error"]["code"] == "server_shutting_down"
        assert await server.ended() == 0


async def test_a_second_signal_waits_for_nothing(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(lab, "CLAUSE_SECONDS", 20.0)
    async with program(tmp_path, pki) as (server, url, client), answered(client, url) as one:
        server.process.send_signal(signal.SIGINT)
        await server.line("Stopping: ")
        server.process.send_signal(signal.SIGINT)
        assert await server.ended() == 0
        assert not one.of("response.done") or one.of("response.done")[0]["response"]["status"] != "completed"


async def test_sigterm_lets_a_conversation_go_on(tmp_path, pki):
    async with program(tmp_path, pki) as (server, url, client):
        async with page(client, url) as one:
            server.process.send_signal(signal.SIGTERM)
            assert "conversations may come to their end" in await server.line("Stopping: ")
            await one.say({"type": "conversation.item.create", "item": pooled.HELLO})
            await one.say({"type": "response.create"})
            assert (await one.wait("response.done"))["response"]["status"] == "completed"
            assert server.process.returncode is None
        assert await server.ended() == 0


async def test_sigterm_does_not_wait_for_ever(tmp_path, pki):
    async with (
        program(tmp_path, pki, drain_seconds=0.3) as (server, url, client),
        page(client, url) as one,
    ):
        server.process.send_signal(signal.SIGTERM)
        assert (await one.wait("error"))["error"]["code"] == "server_shutting_down"
        assert await server.ended() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_with_nobody_there_it_ends_at_once(tmp_path, pki, number):
    async with program(tmp_path, pki) as (server, _, _):
        server.process.send_signal(number)
        assert await server.ended() == 0
        assert (await server.process.stdout.read()).decode() == "", "not a word more"
