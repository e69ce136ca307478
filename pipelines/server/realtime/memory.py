"""Which of a client's items the model knows: a client can tell of the past, and make her forget. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from pipelines.conversation.events import Forgotten, Remembered
from pipelines.server.realtime.items import MOST_ITEMS, Item, words


class Memory:
    """One connection's. A place is a generation, or below zero an exchange that the client told of."""

    def __init__(self) -> None:
        self._places: OrderedDict[str, tuple[int, bool]] = OrderedDict()
        self._told = 0

    def place(self, item_id: str, generation: int, *, said: bool) -> None:
        """The item is what the user ``said`` in a generation, or else what was heard of it."""
        self._places[item_id] = generation, said
        if len(self._places) > MOST_ITEMS:
            self._places.popitem(last=False)

    def recall(self, at: float, item_id: str, text: str, before: Sequence[tuple[str, str]]) -> Remembered:
        """The client tells what she once said to ``before``: the items that waited for an answer, and their texts."""
        self._told -= 1
        self.place(item_id, self._told, said=False)
        if len(before) == 1:  # several are one question, of which no part can be forgotten
            self.place(before[0][0], self._told, said=True)
        return Remembered(at=at, place=self._told, said="\n".join(said for _, said in before), heard=text)

    def restore(self, at: float, asked: Sequence[Item], answers: Sequence[Item]) -> Remembered:
        """An exchange of a conversation that is taken up: what the user said, and what was heard."""
        self._told -= 1
        for items, said in ((asked, True), (answers, False)):
            if len(items) == 1:  # of several no part can be forgotten
                self.place(items[0]["id"], self._told, said=said)
        return Remembered(
            at=at,
            place=self._told,
            said="\n".join(filter(None, map(words, asked))),
            heard=" ".join(filter(None, map(words, answers))),
            interrupted=any(item["status"] == "incomplete" for item in answers),
        )

    def forget(self, at: float, item_id: str) -> list[Forgotten]:
        """The client deletes an item; nothing where the model does not know it by itself."""
        found = self._places.pop(item_id, None)
        return [Forgotten(at=at, place=found[0], said=found[1])] if found else []
