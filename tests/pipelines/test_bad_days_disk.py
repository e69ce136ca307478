"""Disks that fill up under a talk: what was written is kept, and the talk goes on."""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lab import Lab
from talk_in_lab import QUESTION, hold_in_lab, patient_with_the_face

from pipelines.telemetry.ledger import Outcome
from sophia.wav import read_wav

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", autouse=True)
def _patient() -> Iterator[None]:
    with patient_with_the_face():
        yield


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """What a full disk does, done by the kernel: a write past ``size`` bytes of any file fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


async def test_a_disk_that_fills_up_ends_the_recording_not_the_talk_and_keeps_what_was_written(
    tmp_path: Path, pki: Path
) -> None:
    take = tmp_path / "take"
    with files_no_larger_than(64 << 10):  # 2 s of the user's sound
        code, told = await hold_in_lab(Lab(), tmp_path, pki, QUESTION, QUESTION, record=take)
    assert code == 6
    (line,) = told.errors
    assert line.startswith("Recording stopped, the conversation goes on: File too large")
    assert [ledger.outcome for ledger in told.turns] == [Outcome.REPLIED] * 2
    assert 1.0 < read_wav(take / "user.wav").seconds <= 2.05
    assert not json.loads((take / "manifest.json").read_text())["complete"]
    assert (take / "events.jsonl").read_text().startswith("{")


async def test_a_disk_that_fills_up_under_her_voice_ends_the_file_not_the_talk(tmp_path: Path, pki: Path) -> None:
    reply = tmp_path / "reply.wav"
    with files_no_larger_than(64 << 10):  # 1.5 s of her voice
        code, told = await hold_in_lab(Lab(), tmp_path, pki, QUESTION, QUESTION, reply=reply)
    assert code == 6
    (line,) = told.errors
    assert "what was written before is kept" in line
    assert [ledger.outcome for ledger in told.turns] == [Outcome.REPLIED] * 2
    assert 1.0 <= read_wav(reply).seconds <= 1.55


@pytest.mark.side_by_side
@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
async def test_a_full_device_under_the_ledgers_is_told_once(tmp_path: Path, pki: Path) -> None:
    code, told = await hold_in_lab(Lab(), tmp_path, pki, QUESTION, QUESTION, json=Path("/dev/full"))
    assert code == 6
    assert told.errors == ["The ledgers cannot be written: No space left on device. What was written before is kept."]
    assert [ledger.outcome for ledger in told.turns] == [Outcome.REPLIED] * 2
