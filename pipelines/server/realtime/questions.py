"""The user's side: what is said or typed becomes items of the conversation, once it is decided what it was. Pure."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.conversation.events import TextTyped
from pipelines.server.realtime.hearing import Hearing, rest
from pipelines.server.realtime.items import voiced, written
from pipelines.server.realtime.state import State
from pipelines.server.realtime.wishes import Event
from sophia.decisions import Commit, Keep


class Questions:
    """One connection's. ``audio_ms`` is the position in the client's sound at a ``loop.time()``."""

    def __init__(self, state: State, audio_ms: Callable[[float], float]) -> None:
        self._state = state
        self._audio_ms = audio_ms
        self.hearing: Hearing | None = None
        """The utterance that is not over."""
        self.expected: list[tuple[TextTyped, list[str]]] = []
        """Messages of this client as the conversation will tell them, and the items that they are already."""
        self._kept = ""  # words that are items, and that nobody has asked an answer to
        self._texts: list[str] = []  # typed since the last decision
        self._items: list[str] = []

    def listen(self, turn: int, since: float) -> None:
        """A turn's voice, or the words of one, set in at ``since``; the client is told by :meth:`start`."""
        self.hearing = self._new(turn, self._audio_ms(since) - self._state.session.detection.prefix_ms)

    def _new(self, turn: int, since_ms: float) -> Hearing:
        return Hearing(self._state.write, self._state.items, self._state.ids("item"), turn, since_ms)

    def start(self) -> list[Event]:
        """Tells of the utterance, if the client does not know of it and does not itself say when one is over."""
        return self.hearing.start() if self.hearing and not self._state.policy.commits_only else []

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
        kept, self._kept = self._kept, ""
        events: list[Event] = []
        if self.hearing and self.hearing.turn == number:
            self.hearing.before = kept or self.hearing.before
            events = self.finish(said, decision.at, number, kept=bool(rest(said, kept)))
        elif turn.question:  # decided again, with the recogniser's last word
            events = self.correct(number, decision.text)
        elif rest(said, kept) and not (turn.items or self.hearing):  # it began before this client came
            self.listen(number, decision.at)
            events = self.finish(said, decision.at, number, kept=True)
        turn.items += self._items
        self._texts, self._items = [], []
        asked = [name for name in turn.items if (self._state.items.get(name) or {}).get("role") == "user"]
        if len(asked) == 1:  # several are one question, of which no part can be forgotten
            self._state.memory.place(asked[0], decision.generation, said=True)
        return events

    def kept(self, decision: Keep) -> list[Event]:
        """The turn is over, and is not answered so far: what was said is an item, words or none."""
        if self.hearing and self.hearing.turn == decision.turn:
            self.hearing.before = self._kept or self.hearing.before
        self._kept = decision.text if self._state.policy.remembers else ""
        return self.finish(decision.text, decision.at, decision.turn, kept=True)

    def fell_silent(self, turn: int, at: float) -> list[Event]:
        """Nobody has said anything for too long, and she will speak: the silence is an item without words."""
        until = max(0, round(self._audio_ms(at)))
        since = min(max(0, round(self._audio_ms(at - (self._state.policy.idle or 0.0)))), until)
        hearing = self._new(turn, since)
        self._state.turn(turn).items.append(hearing.item_id)
        triggered = self._state.write.event(
            "input_audio_buffer.timeout_triggered", item_id=hearing.item_id, audio_start_ms=since, audio_end_ms=until
        )
        return [triggered, *hearing.commit("", until)]

    def finish(self, text: str, at: float, turn: int, *, kept: bool) -> list[Event]:
        """Ends the turn's utterance, if it is being heard; ``kept``: as an item."""
        hearing = self.hearing
        if not hearing or hearing.turn != turn:
            return []
        self.hearing = None
        if self._state.policy.commits_only and not hearing.started:  # the client knows by itself when somebody spoke
            events = hearing.commit(text, max(0, round(self._audio_ms(at)))) if kept else []
        else:
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
