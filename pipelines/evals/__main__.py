"""Hold scripted conversations with tools, and judge what she said, what she called, in which order and how soon.

python -m pipelines.evals                                  the bundled cases, the embedded mind, a virtual clock
python -m pipelines.evals --config lab.yaml                 the same with the mind that lab.yaml names, in real time
python -m pipelines.evals my/cases more.yaml --json -       cases of yours; the report for programs on standard output
python -m pipelines.evals --functions bfcl                  published function-calling cases: a sample of 50
python -m pipelines.evals --functions BFCL_v4_simple_python.json --answers possible_answer/BFCL_v4_simple_python.json
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.command.run import run
from pipelines.home import expanded
from pipelines.settings.arguments import add_settings, settings_of
from pipelines.settings.model import SettingsError
from pipelines.settings.outputs import add_force, output, printed_aside

EXIT_CODES = """\
exit codes: 0 all is as it has to be; 1 something is not (with --functions: less than --least is right); 2 the
settings or the cases; 3 the model's server is not there; 4 it is not trusted, or does not trust us; 5 it refused or
failed; 6 the disk; 130 interrupted.

What a case may say: docs/evals.md.
"""


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m pipelines.evals",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument(
        "cases", nargs="*", type=expanded, metavar="CASES", help="files or folders of cases, in YAML (default: bundled)"
    )
    add_settings(p)
    p.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these cases alone")
    p.add_argument("--most", type=_count, metavar="N", help="the first N cases")
    p.add_argument(
        "--jobs", type=_count, default=4, metavar="N", help="conversations side by side in real time (default: 4)"
    )
    functions = p.add_argument_group("function calling without a conversation")
    functions.add_argument(
        "--functions",
        type=_functions,
        metavar="FILE",
        help="cases in the format of BFCL; bfcl: a sample that comes along",
    )
    functions.add_argument("--answers", type=expanded, metavar="FILE", help="the right calls, where they stand apart")
    functions.add_argument(
        "--least", type=_share, default=0.0, metavar="SHARE", help="share that has to be right (default: 0)"
    )
    p.add_argument("--json", type=output, metavar="FILE", help="write all that was found as JSON")
    add_force(p)
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluates; returns the exit code."""
    args = arguments().parse_args(argv)
    try:
        settings = settings_of(args)
    except SettingsError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2
    from pipelines.evals.program import Program  # noqa: PLC0415 - a mistake on the command line is told at once
    from pipelines.log import logging_to_file  # noqa: PLC0415

    with logging_to_file(), printed_aside(args.json):
        return Program(settings, args, live=bool(args.config or args.set)).run()


def _functions(text: str) -> Path:
    if text == "bfcl":
        return Path(__file__).parent / "functions" / "bfcl.jsonl"
    return expanded(text)


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 100000")
    return number


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


if __name__ == "__main__":
    run(main)
