"""Who may call, and what is said to those who may not: the rules of the WebSocket, over HTTP."""

import asyncio
import sys

import pytest
from rooms import house

OFFER = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
SDP = {"Content-Type": "application/sdp"}
CALLS = "/v1/realtime/calls"
KEY = "a-key-of-the-tests"

pytestmark = pytest.mark.services


async def told(answer):
    return answer.status, (await answer.json())["error"]["code"]


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key"
    path.write_text(KEY)
    return path


async def test_without_the_extra_it_says_what_to_install(tmp_path, pki, monkeypatch):
    monkeypatch.setitem(sys.modules, "aiortc", None)
    monkeypatch.delitem(sys.modules, "pipelines.server.peer", raising=False)
    async with (
        house(tmp_path, pki) as (client, url, _),
        client.post(url + CALLS, data=OFFER, headers=SDP) as answer,
    ):
        assert answer.status == 501
        error = (await answer.json())["error"]
        assert error["code"] == "webrtc_not_installed"
        assert error["message"].endswith(".venv/bin/python -m pip install -e '.[webrtc]'")


async def test_a_key_or_a_secret_opens_and_nothing_else_does(tmp_path, pki, key):
    pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
    async with house(tmp_path, pki, api_key_file=key) as (client, address, _):
        url = address.partition("/#")[0]
        async with client.post(url + CALLS, data=OFFER, headers=SDP) as answer:
            assert await told(answer) == (401, "invalid_api_key")
        shown = {"Authorization": f"Bearer {KEY}"}
        async with client.post(url + CALLS, data=OFFER, headers=SDP | shown) as answer:
            assert await told(answer) == (400, "invalid_offer")
        async with client.post(url + "/v1/realtime/client_secrets", json={}, headers=shown) as answer:
            secret = {"Authorization": f"Bearer {(await answer.json())['value']}"}
        async with client.post(url + CALLS, data=OFFER, headers=SDP | secret) as answer:
            assert await told(answer) == (400, "invalid_offer")
        async with client.post(url + CALLS + "/call_1/hangup", headers=secret) as answer:
            assert await told(answer) == (401, "invalid_api_key")
        async with client.post(url + CALLS + "/call_1/hangup", headers=shown) as answer:
            assert await told(answer) == (404, "call_not_found")


async def test_pages_of_others_are_refused_and_allowed_ones_may_read(tmp_path, pki):
    async with house(tmp_path, pki, origins=("https://friend.lab",)) as (client, url, _):
        foe, friend = {"Origin": "https://foe.lab"}, {"Origin": "https://friend.lab"}
        for method in ("POST", "OPTIONS"):
            async with client.request(method, url + CALLS, data=OFFER, headers=SDP | foe) as answer:
                assert await told(answer) == (403, "origin_not_allowed")
                assert "Access-Control-Allow-Origin" not in answer.headers
        async with client.options(url + CALLS, headers=friend) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == "https://friend.lab"
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
        async with client.post(url + CALLS, data=OFFER, headers=SDP | friend) as answer:
            assert answer.status in (400, 501)
            assert answer.headers["Access-Control-Allow-Origin"] == "https://friend.lab"
            assert answer.headers["Access-Control-Expose-Headers"] == "Location"
            assert answer.headers["Vary"] == "Origin"


FORM = "multipart/form-data; boundary=x"


def form(session):
    return f'--x\r\nContent-Disposition: form-data; name="session"\r\n\r\n{session}\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (OFFER, "text/plain"),
        (OFFER, "application/sdp"),
        (b"\xff\xfe", "application/sdp"),
        ("v=0\r\n" + "a=x\r\n" * 40_000, "application/sdp"),
        ("no form", "multipart/form-data"),
        ("no form", FORM),
        (form("[]"), FORM),
        (form("{"), FORM),
        (form("[" * 100_000), FORM),
        (form('{"type": "x"}'), FORM),
        (form("{}"), FORM),
    ],
)
async def test_what_is_no_offer_is_refused_in_openais_shape(tmp_path, pki, content, kind):
    pytest.importorskip("aiortc", reason="the extra webrtc is not installed")
    async with (
        house(tmp_path, pki) as (client, url, _),
        client.post(url + CALLS, data=content, headers={"Content-Type": kind}) as answer,
    ):
        assert answer.status == 400
        error = (await answer.json())["error"]
        assert error["type"] == "invalid_request_error"
        assert error["message"]


async def test_a_real_client_of_openais_calls_and_hangs_up(tmp_path, pki, key):
    """The package's own two methods, with a session in the form."""
    openai = pytest.importorskip("openai")
    httpx = pytest.importorskip("httpx2")
    call_client = pytest.importorskip("call_client")
    from served_page import trust

    async with house(tmp_path, pki, api_key_file=key, client_instructions=True) as (_, address, _):
        url = address.partition("/#")[0]
        api = openai.AsyncOpenAI(
            base_url=url + "/v1", api_key=KEY, http_client=httpx.AsyncClient(verify=trust(pki)), max_retries=0
        )
        one = call_client.CallClient()
        try:
            answer = await api.realtime.calls.with_raw_response.create(
                sdp=await one.offer(), session={"type": "realtime", "instructions": "Be short."}
            )
            await one.answer(answer.text)
            session = (await one.wait("session.created"))["session"]
            assert session["instructions"] == "Be short."
            await api.realtime.calls.hangup(answer.headers["Location"].rpartition("/")[2])
            await one.over()
        finally:
            await one.close()
            await api.close()


async def test_of_many_that_call_at_once_no_more_are_let_in_than_there_are_places(tmp_path, pki):
    call_client = pytest.importorskip("call_client")
    counts = []
    async with house(tmp_path, pki, sessions=2, talking=counts.append) as (client, url, _):
        callers = [call_client.CallClient() for _ in range(5)]
        offers = [await one.offer() for one in callers]

        async def post(offer):
            async with client.post(url + CALLS, data=offer, headers=SDP) as answer:
                return answer.status

        assert sorted(await asyncio.gather(*map(post, offers))) == [201, 201, 503, 503, 503]
        assert max(counts) == 2
        for one in callers:
            await one.close()
