"""The question that she puts to the user before a tool runs: what would be run, and with what.

It is made of the call itself, so that the user hears what would be done and not what the model says about it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from nova.tools import Question
from sophia.languages import language as table

VALUE_CHARS = 60
MOST_VALUES = 4
"""More than that nobody listens to."""

BETWEEN = "__"
"""Stands between the name of a server and that of its tool."""

_SEAMS = re.compile(r"[_\-.]+|(?<=[a-z0-9])(?=[A-Z])")


def whether(name: str) -> Question:
    """The question for the tool that the model calls ``name``."""

    def question(arguments: Mapping[str, Any], language: str) -> str:
        words = table(language)
        shown = [f"{spoken(key)}: {_value(value)}" for key, value in list(arguments.items())[:MOST_VALUES]]
        if len(arguments) > MOST_VALUES:
            shown.append("…")
        asked = words.shall_with if shown else words.shall
        return asked.format(tool=spoken(name), given=", ".join(shown))

    return question


def spoken(name: str) -> str:
    """A name of a program's as words: ``files__writeFile`` is "files write file", and ``git__git_add`` "git add"."""
    server, _, tool = name.rpartition(BETWEEN)
    before, words = _words(server), _words(tool)
    return " ".join(words if set(before) <= set(words) else [*before, *words])


def _words(name: str) -> list[str]:
    return _SEAMS.sub(" ", name).lower().split()


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * VALUE_CHARS]).split())
    return line if len(line) <= VALUE_CHARS and len(text) <= 4 * VALUE_CHARS else f"{line[:VALUE_CHARS].rstrip()} …"
