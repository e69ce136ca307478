"""Runs a program: whatever goes wrong ends in one line and an exit code, and output never fails on its encoding.

Python imports a package before the program in it. So :func:`prepare`, which ``pipelines/__init__.py`` calls, also hears
of what goes wrong while a program's own imports run.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import NoReturn

from pipelines.command.endings import CLOSED_PIPE, SETTINGS, how_to_start, hurry, say, told


def prepare() -> None:
    """Makes the process ready for one of our programs, if Python was told to run one with ``-m``. Else does nothing."""
    if sys.argv[:1] != ["-m"]:  # what Python sets while it looks for the program
        return
    if sys.version_info < (3, 11):  # noqa: UP036 - said before what needs a newer one is imported
        found = ".".join(map(str, sys.version_info[:2]))
        say(f"Python 3.11 or newer is needed, and {sys.executable} is {found}. {how_to_start()}")
        raise SystemExit(SETTINGS)
    _mend_streams()
    sys.excepthook = _hook


def run(main: Callable[[], int]) -> NoReturn:
    """Runs ``main`` and ends the process with its exit code.

    What can happen on a bad day is told in one line. A reader that closes the pipe of standard output ends the program
    quietly, as it ends other tools.

    A program that was told to stop within a bound leaves out the end of the interpreter. That takes 0.2 s of a
    processor, which is seconds on a busy machine, and waits for threads that hang. Whatever is to be closed is closed
    by ``main``.
    """
    code: int | str | None
    _mend_streams()
    hurry.clear()
    wanted = not _to_nowhere()
    try:
        code = main()
    except SystemExit as ended:
        code = ended.code
        if wanted and _to_nowhere():  # rich does this to a closed pipe, and exits with 1, which means something here
            code = CLOSED_PIPE
    except BaseException as error:
        code = told(error)
        if code is None:
            raise
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python tries again at its end, and complains
        code = told(error)
    if hurry and (code is None or isinstance(code, int)):
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code or 0)
    raise SystemExit(code)


def _mend_streams() -> None:
    """Puts the null device in the place of closed streams, and has none fail on its encoding.

    The next file opened would get a closed stream's number, and with it what native code prints. A ``print`` to a
    standard error that is ``None`` goes to standard output. ``sys.__stdout__`` still tells what was closed.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115 - until the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # where there is no ✓ and no ✗, they stay two different things
            stream.reconfigure(errors="backslashreplace")


def _hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    code = told(error)
    if code is None:
        sys.__excepthook__(kind, error, traceback)
    else:
        raise SystemExit(code)


def _to_nowhere() -> bool:
    """Whether standard output goes to the null device."""
    try:
        return os.path.samestat(os.fstat(1), os.stat(os.devnull))
    except OSError:
        return False
