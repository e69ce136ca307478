"""One span for each tool that the runtime runs, as OpenTelemetry's GenAI conventions have it.

It is a child of the span in whose context the tool runs, which is a turn's; what the tool calls is a child of it. What
went wrong is a word. Arguments and results are told only where the conversation's spans may hold what was said.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.trace import Span, StatusCode

from pipelines.telemetry import names
from pipelines.telemetry.ledger import ToolFailure

_tracer = trace.get_tracer(names.SCOPE)


class ToolSpan:
    """The live span of a tool that runs."""

    def __init__(self, span: Span, capture_content: bool) -> None:
        self._span = span
        self._capture_content = capture_content

    def ended(self, result: str, failure: ToolFailure) -> None:
        """The tool is through with ``result``, or has failed; one that is cancelled is not, and is no error."""
        if self._capture_content:
            self._span.set_attribute(names.RESULT, _written(result))
        if failure:
            self._span.set_attribute(names.ERROR_TYPE, failure)
            self._span.set_status(StatusCode.ERROR)


@contextmanager
def tool_span(name: str, call: str, arguments: str) -> Iterator[ToolSpan]:
    """The span of the tool ``name``; ``call`` is the call's id. It is current within, and ends with it."""
    capture_content = otel.get_value(names.CAPTURE_CONTENT) is True
    attributes = {
        names.OPERATION: names.EXECUTE_TOOL,
        names.TOOL_NAME: name,
        names.TOOL_TYPE: "function",
        names.TOOL_CALL: call,
    }
    if conversation := otel.get_value(names.CONVERSATION_ID):
        attributes[names.CONVERSATION_ID] = str(conversation)
    if capture_content:
        attributes[names.ARGUMENTS] = _written(arguments)
    span = _tracer.start_span(f"{names.EXECUTE_TOOL} {name}", attributes=attributes)
    token = otel.attach(trace.set_span_in_context(span))
    try:
        yield ToolSpan(span, capture_content)
    finally:
        otel.detach(token)
        span.end()


def _written(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()  # of half a surrogate pair
