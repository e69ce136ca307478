"""The user's side: what is said or typed becomes items of the conversation, once it is decided what it was. Pure."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.conversation.events import TextTyped
from pipelines.server.realtime.hearing import Hearing, rest
from pipelines.server.realtime.items import voiced, written
from pipelines.server.realtime.state import State
from pipelines.server.realtime.wishes import Event
from sophia.decisions import Commit


class Questions:
    """One connection's. ``audio_ms`` is the position in the client's sound at a ``loop.time()``."""

    def __init__(self, state: State, audio_ms: Callable[[float], float]) -> None:
        self._state = state
        self._audio_ms = audio_ms
        self.hearing: Hearing | None = None
        """The utterance that is not over."""
        self.expected: list[tuple[TextTyped, list[str]]] = []
        """Messages of this client as the conversation will tell them, and the items that they are already."""
        self._texts: list[str] = []  # typed since the last decision
        self._items: list[str] = []

    def listen(self, turn: int, since: float) -> None:
        """A turn's voice, or the words of one, set in at ``since``; the client is told by :meth:`start`."""
        item_id, at = self._state.ids("item"), self._audio_ms(since)
        self.hearing = Hearing(self._state.write, self._state.items, item_id, turn, at)

    def start(self) -> list[Event]:
        """Tells of the utterance, if the client does not know of it."""
        return self.hearing.start() if self.hearing else []

    def hear(self, turn: int, text: str) -> list[Event]:
        """The words of a turn so far."""
        return self.hearing.hear(text) if self.hearing and self.hearing.turn == turn else []

    def reopen(self, turn: int, joined: int) -> None:
        """What is being heard belongs to an earlier turn."""
        if self.hearing and self.hearing.turn == joined:
            self.hearing.turn, self.hearing.before = turn, self._state.turn(turn).said
            self._state.turn(joined).items.append(self.hearing.item_id)

    def typed(self, event: TextTyped) -> list[Event]:
        """Somebody typed a message: this client, which knows its items, or somebody else."""
        text = event.text.strip()
        for place, (expected, items) in enumerate(self.expected):
            if expected is event:
                del self.expected[place]
                self._texts.append(text)
                self._items += items
                return []
        if not text:
            return []
        state, item = self._state, written(self._state.ids("item"), text)
        previous = state.items.last
        state.items.put(item)
        self._texts.append(text)
        self._items.append(item["id"])
        return [
            state.write.event("conversation.item.added", item=item, previous_item_id=previous),
            state.write.event("conversation.item.done", item=item, previous_item_id=previous),
        ]

    def decided(self, decision: Commit) -> list[Event]:
        """The turn is to be answered: what was said, less what was typed after it, is an item from now on."""
        number, turn = decision.turn, self._state.turn(decision.turn)
        turn.typed = " ".join(filter(None, (turn.typed, *self._texts)))
        said = decision.text.removesuffix(turn.typed).strip()
        events: list[Event] = []
        if self.hearing and self.hearing.turn == number:
            events = self.finish(said, decision.at, number, kept=bool(said))
        elif turn.question:  # decided again, with the recogniser's last word
            events = self.correct(number, decision.text)
        elif said and not (turn.items or self.hearing):  # it began before this client came
            self.listen(number, decision.at)
            events = self.finish(said, decision.at, number, kept=True)
        turn.items += self._items
        self._texts, self._items = [], []
        return events

    def finish(self, text: str, at: float, turn: int, *, kept: bool) -> list[Event]:
        """Ends the turn's utterance, if it is being heard; ``kept``: as an item."""
        hearing = self.hearing
        if not hearing or hearing.turn != turn:
            return []
        self.hearing = None
        events = hearing.finish(text, self._audio_ms(at), kept=kept)
        if kept:
            found = self._state.turn(turn)
            found.items.append(hearing.item_id)
            found.question, found.said, found.before = hearing.item_id, text, hearing.before
        return events

    def dismiss(self, text: str, at: float, turn: int) -> list[Event]:
        """The turn comes to nothing. Words of it are kept if the client was told that somebody speaks."""
        if self.hearing and self.hearing.turn == turn and not self.hearing.started:
            self.hearing = None
        return self.finish(text, at, turn, kept=bool(text))

    def correct(self, number: int, text: str) -> list[Event]:
        """The last word on what was said: in the item, and for those who get every hypothesis."""
        turn = self._state.turns.get(number)
        if turn is None or turn.question is None:
            return []
        text = text.removesuffix(turn.typed).strip()
        if text == turn.said:
            return []
        turn.said = text
        own = rest(text, turn.before)
        if turn.question in self._state.items:
            self._state.items.put(voiced(turn.question, own))
        return self._state.write.extra("sophia.transcript", turn=number, item_id=turn.question, text=own, sure=len(own))
