"""The log of the voice loop: what helps to look into a failure, and has no place on the screen of a talk.

Warnings of libraries and tracebacks of defects go into one small file. So does, while a screen is drawn, whatever
native code writes to standard error. The display tells what a user must know. Errors are logged by their class and
their frames: a message may quote what was said.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import queue
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path

from pipelines.home import home

MAX_BYTES = 1 << 20
"""A log that is larger than this is begun anew; the one before is kept beside it."""

MOST_WAITING = 1000
"""Records that wait for the disk at most; further ones are dropped."""

_ARGUMENTS = re.compile(r"[(<\n].*", re.DOTALL)
"""What follows the name of a callback, a task or a handle in asyncio's lines."""

_log = logging.getLogger(__name__)


def log_file() -> Path:
    """Where the log is; raises ``OSError`` if there can be none."""
    folder = home() / "logs"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / "voice_loop.log"


@contextmanager
def logging_to_file() -> Iterator[None]:
    """Sends the log to its file until the block ends; where it cannot be written, it is dropped.

    A thread of its own writes, so that a slow disk holds nobody up. If standard output and standard error both are
    terminals, standard error goes there as well, because whatever it says would break the screen.
    """
    handler: logging.Handler
    try:
        handler = RotatingFileHandler(log_file(), maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(MOST_WAITING)
    listener, taker, root = QueueListener(waiting, handler), _Taker(waiting), logging.getLogger()
    taker.setFormatter(_WithoutMessages())
    raising, logging.raiseExceptions = logging.raiseExceptions, False  # a log that fails fails silently
    logging.captureWarnings(True)
    root.addHandler(taker)
    listener.start()
    try:
        with _standard_error_aside(), _uncaught_to_log():
            yield
    finally:
        root.removeHandler(taker)
        listener.stop()
        handler.close()
        logging.captureWarnings(False)
        logging.raiseExceptions = raising


@contextmanager
def logging_to_standard_error() -> Iterator[None]:
    """Sends the log of a service there until the block ends: somebody keeps it, and it is to hold no words either."""
    handler, root = logging.StreamHandler(), logging.getLogger()
    handler.setFormatter(_WithoutMessages())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        with _uncaught_to_log():
            yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


@contextmanager
def _uncaught_to_log() -> Iterator[None]:
    """Logs what a thread or a destructor raises; Python would print it, with its message, to standard error."""

    def of_thread(args: threading.ExceptHookArgs) -> None:
        name = args.thread.name if args.thread else "unknown"
        _log.error("the thread %s failed", name, exc_info=args.exc_value)

    def of_destructor(args: sys.UnraisableHookArgs) -> None:
        _log.error("a destructor or a native callback failed", exc_info=args.exc_value)

    before = threading.excepthook, sys.unraisablehook
    threading.excepthook, sys.unraisablehook = of_thread, of_destructor
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = before


class _WithoutMessages(logging.Formatter):
    """Shows where errors came from and what they were, but not their messages, which may quote what was said."""

    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.exc_text = None  # another handler's, with everything in it
        if record.name == "asyncio":  # its lines show callbacks with their arguments, and tasks with their errors
            record.msg, record.args = _ARGUMENTS.sub("", record.getMessage()).rstrip(), None
        return super().format(record)

    def formatException(self, info: object) -> str:  # noqa: N802 - the library's name for it
        error = info[1] if isinstance(info, tuple) else None
        return "".join(_frames(error)) if isinstance(error, BaseException) else ""


def _frames(error: BaseException, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    """The traceback of ``error`` after those of its cause or context, and of what is in its group."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    seen |= {id(error)}
    for other in (before, *inner):
        if other is not None and id(other) not in seen:
            yield from _frames(other, seen)
            yield "\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__module__}.{type(error).__qualname__}"


class _Taker(QueueHandler):
    """Hands records over and drops what finds no place."""

    def enqueue(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(record)


@contextmanager
def _standard_error_aside() -> Iterator[None]:
    if not (os.isatty(1) and os.isatty(2)):
        yield
        return
    try:
        aside = os.open(log_file(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        aside = os.open(os.devnull, os.O_WRONLY)
    sys.stderr.flush()
    before = os.dup(2)
    os.dup2(aside, 2)
    os.close(aside)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)
        os.close(before)
