"""What an error ends a program with: one line for people, and an exit code. Defects alone keep their traceback."""

from __future__ import annotations

import contextlib
import errno
import sys
from pathlib import Path

SETTINGS, DISK, STOPPED = 2, 6, 130
"""Exit codes as in ``pipelines/failures.py``, which imports more than there may be."""

CLOSED_PIPE = 141
"""The exit code when nobody reads what is written: as a shell reports a program that SIGPIPE ended."""

hurry: set[str] = set()
"""What the process is in a hurry to end for; empty while nobody has told it to stop within a bound."""

_OURS = ("sophia", "nova", "aurora", "pipelines")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def told(error: BaseException) -> int | None:
    """Says in a line what happened, and returns the exit code; ``None``, and not a word, for what is a defect."""
    if isinstance(error, BrokenPipeError):
        return CLOSED_PIPE
    if isinstance(error, KeyboardInterrupt):
        return STOPPED
    if lines := getattr(error, "lines", ()):  # SettingsError, HomeUnusable
        say(*lines)
        return SETTINGS
    if isinstance(error, ModuleNotFoundError) and not _of_ours(str(error.name)):
        say(f"The package {error.name} is not installed for {sys.executable}. {how_to_start()}")
        return SETTINGS
    if isinstance(error, OSError) and error.errno is not None:
        full = error.errno in _FULL
        where = error.filename if error.filename is not None else "Standard output" if full else "A file"
        say(f"{where} cannot be {'written' if full else 'used'}: {error.strerror}.")
        return DISK if full else SETTINGS
    return None


def how_to_start() -> str:
    """What to do where this Python cannot run the project."""
    folder = Path(__file__).resolve().parents[2]
    if (folder / ".venv/bin/python").exists():
        return f"Use the project's own Python: {folder / '.venv/bin/python'} -m …"
    if (folder / ".ci/venv").exists():
        return f"Set the project up first: make -C {folder} run-venv"
    return "Install the project again with its dependencies."


def say(*lines: str) -> None:
    """Writes lines to standard error, if anybody reads it."""
    with contextlib.suppress(OSError, ValueError):
        print(*map(one_line, lines), sep="\n", file=sys.stderr)


def one_line(text: str) -> str:
    """``text`` on one line: a file's name may hold line ends, and characters that a terminal obeys."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _of_ours(module: str) -> bool:
    """Whether a module is in our sources; ``aurora.wire`` is made when the project is installed."""
    return module.partition(".")[0] in _OURS and not module.startswith("aurora.wire")
