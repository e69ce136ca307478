"""Endpoints and secrets in the settings: where they may be sent, and that they are shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from settings_mistakes import lines

from pipelines.settings.endpoint import Endpoint, TlsSettings
from pipelines.settings.model import Settings, SettingsError, load_settings, main, shareable
from pipelines.talk.graph import mermaid


def test_secrets_are_never_repeated(tmp_path: Path) -> None:
    text = (
        "tts:\n  endpoint:\n    api_key: hunter2\n    metadata: {authorization: [hunter2]}\n"
        "llm:\n  endpoint:\n    metadata: {Authorization: hunter2}\n"
        "face:\n  endpoint:\n    metadata: hunter2\n"
    )
    told = lines(tmp_path, text)
    assert len(told) == 4
    assert "hunter2" not in "\n".join(told)
    settings = Settings(tts={"endpoint": Endpoint(metadata={"authorization": "hunter2"}, api_key_file="/k/key.txt")})
    shared = shareable(settings)
    assert "hunter2" not in str(shared)
    assert shared["tts"]["endpoint"]["api_key_file"] == "/k/key.txt"


@pytest.mark.parametrize(
    "told",
    [
        {"telemetry.credentials": "{hunter2"},
        {"telemetry.endpoint": "https://collector:4317/?token=hunter2"},
        {"telemetry.endpoint": "https://collector:4317?token=hunter2"},
        {"telemetry.endpoint": "https://me:hun/hunter2@collector#hunter2"},
        {"llm.endpoint.target": "https://me:hunter2@model:8000/v1?api_key=hunter2"},
        {"tts.voice": "{a: https://me:hunter2@voice?hunter2"},
        {"asr.endpoint.metadata.authorization": "[hunter2"},
    ],
)
def test_a_value_that_cannot_be_used_is_told_without_what_is_secret_in_it(told: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides=told)
    assert next(iter(told)) in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("target", ["riva.lab:50051", "127.0.0.1:1", "[::1]:65535", "localhost:8001"])
def test_targets(target: str) -> None:
    endpoint = Endpoint(target=target)
    assert f"{endpoint.host}:{endpoint.port}" == target.replace("[", "").replace("]", "")


@pytest.mark.parametrize(
    "target", ["", "host", "host:", ":1", "host:0", "host:65536", "::1:50", "https://host:1", "a b:1"]
)
def test_what_is_no_target(target: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        Endpoint(target=target)


@pytest.mark.parametrize("key", ["authorization", "proxy-authorization", "x-api-key", "cookie", "auth-token"])
def test_a_secret_in_metadata_is_only_sent_over_tls_or_to_this_machine(key: str) -> None:
    clear = TlsSettings(enabled=False)
    with pytest.raises(ValidationError, match=f"metadata '{key}' is only sent over TLS or to this machine") as refused:
        Endpoint(target="riva.lab:50051", metadata={key: "hunter2"}, tls=clear)
    assert "hunter2" not in str(refused.value.errors()[0]["msg"])
    assert Endpoint(target="riva.lab:50051", metadata={key: "hunter2"}).metadata
    for here in ("localhost:50051", "127.0.0.1:50051", "127.8.8.8:50051", "[::1]:50051"):
        assert Endpoint(target=here, metadata={key: "hunter2"}, tls=clear).metadata
    for other in ("localhost.lab:50051", "192.0.2.1:50051", "[2001:db8::1]:50051"):
        with pytest.raises(ValidationError):
            Endpoint(target=other, metadata={key: "hunter2"}, tls=clear)
    assert Endpoint(target="riva.lab:50051", metadata={"function-id": "f"}, tls=clear).metadata


SECRETIVE = [
    ("telemetry.endpoint", "https://user:hunter2@collector.lab:4317"),
    ("telemetry.endpoint", "https://user:hunter2@x@collector.lab:4317"),
    ("telemetry.endpoint", "https://hunter2@collector.lab:4317"),
    ("telemetry.endpoint", "https://user:hunter2@collector.lab:4317/path/that/is/wrong"),
    ("telemetry.endpoint", "https://user:hun/ter2@collector.lab:4317"),
    ("telemetry.endpoint", "http://user:hunter2@collector.lab:4317"),
    ("telemetry.endpoint", "user:hunter2@collector.lab:4317"),
    ("telemetry.credentials", "user:hunter2"),
    ("telemetry.credentials", "[hunter2]"),
    ("llm.endpoint.target", "user:hunter2@nova.lab:8001"),
    ("stack.prometheus", "http://user:hunter2@prometheus.lab:9090"),
]


@pytest.mark.parametrize(("key", "value"), SECRETIVE)
def test_a_password_in_an_address_is_shown_nowhere(
    key: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        settings = load_settings(None, {key: value}, {})
    except SettingsError as error:
        shown = "\n".join(error.lines)
    else:
        shown = "\n".join([yaml.safe_dump(shareable(settings)), repr(settings), settings.model_dump_json()])
        shown += mermaid(settings)
        assert settings.telemetry.credentials is not None
        assert "hunter2" in settings.telemetry.credentials.get_secret_value()
    path = tmp_path / "secretive.yaml"
    section, *rest = key.split(".")
    content: object = value
    for part in reversed(rest):
        content = {part: content}
    path.write_text(yaml.safe_dump({section: content}))
    main([str(path)])
    shown += "".join(capsys.readouterr())
    assert "hunter2" not in shown
    assert "ter2" not in shown


def test_an_api_key_is_never_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match="only sent over TLS"):
        Endpoint(api_key_env="KEY", tls=TlsSettings(enabled=False))
