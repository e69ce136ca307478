"""What a client sends is data from anywhere: it is read with care. Raises nothing but :class:`Refused`."""

from __future__ import annotations

import binascii
import math
from collections.abc import Container, Mapping
from typing import Any, Final

HUGE: Final = 1e15
"""Numbers beyond this stand for it: a position in a sound is never near."""

MOST_ID: Final = 128
"""Characters of an id that a client chooses."""

MOST_TEXT: Final = 8_000
"""Characters of a message, or of what she is to say."""

MOST_AUDIO: Final = 15 * 1024 * 1024
"""Characters of base64 in one ``append``, as OpenAI has it."""


class Refused(Exception):
    """A request that cannot be met; ``code`` is OpenAI's where it has one, ``param`` names the field."""

    def __init__(self, message: str, code: str = "invalid_value", param: str | None = None) -> None:
        super().__init__(message)
        self.message, self.code, self.param = message, code, param


def clean(text: str) -> str:
    """The text without half surrogate pairs, which neither UTF-8 nor gRPC can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def number(value: Any) -> float | None:
    """A finite number, clamped to ±:data:`HUGE`; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(min(max(value, -HUGE), HUGE))


def identity(value: Any) -> str | None:
    """An id: a text without control characters, neither empty nor too long; None if it is none."""
    if not isinstance(value, str) or not 0 < len(value) <= MOST_ID or not value.isprintable():
        return None
    return value


def words_of(event: Mapping[str, Any], name: str) -> str:
    """What she is to say or tell of, in a field of a client's event. Raises :class:`Refused`."""
    text = event.get(name)
    if not isinstance(text, str) or not text.strip():
        raise Refused(f"{event.get('type')} needs '{name}', a text.", "missing_required_parameter", name)
    if len(text) > MOST_TEXT:
        raise Refused(f"She says at most {MOST_TEXT} characters at once.", "string_above_max_length", name)
    return clean(text).strip()


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def samples(audio: object) -> bytes:
    """The bytes of an ``append``."""
    if not isinstance(audio, str):
        raise Refused("append needs 'audio', base64 of 16-bit samples.", "missing_required_parameter", "audio")
    if len(audio) > MOST_AUDIO:
        raise Refused("One append holds at most 15 MiB.", "string_above_max_length", "audio")
    try:
        return binascii.a2b_base64(audio, strict_mode=True)
    except (binascii.Error, ValueError):
        raise Refused("'audio' is not valid base64.", "invalid_value", "audio") from None


_WORDS: Final = {
    "user": {"input_text": "text", "input_audio": "transcript"},
    "system": {"input_text": "text"},
    "assistant": {"output_text": "text", "output_audio": "transcript"},
}
"""The parts of a message that are taken in, and where their words stand."""


def _words(part: Mapping[str, Any], role: str) -> str:
    kind = part.get("type")
    name = _WORDS[role].get(kind) if isinstance(kind, str) else None
    if name is None:
        kinds = ", ".join(_WORDS[role])
        raise Refused(f"The parts of this message are of type {kinds}.", "unsupported_content", "item.content")
    text = part.get(name)
    if not isinstance(text, str):
        sound = "Sound in items is not recognised: append it, or give its words as 'transcript'."
        raise Refused(
            sound if name == "transcript" else f"A part of type '{kind}' has a 'text'.",
            "unsupported_content",
            "item.content",
        )
    return clean(text)


def message(item: Mapping[str, Any], *, may_instruct: bool) -> tuple[str, str]:
    """The role and the text of an item that can be taken in: a message of the user, the system or the assistant."""
    kind, role = item.get("type", "message"), item.get("role")
    if kind != "message":
        raise Refused("Only messages, calls and outputs of functions are taken in.", "unsupported_item", "item.type")
    if role not in ("user", "system", "assistant"):
        raise Refused("A message is the user's, the system's or the assistant's.", "unsupported_item", "item.role")
    if role == "system" and not may_instruct:
        raise Refused("Clients may not instruct her here.", "instructions_not_allowed", "item.role")
    content = item.get("content")
    texts = [_words(mapping(part), role) for part in (content if isinstance(content, list) else [])]
    joined = "\n".join(texts).strip()
    if not joined and role != "assistant":  # nothing may have been heard of a reply; livekit tells of it so
        raise Refused("The message is empty.", "invalid_value", "item.content")
    if len(joined) > MOST_TEXT:
        raise Refused(f"A message has at most {MOST_TEXT} characters.", "string_above_max_length", "item.content")
    return role, joined


def place_of(event: Mapping[str, Any], items: Container[str]) -> tuple[bool, str | None]:
    """Where an item is to stand: whether it is the first, and else after which; after the last, if after None."""
    previous = event.get("previous_item_id")
    if previous is None or previous == "root":
        return previous == "root", None
    if not isinstance(previous, str) or previous not in items:
        raise Refused(
            "Error adding item: the previous item does not exist.",
            "item_create_invalid_previous_item_id",
            "previous_item_id",
        )
    return False, previous
