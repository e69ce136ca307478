"""What people paste to reach a server by."""

import pytest

from pipelines.client.__main__ import main
from pipelines.client.address import BadAddress, find_server


@pytest.mark.parametrize(
    ("text", "url", "key"),
    [
        ("http://127.0.0.1:8765/", "ws://127.0.0.1:8765/v1/realtime", None),
        ("spark:8765", "ws://spark:8765/v1/realtime", None),
        ("https://spark:8765/#key=Yx2-._~", "wss://spark:8765/v1/realtime", "Yx2-._~"),
        ("wss://spark/v1/realtime", "wss://spark/v1/realtime", None),
        ("http://[::1]:80", "ws://[::1]:80/v1/realtime", None),
    ],
)
def test_an_address_as_the_server_prints_it(text, url, key):
    found = find_server(text)
    assert (found.url, found.key) == (url, key)
    assert (found.tls is not None) == url.startswith("wss")
    assert key is None or key not in repr(found)


def test_where_the_key_comes_from(tmp_path):
    assert find_server("https://spark:8765/#key=pasted").key == "pasted"
    file = tmp_path / "key"
    file.write_text("of the file\n")
    assert find_server("https://spark:8765/#key=pasted", key_file=file).key == "of the file"


@pytest.mark.parametrize("text", ["", "ftp://spark/", "http://", "https:///x#key=secret", "http://[::1"])
def test_no_address(text):
    with pytest.raises(BadAddress) as told:
        find_server(text)
    assert "secret" not in str(told.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(BadAddress, match=r"no\.key cannot be read"):
        find_server("spark:8765", key_file=tmp_path / "no.key")
    with pytest.raises(BadAddress, match=r"no\.crt cannot be read"):
        find_server("https://spark:8765", ca=tmp_path / "no.crt")
    (tmp_path / "ca.crt").write_text("no certificate")
    with pytest.raises(BadAddress, match=r"ca\.crt cannot be read"):
        find_server("https://spark:8765", ca=tmp_path / "ca.crt")


def test_a_setting_without_a_value_is_refused(capsys):
    assert main(["--set", "microphone.device"]) == 2
    assert "--set microphone.device: write KEY=VALUE" in capsys.readouterr().err
