"""The conversation's items in their order, as the client knows them. Bounded: the oldest are forgotten. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from nova.tools import ToolCall

Item = dict[str, Any]
"""An item as the protocol has it. It is never changed: another one takes its place."""

MOST_ITEMS: Final = 1_000
MOST_CHARACTERS: Final = 1_000_000
"""Characters of text in all items together."""


def voiced(item_id: str, transcript: str | None) -> Item:
    """What the user said. ``transcript`` is None until it is told by its own event; the field must be there."""
    return _message(item_id, "user", "completed", {"type": "input_audio", "transcript": transcript})


def written(item_id: str, text: str, role: str = "user") -> Item:
    """What the user, or whoever instructs her, wrote."""
    return _message(item_id, role, "completed", {"type": "input_text", "text": text})


def spoken(item_id: str, status: str, transcript: str | None) -> Item:
    """What she says. ``transcript`` is None before the item has a part."""
    part = [] if transcript is None else [{"type": "output_audio", "transcript": transcript}]
    return _message(item_id, "assistant", status, *part)


def called(item_id: str, call: ToolCall, status: str = "completed") -> Item:
    """A call as an item; while it is in progress its arguments are not told."""
    arguments = "" if status == "in_progress" else call.arguments
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "function_call",
        "status": status,
        "name": call.name,
        "call_id": call.id,
        "arguments": arguments,
    }


def answered(item_id: str, call_id: str, output: str) -> Item:
    """What a tool said as an item."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "function_call_output",
        "status": "completed",
        "call_id": call_id,
        "output": output,
    }


def shown(item_id: str, status: str, text: str | None) -> Item:
    """What she writes. ``text`` is None before the item has a part."""
    part = [] if text is None else [{"type": "output_text", "text": text}]
    return _message(item_id, "assistant", status, *part)


def _message(item_id: str, role: str, status: str, *content: dict[str, Any]) -> Item:
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": status,
        "role": role,
        "content": list(content),
    }


class Items:
    """The items that can be asked for."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._order: list[str] = []
        self._characters = 0
        self.changes = 0
        """Counts what was put in and removed."""

    def __iter__(self) -> Iterator[Item]:
        return (self._items[name] for name in self._order)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._items

    @property
    def last(self) -> str | None:
        """The id of the last item; None before the first."""
        return self._order[-1] if self._order else None

    def get(self, item_id: str) -> Item | None:
        """The item as it is now; None if it is not known, or no longer."""
        return self._items.get(item_id)

    def before(self, item_id: str) -> str | None:
        """The id of the item before this one, which must be there; None if it is the first."""
        at = self._order.index(item_id)
        return self._order[at - 1] if at else None

    def put(self, item: Item, after: str | None = None, *, first: bool = False) -> None:
        """Adds an item at the end, after the item ``after``, or as the ``first``; one that is there is replaced."""
        self.changes += 1
        name = item["id"]
        if name not in self._items:
            at = 0 if first else len(self._order) if after is None else self._order.index(after) + 1
            self._order.insert(at, name)
        else:
            self._characters -= _size(self._items[name])
        self._items[name] = item
        self._characters += _size(item)
        while len(self._order) > 1 and (len(self._order) > MOST_ITEMS or self._characters > MOST_CHARACTERS):
            self.remove(self._order[0])

    def remove(self, item_id: str) -> None:
        """Forgets an item; one that is not there is no error."""
        if item_id in self._items:
            self.changes += 1
            self._characters -= _size(self._items.pop(item_id))
            self._order.remove(item_id)


def words(item: Item) -> str:
    """The text of a message, written or spoken."""
    return "\n".join(part.get("text") or part.get("transcript") or "" for part in item["content"])


def _size(item: Item) -> int:
    parts = item.get("content", ())
    text = sum(len(part.get("text") or part.get("transcript") or "") for part in parts)
    return text + len(item.get("arguments", "")) + len(item.get("output", ""))
