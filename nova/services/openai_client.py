"""Nova behind an OpenAI-compatible endpoint: vLLM, NVIDIA NIM, Ollama, llama.cpp and others.

The server applies the chat template, so messages go as they are. Needs the extra ``openai``, imported on first use.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nova.errors import MindError, MindTimeout, ModelError
from nova.generation import Cleaner, Description, MindSettings, in_parts, wall_clock
from nova.mind import Message
from nova.prompts import with_time
from nova.services.http import Metadata, headers, transport_error

if TYPE_CHECKING:
    import httpx2

_CLOSE = 1.0
"""Seconds that closing a stream may take; the connection is dropped then."""


class OpenAIMind:
    """A chat model behind ``/v1/chat/completions``, as :class:`nova.mind.Mind`.

    ``client`` is an ``httpx2.AsyncClient`` whose ``base_url`` ends in ``/v1``. An API key comes with ``metadata``
    as ``authorization``. Raises :class:`MindError` if the extra is missing, :class:`ModelError` for what the server
    refuses, :class:`MindTimeout` when a token is overdue, and ``OSError`` for transport failures.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        settings: MindSettings | None = None,
        *,
        metadata: Metadata = tuple,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        try:
            import openai  # noqa: PLC0415 - an extra, and slow to import
        except ImportError:
            raise MindError(
                "the OpenAI client is not installed: pip install 'sophia-avatar[openai]', or use Triton"
            ) from None
        self.settings = settings or MindSettings()
        self._metadata = metadata
        self._now = now or wall_clock
        self._errors = openai
        # 'EMPTY' is what servers without keys are sent by custom; a real key replaces it by the metadata. No retries:
        # whoever talks has moved on by then.
        self._api: Any = openai.AsyncOpenAI(
            api_key="EMPTY", base_url=str(client.base_url), http_client=client, max_retries=0, timeout=None
        )

    async def reply(self, messages: Sequence[Message]) -> AsyncGenerator[str, None]:
        """Streams the answer. Close the generator to cancel, which closes the HTTP stream."""
        s = self.settings
        cleaner = Cleaner(s.stop, thinking=False, cumulative=False)
        stream: Any = None
        try:
            stream = await self._within(s.first_token_timeout, "first", self._create(messages))
            chunks = aiter(stream)
            limit, which = s.first_token_timeout, "first"
            while (chunk := await self._within(limit, which, anext(chunks, None))) is not None:
                piece = chunk.choices[0].delta.content if chunk.choices else None
                if piece:
                    limit, which = s.token_timeout, "next"
                    if text := cleaner.feed(piece.encode("utf-8", "replace")):
                        yield text
                if cleaner.stopped:
                    break
            if text := cleaner.flush():
                yield text
        finally:
            if stream is not None:
                with suppress(TimeoutError, OSError, self._errors.OpenAIError):
                    async with asyncio.timeout(_CLOSE):
                        await stream.close()

    async def complete(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        """The answers to many conversations, in their order, at most ``settings.concurrency`` at once."""

        async def answer(part: Sequence[Sequence[Message]]) -> list[str]:
            async with aclosing(self.reply(part[0])) as pieces:
                return ["".join([piece async for piece in pieces])]

        return await in_parts(conversations, 1, self.settings.concurrency, answer)

    async def ready(self) -> bool:
        """Whether the server lists the model."""
        return self.settings.model in await self._models()

    async def describe(self) -> Description:
        """What the server tells about itself, which is only the names of its models."""
        models = await self._models()
        return Description("openai", "", True, self.settings.model, self.settings.model in models, models=models)

    async def warm_up(self) -> float:
        """Generates a first token and returns the seconds to it."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with aclosing(self.reply([Message("user", "Hello.")])) as pieces:
            await anext(pieces, None)
        return loop.time() - start

    async def _models(self) -> tuple[str, ...]:
        page = await self._within(
            self.settings.call_timeout, "", self._api.models.list(extra_headers=headers(self._metadata))
        )
        return tuple(sorted(model.id for model in page.data))

    async def _create(self, messages: Sequence[Message]) -> Any:
        s = self.settings
        if s.tell_time:
            messages = with_time(messages, self._now())
        options: dict[str, Any] = {"stop": list(s.stop)} if s.stop else {}
        if s.seed is not None:
            options["seed"] = s.seed
        return await self._api.chat.completions.create(
            model=s.model,
            messages=[{"role": m.role, "content": m.content} for m in messages],
            max_tokens=s.max_tokens,
            temperature=s.temperature,
            top_p=s.top_p,
            stream=True,
            extra_headers=headers(self._metadata),
            **options,
        )

    async def _within(self, limit: float, which: str, answer: Any) -> Any:
        """Awaits ``answer`` with a time limit, and turns the package's errors into ours."""
        name, errors = self.settings.model, self._errors
        try:
            async with asyncio.timeout(limit):
                return await answer
        except TimeoutError:
            what = f"{which} token" if which else "answer"
            raise MindTimeout(f"model {name!r} gave no {what} within {limit:g} s: is it overloaded?") from None
        except errors.APIStatusError as error:
            raise ModelError(f"model {name!r}: {error.message[:300]}") from None
        except errors.APIConnectionError as error:
            raise transport_error(error) from error
        except errors.OpenAIError as error:
            raise ModelError(f"model {name!r}: {str(error)[:300]}") from None
        except ValueError:  # an event that is no JSON
            raise ModelError(f"model {name!r} sent an event that is no JSON: is this an OpenAI endpoint?") from None
