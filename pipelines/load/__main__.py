"""Many sessions at once against the services of a configuration: how latency grows with load.

python -m pipelines.load --sessions 1,4,8,16 --config lab.yaml                 the table that NVIDIA publishes, and p95
python -m pipelines.load --sessions 1,2,4,8,16,32,64 --until-p95 1.0 --config lab.yaml     how many streams it holds
python -m pipelines.load --sessions 16 --seconds 300 --limit-p95 1.2 --config lab.yaml     a gate: exits 1 if missed
python -m pipelines.load --sessions 1,4,8,16,32,64 --simulate nvidia-4xh100    simulated services, on a virtual clock
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence

from pipelines.command.run import run
from pipelines.load.measures import MEASURES
from pipelines.settings.arguments import add_settings, settings_of
from pipelines.settings.model import SettingsError
from pipelines.settings.outputs import add_force, output, printed_aside

EXIT_CODES = """\
exit codes: 0 all went well; 1 --limit-p95 was missed, or no turn at all was answered; 2 the settings, the command line
or the soundbites; 3 a service is not there; 4 it is not trusted, or does not trust us; 5 it refused or failed; 6 the
disk; 130 interrupted: what was measured is shown and written.

More: docs/load.md.
"""

MOST_SESSIONS = 1000
MOST_ROUNDS = 100_000


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m pipelines.load",
        description=__doc__,
        epilog=f"columns of the table:\n{columns()}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument(
        "soundbites",
        nargs="?",
        default="bundled/questions",
        help="what each session says: a folder of WAV files, a WAV file, a recording, a scripted conversation, or "
        "bundled[/NAME] (default: %(default)s)",
    )
    load = p.add_argument_group("the load")
    add_settings(load)
    load.add_argument(
        "--sessions",
        type=_streams,
        default=(1, 2, 4),
        metavar="N,N,…",
        help="sessions at once, one step after the other (default: 1,2,4)",
    )
    length = load.add_mutually_exclusive_group()
    length.add_argument("--rounds", type=_rounds, default=1, metavar="N", help="each session says it all N times")
    length.add_argument("--seconds", type=_seconds, metavar="S", help="as many rounds as last about S seconds a step")
    load.add_argument(
        "--cooldown", type=_pause, metavar="S", help="seconds of rest between two steps (default: 5; simulated: none)"
    )
    load.add_argument(
        "--until-p95", type=_seconds, metavar="S", help="end the ramp when p95 of voice-to-voice exceeds S seconds"
    )
    load.add_argument(
        "--limit-p95", type=_seconds, metavar="S", help="exit with 1 if p95 exceeds S seconds in any step"
    )
    simulated = p.add_argument_group("simulated services, on a virtual clock")
    simulated.add_argument(
        "--simulate",
        metavar="PROFILE",
        help="a service profile: a YAML file, or the name of one in configs/profiles, such as nvidia-4xh100",
    )
    simulated.add_argument("--seed", type=int, default=0, help="of the simulated delays (default: 0)")
    out = p.add_argument_group("what comes of it")
    out.add_argument("--json", type=output, metavar="FILE", help="write everything, each turn's values included")
    out.add_argument("--csv", type=output, metavar="FILE", help="write a row for each step")
    out.add_argument(
        "--plot", type=output, metavar="FILE", help="write an HTML page: latency against streams, by stage"
    )
    add_force(out)
    return p


def columns() -> str:
    """What stands in the table, and what NVIDIA's published table means by it."""
    parts = [(f"{m.heading}: {m.ours}.", f"NVIDIA's {m.published}.") for m in MEASURES]
    return "\n".join(
        textwrap.fill(text, 118, initial_indent=lead, subsequent_indent="    ")
        for part in parts
        for text, lead in zip(part, ("  ", "    "), strict=True)
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the load test and returns its exit code."""
    args = arguments().parse_args(argv)
    try:
        settings = settings_of(args)
    except SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2
    from pipelines.load.program import Program  # noqa: PLC0415 - a mistake on the command line is told at once
    from pipelines.log import logging_to_file  # noqa: PLC0415

    with logging_to_file(), printed_aside(args.json, args.csv, args.plot):
        return Program(settings, args).run()


def _streams(text: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers; write 1,4,8,16") from None
    if not all(1 <= number <= MOST_SESSIONS for number in numbers):
        raise argparse.ArgumentTypeError(f"{text}: numbers from 1 to {MOST_SESSIONS}, please")
    return tuple(dict.fromkeys(numbers))


def _rounds(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MOST_ROUNDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_ROUNDS}")
    return int(text)


def _seconds(text: str) -> float:
    if (seconds := _pause(text)) == 0:
        raise argparse.ArgumentTypeError("it must be more than 0 seconds")
    return seconds


def _pause(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:  # a day; NaN is refused as well
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 86400")
    return seconds


if __name__ == "__main__":
    run(main)
