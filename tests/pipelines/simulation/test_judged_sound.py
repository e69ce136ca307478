"""The turn model on audio on the virtual clock: what it says changes when turns end, the same way each time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import sound_network
from stage import faceless, profile, question, scenario

from pipelines.records.results import Run
from pipelines.replay.simulate import simulate
from pipelines.settings.model import SettingsError
from pipelines.settings.tunable import SOUND, apply
from pipelines.simulation import judged as module
from pipelines.simulation.judged import JUDGED_SECONDS, RememberingJudge, judge_for
from pipelines.virtual_time import run
from sophia.audio import Pcm


@pytest.fixture(autouse=True)
def _afresh() -> None:
    module._judge.cache_clear()


def played(home: Path, monkeypatch: pytest.MonkeyPatch, complete: float) -> Run:
    sound_network.install(home / str(complete), monkeypatch, complete)
    module._judge.cache_clear()
    return simulate(scenario(question()), apply(faceless(), {SOUND: 0.5}), profile(), jobs=1)


def test_what_sounds_unfinished_waits_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over, more = (played(tmp_path, monkeypatch, complete).turns[0] for complete in (0.9, 0.1))
    decided = [turn.marks["decided"] - turn.marks["voice_end"] for turn in (over, more)]
    assert decided == pytest.approx([0.28, 0.55], abs=0.03)
    assert any("it sounds as if more came (0.10)" in decision.reason for decision in more.decisions)
    again = played(tmp_path, monkeypatch, 0.1)
    assert again.turns[0] == more


def test_what_was_judged_once_is_not_judged_again() -> None:
    asked = list[Pcm]()

    def complete(sound: Pcm) -> float:
        asked.append(sound)
        return float(sound[0])

    async def judged() -> list[tuple[float, float]]:
        loop, judge, told = asyncio.get_running_loop(), RememberingJudge(complete), list[tuple[float, float]]()
        for value in (1, 2, 1):
            judge.judge(np.full(4, value, np.int16), lambda said: told.append((loop.time(), said)))
        judge.judge(np.full(4, 2, np.int16), lambda said: told.append((loop.time(), -1.0)))()
        await asyncio.sleep(1)
        return told

    assert sorted(run(judged())) == [(JUDGED_SECONDS, 1.0), (JUDGED_SECONDS, 1.0), (JUDGED_SECONDS, 2.0)]
    assert len(asked) == 2


def test_one_that_is_not_there_is_told_before_anything_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOPHIA_HOME", str(tmp_path))
    assert judge_for(faceless()) is None
    with pytest.raises(SettingsError) as told:
        simulate(scenario(question()), apply(faceless(), {SOUND: 0.5}), profile(), jobs=2)
    (line,) = told.value.lines
    assert "turns.sound_veto needs" in line
    assert "--prepare --turn-model" in line
