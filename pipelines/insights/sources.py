"""What is taken in: files of ledgers' lines, folders of them, and takes; and the recordings that takes hold."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import wave
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from pipelines.insights.errors import SourceMissing
from pipelines.insights.lines import Conversation
from pipelines.insights.tables import SCHEMAS

TURNS, MANIFEST, SOUND, RUN = "turns.jsonl", "manifest.json", "user.wav", "run.json"

LONGEST_PATH: Final = 4096


@dataclass(frozen=True, slots=True)
class Source:
    """A file of lines; ``take`` is the folder whose turns they are, if they are those of a take."""

    file: Path
    take: Path | None = None


def found(paths: Iterable[Path]) -> list[Source]:
    """The files to read, each once, in order. Raises :class:`SourceMissing` for a path that is not there."""
    sources: dict[str, Source] = {}
    for path in paths:
        if path.is_dir():
            within = list(_within(path))
        elif path.exists():
            within = [Source(path)]
        else:
            raise SourceMissing(f"There is no {path}; name files of ledgers, folders of them, or takes")
        for source in within:
            sources.setdefault(os.path.realpath(source.file), source)
    return list(sources.values())


def _within(folder: Path) -> Iterator[Source]:
    """A take's turns; in any other folder, all files of lines. A replay's run has lines of another kind."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        here = Path(place)
        if MANIFEST in files and TURNS in files:
            folders.clear()
            yield Source(here / TURNS, here)
        elif RUN not in files:
            yield from (Source(here / name) for name in sorted(files) if name.endswith(".jsonl"))


def recording(
    take: Path, conversation: Conversation, keep_days: int, progress: Callable[[int], None] = lambda size: None
) -> pa.Table:
    """The recording of a take's user: no row without her consent to sound, or without a sound. Raises ``OSError``."""
    schema = SCHEMAS["recordings"]
    sound = take / SOUND
    if conversation.consent != "sound" or not sound.is_file():
        return schema.empty_table()
    began = dt.datetime.fromisoformat(conversation.began).astimezone(dt.UTC).date()
    row = {
        "conversation": conversation.id,
        "date": str(began),
        "take": os.path.realpath(take).encode("utf-8", "replace").decode("utf-8")[:LONGEST_PATH],
        "user_sha256": _sha256(sound, progress),
        "seconds_us": _length(sound),
        "consent": conversation.consent,
        "expires": str(began + dt.timedelta(days=keep_days)),
    }
    return pa.Table.from_pylist([row], schema=schema)


def _sha256(file: Path, progress: Callable[[int], None]) -> str:
    found = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(1 << 20):
            progress(len(chunk))
            found.update(chunk)
    return found.hexdigest()


def _length(file: Path) -> int:
    """Microseconds of sound; 0 where the file is no WAV."""
    try:
        with wave.open(str(file), "rb") as sound:
            return sound.getnframes() * 1_000_000 // (sound.getframerate() or 1)
    except (wave.Error, EOFError):
        return 0
