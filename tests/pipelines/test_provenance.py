"""Where a turn comes from: what each line tells of its conversation, and what a hash of settings depends on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from pipelines.settings.fingerprint import fingerprint
from pipelines.settings.insights import CONSENTS
from pipelines.settings.model import Settings, load_settings
from pipelines.telemetry.ledger import Ledger
from pipelines.telemetry.provenance import Models, Provenance, ledger_line

BERLIN = timezone(timedelta(hours=1))
HERE = Provenance(
    id="0" * 32,
    began=datetime(2026, 11, 30, 22, 0, 0, 123456, tzinfo=BERLIN),
    loop_time=12.5,
    site="lab",
    mode="page",
    language="de-DE",
    models=Models(asr="parakeet", llm="nova", tts="her"),
    settings="0123456789ab",
    consent="words",
)


def test_each_line_names_its_conversation_and_keeps_words_apart():
    line = json.loads(json.dumps(ledger_line(Ledger(3, user="wo ist es"), HERE, words=True)))
    version = line["conversation"].pop("sophia")
    assert version
    assert list(line)[:3] == ["schema", "conversation", "turn"]
    assert line["conversation"] == {
        "id": "0" * 32, "person": "", "began": "2026-11-30T21:00:00.123456+00:00", "loop_time": 12.5, "site": "lab",
        "mode": "page", "language": "de-DE", "models": {"asr": "parakeet", "llm": "nova", "tts": "her", "face": ""},
        "settings": "0123456789ab", "arm": "", "consent": "words",
    }  # fmt: skip
    assert line["words"]["user"] == "wo ist es"
    assert "words" not in ledger_line(Ledger(3, user="wo ist es"), HERE, words=False)
    assert "conversation" not in ledger_line(Ledger(3), None, words=True)


@pytest.mark.parametrize("consent", CONSENTS)
def test_a_consent_includes_those_before_it(consent: Any):
    given = Provenance("", datetime.now(UTC), 0.0, consent=consent)
    assert [given.allows(what) for what in CONSENTS] == [n <= CONSENTS.index(consent) for n in range(len(CONSENTS))]


def settings(**overrides: str) -> Settings:
    return load_settings(None, {key.replace("__", "."): value for key, value in overrides.items()}, {})


@pytest.mark.parametrize(
    "change",
    [
        {"asr__endpoint__target": "elsewhere:1"},
        {"llm__endpoint__api_key_env": "KEY"},
        {"server__port": "1"},
        {"microphone__device": "Headset"},
        {"speaker__device": "Headset"},
        {"face__stream": "127.0.0.1:11111"},
        {"telemetry__metrics_port": "9464"},
        {"embedded": "true"},
    ],
)
def test_where_things_are_does_not_change_the_hash_of_settings(change: dict[str, str]):
    assert fingerprint(settings(**change)) == fingerprint(settings())


@pytest.mark.parametrize(
    "change",
    [
        {"language": "de-DE"},
        {"turns__pause_complete": "0.3"},
        {"llm__max_tokens": "255"},  # its name has a token in it, and it is no secret
        {"llm__persona": "You are somebody else."},
        {"asr__boost": "11"},
        {"tts__voice": "other"},
        {"face__enabled": "false"},
        {"microphone__echo": "off"},
        {"microphone__vad__onset": "0.6"},
        {"mood": "off"},
        {"tools__use": '["clock"]'},
        {"tools__mcp__files__command": "server"},
        {"greeting__say": "Hello."},
    ],
)
def test_what_matters_to_a_conversation_changes_it(change: dict[str, str]):
    assert fingerprint(settings(**change)) != fingerprint(settings())


def test_how_a_server_of_tools_is_reached_does_not_change_it():
    here, there = (settings(tools__mcp__files__command=command) for command in ("server", "/opt/server"))
    assert fingerprint(here) == fingerprint(there)


def test_the_hash_is_the_same_from_any_folder(tmp_path: Path):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "it.yaml").write_text("face: {model: head.glb, network: {folder: net}}\n")
    found = {fingerprint(load_settings(tmp_path / name / "it.yaml", {}, {})) for name in ("here", "there")}
    assert len(found) == 1
    assert found == {fingerprint(settings())}
    assert all(len(one) == 12 and int(one, 16) >= 0 for one in found)
