"""A session server as a keeper starts it: tells by JSON lines where it is, and outlives its keeper in order.

    python -m pipelines.scale.member [--config FILE …] [--set KEY=VALUE …]

Standard output has ``{"ready": {"url": …, "pid": …}}`` once, and ``{"said": …}`` for each line that it says to people.
When standard input closes, its keeper has died. Then it does as after SIGTERM: it lets nobody in any more, and its
conversations come to their end. So they do not depend on whoever started the server.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from pipelines.command.run import run
from pipelines.settings.arguments import add_settings, settings_of
from pipelines.settings.model import SettingsError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the server and returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.scale.member",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_settings(parser)
    args = parser.parse_args(argv)
    try:
        settings = settings_of(args)
    except SettingsError as error:
        for line in error.lines:
            _tell({"said": line})
        return 2
    import uvloop  # noqa: PLC0415 - after the settings, which fail sooner

    from pipelines.log import logging_to_standard_error  # noqa: PLC0415
    from pipelines.server.program import serve  # noqa: PLC0415

    def opened(address: str) -> None:
        _tell({"ready": {"url": address.partition("#")[0], "pid": os.getpid()}})

    threading.Thread(target=_until_left_alone, daemon=True).start()
    with logging_to_standard_error():
        return uvloop.run(serve(settings, lambda line: _tell({"said": line}), opened))


def _until_left_alone() -> None:
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def _tell(what: object) -> None:
    with suppress(OSError):  # nobody listens any more
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    run(main)
