"""The contract between the embedded services' supervisor and each service process.

A service is started as ``python -m pipelines.embedded.<name> --tls DIR [--host 127.0.0.1] [--port 0]``, or with
``--plaintext`` in place of ``--tls DIR`` for clients that know no TLS, on loopback only. It

* says on standard error what it is about to wait for, so that a start that hangs can tell what it hung on;
* prints exactly one JSON line on standard output: ``{"ready": {"port": 50051, …}}`` or ``{"failed": "why"}``,
  and logs on standard error only. ``notice`` in it is a line that people should read;
* ends within 2 s on SIGTERM or SIGINT, or when its standard input closes. That is how it learns that its parent died.
  On Linux the kernel sends it SIGTERM at the parent's death besides.

``DIR`` holds ``ca.crt``, ``server.crt`` and ``server.key`` in PEM.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pipelines.command.parent import die_with_parent
from pipelines.log import logging_to_standard_error

if TYPE_CHECKING:
    import grpc

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class ChildOptions:
    """What every service process is told. ``tls`` is a folder, ``None`` for plaintext.

    ``start_seconds`` is how long its supervisor waits for it.
    """

    tls: Path | None
    host: str
    port: int
    mtls: bool
    start_seconds: float = 60.0


def parser(description: str) -> argparse.ArgumentParser:
    """An argument parser with the options every service has; a service adds its own."""
    p = argparse.ArgumentParser(description=description)
    how = p.add_mutually_exclusive_group(required=True)
    how.add_argument("--tls", type=Path, metavar="DIR", help="folder with ca.crt, server.crt, server.key")
    how.add_argument("--plaintext", action="store_true", help="no TLS, on loopback only: for samples that know none")
    p.add_argument("--host", default="127.0.0.1", help="address to bind (default: %(default)s)")
    p.add_argument("--port", type=int, default=0, help="port to bind; 0 lets the system choose (default)")
    p.add_argument(
        "--start-seconds", type=float, default=60.0, metavar="N", help="how long it may take to start (default: 60)"
    )
    p.add_argument("--mtls", action="store_true", help="demand a client certificate of the same CA")
    return p


def options(args: argparse.Namespace) -> ChildOptions:
    """The parsed options every service shares; ends the process where they contradict each other."""
    if args.plaintext and args.host not in _LOOPBACK:
        announce_failed(f"--plaintext is for loopback only, not for {args.host}")
    if args.plaintext and args.mtls:
        announce_failed("--mtls needs --tls")
    stage("its modules are imported")
    return ChildOptions(tls=args.tls, host=args.host, port=args.port, mtls=args.mtls, start_seconds=args.start_seconds)


def stage(what: str) -> None:
    """Logs what the start is about; the last such line goes into the message when the start takes too long."""
    print(f"{what} …", file=sys.stderr, flush=True)


def server_credentials(opts: ChildOptions) -> grpc.ServerCredentials:
    """TLS (or mutual TLS) credentials from the folder; raises ``OSError`` if a file cannot be read."""
    import grpc  # noqa: PLC0415 - a service's workers need none

    if opts.tls is None:
        raise RuntimeError("this service is not served without TLS")
    key = (opts.tls / "server.key").read_bytes()
    chain = (opts.tls / "server.crt").read_bytes()
    ca = (opts.tls / "ca.crt").read_bytes() if opts.mtls else None
    return grpc.ssl_server_credentials([(key, chain)], root_certificates=ca, require_client_auth=opts.mtls)


def add_port(server: grpc.aio.Server, opts: ChildOptions) -> int:
    """Binds the server to its address, with TLS unless plaintext was asked for; returns the port."""
    address = f"{opts.host}:{opts.port}"
    if opts.tls is None:
        return int(server.add_insecure_port(address))
    return int(server.add_secure_port(address, server_credentials(opts)))


def announce_ready(port: int, **extra: object) -> None:
    """Tells the supervisor that the service answers on ``port``."""
    print(json.dumps({"ready": {"port": port, **extra}}), flush=True)


def announce_failed(reason: str) -> NoReturn:
    """Tells the supervisor in one line why the service cannot start, and ends the process with code 1."""
    print(json.dumps({"failed": reason}), flush=True)
    raise SystemExit(1)


async def until_told_to_stop() -> None:
    """Returns on SIGTERM, SIGINT, or when standard input closes."""
    await _stop_event().wait()


def _stop_event() -> asyncio.Event:
    """Set when the service is to stop; listening begins with the first call in a loop."""
    loop = asyncio.get_running_loop()
    if loop not in _stops:
        stop = _stops[loop] = asyncio.Event()
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, stop.set)

        def drained() -> None:
            if not os.read(sys.stdin.fileno(), 4096):
                stop.set()
                loop.remove_reader(sys.stdin.fileno())

        with contextlib.suppress(OSError, ValueError):  # epoll refuses plain files as standard input
            loop.add_reader(sys.stdin.fileno(), drained)
    return _stops[loop]


_stops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Event] = weakref.WeakKeyDictionary()


def run(serve: Callable[[], Coroutine[None, None, None]]) -> None:
    """Runs a service's ``serve`` coroutine; a start-up failure becomes a ``failed`` line, never a traceback."""

    async def listening() -> None:
        _stop_event()  # before the service says that it is ready: a signal right after that must not go astray
        await serve()

    die_with_parent()
    with logging_to_standard_error():
        try:
            asyncio.run(listening())
        except (OSError, RuntimeError) as error:
            announce_failed(str(error))
