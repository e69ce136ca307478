"""Stands in for one of NVIDIA's NIMs: an embedded service in plaintext on the NIM's ports, with its page of health.

For the rehearsal of the stack in ``docker/`` and for nothing else. The real NIMs have no TLS either: they are reached
inside the stack's network only, and a proxy stands in front of them. As theirs does, ``GET /v1/health/ready`` on a
second port answers 200 and ``{"status": "ready"}`` while the service answers, else 503. ``NIM_GRPC_API_PORT`` and
``NIM_HTTP_API_PORT`` set the speech NIMs' ports.

    python -m pipelines.embedded.nim asr|tts|a2f [--host 127.0.0.1] [--home DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Coroutine
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from pipelines.embedded import child

PORTS = {"asr": (50051, 9000), "tts": (50051, 9000), "a2f": (52000, 8000)}
"""Ports of gRPC and HTTP where the environment does not say otherwise."""

PATIENCE = 3.0
"""Seconds that the service has to say that it is well."""


class _Page(BaseHTTPRequestHandler):
    """What a NIM says about itself, as far as the stack asks: whether it is ready."""

    grpc_port: int

    def do_GET(self) -> None:
        if self.path != "/v1/health/ready":
            self._answer(404, {"detail": "this stand-in knows /v1/health/ready only"})
        elif _serving(self.grpc_port):
            self._answer(200, {"status": "ready"})
        else:
            self._answer(503, {"status": "not ready"})

    def _answer(self, status: int, said: dict[str, str]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: somebody asks every few seconds."""


def _serving(port: int) -> bool:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def page(host: str, port: int, grpc_port: int) -> ThreadingHTTPServer:
    """The page of health on ``port``, served from a thread of its own; raises ``OSError`` if the port is taken."""
    server = ThreadingHTTPServer((host, port), type("Page", (_Page,), {"grpc_port": grpc_port}))
    Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


def ports(kind: str) -> tuple[int, int]:
    """Ports of gRPC and HTTP, as the NIM is told them; raises ``ValueError`` naming a variable that is no port."""
    found = []
    for name, preset in zip(("NIM_GRPC_API_PORT", "NIM_HTTP_API_PORT"), PORTS[kind], strict=True):
        text = os.environ.get(name, str(preset)) if kind != "a2f" else str(preset)
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
            raise ValueError(f"{name} must be a port, 1 to 65535, not {text!r}")
        found.append(int(text))
    return found[0], found[1]


def main() -> None:
    """Serves until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.embedded.nim",
        description="Stands in for a NIM when the stack in docker/ is rehearsed. It serves plaintext, as NIMs do.",
    )
    parser.add_argument("kind", choices=sorted(PORTS), help="Riva's recogniser, its synthesiser, or Audio2Face-3D")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: %(default)s)")
    parser.add_argument("--home", type=Path, metavar="DIR", help="where prepared data is kept")
    args = parser.parse_args()
    try:
        grpc_port, http_port = ports(args.kind)
    except ValueError as error:
        parser.error(str(error))
    options = child.ChildOptions(tls=None, host=args.host, port=grpc_port, mtls=False)
    print(f"A stand-in for {args.kind}, in plaintext on {args.host}:{grpc_port}", file=sys.stderr, flush=True)
    serve = _face(options) if args.kind == "a2f" else _speech(args.kind, options, args.home)

    async def with_page() -> None:
        health = page(args.host, http_port, grpc_port)
        try:
            await serve()
        finally:
            health.shutdown()
            health.server_close()

    child.run(with_page)


def _face(options: child.ChildOptions) -> Callable[[], Coroutine[None, None, None]]:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the face's own program has it; before numpy is imported
    from pipelines.embedded.face.server import serve  # noqa: PLC0415

    return lambda: serve(options)


def _speech(kind: str, options: child.ChildOptions, home: Path | None) -> Callable[[], Coroutine[None, None, None]]:
    from pipelines.embedded.speech.prepare import prepared_ears  # noqa: PLC0415
    from pipelines.embedded.speech.service import ASR, TTS, SpeechOptions, serve  # noqa: PLC0415

    moonshine, model = prepared_ears(home)
    return lambda: serve(options, SpeechOptions(moonshine, None, model, services=(ASR if kind == "asr" else TTS,)))


if __name__ == "__main__":
    main()
