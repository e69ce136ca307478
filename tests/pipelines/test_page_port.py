"""Whether her page can have its port: free, hers already, somebody else's, or nobody's to have."""

import socket
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from pipelines.doctor.finding import Mark
from pipelines.doctor.framework import framework
from pipelines.services.page_port import page_port
from pipelines.settings.model import Settings
from pipelines.settings.server import ServerSettings


def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@asynccontextmanager
async def answering(server):
    """Somebody who has a port and answers HTTP under this name."""

    async def name(request, response):
        response.headers["Server"] = server

    app = web.Application()
    app.on_response_prepare.append(name)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield site.port
    await runner.cleanup()


async def test_a_port_that_is_free_can_be_had_and_is_not_kept():
    settings = ServerSettings(port=free())
    for _ in range(2):
        found = await page_port(settings)
        assert (found.found, found.fix) == (f"Her page can have 127.0.0.1:{settings.port}.", "")


async def test_her_own_page_is_told_from_another_program():
    async with answering("sophia") as port:
        found = await page_port(ServerSettings(port=port))
    assert "already" in found.found
    assert not found.fix
    async with answering("Apache") as port:
        found = await page_port(ServerSettings(port=port))
    assert "another program" in found.found
    assert f":{port}'" in found.fix


async def test_one_that_says_nothing_is_another_program(monkeypatch):
    monkeypatch.setattr("pipelines.services.page_port.ASK_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        found = await page_port(ServerSettings(port=mute.getsockname()[1]))
    assert "another program" in found.found


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_a_host_that_is_not_ours_is_told(host):
    found = await page_port(ServerSettings(host=host, port=free()))
    assert found.found.startswith(f"Her page cannot be served on {host}:")
    assert "server.host" in found.fix


async def test_what_is_not_asked_for_is_not_looked_at():
    assert "server.enabled" in (await page_port(ServerSettings(enabled=False))).found
    assert "any port" in (await page_port(ServerSettings(port=0))).found


async def test_the_doctor_has_a_row_for_it():
    async with answering("Apache") as port:
        settings = Settings.model_validate({"server": {"port": port}})
        (check,) = [check for check in framework(settings) if check.key == "page"]

        class Context:
            pass

        Context.settings = settings
        result = await check.probe(Context)
    assert result.mark is Mark.WARN
    assert "another program" in result.found
