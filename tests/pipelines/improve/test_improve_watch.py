"""A canary is judged by what its conversations wrote down, and nobody is asked before it is withdrawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from arms_lines import conversation, turn, write

from pipelines.improve import rollout
from pipelines.improve.data import conversations, silences
from pipelines.improve.measures import QUIET, RULES
from pipelines.improve.rollout import Watch
from pipelines.insights.ingest import ingest
from pipelines.insights.sources import found
from pipelines.insights.store import opened
from pipelines.insights.tables import Insights
from pipelines.versions.arms import drawn
from pipelines.versions.store import Store, StoreError
from pipelines.versions.version import Change, Version, evidence_hash, proposed

SHARE = 0.5


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "versions")


def canary(store: Store, guardrails: str = RULES) -> Version:
    change = {"turns.pause_complete": Change(was=0.28, now=0.34)}
    made = store.add(proposed(change, "", evidence_hash("{}"), guardrails, by="test"), "{}")
    store.move(made.id, "proven", "test", "program", "")
    store.approve(made.id, "Ann")
    return store.move(made.id, "canary", "Ann", "person", "", share=SHARE)


def began(version: Version) -> float:
    return version.history[-1].at.timestamp()


def spoken(version: Version, number: int, slower: float = 0.0, seconds: float = 10.0) -> list[str]:
    """Conversations of four turns, one every ``seconds``; the canary's wait longer, or shorter."""
    lines: list[str] = []
    for n in range(number):
        in_canary = drawn(version.id, f"{n:032x}") < SHARE
        arm = f"{'canary' if in_canary else 'control'}:{version.id}"
        waits = (0.5 + 0.01 * ((n * 7 + k * 3) % 11) + slower * in_canary for k in range(4))
        turns = [turn(5.0 * (k + 1), wait) for k, wait in enumerate(waits)]
        lines += conversation(n, arm, began(version) + 1 + n * seconds, turns)
    return lines


def watch(store: Store, tmp_path: Path, seconds: float) -> Watch:
    version = store.canary()
    assert version
    at = began(version) + seconds
    return Watch(store, Insights(tmp_path / "tables"), tmp_path / "ledgers", lambda: at)


def test_what_the_tables_say_of_a_conversation(tmp_path: Path) -> None:
    lines = conversation(
        1, "canary:a", 1e9, [turn(5), turn(15, outcome="interrupted", interrupted=0.4), turn(25, cut=True)]
    )
    lines += conversation(2, "control:a", 1e9, [turn(5, outcome="interrupted", interrupted=1.4)])
    lines += conversation(3, "", 1e9, [turn(5)])
    ingest(found([write(tmp_path / "ledgers", lines)]), tmp_path / "tables", keep_sound=14)
    tables = Insights(tmp_path / "tables")
    one, other = sorted(conversations(tables, version="a"), key=lambda c: c.name)
    assert (one.canary, other.canary) == (True, False)
    assert [t.wait for t in one.turns] == [500_000] * 3
    assert [t.interrupted_at_once for t in (*one.turns, *other.turns)] == [False, True, False, False]
    assert [t.cut_off for t in one.turns] == [False, False, True]
    assert one.over == one.turns[-1].ended + QUIET
    assert len(conversations(tables)) == 3
    assert conversations(tables, version="a", now=one.over - 1, since=0) == [other]
    assert conversations(tables, version="a", since=one.over + 1) == []
    assert [(row.sounds, row.ended_by, row.number) for row in silences(tables)] == [("complete", "endpoint", 5)]


def test_without_tables_nothing_is_known(tmp_path: Path) -> None:
    assert conversations(Insights(tmp_path)) == []
    assert silences(Insights(tmp_path)) == []


def test_a_slower_canary_is_withdrawn_by_the_program(store: Store, tmp_path: Path) -> None:
    write(tmp_path / "ledgers", spoken(canary(store), 120, slower=0.2))
    seen = watch(store, tmp_path, 2000).look()
    assert seen
    version, judged = seen
    assert judged.action == "withdraw"
    assert (version.state, version.history[-1].actor) == ("withdrawn", "program")
    assert "wait is worse" in version.history[-1].why
    assert store.canary() is None
    assert any("worse" in line and "wait" in line for line in rollout.lines(version, judged))


def test_a_better_canary_goes_live_after_enough_conversations(store: Store, tmp_path: Path) -> None:
    version = canary(store)
    lines = spoken(version, 400, slower=-0.1)
    write(tmp_path / "ledgers", lines[: 60 * 4])
    seen = watch(store, tmp_path, 60 * 10 + 200).look()
    assert seen
    assert seen[1].action == "wait"
    write(tmp_path / "ledgers", lines)
    seen = watch(store, tmp_path, 400 * 10 + 200).look()
    assert seen
    assert seen[1].action == "promote", seen[1].why
    assert [one.id for one in store.live()] == [version.id]


def test_where_there_is_no_canary_there_is_nothing_to_watch(store: Store, tmp_path: Path) -> None:
    assert Watch(store, Insights(tmp_path)).look() is None


def test_data_that_cannot_be_read_withdraws(store: Store, tmp_path: Path) -> None:
    canary(store)
    (tmp_path / "tables").write_text("no folder")
    write(tmp_path / "ledgers", ["{}"])
    seen = watch(store, tmp_path, 700).look()
    assert seen
    assert seen[1].action == "withdraw"
    assert "no data" in seen[1].why


def test_a_watch_waits_out_a_short_trouble_and_others_who_take_in(store: Store, tmp_path: Path) -> None:
    version = canary(store)
    write(tmp_path / "ledgers", spoken(version, 40))
    one = watch(store, tmp_path, 500)
    (tmp_path / "tables").write_text("no folder")
    seen = one.look()
    assert seen
    assert seen[1].action == "wait"
    (tmp_path / "tables").unlink()
    with opened(tmp_path / "tables"):  # another program takes in what there is
        seen = one.look()
    assert seen
    assert (seen[1].action, seen[1].turns) == ("wait", (0, 0))
    assert store.watched() > 0


def test_an_experiment_is_for_few_people(store: Store) -> None:
    text = json.dumps({"changes": [{"key": "turns.settle", "log": "unknown"}]})
    made = store.add(
        proposed({"turns.settle": Change(was=0.45, now=0.3)}, "", evidence_hash(text), RULES, by="t"), text
    )
    store.move(made.id, "proven", "test", "program", "")
    rollout.approve(store, made.id, "Ann")
    with pytest.raises(StoreError, match="experiment"):
        rollout.begin(store, made.id, "Ann", 0.2)
    assert rollout.begin(store, made.id, "Ann", 0.1).state == "canary"


def test_other_guardrails_than_those_it_was_approved_under_withdraw_it(store: Store, tmp_path: Path) -> None:
    canary(store, guardrails="laxer")
    seen = watch(store, tmp_path, 10).look()
    assert seen
    assert "other guardrails" in seen[1].why


def test_nobody_approves_what_was_made_under_other_guardrails(store: Store) -> None:
    change = {"turns.pause_complete": Change(was=0.28, now=0.34)}
    made = store.add(proposed(change, "", evidence_hash("{}"), "laxer", by="test"), "{}")
    store.move(made.id, "proven", "test", "program", "")
    with pytest.raises(StoreError, match="other guardrails"):
        rollout.approve(store, made.id, "Ann")
