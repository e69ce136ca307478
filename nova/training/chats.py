"""Chat-format JSON lines: ``{"messages": [{"role": …, "content": …}, …]}``, what NeMo, transformers and others read."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, get_args

from nova.mind import Message, Role

MOST_BYTES: Final = 256 << 20
"""Of a file that is read: some millions of turns."""

_ROLES = frozenset(get_args(Role))

Chat = Sequence[Message]


class DataError(ValueError):
    """The data cannot be used; the message is one line that says what to do."""


def line(chat: Chat) -> str:
    """One conversation as a line. In ASCII, because readers split lines at characters that JSON lets stand."""
    return json.dumps({"messages": [{"role": m.role, "content": m.content} for m in chat]}) + "\n"


def write(path: Path, chats: Iterable[Chat]) -> None:
    """Writes a file that only its owner can read. Raises ``OSError``."""
    write_private(path, "".join(map(line, chats)))


def write_private(path: Path, text: str) -> None:
    """Writes ``text`` to a file of mode 0600, whatever the mode of one that was there. Raises ``OSError``.

    A file that others could read is closed to them before the first word is in it. What is no file (a pipe, a
    terminal) is written to and keeps its mode.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            os.fchmod(file.fileno(), 0o600)
            file.truncate()
        file.write(text)


def read(path: Path) -> list[list[Message]]:
    """The conversations of a file. Raises :class:`DataError` with the line at fault."""
    chats = []
    for number, text in enumerate(_text(path).split("\n"), 1):
        if text.strip():
            try:
                chats.append(_chat(json.loads(text)))
            except (ValueError, RecursionError, TypeError, KeyError):
                raise DataError(f"{path}, line {number}: is no conversation in chat format") from None
    return chats


def questions(chats: Iterable[Chat]) -> list[list[Message]]:
    """Each conversation up to its last question, for a model to answer; one without a question is left out."""
    asked = []
    for chat in chats:
        last = max((at for at, message in enumerate(chat) if message.role == "user"), default=None)
        if last is not None:
            asked.append(list(chat[: last + 1]))
    return asked


def _chat(row: dict[str, list[dict[str, str]]]) -> list[Message]:
    messages = []
    for entry in row["messages"]:
        role, content = entry["role"], entry["content"]
        if role not in _ROLES or not isinstance(content, str):
            raise ValueError("role or content")
        messages.append(Message(role, content))  # type: ignore[arg-type]  # looked up in the roles above
    return messages


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(raw) > MOST_BYTES:
        raise DataError(f"{path} is larger than {MOST_BYTES >> 20} MiB: split it")
    return raw.decode("utf-8", "replace")
