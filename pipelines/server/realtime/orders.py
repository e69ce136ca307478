"""What a client asks of one response, read with care. Raises nothing but :class:`Refused`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipelines.conversation.manner import Manner
from pipelines.server.realtime.reading import Refused, clean, mapping

MOST_METADATA: Final = 16
"""Pairs of texts that a response carries back."""

MOST_TOKENS: Final = 4096
"""A client may set this limit of a response, or none."""

MOST_INSTRUCTIONS: Final = 32_000
"""Characters of instructions."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the client asked for with ``response.create``; ``ignored`` are the fields that change nothing."""

    metadata: dict[str, str] | None = None
    ignored: tuple[str, ...] = ()


def order(
    wished: object,
    usual: Manner | None,
    instruct: Callable[[str], str] | None,
    elsewhere: Collection[str] = (),
) -> tuple[Ordered, Manner | None]:
    """What a ``response.create`` asks of its response, and how it is made if not as ``usual``.

    ``usual`` is None where the client has no say in that. ``instruct`` makes all instructions of those that it gives;
    None where it may give none. Fields that are read ``elsewhere`` are left alone.
    """
    if wished is None:
        return Ordered(), None
    if not isinstance(wished, Mapping):
        raise Refused("'response' is an object.", "invalid_type", "response")
    if wished.get("conversation", "auto") != "auto" or wished.get("input"):
        raise Refused(
            '\'conversation\' is "auto" or "none", and \'input\' is for "none" alone.',
            "unsupported_parameter",
            "response.input",
        )
    metadata = mapping(wished.get("metadata"))
    if len(metadata) > MOST_METADATA or not all(isinstance(value, str) for value in metadata.values()):
        raise Refused(f"metadata has at most {MOST_METADATA} texts.", "invalid_value", "response.metadata")
    kept = {clean(name)[:64]: clean(value)[:512] for name, value in metadata.items()}
    manner, read = usual or Manner(), {"conversation", "metadata", *elsewhere}
    if usual:
        read |= {"output_modalities", "max_output_tokens"}
    if (value := wished.get("output_modalities")) is not None:
        manner = replace(manner, written=written(value, "response.output_modalities"))
    if (value := wished.get("max_output_tokens")) is not None:
        manner = replace(manner, most_tokens=tokens(value, "response.max_output_tokens"))
    if instruct:
        read.add("instructions")
        if (value := wished.get("instructions")) is not None:
            manner = replace(manner, instructions=instruct(instructions(value, "response.instructions")))
    ignored = [clean(name)[:100] for name, value in wished.items() if name not in read and value not in (None, [])]
    return Ordered(kept or None, tuple(ignored[:MOST_METADATA])), None if manner == usual or not usual else manner


def written(value: object, path: str) -> bool:
    """Whether ``output_modalities`` are text alone; ``null`` is audio."""
    if value is not None and value not in (["audio"], ["text"], ["text", "audio"], ["audio", "text"]):
        raise Refused('output_modalities is ["audio"] or ["text"].', "invalid_value", path)
    return value == ["text"]


def tokens(value: object, path: str) -> int | None:
    """``max_output_tokens``; None for "inf"."""
    if value is None or value == "inf":
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_TOKENS:
        raise Refused(f'max_output_tokens is a whole number from 1 to {MOST_TOKENS}, or "inf".', "invalid_value", path)
    return value


def instructions(value: object, path: str) -> str:
    """How she is to speak."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused("instructions is a text.", "invalid_type", path)
    text = clean(value)
    if len(text) > MOST_INSTRUCTIONS:
        message = f"Instructions have at most {MOST_INSTRUCTIONS} characters."
        raise Refused(message, "string_above_max_length", path)
    return text
