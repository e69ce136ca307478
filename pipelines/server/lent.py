"""Runs the tools that a watching client lends: each call goes out as an event, and waits for its result."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nova.calls import new_id
from nova.tools import Tool, ToolError
from pipelines.server.outbox import Event
from pipelines.server.realtime.lending import Lent, LentResult
from pipelines.server.realtime.wire import Wire

SECONDS = 10.0
"""How long a client may take for a call."""


class LentTools:
    """The tools of one client, over its ``wire``; ``send`` takes events for it."""

    def __init__(self, wire: Wire, send: Callable[[Sequence[Event]], None]) -> None:
        self._wire = wire
        self._send = send
        self._waiting: dict[str, asyncio.Future[LentResult]] = {}
        self.tools: tuple[Tool, ...] = ()
        """Those that are lent now."""

    def lend(self, tools: Sequence[Lent]) -> None:
        """The client lends these, in place of those before."""
        self.tools = tuple(self._made(lent) for lent in tools)

    def answer(self, result: LentResult) -> None:
        """What came of a call; of one that nobody waits for any more, nothing is made."""
        if (waiting := self._waiting.get(result.call_id)) and not waiting.done():
            waiting.set_result(result)

    def close(self) -> None:
        """The client is gone: calls that wait have failed."""
        for call_id, waiting in self._waiting.items():
            if not waiting.done():
                waiting.set_result(LentResult(call_id, "the program that has this tool has left", failed=True))

    def _made(self, lent: Lent) -> Tool:
        async def run(arguments: Mapping[str, Any]) -> str:
            call_id, over = new_id(), asyncio.get_running_loop().create_future()
            self._waiting[call_id] = over
            try:
                self._send(self._wire.lent_call(call_id, lent.spec.name, json.dumps(arguments)))
                result: LentResult = await over
            except asyncio.CancelledError:
                self._send(self._wire.lent_cancel(call_id))
                raise
            finally:
                del self._waiting[call_id]
            if result.failed:
                raise ToolError(result.output or "it gives no reason")
            return result.output

        return Tool(lent.spec, run, reads=lent.reads, seconds=SECONDS, waiting="look" if lent.reads else "work")
