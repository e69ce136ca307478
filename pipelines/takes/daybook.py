"""The numbers of all turns of this process: a file of JSON lines for each UTC day, in a folder that processes share.

A file has a name of this process's own (``2026-11-30.4711-3f9a0c51.jsonl``), and a line has no words. One thread
writes. The event loop only hands lines over, to a bounded queue. Lines that find no place are counted. A disk that
refuses is told once, and is tried again with each batch.

A file is opened for each batch and never kept open, under a lock of the folder. So who rewrites files, to erase or to
purge, holds the same lock (:func:`alone_in`), and no line gets lost.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import queue
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

MOST_WAITING: Final = 2000
"""Lines that wait for the disk at most."""

CLOSE_SECONDS: Final = 1.5
"""How long :meth:`DayBook.aclose` may take."""

LOCK: Final = ".lock"
"""The file in a folder of day files that is locked while one of them is written."""


def utc() -> datetime:
    """The date that names a file."""
    return datetime.now(UTC)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keeps every process from writing day files in ``folder`` while the block lasts. Raises ``OSError``."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


class DayBook:
    """Day files in ``folder``, which is made where it is missing, for its owner alone.

    ``lost`` is handed a line for people when the disk refuses, once; it is called from the writer's thread. ``date``
    is the clock.
    """

    def __init__(self, folder: Path, lost: Callable[[str], None], date: Callable[[], datetime] = utc) -> None:
        self._folder = folder
        self._lost = lost
        self._date = date
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._waiting: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._told = False
        self._broken = False
        self._closed = False
        self.refused = 0
        """Lines that were lost: no place in the queue, or the disk refused them."""
        self._thread = threading.Thread(target=self._write_all, name="day book", daemon=True)
        self._thread.start()

    def write(self, line: Mapping[str, Any]) -> None:
        """Hands a line over; never waits. From any thread."""
        if self._closed or self._waiting.qsize() >= MOST_WAITING:
            self.refused += 1
            return
        self._waiting.put(line)

    async def aclose(self) -> None:
        """Writes what is left, within :data:`CLOSE_SECONDS` whatever the disk does."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def wait() -> None:
            self._thread.join(CLOSE_SECONDS)
            with suppress(RuntimeError):  # the loop has gone: nobody waits any more
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=wait, name="day book, closing", daemon=True).start()
        await done.wait()

    def _write_all(self) -> None:
        over = False
        while not over:
            batch = [self._waiting.get()]
            with suppress(queue.Empty):
                while batch[-1] is not None:
                    batch.append(self._waiting.get_nowait())
            over = batch[-1] is None
            if lines := [line for line in batch if line is not None]:
                self._write(lines)

    def _write(self, lines: list[Mapping[str, Any]]) -> None:
        content = "".join(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n" for line in lines)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with alone_in(self._folder):
                path = self._folder / f"{self._date():%Y-%m-%d}.{self._name}.jsonl"
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    # After a refusal the last line may be half a one, which must not spoil the next.
                    file.write((b"\n" if self._broken else b"") + content.encode())
            self._broken = False
        except OSError as error:
            self._broken = True
            self.refused += len(lines)
            if not self._told:
                self._told = True
                self._lost(
                    f"the numbers of turns cannot be written: {error.strerror or error} ({self._folder}); "
                    "the conversation goes on, and it is tried again"
                )
