"""Find better turn-taking settings on a set of soundbites, with simulated services on a virtual clock.

python -m pipelines.tune                                          the bundled soundbites, exact delays
python -m pipelines.tune my/soundbites --config lab.yaml --simulate measured.yaml --overlay tuned.yaml --plot front.html
python -m pipelines.tune --only turns.pause_complete turns.pause_open --trials 60
python -m pipelines.tune --study tuned.journal --trials 300       go on with an earlier search

No configuration is changed. Use what was found: --config lab.yaml --config tuned.yaml
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from rich.console import Console

from pipelines.command.run import run
from pipelines.home import expanded
from pipelines.settings.arguments import add_settings, configs, settings_of
from pipelines.settings.model import SettingsError
from pipelines.settings.outputs import add_force, output, printed_aside

EXIT_CODES = """\
exit codes: 0 a search was made (whatever it found); 2 the settings, the soundbites, the study, or nothing to tune;
6 the disk; 130 interrupted: what was found until then is shown and written.
"""


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m pipelines.tune",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument(
        "soundbites", nargs="?", default="bundled", help="what python -m pipelines.replay takes (default: %(default)s)"
    )
    add_settings(p)
    p.add_argument(
        "--simulate", default="exact", metavar="PROFILE", help="a service profile: a YAML file, or the name of one in "
        "configs/profiles (default: %(default)s)"
    )  # fmt: skip
    p.add_argument("--only", nargs="+", default=[], metavar="KEY", help="tune these settings alone; see --list")
    p.add_argument("--list", action="store_true", help="show what can be tuned, within which bounds, and end")
    p.add_argument(
        "--trials", type=_count, default=100, metavar="N", help="configurations to try, the current one among them; "
        "taking back idle changes may add a few (default: %(default)s)"
    )  # fmt: skip
    p.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="stop trying after so long")
    p.add_argument(
        "--repeat",
        type=_count,
        default=1,
        metavar="N",
        help="rounds of all soundbites for each trial; more are only "
        "worth their time if the profile's delays vary (default: 1)",
    )
    p.add_argument("--seed", type=_seed, default=0, help="of the search and of the simulated delays (default: 0)")
    p.add_argument(
        "--jobs", type=_count, default=_processors(), metavar="N", help="processes; changes nothing in the result "
        "(default: one for each processor, %(default)s here)"
    )  # fmt: skip
    p.add_argument("--study", type=expanded, metavar="FILE", help="keep the search in this file; go on if it is there")
    p.add_argument("--choose", type=int, metavar="TRIAL", help="take this point of the front, not the recommended one")
    p.add_argument("--overlay", type=output, metavar="FILE", help="write the changed settings as YAML")
    add_force(p)
    p.add_argument("--plot", type=output, metavar="FILE", help="write the front as a page (HTML)")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Searches, shows and writes; returns the exit code."""
    args = arguments().parse_args(argv)
    from pipelines.settings.tunable import PARAMETERS, ranges  # noqa: PLC0415 - a mistake is told at once

    try:
        settings = settings_of(args)
        found = ranges(settings, args.only or [one.key for one in PARAMETERS if args.list])
    except SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2
    if args.list:
        from pipelines.tune.table import show_parameters  # noqa: PLC0415

        show_parameters(Console(), found)
        return 0
    try:
        from pipelines.log import logging_to_file  # noqa: PLC0415
        from pipelines.tune.program import Program  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        if missing.name != "optuna":
            raise
        print("Tuning needs Optuna: .venv/bin/python -m pip install -e '.[replay]'", file=sys.stderr)
        return 2
    with logging_to_file(), printed_aside(args.overlay, args.plot):
        return Program(settings, found, configs(args), args).run()


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 100000")
    return number


def _seed(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {2**32 - 1}")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text} is not a time above 0 s")
    return seconds


if __name__ == "__main__":
    run(main)
