"""The terminal's client and the real server, over TLS: a turn, an interruption, refusals, a restart."""

import asyncio
import socket
from contextlib import asynccontextmanager

import aiohttp
import lab
import numpy as np
import pytest
from aiohttp import web
from lab import ANSWER, HEARD
from page_client import until
from rooms import house
from test_written_talk import Deaf

from pipelines.client import conversation
from pipelines.client.address import find_server
from pipelines.client.conversation import Client, Refused
from pipelines.talk.devices import Devices
from sophia.audio import Frame
from sophia.sinks import NullSink
from sophia.soundbite import Bite, Soundbite, SoundbiteSettings

pytestmark = pytest.mark.services

KEY = "a-key-of-the-tests"


class Microphone:
    """Silence, until it is told to speak."""

    overflows = 0

    def __init__(self):
        self._voice = 0

    def speak(self, seconds):
        self._voice = round(seconds / 0.02)

    async def frames(self):
        loop = asyncio.get_running_loop()
        due = loop.time()
        noise = np.random.default_rng(1).normal(0, 6000, 320).clip(-20_000, 20_000).astype(np.int16)
        while True:
            self._voice = max(0, self._voice - 1)
            yield Frame(noise if self._voice else np.zeros(320, np.int16), due)
            due += 0.02
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def aclose(self):
        pass


class Terminal:
    """Lines that people see."""

    def __init__(self):
        self.lines = []
        self._news = asyncio.Event()

    def say(self, line):
        self.lines.append(line)
        self._news.set()

    async def wait(self, beginning):
        """The first line that begins like this, once it is there; later ones come after it."""
        async with asyncio.timeout(20):
            while not (found := [line for line in self.lines if line.startswith(beginning)]):
                self._news.clear()
                await self._news.wait()
        del self.lines[: self.lines.index(found[0]) + 1]
        return found[0]


@pytest.fixture(autouse=True)
def _nobody_types(monkeypatch):
    async def type_nothing(self):
        await asyncio.Event().wait()

    monkeypatch.setattr(Client, "_type", type_nothing)


@asynccontextmanager
async def talking(url, pki, **options):
    """A client with a simulated microphone; yields it, the microphone and the terminal."""
    microphone, terminal = Microphone(), Terminal()
    devices = Devices(microphone, NullSink(), None, None, [], None)
    client = Client(find_server(url, ca=pki / "ca.crt", **options), devices, headphones=True, say=terminal.say)
    running = asyncio.create_task(client.run())
    try:
        yield client, microphone, terminal
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def refusal(url, pki, **options):
    devices = Devices(Microphone(), NullSink(), None, None, [], None)
    client = Client(find_server(url, ca=pki / "ca.crt", **options), devices, headphones=True, say=lambda line: None)
    with pytest.raises(ExceptionGroup) as raised:
        await client.run()
    (error,) = raised.value.exceptions
    assert isinstance(error, Refused)
    return str(error)


async def test_a_turn_by_voice_is_answered_and_measured(tmp_path, pki):
    async with house(tmp_path, pki) as (_, url, _), talking(url, pki) as (_, microphone, terminal):
        microphone.speak(0.8)
        assert await terminal.wait("you: ") == f"you: {HEARD}"
        assert await terminal.wait("sophia: ") == f"sophia: {ANSWER}"
        line = await terminal.wait("  turn 1: ")
        total, _, parts = line.removeprefix("  turn 1: ").partition(" ms = ")
        assert (
            abs(int(total) - sum(int(part.rpartition(" ")[2]) for part in parts.split(" + "))) <= 8
        )  # each is rounded


async def test_what_was_not_heard_is_not_shown(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(lab, "CLAUSE_SECONDS", 3.0)
    async with house(tmp_path, pki) as (_, url, _), talking(url, pki) as (client, microphone, terminal):
        await until(lambda: client._queue is not None)
        client.write("where is my order")
        await until(lambda: client._voice.playout.audible)
        microphone.speak(0.8)
        heard = (await terminal.wait("sophia: ")).removeprefix("sophia: ")
        assert heard.endswith(" —")
        assert ANSWER.startswith(heard.removesuffix(" —"))
        assert len(heard) < len(ANSWER)
        assert await terminal.wait("you: ") == f"you: {HEARD}"


async def test_a_server_that_comes_back_is_found_again(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(conversation, "PATIENCE", (0.1,) * 100)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with house(tmp_path, pki, port=port) as (_, url, _):
        pass
    async with talking(url, pki) as (client, _, terminal):
        assert "cannot be reached" in await terminal.wait("The server")
        async with house(tmp_path, pki, port=port):
            await until(lambda: client._queue is not None)
            client.write("where is my order")
            assert await terminal.wait("sophia: ") == f"sophia: {ANSWER}"


async def test_she_goes_on_where_the_conversation_was(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(conversation, "PATIENCE", (0.1,) * 100)
    key = tmp_path / "key"
    key.write_text("a-key-of-the-tests\n")
    lab = Deaf()
    async with house(tmp_path, pki, lab=lab, api_key_file=key) as (_, url, _):
        port = int(url.partition("#")[0].rstrip("/").rpartition(":")[2])
        running = talking(url, pki)
        client, _, terminal = await running.__aenter__()
        await until(lambda: client._queue is not None)
        client.write("My name is Kim.")
        await terminal.wait("sophia: ")
    async with house(tmp_path, pki, lab=lab, api_key_file=key, port=port):
        await terminal.wait("She goes on where the conversation was.")
        client.write("What is my name?")
        await terminal.wait("sophia: ")
        await running.__aexit__(None, None, None)
    assert lab.prompts[-1].index("My name is Kim.") < lab.prompts[-1].index("What is my name?")


async def test_soundbites_wait_for_a_server_that_is_away(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(conversation, "PATIENCE", (0.1,) * 1000)
    voice = np.full(16_000, 9000, np.int16)
    settings = SoundbiteSettings(lead_seconds=0, pause_seconds=0, tail_seconds=None, wait_for_cue=True)
    source = Soundbite([Bite("one.wav", voice), Bite("two.wav", voice)], settings)
    terminal = Terminal()
    devices = Devices(source, NullSink(), None, None, [], None)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"https://localhost:{port}/"
    client = Client(find_server(address, ca=pki / "ca.crt"), devices, headphones=True, say=terminal.say)
    running = asyncio.create_task(client.run())
    async with house(tmp_path, pki, port=port):
        await terminal.wait("  turn 1: ")
    for _ in range(50):  # long enough for a soundbite to be said to nobody
        await terminal.wait("The server cannot be reached")
    async with house(tmp_path, pki, port=port):
        await terminal.wait("  turn 1: ")
        await asyncio.wait_for(running, 20)
    assert not [line for line in terminal.lines if "understood" in line]
    assert len(source.spoken) == 2


async def test_why_a_server_does_not_want_somebody(tmp_path, pki, other_pki, monkeypatch):
    monkeypatch.setattr(conversation, "PATIENCE", (0.01,))
    key = tmp_path / "key"
    key.write_text("a-key-of-the-tests\n")
    async with house(tmp_path, pki, api_key_file=key) as (_, url, _):
        assert "asks for its key" in await refusal(url.partition("#")[0], pki)
        assert "is not trusted" in await refusal(url, other_pki)
        async with talking(url.partition("#")[0], pki, key_file=key) as (client, _, terminal):
            await until(lambda: client._queue is not None)
            client.write("where is my order")
            assert await terminal.wait("sophia: ") == f"sophia: {ANSWER}"
    assert "cannot be reached" in await refusal(url, pki)


@asynccontextmanager
async def lease_endpoint(answers):
    """An endpoint that gives these answers, one after the other; yields its address and the keys that it was shown."""
    keys = []

    async def lease(request):
        keys.append(request.headers["Authorization"])
        return answers[min(len(keys), len(answers)) - 1]()

    app = web.Application()
    app.router.add_post("/v1/leases", lease)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", keys
    finally:
        await runner.cleanup()


async def test_a_pool_is_asked_where_to_talk_until_there_is_room(tmp_path, pki, monkeypatch):
    monkeypatch.setattr(conversation, "PATIENCE", (0.01, 0.01))
    key = tmp_path / "key"
    key.write_text(KEY)
    async with house(tmp_path, pki, api_key_file=key) as (client, url, _):
        at = url.partition("#")[0].rstrip("/")
        secrets = {"Authorization": f"Bearer {KEY}"}
        async with client.post(f"{at}/v1/realtime/client_secrets", headers=secrets, json={}) as answer:
            secret = await answer.json()
        lease = {"url": f"ws{at.removeprefix('http')}/v1/realtime", "client_secret": secret}
        answers = [lambda: web.Response(status=503), lambda: web.json_response(lease, status=201)]
        async with (
            lease_endpoint(answers) as (pool, keys),
            talking(pool, pki, key_file=key, pool=True) as (one, _, terminal),
        ):
            assert "503" in await terminal.wait("The server says no")
            await until(lambda: one._queue is not None)
            one.write("where is my order")
            assert await terminal.wait("sophia: ") == f"sophia: {ANSWER}"
        assert keys == [f"Bearer {KEY}"] * 2


@pytest.mark.parametrize(
    "lease", ["no object", {}, {"url": "x", "client_secret": 7}, {"url": "x", "client_secret": {}}]
)
async def test_what_gives_no_leases_is_told_so(tmp_path, pki, lease):
    key = tmp_path / "key"
    key.write_text(KEY)
    async with lease_endpoint([lambda: web.json_response(lease)]) as (pool, _):
        assert "gives no leases" in await refusal(pool, pki, key_file=key, pool=True)


async def test_what_is_no_protocol_ends_nothing():
    class Strange:
        async def send_str(self, text):
            pass

        async def __aiter__(self):
            for data in ("no json", "[]", '{"type": "response.done", "response": {"status": "failed", "output": []}}'):
                yield aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, data, None)

    terminal = Terminal()
    devices = Devices(Microphone(), NullSink(), None, None, [], None)
    client = Client(find_server("spark:8765"), devices, headphones=True, say=terminal.say)
    client._floor = "speaking"  # when the server before this one died
    await client._hold(Strange(), asyncio.Event())
    assert client._floor == "listening"
    assert len(terminal.lines) == 3
