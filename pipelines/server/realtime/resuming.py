"""What of a conversation can go on elsewhere: its session, and its items as they were heard. Pure.

A reply that is not over is kept as far as it was heard by now: by what the client told last, else by what it was sent
less its lead. Whoever signs and carries what is kept is not the business of this file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nova.tools import ToolCall
from pipelines.conversation.events import ToolAnswered, ToolCalled
from pipelines.server.realtime.answers import Answers
from pipelines.server.realtime.items import Item, words
from pipelines.server.realtime.reading import Refused
from pipelines.server.realtime.responses import Response
from pipelines.server.realtime.state import State
from pipelines.server.realtime.wishes import Event, Wish

PARAM: Final = "session.sophia.resume"

ENDS: Final = (".", "!", "?", "…", "。", "！", "？")
"""What ends a sentence: with each of hers there is something new to keep."""


@dataclass(frozen=True, slots=True)
class Kept:
    """``session`` is an update that makes a new session like this one; ``items`` stand in their order."""

    session: dict[str, Any]
    items: list[Item]


Open = Callable[[str], Kept]
"""Reads a token. Raises :class:`~pipelines.server.realtime.reading.Refused`."""


class Resuming:
    """One connection's. ``open_token`` is None where nothing can be taken up."""

    def __init__(self, state: State, answers: Answers, open_token: Open | None) -> None:
        self._state, self._answers, self._open = state, answers, open_token
        self._past: Kept | None = None

    @property
    def mark(self) -> tuple[int, int, int]:
        """Changes when there is something new to keep."""
        running = self._answers.response
        heard = running.delivered.heard(self._heard(running)) if running else ""
        sentences = sum(word.rstrip("\"'”’)]").endswith(ENDS) for word in heard.split())
        return self._state.items.changes, self._state.session.changes, sentences

    def kept(self) -> Kept:
        """All that is worth to be kept now. A session that only transcribes remembers nothing."""
        session, sounding = self._state.session, self._answers.unsettled()
        items = (self._as_heard(item, sounding.get(item["id"])) for item in self._state.items)
        return Kept(session.wishes(), [] if session.transcribes else list(items))

    def _as_heard(self, item: Item, response: Response | None) -> Item:
        if response is None:
            return item
        heard = response.delivered.text if response.written else response.delivered.heard(self._heard(response))
        return response.item("incomplete", heard)

    def _heard(self, response: Response) -> int:
        """The sample up to which a reply was heard."""
        delivered = response.delivered
        if delivered.played is not None:
            return delivered.played
        return max(0, delivered.top - round(self._state.session.lead_ms * delivered.rate / 1000))

    def token(self, text: str, expires_at: int, dropped: int, *, settings: bool) -> list[Event]:
        """Tells the client of its token."""
        return self._state.write.extra(
            "sophia.resume.token", token=text, expires_at=expires_at, dropped=dropped, settings=settings
        )

    def take_up(self, token: object) -> list[Event]:
        """Settings of an earlier session are in force again; what is wrong with a token, which then changes nothing."""
        if token is None:
            return []
        try:
            self._past = kept = self._opened(token)
        except Refused as no:
            return [self._state.write.error(no.message, no.code, param=PARAM)]
        self._state.session.update(kept.session)
        return []

    def _opened(self, token: object) -> Kept:
        if self._open is None:
            raise Refused("Only a client that talks can take up a conversation.", "watching")
        if not isinstance(token, str):
            raise Refused("resume is a token, a text.", "invalid_type")
        if self._state.items.last is not None:
            raise Refused("A conversation is taken up before anything is said in another.", "resume_too_late")
        return self._open(token)

    def restored(self, at: float) -> tuple[list[Wish], list[Event]]:
        """Puts what was taken up into the new conversation: what she is to be told, and what the client is."""
        kept, self._past = self._past, None
        if kept is None:
            return [], []
        state, wishes = self._state, list[Wish]()
        for turn in exchanges(kept.items):
            wishes += self._remember(turn, at)
        if state.session.may_instruct:
            state.notes |= {item["id"]: words(item) for item in kept.items if item.get("role") == "system"}
        ids = [item["id"] for item in kept.items]
        waits = bool(kept.items) and kept.items[-1].get("role") == "user"
        return wishes, state.write.extra("sophia.resume.restored", item_ids=ids, unanswered=waits)

    def _remember(self, turn: Sequence[Item], at: float) -> list[Wish]:
        """One turn: what was said, heard and called, what the tools said, and what was heard and called then."""
        state, wishes = self._state, list[Wish]()
        for item in turn:
            state.items.put(item)
        for replied, outputs in _rounds(turn):
            said = [item for item in replied if item.get("role") == "user"]
            heard = [item for item in replied if item.get("role") == "assistant"]
            if replied:
                wishes.append(state.memory.restore(at, said, heard))
            for item in replied:
                if item["type"] == "function_call":
                    state.calls.add(item["call_id"])
                    call = ToolCall(item["call_id"], item["name"], item["arguments"])
                    wishes.append(ToolCalled(at=at, generation=0, call=call))
            for item in outputs:
                state.calls.answer(item["call_id"])
                wishes.append(ToolAnswered(at=at, call_id=item["call_id"], output=item["output"]))
        return wishes


def exchanges(items: Sequence[Item]) -> list[list[Item]]:
    """Items by turns: one begins with what the user says after she has spoken or called."""
    turns: list[list[Item]] = []
    for item in items:
        asks = item.get("role") in ("user", "system")
        if not turns or (asks and turns[-1][-1].get("role") not in ("user", "system")):
            turns.append([])
        turns[-1].append(item)
    return turns


def _rounds(turn: Sequence[Item]) -> list[tuple[list[Item], list[Item]]]:
    """A turn by its rounds: what stands before outputs of tools, and these. A call may come before words beside it."""
    rounds: list[tuple[list[Item], list[Item]]] = []
    for item in turn:
        output = item["type"] == "function_call_output"
        if not rounds or (rounds[-1][1] and not output):
            rounds.append(([], []))
        if item.get("role") != "system":
            rounds[-1][output].append(item)
    return rounds
