"""A session's :class:`~pipelines.tools.workshop.Place`, made before the session is, and joined to it then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from nova.tools import Tool, Toolbox
from sophia.events import AskRequested, SayRequested

Tell = Callable[[SayRequested | AskRequested], None]


class SessionPlace:
    """Make it in the loop of the session. Before :meth:`join`, and after :meth:`leave`, nothing is said."""

    def __init__(
        self,
        *,
        language: str | Callable[[], str] = "en-US",
        person: str = "",
        know: Callable[[str], None] = lambda notes: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._tell: Tell | None = None
        self._toolbox: Toolbox | None = None
        self.know = know
        self._leaving: list[Callable[[], None]] = []
        self._language = language
        self.person = person

    @property
    def language(self) -> str:
        """That of the conversation, which may change while it goes on."""
        return self._language if isinstance(self._language, str) else self._language()

    @property
    def now(self) -> float:
        return self._loop.time()

    def join(self, tell: Tell, toolbox: Toolbox) -> None:
        """From now on it is the place of the session that takes these events, and has this toolbox."""
        self._tell, self._toolbox = tell, toolbox

    def leave(self) -> None:
        """The session is over."""
        self._tell = None
        while self._leaving:
            self._leaving.pop()()

    def say(self, text: str) -> None:
        if self._tell:
            self._tell(SayRequested(at=self.now, text=text, polite=True))

    def ask(self, about: str) -> None:
        if self._tell:
            self._tell(AskRequested(at=self.now, about=about))

    def exchange(self, before: Sequence[Tool], now: Sequence[Tool]) -> None:
        if self._toolbox:
            stay = tuple(tool for tool in self._toolbox.own if not any(tool is gone for gone in before))
            taken = {tool.name for tool in stay}
            self._toolbox.own = (*stay, *(tool for tool in now if tool.name not in taken))

    def at_end(self, leave: Callable[[], None]) -> None:
        self._leaving.append(leave)
