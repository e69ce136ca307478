"""Versions in a folder: whole files, one change at a time, nothing deleted."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.versions.store import Store, StoreError, read_key
from pipelines.versions.version import Change, Version, evidence_hash, proposed

KEY = b"0123456789abcdef"


def added(store: Store, now: float = 0.4, parent: str = "", evidence: str = "{}") -> Version:
    change = {"turns.pause_complete": Change(was=0.28, now=now)}
    version = store.add(proposed(change, parent, evidence_hash(evidence), "rules", by="test"), evidence)
    return store.move(version.id, "proven", "improve", "program", "held")


def test_what_was_kept_is_read_again_and_belongs_to_its_owner(tmp_path: Path) -> None:
    store = Store(tmp_path / "versions")
    version = added(store)
    assert store.get(version.id[:6]) == version == store.versions()[0]
    assert store.evidence(version) == "{}"
    for path in (tmp_path / "versions").iterdir():
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_a_version_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path)
    proven = added(store)
    assert store.add(proposed(proven.changes, "", proven.evidence, "rules", by="test"), "{}").state == "proven"


def test_its_way_into_conversations(tmp_path: Path) -> None:
    store = Store(tmp_path, KEY)
    version = added(store)
    with pytest.raises(StoreError, match="nobody has approved"):
        store.move(version.id, "canary", "Ann", "person", "", share=0.1)
    store.approve(version.id, "Ann")
    assert store.canary() is None
    canary = store.move(version.id, "canary", "Ann", "person", "", share=0.1)
    assert canary.share == 0.1
    assert store.canary() == canary
    store.move(version.id, "live", "improve", "program", "nothing is worse")
    assert [one.id for one in store.live()] == [version.id]
    store.move(version.id, "withdrawn", "Ann", "person", "")
    assert store.live() == []
    with pytest.raises(StoreError, match="it stays so"):
        store.move(version.id, "live", "Ann", "person", "")


def test_without_the_key_an_approval_counts_for_nothing(tmp_path: Path) -> None:
    unsigned = Store(tmp_path)
    version = added(unsigned)
    unsigned.approve(version.id, "Mallory")
    with pytest.raises(StoreError, match="signature"):
        Store(tmp_path, KEY).move(version.id, "canary", "Ann", "person", "", share=0.1)
    unsigned.move(version.id, "canary", "Mallory", "person", "", share=0.1)
    assert Store(tmp_path, KEY).canary() is None


def test_evidence_that_is_gone_or_changed_stops_its_version(tmp_path: Path) -> None:
    store = Store(tmp_path)
    version = added(store)
    evidence = next(tmp_path.glob("evidence-*"))
    os.chmod(evidence, 0o600)
    evidence.write_text('{"better": true}')
    with pytest.raises(StoreError, match="was changed"):
        store.approve(version.id, "Ann")
    evidence.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        store.approve(version.id, "Ann")


def test_one_canary_at_a_time_and_over_what_is_live(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second = added(store, 0.4), added(store, 0.5)
    for version in (first, second):
        store.approve(version.id, "Ann")
    store.move(first.id, "canary", "Ann", "person", "", share=0.5)
    with pytest.raises(StoreError, match="is the canary"):
        store.move(second.id, "canary", "Ann", "person", "", share=0.5)
    store.move(first.id, "live", "improve", "program", "")
    with pytest.raises(StoreError, match="was proven over no version"):
        store.move(second.id, "canary", "Ann", "person", "", share=0.5)


def test_what_was_withdrawn_is_not_tried_again_on_an_older_approval(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, same = added(store, evidence="{}"), added(store, evidence='{"again": 1}')
    for version in (first, same):
        store.approve(version.id, "Ann")
    store.move(first.id, "canary", "Ann", "person", "", share=0.5)
    store.move(first.id, "withdrawn", "improve", "program", "slower")
    with pytest.raises(StoreError, match="it needs another"):
        store.move(same.id, "canary", "Ann", "person", "", share=0.5)


def test_of_many_that_move_it_at_once_one_succeeds(tmp_path: Path) -> None:
    store = Store(tmp_path)
    version = added(store)
    store.approve(version.id, "Ann")

    def begin(n: int) -> bool:
        try:
            Store(tmp_path).move(version.id, "canary", f"person {n}", "person", "", share=0.5)
        except StoreError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, range(16))) == 1
    assert len(store.get(version.id).history) == 3


def test_a_file_that_is_no_version_is_named(tmp_path: Path) -> None:
    added(Store(tmp_path))
    (tmp_path / "version-0123.json").write_text("{}")
    with pytest.raises(StoreError, match=r"version-0123\.json is no version"):
        Store(tmp_path).versions()


def test_nothing_in_the_store_deletes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    version = added(store)
    before = {path.name for path in tmp_path.iterdir()}
    store.move(version.id, "withdrawn", "Ann", "person", "")
    assert before <= {path.name for path in tmp_path.iterdir()}
    assert not [name for name in dir(store) if name.startswith(("delete", "remove", "purge", "erase"))]


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("short")
    with pytest.raises(StoreError, match="shorter"):
        read_key(tmp_path / "key")
    assert read_key(None) is None
