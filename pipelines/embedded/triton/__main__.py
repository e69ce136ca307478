"""Serves the embedded mind: ``python -m pipelines.embedded.triton --tls DIR``.

Serving never downloads: Triton's environment is set up by :mod:`pipelines.embedded.triton.environment` beforehand.
Where it is missing, or Triton cannot run, the same model file is served by :mod:`pipelines.embedded.triton.kserve`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from pipelines.embedded import child
from pipelines.embedded.triton import kserve, supervisor
from pipelines.embedded.triton.environment import SERVER, Unavailable, installed
from pipelines.embedded.triton.server import Ports, Server, StartFailed
from pipelines.home import home

MODELS = Path(__file__).resolve().parents[3] / "nova" / "models"

log = logging.getLogger("sophia.embedded.triton")


async def serve(options: child.ChildOptions, folder: Path, models: Path, model: str, backend: str) -> None:
    """Serves until told to stop, on Triton if it can be had, else on the stand-in."""
    reason = "as asked"
    if backend != "kserve":
        try:
            server = Server(installed(folder), models, model, options, Ports.free(options.host, options.port))
        except Unavailable as error:
            reason = str(error)
        else:
            try:
                await supervisor.start(server)
                await _supervised(server)
                return
            except StartFailed as error:
                reason = str(error)
            finally:
                await server.close()
        if backend == "triton":
            raise RuntimeError(f"tritonserver cannot run: {reason}")
        log.warning("tritonserver cannot run (%s): the same model is served without it", reason)
    await kserve.serve(options, models / model, reason)


async def _supervised(server: Server) -> None:
    ports = server.ports
    child.announce_ready(ports.grpc, http_port=ports.http, metrics_port=ports.metrics, backend=SERVER)
    try:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(supervisor.watch(server))
            await child.until_told_to_stop()
            watching.cancel()
    except ExceptionGroup as errors:
        log.error("%s", errors.exceptions[0])
        raise SystemExit(1) from None


def main() -> None:
    """The program."""
    parser = child.parser("The embedded mind on Triton.")
    parser.add_argument("--home", type=Path, default=None, metavar="DIR", help="folder of the Triton environment")
    parser.add_argument("--models", type=Path, default=MODELS, metavar="DIR", help="model repository")
    parser.add_argument("--model", default="nova", help="the model to load (default: %(default)s)")
    parser.add_argument(
        "--backend", choices=("auto", "triton", "kserve"), default="auto",
        help="tritonserver, the stand-in, or whichever can be had (default: %(default)s)",
    )  # fmt: skip
    arguments = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    folder = arguments.home or home()
    options = child.options(arguments)
    child.run(lambda: serve(options, folder, arguments.models, arguments.model, arguments.backend))


if __name__ == "__main__":
    main()
