"""Chats for training and for validation, split by conversation and without private details.

A conversation's own words and the seed decide its side, not its place in a list. When more recordings come, none moves
from validation to training. What was recorded twice cannot be on both sides.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nova.mind import Message
from nova.training import chats
from nova.training.chats import DataError
from nova.training.conversations import Conversation
from nova.training.scrub import Scrubber

TRAIN: Final = "train.jsonl"
VALIDATION: Final = "validation.jsonl"
MANIFEST: Final = "manifest.json"


@dataclass(slots=True)
class Dataset:
    """The two sides, each a list of chats, and what became of the rest."""

    train: list[list[Message]] = field(default_factory=list)
    validation: list[list[Message]] = field(default_factory=list)
    conversations: dict[str, int] = field(default_factory=lambda: {"train": 0, "validation": 0})
    duplicates: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    scrubbed: Counter[str] = field(default_factory=Counter)
    made_of: set[str] = field(default_factory=set)
    """SHA-256 of each conversation's id: whoever erases a conversation finds the data by it, and nobody else does."""


def build(
    conversations: Sequence[Conversation], scrub: Scrubber, *, persona: str = "", share: float = 0.1, seed: int = 1
) -> Dataset:
    """Splits and scrubs; ``share`` of the conversations, at least one of two and more, validates.

    ``persona`` becomes the system message of each chat, as the voice loop sends it. Raises :class:`DataError` if
    nothing is left to train on.
    """
    if not 0 <= share < 1:
        raise ValueError("the share for validation must be from 0 to below 1")
    dataset = Dataset()
    system = [Message("system", persona)] if persona else []
    ranked: dict[str, list[list[Message]]] = {}
    for conversation in conversations:
        dataset.left_out.update(conversation.left_out)
        clean = [[Message(m.role, scrub(m.content)) for m in chat] for chat in conversation.chats]
        if not clean:
            continue
        if conversation.id:
            dataset.made_of.add(hashlib.sha256(conversation.id.encode()).hexdigest())
        digest = _digest(clean, seed)
        if digest in ranked:
            dataset.duplicates += 1
        else:
            ranked[digest] = clean
    if not ranked:
        raise DataError("the recordings hold no turn that was answered in full: record more, or other ones")
    bound = int(share * 2**64)
    chosen = {digest for digest in ranked if int(digest[:16], 16) < bound}
    if share > 0 and len(ranked) > 1:
        chosen = chosen or {min(ranked)}
        if len(chosen) == len(ranked):
            chosen.discard(max(ranked))
    elif len(chosen) == len(ranked):
        chosen = set()
    for digest in sorted(ranked):
        side = "validation" if digest in chosen else "train"
        dataset.conversations[side] += 1
        (dataset.validation if side == "validation" else dataset.train).extend(system + c for c in ranked[digest])
    dataset.scrubbed = Counter(scrub.found)
    return dataset


def write(dataset: Dataset, folder: Path) -> None:
    """Writes the folder as a whole, readable by its owner only. Raises :class:`DataError` if it is there already."""
    if folder.exists() or folder.is_symlink():
        raise DataError(f"{folder} is there already: name another, or remove it")
    beside = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # 0700
        chats.write(beside / TRAIN, dataset.train)
        chats.write(beside / VALIDATION, dataset.validation)
        (beside / MANIFEST).write_text(json.dumps(manifest(dataset), indent=2) + "\n", encoding="utf-8")
        os.rename(beside, folder)
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror or error}") from None
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)


def manifest(dataset: Dataset) -> dict[str, object]:
    """What the data is made of, in numbers, and of which conversations, without their ids."""
    sides = {"train": dataset.train, "validation": dataset.validation}
    return {
        side: {
            "conversations": dataset.conversations[side],
            "chats": len(found),
            "answers": sum(m.role == "assistant" for chat in found for m in chat),
        }
        for side, found in sides.items()
    } | {
        "duplicate_conversations": dataset.duplicates,
        "turns_left_out": dict(sorted(dataset.left_out.items())),
        "scrubbed": dict(sorted(dataset.scrubbed.items())),
        "made_of": sorted(dataset.made_of),
    }


def _digest(found: Sequence[Sequence[Message]], seed: int) -> str:
    content = json.dumps([[(m.role, m.content) for m in chat] for chat in found])
    return hashlib.sha256(f"{seed}\n{content}".encode()).hexdigest()
