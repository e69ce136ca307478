"""The line to the runtime: a thread that connects, reads, sends what waits, and connects again when the line breaks.

It touches neither the stage nor Kit. Kit's own thread drains what came, once an update.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from aurora.sophia.core.websocket import ConnectionLost, WebSocket

EXTENSIONS = ("sophia.face", "sophia.floor", "sophia.gestures", "sophia.ledger", "sophia.playout", "sophia.tools")

MOST_EVENTS = 2000
"""Events that wait for Kit's thread; when full, the earliest are dropped. Kit drains them at every update."""

MOST_CHARACTERS = 4 << 20
"""Of those events' texts together: long ones that come while Kit loads a stage fill no memory."""

MOST_COMMANDS = 32
"""Commands that wait for the line; when full, further ones are refused."""

PATIENCE_SECONDS = 30.0
"""A line on which nothing came for so long is taken for dead: positions come ten times a second while she speaks, and
the server pings every 20 s at the latest."""

LOOK_SECONDS = 0.05
"""How long the thread listens before it looks for commands."""

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 15.0
"""Waits between attempts: the first, doubled each time up to the longest."""


class Line(Protocol):
    """What a connection needs of a socket."""

    def receive(self, seconds: float) -> str | None: ...

    def send(self, text: str) -> None: ...

    def close(self) -> None: ...


Dial = Callable[[str, str, str], Line]
"""Opens a line to an address, with a token and a file of certificates; either may be empty."""


class Arrived(NamedTuple):
    """An event of the server and when it came, ``time.monotonic()``."""

    event: dict[str, Any]
    at: float


class Connection:
    """Keeps a line to ``url`` until :meth:`stop`. ``dial`` opens a line; it may raise :class:`ConnectionLost`.

    ``first`` are client events that each new line begins with, after the session.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        ca: str = "",
        dial: Dial = WebSocket,
        clock: Callable[[], float] = time.monotonic,
        *,
        first: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.state = "connecting"
        """``connecting``, ``connected``, ``waiting`` or ``stopped``."""
        self.why = ""
        """Why the last attempt failed, in words; empty while connected."""
        self._url, self._token, self._ca, self._dial = url, token, ca, dial
        self._clock = clock
        self._first = tuple(first)
        self._arrived: deque[tuple[Arrived, int]] = deque()
        self._characters = 0
        self._arriving = threading.Lock()
        self._commands: deque[str] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="aurora.sophia.live", daemon=True)

    def start(self) -> None:
        """Begins to connect, in the background."""
        self._thread.start()

    def stop(self, seconds: float = 1.0) -> None:
        """Ends the line; waits at most ``seconds`` for it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        self.state = "stopped"

    def drain(self) -> list[Arrived]:
        """What came since the last call, in order."""
        with self._arriving:
            arrived = [one for one, _ in self._arrived]
            self._arrived.clear()
            self._characters = 0
        return arrived

    def send(self, event: Mapping[str, Any]) -> bool:
        """Sends a client event soon; false where there is no line, or too much waits."""
        if self.state != "connected" or len(self._commands) >= MOST_COMMANDS:
            return False
        self._commands.append(json.dumps(event))
        return True

    def _run(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while not self._stopping.is_set():
            self.state = "connecting"
            try:
                line = self._dial(self._url, self._token, self._ca)
            except ConnectionLost as lost:
                self.why = str(lost)
            else:
                wait = FIRST_WAIT_SECONDS
                self._hold(line)
            if self._stopping.is_set():
                return
            self.state = "waiting"
            self._stopping.wait(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    def _hold(self, line: Line) -> None:
        try:
            session = {"type": "realtime", "extensions": list(EXTENSIONS)}
            for event in ({"type": "session.update", "session": session}, *self._first):
                line.send(json.dumps(event))
            self.state, self.why = "connected", ""
            last = self._clock()
            while not self._stopping.is_set():
                text = line.receive(LOOK_SECONDS)
                now = self._clock()
                if text is not None:
                    last = now
                    self._take(text, now)
                elif now - last > PATIENCE_SECONDS:
                    raise ConnectionLost("the server has fallen silent")
                while self._commands:
                    line.send(self._commands.popleft())
        except ConnectionLost as lost:
            self.why = str(lost)
        finally:
            self._commands.clear()
            line.close()

    def _take(self, text: str, now: float) -> None:
        try:
            event = json.loads(text)
        except (ValueError, RecursionError):
            return
        if isinstance(event, dict):
            with self._arriving:
                self._arrived.append((Arrived(event, now), len(text)))
                self._characters += len(text)
                while len(self._arrived) > MOST_EVENTS or self._characters > MOST_CHARACTERS:
                    self._characters -= self._arrived.popleft()[1]


def say(text: str) -> tuple[dict[str, Any], ...]:
    """Client events that make her say exactly ``text``."""
    return ({"type": "sophia.say", "text": text},)


def tell(about: str) -> tuple[dict[str, Any], ...]:
    """Client events that have her tell the user ``about`` something in her own words, once nobody speaks."""
    return ({"type": "sophia.ask", "about": about},)


def ask(text: str) -> tuple[dict[str, Any], ...]:
    """Client events that ask her ``text``, as if somebody had typed it."""
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    return ({"type": "conversation.item.create", "item": item}, {"type": "response.create"})


def stop() -> tuple[dict[str, Any], ...]:
    """Client events that end what she says."""
    return ({"type": "response.cancel"},)
