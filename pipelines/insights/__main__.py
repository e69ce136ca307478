"""Learn from many conversations: what they measured becomes tables, and tables answer questions.

python -m pipelines.insights ingest ledgers/ takes/ --into insights/      ledgers and takes become tables
python -m pipelines.insights report insights/ --html report/              how long people waited, and what changed
python -m pipelines.insights compare insights/ --before llm_model=a --after llm_model=b
python -m pipelines.insights mine insights/ --takes takes/ --out hard/    turns that went badly become soundbites
python -m pipelines.insights erase insights/ --person WHO                 nothing is left of a person
python -m pipelines.insights purge insights/                              what was kept for long enough goes
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pipelines.command.run import run
from pipelines.settings.layers import SettingsError

EPILOG = """\
Needs the extra insights: .venv/bin/python -m pip install -e '.[insights]'. What the tables hold, and what they can be
asked: docs/insights.md.
"""


def arguments() -> argparse.ArgumentParser:
    """The command line. Raises :class:`SettingsError` where the extra is missing."""
    try:
        from pipelines.insights import (  # noqa: PLC0415 - the extra
            compare_command,
            erase_command,
            ingest_command,
            mine_command,
            report_command,
        )
    except ModuleNotFoundError as missing:
        package = str(missing.name).partition(".")[0]
        raise SettingsError(
            [f"{package} is not installed: .venv/bin/python -m pip install -e '.[insights]'"]
        ) from missing
    p = argparse.ArgumentParser(
        prog="python -m pipelines.insights",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = p.add_subparsers(dest="command", required=True, metavar="COMMAND")
    ingest_command.add(commands)
    mine_command.add(commands)
    erase_command.add(commands)
    report_command.add(commands)
    compare_command.add(commands)
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    args = arguments().parse_args(argv)
    code: int = args.run(args)
    return code


if __name__ == "__main__":
    run(main)
