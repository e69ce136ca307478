"""What the command lines of all programs have in common: where their output goes.

An output is never an input, and what is there already is kept unless ``--force`` is said. Both are found out before
anything is played, asked or measured. A file comes to be as a whole or not at all. ``-`` is standard output.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO

from pipelines.command.endings import CLOSED_PIPE
from pipelines.home import expanded
from pipelines.settings.layers import SettingsError, find_config

if TYPE_CHECKING:
    from pydantic import BaseModel

    from pipelines.settings.model import Settings

STANDARD_OUTPUT: Final = Path("/dev/stdout")
_ALSO: Final = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
_DEVICES: Final = ("/dev/fd/", "/dev/std", "/proc/")
"""What the shell has opened may be a file, which it will go on writing to. Files of /dev/shm are files."""
_ODD: Final = "backslashreplace"
"""A file's name in a text may hold bytes that are no UTF-8; they are no reason to lose the rest."""


def output(text: str) -> Path:
    """The ``type`` of an argument that names a file to write."""
    return STANDARD_OUTPUT if text in _ALSO else expanded(text)


def folder(text: str) -> Path:
    """The ``type`` of an argument that names a folder to write into."""
    if text in ("", *_ALSO):
        raise argparse.ArgumentTypeError(f"{text!r} is no folder; name one")
    return expanded(text)


def add_force(parser: argparse._ActionsContainer) -> None:
    """Adds ``--force``."""
    parser.add_argument("--force", action="store_true", help="overwrite output files that are there already")


@dataclass(frozen=True, slots=True)
class Output:
    """What ``option`` asks to be written to ``path``, if it was given.

    ``ours`` tells of a file that is there whether it is an older one of the same kind, which is made anew by design.
    ``in_new_folder``: its folder is made where it is missing.
    """

    option: str
    path: Path | None
    ours: Callable[[Path], bool] = lambda path: False
    in_new_folder: bool = False


def check_outputs(outputs: Iterable[Output], inputs: Iterable[str | Path], *, force: bool) -> None:
    """Refuses what must not or cannot be written. Raises :class:`SettingsError` with a line for each option.

    ``inputs`` are the files and folders that are read. A file in such a folder counts as read.
    """
    read = _Read(inputs)
    lines: list[str] = []
    told: set[str] = set()
    before: list[tuple[str, Path]] = []
    for one in outputs:
        if one.path is None:
            continue
        twin = next((option for option, path in before if _same(path, one.path)), None)
        problem = f"is what {twin} writes, too; name another file" if twin else _problem(one, read, force=force)
        before.append((one.option, one.path))
        if problem and one.option not in told:  # the files of a folder share their faults
            told.add(one.option)
            lines.append(f"{one.option} {shown(one.path)} {problem}.")
    if lines:
        raise SettingsError(lines)


def outputs_of(settings: Settings) -> list[Output]:
    """What the settings themselves ask to be written: spans, which are appended to older ones."""
    telemetry = settings.telemetry
    return [Output("telemetry.file", telemetry.file, _json_lines)] if telemetry.exporter == "json" else []


def _json_lines(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1) in (b"", b"{")


def _files_of(settings: BaseModel) -> Iterator[Path]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Path):
            yield value
        elif hasattr(type(value), "model_fields"):
            yield from _files_of(value)


def read_by(configs: Iterable[str], settings: Settings) -> list[Path]:
    """The files that settings come from, and those that they name, such as keys and certificates."""
    named = [path for path in _files_of(settings) if path != settings.telemetry.file]
    return [*map(find_config, configs), *named]


def shown(path: Path) -> str:
    """The path as it was probably written."""
    return "-" if path == STANDARD_OUTPUT else str(path)


@contextlib.contextmanager
def printed_aside(*paths: Path | None) -> Iterator[None]:
    """Prints to standard error while this lasts, if one of ``paths`` is standard output."""
    if STANDARD_OUTPUT not in paths:
        yield
        return
    sys.stdout.flush()
    with contextlib.redirect_stdout(sys.stderr):
        yield


def opened(path: Path) -> TextIO:
    """Opens an output to be written bit by bit, in UTF-8. Raises ``OSError``. A new file is its owner's alone.

    What is written to standard output follows what the shell has put there before: it is not opened anew.
    """
    if path == STANDARD_OUTPUT:
        return os.fdopen(os.dup(1), "w", encoding="utf-8", errors=_ODD, newline="\n")
    flag = os.O_APPEND if _straight(path) else os.O_TRUNC
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flag, 0o600)
    return os.fdopen(file, "w", encoding="utf-8", errors=_ODD, newline="\n")


def opened_bytes(path: Path) -> BinaryIO:
    """The same for bytes."""
    return os.fdopen(os.dup(1), "wb") if path == STANDARD_OUTPUT else path.open("ab" if _straight(path) else "wb")


def write_text(path: Path, text: str) -> None:
    """Writes a file as :func:`write_bytes` does, in UTF-8 with Unix's line ends."""
    write_bytes(path, encoded(text))


def encoded(text: str) -> bytes:
    """A text as it stands in a file."""
    return text.encode("utf-8", _ODD)


def write_bytes(path: Path, content: bytes, *, private: bool = False) -> None:
    """Writes a file as a whole or not at all. Raises ``OSError`` that names it.

    Its mode and its place behind a link stay; a new one that is ``private`` is its owner's alone. A device, a pipe and
    standard output are written straight into.
    """
    try:
        if path == STANDARD_OUTPUT or _straight(path):
            with opened_bytes(path) as file:
                file.write(content)
            return
        target = Path(os.path.realpath(path))
        handle, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            if target.exists() or not private:
                os.chmod(name, _mode(target))  # mkstemp gives a file that only its owner may read
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        if path == STANDARD_OUTPUT and isinstance(error, BrokenPipeError):
            raise SystemExit(CLOSED_PIPE) from None  # whoever reads has enough, and that is no failure
        raise OSError(error.errno, error.strerror, shown(path)) from error


def _mode(target: Path) -> int:
    with contextlib.suppress(OSError):
        return stat.S_IMODE(target.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _straight(path: Path) -> bool:
    """Whether a path is a device or a pipe, which no new file may take the place of."""
    if str(path).startswith(_DEVICES):
        return True
    with contextlib.suppress(OSError, ValueError):
        return not stat.S_ISREG(path.stat().st_mode)
    return False


def _same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        if one.exists() and other.exists():
            return one.samefile(other) and (one.is_file() or one == other)
    return os.path.realpath(one) == os.path.realpath(other)


class _Read:
    """The files that are read, by inode, and the folders."""

    def __init__(self, inputs: Iterable[str | Path]) -> None:
        self._files: set[tuple[int, int]] = set()
        self._folders: set[str] = set()
        for path in (*inputs, "/dev/stdin"):
            with contextlib.suppress(OSError, ValueError):
                self._add(expanded(path))

    def _add(self, path: Path) -> None:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            self._files.add((status.st_dev, status.st_ino))
        elif stat.S_ISDIR(status.st_mode):
            self._folders.add(os.path.realpath(path))

    def names(self, status: os.stat_result) -> bool:
        """Whether a file is one of them."""
        return (status.st_dev, status.st_ino) in self._files

    def holds(self, path: Path) -> bool:
        """Whether a file lies in one of the folders."""
        return os.path.dirname(os.path.realpath(path)) in self._folders


def _problem(one: Output, read: _Read, *, force: bool) -> str:
    path = one.path
    assert path is not None
    if path == STANDARD_OUTPUT:
        return "" if sys.__stdout__ else "cannot be written: standard output is closed"
    try:
        try:
            status = path.stat()
        except FileNotFoundError:
            return _no_place(path, makes_folder=one.in_new_folder)
        if stat.S_ISDIR(status.st_mode):
            return "is a folder; name a file in it"
        if read.names(status) or (stat.S_ISREG(status.st_mode) and read.holds(path) and not one.ours(path)):
            return "is read, too; name another file to be written"
        if _straight(path):
            return "" if os.access(path, os.W_OK) else "cannot be written: Permission denied"
        if not force and not one.ours(path):
            return "is there already; name another file, or say --force to overwrite it"
        return _no_place(path)
    except OSError as error:
        return f"cannot be written: {error.strerror or error}"
    except ValueError as error:  # a zero byte in a name
        return f"cannot be written: {error}"


def _no_place(path: Path, *, makes_folder: bool = False) -> str:
    """Why no file can come to be at ``path``; empty if one can."""
    folder = Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent
    if makes_folder:
        folder = next(above for above in (folder, *folder.absolute().parents) if os.path.lexists(above))
    if not folder.is_dir():
        return f"cannot be written: there is no folder {folder}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"cannot be written: {folder} is not yours to write into"
    return ""
