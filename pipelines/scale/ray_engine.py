"""Ray places the servers: one actor for each, spread over the machines, and started elsewhere when a machine dies.

An actor owns a server's process and no more. What is said in a conversation goes past Ray. The actors are detached, so
they outlive this program, and the next run finds them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any, Final

import ray
import ray.exceptions
import ray.util

from pipelines.scale.engines import Away, Dead
from pipelines.scale.keeper import Keeper, Look

NAMESPACE: Final = "sophia"

PROCESSORS: Final = 1
"""A server is one event loop, so it uses one core at most."""

ANSWER_SECONDS: Final = 2.0
"""An actor's calls take a millisecond; a dead machine's never end."""


def _reach(address: str) -> None:
    """Raises ``ConnectionError`` where nobody listens: Ray itself would try for more than ten minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        try:
            socket.create_connection((host, int(port)), ANSWER_SECONDS).close()
        except OSError as error:
            raise ConnectionError(error.strerror or str(error)) from error


class _Slot(Keeper):
    """A keeper as an actor. Its server listens on the address by which Ray knows this machine."""

    def __init__(self, arguments: Sequence[str]) -> None:
        super().__init__([*arguments, "--set", f"server.host={ray.util.get_node_ip_address()}"])


class Ray:
    """An :class:`~pipelines.scale.engines.Engine` on a Ray cluster. ``arguments`` are the server's, on each machine.

    ``address`` is the cluster's, as ``ray.init`` takes it. Raises ``ConnectionError`` where there is none.
    """

    def __init__(self, arguments: Sequence[str], address: str) -> None:
        self._arguments = [*arguments, "--set", "server.port=0"]
        _reach(address)
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False)
        self._actors: dict[str, Any] = {}

    async def names(self) -> list[str]:
        found: list[str] = await asyncio.to_thread(ray.util.list_named_actors)
        return found

    async def start(self, name: str) -> None:
        slot = ray.remote(_Slot).options(
            name=name,
            lifetime="detached",
            max_restarts=-1,
            num_cpus=PROCESSORS,
            scheduling_strategy="SPREAD",
        )
        self._actors[name] = await asyncio.to_thread(slot.remote, self._arguments)

    async def look(self, name: str) -> Look:
        look: Look = await self._call(name, "look")
        return look

    async def drain(self, name: str) -> None:
        await self._call(name, "drain")

    async def remove(self, name: str) -> None:
        if actor := self._actors.pop(name, None):
            await asyncio.to_thread(ray.kill, actor)

    async def _call(self, name: str, what: str) -> Any:
        try:
            actor = self._actors.get(name) or await asyncio.to_thread(ray.get_actor, name)
            self._actors[name] = actor
            return await asyncio.wait_for(getattr(actor, what).remote(), ANSWER_SECONDS)
        except ray.exceptions.ActorDiedError as error:
            raise Dead(str(error)) from error
        except (ray.exceptions.RayError, TimeoutError, ValueError) as error:  # ValueError: no actor of that name
            raise Away(str(error)) from error
