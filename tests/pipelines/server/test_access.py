"""Who may come in: the table of names, pages and keys."""

import pytest
from multidict import CIMultiDict

from pipelines.server.access import Access, readable

KEY = "a-key-that-nobody-guesses"


def headers(host="localhost:8765", **more):
    return CIMultiDict({"Host": host} | {name.replace("_", "-"): value for name, value in more.items()})


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("localhost:8765", True),
        ("LOCALHOST.", True),
        ("localhost:9999", True),  # an ssh tunnel from another port
        ("127.0.0.1:8765", True),
        ("[::1]:8765", True),
        ("192.168.1.20", True),  # no name points here by its digits
        ("spark.lab", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.nip.example", False),
        ("localhost@evil.example", False),
        ("evil.example@localhost", False),
        ("localhost:port", False),
        ("localhost/evil", False),
        ("", False),
    ],
)
def test_it_answers_to_its_own_names_alone(host, good):
    access = Access(["localhost", "spark.lab"])
    assert (access.page(headers(host)) is None) is good
    assert (access.talk(headers(host), secure=False, now=0) is None) is good


@pytest.mark.parametrize(
    ("host", "origin", "secure", "good"),
    [
        ("localhost:8765", None, False, True),  # no browser
        ("localhost:8765", "http://localhost:8765", False, True),
        ("localhost:9999", "http://localhost:9999", False, True),
        ("localhost:8765", "http://localhost:3000", False, False),  # another program's page on this machine
        ("localhost:8765", "http://127.0.0.1:8765", False, False),
        ("localhost:8765", "https://localhost:8765", False, False),
        ("spark.lab", "https://spark.lab", True, True),
        ("spark.lab:443", "https://spark.lab", True, True),
        ("spark.lab", "http://spark.lab", True, False),
        ("localhost:8765", "http://evil.example", False, False),
        ("localhost:8765", "http://localhost:8765.evil.example", False, False),
        ("localhost:8765", "null", False, False),  # a sandboxed frame, a file
        ("localhost:8765", "file://", False, False),
        ("localhost:8765", "", False, False),
        ("localhost:8765", "https://sophia.lab", False, True),  # server.origins
        ("localhost:8765", "https://sophia.lab:444", False, False),
        ("localhost:8765", "http://sophia.lab", False, False),
    ],
)
def test_pages_of_others_may_not_connect(host, origin, secure, good):
    access = Access(["localhost", "spark.lab"], ["https://sophia.lab"])
    asked = headers(host) if origin is None else headers(host, Origin=origin)
    refusal = access.talk(asked, secure=secure, now=0)
    assert (refusal is None) is good
    assert good or refusal.status == 403


@pytest.mark.parametrize(
    ("shown", "good"),
    [
        ({}, False),
        ({"Authorization": f"Bearer {KEY}"}, True),
        ({"Authorization": f"bearer {KEY}"}, True),
        ({"Authorization": f"Basic {KEY}"}, False),
        ({"Authorization": "Bearer "}, False),
        ({"Authorization": f"Bearer {KEY}x"}, False),
        ({"Authorization": "Bearer ключ"}, False),
        ({"Authorization": "Bearer \udcff"}, False),
        ({"api-key": KEY}, True),
        ({"X-API-Key": KEY}, True),
        ({"Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{KEY}"}, True),
        ({"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key."}, False),
        ({"Sec-WebSocket-Protocol": f"realtime, {KEY}"}, False),
    ],
)
def test_whoever_has_a_key_shows_it(shown, good):
    access = Access(["localhost"], key=KEY)
    refusal = access.talk(CIMultiDict({"Host": "localhost", **shown}), secure=False, now=0)
    assert (refusal is None) is good
    assert good or refusal.status == 401
    assert access.page(headers()) is None  # the page itself holds nothing that is secret


def test_a_key_does_not_help_a_foreign_page():
    asked = headers(Origin="http://evil.example", Authorization=f"Bearer {KEY}")
    assert Access(["localhost"], key=KEY).talk(asked, secure=False, now=0).status == 403


def test_browsers_are_told_on_an_open_socket():
    assert readable(headers(Origin="http://localhost:8765"))
    assert readable(headers(Sec_WebSocket_Protocol="realtime"))
    assert not readable(headers(Authorization="Bearer x"))


def test_a_client_secret_opens_conversations_until_it_ends():
    access = Access(["localhost"], key=KEY)
    shown = headers(Authorization=f"Bearer {access.secrets.mint({'type': 'realtime'}, 1000)}")
    assert access.talk(shown, secure=True, now=999) is None
    assert access.wished(shown, 999) == {"type": "realtime"}
    assert access.talk(shown, secure=True, now=1000).status == 401
    assert access.call(shown, secure=True).status == 401
    foreign = headers(Authorization=shown["Authorization"], Origin="http://evil.example")
    assert access.talk(foreign, secure=True, now=999).status == 403
