"""A reply's words: the model is asked, the tools that it calls run, and it is asked again until it has answered.

The words go on as clauses while they come. While a tool keeps a decided turn waiting, she says that she is at it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from nova.calls import new_id
from nova.errors import MalformedCall, ModelError
from nova.mind import Message
from nova.tools import Choice, Tool, Toolbox, ToolCall, ToolSpec, Waiting
from pipelines.conversation.approval import Approval
from pipelines.conversation.clause_queue import ClauseQueue
from pipelines.conversation.making import Listener, ReplyServices
from pipelines.conversation.manner import Manner
from pipelines.conversation.patience import Patience
from pipelines.conversation.tool_calls import MOST_ROUNDS, ToolCalls
from pipelines.conversation.waiting import FIRST_SECONDS, NEXT_SECONDS
from pipelines.failures import StageFailed
from pipelines.telemetry.ranges import stage
from sophia.mood_clauses import MoodedClauses

LOOK_SECONDS = 0.1
"""How often it is looked whether she is silent while a tool runs."""


class Thinking:
    """The words of one generation, put into ``clauses``; none are if its ``manner`` is written.

    ``text`` is what there is so far, in ``tokens`` pieces. ``calls`` counts the calls that a client is to run, and
    ``rounds`` the answers that called tools of the runtime's own. ``limited``: it has all the tokens it may have.
    ``reached`` is told instants of the ledger. ``decided`` is set once the generation's turn is.
    """

    def __init__(
        self,
        number: int,
        services: ReplyServices,
        listener: Listener,
        *,
        tools: Toolbox,
        manner: Manner,
        clauses: ClauseQueue,
        reached: Callable[[str], None],
        approval: Approval | None = None,
    ) -> None:
        self.text = ""
        self.tokens = 0
        self.calls = 0
        self.rounds = 0
        self.limited = False
        self.decided = asyncio.Event()
        self._number = number
        self._services = services
        self._listener = listener
        self._tools = tools
        self._manner = manner
        self._clauses = clauses
        self._reached = reached
        self._splitter = MoodedClauses(services.language, moods=services.mood != "off")
        own = tools.own if services.errands else ()
        self._own = ToolCalls(
            number,
            own,
            listener,
            errands=services.errands,
            decided=self.decided,
            room=services.result_room,
            approval=approval,
            language=services.language,
        )
        self._waiting: asyncio.Task[None] | None = None
        self._approved = [replace(approval.call, id=new_id())] if approval and approval.call.name in self._own else []

    async def run(self, messages: Sequence[Message]) -> None:
        """Answers ``messages``. Raises what the model raises; the clauses that it had begun are not ended."""
        try:
            await self._answer(messages)
        finally:
            await self._wait_no_more()

    async def _answer(self, messages: Sequence[Message]) -> None:
        asked, specs, choice = list(messages), self._tools.offered, self._tools.choice
        while True:
            began, calls = len(self.text), self._approved
            self._approved = []
            lost: MalformedCall | None = None
            try:
                if calls:  # the user has said yes to it: the model's turn is after that
                    self._reached("first_token")
                else:
                    await self._ask_patiently(asked, specs, choice, calls)
            except MalformedCall as error:
                if not (self._own and specs):
                    raise
                lost = error
            if not specs or not (calls or lost) or self.limited:  # what calls all the same is not heard
                break
            self.rounds += 1
            await self._flush()
            said = self.text[began:].strip()
            again = bool(calls) and all(self._own.ran(call) for call in calls)
            results = await self._run_tools(calls)
            if self._own.question:  # the answer to it is the next turn's
                await self._wait_no_more()
                await self._say_apart(self._own.question)
                break
            if lost:  # the model is told, as of a tool that has failed, and may do better
                calls.append(call := ToolCall(new_id(), lost.called))
                results.append(self._own.refuse(call, str(lost)))
            asked.append(Message("assistant", said, tuple(calls)))
            asked += [Message("tool", result, (), call) for call, result in zip(calls, results, strict=True)]
            if again or self.rounds == MOST_ROUNDS:  # it has to answer now
                specs = ()
            choice = "auto"
        self._reached("last_token")
        await self._flush()
        if self.rounds and not self.calls and len(self.text) == began:
            raise ModelError("the model answered the results of its tools without a word to say; see its log")

    # The model

    async def _ask_patiently(
        self, messages: Sequence[Message], specs: Sequence[ToolSpec], choice: Choice, calls: list[ToolCall]
    ) -> None:
        patience = Patience(self._services.patience)
        while True:
            made = self.tokens + self.calls
            try:
                await self._ask(messages, specs, choice, calls)
            except Exception as error:
                begun = self.tokens + self.calls > made or calls
                if begun or not await patience.outlast(error, "llm", self._retrying):
                    raise
            else:
                return

    def _retrying(self, failure: StageFailed, seconds: float) -> None:
        self._listener.retrying(self._number, failure, seconds)

    async def _ask(
        self, messages: Sequence[Message], specs: Sequence[ToolSpec], choice: Choice, calls: list[ToolCall]
    ) -> None:
        """One answer of the model: its text is handed on as it comes, the runtime's own ``calls`` are collected."""
        fresh = self.rounds > 0
        async with aclosing(self._services.llm.reply(messages, specs, choice)) as tokens:
            with stage("llm"):
                async for token in tokens:
                    if isinstance(token, ToolCall):
                        self._reached("first_token")
                        self._called(token, calls)
                        continue
                    if token.strip():  # a blank before a call is no word; a mark of mood is the begin of one
                        self._reached("first_token")
                        self._reached("first_word")
                    self.tokens += 1
                    text = self._apart(token) if fresh else token
                    if fresh:
                        await self._wait_no_more()
                        self._listener.holds(self._number, waits=False, effects=False)
                        fresh = False
                    text, clauses = self._splitter.feed(text)
                    self._write(text)
                    if self.tokens == self._manner.most_tokens:
                        self._listener.limited(self._number)
                        self.limited = True
                    for clause in clauses:
                        await self._hand_over(clause)
                    if self.limited:
                        return

    def _called(self, call: ToolCall, calls: list[ToolCall]) -> None:
        if call.name in self._own:
            calls.append(replace(call, id=new_id()))  # servers count from 0 in each answer
        else:
            self.calls += 1
            self._listener.called(self._number, call)

    # The tools

    async def _run_tools(self, calls: Sequence[ToolCall]) -> list[str]:
        """The results of the calls. She may say that she is at it until the model's next words.

        The model, too, has its time for these, where it is asked again for the first time.
        """
        tool, said = self._own.waiting_for(calls), self.text
        self._wait_with(tool)
        results = await self._own.run(calls)
        if self.rounds == 1 and self.text == said:
            await self._wait_no_more()
            self._wait_with(tool)
        return results

    def _wait_with(self, tool: Tool | None) -> None:
        if tool and not self._manner.written and self._waiting is None:
            self._waiting = asyncio.create_task(self._break_silence(tool.waiting))

    async def _wait_no_more(self) -> None:
        if waiting := self._waiting:
            self._waiting = None
            waiting.cancel()
            await asyncio.wait([waiting])
            if not waiting.cancelled():
                waiting.result()  # raises what befell it

    async def _break_silence(self, kind: Waiting) -> None:
        """Says that she is at it, while a tool that was called in a decided turn keeps the user waiting."""
        await self.decided.wait()
        phrases, language = self._services.waiting, self._services.language
        await self._silence(FIRST_SECONDS)
        phrase = phrases.first(kind, language)
        while phrase is not None:
            await self._say_apart(phrase)
            await self._silence(NEXT_SECONDS)
            phrase = phrases.again(language)

    async def _silence(self, seconds: float) -> None:
        """Waits until nothing of this reply has sounded, or was about to, for so many seconds."""
        loop, playout = asyncio.get_running_loop(), self._services.playout
        since = loop.time()
        while (left := since + seconds - loop.time()) > 0.0:
            await asyncio.sleep(min(left, LOOK_SECONDS))
            if self._clauses.waiting or playout.buffered(self._number) > 0.0:
                since = loop.time()

    # What becomes of the words

    def _apart(self, text: str) -> str:
        """``text`` as words of their own after those before."""
        return f" {text}" if self.text and not self.text[-1].isspace() and not text[:1].isspace() else text

    async def _say_apart(self, sentence: str) -> None:
        """Says a whole sentence that is not the model's."""
        self._reached("first_word")
        self._write(self._apart(sentence))
        await self._hand_over(sentence)

    def _write(self, text: str) -> None:
        if text:
            self.text += text
            self._listener.wrote(self._number, text)

    async def _flush(self) -> None:
        text, clauses = self._splitter.flush()
        self._write(text)
        for clause in clauses:
            await self._hand_over(clause)

    async def _hand_over(self, clause: str) -> None:
        if not self._manner.written:
            self._reached("first_clause")
            await self._clauses.put(clause)
