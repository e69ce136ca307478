"""A request to a model is one span: what it asked and gave, how it ended, and no word that was not asked for."""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext

import pytest
from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from aurora import calls as aurora_calls
from nova.errors import MindTimeout, ModelError
from nova.mind import Message
from nova.tools import ToolCall
from pipelines.services import traced_mind
from pipelines.services.channels import metadata_for
from pipelines.services.traced_mind import TracedMind
from pipelines.settings.endpoint import Endpoint
from pipelines.settings.model import LlmSection
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.telemetry import names
from pipelines.telemetry.exporters import tracer_provider
from pipelines.telemetry.spans import ConversationSpan, EpochClock, Labels
from pipelines.virtual_time import run
from sophia import calls as sophia_calls

ASKED = [Message("system", "You are Nova."), Message("user", "my xyzzy")]
ENDPOINT = Endpoint(target="[::1]:8001")


class Mind:
    """Says a word every 0.1 s, and ends as it is told."""

    def __init__(self, ends=None):
        self.ends = ends
        self.carried = []

    async def warm_up(self):
        return 0.1

    async def reply(self, messages, *offered):
        self.carried.append(dict(metadata_for(ENDPOINT)()))
        for word in ("the ", "xyzzy ", "came"):
            await asyncio.sleep(0.1)
            yield word
        if self.ends:
            raise self.ends


class Spans:
    """Real spans, kept in memory."""

    def __init__(self, monkeypatch):
        self._memory = InMemorySpanExporter()
        self._provider = tracer_provider(TelemetrySettings(), self._memory)
        for module in (traced_mind, sophia_calls, aurora_calls):
            monkeypatch.setattr(module, "_tracer", self._provider.get_tracer("test"))
        clock = EpochClock(lambda: 0.0)
        tracer = self._provider.get_tracer("turns")
        self.conversation = ConversationSpan(tracer, clock, "talk-1", Labels(), capture_content=False)
        self.turn = self.conversation.start_turn(1, 0.0)

    def finished(self):
        self._provider.force_flush()
        return self._memory.get_finished_spans()


@pytest.fixture
def spans(monkeypatch):
    return Spans(monkeypatch)


def ask(spans, mind, take=3, capture_content=False, asked=ASKED, **settings):
    """The reply's first pieces, asked for in a turn; whatever is current between them is not the request's span."""

    async def main():
        token = otel.attach(spans.turn.context)
        pieces = []
        try:
            traced = TracedMind(mind, LlmSection(**settings), capture_content=capture_content)
            reply = traced.reply(asked)
            async for piece in reply:
                assert trace.get_current_span() is trace.get_current_span(spans.turn.context)
                pieces.append(piece)
                if len(pieces) == take:
                    await reply.aclose()
        finally:
            otel.detach(token)
        return pieces

    return run(main())


def test_a_request_is_a_span_of_the_turn_and_its_calls_carry_it(spans):
    mind = Mind()
    assert ask(spans, mind, take=9) == ["the ", "xyzzy ", "came"]
    (span,) = spans.finished()
    assert (span.name, span.kind, span.status.status_code) == ("chat nova", SpanKind.CLIENT, StatusCode.UNSET)
    turn = trace.get_current_span(spans.turn.context).get_span_context()
    assert (span.context.trace_id, span.parent.span_id) == (turn.trace_id, turn.span_id)
    told = dict(span.attributes)
    assert told.pop("gen_ai.response.time_to_first_chunk") == pytest.approx(0.1, abs=1e-6)
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "triton",
        "gen_ai.request.model": "nova",
        "gen_ai.request.max_tokens": 256,
        "gen_ai.request.temperature": 0.6,
        "gen_ai.request.top_p": 0.95,
        "gen_ai.request.stream": True,
        "gen_ai.output.type": "text",
        "gen_ai.conversation.id": "talk-1",
        "gen_ai.usage.output_tokens": 3,
        "server.address": "::1",
        "server.port": 8001,
    }


def test_pieces_of_unknown_size_are_not_called_tokens(spans):
    ask(spans, Mind(), take=9, backend="openai")
    (span,) = spans.finished()
    assert names.OUTPUT_TOKENS not in span.attributes
    assert span.attributes[names.OUTPUT_PIECES] == 3


def test_with_content_it_holds_the_conversation_in_the_conventions_form(spans):
    ask(spans, Mind(), take=9, capture_content=True, backend="openai")
    (span,) = spans.finished()
    told = span.attributes
    assert told[names.PROVIDER] == "openai"
    assert json.loads(told["gen_ai.system_instructions"]) == [{"type": "text", "content": "You are Nova."}]
    assert json.loads(told["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "my xyzzy"}]}
    ]
    assert json.loads(told["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "the xyzzy came"}], "finish_reason": "stop"}
    ]


def test_a_call_of_a_tool_is_told_as_the_conventions_have_it(spans):
    call = ToolCall("call_1", "now", '{"zone": "xyzzy"}')

    class Caller(Mind):
        async def reply(self, messages, *offered):
            yield call

    asked = [*ASKED, Message("assistant", "", (call,)), Message("tool", "noon, xyzzy", answers=call)]
    ask(spans, Caller(), take=9, asked=asked)
    ask(spans, Caller(), take=9, asked=asked, capture_content=True)
    plain, told = (span.attributes for span in spans.finished())
    assert "xyzzy" not in str(dict(plain))
    told_call = {"type": "tool_call", "id": "call_1", "name": "now", "arguments": '{"zone": "xyzzy"}'}
    assert json.loads(told["gen_ai.input.messages"])[1:] == [
        {"role": "assistant", "parts": [told_call]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "noon, xyzzy"}]},
    ]
    assert json.loads(told["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [told_call], "finish_reason": "tool_calls"}
    ]


def test_a_guess_that_is_dropped_is_no_error(spans):
    assert ask(spans, Mind(), take=2) == ["the ", "xyzzy "]
    (span,) = spans.finished()
    assert (span.status.status_code, span.events) == (StatusCode.UNSET, ())
    assert names.ERROR_TYPE not in span.attributes
    assert span.attributes[names.OUTPUT_TOKENS] == 2


def test_a_guess_whose_task_is_cancelled_is_no_error(spans):
    async def main():
        traced = TracedMind(Mind(), LlmSection(), capture_content=False)

        async def listen():
            async for _ in traced.reply(ASKED):
                pass

        task = asyncio.create_task(listen())
        await asyncio.sleep(0.15)
        task.cancel()
        await asyncio.wait([task])

    run(main())
    (span,) = spans.finished()
    assert (span.status.status_code, span.events) == (StatusCode.UNSET, ())
    assert names.ERROR_TYPE not in span.attributes


@pytest.mark.parametrize("error", [ModelError("prompt too long: my xyzzy"), MindTimeout("no xyzzy"), OSError("xyzzy")])
def test_a_request_that_fails_is_an_error_without_its_words(spans, error):
    with pytest.raises(type(error)):
        ask(spans, Mind(error), take=9)
    (span,) = spans.finished()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes[names.ERROR_TYPE] == type(error).__name__
    assert "xyzzy" not in span.to_json()


@pytest.mark.parametrize("module", [sophia_calls, aurora_calls], ids=["sophia", "aurora"])
@pytest.mark.parametrize(
    ("raised", "status", "error"),
    [
        (None, "OK", None),
        (asyncio.CancelledError(), "CANCELLED", None),
        (GeneratorExit(), "CANCELLED", None),
        (ModelError("about xyzzy"), None, "ModelError"),
        (TimeoutError("about xyzzy"), None, "TimeoutError"),
    ],
)
def test_a_call_is_a_span_that_tells_how_it_ended(spans, module, raised, status, error):
    token = otel.attach(spans.turn.context)
    try:
        with (
            nullcontext() if raised is None else pytest.raises(type(raised)),
            module.calling("lab.Service/Call", metadata_for(ENDPOINT)) as carried,
        ):
            assert trace.get_current_span() is trace.get_current_span(spans.turn.context)
            if raised is not None:
                raise raised
    finally:
        otel.detach(token)
    (span,) = spans.finished()
    assert dict(carried)["traceparent"].split("-")[2] == format(span.context.span_id, "016x")
    expected = {
        "rpc.system.name": "grpc",
        "rpc.method": "lab.Service/Call",
        "rpc.response.status_code": status,
        "error.type": error,
        "server.address": "::1",
        "server.port": 8001,
    }
    assert dict(span.attributes) == {name: value for name, value in expected.items() if value is not None}
    assert span.status.status_code is (StatusCode.ERROR if error else StatusCode.UNSET)
    assert (span.status.description, span.events) == (None, ())


def test_a_turns_span_is_not_told_where_a_service_is(spans):
    token = otel.attach(spans.turn.context)
    try:
        metadata_for(ENDPOINT)()
    finally:
        otel.detach(token)
    assert names.SERVER_ADDRESS not in trace.get_current_span(spans.turn.context).attributes
