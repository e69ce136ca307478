"""Nova behind an OpenAI-compatible endpoint: vLLM, NVIDIA NIM, Ollama, llama.cpp and others.

The server applies the chat template, so messages go as they are, without control tokens. What the servers say, in all
their forms, is read in :mod:`nova.services.openai_wire`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar

import httpx2

from nova.control import ControlTokens
from nova.errors import BrokenOff, MindError, MindTimeout, ModelError, NoModelServer, UnknownModel
from nova.generation import Cleaner, Description, MindSettings, in_parts, wall_clock
from nova.mind import Message
from nova.prompts import with_time
from nova.results import with_rule
from nova.services.http import Metadata, headers, transport_error
from nova.services.openai_wire import (
    CallParts,
    Delta,
    model_names,
    read,
    refused,
    refuses_tools,
    wants_completion_tokens,
)
from nova.services.sse import LIMIT, Events
from nova.tools import Choice, Only, ToolCall, ToolSpec, checked, offered

T = TypeVar("T")

_log = logging.getLogger(__name__)

_CONTROL = ControlTokens()
"""The server's own template is unknown; these are the usual ones."""

_CLOSE = 1.0
"""Seconds that closing a stream may take; the connection is dropped then."""

_GREETING = Message("user", "Hello.")

LEARN_SECONDS = 30.0
_LEARN_TOKENS = 1024
"""The longest answer to the greeting of :meth:`OpenAIMind.learn`: a thought about one takes a few hundred tokens."""

_DRAIN = 0.2
"""Seconds that the end of a complete answer may take, so that its connection serves the next one."""


class OpenAIMind:
    """A chat model behind ``/v1/chat/completions``, as :class:`nova.mind.Mind`.

    ``client`` is an ``httpx2.AsyncClient`` whose ``base_url`` ends in ``/v1``. An API key comes with ``metadata``
    as ``authorization``. Raises one of :mod:`nova.errors` for what the server refuses, :class:`MindTimeout` when a
    token is overdue, and ``OSError`` for transport failures. Nothing is tried twice, but for a server that wants
    ``max_completion_tokens`` in the place of ``max_tokens``, or takes no tools where the model need not call any.

    The server's template may open a thought, so that answers hold its closing tag alone. With ``thoughts`` as ``auto``,
    an answer is held back to that tag or to its end until one has shown whether it is so, and again where it is so.
    :meth:`learn` finds it out before the first question.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        settings: MindSettings | None = None,
        *,
        metadata: Metadata = tuple,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.settings = settings or MindSettings()
        self._client = client
        self._metadata = metadata
        self._now = now or wall_clock
        self._limit = "max_tokens"  # what the server calls it
        self._calls = True  # until the server has refused to be told of tools
        self._opens: bool | None = None if self.settings.thoughts == "auto" else False
        """Whether answers begin inside a thought; ``None`` until one has shown it."""
        self._learning: asyncio.Timeout | None = None

    def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        """Streams the answer. Close the generator to cancel, which closes the HTTP stream.

        Calls come at its end: only then is it known that a server has sent all of one.
        """
        if self._learning:  # a server that answers one at a time is needed for this now, which shows it as well
            self._learning.reschedule(0.0)
            self._learning = None
        most, doubt = self.settings.max_tokens, self._opens is not False
        return self._generate(messages, most, doubt=doubt, tools=tools, choice=choice)

    async def _generate(
        self,
        messages: Sequence[Message],
        most: int | None,
        *,
        doubt: bool,
        tools: Sequence[ToolSpec] = (),
        choice: Choice = "auto",
    ) -> AsyncGenerator[str | ToolCall, None]:
        """The answer in at most ``most`` tokens; ``doubt`` holds it back until it is known how it begins."""
        s = self.settings
        usable = offered(tools, choice) if self._calls or choice != "auto" else ()
        cleaner = Cleaner(s.stop, style=s.thoughts, doubt=doubt, tools=usable, model=s.model)
        time = asyncio.get_running_loop().time
        until, which = time() + s.first_token_timeout, "first"
        finish, parts, spoke = "", CallParts(s.model), False
        body = self._body(messages, most, usable, choice)
        async with self._answer(body, until) as response, aclosing(response.aiter_bytes()) as chunks:
            events, ended = Events(s.model), False
            while not (ended or finish or events.done or cleaner.stopped):
                chunk = await self._within(until, which, anext(chunks, None))
                ended = chunk is None
                for event in events.feed(chunk) if chunk is not None else events.finish():
                    delta: Delta = read(event, s.model)
                    if delta.alive:
                        until, which = time() + s.token_timeout, "next"
                    if self._opens is None and delta.thinks:
                        self._opens = False  # the server tells thoughts apart
                    if self._opens is False:  # another answer may have shown it, too
                        cleaner.trust()
                    text = cleaner.feed(delta.text)
                    self._learn(cleaner.opened)
                    if text:
                        spoke = True
                        yield text
                    finish = delta.finish or finish
                    parts.add(delta.calls)
            whole = bool(finish or events.done or cleaner.stopped)
            text = cleaner.flush()
            if doubt and cleaner.opened is None and text:
                if whole and finish != "length":
                    self._learn(False)
                elif self._opens:
                    text = ""  # a thought that did not come to its end
            if text:
                spoke = True
                yield text
            if not whole:
                raise BrokenOff(f"model {s.model!r} broke off before its answer was complete", "See the server's log")
            calls = cleaner.calls()
            if usable:
                calls += [checked(call, usable, s.model) for call in parts.whole()]
            self._judge(finish, parts.names, spoke or bool(calls))
            for call in calls:
                yield call
            if not cleaner.stopped:
                with suppress(TimeoutError, httpx2.HTTPError):
                    async with asyncio.timeout(_DRAIN):
                        async for _ in chunks:
                            pass

    async def complete(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        """The answers to many conversations, in their order, at most ``settings.concurrency`` at once."""

        async def answer(part: Sequence[Sequence[Message]]) -> list[str]:
            async with aclosing(self.reply(part[0])) as pieces:
                return ["".join([piece async for piece in pieces if isinstance(piece, str)])]

        return await in_parts(conversations, 1, self.settings.concurrency, answer)

    async def ready(self) -> bool:
        """Whether the server lists the model."""
        return self._listed(await self._models())

    async def describe(self) -> Description:
        """What the server tells about itself, which is only the names of its models."""
        models = await self._models()
        return Description("openai", "", True, self.settings.model, self._listed(models), models=models)

    async def warm_up(self) -> float:
        """Generates a first token and returns the seconds to it."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with aclosing(self._generate([_GREETING], self.settings.max_tokens, doubt=False)) as pieces:
            await anext(pieces, None)
        return loop.time() - start

    async def learn(self, persona: str = "") -> None:
        """Finds out by a greeting how answers begin, unless a question comes first, which shows it as well.

        ``persona`` is the system message of what will be asked: it may switch thoughts on or off, and the server keeps
        it. A failure is left to whoever asks next.
        """
        messages = [*([Message("system", persona)] if persona else []), _GREETING]
        most = None if self.settings.max_tokens is None else max(self.settings.max_tokens, _LEARN_TOKENS)
        with suppress(MindError, OSError):
            try:
                async with (
                    asyncio.timeout(LEARN_SECONDS) as self._learning,
                    aclosing(self._generate(messages, most, doubt=self._opens is not False)) as pieces,
                ):
                    await anext(pieces, None)
            finally:
                self._learning = None

    def _learn(self, opened: bool | None) -> None:
        if opened is not None and self.settings.thoughts == "auto":
            self._opens = opened

    def _judge(self, finish: str, tools: set[str], spoke: bool) -> None:
        """Raises for an answer that ended otherwise than by its own end or by its longest length."""
        name = self.settings.model
        if finish == "content_filter":
            raise ModelError(f"model {name!r}: the server's content filter withheld the answer")
        if finish == "error":
            raise BrokenOff(f"model {name!r} broke off with an error of the server", "See the server's log")
        if finish == "length" and not spoke:
            raise ModelError(
                f"model {name!r} used up its tokens on a thought", "Raise llm.max_tokens, or switch its thoughts off"
            )
        if finish in ("tool_calls", "function_call") and not spoke:
            called = ", ".join(sorted(tools)) or "a tool"
            raise ModelError(
                f"model {name!r} called {called} instead of answering", "Serve it without tools of the server's own"
            )

    def _listed(self, models: Sequence[str]) -> bool:
        return self.settings.model in models or f"{self.settings.model}:latest" in models  # Ollama's way to list

    async def _models(self) -> tuple[str, ...]:
        until = asyncio.get_running_loop().time() + self.settings.call_timeout
        async with self._sent("GET", "models", None, until, "") as response:
            content = await self._within(until, "", _bounded(response, self.settings.model))
        try:
            return model_names(json.loads(content))
        except (ValueError, TypeError):
            name = self.settings.model
            raise NoModelServer(f"model {name!r}: /models is no list: is this an OpenAI-compatible server?") from None

    @asynccontextmanager
    async def _answer(self, body: dict[str, Any], until: float) -> AsyncIterator[httpx2.Response]:
        """A response whose head is there and good."""
        try:
            async with self._sent("POST", "chat/completions", body, until, "first") as response:
                yield response
                return
        except UnknownModel as error:
            raise await self._unknown(error) from None
        except ModelError as error:
            if "max_tokens" in body and wants_completion_tokens(error):
                self._limit = "max_completion_tokens"
                body[self._limit] = body.pop("max_tokens")
            elif body.get("tool_choice") == "auto" and refuses_tools(error):
                self._forgo_tools(body, error)
            else:
                raise
        async with self._sent("POST", "chat/completions", body, until, "first") as response:
            yield response

    def _forgo_tools(self, body: dict[str, Any], error: ModelError) -> None:
        """Asks without tools from now on: an answer without them is better than none."""
        if self._calls:
            _log.warning("the server takes no tools, so the model is asked without them (%s)", error)
        self._calls = False
        del body["tools"], body["tool_choice"]

    async def _unknown(self, error: UnknownModel) -> UnknownModel:
        """The same error with what the server has instead, if it says so."""
        models: tuple[str, ...] = ()
        with suppress(MindError, OSError):
            models = await self._models()
        if not models:
            return error
        if self._listed(models):
            return UnknownModel(str(error), "The server lists the model, so it knows no /v1/chat/completions")
        more = f" and {len(models) - 8} more" if len(models) > 8 else ""
        return UnknownModel(str(error), f"Check llm.model; the server has {', '.join(models[:8])}{more}")

    def _body(
        self, messages: Sequence[Message], most: int | None, tools: Sequence[ToolSpec], choice: Choice
    ) -> dict[str, Any]:
        s = self.settings
        if s.tell_time:
            messages = with_time(messages, self._now())
        if tools or any(message.role == "tool" for message in messages):
            messages = with_rule(messages)
        options = {self._limit: most, "temperature": s.temperature, "top_p": s.top_p, "seed": s.seed}
        return {
            "model": s.model,
            "messages": [_told(message) for message in messages],
            "stream": True,
            **_tools(tools, choice),
            **{key: value for key, value in options.items() if value is not None},
            **({"stop": list(s.stop)} if s.stop else {}),
        }

    @asynccontextmanager
    async def _sent(
        self, method: str, path: str, body: object, until: float, which: str
    ) -> AsyncIterator[httpx2.Response]:
        """A response with a status of success; it is closed afterwards, which is how a generation is cancelled."""
        own, name = self._client.timeout, self.settings.model
        limits = httpx2.Timeout(None, connect=own.connect, pool=own.pool)
        # A key replaces 'EMPTY', which servers without keys are sent by custom.
        known = {"Authorization": "Bearer EMPTY", "Accept-Encoding": "identity", **headers(self._metadata)}
        request = self._client.build_request(method, path, json=body, headers=known, timeout=limits)
        response = await self._within(until, which, self._client.send(request, stream=True))
        try:
            if not 200 <= response.status_code < 300:
                content = await self._within(until, which, _bounded(response, name))
                raise refused(name, response.status_code, response.headers, content)
            yield response
        finally:
            with suppress(TimeoutError, OSError, httpx2.HTTPError):
                async with asyncio.timeout(_CLOSE):
                    await response.aclose()

    async def _within(self, until: float, which: str, answer: Awaitable[T]) -> T:
        """Awaits ``answer`` until a ``loop.time()``, and turns the library's errors into the system's own."""
        start = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(until):
                return await answer
        except TimeoutError:
            s = self.settings
            limit = {"first": s.first_token_timeout, "next": s.token_timeout}.get(which, s.call_timeout)
            what = f"{which} token" if which else "answer"
            waited = f"within {limit:g} s" if start < until else "in time"
            raise MindTimeout(f"model {s.model!r} gave no {what} {waited}: is it overloaded?") from None
        except httpx2.HTTPError as error:
            raise transport_error(error) from error


def _told(message: Message) -> dict[str, Any]:
    """A message as the server takes it."""
    told: dict[str, Any] = {"role": message.role, "content": _CONTROL.removed_from(message.content)}
    if message.calls:
        told["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _CONTROL.removed_from(call.arguments)},
            }
            for call in message.calls
        ]
    if message.answers:
        told["tool_call_id"] = message.answers.id
    return told


def _tools(tools: Sequence[ToolSpec], choice: Choice) -> dict[str, Any]:
    """The fields that tell of tools; none without any, for some servers refuse an empty list."""
    if not tools:
        return {}
    named = {"type": "function", "function": {"name": choice.name}} if isinstance(choice, Only) else choice
    return {"tools": [tool.as_function() for tool in tools], "tool_choice": named}


async def _bounded(response: httpx2.Response, model: str) -> bytes:
    content = b""
    async with aclosing(response.aiter_bytes()) as chunks:
        async for chunk in chunks:
            content += chunk
            if len(content) > LIMIT:
                raise ModelError(f"model {model!r} sent an answer of more than {LIMIT} bytes")
    return content
