"""A run on disk: saved while it goes on, so that an interrupted one can be read and resumed; read by schema.

It is a folder with ``run.json`` and ``turns.jsonl``. The first is the run, without its turns until it is complete. The
second has a line for each talk that was played to its end. A baseline is one file: the run without what only a report
needs.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.records.results import SCHEMA, Run, Turn, Unit

RUN: Final = "run.json"
TURNS: Final = "turns.jsonl"

LARGEST: Final = 1 << 30
"""Bytes of a file that is read at most."""


class RunError(Exception):
    """A run cannot be read or written; the message is one line that says what to change."""


class RunUnwritable(RunError):
    """The disk does not take it."""


class _Unit(BaseModel):
    """A line of ``turns.jsonl``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    talk: int
    round: int
    session: int
    turns: tuple[Turn, ...]

    @property
    def unit(self) -> Unit:
        return Unit(self.talk, self.round, self.session)


class RunStore:
    """Writes a run into ``folder`` while it goes on, in a thread of its own. Raises :class:`RunError`.

    ``header`` is the run as it is known at the beginning. ``resume`` goes on in a folder that holds an interrupted run
    of the same scenario; otherwise the folder must not hold a run.
    """

    def __init__(self, folder: Path, header: Run, *, resume: bool = False) -> None:
        self.folder = folder
        self.failed: OSError | None = None
        """Why nothing more is written, if the disk refused."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not resume:
                check_free(folder)
                _write(folder / RUN, header.model_copy(update={"complete": False, "turns": ()}))
            self._file = (folder / TURNS).open("a", encoding="utf-8")
        except OSError as error:
            raise RunUnwritable(f"cannot write into {folder}: {error.strerror}; name another folder") from error
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="run-store")

    def add(self, unit: Unit, turns: Sequence[Turn]) -> None:
        """A talk that was played to its end."""
        record = _Unit(talk=unit.talk, round=unit.round, session=unit.session, turns=tuple(turns))
        self._writer.submit(self._append, record)

    def finish(self, run: Run) -> None:
        """Writes what is left; call it outside of the event loop. Raises :class:`RunError`."""
        self._writer.shutdown(wait=True)
        try:
            if self.failed:
                raise self.failed
            self._file.close()
            _write(self.folder / RUN, run)
        except OSError as error:
            why = f"{error.strerror or error}; what was written is kept"
            raise RunUnwritable(f"cannot write into {self.folder}: {why}") from error

    def discard(self) -> None:
        """Takes back a run of which nothing was played; a folder that is empty then goes, too."""
        self._writer.shutdown(wait=True)
        with contextlib.suppress(OSError):
            self._file.close()
            for name in (RUN, TURNS):
                (self.folder / name).unlink(missing_ok=True)
            self.folder.rmdir()

    def _append(self, record: _Unit) -> None:
        try:
            self._file.write(record.model_dump_json() + "\n")
            self._file.flush()
        except OSError as error:
            self.failed = error


def check_free(folder: Path) -> None:
    """Raises :class:`RunError` if ``folder`` holds what a new run would overwrite."""
    if os.path.lexists(folder / RUN):
        raise RunError(f"{folder} holds a run already; name another folder, or go on with --resume {folder}")
    if os.path.lexists(folder / TURNS):
        raise RunError(f"{folder} holds {TURNS} of something else, perhaps a recording; name another folder")


def load_run(path: Path) -> Run:
    """A run from its folder or from one file, a baseline for example. Raises :class:`RunError`.

    An interrupted run is read as far as it came: its ``complete`` is false.
    """
    folder = os.path.isdir(path)
    run = _read(path / RUN if folder else path)
    if run.complete or not folder:
        return run
    return run.model_copy(update={"turns": tuple(turn for record in _records(path) for turn in record.turns)})


def finished_units(folder: Path) -> set[Unit]:
    """What an interrupted run in ``folder`` has played. Raises :class:`RunError`."""
    return {record.unit for record in _records(folder)}


def baseline(run: Run) -> str:
    """The text of ``run`` as a baseline: raw values of every turn, without envelopes."""
    bare = {"user_envelope": "", "reply_envelope": ""}
    return _text(run.model_copy(update={"turns": tuple(turn.model_copy(update=bare) for turn in run.turns)}))


def is_run(file: Path) -> bool:
    """Whether a file holds a run or a baseline, of whatever version."""
    try:
        with file.open("rb") as opened:
            head = opened.read(4096)
    except (OSError, ValueError):  # ValueError: a name with a zero byte in it
        return False
    return head.lstrip().startswith(b"{") and b'"kind": "sophia-replay"' in head


def _write(file: Path, run: Run) -> None:
    """At once or not at all: a reader never sees half a file."""
    fresh = file.with_name(f".{file.name}.new")
    try:
        fresh.write_text(_text(run), encoding="utf-8")
        os.replace(fresh, file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _text(run: Run) -> str:
    return run.model_dump_json(by_alias=True, exclude_defaults=False, indent=1) + "\n"


def _read(file: Path) -> Run:
    try:
        if file.stat().st_size > LARGEST:
            raise RunError(f"{file} is larger than {LARGEST >> 20} MiB: that is no run of ours")
        raw = file.read_bytes()
        content = json.loads(raw)
    except OSError as error:
        raise RunError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"{file} is not JSON ({error}); name a run's folder or a baseline") from error
    if not isinstance(content, dict) or content.get("kind") != "sophia-replay":
        raise RunError(f"{file} is not a replay's run; name a folder that a replay wrote, or a baseline")
    if content.get("schema") != SCHEMA:
        raise RunError(
            f"{file} has schema {content.get('schema')!r}, this version reads {SCHEMA}: make the baseline afresh with "
            f"--save-baseline"
        )
    try:
        return Run.model_validate_json(raw)  # stricter than what json makes of it: no lone surrogates
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RunError(f"{file}: {place}: {first['msg']}; the file is damaged, make it afresh") from error


def _records(folder: Path) -> Iterator[_Unit]:
    try:
        lines = (folder / TURNS).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunError(f"cannot read {folder / TURNS}: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        try:
            yield _Unit.model_validate_json(line)
        except ValidationError as error:
            if number == len(lines):  # cut off in the middle of a line: that talk is played again
                return
            raise RunError(f"{folder / TURNS}: line {number} is damaged; start afresh in another folder") from error
