"""Day files: numbers by UTC day, a file for each process, private, and never in the way of a conversation."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.takes import daybook
from pipelines.takes.daybook import MOST_WAITING, DayBook, alone_in

LATE, EARLY = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daybook, "CLOSE_SECONDS", 30.0)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


def rewrite(folder: Path) -> None:
    for path in files(folder):
        other = path.with_suffix(".new")
        other.write_bytes(path.read_bytes())
        os.replace(other, path)


def day_files(folder: Path) -> dict[str, list[Any]]:
    """The lines of the files by their day; what is empty is left out, as those who read them do."""
    found: dict[str, list[Any]] = {}
    for path in files(folder):
        lines = [json.loads(line) for line in path.read_text().splitlines() if line]
        found.setdefault(path.name.partition(".")[0], []).extend(lines)
    return found


async def test_a_line_is_in_the_file_of_its_day_for_its_owner_alone(tmp_path: Path) -> None:
    now = LATE
    book = DayBook(tmp_path / "all" / "ledgers", pytest.fail, lambda: now)
    book.write({"turn": 1})
    written = tmp_path / "all" / "ledgers"
    while not day_files(written):  # noqa: ASYNC110 - a thread writes it
        await asyncio.sleep(0.001)
    now = EARLY
    book.write({"turn": 2})
    book.write({"turn": 3, "site": "Köln"})
    await book.aclose()
    assert day_files(written) == {
        "2026-11-30": [{"turn": 1}], "2026-12-01": [{"turn": 2}, {"turn": 3, "site": "Köln"}],
    }  # fmt: skip
    assert written.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in written.iterdir()} == {0o600}
    assert book.refused == 0


async def test_books_of_several_processes_share_a_folder(tmp_path: Path) -> None:
    books = [DayBook(tmp_path, pytest.fail, lambda: LATE) for _ in range(3)]
    for turn in range(300):
        books[turn % 3].write({"turn": turn, "filler": "x" * 500})
    await asyncio.gather(*(book.aclose() for book in books))
    assert len(files(tmp_path)) == 3
    (lines,) = day_files(tmp_path).values()
    assert sorted(line["turn"] for line in lines) == list(range(300))


async def test_who_rewrites_a_file_loses_no_line(tmp_path: Path) -> None:
    book = DayBook(tmp_path, pytest.fail, lambda: LATE)
    for turn in range(200):
        book.write({"turn": turn})
        if turn % 20 == 0:
            with alone_in(tmp_path):
                rewrite(tmp_path)
            await asyncio.sleep(0)
    await book.aclose()
    assert [line["turn"] for line in day_files(tmp_path)["2026-11-30"]] == list(range(200))


async def test_a_disk_that_hangs_holds_nobody_up_and_what_was_lost_is_counted(tmp_path: Path) -> None:
    book = DayBook(tmp_path, pytest.fail, lambda: LATE)
    with alone_in(tmp_path):  # the writer waits for the lock with the first batch
        for turn in range(2 * MOST_WAITING + 500):
            book.write({"turn": turn})
    await book.aclose()
    (lines,) = day_files(tmp_path).values()
    assert len(lines) + book.refused == 2 * MOST_WAITING + 500
    assert book.refused > 0
    book.write({"turn": 0})
    assert not day_files(tmp_path / "none")


async def test_a_disk_that_refuses_is_told_once_and_tried_again(tmp_path: Path) -> None:
    told: list[str] = []
    tried = threading.Semaphore(0)

    def date() -> datetime:
        tried.release()
        return LATE

    folder = tmp_path / "ledgers"
    book = DayBook(folder, told.append, date)
    book.write({"turn": 1})
    await asyncio.to_thread(tried.acquire)
    (path,) = await _written(folder)
    path.unlink()
    path.mkdir()  # as good as a disk that is full: it cannot be written
    for turn in (2, 3):
        book.write({"turn": turn})
        await asyncio.to_thread(tried.acquire)
        while book.refused < turn - 1:  # noqa: ASYNC110 - a thread counts it
            await asyncio.sleep(0.001)
    path.rmdir()
    book.write({"turn": 4})
    await book.aclose()
    assert len(told) == 1
    assert "Is a directory" in told[0]
    assert str(folder) in told[0]
    assert "\n" not in told[0]
    assert book.refused == 2
    assert day_files(folder) == {"2026-11-30": [{"turn": 4}]}


async def _written(folder: Path) -> list[Path]:
    while not (found := files(folder)):  # noqa: ASYNC110 - a thread writes it
        await asyncio.sleep(0.001)
    return found
