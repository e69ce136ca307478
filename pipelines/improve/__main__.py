"""Better settings from many conversations: found, proven, approved by a person, tried on a few, kept or withdrawn.

python -m pipelines.improve --dry-run                        what would be proposed, on the bundled soundbites
python -m pipelines.improve bundled --takes takes/ --tables insights/ --simulate lab-delays.yaml
python -m pipelines.improve approve 3f2a --yes "Ann Lee"     a person agrees to a proposal
python -m pipelines.improve canary 3f2a --share 0.1 --yes "Ann Lee"
python -m pipelines.improve watch --tables insights/         look at it, make it live or withdraw it
python -m pipelines.improve rollback 3f2a --yes "Ann Lee"
python -m pipelines.improve status

Versions lie in the folder that insights.versions names; the server and the voice loop look there every second.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
import time
from collections.abc import Iterable, Sequence
from typing import Final

from pipelines.command.run import run
from pipelines.home import expanded
from pipelines.improve.never import NEVER
from pipelines.settings.arguments import add_settings, configs, settings_of
from pipelines.settings.model import Settings, SettingsError
from pipelines.settings.outputs import add_force, output, printed_aside
from pipelines.versions.store import Store, StoreError, read_key

EXIT_CODES: Final = (
    """\
exit codes: 0 nothing found, or done; 10 there is a proposal; 1 a canary was withdrawn; 2 the settings, the soundbites,
the tables, or a version that may not become that; 6 the disk; 130 interrupted.

never automatic: """
    + textwrap.fill("; ".join(NEVER) + ".", 118, initial_indent=" " * 17)[17:]
    + "\n"
)

EXTRAS: Final = ("optuna", "duckdb", "pyarrow", "msgspec", "sklearn")
"""Packages that the loop needs and the voice does not."""

COMMANDS: Final = ("propose", "approve", "canary", "watch", "rollback", "status")


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m pipelines.improve",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = p.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, about: str) -> argparse.ArgumentParser:
        one = commands.add_parser(
            name, help=about, description=about, epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        add_settings(one)
        return one

    propose = add("propose", "look for better settings, prove them, and propose them (the default)")
    _add_propose(propose)
    approve = add("approve", "agree to a proposal, as a person")
    canary = add("canary", "give an approved version to a share of new conversations")
    canary.add_argument(
        "--share",
        type=_share,
        default=0.1,
        metavar="SHARE",
        help="of conversations: 0.01 to 0.5, an experiment 0.1 at most (default: 0.1)",
    )
    rollback = add("rollback", "take a version out of new conversations at once")
    rollback.add_argument("--why", default="by hand", metavar="TEXT", help="kept with the version")
    for one in (approve, canary, rollback):
        one.add_argument("version", help="its id, or the beginning of it; see status")
        one.add_argument("--yes", metavar="NAME", help="your name; without it you are asked")
    watch = add("watch", "look at the canary's conversations; make it live or withdraw it")
    watch.add_argument("--tables", type=expanded, required=True, metavar="DIR", help="the tables of insights")
    watch.add_argument("--every", type=_seconds, default=60.0, metavar="S", help="seconds between looks (default: 60)")
    watch.add_argument("--once", action="store_true", help="look once and end")
    add("status", "list the versions and what became of them")
    return p


def _add_propose(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "soundbites",
        nargs="*",
        help="what python -m pipelines.replay takes, or what python -m pipelines.insights mine has made; several are "
        "put together (default: bundled)",
    )
    p.add_argument("--takes", type=expanded, metavar="DIR", help="mine these consenting takes, and play that as well")
    p.add_argument("--tables", type=expanded, metavar="DIR", help="the tables of insights: what a log says of a change")
    p.add_argument(
        "--simulate", default="exact", metavar="PROFILE", help="how slow services are: a YAML file, or a name of "
        "configs/profiles (default: exact)"
    )  # fmt: skip
    p.add_argument("--only", nargs="+", default=[], metavar="KEY", help="change these settings alone")
    p.add_argument("--trials", type=_count, default=60, metavar="N", help="configurations to try (default: 60)")
    p.add_argument("--repeat", type=_count, default=5, metavar="N", help="rounds of the proof (default: 5)")
    p.add_argument("--seed", type=int, default=0, help="of the search and the simulated delays (default: 0)")
    p.add_argument("--jobs", type=_count, default=os.cpu_count() or 1, metavar="N", help="processes")
    p.add_argument("--out", type=output, default="proposal.yaml", metavar="FILE", help="(default: proposal.yaml)")
    p.add_argument("--dry-run", action="store_true", help="print the proposal, and keep nothing")
    add_force(p)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    named = bool(words) and (words[0] in COMMANDS or words[0] in ("-h", "--help"))
    args = arguments().parse_args(words if named else ["propose", *words])
    try:
        settings = settings_of(args)
        folder, key = settings.insights.versions, read_key(settings.insights.approval_key)
        store = None if folder is None else Store(folder, key)
    except (SettingsError, StoreError) as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2
    try:
        return _propose(settings, store, args) if args.command == "propose" else _manage(store, settings, args)
    except ModuleNotFoundError as missing:
        if missing.name not in EXTRAS:
            raise
        print("This needs more packages: .venv/bin/python -m pip install -e '.[replay,insights]'", file=sys.stderr)
        return 2
    except StoreError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return 2


def _propose(settings: Settings, store: Store | None, args: argparse.Namespace) -> int:
    from pipelines.improve.propose import Propose  # noqa: PLC0415
    from pipelines.log import logging_to_file  # noqa: PLC0415

    with logging_to_file(), printed_aside(args.out):
        return Propose(settings, store, configs(args), args).run()


def _manage(store: Store | None, settings: Settings, args: argparse.Namespace) -> int:
    from pipelines.improve import rollout  # noqa: PLC0415

    if store is None:
        print("insights.versions names no folder: --set insights.versions=DIR", file=sys.stderr)
        return 2
    if args.command == "status":
        print("\n".join(rollout.status(store)))
        return 0
    if args.command == "watch":
        return _watch(store, settings, args)
    version = store.get(args.version)
    by = args.yes or _asked(version.id, args.command, rollout.status(store))
    if not by:
        print("Nothing was done.", file=sys.stderr)
        return 2
    if args.command == "approve":
        rollout.approve(store, version.id, by)
        print(f"{version.id} is approved by {by}. Next: python -m pipelines.improve canary {version.id}")
    elif args.command == "canary":
        rollout.begin(store, version.id, by, args.share)
        print(f"{version.id} goes to {args.share:.0%} of new conversations. Next: python -m pipelines.improve watch")
    else:
        rollout.withdraw(store, version.id, by, args.why)
        print(f"{version.id} is withdrawn: new conversations have the settings before it.")
    return 0


def _asked(version: str, command: str, status: Iterable[str]) -> str:
    """The name of a person at a terminal who says yes; empty if nobody does."""
    if not sys.stdin.isatty():
        print(f"{command} is for a person: say --yes NAME.", file=sys.stderr)
        return ""
    shown = False
    for line in status:
        shown = line.startswith(version) or (shown and line.startswith(" "))
        if shown:
            print(line)
    try:
        return input(f"Your name, to {command} {version} (empty: no): ").strip()
    except EOFError:
        return ""


def _watch(store: Store, settings: Settings, args: argparse.Namespace) -> int:
    from pipelines.improve import rollout  # noqa: PLC0415
    from pipelines.insights.tables import Insights  # noqa: PLC0415

    watch = rollout.Watch(store, Insights(args.tables), settings.insights.ledgers)
    while True:
        seen = watch.look()
        if seen is None:
            print("There is no canary to watch.")
            return 0
        version, judged = seen
        print("\n".join(rollout.lines(version, judged)), flush=True)
        if judged.action != "wait":
            return 1 if judged.action == "withdraw" else 0
        if args.once:
            return 0
        time.sleep(args.every)


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 100000")
    return number


def _share(text: str) -> float:
    share = float(text)
    if not 0.01 <= share <= 0.5:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.01 and 0.5")
    return share


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 3600 seconds")
    return seconds


if __name__ == "__main__":
    run(main)
