"""One span for each request to a language model, whatever serves it, as OpenTelemetry's GenAI conventions have it.

What went wrong is told by the error's class alone: servers quote what they were asked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final, Protocol

import grpc
from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from nova.mind import Message, Mind
from nova.tools import Choice, ToolCall, ToolSpec
from pipelines.settings.model import LlmSection
from pipelines.telemetry import names

PROVIDERS: Final = {"triton": "triton", "triton-rest": "triton", "openai": "openai"}
"""What the conventions call a backend's provider; they have no name for Triton."""

_tracer = trace.get_tracer(names.SCOPE)


class WarmMind(Mind, Protocol):
    """A mind that can be used before it is needed: to be quick, and to learn how its server answers ``persona``."""

    async def warm_up(self) -> float: ...

    async def learn(self, persona: str = "") -> None: ...


class TracedMind:
    """``mind`` with a span around each of its replies; it raises what ``mind`` raises.

    The span is current wherever ``mind`` runs, so that its calls carry it. ``capture_content`` puts the messages and
    the reply into it.
    """

    def __init__(self, mind: WarmMind, settings: LlmSection, *, capture_content: bool) -> None:
        self._mind = mind
        self._settings = settings
        self._capture_content = capture_content

    async def warm_up(self) -> float:
        return await self._mind.warm_up()

    async def learn(self, persona: str = "") -> None:
        await self._mind.learn(persona)

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        """Streams the answer as ``mind`` does; closing the generator ends the request and its span."""
        begin = asyncio.get_running_loop().time()
        span = self._begin(messages)
        within = trace.set_span_in_context(span)
        pieces: list[str] = []
        calls: list[ToolCall] = []
        reason = "error"
        try:
            async with aclosing(self._mind.reply(messages, tools, choice)) as answer:
                while True:
                    # Attached for each step, not around them all: between two, the context is that of who listens.
                    token = otel.attach(within)
                    try:
                        piece = await anext(answer, None)
                    finally:
                        otel.detach(token)
                    if piece is None:
                        break
                    if not pieces and not calls:
                        span.set_attribute(names.FIRST_CHUNK, asyncio.get_running_loop().time() - begin)
                    if isinstance(piece, str):
                        pieces.append(piece)
                    else:
                        calls.append(piece)
                    yield piece
            reason = "tool_calls" if calls else "stop"
        except (asyncio.CancelledError, GeneratorExit):  # a guess that was wrong, or the user took the floor: no error
            reason = "cancelled"
            raise
        except Exception as error:
            code = error.code().name if isinstance(error, grpc.aio.AioRpcError) else type(error).__qualname__
            span.set_attribute(names.ERROR_TYPE, code)
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            self._end(span, pieces, calls, reason)

    def _begin(self, messages: Sequence[Message]) -> Span:
        settings = self._settings
        asked = {
            names.MAX_TOKENS: settings.max_tokens,
            names.TEMPERATURE: settings.temperature,
            names.TOP_P: settings.top_p,
        }
        attributes: dict[str, str | int | float | bool] = {
            names.OPERATION: names.CHAT,
            names.PROVIDER: PROVIDERS[settings.backend],
            names.MODEL: settings.model,
            names.STREAM: True,
            names.OUTPUT_TYPE: "text",
            **{name: value for name, value in asked.items() if value is not None},
        }
        if conversation := otel.get_value(names.CONVERSATION_ID):
            attributes[names.CONVERSATION_ID] = str(conversation)
        if self._capture_content:
            system = [_text(message.content) for message in messages if message.role == "system"]
            said = [_told(message) for message in messages if message.role != "system"]
            attributes |= {names.INSTRUCTIONS: _json(system), names.INPUT_MESSAGES: _json(said)}
        name = f"{names.CHAT} {settings.model}"
        return _tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)

    def _end(self, span: Span, pieces: list[str], calls: list[ToolCall], reason: str) -> None:
        # Triton's answers are a token each. Other servers send what they like at once.
        counted = names.OUTPUT_PIECES if self._settings.backend == "openai" else names.OUTPUT_TOKENS
        span.set_attribute(counted, len(pieces))
        if self._capture_content and (pieces or calls):
            said = Message("assistant", "".join(pieces), tuple(calls))
            answer = {**_told(said), "finish_reason": reason}
            span.set_attribute(names.OUTPUT_MESSAGES, _json([answer]))
        span.end()


def _text(content: str) -> dict[str, str]:
    return {"type": "text", "content": content}


def _told(message: Message) -> dict[str, object]:
    if message.answers:
        parts = [{"type": "tool_call_response", "id": message.answers.id, "response": message.content}]
        return {"role": "tool", "parts": parts}
    called = [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments} for call in message.calls
    ]
    spoken = [_text(message.content)] if message.content or not called else []
    return {"role": message.role, "parts": [*spoken, *called]}


def _json(value: object) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return written.encode(errors="backslashreplace").decode()  # of half a surrogate pair
