"""What programs ask over HTTP, of a whole server: models, client secrets, readiness, metrics."""

import socket

import grpc.aio
import pytest
from page_client import until
from rooms import house

pytestmark = pytest.mark.services

KEY = "a-key-of-the-tests"


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    return file


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def bare(url):
    return url.partition("/#")[0]


async def test_programs_need_the_key_and_probes_do_not(tmp_path, pki, key_file):
    async with house(tmp_path, pki, api_key_file=key_file) as (client, address, runtime):
        url = bare(address)
        for path in ("/v1/models", "/v1/models/x", "/metrics", "/load"):
            async with client.get(url + path) as answer:
                assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
        async with client.post(url + "/v1/realtime/client_secrets") as answer:
            assert (await answer.json())["error"]["code"] == "invalid_api_key"
        for path in ("/healthz", "/readyz"):
            async with client.get(url + path) as answer:
                assert answer.status == 200
        model = runtime.settings.llm.model
        async with client.get(url + "/v1/models", headers=bearer(KEY)) as answer:
            assert [one["id"] for one in (await answer.json())["data"]] == [model]
        async with client.get(f"{url}/v1/models/{model}", headers=bearer(KEY)) as answer:
            assert (await answer.json())["object"] == "model"
        async with client.get(url + "/v1/models/gpt", headers=bearer(KEY)) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (404, "model_not_found")
        async with client.get(url + "/metrics", headers=bearer(KEY)) as answer:
            assert "sophia_sessions 0.0" in await answer.text()


async def test_a_browser_talks_with_a_secret_and_the_session_is_as_it_was_minted(tmp_path, pki, key_file):
    async with house(tmp_path, pki, api_key_file=key_file) as (client, address, _):
        url = bare(address)
        rate = {"type": "audio/pcm", "rate": 16_000}
        session = {"type": "realtime", "extensions": ["sophia.floor"], "audio": {"input": {"format": rate}}}
        wish = {"expires_after": {"anchor": "created_at", "seconds": 60}, "session": session}
        async with client.post(url + "/v1/realtime/client_secrets", json=wish, headers=bearer(KEY)) as answer:
            minted = await answer.json()
            assert answer.headers["Cache-Control"] == "no-store"
        assert minted["session"]["audio"]["input"]["format"] == rate
        assert minted["session"]["extensions"] == ["sophia.floor"]
        protocols = ("realtime", f"openai-insecure-api-key.{minted['value']}")
        origin = {"Origin": url}
        async with client.ws_connect(url + "/v1/realtime", protocols=protocols, headers=origin) as socket:
            assert socket.protocol == "realtime"
            created = (await socket.receive_json())["session"]
            assert created["audio"]["input"]["format"] == rate
            assert created["extensions"] == ["sophia.floor"]
        # It opens conversations, and nothing else.
        headers = bearer(minted["value"])
        for method, path in (("GET", "/metrics"), ("GET", "/v1/models"), ("POST", "/v1/realtime/client_secrets")):
            async with client.request(method, url + path, headers=headers) as answer:
                assert answer.status == 401
        async with client.get(url + "/v1/realtime", headers=bearer(minted["value"][:-1] + "A")) as answer:
            assert answer.status == 401


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"no json", "no JSON"),
        (b"[" * 50_000, "no JSON"),
        (b"[]", "JSON object"),
        (b'{"session": []}', "objects"),
        (b'{"expires_after": {"seconds": 9}}', "from 10 to 7200"),
        (b'{"expires_after": {"seconds": true}}', "from 10 to 7200"),
        (b'{"expires_after": {"seconds": 1e3}}', "from 10 to 7200"),
        (b'{"expires_after": {"anchor": "later"}}', "created_at"),
        (b'{"session": {"type": "realtime", "audio": {"input": {"format": {"rate": 7}}}}}', "8000"),
    ],
)
async def test_a_wish_that_cannot_be_met_is_told(tmp_path, pki, body, told):
    async with (
        house(tmp_path, pki) as (client, url, _),
        client.post(url + "/v1/realtime/client_secrets", data=body) as answer,
    ):
        error = (await answer.json())["error"]
        assert (answer.status, error["code"]) == (400, "invalid_value")
        assert told in error["message"]


async def test_a_request_that_is_too_large_is_not_read(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _):
        async with client.post(url + "/v1/realtime/client_secrets", data=b" " * 70_000) as answer:
            assert answer.status == 413

        async def endless():
            for _ in range(100):
                yield b" " * 40_000

        async with client.post(url + "/v1/realtime/client_secrets", data=endless()) as answer:
            assert answer.status == 413


async def test_a_foreign_page_gets_no_secret(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, _):
        foreign = {"Origin": "https://evil.example"}
        async with client.post(url + "/v1/realtime/client_secrets", headers=foreign) as answer:
            assert answer.status == 403


async def test_it_is_not_ready_while_a_service_is_away(tmp_path, pki):
    async with house(tmp_path, pki) as (client, url, runtime):

        async def ready():
            async with client.get(url + "/readyz") as answer:
                return answer.status, await answer.text()

        assert await ready() == (200, "ready\n")
        services = runtime._services[0]
        assert set(services.channels) == {"asr", "llm", "tts", "face"}
        with socket.create_server(("127.0.0.1", 0)) as free:
            nowhere = f"127.0.0.1:{free.getsockname()[1]}"
        async with grpc.aio.insecure_channel(nowhere) as ears, grpc.aio.insecure_channel(nowhere) as face:
            services.channels = {"asr": ears, "face": face}
            await until(lambda: runtime.away == ["asr"])
            assert await ready() == (503, "cannot reach: asr\n")


async def test_a_dispatcher_is_told_who_talks_and_whether_there_is_room(tmp_path, pki):
    async with house(tmp_path, pki, sessions=1) as (client, url, runtime):

        async def load():
            async with client.get(url + "/load") as answer:
                return await answer.json()

        assert await load() == {"places": 1, "talking": 0, "arrived": 0, "room": True}
        async with client.ws_connect(url + "/v1/realtime"):
            assert await load() == {"places": 1, "talking": 1, "arrived": 1, "room": False}
            assert runtime.telemetry.metrics.registry.get_sample_value("sophia_places") == 1
            async with client.ws_connect(url + "/v1/realtime?watch=1"):
                assert (await load())["arrived"] == 1, "who watches takes no place"
        await until(lambda: runtime.telemetry.metrics.registry.get_sample_value("sophia_pages", {"role": "talk"}) == 0)
        assert await load() == {"places": 1, "talking": 0, "arrived": 1, "room": True}


async def test_where_nobody_may_watch_nothing_is_there_to_watch(tmp_path, pki):
    async with house(tmp_path, pki, watchers=0) as (client, url, _), client.ws_connect(url + "/v1/realtime"):
        async with client.get(url + "/page.json") as answer:
            assert (await answer.json())["watch"] is False
        async with client.get(url + "/v1/realtime?watch=1") as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (404, "nothing_to_watch")
