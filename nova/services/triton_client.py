"""Nova served by Triton over gRPC: one stream for each generation, on a channel that the caller owns.

Cancelling is real: a generation's stream is its own RPC, and ending the generator cancels it, which the server sees
within milliseconds. The raw stubs are used because ``tritonclient``'s asyncio client can neither ask for the empty
final response nor cancel one request of several. No channel, no TLS, no retries here.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, TypeVar

import grpc
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from nova.adapters import Adapter, ModelFacts, choose
from nova.errors import MindTimeout, ModelError, Overloaded
from nova.generation import Description, Prompting, TritonSettings, in_parts
from nova.mind import Message
from nova.prompts import ChatTemplate
from nova.tensors import parse_bytes
from nova.tools import Choice, ToolCall, ToolSpec

Metadata = Sequence[tuple[str, str]]
T = TypeVar("T")

_TYPES = {
    1: "BOOL", 2: "UINT8", 3: "UINT16", 4: "UINT32", 5: "UINT64", 6: "INT8", 7: "INT16", 8: "INT32", 9: "INT64",
    10: "FP16", 11: "FP32", 12: "FP64", 13: "BYTES", 14: "BF16",
}  # fmt: skip
"""``inference.DataType`` of model_config.proto by its number, in the names that requests use."""

_BUSY = ("exceeds maximum queue size", "not at ready state", "no available versions")
"""What Triton says in band, where there is no status, of a model that is loaded again or has no room for a request."""

_END_TIMEOUT = 1.0
"""Seconds to wait for the end of a stream whose last message is here: it follows within milliseconds."""


class TritonMind:
    """A language model on Triton, as :class:`nova.mind.Mind`.

    ``channel`` must have been made on the running loop. ``metadata`` is called for each RPC. ``template`` is needed
    if ``settings.template`` is not a built-in name. ``now`` tells the wall-clock time that the model is told.

    Raises :class:`ModelError` for what the server reports in band, :class:`MindTimeout` when a token is overdue,
    :class:`nova.prompts.TemplateError` for messages that the template cannot render, and lets
    ``grpc.aio.AioRpcError`` through.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        settings: TritonSettings | None = None,
        *,
        metadata: Callable[[], Metadata] = tuple,
        template: ChatTemplate | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.settings = settings or TritonSettings()
        self._prompting = Prompting(self.settings, template, now)
        self._stub: Any = GRPCInferenceServiceStub(channel)
        # One request and then nothing looks the same on the wire, whether the call takes one or a stream of them; but
        # gRPC sends the one together with the call and its end, and needs no task for it.
        self._stream: Any = channel.unary_stream(
            "/inference.GRPCInferenceService/ModelStreamInfer",
            request_serializer=pb.ModelInferRequest.SerializeToString,
            response_deserializer=pb.ModelStreamInferResponse.FromString,
        )
        self._metadata = metadata
        self._adapter: Adapter | None = None
        self._asking = asyncio.Lock()
        self._ids = itertools.count(1)

    def reply(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        """Streams the answer. Close the generator to cancel; leaving the loop without closing it does not."""
        return self._generate(messages, tools, choice)

    async def complete(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        """The answers to many conversations, in their order.

        One request carries as many prompts as the model's batch dimension takes; a model that has none, or that
        streams, gets concurrent requests instead, at most ``settings.concurrency`` at once.
        """
        adapter = await self._adapt()
        prompts = [self._prompting.prompt(messages) for messages in conversations]
        facts = adapter.facts
        size = facts.max_batch_size if facts.max_batch_size > 0 and not facts.decoupled else 1

        async def answer(part: Sequence[str]) -> list[str]:
            return await (self._whole(part[0]) if facts.decoupled else self._infer(adapter, part))

        return await in_parts(prompts, size, self.settings.concurrency, answer)

    async def request(self, messages: Sequence[Message]) -> pb.ModelInferRequest:
        """What :meth:`reply` sends for ``messages``; asks the server for the model's configuration once."""
        adapter = await self._adapt()
        return self._request(adapter, [self._prompting.prompt(messages)], stream=adapter.facts.decoupled)

    async def ready(self) -> bool:
        """Whether the server and the model say that they are ready (a model whose process died still does)."""
        server = await self._short(self._stub.ServerReady, pb.ServerReadyRequest())
        if not server.ready:
            return False
        s = self.settings
        model = await self._short(self._stub.ModelReady, pb.ModelReadyRequest(name=s.model, version=s.version))
        return bool(model.ready)

    async def describe(self) -> Description:
        """Server, version, model and how it will be talked to. Raises like every call if the server is away."""
        s = self.settings
        server = await self._short(self._stub.ServerMetadata, pb.ServerMetadataRequest())
        ready = await self._short(self._stub.ServerReady, pb.ServerReadyRequest())
        model = await self._short(self._stub.ModelReady, pb.ModelReadyRequest(name=s.model, version=s.version))
        try:
            index = await self._short(self._stub.RepositoryIndex, pb.RepositoryIndexRequest(ready=True))
            models = tuple(sorted(entry.name for entry in index.models))
        except grpc.aio.AioRpcError:  # an operator may restrict the repository API
            models = ()
        if not model.ready:
            return Description(server.name, server.version, ready.ready, s.model, False, models=models)
        adapter = await self._adapt()
        return Description(
            server.name, server.version, ready.ready, s.model, True, adapter.kind,
            adapter.facts.max_batch_size, adapter.facts.decoupled, models,
        )  # fmt: skip

    async def learn(self, persona: str = "") -> None:
        """Nothing is left to find out: the template tells how answers begin."""

    async def warm_up(self) -> float:
        """Generates one token and returns the seconds to it: connection, configuration and model are warm then."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        adapter = await self._adapt()
        prompt = self._prompting.prompt([Message("user", "Hello.")])
        call = self._open(self._request(adapter, [prompt], stream=adapter.facts.decoupled, max_tokens=1))
        patience = _Patience(call)
        try:
            await self._next(call, patience, self.settings.first_token_timeout, "first")
            taken = loop.time() - start
            await self._end(call, patience)
        finally:
            patience.end()
            call.cancel()
        return taken

    async def _adapt(self) -> Adapter:
        async with self._asking:
            if self._adapter is None:
                s = self.settings
                request = pb.ModelConfigRequest(name=s.model, version=s.version)
                config = (await self._short(self._stub.ModelConfig, request)).config
                self._adapter = choose(_facts(config))
            return self._adapter

    async def _generate(
        self, asked: Sequence[Message] | str, tools: Sequence[ToolSpec] = (), choice: Choice = "auto"
    ) -> AsyncGenerator[str | ToolCall, None]:
        """The answer to messages or to a rendered prompt."""
        adapter = await self._adapt()
        prompt = asked if isinstance(asked, str) else self._prompting.prompt(asked, tools, choice)
        stream = adapter.facts.decoupled
        cleaner = self._prompting.cleaner(prompt, cumulative=adapter.cumulative and stream, tools=tools, choice=choice)
        call = patience = None
        final = False
        try:
            if not stream:
                (whole,) = await self._raw(adapter, [prompt])
                for piece in [*cleaner.take(whole), *cleaner.take(None)]:
                    yield piece
                return
            call = self._open(self._request(adapter, [prompt], stream=True))
            patience = _Patience(call)
            limit, which = self.settings.first_token_timeout, "first"
            while (answer := await self._next(call, patience, limit, which)) is not None:
                raw, final = self._output(adapter, answer)
                for part in raw:
                    limit, which = self.settings.token_timeout, "next"
                    for piece in cleaner.take(part):
                        yield piece
                if final or cleaner.stopped:
                    break
            for piece in cleaner.take(None):
                yield piece
            if final:
                await self._end(call, patience)
        finally:
            if patience is not None:
                patience.end()
            if call is not None:
                call.cancel()  # a no-op after the end; before it, this is what stops the server

    async def _whole(self, prompt: str) -> list[str]:
        async with aclosing(self._generate(prompt)) as pieces:
            return ["".join([piece async for piece in pieces if isinstance(piece, str)])]

    async def _infer(self, adapter: Adapter, prompts: Sequence[str]) -> list[str]:
        """The answers to prompts, in one request."""
        answers = []
        for prompt, part in zip(prompts, await self._raw(adapter, prompts), strict=True):
            cleaner = self._prompting.cleaner(prompt, cumulative=False)
            answers.append(cleaner.feed(part) + cleaner.flush())
        return answers

    async def _raw(self, adapter: Adapter, prompts: Sequence[str]) -> list[bytes]:
        """One unary request; its deadline is that of a first token and of all that could follow at the slowest."""
        s = self.settings
        deadline = s.first_token_timeout + s.token_timeout
        try:
            answer = await self._stub.ModelInfer(
                self._request(adapter, prompts, stream=False), timeout=deadline, metadata=tuple(self._metadata())
            )
        except grpc.aio.AioRpcError as error:
            self._adapter = None
            if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                raise MindTimeout(
                    f"model {s.model!r} gave no answer within {deadline:g} s: is it overloaded?"
                ) from None
            raise
        raw, _ = self._output(adapter, answer)
        if len(raw) != len(prompts):
            raise ModelError(f"model {s.model!r} gave {len(raw)} answers to {len(prompts)} prompts")
        return raw

    def _request(
        self, adapter: Adapter, prompts: Sequence[str], *, stream: bool, max_tokens: int | None = None
    ) -> pb.ModelInferRequest:
        sampling = self._prompting.sampling
        if max_tokens is not None:
            sampling = dataclasses.replace(sampling, max_tokens=max_tokens)
        request = pb.ModelInferRequest(
            model_name=self.settings.model, model_version=self.settings.version, id=f"nova-{next(self._ids)}"
        )
        for tensor in adapter.tensors(prompts, sampling, stream=stream):
            request.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
            request.raw_input_contents.append(tensor.raw())
        request.outputs.add(name=adapter.output)
        if adapter.facts.decoupled:
            request.parameters["triton_enable_empty_final_response"].bool_param = True
        return request

    def _open(self, request: pb.ModelInferRequest) -> Any:
        return self._stream(request, metadata=tuple(self._metadata()))

    async def _next(self, call: Any, patience: _Patience, limit: float, which: str) -> pb.ModelInferResponse | None:
        """The stream's next answer, or None at its end."""
        name = self.settings.model
        patience.begin(limit)
        try:
            message = await call.read()
        except asyncio.CancelledError:
            if patience.lost and not _cancelling():
                raise MindTimeout(
                    f"model {name!r} gave no {which} token within {limit:g} s: is it overloaded, or has its process "
                    "died?"
                ) from None
            await _blame(call)
            raise
        except grpc.aio.AioRpcError:
            self._adapter = None  # a server that comes back may serve another model
            raise
        finally:
            patience.pause()
        if message is grpc.aio.EOF:
            return None
        if message.error_message:
            self._adapter = None
            if _final(message.infer_response):
                await self._end(call, patience)
            said = message.error_message.strip()
            busy = any(words in said.lower() for words in _BUSY)
            raise (Overloaded if busy else ModelError)(f"model {name!r}: {said}")
        return message.infer_response

    async def _end(self, call: Any, patience: _Patience) -> None:
        """Reads a stream whose last message is here to its end, for :data:`_END_TIMEOUT` seconds at most.

        A call that is cancelled between its last message and its end can leave Triton (2.51) with a request that it
        holds for ever, and with it the model: the version then never unloads.
        """
        patience.begin(_END_TIMEOUT)
        try:
            while await call.read() is not grpc.aio.EOF:
                pass
        except grpc.aio.AioRpcError:
            pass  # all that was to be said is here
        except asyncio.CancelledError:
            if _cancelling():
                raise
        finally:
            patience.pause()

    def _output(self, adapter: Adapter, answer: pb.ModelInferResponse) -> tuple[list[bytes], bool]:
        """The text elements of an answer, and whether it is the last one."""
        outputs, final = answer.outputs, _final(answer)  # each access makes an object
        for at, output in enumerate(outputs):
            if output.name == adapter.output:
                raw = answer.raw_output_contents
                if at < len(raw):
                    try:
                        return parse_bytes(raw[at]), final
                    except ValueError as error:
                        raise ModelError(f"model {self.settings.model!r} sent a broken answer: {error}") from None
                return list(output.contents.bytes_contents), final
        return [], final

    async def _short(self, method: Callable[..., Awaitable[T]], request: object) -> T:
        return await method(request, timeout=self.settings.call_timeout, metadata=tuple(self._metadata()))


class _Patience:
    """The time limit of each read of one call; cancels the call when it is over, which is ``lost`` then.

    One timer that is moved when it fires, not with every token: ``asyncio.timeout`` around each read would cost more
    than all else that is done for a token.
    """

    def __init__(self, call: Any) -> None:
        self.lost = False
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._reading = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, limit: float) -> None:
        """A read begins that may take ``limit`` seconds."""
        self._due = self._loop.time() + limit
        self._reading = True
        if self._timer is None or self._timer.when() > self._due:
            self._set(self._due)

    def pause(self) -> None:
        """The read has ended; what is done with the token may take its time."""
        self._reading = False

    def end(self) -> None:
        """No more reads."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, due: float) -> None:
        self.end()
        self._timer = self._loop.call_at(due, self._fired)

    def _fired(self) -> None:
        self._timer = None
        if not self._reading:
            return  # the next read sets it again
        if self._loop.time() < self._due:
            self._set(self._due)
        else:
            self.lost = True
            self._call.cancel()


def _final(answer: pb.ModelInferResponse) -> bool:
    parameters = answer.parameters
    return parameters["triton_final_response"].bool_param if parameters else False


def _cancelling() -> bool:
    """Whether somebody cancels our own task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _blame(call: Any) -> None:
    """A call that the *server* cancelled looks like the cancellation of our task: tell them apart."""
    if not _cancelling() and call.done():
        raise grpc.aio.AioRpcError(
            await call.code(), await call.initial_metadata(), await call.trailing_metadata(), await call.details()
        ) from None


def _facts(config: Any) -> ModelFacts:
    return ModelFacts(
        name=config.name,
        inputs={i.name: _TYPES.get(i.data_type, "?") for i in config.input},
        outputs={o.name: _TYPES.get(o.data_type, "?") for o in config.output},
        max_batch_size=config.max_batch_size,
        decoupled=config.model_transaction_policy.decoupled,
    )
