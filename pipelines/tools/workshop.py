"""Where a session's own tools come from: workshops, one a runtime, make them for each session's place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from nova.tools import Tool


class Place(Protocol):
    """A session as its tools see it: they may speak up later, and hear of its end. On the loop's thread."""

    @property
    def now(self) -> float:
        """``loop.time()``."""
        ...

    @property
    def language(self) -> str:
        """The language that is spoken, such as ``de-DE``."""
        ...

    @property
    def person(self) -> str:
        """The pseudonym of who talks; ``me`` at this machine's own microphone, empty where nobody knows."""
        ...

    def say(self, text: str) -> None:
        """Has her say ``text`` word for word, at a moment when nobody speaks."""
        ...

    def ask(self, about: str) -> None:
        """Has her tell the user ``about`` something in her own words, at a moment when nobody speaks."""
        ...

    def exchange(self, before: Sequence[Tool], now: Sequence[Tool]) -> None:
        """Offers ``now`` in the place of ``before`` to replies that begin from now on."""
        ...

    def know(self, notes: str) -> None:
        """Has ``notes`` stand below the persona from now on, in place of those before."""
        ...

    def at_end(self, leave: Callable[[], None]) -> None:
        """Has ``leave`` called when the session ends."""
        ...


class Workshop(Protocol):
    """Makes tools for each session that begins."""

    def tools(self, place: Place) -> tuple[Tool, ...]:
        """The tools of a new session; called once for each."""
        ...


class Ready:
    """A workshop of tools that know no session: the same for all."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = tuple(tools)

    def tools(self, place: Place) -> tuple[Tool, ...]:
        return self._tools


class Joined:
    """Several workshops as one. Of two tools with one name the first is offered, and ``notice`` told of the other."""

    def __init__(self, workshops: Sequence[Workshop], notice: Callable[[str], None] = lambda line: None) -> None:
        self._workshops = tuple(workshops)
        self._notice = notice
        self._told: set[str] = set()

    def tools(self, place: Place) -> tuple[Tool, ...]:
        found: dict[str, Tool] = {}
        for workshop in self._workshops:
            for tool in workshop.tools(place):
                if found.setdefault(tool.name, tool) is not tool and tool.name not in self._told:
                    self._told.add(tool.name)
                    self._notice(f"Two tools are called {tool.name}; the first is used.")
        return tuple(found.values())
