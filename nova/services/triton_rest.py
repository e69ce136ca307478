"""Nova served by Triton where only the HTTP port is open: ``generate_stream`` for replies, ``infer`` for batches.

Triton's HTTP port has no TLS of its own, so it is usually behind a proxy that has. Prefer gRPC where it can be had:
it costs less for each token, and says clearly when an answer is complete.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Any

import httpx2

from nova.adapters import Adapter, ModelFacts, choose
from nova.errors import MindTimeout, ModelError
from nova.generation import Description, Prompting, TritonSettings, in_parts
from nova.mind import Message
from nova.prompts import ChatTemplate
from nova.services.http import Metadata, events, headers, refused, transport_error
from nova.services.sse import LIMIT
from nova.tools import Choice, ToolCall, ToolSpec


class TritonRestMind:
    """A language model on Triton over HTTP, as :class:`nova.mind.Mind`.

    ``client`` is an ``httpx2.AsyncClient`` whose ``base_url`` is the server. The other arguments and the errors are
    those of :class:`nova.services.triton_client.TritonMind`; transport failures are ``OSError``.
    """

    def __init__(
        self,
        client: httpx2.AsyncClient,
        settings: TritonSettings | None = None,
        *,
        metadata: Metadata = tuple,
        template: ChatTemplate | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.settings = settings or TritonSettings()
        self._client = client
        self._prompting = Prompting(self.settings, template, now)
        self._metadata = metadata
        self._adapter: Adapter | None = None
        self._asking = asyncio.Lock()
        version = f"/versions/{self.settings.version}" if self.settings.version else ""
        self._model = f"/v2/models/{self.settings.model}{version}"

    async def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        """Streams the answer. Close the generator to cancel, which closes the connection; Triton notices."""
        adapter = await self._adapt()
        prompt = self._prompting.prompt(messages, tools, choice)
        async with aclosing(self._generate(adapter, prompt, tools, choice)) as pieces:
            async for piece in pieces:
                yield piece

    async def complete(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        """The answers to many conversations, in their order; batched as gRPC's client does."""
        adapter = await self._adapt()
        facts = adapter.facts
        size = facts.max_batch_size if facts.max_batch_size > 0 and not facts.decoupled else 1

        async def answer(part: Sequence[str]) -> list[str]:
            if not facts.decoupled:
                return await self._infer(adapter, part)
            async with aclosing(self._generate(adapter, part[0])) as pieces:
                return ["".join([piece async for piece in pieces if isinstance(piece, str)])]

        prompts = [self._prompting.prompt(messages) for messages in conversations]
        return await in_parts(prompts, size, self.settings.concurrency, answer)

    async def ready(self) -> bool:
        """Whether the server and the model say that they are ready."""
        return await self._says_yes("/v2/health/ready") and await self._says_yes(f"{self._model}/ready")

    async def describe(self) -> Description:
        """Server, version, model and how it will be talked to."""
        server = await self._json("GET", "/v2")
        ready = await self._says_yes("/v2/health/ready")
        name, version = str(server.get("name", "")), str(server.get("version", ""))
        if not await self._says_yes(f"{self._model}/ready"):
            return Description(name, version, ready, self.settings.model, False)
        adapter = await self._adapt()
        facts = adapter.facts
        return Description(
            name, version, ready, self.settings.model, True, adapter.kind, facts.max_batch_size, facts.decoupled
        )

    async def learn(self, persona: str = "") -> None:
        """Nothing is left to find out: the template tells how answers begin."""

    async def warm_up(self) -> float:
        """Generates a first token and returns the seconds to it."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with aclosing(self.reply([Message("user", "Hello.")])) as pieces:
            await anext(pieces, None)
        return loop.time() - start

    async def _adapt(self) -> Adapter:
        async with self._asking:
            if self._adapter is None:
                self._adapter = choose(_facts(await self._json("GET", f"{self._model}/config")))
            return self._adapter

    async def _generate(
        self, adapter: Adapter, prompt: str, tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        stream = adapter.facts.decoupled
        cleaner = self._prompting.cleaner(prompt, cumulative=adapter.cumulative and stream, tools=tools, choice=choice)
        if not stream:
            (whole,) = await self._raw(adapter, [prompt])
            for part in [*cleaner.take(whole), *cleaner.take(None)]:
                yield part
            return
        tensors = adapter.tensors([prompt], self._prompting.sampling, stream=True)
        body = {t.name: t.values[0] if len(t.values) == 1 else list(t.values) for t in tensors}
        async with (
            self._sent("POST", f"{self._model}/generate_stream", body) as response,
            aclosing(events(response, self.settings.model)) as pieces,
        ):
            limit, which = self.settings.first_token_timeout, "first"
            while (event := await self._next(pieces, limit, which)) is not None:
                if "error" in event:
                    self._adapter = None
                    raise ModelError(f"model {self.settings.model!r}: {str(event['error'])[:300]}")
                limit, which = self.settings.token_timeout, "next"
                for part in cleaner.take(_piece(event.get(adapter.output, ""), adapter)):
                    yield part
                if cleaner.stopped:
                    break
        for part in cleaner.take(None):
            yield part

    async def _next(self, pieces: AsyncIterator[dict[str, Any]], limit: float, which: str) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout(limit):
                return await anext(pieces, None)
        except TimeoutError:
            raise MindTimeout(f"model {self.settings.model!r} gave no {which} token within {limit:g} s") from None
        except httpx2.HTTPError as error:
            self._adapter = None
            raise transport_error(error) from error

    async def _infer(self, adapter: Adapter, prompts: Sequence[str]) -> list[str]:
        cleaned = []
        for prompt, text in zip(prompts, await self._raw(adapter, prompts), strict=True):
            cleaner = self._prompting.cleaner(prompt, cumulative=False)
            cleaned.append(cleaner.feed(text) + cleaner.flush())
        return cleaned

    async def _raw(self, adapter: Adapter, prompts: Sequence[str]) -> list[str]:
        s = self.settings
        tensors = adapter.tensors(prompts, self._prompting.sampling, stream=False)
        body = {"inputs": [tensor.json() for tensor in tensors], "outputs": [{"name": adapter.output}]}
        answer = await self._json("POST", f"{self._model}/infer", body, s.first_token_timeout + s.token_timeout)
        outputs = answer.get("outputs") or [{}]
        texts = [str(text) for text in outputs[0].get("data", [])]
        if len(texts) != len(prompts):
            raise ModelError(f"model {s.model!r} gave {len(texts)} answers to {len(prompts)} prompts")
        return texts

    async def _says_yes(self, path: str) -> bool:
        try:
            await self._json("GET", path)
        except ModelError:
            return False
        return True

    async def _json(self, method: str, path: str, body: object = None, limit: float | None = None) -> dict[str, Any]:
        seconds = limit or self.settings.call_timeout
        try:
            async with asyncio.timeout(seconds), self._sent(method, path, body) as response:
                content = await _bounded(response, self.settings.model)
        except TimeoutError:
            raise MindTimeout(f"the server gave no answer to {path} within {seconds:g} s") from None
        try:
            answer = json.loads(content or b"{}")
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ModelError(f"{path} answered no JSON object: is this Triton's HTTP port?")
        return answer

    @asynccontextmanager
    async def _sent(self, method: str, path: str, body: object = None) -> AsyncIterator[httpx2.Response]:
        """A response whose head is there and good; it is closed afterwards, which is how a generation is cancelled."""
        request = self._client.build_request(method, path, json=body, headers=headers(self._metadata), timeout=None)
        try:
            async with asyncio.timeout(self.settings.first_token_timeout):
                response = await self._client.send(request, stream=True)
        except TimeoutError:
            limit = self.settings.first_token_timeout
            raise MindTimeout(f"model {self.settings.model!r} gave no first token within {limit:g} s") from None
        except httpx2.HTTPError as error:
            raise transport_error(error) from error
        try:
            if response.status_code != 200:
                content = await _bounded(response, self.settings.model)
                raise refused(self.settings.model, response.status_code, content)
            yield response
        finally:
            await response.aclose()


async def _bounded(response: httpx2.Response, model: str) -> bytes:
    content = b""
    try:
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > 8 * LIMIT:
                raise ModelError(f"model {model!r} sent an answer of more than {8 * LIMIT} bytes")
    except httpx2.HTTPError as error:
        raise transport_error(error) from error
    return content


def _piece(value: object, adapter: Adapter) -> bytes | str:
    """The text of an event; JSON may hold half a surrogate pair, which has no bytes."""
    return str(value).encode("utf-8", "replace") if adapter.cumulative else str(value)


def _facts(config: dict[str, Any]) -> ModelFacts:
    def types(tensors: object) -> dict[str, str]:
        found = tensors if isinstance(tensors, list) else []
        names = {str(t.get("name")): str(t.get("data_type", "")).removeprefix("TYPE_") for t in found}
        return {name: "BYTES" if datatype == "STRING" else datatype for name, datatype in names.items()}

    policy = config.get("model_transaction_policy") or {}
    return ModelFacts(
        str(config.get("name", "")), types(config.get("input")), types(config.get("output")),
        int(config.get("max_batch_size", 0)), bool(policy.get("decoupled", False)),
    )  # fmt: skip
