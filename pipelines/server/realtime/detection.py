"""``turn_detection``: what a client may set of it, what is in force, and the policy of turn taking that it is. Pure.

Numbers are clamped to what can be kept. What belongs to another type is ignored, and what is no number is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from pipelines.server.realtime.reading import clean, number
from sophia.floor_policy import FloorPolicy

Type = Literal["semantic_vad", "server_vad"]

LONGEST: Final = {"low": 8.0, "medium": 4.0, "high": 2.0, "auto": 4.0}
"""Seconds that each eagerness waits at most."""

PATIENCE: Final = {"low": 2.0, "medium": 1.0, "high": 0.6, "auto": 1.0}
"""By what each eagerness multiplies the pauses of our own judgement."""

LIMITS: Final[dict[str, tuple[float, float, float | None]]] = {
    "threshold": (0.05, 0.95, 0.5),
    "prefix_padding_ms": (0, 5_000, 300),
    "silence_duration_ms": (50, 10_000, 500),
    "idle_timeout_ms": (5_000, 30_000, None),
}
"""The least and the greatest value of each number of ``server_vad``, and its default."""

_WHOLE: Final = ("prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms")


@dataclass(frozen=True, slots=True)
class _Set:
    """What is set. ``type`` is None where a client commits by itself."""

    type: Type | None = "semantic_vad"
    create_response: bool = True
    interrupt_response: bool = True
    eagerness: str = "auto"
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None


class TurnDetection:
    """One session's. ``interrupts``: the server lets a voice stop her.

    ``ignore`` is told paths that change nothing, and ``wrong`` a path, a message and a code; paths begin with the
    field's own name.
    """

    def __init__(self, interrupts: bool, ignore: Callable[[str], None], wrong: Callable[[str, str, str], None]) -> None:
        self._interrupts, self._ignore, self._wrong = interrupts, ignore, wrong
        self._set = _Set(interrupt_response=interrupts)

    @property
    def prefix_ms(self) -> float:
        """By how much earlier than the voice its sound is said to begin, in ms."""
        return self._set.prefix_padding_ms if self._set.type == "server_vad" else 0.0

    def in_force(self) -> dict[str, Any] | None:
        """As the session tells it; None where only a client's commit ends a turn."""
        now = self._set
        answers = {"create_response": now.create_response, "interrupt_response": now.interrupt_response}
        if now.type == "semantic_vad":
            return {"type": now.type, "eagerness": now.eagerness, **answers}
        if now.type is None:
            return None
        numbers = {name: getattr(now, name) for name in LIMITS}
        if now.idle_timeout_ms is None or not now.create_response:  # who answers only when asked is not idle by herself
            del numbers["idle_timeout_ms"]
        return {"type": now.type, **numbers, **answers}

    def policy(self) -> FloorPolicy:
        """What turn taking is told."""
        now = self._set
        shared = FloorPolicy(answers=now.create_response, interrupts=now.interrupt_response)
        if now.type is None:
            return replace(shared, ends="commit", answers=False, interrupts=False)
        if now.type == "semantic_vad":
            return replace(shared, patience=PATIENCE[now.eagerness], longest=LONGEST[now.eagerness])
        idle = now.idle_timeout_ms if now.create_response else None
        return replace(
            shared,
            ends="silence",
            silence=now.silence_duration_ms / 1000,
            idle=None if idle is None else idle / 1000,
            threshold=now.threshold,
        )

    def update(self, wished: Any) -> None:
        """Applies what can be applied. Null turns it off; a type that changes starts from its own defaults."""
        if wished is None:
            self._set = _Set(type=None, interrupt_response=self._interrupts)
            return
        if not isinstance(wished, Mapping):
            self._wrong("", "turn_detection is an object, or null.", "invalid_type")
            return
        kind = wished.get("type", self._set.type)
        if kind is None:
            self._wrong(".type", "turn_detection is off; say which type it should have.", "missing_required_parameter")
            return
        if kind not in ("semantic_vad", "server_vad"):
            self._wrong(".type", "turn_detection is of type 'server_vad' or 'semantic_vad', or null.", "invalid_value")
            return
        if kind != self._set.type:
            self._set = _Set(type=kind, interrupt_response=self._interrupts)
        for name, value in wished.items():
            self._take(name, value)

    def _take(self, name: str, value: Any) -> None:
        if name == "type":
            return
        if name in ("create_response", "interrupt_response"):
            self._take_switch(name, value)
        elif name == "eagerness" and self._set.type == "semantic_vad":
            if value is not None and (not isinstance(value, str) or value not in LONGEST):
                self._wrong(".eagerness", "eagerness is low, medium, high or auto.", "invalid_value")
            else:
                self._set = replace(self._set, eagerness=value or "auto")
        elif name in LIMITS and self._set.type == "server_vad":
            self._take_number(name, value)
        elif value is not None:
            self._ignore(f".{clean(name)[:100]}")

    def _take_switch(self, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, bool):
            self._wrong(f".{name}", f"{name} is true or false.", "invalid_type")
            return
        wanted = value is not False
        if name == "interrupt_response" and wanted and not self._interrupts:
            if value:
                self._ignore(f".{name}")
            wanted = False
        self._change(name, wanted)

    def _take_number(self, name: str, value: Any) -> None:
        least, most, usual = LIMITS[name]
        found = usual if value is None else number(value)
        if found is None and value is not None:
            self._wrong(f".{name}", f"{name} is a number.", "invalid_type")
            return
        if found is not None:
            found = min(max(found, least), most)
            found = round(found) if name in _WHOLE else found
        self._change(name, found)

    def _change(self, name: str, value: bool | float | None) -> None:
        changed: dict[str, Any] = {name: value}
        self._set = replace(self._set, **changed)
