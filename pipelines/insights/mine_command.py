"""The command ``mine``: its arguments, and what it says of its work."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines.command.endings import one_line
from pipelines.home import expanded
from pipelines.insights.mining.kinds import KINDS
from pipelines.insights.mining.mine import CLUSTERS, HALVES, INDEX, Mined, mine
from pipelines.insights.mining.takes import find
from pipelines.insights.progress import Progress
from pipelines.insights.tables import Insights
from pipelines.settings.layers import SettingsError, did_you_mean
from pipelines.settings.outputs import folder

_KINDS = "\n".join(f"  {name:<12}{what}" for name, what in KINDS.items())

EPILOG = f"""\
kinds, from the one that tells most:
{_KINDS}

Only takes are mined whose people agreed to their sound being kept. Each case becomes a folder of soundbites, below
DIR/{HALVES[0]} or DIR/{HALVES[1]}: settings that are tuned on one half are proven on the other. A conversation is in
one of them. Replay plays a half, or one case:

  python -m pipelines.replay hard/{HALVES[1]}

{INDEX} lists the cases, {CLUSTERS} groups what was misheard by likeness. With a GPU and very many utterances, RAPIDS
cuML groups them: python -m cuml.accel -m pipelines.insights mine … Everything is its owner's alone: it is people's
voices.

exit codes: 0 cases were found, or there are none; 2 the arguments, or the folder; 6 the disk; 130 interrupted.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    p = commands.add_parser(
        "mine",
        help="make soundbites of the turns that went badly",
        description="Finds turns that went badly in recorded conversations, and makes soundbites of them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("tables", type=expanded, metavar="TABLES", help="the folder of tables: it tells what is slow")
    p.add_argument("--takes", type=expanded, required=True, metavar="DIR", help="takes, or folders of such")
    p.add_argument("--out", type=folder, required=True, metavar="DIR", help="a new folder for the cases")
    p.add_argument("--kinds", type=_kinds, default=tuple(KINDS), metavar="A,B", help="only these (default: all)")
    p.add_argument("--most", type=_number, default=100, metavar="N", help="cases of each kind (default: %(default)s)")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Mines, and returns the exit code."""
    out: Path = args.out
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SettingsError([f"--out {out} is there already; name a new folder"])
    takes = find(args.takes)
    if not takes:
        raise SettingsError([f"--takes {args.takes} holds no take; name what --record made, or insights.takes"])
    with Progress(len(takes)) as progress:
        mined = mine(Insights(args.tables), takes, out, kinds=args.kinds, most=args.most, progress=progress)
    for line in _summary(mined, out):
        print(one_line(line))
    return 0


def _summary(mined: Mined, out: Path) -> list[str]:
    lines = [f"{mined.turns:,} turns of {mined.takes:,} conversations"]
    for kind in KINDS:
        if found := mined.found[kind]:
            kept = sum(kind in case.why for case in mined.kept)
            lines.append(f"  {kind:<12}{found:>6} found {kept:>6} kept")
    left = mined.left
    reasons = {
        "without consent to sound": left.without_consent,
        "that name no conversation": left.unnamed,
        "that cannot be read": left.unreadable,
        "of a conversation that another take is of": left.again,
    }
    lines += [f"left out: {number} takes {why}" for why, number in reasons.items() if number]
    lines += mined.notes
    if not mined.kept:
        return [*lines, "no hard case"]
    halves = ", ".join(f"{sum(case.half == half for case in mined.kept)} in {out / half}" for half in HALVES)
    return [*lines, f"{len(mined.kept)} cases: {halves}; {mined.clusters} groups of misheard utterances"]


def _kinds(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in KINDS:
            guess = did_you_mean(name, KINDS)
            known = f"did you mean {guess}?" if guess else f"there are {', '.join(KINDS)}"
            raise argparse.ArgumentTypeError(f"there is no kind {name!r}; {known}")
    return names or tuple(KINDS)


def _number(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 100000")
    return int(text)
