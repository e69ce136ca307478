"""A whole talk by the program in the simulated lab: its exit code, and what the user was told."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab import Lab, config, serving

from pipelines.conversation import face_show
from pipelines.settings.model import load_settings
from pipelines.talk.program import Options, VoiceLoop
from pipelines.telemetry.ledger import Ledger
from pipelines.terminal.display import SilentDisplay

ROOT = Path(__file__).parents[2]
QUESTION = next((ROOT / "pipelines/soundbites").glob("*what_time.wav"))
SERVICES = ("asr", "llm", "tts", "face")


@contextmanager
def patient_with_the_face() -> Iterator[None]:
    """Frames that come late are told in ``test_face_show.py``, on a virtual clock; here the machine may be busy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_show, "MISSING_LIMIT", 1.0)
        yield


@dataclass
class Told(SilentDisplay):
    """What a user was told."""

    errors: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    turns: list[Ledger] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def error(self, failure_line: str, hint: str = "") -> None:
        self.errors.append(f"{failure_line} {hint}".strip())

    def notice(self, line: str) -> None:
        if line != "She is listening.":
            self.notices.append(line)

    def final(self, text: str) -> None:
        self.texts.append(text)

    def turn(self, ledger: Ledger) -> None:
        self.turns.append(ledger)


async def hold(config: Path, *bites: Path, **options: Any) -> tuple[int, Told]:
    """A session with these soundbites: its exit code, and what was told."""
    told = Told()
    settings = load_settings(config, {}, {})
    async with asyncio.timeout(90):
        code = await VoiceLoop(settings, Options("lab.yaml", bites or (QUESTION,), **options), told).run()
    for line in (*told.errors, *told.notices):
        assert line.isprintable()
        assert "Traceback" not in line
        assert "defect" not in line
    return code, told


async def hold_in_lab(lab: Lab, tmp_path: Path, pki: Path, *bites: Path, **options: Any) -> tuple[int, Told]:
    async with serving(lab, pki) as port:
        return await hold(config(tmp_path, pki, dict.fromkeys(SERVICES, port)), *bites, **options)


def loud_seconds(wav: Path) -> float:
    """How long the file sounds."""
    with wave.open(str(wav)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        blocks = pcm[: len(pcm) // 220 * 220].reshape(-1, 220)
        return float(np.count_nonzero(np.abs(blocks.astype(int)).max(axis=1) > 500)) * 220 / file.getframerate()
