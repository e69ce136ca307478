"""Serve her page: whoever opens it in a browser talks to her. No microphone or loudspeaker is needed here.

python -m pipelines.server                          the embedded services, on this machine alone
python -m pipelines.server --config lab.yaml        a real lab
python -m pipelines.server --set server.host=0.0.0.0    for other machines: over TLS, and with a key
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pipelines.command.run import run
from pipelines.settings.arguments import add_settings, settings_of
from pipelines.settings.model import SettingsError


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the server and returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.server", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_settings(parser)
    args = parser.parse_args(argv)
    try:
        settings = settings_of(args)
    except SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2
    import uvloop  # noqa: PLC0415 - only for who serves

    from pipelines.log import logging_to_file  # noqa: PLC0415
    from pipelines.server.program import serve  # noqa: PLC0415

    with logging_to_file():
        return uvloop.run(serve(settings, lambda line: print(line, flush=True)))


if __name__ == "__main__":
    run(main)
