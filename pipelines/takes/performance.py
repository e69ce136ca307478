"""What can be seen and heard of her in a take: her voice, her poses at a steady rate, what was heard of her words.

Poses are recorded while she speaks. Between replies the face rests, as it does in a conversation: :class:`IdleFace`
moves eyes and lids. The two are blended where they meet.

A take may be cut short, or come from anywhere. What can be read of it is used, and ``notes`` tell what was missing.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from aurora.face import ARKIT, Weights
from aurora.idle import IdleFace
from aurora.names import NameMap
from pipelines.conversation.events import Attending, GenerationOver, PlayoutFinished, PlayoutStarted
from pipelines.takes.captions import Line, captions
from pipelines.takes.reader import read_events
from pipelines.takes.sealing import SealError, opened
from pipelines.takes.writer import SCHEMA
from sophia.audio import Pcm
from sophia.wav import WavError, read_wav

Voiced = PlayoutStarted | PlayoutFinished | GenerationOver
"""What tells when she was heard, and with which words."""

Progress = Callable[[str, float], None]
"""Is told what is done, and which share of it, 0..1."""

FADE: Final = 0.15
"""Seconds in which a recorded pose turns into the face at rest."""

HOLD: Final = 2 * FADE
"""Seconds between two recorded poses that are bridged; a longer gap is a rest."""

LONGEST: Final = 4 * 3600.0
"""Seconds. Nobody talks longer; a time code beyond is a mistake."""

_LONGEST_LINE: Final = 1 << 20


class TakeError(Exception):
    """A take cannot be used; the message is one line."""

    kind = "settings"

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.lines = (line,)


@dataclass(frozen=True, slots=True)
class Performance:
    """A take as something to be shown.

    ``pcm`` is her voice at ``rate`` Hz, and may be empty. ``recorded`` are the poses as they were recorded, shape
    ``(n, 52)``, at ``times``. Seconds count from the beginning, which was at ``began`` (ISO 8601, empty where nobody
    knows) and at ``loop_time`` of the clock that the ledgers are written in. ``head`` is the model that the settings
    named. ``turns`` are the ledgers as they were written.
    """

    folder: Path
    seconds: float
    began: str
    pcm: Pcm
    rate: int
    times: NDArray[np.float64]
    recorded: NDArray[np.float32]
    lines: list[Line]
    turns: list[dict[str, Any]]
    loop_time: float
    head: str | None = None
    attended: list[tuple[float, str]] = field(default_factory=list)
    """Whom her face attended to, from which second on."""
    notes: list[str] = field(default_factory=list)

    def poses(self, fps: int, progress: Progress = lambda what, share: None) -> NDArray[np.float32]:
        """Poses of shape ``(frames, 52)``: frame ``k`` is at ``k / fps`` seconds, the last one at the end."""
        grid = np.arange(math.floor(self.seconds * fps) + 1) / fps
        rest = np.empty((len(grid), len(ARKIT)), np.float32)
        idle, changes = IdleFace(), deque(self.attended)
        for place, time in enumerate(grid.tolist()):
            while changes and changes[0][0] <= time:
                idle.attend(changes.popleft()[1], time)
            rest[place] = idle.at(time)
            if place % 1000 == 0:
                progress("poses", place / len(grid))
        return _joined(self.times, self.recorded, grid, rest)


def _joined(
    times: NDArray[np.float64], recorded: NDArray[np.float32], grid: NDArray[np.float64], rest: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Recorded poses where there are some, ``rest`` where there are none for long, a blend where they meet."""
    if not len(times):
        return rest
    after = np.searchsorted(times, grid, side="right").clip(1, max(1, len(times) - 1))
    before = after - 1
    after = after.clip(max=len(times) - 1)
    gap = times[after] - times[before]
    along = ((grid - times[before]) / np.where(gap > 0, gap, 1.0)).clip(0.0, 1.0)
    inside = (gap <= HOLD) & (grid >= times[before]) & (grid <= times[after])
    along = np.where(inside, along, along >= 0.5).astype(np.float32)[:, None]
    pose = recorded[before] * (1 - along) + recorded[after] * along
    away = np.minimum(np.abs(grid - times[before]), np.abs(grid - times[after]))
    share = np.where(inside, 1.0, (1.0 - away / FADE).clip(0.0, 1.0))
    share = (share * share * (3.0 - 2.0 * share)).astype(np.float32)[:, None]
    joined: NDArray[np.float32] = (pose * share + rest * (1 - share)).astype(np.float32)
    return joined


def read_performance(folder: Path) -> Performance:
    """Reads a take's folder, with its key if it is sealed. Raises :class:`TakeError` where nothing could be shown."""
    try:
        with opened(folder) as plain:
            return replace(_performance(plain), folder=folder)
    except SealError as error:
        raise TakeError(f"{error}.") from error


def _performance(folder: Path) -> Performance:
    notes: list[str] = []
    rate, loop_time, began = _manifest(folder, notes)
    pcm = _voice(folder, rate, notes)
    times, recorded = _frames(folder, notes)
    lines, heard_until, attended = _heard(folder, loop_time, notes)
    seconds = max(len(pcm) / rate, float(times[-1]) if len(times) else 0.0, heard_until)
    if seconds <= 0.0:
        raise TakeError(f"{folder}: she said nothing in it; there is nothing to export.")
    return Performance(
        folder=folder,
        seconds=seconds,
        began=began,
        pcm=pcm,
        rate=rate,
        times=times,
        recorded=recorded,
        lines=lines,
        turns=_turns(folder, notes),
        loop_time=loop_time,
        head=_head(folder),
        attended=attended,
        notes=notes,
    )


def _manifest(folder: Path, notes: list[str]) -> tuple[int, float, str]:
    """The rate of her voice in Hz, the ``loop.time()`` of the beginning, and its date."""
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        schema, rate, zero = manifest["schema"], manifest["reply_rate"], manifest.get("loop_time", 0.0)
        began, complete = str(manifest.get("began", ""))[:40], manifest.get("complete")
    except OSError as error:
        raise TakeError(f"{folder} is no take: its manifest.json cannot be read ({error.strerror}).") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise TakeError(f"{folder} is no take: its manifest.json is broken.") from error
    if not isinstance(rate, int) or not 8000 <= rate <= 192_000 or not _finite(zero):
        raise TakeError(f"{folder} is no take: its manifest.json names no rate of her voice that can be.")
    if schema != SCHEMA:
        notes.append(f"it was recorded by another version (schema {str(schema)[:20]}, not {SCHEMA})")
    if not complete:
        notes.append("the recording was cut short")
    return rate, float(zero), began


def _voice(folder: Path, rate: int, notes: list[str]) -> Pcm:
    try:
        sound = read_wav(folder / "reply.wav", rate, LONGEST)
    except WavError as error:
        notes.append(f"reply.wav {error.what}: there is no sound")
        return np.zeros(0, np.int16)
    if sound.note:
        notes.append(f"reply.wav: {sound.note}")
    return sound.pcm


def _frames(folder: Path, notes: list[str]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Times and poses, in order; what is no pose is left out and counted."""
    times: list[float] = []
    poses: list[Weights] = []
    names: NameMap | None = None
    bad = 0
    for row in _rows(folder / "frames.jsonl"):
        try:
            if not times and "names" in row:
                names = NameMap([str(name) for name in row["names"]], "arkit")  # as they were shown
                continue
            if names is None:
                raise ValueError("a pose before the names")
            time, weights = float(row["t"]), names(row["w"])
            if not (times[-1] if times else -1.0) < time <= LONGEST:  # nor for one that is no number
                raise ValueError("a time that does not rise")
        except (KeyError, TypeError, ValueError):
            bad += 1
            continue
        times.append(max(0.0, time))
        poses.append(weights)
    if bad:
        notes.append(f"frames.jsonl: {bad} of {bad + len(times)} lines are no poses, and are left out")
    if not times:
        notes.append("it holds no poses of a face")
    return np.array(times), np.array(poses, np.float32).reshape(-1, len(ARKIT))


def _rows(path: Path) -> Iterator[Any]:
    """The lines of a file, each as what its JSON says; ``None`` for one that is none. Nothing if there is no file."""
    try:
        with path.open("rb") as file:
            while line := file.readline(_LONGEST_LINE):
                try:
                    yield json.loads(line)
                except (ValueError, RecursionError):
                    yield None
    except OSError:
        return


def _heard(folder: Path, loop_time: float, notes: list[str]) -> tuple[list[Line], float, list[tuple[float, str]]]:
    """What was heard of her, until when, and whom she attended to."""
    events: list[Voiced] = []
    attended: list[tuple[float, str]] = []
    try:
        for event in read_events(folder):
            if isinstance(event, Voiced):
                events.append(_sane(event))
            elif isinstance(event, Attending) and _finite(event.at):
                attended.append((event.at - loop_time, str(event.to)))
    except OSError:
        notes.append("it holds no events: nobody knows what she said")
    except (ValueError, TypeError, RecursionError) as error:
        notes.append(f"{error}; what follows is left out")
    ends = [event.time - loop_time for event in events if isinstance(event, PlayoutFinished)]
    return captions(events, loop_time), min(LONGEST, max(ends, default=0.0)), sorted(attended)


def _sane(event: Voiced) -> Voiced:
    """The event, if its fields are what they should be; else raises ``ValueError``."""
    time = event.at if isinstance(event, GenerationOver) else event.time
    words: object = event.heard + event.said if isinstance(event, GenerationOver) else ""
    if not isinstance(event.generation, int) or not isinstance(words, str) or not _finite(time):
        raise ValueError("events.jsonl: an event of her voice is broken")
    return event


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _turns(folder: Path, notes: list[str]) -> list[dict[str, Any]]:
    rows = list(_rows(folder / "turns.jsonl"))
    turns = [row for row in rows if isinstance(row, dict) and isinstance(row.get("marks"), dict)]
    if len(turns) < len(rows):
        notes.append(f"turns.jsonl: {len(rows) - len(turns)} of {len(rows)} lines are no ledgers, and are left out")
    return turns


def _head(folder: Path) -> str | None:
    """The model of the face that the settings of the conversation named."""
    try:
        model = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))["face"]["model"]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError, RecursionError):
        return None
    return model if isinstance(model, str) and model else None
