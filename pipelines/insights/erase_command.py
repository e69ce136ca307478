"""The commands ``erase`` and ``purge``: their arguments, and what they say of their work."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

from pipelines.command.endings import one_line, say
from pipelines.home import expanded
from pipelines.insights.erasing.erase import again, conversations_of, erase, write_receipt
from pipelines.insights.erasing.purge import CLASSES, oldest, purge
from pipelines.settings.arguments import add_settings, settings_of
from pipelines.settings.layers import SettingsError
from pipelines.settings.model import Settings
from pipelines.takes import facts
from pipelines.takes.persons import person_key, pseudonym

ERASE = """\
What is searched: TABLES, insights.ledgers and insights.takes of the settings, and each --in: hard cases, training sets,
runs of replays, keys, wherever you keep them. Whatever holds the id of the conversation goes: rows, lines, cases and
takes. Of a person, what she was asked to remember goes as well (memory.folder). Histograms are counted again. What a
model has learned cannot be taken out; the receipt names its adapter.

An erased conversation is refused by ingest from then on. After a backup was restored, --again erases once more what was
erased before.

exit codes: 0 no byte of an id is left; 1 some files hold one even now, and are named; 2 the arguments; 6 the disk.
"""

PURGE = """\
Voices go first, then words, then the numbers of each turn (insights.retention). Histograms by day stay, of hours and
sites with ten conversations and more. Run it every night.

exit codes: 0 done; 2 the arguments; 6 the disk.
"""

_ID = re.compile(r"[0-9a-f]{32}\Z")
_PSEUDONYM = re.compile(r"[0-9a-f]{64}\Z")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands."""
    e = commands.add_parser(
        "erase",
        help="take a conversation, or a person, out of everything",
        description="Erases conversations, or all of a person's, from everything that was kept.",
        epilog=ERASE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whose = e.add_mutually_exclusive_group(required=True)
    whose.add_argument("--conversation", action="append", metavar="ID", help="its id, 32 digits; may be repeated")
    whose.add_argument("--person", metavar="WHO", help="what clients call the user, or the pseudonym that is kept")
    whose.add_argument("--again", action="store_true", help="what was erased before, and has come back")
    _add_places(e)
    e.set_defaults(run=run_erase)
    p = commands.add_parser(
        "purge",
        help="let go of what was kept for long enough",
        description="Lets go of what was kept for longer than the settings say.",
        epilog=PURGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_places(p)
    p.set_defaults(run=run_purge)


def run_erase(args: argparse.Namespace) -> int:
    """Erases, writes the receipt, and returns the exit code."""
    settings = settings_of(args)
    places = _places(args, settings)
    person, remembered = "", False
    if args.conversation:
        if wrong := [name for name in args.conversation if not _ID.match(name)]:
            raise SettingsError([f"--conversation {wrong[0]}: an id has 32 hexadecimal digits, in small letters"])
        ids = frozenset(args.conversation)
    elif args.person:
        person = _pseudonym(args.person, settings)
        remembered = settings.memory.folder is not None and facts.erase(settings.memory.folder, person)
        if remembered:
            print("what she was asked to remember: deleted")
        ids = conversations_of(args.tables, places, person)
    else:
        ids = again(args.tables, places)
    if not ids:
        kept = f"nothing {'else ' if remembered else ''}is kept of them"
        print(kept if args.person else "nothing that was erased has come back")
        return 0
    gone = erase(args.tables, places, ids, person=person)
    receipt = write_receipt(args.tables, ids, gone)
    took = ", ".join(f"{kind} {number:,}" for kind, number in sorted(gone.by_kind.items()) if number)
    print(one_line(f"conversations erased: {len(ids):,}; taken out: {took or 'nothing, for nothing was kept'}"))
    for model in gone.models:
        say(f"{model} has learned from it, and cannot unlearn it; train it again, or stop using it.")
    for path in gone.left:
        say(f"{path} holds an id even now; delete it, or take it out by hand.")
    print(one_line(f"the receipt is {receipt}"))
    return 1 if gone.left else 0


def run_purge(args: argparse.Namespace) -> int:
    """Lets go, says what is left, and returns the exit code."""
    settings = settings_of(args)
    places, today = [args.tables, *_places(args, settings)], dt.datetime.now(dt.UTC).date()
    gone = purge(places, settings.insights.retention, today)
    rest = oldest(places)
    for kind in CLASSES:
        days = getattr(settings.insights.retention, kind)
        age = f"the oldest is of {rest[kind]}" if kind in rest else "nothing is kept"
        print(one_line(f"{kind:<8} {days:>5} days: {gone[kind]:,} let go, {age}"))
    return 0


def _add_places(p: argparse.ArgumentParser) -> None:
    p.add_argument("tables", type=expanded, metavar="TABLES", help="the folder of tables")
    p.add_argument("--in", dest="places", action="append", type=expanded, default=[], metavar="DIR",
                   help="another folder in which something may be kept; may be repeated")  # fmt: skip
    add_settings(p)


def _places(args: argparse.Namespace, settings: Settings) -> list[Path]:
    if missing := [path for path in args.places if not path.is_dir()]:
        raise SettingsError([f"--in {missing[0]} is no folder; name one"])
    ours: Sequence[Path | None] = (settings.insights.ledgers, settings.insights.takes, settings.insights.keys)
    return [*args.places, *(path for path in ours if path is not None)]


def _pseudonym(who: str, settings: Settings) -> str:
    if _PSEUDONYM.match(who):
        return who
    if (path := settings.insights.person_key) is None or not path.exists():
        raise SettingsError(
            [f"--person {who}: to know the pseudonym, the settings must name the secret (insights.person_key)"]
        )
    return pseudonym(person_key(path), who)
