"""A client span for each call to a service, as OpenTelemetry's RPC conventions have it. The API alone, no SDK.

What went wrong is told by its code or its class, never by its message: services quote what was said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import grpc
from opentelemetry import trace

Metadata = Callable[[], Sequence[tuple[str, str]]]

_tracer = trace.get_tracer("sophia")


@contextmanager
def calling(method: str, metadata: Metadata) -> Iterator[tuple[tuple[str, str], ...]]:
    """The span of one call of ``method`` ("package.Service/Method"); the block makes the call and sees it through.

    Yields what ``metadata`` says within the span, which may carry it to the service. A call that we cancel is no error.
    """
    span = _tracer.start_span(
        method, kind=trace.SpanKind.CLIENT, attributes={"rpc.system.name": "grpc", "rpc.method": method}
    )
    status = "OK"
    try:
        with trace.use_span(span, record_exception=False, set_status_on_exception=False):
            carried = tuple(metadata())
        yield carried
    except (asyncio.CancelledError, GeneratorExit):
        status = "CANCELLED"
        raise
    except Exception as error:
        status = error.code().name if isinstance(error, grpc.aio.AioRpcError) else ""
        span.set_attribute("error.type", status or type(error).__qualname__)
        span.set_status(trace.StatusCode.ERROR)
        raise
    finally:
        if status:  # else the service has not said any, and we would not wait for it
            span.set_attribute("rpc.response.status_code", status)
        span.end()
