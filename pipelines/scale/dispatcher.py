"""Keeps so many servers running, asks each how full it is, and tells the next client which one to go to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pipelines.scale.asking import Asking
from pipelines.scale.book import CLOCK_SECONDS, LEASE_SECONDS, LeaseBook, Load
from pipelines.scale.engines import Away, Dead, Engine
from pipelines.scale.keeper import Look

LOOK_SECONDS: Final = 0.25
"""Between two looks at a server."""

GONE_SECONDS: Final = 60.0
"""A server that stops, and of whose machine nothing was heard for so long, is forgotten."""

DEAD_SECONDS: Final = 3.0
"""Before another server takes the place of one whose keeper died for good: the next may die of the same."""

Say = Callable[[str], None]


@dataclass(slots=True)
class Slot:
    """A server as the dispatcher sees it."""

    name: str
    look: Look | None = None
    load: Load | None = None
    draining: bool = False


class Dispatcher:
    """Many servers of one engine. ``count`` may be changed at any time."""

    def __init__(self, engine: Engine, ask: Asking, count: int, say: Say) -> None:
        self.count = count
        self._engine, self._ask, self._say = engine, ask, say
        self._book = LeaseBook()
        self._slots: dict[str, Slot] = {}
        self._numbers = 0
        self._opens = 0.0
        self._closing = False
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Keeps the servers until it was told to :meth:`close` and the last one has ended."""
        now = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for name in await self._engine.names():
                self._add(name, group)
            if self._slots:  # what was promised in the run before is not known here: it is waited for
                self._opens = now + LEASE_SECONDS + CLOCK_SECONDS
            while not self._closing or self._slots:
                await self._keep_count(group)
                self._changed.clear()
                await self._changed.wait()

    def lease(self) -> str | None:
        """The address of the server that the next client is to go to; None where there is no room."""
        now = asyncio.get_running_loop().time()
        return None if self._closing or now < self._opens else self._book.lease(now)

    def set_count(self, count: int) -> None:
        """Has so many servers run. What is too many drains, the emptiest first."""
        self.count = count
        self._changed.set()

    async def drain(self, name: str) -> bool:
        """Has a server end with its last conversation, and another one start in its place; False if there is none."""
        slot = self._slots.get(name)
        if slot is None:
            return False
        slot.draining = True
        if slot.look and slot.look.url:
            self._book.close(slot.look.url)
        self._changed.set()
        return True

    def close(self) -> None:
        """Has all servers end with their last conversations, and starts no other."""
        self._closing = True
        self.set_count(0)

    async def remove_all(self) -> None:
        """Ends what is left at once."""
        for name in list(self._slots):
            await self._engine.remove(name)

    def told(self) -> list[dict[str, Any]]:
        """What is known of each server, for people and programs."""
        return [self._told(slot) for slot in self._slots.values()]

    @property
    def free(self) -> int:
        """How many clients could be sent somewhere now."""
        return self._book.free

    def _told(self, slot: Slot) -> dict[str, Any]:
        url = slot.look.url if slot.look else None
        return {
            "name": slot.name,
            "url": url,
            "pid": slot.look.pid if slot.look else None,
            "starts": slot.look.starts if slot.look else 0,
            "note": slot.look.note if slot.look else "",
            "draining": slot.draining,
            "talking": slot.load.talking if slot.load else None,
            "places": slot.load.places if slot.load else None,
            "leases": self._book.leases(url) if url else 0,
        }

    async def _keep_count(self, group: asyncio.TaskGroup) -> None:
        staying = [slot for slot in self._slots.values() if not slot.draining]
        for _ in range(self.count - len(staying)):
            self._numbers += 1
            name = f"server-{self._numbers}"
            await self._engine.start(name)
            self._add(name, group)
        emptiest = sorted(staying, key=lambda slot: slot.load.talking if slot.load else 0)
        for slot in emptiest[: max(0, len(staying) - self.count)]:
            await self.drain(slot.name)

    def _add(self, name: str, group: asyncio.TaskGroup) -> None:
        if number := re.fullmatch(r"server-(\d+)", name):
            self._numbers = max(self._numbers, int(number[1]))
        self._slots[name] = slot = Slot(name)
        group.create_task(self._follow(slot), name=name)

    async def _follow(self, slot: Slot) -> None:
        """Looks at one server until it is over."""
        loop = asyncio.get_running_loop()
        heard = loop.time()
        while True:
            look: Look | None = None
            try:
                look = await self._engine.look(slot.name)
                heard = loop.time()
                slot.draining |= look.draining
                if slot.draining and not look.draining:
                    await self._engine.drain(slot.name)
            except Dead:
                await self._looked(slot, None)
                await asyncio.sleep(DEAD_SECONDS)
                break
            except Away:
                pass
            await self._looked(slot, look)
            if (look and look.over) or (slot.draining and loop.time() - heard > GONE_SECONDS):
                break
            await asyncio.sleep(LOOK_SECONDS)
        await self._engine.remove(slot.name)
        del self._slots[slot.name]
        self._say(f"{slot.name} has ended.")
        self._changed.set()

    async def _looked(self, slot: Slot, look: Look | None) -> None:
        loop = asyncio.get_running_loop()
        before, slot.look = slot.look, look
        old, new = before.url if before else None, look.url if look else None
        if old != new:
            slot.load = None
            if old:
                self._book.lost(old, loop.time())
                self._say(f"{slot.name} is gone from {old}")
            if new:
                self._say(f"{slot.name} is at {new}")
        elif look and not look.url and look.note and (before is None or before.note != look.note):
            self._say(f"{slot.name} says: {look.note}")
        if new:
            if slot.draining:
                self._book.close(new)
            asked = loop.time()
            try:
                slot.load = await self._ask(new)
                self._book.report(new, slot.load, asked)
            except (OSError, TimeoutError):
                slot.load = None
                self._book.lost(new, loop.time())
