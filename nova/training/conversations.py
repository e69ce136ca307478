"""Recorded conversations as chats: what was asked and what was answered, out of the ledgers that ``--record`` keeps.

Only turns that went well are examples. A reply that the user cut short would teach the model to stop in the middle, and
one that failed teaches nothing. There the conversation is cut. What follows is a chat of its own, because its beginning
no longer tells what was said. Noise that got no reply, and pieces that were joined to a turn, are left out without a
cut.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from nova.mind import Message
from nova.training.chats import MOST_BYTES, DataError

FILE: Final = "turns.jsonl"
SCHEMAS: Final = (2, 3)
"""Of the ledgers that are read; in 3 the words stand apart from the numbers."""

_CONTROL = re.compile(r"<\|[^|<>]{1,40}\|>|</?s>|\[/?INST\]")
"""What tokenizers take for the end of a turn and the like."""

_SKIPPED = ("dropped", "joined", "kept")
_GOOD = "replied"


@dataclass(slots=True)
class Conversation:
    """One recording. ``chats`` begin with a question and end with an answer; ``left_out`` counts turns by reason.

    ``id`` is the conversation's; empty in older recordings.
    """

    name: str
    chats: list[list[Message]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    id: str = ""


def recordings(paths: list[Path]) -> list[Path]:
    """The recordings among these folders and directly inside them. Raises :class:`DataError` if one holds none."""
    found: list[Path] = []
    for path in paths:
        inside = [path] if (path / FILE).is_file() else sorted(p.parent for p in path.glob(f"*/{FILE}"))
        if not inside:
            raise DataError(f"{path} holds no recording: name a folder that --record made, or one with such folders")
        found += [folder for folder in inside if folder not in found]
    return found


def read(folder: Path) -> Conversation:
    """The conversation of a recording. Raises :class:`DataError`; lines that are cut short are counted, not fatal."""
    conversation = Conversation(folder.name)
    chat: list[Message] = []
    for row in _rows(folder / FILE, conversation):
        if row.get("schema") not in SCHEMAS:
            known = " and ".join(map(str, SCHEMAS))
            raise DataError(f"{folder / FILE} has ledgers of schema {str(row.get('schema'))[:20]}, this reads {known}")
        if isinstance(of := row.get("conversation"), Mapping):
            conversation.id = str(of.get("id", ""))
        said = row if row["schema"] == 2 else row.get("words")
        user, reply = (said.get(key) if isinstance(said, Mapping) else None for key in ("user", "reply"))
        outcome = row.get("outcome")
        if outcome in _SKIPPED:
            conversation.left_out[str(outcome)] += 1
        elif outcome == _GOOD and _text(user) and _text(reply):
            chat += [Message("user", _text(user)), Message("assistant", _text(reply))]
        else:
            conversation.left_out[outcome if isinstance(outcome, str) and outcome.isalpha() else "unfinished"] += 1
            _close(conversation, chat)
            chat = []
    _close(conversation, chat)
    return conversation


def _close(conversation: Conversation, chat: list[Message]) -> None:
    if chat:
        conversation.chats.append(chat)


def _text(value: object) -> str:
    """One line, without control characters and tokens: nobody says them, and a chat template would be fooled."""
    if not isinstance(value, str):
        return ""
    return " ".join(_CONTROL.sub("", "".join(c if c.isprintable() else " " for c in value)).split())


def _rows(path: Path, conversation: Conversation) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(raw) > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES >> 20} MiB: record shorter conversations")
    for line in raw.decode("utf-8", "replace").split("\n"):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, Mapping):
            yield row
        else:
            conversation.left_out["unreadable"] += 1
