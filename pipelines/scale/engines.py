"""Who starts servers: this machine by itself, or an engine that has many machines. None of them is in a frame's way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from pipelines.scale.keeper import Keeper, Look

MOST_SERVERS: Final = 1000
"""The most that one dispatcher is told to run. It asks each four times a second, so a core looks after fewer."""


class Away(Exception):
    """A server's keeper does not answer: its machine is gone, or it is being started elsewhere."""


class Dead(Away):
    """A server's keeper is gone for good, and somebody has to start another."""


class Engine(Protocol):
    """Places servers by name and keeps them running. Each call ends within some seconds."""

    async def names(self) -> list[str]:
        """Servers that are there already, from a run before."""
        ...

    async def start(self, name: str) -> None:
        """Has a server started, and started again whenever it dies; it does not wait for it."""
        ...

    async def look(self, name: str) -> Look:
        """What is known of a server. Raises :class:`Away`."""
        ...

    async def drain(self, name: str) -> None:
        """Has a server end with its last conversation. Raises :class:`Away`."""
        ...

    async def remove(self, name: str) -> None:
        """Forgets a server, and ends it at once if it still runs."""
        ...


class ThisMachine:
    """An :class:`Engine` for processes of this machine, which end with this program. ``arguments``: the server's."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = [*arguments, "--set", "server.port=0"]
        self._keepers: dict[str, Keeper] = {}

    async def names(self) -> list[str]:
        return []

    async def start(self, name: str) -> None:
        self._keepers[name] = Keeper(self._arguments)

    async def look(self, name: str) -> Look:
        return self._keepers[name].look()

    async def drain(self, name: str) -> None:
        self._keepers[name].drain()

    async def remove(self, name: str) -> None:
        await asyncio.to_thread(self._keepers.pop(name).kill)
