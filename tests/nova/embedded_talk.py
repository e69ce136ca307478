"""The embedded mind as its tests ask it: its modules, and conversations with it."""

from __future__ import annotations

import importlib
import sys
import types
from datetime import datetime
from pathlib import Path
from typing import Any

import nova
from nova.mind import Message
from nova.prompts import BUILT_IN, with_time

NOW = datetime(2026, 11, 21, 21, 16)
FOLDER = Path(nova.__file__).parent / "models" / "nova" / "1"


def part(name: str) -> Any:
    """A module of the embedded mind, imported as Triton would, from a folder that is no package of ours."""
    if "embedded_mind" not in sys.modules:
        package = types.ModuleType("embedded_mind")
        package.__path__ = [str(FOLDER)]
        sys.modules["embedded_mind"] = package
    return importlib.import_module(f"embedded_mind.{name}")


def ask(*texts: str, now: datetime = NOW, system: str = "You are Sophia.") -> str:
    """The reply to the last of ``texts``, which alternate between the user and her, to a persona of ``system``."""
    roles = ("user", "assistant")
    messages = [Message(roles[i % 2], text) for i, text in enumerate(texts)]  # type: ignore[arg-type]
    messages.insert(0, Message("system", system))
    return str(part("talk").answer(BUILT_IN["chatml"].render(with_time(messages, now))))


def converse(*questions: str, now: datetime = NOW, system: str = "You are Sophia.") -> list[str]:
    """Her replies to the questions of one conversation."""
    said: list[str] = []
    for question in questions:
        said += [question, ask(*said, question, now=now, system=system)]
    return said[1::2]
