"""Which server the next client is sent to, so that none is sent to a place that is taken. Pure.

Between two reports of a server nobody knows who has come. So the book counts what was promised: a server has room where
its conversations, as it last told them, and the leases that nobody has used yet are fewer than its places.

A lease is struck off when its client has come: the server tells how many ever came, and for each the oldest goes. One
that was never used is struck off by the first report that was *asked for* after its end. An earlier report could miss a
client that came in the last moment.

This holds for clients that come by a lease, and come once. The server's own limit is the last word for all others.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

LEASE_SECONDS: Final = 10
"""How long a client may take to come. It is also the shortest life of a client secret, which ends the lease."""

CLOCK_SECONDS: Final = 2.0
"""The server reads the end of a lease on its own clock, which may be so much behind."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a server tells at ``/load``."""

    places: int
    talking: int
    arrived: int
    room: bool


@dataclass(slots=True)
class _Server:
    load: Load | None = None
    open: bool = True
    away: bool = False
    leases: deque[float] = field(default_factory=deque)  # when each ends, earliest first

    @property
    def free(self) -> int:
        if self.load is None or self.away or not self.open or not self.load.room:
            return 0
        return max(0, self.load.places - self.load.talking - len(self.leases))


class LeaseBook:
    """All servers by their address. Times are of one clock, in seconds."""

    def __init__(self) -> None:
        self._servers: dict[str, _Server] = {}

    def report(self, address: str, load: Load, asked: float) -> None:
        """Takes in what a server told; ``asked`` is when it was asked. Reports of one server come in their order."""
        server = self._servers.setdefault(address, _Server())
        before = server.load.arrived if server.load else 0
        come = load.arrived - before if load.arrived >= before else load.arrived  # fewer than before: it began anew
        for _ in range(min(come, len(server.leases))):
            server.leases.popleft()
        while server.leases and server.leases[0] <= asked:
            server.leases.popleft()
        server.load, server.away = load, False

    def lost(self, address: str, now: float) -> None:
        """A server does not answer. What was promised of it is remembered until it is over: it may come back."""
        if address in self._servers:
            self._servers[address].away = True
        for one in [one for one, s in self._servers.items() if s.away and (not s.leases or s.leases[-1] <= now)]:
            del self._servers[one]

    def close(self, address: str) -> None:
        """Sends nobody there any more."""
        self._servers.setdefault(address, _Server()).open = False

    def lease(self, now: float) -> str | None:
        """The address for the next client, who has :data:`LEASE_SECONDS` to come; None where there is no room."""
        address = max(self._servers, key=lambda one: self._servers[one].free, default=None)
        if address is None or not self._servers[address].free:
            return None
        self._servers[address].leases.append(now + LEASE_SECONDS + CLOCK_SECONDS)
        return address

    def leases(self, address: str) -> int:
        """How many were sent to a server and are still expected."""
        server = self._servers.get(address)
        return len(server.leases) if server else 0

    @property
    def free(self) -> int:
        """How many clients could be sent somewhere now."""
        return sum(server.free for server in self._servers.values())
