"""A channel whose connection is replaced once nothing comes back on it.

A firewall, a suspended laptop or a moved network forgets connections without a word: what is sent is lost, and gRPC
would use such a connection for ever. HTTP/2's own pings cannot find it, since servers hang up on whoever pings more
often than every five minutes. So the channel looks at its calls. A connection on which a call has heard nothing for
:data:`DOUBT_SECONDS` is asked for the service's health. Any answer at all shows that it is alive.

No answer shows nothing yet, for the service may be busy. So the same is asked over a new connection. If that one is
answered and the old one still is not, the old one is dead: its calls end with UNAVAILABLE, and the next ones go over
the new connection. If neither is answered the service is slow or away, and each call's own deadline decides.

A call that runs out of time has its connection replaced as well, for the calls that follow. Those under way go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from pipelines.services.calls import CoreCall, watched

HEALTH = "/grpc.health.v1.Health/Check"
"""Asked with raw bytes: Riva's wheel and grpcio-health-checking both register grpc.health.v1 and collide."""

DOUBT_SECONDS = 1.0
"""A call on which nothing was heard for so long makes its connection doubtful; slower first tokens are rare."""

COMPARE_SECONDS = 1.0
"""A doubtful connection without an answer for so long is compared with a new one."""

GRACE_SECONDS = 0.5
"""How long the old connection may still take once the new one was answered. It is four times as long for each one that
was given up since a call was last answered: behind a load balancer, a new connection may reach a quicker service."""

EXAMINE_SECONDS = 20.0
"""A comparison without any answer begins anew after so long."""

QUIET_SECONDS = 15.0
"""A connection is asked after so long without a sign, be it the ears' in a silence or one between two turns. That also
keeps it in the memory of firewalls, …"""

IDLE_SECONDS = 600.0
"""… until nothing was called for so long: a service that nobody uses may want to sleep."""

UNHEARD_SECONDS = 2.0
"""A call that is given up after so long without a sign of life ran out of time; the user's interruptions are quicker,
or come while something is heard."""

YOUNG_SECONDS = 5.0
"""A connection that was opened less than so long ago is not under suspicion because another one was found dead."""


class _Connection:
    """One connection: a gRPC channel that shares its connection with no other."""

    def __init__(self, channel: grpc.aio.Channel, now: Callable[[], float]) -> None:
        self.channel = channel
        self.opened = self.heard = self.used = now()
        self.asked: float | None = None
        """Since when something is owed on it; None after a sign of life."""
        self.calls: set[CoreCall] = set()
        self.probing = False
        self.doubtful = False
        """Given up on by a call: the next one does not use it, unless it answers before."""
        self.methods: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self._now = now

    def hear(self) -> None:
        """A sign of life."""
        self.heard, self.asked, self.doubtful = self._now(), None, False

    @property
    def ready(self) -> bool:
        """Whether it is connected; while it is not, gRPC itself tries again and says why it cannot."""
        return self.channel.get_state() is grpc.ChannelConnectivity.READY


class RenewableChannel(grpc.aio.Channel):
    """A channel over connections that ``connect`` makes, one at a time.

    ``connect`` returns a channel with a subchannel pool of its own. ``on_dead`` hears of each connection on which
    nothing came back: others over the same network may be dead, too. To be made in the loop that uses it.
    """

    def __init__(self, connect: Callable[[], grpc.aio.Channel], on_dead: Callable[[], None] = lambda: None) -> None:
        self._loop = asyncio.get_running_loop()
        self._connect = connect
        self._on_dead = on_dead
        self._connection = _Connection(connect(), self._loop.time)
        self._retired: set[_Connection] = set()  # those with calls under way
        self._examining: set[asyncio.Task[None]] = set()
        self._given_up = 0  # connections, since a call was last answered
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def suspect(self) -> None:
        """Another connection over the same network is dead: this one is asked, or replaced where no call uses it."""
        connection = self._connection
        young = self._loop.time() - connection.opened < YOUNG_SECONDS
        if self._closed or young or not connection.ready:
            return
        if connection.calls:
            self._ask(connection)
        else:
            self._renew()

    # grpc.aio.Channel

    def unary_unary(self, *signature: Any, **more: Any) -> Any:
        return self._method("unary_unary", signature, more)

    def unary_stream(self, *signature: Any, **more: Any) -> Any:
        return self._method("unary_stream", signature, more)

    def stream_unary(self, *signature: Any, **more: Any) -> Any:
        return self._method("stream_unary", signature, more)

    def stream_stream(self, *signature: Any, **more: Any) -> Any:
        return self._method("stream_stream", signature, more)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._connection.channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._connection.channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._connection.channel.channel_ready()

    async def close(self, grace: float | None = None) -> None:
        self._closed = True
        if self._timer:
            self._timer.cancel()
        for task in self._examining:
            task.cancel()
        await asyncio.gather(*self._examining, return_exceptions=True)
        for connection in (self._connection, *self._retired):
            await connection.channel.close(grace)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        await self.close()

    # Calls

    def _method(self, kind: str, signature: tuple[Any, ...], more: dict[str, Any]) -> Callable[..., Any]:
        key = (kind, signature, *more.items())

        def call(*arguments: Any, **options: Any) -> Any:
            if self._connection.doubtful:
                self._renew()
            connection = self._connection
            method = connection.methods.get(key)
            if method is None:
                method = connection.methods[key] = getattr(connection.channel, kind)(*signature, **more)
            return self._begun(connection, method(*arguments, **options))

        return call

    def _begun(self, connection: _Connection, call: Any) -> Any:
        core = watched(call, lambda: self._answered(connection), self._loop.time())
        if core is None:
            return call
        connection.calls.add(core)
        connection.used = core.since
        call.add_done_callback(lambda _: self._ended(connection, core))
        if connection.asked is None:
            connection.asked = core.since
            self._look_in(DOUBT_SECONDS)
        return call

    def _ended(self, connection: _Connection, core: CoreCall) -> None:
        connection.calls.discard(core)
        if connection is not self._connection:
            if not connection.calls:
                self._retired.discard(connection)  # nothing holds it any more, which closes it
        elif self._closed or not connection.ready:
            pass
        elif core.is_locally_cancelled():
            if self._loop.time() - max(core.since, connection.heard) >= UNHEARD_SECONDS:
                connection.doubtful = True
                self._ask(connection)
        elif core.ended is grpc.StatusCode.DEADLINE_EXCEEDED:
            self._renew()
            if connection.heard < core.since:
                self._on_dead()
        else:
            self._answered(connection)

    def _answered(self, connection: _Connection) -> None:
        """A call has had an answer."""
        self._given_up = 0
        connection.hear()

    # Connections

    def _renew(self, new: _Connection | None = None) -> None:
        """The calls that begin from now on go over a ``new`` connection, which is made at once."""
        if self._closed:
            return
        old, self._connection = self._connection, new or _Connection(self._connect(), self._loop.time)
        self._connection.channel.get_state(try_to_connect=True)
        if old.calls:
            self._retired.add(old)

    def _look_in(self, seconds: float) -> None:
        due = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > due:
            if self._timer:
                self._timer.cancel()
            self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        """Asks the connections that are doubtful, or were quiet for long."""
        late = self._timer is not None and self._loop.time() - self._timer.when() > DOUBT_SECONDS / 2
        self._timer = None
        now = self._loop.time()
        for connection in (self._connection, *self._retired):
            if not connection.calls and (now - connection.used > IDLE_SECONDS or not connection.ready):
                connection.asked = None
                continue
            if connection.asked is not None and (late or not connection.ready):
                connection.asked = now  # we were asleep, or it is still being made
            patience = QUIET_SECONDS if connection.asked is None else DOUBT_SECONDS
            left = (connection.heard if connection.asked is None else connection.asked) + patience - now
            if left > 0.001:
                self._look_in(left)
            else:
                self._ask(connection)

    def _ask(self, connection: _Connection) -> None:
        if connection.probing or self._closed:
            return
        connection.probing = True
        task = self._loop.create_task(self._examine(connection), name="a connection is examined")
        self._examining.add(task)
        task.add_done_callback(self._examining.discard)

    async def _examine(self, connection: _Connection) -> None:
        """Finds out whether the connection is dead, or the service only slow."""
        began = self._loop.time()
        new: _Connection | None = None
        old_answer, new_answer = asyncio.ensure_future(_is_answered(connection)), None
        try:
            await asyncio.wait({old_answer}, timeout=COMPARE_SECONDS)
            if not old_answer.done():
                new = _Connection(self._connect(), self._loop.time)
                new_answer = asyncio.ensure_future(_is_answered(new))
                await asyncio.wait({old_answer, new_answer}, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.wait({old_answer}, timeout=GRACE_SECONDS * 4 ** min(self._given_up, 4))
            if connection.heard > began or (old_answer.done() and old_answer.result()):
                connection.hear()
            elif new_answer and new_answer.done() and new_answer.result():
                self._given_up += 1
                if connection is self._connection:
                    self._renew(new)
                    new = None
                for call in tuple(connection.calls):
                    call.lose()
                self._on_dead()
        finally:
            connection.probing = False
            old_answer.cancel()
            if new_answer:
                new_answer.cancel()
            if new:
                await new.channel.close()
        self._look_in(QUIET_SECONDS if connection.asked is None else DOUBT_SECONDS)


async def _is_answered(connection: _Connection) -> bool:
    """Whether the service answers on the connection, with whatever; false where there is no way to it."""
    check: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = connection.channel.unary_unary(HEALTH)
    try:
        await check(b"", timeout=EXAMINE_SECONDS, wait_for_ready=True)
    except grpc.aio.AioRpcError as error:
        return error.code() not in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
    return True
