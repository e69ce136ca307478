"""Simulated users talk in their arms, and what they leave is judged as that of people would be."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import pytest

from benchmarks.simulated_users import People, World, tomorrow, write_folder
from pipelines.improve.data import conversations, silences
from pipelines.improve.soundbites import load
from pipelines.insights.ingest import ingest
from pipelines.insights.sources import found
from pipelines.insights.tables import Insights
from pipelines.scenarios.loading import load_scenario
from pipelines.settings.model import load_settings
from pipelines.simulation.profile import load_profile
from pipelines.versions.arms import Arms
from pipelines.versions.store import Store
from pipelines.versions.version import Change, evidence_hash, proposed


@pytest.mark.timeout(120)
def test_a_slow_arm_is_slow_in_the_tables(tmp_path: Path) -> None:
    store, settings = Store(tmp_path / "versions"), load_settings("embedded.yaml", {}, {})
    change = {"turns.pause_complete": Change(was=0.28, now=0.7)}
    made = store.add(proposed(change, "", evidence_hash("{}"), "rules", by="test"), "{}")
    store.move(made.id, "proven", "test", "program", "")
    store.approve(made.id, "Ann")
    store.move(made.id, "canary", "Ann", "person", "", share=0.5)
    (tmp_path / "ledgers").mkdir()
    world = World(load_profile("exact"), tmp_path / "ledgers", tomorrow())
    talks = People(load_scenario("bundled"), lines=3).talks(10, seed=3)
    assert world.talk(talks, Arms(store, settings)) >= 30
    ingest(found([tmp_path / "ledgers"]), tmp_path / "tables", keep_sound=14)
    tables = Insights(tmp_path / "tables")
    seen = conversations(tables, version=made.id)
    assert {one.name for one in seen} == {talk.name for talk in talks}
    waits = [
        [turn.wait for one in seen for turn in one.turns if one.canary is arm and turn.wait] for arm in (True, False)
    ]
    assert mean(waits[0]) > mean(waits[1]) + 200_000
    assert {row.ended_by for row in silences(tables)} >= {"endpoint"}


def test_the_same_seed_draws_the_same_people_and_replay_plays_them(tmp_path: Path) -> None:
    people = People(load_scenario("bundled"))
    first, again = people.talks(12, 1), people.talks(12, 1)
    assert [talk.name for talk in first] == [talk.name for talk in again]
    write_folder(tmp_path, first)
    halves = load([str(tmp_path)], "en-US")
    assert halves.tune.lines + halves.prove.lines == 72
