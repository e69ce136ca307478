"""What a client asks of one response, read with care. Raises nothing but :class:`Refused`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.server.realtime.reading import Refused, clean, mapping

MOST_METADATA: Final = 16
"""Pairs of texts that a response carries back."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the client asked for with ``response.create``; ``ignored`` are the fields that change nothing."""

    metadata: dict[str, str] | None = None
    ignored: tuple[str, ...] = ()


def order(wished: object, elsewhere: Collection[str] = ()) -> Ordered:
    """What a ``response.create`` asks of its response, beside fields that are read ``elsewhere``."""
    if wished is None:
        return Ordered()
    if not isinstance(wished, Mapping):
        raise Refused("'response' is an object.", "invalid_type", "response")
    if wished.get("conversation", "auto") != "auto" or wished.get("input"):
        raise Refused(
            "Responses beside the conversation are not served yet.", "unsupported_parameter", "response.input"
        )
    metadata = mapping(wished.get("metadata"))
    if len(metadata) > MOST_METADATA or not all(isinstance(value, str) for value in metadata.values()):
        raise Refused(f"metadata has at most {MOST_METADATA} texts.", "invalid_value", "response.metadata")
    kept = {clean(name)[:64]: clean(value)[:512] for name, value in metadata.items()}
    usual = {"conversation": "auto", "output_modalities": ["audio"], "metadata": wished.get("metadata")}
    given = {name: value for name, value in wished.items() if name not in elsewhere}
    ignored = [clean(name)[:100] for name, value in given.items() if value not in (None, [], usual.get(name))]
    return Ordered(kept or None, tuple(ignored[:MOST_METADATA]))
