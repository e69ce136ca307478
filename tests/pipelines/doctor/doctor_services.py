"""Services that the doctor can be shown: a web server with a test's pages, a collector, a lab that tells of itself."""
# ruff: noqa: N802 - the methods' names are the protocols'

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import grpc
import grpc.aio
from lab import Lab
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from riva.client.proto import riva_tts_pb2
from tritonclient.grpc import service_pb2 as pb


class DoctorLab(Lab):
    """The lab, with what real servers tell about themselves. ``index`` is Triton's, None where it is restricted."""

    index: tuple[tuple[str, str, str], ...] | None = (("nova", "READY", ""),)

    async def ServerMetadata(self, request: Any, context: Any) -> Any:
        return pb.ServerMetadataResponse(name="triton", version="2.46.0")

    async def ModelReady(self, request: Any, context: Any) -> Any:
        return pb.ModelReadyResponse(ready=True)

    async def RepositoryIndex(self, request: Any, context: Any) -> Any:
        if self.index is None:
            await context.abort(
                grpc.StatusCode.UNAVAILABLE, "This protocol is restricted, expecting header 'triton-grpc-protocol-x'"
            )
        answer = pb.RepositoryIndexResponse()
        for name, state, reason in self.index or ():
            answer.models.add(name=name, version="1", state=state, reason=reason)
        return answer

    async def GetRivaSynthesisConfig(self, request: Any, context: Any) -> Any:
        answer = riva_tts_pb2.RivaSynthesisConfigResponse()
        answer.model_config.add(model_name="tone").parameters["voice_name"] = "Tone"
        return answer


class Collector(trace_service_pb2_grpc.TraceServiceServicer, metrics_service_pb2_grpc.MetricsServiceServicer):
    """Keeps the names of services and spans that it was sent."""

    def __init__(self) -> None:
        self.services: set[str] = set()
        self.spans: list[str] = []

    async def Export(self, request: Any, context: Any) -> Any:
        if isinstance(request, metrics_service_pb2.ExportMetricsServiceRequest):
            return metrics_service_pb2.ExportMetricsServiceResponse()
        for sent in request.resource_spans:
            named = {pair.key: pair.value.string_value for pair in sent.resource.attributes}
            self.services.add(named.get("service.name", ""))
            self.spans += [span.name for scope in sent.scope_spans for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


@asynccontextmanager
async def collecting(collector: Collector, pki: Path) -> AsyncIterator[str]:
    """The collector's address, behind TLS."""
    server = grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(collector, server)
    pair = (pki / "server.key").read_bytes(), (pki / "server.crt").read_bytes()
    port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    try:
        yield f"https://localhost:{port}"
    finally:
        await server.stop(0)


Pages = Mapping[str, object]


@asynccontextmanager
async def web(pages: Pages, pki: Path | None, asked: list[str] | None = None) -> AsyncIterator[str]:
    """A web server behind TLS, or in the clear without ``pki``.

    ``pages`` maps the beginning of a path to its text, its JSON, or a status.
    ``asked`` gets each path with its query, and the token if there was one.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        path = unquote_plus(head.split()[1])
        if asked is not None:
            token = next((line for line in head.splitlines() if line.lower().startswith("authorization:")), "")
            asked.append(f"{path} {token}".strip())
        found = next((page for begins, page in pages.items() if path.startswith(begins)), 404)
        status, body = (found, "") if isinstance(found, int) else (200, found)
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {len(raw)}\r\nConnection: close\r\n\r\n".encode() + raw)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    context = None
    if pki is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pki / "server.crt", pki / "server.key")
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
