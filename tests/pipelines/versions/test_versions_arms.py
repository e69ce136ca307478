"""Each new conversation gets its arm; what is wrong with a version keeps it out of conversations, and is told."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.settings.model import Settings
from pipelines.settings.tunable import apply
from pipelines.versions.arms import UNWATCHED, UNWATCHED_LINE, Arms, Plan, drawn
from pipelines.versions.store import Store
from pipelines.versions.version import Change, Version, evidence_hash, proposed

KEY = "turns.pause_complete"
SETTINGS = Settings()
WAS = SETTINGS.turns.pause_complete


def canary(store: Store, now: float = 0.4, share: float = 0.5, was: float = WAS) -> Version:
    made = proposed({KEY: Change(was=was, now=now)}, parent_of(store), evidence_hash("{}"), "rules", by="test")
    store.add(made, "{}")
    store.move(made.id, "proven", "improve", "program", "")
    store.approve(made.id, "Ann")
    return store.move(made.id, "canary", "Ann", "person", "", share=share)


def parent_of(store: Store) -> str:
    live = store.live()
    return live[-1].id if live else ""


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_conversation_always_falls_into_the_same_arm(version: str, conversation: str) -> None:
    number = drawn(version, conversation)
    assert 0 <= number < 1
    assert drawn(version, conversation) == number


def test_the_arms_have_their_shares_and_another_canary_draws_anew() -> None:
    other = apply(SETTINGS, {KEY: 0.4})
    conversations = [f"{n:032x}" for n in range(4000)]
    first, second = (
        [Plan(SETTINGS, other, name, 0.1).give(one).arm.startswith("canary") for one in conversations]
        for name in ("a1", "b2")
    )
    assert 340 < sum(first) < 460
    assert 340 < sum(second) < 460
    assert sum(one and two for one, two in zip(first, second, strict=True)) < 80


def test_new_conversations_follow_the_store(tmp_path: Path) -> None:
    store = Store(tmp_path)
    arms = Arms(store, SETTINGS)
    arms.look()
    assert arms.give("c").settings is SETTINGS
    assert arms.give("c").arm == ""
    version = canary(store)
    arms.look()
    given_ = [arms.give(f"{n}") for n in range(50)]
    assert {one.arm for one in given_} == {f"canary:{version.id}", f"control:{version.id}"}
    for one in given_:
        assert one.settings.turns.pause_complete == (0.4 if one.arm.startswith("canary") else WAS)
    store.move(version.id, "live", "improve", "program", "")
    arms.look()
    assert arms.give("c").settings.turns.pause_complete == 0.4
    assert arms.give("c").arm == ""
    second = canary(store, 0.5, was=0.4)
    arms.look()
    assert {arms.give(f"{n}").settings.turns.pause_complete for n in range(50)} == {0.4, 0.5}
    store.move(second.id, "withdrawn", "improve", "program", "slower")
    arms.look()
    assert {arms.give(f"{n}").settings.turns.pause_complete for n in range(50)} == {0.4}


def test_a_version_proven_over_other_settings_is_left_out_and_told_once(tmp_path: Path) -> None:
    store, told = Store(tmp_path), list[str]()
    canary(store, was=0.33)
    arms = Arms(store, SETTINGS, told.append)
    arms.look()
    arms.look()
    assert {arms.give(f"{n}").arm for n in range(50)} == {""}
    assert len(told) == 1
    assert "was 0.33, and here it is 0.28" in told[0]


def test_where_the_store_is_broken_the_canary_ends_and_what_is_live_stays(tmp_path: Path) -> None:
    store, told = Store(tmp_path), list[str]()
    first = canary(store)
    store.move(first.id, "live", "improve", "program", "")
    canary(store, 0.5, was=0.4)
    arms = Arms(store, SETTINGS, told.append)
    arms.look()
    (tmp_path / "version-bad.json").write_text("{")
    arms.look()
    assert {arms.give(f"{n}").settings.turns.pause_complete for n in range(50)} == {0.4}
    assert {arms.give(f"{n}").arm for n in range(50)} == {""}
    assert "The canary is off" in told[0]
    os.unlink(tmp_path / "version-bad.json")
    arms.look()
    assert {arms.give(f"{n}").settings.turns.pause_complete for n in range(50)} == {0.4, 0.5}


@pytest.mark.timeout(20)
def test_a_thread_looks_while_nobody_waits(tmp_path: Path) -> None:
    store, seen = Store(tmp_path), Event()
    told = lambda line: seen.set()  # noqa: E731 - the thread's own word that it has looked
    arms = Arms(store, SETTINGS, told, look_seconds=0.01)
    arms.start()
    try:
        canary(store, was=0.33)  # does not fit, and is told
        assert seen.wait(10)
    finally:
        arms.close()


def test_a_canary_that_nobody_watches_is_off_until_somebody_does(tmp_path: Path) -> None:
    store, told, late = Store(tmp_path), list[str](), 0.0
    version = canary(store)
    began = version.history[-1].at.timestamp()
    arms = Arms(store, SETTINGS, told.append, clock=lambda: began + late)

    def seen() -> set[str]:
        arms.look()
        return {arms.give(f"{n}").arm.partition(":")[0] for n in range(50)}

    assert seen() == {"canary", "control"}
    late = UNWATCHED - 1
    assert seen() == {"canary", "control"}
    late = UNWATCHED + 1
    assert seen() == {""}
    assert told == [UNWATCHED_LINE]
    store.note_watch()
    os.utime(tmp_path / "watched", (began + late, began + late))
    assert seen() == {"canary", "control"}
    late = 3 * UNWATCHED
    assert seen() == {""}
