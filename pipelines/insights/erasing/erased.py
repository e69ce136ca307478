"""Which conversations were erased: a list without their ids, so that what a backup brings back is known and refused.

A conversation's id is 128 random bits, so nobody finds it by its SHA-256. The list lies with the tables.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

LIST: Final = "erased"
RECEIPTS: Final = "receipts"


def digest(conversation: str) -> str:
    """What stands for a conversation once its id may not."""
    return hashlib.sha256(conversation.encode()).hexdigest()


def erased(tables: Path) -> frozenset[str]:
    """The digests of what was erased from the tables in this folder."""
    try:
        lines = (tables / LIST).read_text("ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return frozenset()
    return frozenset(line.split()[0] for line in lines if line.strip())


def remember(tables: Path, conversations: Iterable[str]) -> None:
    """Adds conversations to the list. It is on the disk before anything is erased, so that a crash forgets nothing."""
    known = erased(tables)
    fresh = sorted({digest(name) for name in conversations} - known)
    tables.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(
        os.open(tables / LIST, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="ascii"
    ) as file:
        file.writelines(f"{line}\n" for line in fresh)
        file.flush()
        os.fsync(file.fileno())
