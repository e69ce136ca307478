"""Her page beside the microphone: it is there, or one line says why not; and the microphone rests for whoever talks."""

import socket

import aiohttp
import pytest
from lab import Lab, config, serving
from page_client import page, until
from rooms import SERVICES

from pipelines.server.beside import her_page
from pipelines.settings.model import load_settings
from pipelines.talk.runtime import Runtime

pytestmark = pytest.mark.services


def settings(tmp_path, pki, services, **server):
    plain = load_settings(config(tmp_path, pki, dict.fromkeys(SERVICES, services)), {}, {})
    return plain.model_copy(update={"server": plain.server.model_copy(update=server)})


async def test_it_takes_another_port_and_the_microphone_rests_while_a_page_talks(tmp_path, pki):
    lines, rests = [], []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        async with (
            serving(Lab(), pki) as port,
            Runtime(settings(tmp_path, pki, port, port=taken)) as runtime,
            her_page(runtime, rests.append, lines.append, lambda: None) as (hub,),
            aiohttp.ClientSession() as client,
        ):
            (line,) = lines
            url = line.removeprefix("See her in a browser: ").rstrip("/")
            assert url.startswith("http://127.0.0.1:")
            assert str(taken) not in url
            async with page(client, url, path="/v1/realtime?watch=1"):
                await until(lambda: hub.watchers == 1)
                assert rests == []
            async with page(client, url), page(client, url):
                assert rests == [True, True]
            await until(lambda: rests[-1] is False)
            assert rests == [True, True, True, False]


@pytest.mark.parametrize("wrong", ["key", "head"])
async def test_what_keeps_the_page_away_keeps_nobody_from_talking(tmp_path, pki, wrong):
    lines = []
    async with serving(Lab(), pki) as port:
        if wrong == "key":
            chosen = settings(tmp_path, pki, port, port=0, api_key_file=tmp_path / "none")
        else:
            (tmp_path / "head.glb").write_text("no head")
            chosen = settings(tmp_path, pki, port, port=0)
            chosen = chosen.model_copy(update={"face": chosen.face.model_copy(update={"model": tmp_path / "head.glb"})})
        async with (
            Runtime(chosen) as runtime,
            her_page(runtime, lambda rests: None, lines.append, lambda: None) as watching,
        ):
            assert watching == ()
            (line,) = lines
            assert line.startswith("There is no page of her: ")
            assert {"key": "server.api_key_file", "head": "face.model"}[wrong] in line
