"""Where it is served: plain on this machine, over TLS and with a key on any other address."""

import os
import ssl
import stat

import pytest
from pydantic import ValidationError

from pipelines.server.errors import ServerError
from pipelines.server.place import KEY_FILE, find_place
from pipelines.settings.server import ServerSettings


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_this_machine_needs_neither_tls_nor_a_key(host):
    place = find_place(ServerSettings(host=host))
    assert (place.tls, place.key) == (None, None)
    assert place.url_to_open(8765).startswith("http://")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.20", "spark.lab"])
def test_others_get_tls_and_a_key(host, at_home):
    place = find_place(ServerSettings(host=host, names=("desk.lab",)))
    assert isinstance(place.tls, ssl.SSLContext)
    assert place.access.asks_for_a_key
    assert place.url_to_open(8765).startswith("https://")
    assert place.url_to_open(8765).endswith(f":8765/#key={place.key}")
    assert place.key not in place.url(8765)
    assert place.access.page({"Host": "desk.lab:8765"}) is None
    assert place.access.page({"Host": "evil.example"}) is not None
    made = at_home / KEY_FILE
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert find_place(ServerSettings(host=host)).key == place.key, "the next start has the same key"
    assert [name for name in os.listdir(at_home) if name.startswith(".")] == []


def test_a_key_of_ones_own_is_asked_for_on_this_machine_as_well(tmp_path):
    file = tmp_path / "key"
    file.write_text("0123456789abcdef\n")
    assert find_place(ServerSettings(api_key_file=file)).key == "0123456789abcdef"


@pytest.mark.parametrize("content", ["", "short", "0123456789 abcdef", "0123456789,abcdef", None, b"\xff" * 20])
def test_a_key_that_no_browser_can_show_is_refused(tmp_path, content):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ServerError, match=r"server\.api_key_file") as refused:
        find_place(ServerSettings(api_key_file=file))
    assert "\n" not in str(refused.value)


def test_files_of_ones_own_are_served(pki):
    place = find_place(ServerSettings(cert=pki / "server.crt", key=pki / "server.key"))
    assert place.tls is not None
    assert place.key is None


def test_files_that_are_no_certificate_are_told(tmp_path, pki):
    (tmp_path / "none.crt").write_text("nothing")
    for cert in (tmp_path / "none.crt", tmp_path / "missing.crt", pki / "client.crt"):
        with pytest.raises(ServerError, match=r"server\.cert") as refused:
            find_place(ServerSettings(cert=cert, key=pki / "server.key"))
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "http://localhost"},
        {"host": "localhost/"},
        {"port": 65536},
        {"cert": "a.crt"},
        {"names": ["*.lab"]},
        {"origins": ["sophia.lab"]},
        {"origins": ["https://sophia.lab/"]},
    ],
)
def test_mistakes_are_found_in_the_settings(wrong):
    with pytest.raises(ValidationError):
        ServerSettings.model_validate(wrong)
