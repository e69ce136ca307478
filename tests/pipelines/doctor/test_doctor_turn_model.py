"""What the doctor says of the turn model on audio."""

from __future__ import annotations

from pathlib import Path

import pytest
import sound_network
from fake_machines import FakeHost

from pipelines.doctor.checklist import Context
from pipelines.doctor.finding import Mark, Result
from pipelines.doctor.manifest import find_manifest, read_manifest
from pipelines.doctor.turn_model import TURN_MODEL
from pipelines.settings.model import Settings
from sophia.turn_settings import TurnSettings


async def looked_at(veto: float) -> Result:
    settings = Settings(turns=TurnSettings(sound_veto=veto))
    return await TURN_MODEL.probe(Context(FakeHost(), read_manifest(find_manifest("dgx-spark")), settings))


async def test_nobody_asks_for_it() -> None:
    assert (await looked_at(0.0)).mark is Mark.SKIP


async def test_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path))
    missing = await looked_at(0.1)
    assert (missing.mark, missing.fix) == (Mark.FAIL, "make prepare EXTRAS=turn")
    file = sound_network.install(tmp_path, monkeypatch, 0.5)
    assert await looked_at(0.1) == Result(Mark.OK, "smart-turn-v3.2, 0 MB, whole")
    file.write_bytes(b"another")
    assert (await looked_at(0.1)).mark is Mark.FAIL
