"""Serves the embedded mind: ``python -m pipelines.embedded.triton --tls DIR``.

Serving never downloads: Triton's environment is set up by :mod:`pipelines.embedded.triton.environment` beforehand.
Where it is missing, or Triton cannot run, the same model file is served by :mod:`pipelines.embedded.triton.kserve`.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from pipelines.embedded import child
from pipelines.embedded.triton import kserve, supervisor
from pipelines.embedded.triton.environment import SERVER, Unavailable, installed
from pipelines.embedded.triton.server import Ports, Server, StartFailed
from pipelines.home import home

MODELS = Path(__file__).resolve().parents[3] / "nova" / "models"

log = logging.getLogger("sophia.embedded.triton")


async def serve(options: child.ChildOptions, folder: Path, models: Path, model: str, backend: str) -> None:
    """Serves until told to stop, which may be before the service is up."""
    if options.tls is not None:
        child.server_credentials(options)  # says which file is missing; Triton would only say that a port is taken
    stop = asyncio.create_task(child.until_told_to_stop())
    work = asyncio.create_task(_serve(options, folder, models, model, backend))
    await asyncio.wait((stop, work), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    work.cancel()
    await asyncio.gather(stop, work, return_exceptions=True)
    if not work.cancelled():
        work.result()


async def _serve(options: child.ChildOptions, folder: Path, models: Path, model: str, backend: str) -> None:
    """Serves on Triton if it can be had, else on the stand-in, until cancelled."""
    reason = "as asked"
    if backend != "kserve":
        try:
            environment = installed(folder)
            server = Server(environment, models, model, options, Ports.free(options.host, options.port))
        except Unavailable as error:
            reason = str(error)
        else:
            try:
                child.stage("tritonserver is started")
                await supervisor.start(server)
                ports = server.ports
                child.announce_ready(ports.grpc, http_port=ports.http, metrics_port=ports.metrics, backend=SERVER)
                await supervisor.watch(server)
            except StartFailed as error:
                reason = str(error)
            except supervisor.GivenUp as error:
                log.error("%s", error)
                raise SystemExit(1) from None
            finally:
                await server.close()
        if backend == "triton":
            raise RuntimeError(f"tritonserver cannot run: {reason}")
        log.warning("tritonserver cannot run (%s): the same model is served without it", reason)
    await kserve.serve(options, models / model, reason)


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
    folder = arguments.home or home()
    options = child.options(arguments)
    child.run(lambda: serve(options, folder, arguments.models, arguments.model, arguments.backend))


if __name__ == "__main__":
    main()
