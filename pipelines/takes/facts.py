"""What users have asked her to remember: a Markdown file for each person, which they may read and edit.

Each fact is a line that begins with ``- ``; all other lines are the reader's own, and stay. The file is its owner's
alone, is written as a whole, and is read anew each time. It blocks: call it in a thread.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

MOST_FACTS: Final = 200
LONGEST_FACT: Final = 300
"""Characters."""
MOST_BYTES: Final = 256 << 10
"""Of a file that is read; what is longer was not made here."""

HEADING: Final = """\
# What Sophia remembers

She keeps here what you asked her to remember, and nothing else. Change or delete lines as you like.

"""

_NAME = re.compile(r"me|[0-9a-f]{64}")


class FactsError(Exception):
    """It cannot be remembered or forgotten; the message says why, in words for the user."""


def path_of(folder: Path, person: str) -> Path:
    """Where the facts of a person are, by the pseudonym, or ``me`` at this machine's own microphone."""
    if not _NAME.fullmatch(person):
        raise ValueError(f"{person[:80]!r} is no pseudonym")
    return folder / f"{person}.md"


def erase(folder: Path, person: str) -> bool:
    """Deletes all that is remembered of a person; false if there was nothing. Raises ``OSError``."""
    path = path_of(folder, person)
    if not path.exists():
        return False
    with _alone_in(folder):
        path.unlink(missing_ok=True)
    return True


class Facts:
    """The facts in the file at ``path``; made when there is one. All methods raise :class:`FactsError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> list[str]:
        """Every fact, oldest first."""
        return [fact for line in self._lines() if (fact := _fact(line))][:MOST_FACTS]

    def add(self, fact: str) -> bool:
        """Keeps a fact; false if it was kept already."""
        fact = one_line(fact)
        if not any(char.isalnum() for char in fact):
            raise FactsError("there is nothing in it to remember")
        if len(fact) > LONGEST_FACT:
            raise FactsError(f"it is longer than {LONGEST_FACT} characters; remember it in fewer words")
        with self._changing():
            lines = self._lines() or HEADING.splitlines()
            known = [found for line in lines if (found := _fact(line))]
            if fact.casefold() in (found.casefold() for found in known):
                return False
            if len(known) >= MOST_FACTS:
                raise FactsError(f"{MOST_FACTS} facts are remembered already; one has to be forgotten first")
            self._write([*lines, f"- {fact}"])
        return True

    def remove(self, about: str) -> list[str]:
        """Forgets: ``that`` or nothing said is the newest, ``everything`` all, else the one fact that is meant."""
        asked = set(re.findall(r"\w+", about.casefold())) - _IDLE
        with self._changing():
            lines = self._lines()
            known = [fact for line in lines if (fact := _fact(line))]
            if not known:
                raise FactsError("nothing is remembered")
            if asked & {"everything", "all", "alles", "tout", "todo", "tutto"}:
                gone = known
            elif not asked:
                gone = known[-1:]
            else:
                gone = [_meant(known, asked, about)]
            left = [line for line in lines if _fact(line) not in gone]
            if len(gone) == len(known) and left == HEADING.splitlines():
                self._path.unlink(missing_ok=True)
            else:
                self._write(left)
        return gone

    def _lines(self) -> list[str]:
        try:
            with self._path.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FactsError(f"the file of what is remembered cannot be read: {error.strerror}") from None
        if len(content) > MOST_BYTES:
            raise FactsError("the file of what is remembered is too large")
        return content.decode("utf-8", "replace").splitlines()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _alone_in(self._path.parent):
                yield
        except OSError as error:
            raise FactsError(f"the disk does not take it: {error.strerror}") from None

    def _write(self, lines: list[str]) -> None:
        descriptor, draft = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")  # of mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self._path)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise


_IDLE = frozenset(
    ("that", "this", "it", "the", "a", "an", "my", "i", "me", "you", "what", "about", "of", "is", "was", "to",
     "remember", "forget", "fact", "please", "last", "das")
)  # fmt: skip
"""Words that mean no fact in particular."""


def one_line(text: str) -> str:
    """The text as one line that can be printed."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _fact(line: str) -> str:
    """The fact of a line; empty if it is none."""
    return one_line(line.strip()[2:])[:LONGEST_FACT] if line.strip().startswith(("- ", "* ")) else ""


def _meant(known: list[str], asked: set[str], about: str) -> str:
    """The fact with most of the words that were asked for, if that is one; at least half of them."""
    scores = [len(asked & set(re.findall(r"\w+", fact.casefold()))) for fact in known]
    best = max(scores)
    fitting = [fact for fact, score in zip(known, scores, strict=True) if score == best]
    if best * 2 < len(asked):
        raise FactsError(f"nothing is remembered about {one_line(about)[:100]}")
    if len(fitting) > 1:
        raise FactsError(f"several facts are about that: {'; '.join(fitting[:5])}. Ask which one.")
    return fitting[0]


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Nobody else changes facts meanwhile, in this process or another one."""
    with open(folder / ".lock", "a", opener=lambda path, flags: os.open(path, flags, 0o600)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
