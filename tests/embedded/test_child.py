"""What every embedded service is told on its command line, and how it refuses what contradicts itself."""

from __future__ import annotations

import json

import pytest

from pipelines.embedded import child


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--plaintext", "--host", "0.0.0.0"], "loopback only"),
        (["--plaintext", "--host", "192.168.1.7"], "loopback only"),
        (["--plaintext", "--mtls"], "needs --tls"),
    ],
)
def test_plaintext_stays_on_the_machine(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        child.options(child.parser("a service").parse_args(arguments))
    assert ended.value.code == 1
    assert why in json.loads(capsys.readouterr().out)["failed"]


@pytest.mark.parametrize("arguments", [[], ["--tls", "folder", "--plaintext"]])
def test_a_service_is_told_one_of_tls_and_plaintext(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        child.parser("a service").parse_args(arguments)
    assert ended.value.code == 2


def test_plaintext_on_loopback_is_as_asked() -> None:
    options = child.options(child.parser("a service").parse_args(["--plaintext", "--port", "50051"]))
    assert (options.tls, options.host, options.port) == (None, "127.0.0.1", 50051)
