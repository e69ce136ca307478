"""Run many session servers, and tell each client which one has room for it.

python -m pipelines.scale --servers 4                           four processes of this machine
python -m pipelines.scale --servers 8 --ray auto --config lab.yaml --set server.api_key_file=/etc/sophia/key
                                                                spread over the machines of a Ray cluster

A client asks for a lease, and connects to the address in it within ten seconds:

curl -X POST -H "Authorization: Bearer $(cat /etc/sophia/key)" http://127.0.0.1:8700/v1/leases
{"url": "wss://10.0.0.2:41713/v1/realtime", "client_secret": {"value": "ek_…", "expires_at": 1796040000}}

Where all places are taken or promised the answer is 503. GET /v1/servers tells how full each server is. PUT /v1/servers
{"count": 9} adds one; POST /v1/servers/server-2/drain has one end with its last conversation.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.command.endings import SETTINGS, say
from pipelines.command.run import run
from pipelines.scale.engines import MOST_SERVERS, Engine, ThisMachine
from pipelines.settings.arguments import add_settings, configs, settings_of
from pipelines.settings.model import Settings, SettingsError

EPILOG = """\
With Ray every machine needs the project (extra ray), the configuration and the files that it names, at the same paths.
The key has to be one for all. Certificates (server.cert) must be good for the machines' addresses.

exit codes: 0 all conversations came to their end; 2 the settings or the command line; 130 stopped before.

More: docs/scale.md.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the dispatcher and returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.scale",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--servers", type=_count, default=2, metavar="N", help="how many to run (default: 2)")
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="place them by this Ray cluster (auto: the one of this machine)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address of the lease endpoint (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8700, help="its port; 0: any that is free (default: %(default)s)")
    parser.add_argument("--ca", type=Path, help="the servers' authority, PEM (default: the one of this machine)")
    add_settings(parser)
    args = parser.parse_args(argv)
    try:
        settings = settings_of(args)
        here = settings.server.model_validate({**settings.server.model_dump(), "host": args.host, "port": args.port})
        engine = _engine(args, settings)
    except SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return SETTINGS
    except ValueError as error:  # pydantic's, about --host or --port
        say(f"--host {args.host}, --port {args.port}: no address to serve on ({type(error).__name__}).")
        return SETTINGS
    import uvloop  # noqa: PLC0415 - only for who dispatches

    from pipelines.log import logging_to_file  # noqa: PLC0415
    from pipelines.scale.program import dispatch  # noqa: PLC0415

    with logging_to_file():
        return uvloop.run(dispatch(engine, here, args.servers, args.ca, lambda line: print(line, flush=True)))


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) <= MOST_SERVERS):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to {MOST_SERVERS}")
    return int(text)


def _engine(args: argparse.Namespace, settings: Settings) -> Engine:
    given = [part for name in configs(args) for part in ("--config", name)]
    given += [part for pair in args.set for part in ("--set", pair)]
    if args.ray is None:
        return ThisMachine(given)
    if settings.server.api_key_file is None:
        raise SettingsError(["--ray: set server.api_key_file: the servers of all machines must ask for the same key"])
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would tell its makers that it runs,
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "86400")  # and end this program with its head
    try:
        from pipelines.scale.ray_engine import Ray  # noqa: PLC0415 - the extra
    except ModuleNotFoundError as missing:
        raise SettingsError(
            [f"--ray: {missing.name} is not installed: .venv/bin/python -m pip install -e '.[ray]'"]
        ) from missing
    try:
        return Ray(given, args.ray)
    except (ConnectionError, ValueError) as error:
        raise SettingsError(
            [f"--ray {args.ray}: there is no cluster ({error}). Start one: ray start --head"]
        ) from error


if __name__ == "__main__":
    run(main)
