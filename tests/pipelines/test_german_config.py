"""German out of the box: the configuration, and the questions that are asked where there is no microphone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.settings.model import load_settings
from pipelines.talk import devices
from pipelines.talk.devices import BUNDLED, Bites, open_devices

GERMAN = load_settings("embedded-de.yaml", environment={})


def test_one_line_makes_everything_german() -> None:
    assert {GERMAN.asr.language, GERMAN.tts.language, GERMAN.turns.language} == {"de-DE"}
    assert GERMAN.embedded is True
    assert "auf Deutsch" in GERMAN.llm.persona  # what the embedded mind looks for


def test_auto_is_english_and_german() -> None:
    both = load_settings("embedded-auto.yaml", environment={})
    assert (both.asr.language, both.tts.language, both.turns.languages) == ("auto", "en-US", ("de-DE",))
    assert both.tts.of("de-DE").language == "de-DE"


@pytest.mark.parametrize(
    ("config", "folders"),
    [
        ("embedded-de.yaml", {BUNDLED / "german"}),
        ("embedded.yaml", {BUNDLED}),
        ("embedded-auto.yaml", {BUNDLED, BUNDLED / "german"}),
    ],
)
async def test_without_a_microphone_its_own_questions_are_asked(
    config: str, folders: set[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read: list[Path] = []
    reading = devices.read_bites

    def noted(paths: list[Path]) -> Bites:
        read.extend(paths)
        return reading(paths)

    monkeypatch.setattr(devices, "missing_device", lambda kind: "none")
    monkeypatch.setattr(devices, "read_bites", noted)
    opened = open_devices(
        load_settings(config, environment={}), Bites([], []), tmp_path / "reply.wav", 16_000, lambda event: None
    )
    await opened.sink.aclose()
    assert read
    assert {path.parent for path in read} == folders == {path.parent for path in read[: len(folders)]}
