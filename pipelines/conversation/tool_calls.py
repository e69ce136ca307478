"""The tools of one reply, as the runtime runs them: what may run when, for how long, and what the model is told of it.

The calls of one answer run at once. A tool that only reads runs right away, even for a guess. One with effects runs
once the turn is decided, and then to its end: cancelling a request does not undo what it has done. Whatever befalls a
tool ends in text for the model. A result is data; nothing here reads it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import unicodedata
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from nova.results import RULE
from nova.tools import Question, Tool, ToolCall, ToolError
from pipelines.conversation.approval import CHANGED, NOT_YET, Approval
from pipelines.telemetry.ledger import ToolFailure
from pipelines.telemetry.tool_spans import tool_span

_log = logging.getLogger(__name__)

MOST_ROUNDS = 5
"""Answers of one reply that may call tools; the next one is asked for without any."""

MOST_CALLS = 8
"""Calls of one answer that are run; the model is told of the others."""

MOST_ERRANDS = 16
"""Tools with effects that run in one conversation at once, those of replies that were cut off included."""

LONGEST_RESULT = 8000
"""Characters of one result that the model is given."""

LEAST_RESULT = 200
"""Characters that a result has room for, however much those before it have taken."""

CUT = " […]"
"""Ends a result that was cut."""

MANNERS = (
    f"You may call tools. {RULE} Tell in spoken words what it means, never read out JSON or names of tools. "
    "Say so if a tool has failed."
)
"""Stands below the persona where tools are offered."""


class Reporter(Protocol):
    """Told what is run, on the loop's thread."""

    def tool_started(self, generation: int, call: ToolCall, *, guess: bool) -> None:
        """A tool runs; ``guess``: its turn is not decided."""
        ...

    def tool_ended(self, generation: int, call_id: str, output: str, failure: ToolFailure) -> None:
        """What came of it, and why there is no result if there is none.

        Told once for each that was started, and perhaps after the reply is over.
        """
        ...

    def holds(self, generation: int, *, waits: bool, effects: bool) -> None:
        """The reply waits for tools, or no longer does; see :class:`~sophia.events.HoldStarted`."""
        ...

    def asks(self, generation: int, call: ToolCall, question: str, language: str) -> None:
        """The reply asks the user in ``language`` whether to run this, and ends with that."""
        ...


class Errands:
    """Tools with effects that are under way: they outlive the reply that called them, not the conversation."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: set[asyncio.Task[str]] = set()

    def run(self, work: Coroutine[Any, Any, str]) -> asyncio.Task[str] | None:
        """Starts it; None, and nothing is started, if there are :data:`MOST_ERRANDS` already."""
        if len(self._tasks) >= MOST_ERRANDS:
            work.close()
            return None
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """The conversation is over."""
        for task in self._tasks:
            task.cancel()


class ToolCalls:
    """Runs the calls of one generation. ``room`` is for how many characters of results the model has room in all.

    ``decided`` is set once the generation's turn is. ``approval`` is for a call that the user has been asked about.
    ``question`` is what the user is to be asked now, in ``language``.
    """

    def __init__(
        self,
        generation: int,
        tools: Sequence[Tool],
        reporter: Reporter,
        *,
        errands: Errands | None,
        decided: asyncio.Event,
        room: int,
        approval: Approval | None = None,
        language: str = "en-US",
    ) -> None:
        self.question = ""
        self._generation = generation
        self._tools = {tool.name: tool for tool in tools}
        self._reporter = reporter
        self._errands = errands
        self._decided = decided
        self._room = room
        self._approval = approval
        self._language = language
        self._results: dict[str, asyncio.Future[str]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._tools

    def __bool__(self) -> bool:
        return bool(self._tools)

    def waiting_for(self, calls: Sequence[ToolCall]) -> Tool | None:
        """The tool that names what she is doing meanwhile: the first of them."""
        return next((self._tools[call.name] for call in calls if call.name in self._tools), None)

    async def run(self, calls: Sequence[ToolCall]) -> list[str]:
        """The results of these calls, in their order. A call that was made before is not run again."""
        self._reporter.holds(self._generation, waits=True, effects=False)
        async with asyncio.TaskGroup() as group:
            for number, call in enumerate(calls):
                if (key := _key(call)) not in self._results:
                    work = self._result(call, number)
                    self._results[key] = group.create_task(work)
        return [self._results[_key(call)].result() for call in calls]

    def refuse(self, call: ToolCall, reason: str) -> str:
        """Tells of a call that cannot be run, and why; returns what the model is told."""
        self._reporter.tool_started(self._generation, call, guess=not self._decided.is_set())
        return self._ended(call, f"This call was not run: {reason}", "refused")

    def ran(self, call: ToolCall) -> bool:
        """Whether this was called before, with these arguments."""
        return _key(call) in self._results

    async def _result(self, call: ToolCall, number: int) -> str:
        if number >= MOST_CALLS:
            return self.refuse(call, f"no more than {MOST_CALLS} run at once.")
        tool = self._tools[call.name]
        approval = self._approval if self._approval and _key(call) == _key(self._approval.call) else None
        if tool.question and not approval:
            return self._ask(tool.question, call)
        if tool.reads and not tool.question:
            return await self._run(tool, call)
        await self._decided.wait()
        if tool.question and approval and not approval.given:
            return self.refuse(call, CHANGED)
        self._reporter.holds(self._generation, waits=True, effects=True)
        task = self._errands.run(self._run(tool, call)) if self._errands else None
        if task is None:
            return self.refuse(call, "too many tools are at work already.")
        return await asyncio.shield(task)

    def _ask(self, question: Question, call: ToolCall) -> str:
        """Has the user asked whether to run this; returns what the model is told of it."""
        if self.question:
            return self.refuse(call, "the user is asked about one thing at a time.")
        text = question(call.parsed(), self._language)
        if not text:
            return self.refuse(call, "it needs the user's yes, and cannot be asked about in this language.")
        self.question = text
        self._reporter.asks(self._generation, call, text, self._language)
        self._reporter.tool_started(self._generation, call, guess=not self._decided.is_set())
        return self._ended(call, NOT_YET, "asked")

    async def _run(self, tool: Tool, call: ToolCall) -> str:
        self._reporter.tool_started(self._generation, call, guess=not self._decided.is_set())
        failure: ToolFailure = ""
        with tool_span(call.name, call.id, call.arguments) as span:
            try:
                async with asyncio.timeout(tool.seconds):
                    result = await tool.run(call.parsed())
            except asyncio.CancelledError:
                cut_off = "nobody waits for it any more" if tool.reads else "it was cut off; it may have had its effect"
                self._ended(call, f"The tool gave no result: {cut_off}.", "cancelled")
                raise
            except TimeoutError:
                result, failure = f"The tool has failed: it gave no result within {tool.seconds:g} seconds.", "timeout"
            except ToolError as error:
                result, failure = f"The tool has failed: {error}", "error"
            except Exception as error:
                _log.exception("the tool %s failed", tool.name)
                result, failure = f"The tool has failed: an internal error ({type(error).__name__}).", "internal"
            told = self._ended(call, result, failure)
            span.ended(told, failure)
        return told

    def _ended(self, call: ToolCall, result: str, failure: ToolFailure) -> str:
        told = _as_data(result, min(LONGEST_RESULT, max(LEAST_RESULT, self._room)))
        self._room -= len(told)
        self._reporter.tool_ended(self._generation, call.id, told, failure)
        return told


def _key(call: ToolCall) -> str:
    """The same for calls of the same tool with the same arguments, however they are written."""
    return json.dumps([call.name, call.parsed()], sort_keys=True)


def _as_data(result: str, longest: int) -> str:
    """A result without characters that control a terminal or no protocol can carry, and no longer than it may be."""
    kept = result[: longest + 1]  # before anything looks at each of its characters
    plain = "".join(char if char in "\n\t" or unicodedata.category(char)[0] != "C" else "\ufffd" for char in kept)
    return plain if len(plain) <= longest else plain[: longest - len(CUT)] + CUT
