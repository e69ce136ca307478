"""What may become of a version, and who may make it so: a table of transitions, and nothing else.

The rules it keeps:

* Everything begins as ``proposed``. Nothing skips a state.
* Only a person, by an approval, takes a version into conversations.
* Any state but the last may be withdrawn, by anybody, at any time.
* ``withdrawn`` is the end. Whoever wants the same again proposes it again, and that is a person's decision, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal

State = Literal["proposed", "proven", "canary", "live", "withdrawn"]
Actor = Literal["program", "person"]

EVERYBODY: Final[frozenset[Actor]] = frozenset({"program", "person"})
PERSON: Final[frozenset[Actor]] = frozenset({"person"})

MOVES: Final[Mapping[tuple[State, State], frozenset[Actor]]] = {
    ("proposed", "proven"): EVERYBODY,
    ("proven", "canary"): PERSON,
    ("canary", "live"): EVERYBODY,
    ("proposed", "withdrawn"): EVERYBODY,
    ("proven", "withdrawn"): EVERYBODY,
    ("canary", "withdrawn"): EVERYBODY,
    ("live", "withdrawn"): EVERYBODY,
}
"""Every transition there is, and who may make it."""

FIRST: Final[State] = "proposed"
IN_CONVERSATIONS: Final[frozenset[State]] = frozenset({"canary", "live"})
"""The states in which conversations get a version; each needs an approval."""


class IllegalMove(Exception):
    """A version may not become that; the message is one line."""


def check_move(before: State, after: State, actor: Actor, *, approved: bool) -> None:
    """Raises :class:`IllegalMove` unless ``actor`` may take a version from ``before`` to ``after``."""
    allowed = MOVES.get((before, after))
    if allowed is None:
        ways = ", ".join(to for begin, to in MOVES if begin == before)
        raise IllegalMove(f"it is {before}, and cannot become {after}; {f'only {ways}' if ways else 'it stays so'}")
    if actor not in allowed:
        raise IllegalMove(f"only a person takes a version from {before} to {after}")
    if after in IN_CONVERSATIONS and not approved:
        raise IllegalMove(f"nobody has approved it, and without that it does not become {after}")


def check_history(steps: Sequence[tuple[State, Actor]], *, approved: bool) -> None:
    """Raises :class:`IllegalMove` unless the steps follow the table from its beginning."""
    if not steps or steps[0][0] != FIRST:
        raise IllegalMove(f"its history does not begin with {FIRST}")
    for (before, _), (after, actor) in pairwise(steps):
        check_move(before, after, actor, approved=approved)
