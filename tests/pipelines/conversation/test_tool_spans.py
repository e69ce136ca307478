"""A tool that runs is a span of its turn, by the GenAI conventions, and holds no word that was not asked for."""

import asyncio
import json

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as conventions
from opentelemetry.trace import StatusCode
from test_own_tools_failing import Confused
from tooled_talk import ASKED, talk, weather

from nova.functions import ToolError
from nova.tools import Tool, ToolSpec
from pipelines.conversation.events import ToolStarted
from pipelines.conversation.measured import Measured
from pipelines.settings.telemetry import TelemetrySettings
from pipelines.simulation.exact import Says
from pipelines.telemetry import names, tool_spans
from pipelines.telemetry.exporters import tracer_provider
from pipelines.telemetry.metrics import Metrics
from pipelines.telemetry.spans import ConversationSpan, EpochClock, Labels


@pytest.fixture
def traced(monkeypatch):
    """A talk with a tool; the spans of it, and what else was made."""
    memory = InMemorySpanExporter()
    provider = tracer_provider(TelemetrySettings(), memory)
    monkeypatch.setattr(tool_spans, "_tracer", provider.get_tracer("tools"))

    def talked(own, script=(ASKED,), *, capture_content=False, **options):
        clock = EpochClock(lambda: 0.0)
        conversation = ConversationSpan(
            provider.get_tracer("turns"), clock, "talk-1", Labels(), capture_content=capture_content
        )
        table = talk(own, script, measured=Measured(Metrics(), conversation), **options)
        conversation.end()
        provider.force_flush()
        return table, memory.get_finished_spans()

    return talked


def tools_of(spans):
    return [span for span in spans if span.name.startswith("execute_tool")]


def test_the_names_are_those_of_the_conventions():
    assert conventions.GenAiOperationNameValues.EXECUTE_TOOL.value == names.EXECUTE_TOOL
    assert names.TOOL_NAME == conventions.GEN_AI_TOOL_NAME
    assert names.TOOL_TYPE == conventions.GEN_AI_TOOL_TYPE
    assert names.TOOL_CALL == conventions.GEN_AI_TOOL_CALL_ID
    assert names.ARGUMENTS == conventions.GEN_AI_TOOL_CALL_ARGUMENTS
    assert names.RESULT == conventions.GEN_AI_TOOL_CALL_RESULT


@pytest.mark.parametrize("reads", [True, False])
def test_a_tool_is_a_span_of_its_turn_and_what_it_calls_is_a_child_of_it(traced, reads):
    inside = []

    async def run(arguments):
        inside.append(trace.get_current_span())
        return "warm"

    table, spans = traced(Tool(ToolSpec("weather"), run, reads=reads))
    (tool,), (turn,) = tools_of(spans), [span for span in spans if span.name == "turn"]
    assert tool.name == "execute_tool weather"
    assert tool.parent.span_id == turn.context.span_id
    assert [span.get_span_context() for span in inside] == [tool.context]
    (started,) = [one for one in table.notes.happened if isinstance(one, ToolStarted)]
    assert dict(tool.attributes) == {
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": started.call.id, "gen_ai.conversation.id": "talk-1",
    }  # fmt: skip
    assert tool.status.status_code is StatusCode.UNSET


def test_arguments_and_result_stand_in_it_where_the_settings_ask_for_them(traced):
    _, spans = traced(weather(result="half a pair: \ud800")[0], capture_content=True)
    (tool,) = tools_of(spans)
    assert json.loads(tool.attributes["gen_ai.tool.call.arguments"]) == {"city": "Ulm"}
    assert tool.attributes["gen_ai.tool.call.result"].startswith("half a pair: ")
    assert set(tool.attributes) & names.CONTENT == {"gen_ai.tool.call.arguments", "gen_ai.tool.call.result"}


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"seconds": 9.0, "limit": 0.5}, "timeout"),
        ({"error": ToolError("no town is called xyzzy")}, "error"),
        ({"error": RuntimeError("the xyzzy is 1234")}, "internal"),
    ],
)
def test_a_failure_is_a_word(traced, options, kind):
    _, spans = traced(weather(**options)[0])
    (tool,) = tools_of(spans)
    assert (tool.attributes["error.type"], tool.status.status_code) == (kind, StatusCode.ERROR)
    assert "xyzzy" not in tool.to_json()


def test_what_was_cut_off_is_no_error_and_what_never_ran_is_no_span(traced):
    script = [Says(1.0, "how is the weather"), Says(1.75, "in the town of ulm")]
    _, spans = traced(weather(5.0)[0], script)
    assert len(tools_of(spans)) == 2, "one for a guess that was dropped"
    assert {tool.status.status_code for tool in tools_of(spans)} == {StatusCode.UNSET}
    before = len(tools_of(spans))
    _, spans = traced(weather()[0], mind=Confused)
    assert len(tools_of(spans)) == before


def test_without_a_trace_a_tool_runs_all_the_same():
    async def ran():
        with tool_spans.tool_span("weather", "call_1", "{}") as span:
            span.ended("warm", "")

    asyncio.run(ran())
