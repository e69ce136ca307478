"""What a client carries to another server when this one is gone: its session and its items in a signed text.

The token is signed and not encrypted: it holds what the client has been told already. Whoever has it can read the
words in it, so it is to be kept as the words are. It opens no door; a server that asks for a key asks for it still.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.server.outbox import Event
from pipelines.server.realtime.items import Item
from pipelines.server.realtime.reading import Refused
from pipelines.server.realtime.resuming import Kept, exchanges
from pipelines.server.realtime.schema import RESUME
from pipelines.server.realtime.wire import Wire
from pipelines.server.sealed import MOST_UNPACKED, Over, Seal

PREFIX: Final = "resume_"

LIFE_SECONDS: Final = 3600
"""How long a conversation can be gone on with."""

LONGEST: Final = 32 << 10
"""Characters of a token (policy when full: the oldest turns are left out)."""

SETTINGS_SHARE: Final = 0.5
"""Of :data:`LONGEST`, what the settings may take; with more, such as many tools, the client has to bring them again."""

SPACING: Final = 0.25
"""Least seconds between two tokens: a client that changes something all the time gets no more."""

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Token:
    """``text`` counts until ``expires_at`` (epoch, s). ``dropped`` items did not fit, nor did the settings unless
    they are said to be in it."""

    text: str
    expires_at: int
    dropped: int
    settings: bool


class Tokens:
    """Mints and reads the tokens of one key; without a key those of this process alone."""

    def __init__(self, key: str | None, clock: Callable[[], float] = time.time) -> None:
        self._seal = Seal(key, "sophia resume 1", prefix=PREFIX, longest=LONGEST)
        self._clock = clock

    def mint(self, kept: Kept) -> Token:
        """A token of at most :data:`LONGEST` characters: the newest turns, as many as fit, each of them whole."""
        expires_at = int(self._clock()) + LIFE_SECONDS
        session = kept.session
        if len(self._packed(session, [], expires_at)) > LONGEST * SETTINGS_SHARE:
            session = {}
        turns = exchanges(kept.items)
        while sum(map(_size, turns)) > MOST_UNPACKED // 2:
            turns = turns[1:]
        while len(text := self._packed(session, turns, expires_at)) > LONGEST:
            turns = turns[max(1, len(turns) // 8) :]
        left = sum(map(len, turns))
        return Token(text, expires_at, len(kept.items) - left, session == kept.session)

    def _packed(self, session: dict[str, Any], turns: Sequence[Sequence[Item]], expires_at: int) -> str:
        items = [item for turn in turns for item in turn]
        return self._seal.seal({"version": VERSION, "session": session, "items": items}, expires_at)

    def read(self, text: str) -> Kept:
        """What was kept. Raises :class:`~pipelines.server.realtime.reading.Refused`."""
        try:
            said = self._seal.read(text, self._clock())
        except Over:
            raise Refused("That conversation is too long ago; it begins anew.", "resume_expired") from None
        if said is None or said.get("version") != VERSION:
            message = "That is no token of this server or of one with its key; the conversation begins anew."
            raise Refused(message, "resume_invalid")
        return Kept(said["session"], said["items"])


class Keeper:
    """Sends one client a token after what changed, if it asked for that; ``send`` takes events.

    All that changes in one go is in one token. The next one comes :data:`SPACING` later, at the earliest.
    """

    def __init__(self, wire: Wire, tokens: Tokens, send: Callable[[Sequence[Event]], None]) -> None:
        self._wire, self._tokens, self._send = wire, tokens, send
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._sent_at = self._loop.time() - SPACING
        self._mark = wire.resuming.mark

    def look(self) -> None:
        """Something happened; perhaps it is worth a token."""
        if self._timer or RESUME not in self._wire.extensions or self._wire.resuming.mark == self._mark:
            return
        self._timer = self._loop.call_at(max(self._loop.time(), self._sent_at + SPACING), self._keep)

    def close(self) -> None:
        """Nothing is sent any more."""
        if self._timer:
            self._timer.cancel()

    def _keep(self) -> None:
        self._timer, self._sent_at, self._mark = None, self._loop.time(), self._wire.resuming.mark
        token = self._tokens.mint(self._wire.resuming.kept())
        self._send(self._wire.resuming.token(token.text, token.expires_at, token.dropped, settings=token.settings))


def _size(turn: Sequence[Item]) -> int:
    return len(json.dumps(turn, ensure_ascii=False).encode())
