"""A short hash of the settings that matter to a conversation, so that conversations under the same ones are compared.

Where services happen to listen is no part of it, nor are devices, files to write, her page and secrets. So it is the
same in every run of a configuration, on every machine that has it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from pipelines.settings.model import Settings
from pipelines.settings.secrets import is_secret

GROUPS: Final = ("language", "microphone", "asr", "turns", "llm", "tts", "face", "mood", "tools", "greeting")
"""What shapes a conversation."""

LEFT_OUT: Final = frozenset(
    {
        ("microphone", "device"),
        ("face", "model"),  # the picture of her
        ("face", "stream"),
        ("face", "network", "folder"),
    }
)
"""What differs between machines and not between conversations."""

DIGITS: Final = 12


def fingerprint(settings: Settings) -> str:
    """Twelve hexadecimal digits."""
    said = settings.model_dump(mode="json", include=set(GROUPS))
    for elsewhere in ("mcp", "agents"):  # how they are reached is as little part of it as an endpoint
        said["tools"][elsewhere] = sorted(said["tools"][elsewhere])
    content = {group: _kept((group,), value) for group, value in said.items()}
    plain = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()[:DIGITS]


def _kept(key: tuple[str, ...], value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    inside = {name: (*key, str(name)) for name in value}
    return {
        name: _kept(place, value[name])
        for name, place in inside.items()
        if name != "endpoint" and place not in LEFT_OUT and not (is_secret(place) and isinstance(value[name], str))
    }
