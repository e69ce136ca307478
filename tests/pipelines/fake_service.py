"""A service process for the supervisor's tests: keeps the contract, or breaks it in the way that it is named for."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import grpc.aio

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that it also runs where the package is not installed

from pipelines.embedded import child


async def serve() -> None:
    """Answers nothing but is there, like the real ones."""
    opts = child.options(ARGS)
    server = grpc.aio.server()
    port = server.add_secure_port(f"{opts.host}:{opts.port}", child.server_credentials(opts))
    await server.start()
    extra: dict[str, object] = {"pid": os.getpid(), "http_port": 8000}
    if ARGS.behave == "worker":
        worker = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(600)")
        extra["worker"] = worker.pid
    child.announce_ready(port, **extra)
    await child.until_told_to_stop()
    await server.stop(0)


if __name__ == "__main__":
    parser = child.parser("a service for tests")
    parser.add_argument("--home")
    parser.add_argument("--language")
    parser.add_argument("--behave", default="well")
    ARGS = parser.parse_args()
    if ARGS.behave not in ("mute", "killed"):
        child.stage("the models are loaded")
    match ARGS.behave:
        case "failed":
            child.announce_failed("there is no model in\n this folder")
        case "crash":
            print("Loading …\nIndexError: list index out of range", file=sys.stderr)
            raise SystemExit(7)
        case "silent":
            print("still compiling", file=sys.stderr, flush=True)
            time.sleep(600)
        case "mute":
            time.sleep(600)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "babble":
            print("Welcome to the service!", flush=True)
            time.sleep(600)
        case "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            child.announce_ready(1, pid=os.getpid())
            time.sleep(600)
    child.run(serve)
