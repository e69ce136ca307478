"""A take: everything needed to hear a conversation again, and to replay it through the same loop.

A folder with

    manifest.json   what this is: schema, versions, rates, when it began, what was lost
    config.yaml     the effective settings, without secrets
    user.wav        the microphone as the ears got it
    reply.wav       her voice as the sink got it, on the same clock: sample 0 of both is the beginning
    events.jsonl    what came in and what was decided: ``{"t": seconds from the beginning, "kind": …, "data": …}``;
                    :mod:`pipelines.takes.reader` makes events of it again, and the ledgers can be computed from those
    turns.jsonl     the ledgers; their marks are ``loop.time()``, which ``manifest.json`` ties to the beginning
    frames.jsonl    poses of the face, if there was one: first their names, then ``{"t": …, "w": [52 weights]}``

One thread writes; the event loop only hands things over. The queue is bounded. When the disk is so slow that
:data:`MOST_WAITING` things wait, new sound is refused. It becomes silence at its place, and is counted. So the words,
which are few, still get through. When the disk is full, one warning is given and the recording ends. The conversation
goes on, and what was written can be read.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import platform
import queue
import re
import threading
import time as wall
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
import yaml

from aurora.face import ARKIT, Weights
from pipelines.conversation.events import (
    ClauseSkipped,
    DeviceLost,
    EarsLost,
    Failed,
    Happening,
    PhaseChanged,
    Retrying,
    TurnEnded,
    UserText,
)
from pipelines.conversation.observers import Observer
from pipelines.failures import explain
from pipelines.takes.sealing import ENDING, SealedFile, conversation_key
from pipelines.telemetry.provenance import Provenance, ledger_line, sophia_version
from sophia.audio import EAR_RATE, Frame, Pcm
from sophia.wav import WavWriter

SCHEMA: Final = 2
"""Version of the folder's layout."""

FILES: Final = (
    "manifest.json", "config.yaml", "user.wav", "reply.wav", "events.jsonl", "turns.jsonl", "frames.jsonl",
)  # fmt: skip

MOST_WAITING: Final = 2000
"""Things that wait for the disk at most: some ten seconds of a conversation."""

WORDS_RESERVED: Final = 500
"""Places in the queue that only words may take."""

GAP_SECONDS: Final = 0.04
"""Sound that comes later than this after the last is put at its place, with silence between. Less is jitter."""

CLOSE_SECONDS: Final = 1.5
"""How long :meth:`TakeWriter.aclose` may take."""


VIEWS: Final = (PhaseChanged, UserText)
"""What is derived for those who watch, and can be derived again: not written."""


class RecordingError(Exception):
    """The recording cannot begin; the message is one line that says what to change."""

    kind = "settings"


def check_free(folder: Path) -> None:
    """Raises :class:`RecordingError` if ``folder`` holds what a new take would overwrite."""
    if taken := [name for name in FILES if os.path.lexists(folder / name)]:
        raise RecordingError(f"{folder} already holds {taken[0]}; name another folder")


class TakeWriter(Observer):
    """Writes a take into ``folder``, which is made where it is missing; nothing that it holds is overwritten.

    Its files are their owner's alone. A folder that was there before keeps its rights; ``open_to_others`` tells
    whether others may look into it.

    ``settings`` is the effective configuration as plain data, already without secrets (``settings.shareable``).
    ``start`` is the ``loop.time()`` of the beginning, ``reply_rate`` the playout's rate in Hz. ``provenance`` stands
    in each ledger. Without ``sound`` words alone are kept. ``key`` is the file with the key by which words and sound
    are sealed (:mod:`pipelines.takes.sealing`), made where it is missing. ``warn`` is handed one line if the recording
    has to end early; it is called from the writer's thread. Raises :class:`RecordingError`.

    Nothing here blocks, and the methods that take things may be called from any thread.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        *,
        start: float,
        reply_rate: int,
        provenance: Provenance | None = None,
        sound: bool = True,
        key: Path | None = None,
        warn: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.folder = folder
        self._provenance = provenance
        self._key = key
        self._start = start
        self._warn = warn
        self._waiting: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._refused = 0
        self._failed = False
        self._closed = False
        self._written_at = wall.time()
        self._reply_rate = reply_rate
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # people's voices are nobody else's business
            self.open_to_others = bool(folder.stat().st_mode & 0o077)
            check_free(folder)
            self._private("manifest.json")
            self._manifest(complete=False)
            config = yaml.safe_dump(_plain(settings), sort_keys=False, allow_unicode=True)
            self._private("config.yaml").write_text(config, encoding="utf-8")
            secret = conversation_key(key) if key else None
            self._tracks = {
                name: _Track(self._wav(f"{name}.wav", rate, secret), rate)
                for name, rate in (("user", EAR_RATE), ("reply", reply_rate))
                if sound
            }
            self._files: dict[str, TextIO | SealedFile] = {
                name: SealedFile(folder / f"{name}.jsonl{ENDING}", secret)
                if secret
                else _lines(self._private(f"{name}.jsonl"))
                for name in ("events", "turns")
            }
            if secret:  # so that the take is found without a key
                self._files["numbers"] = _lines(self._private("turns.jsonl"))
        except OSError as error:
            raise RecordingError(f"cannot record into {folder}: {error.strerror}; name another folder") from error
        self._thread = threading.Thread(target=self._write_all, name="recording", daemon=True)
        self._thread.start()

    @property
    def refused(self) -> int:
        """Things that found no place because the disk was too slow; silence stands for sound among them."""
        return self._refused

    def listened(self, frame: Frame) -> None:
        self._sound("user", frame.pcm, frame.time)

    def played(self, pcm: Pcm, time: float) -> None:
        self._sound("reply", pcm, time)

    def _sound(self, name: str, pcm: Pcm, time: float) -> None:
        if track := self._tracks.get(name):
            copy, at = pcm.copy(), time - self._start
            self._put(lambda: track.write(copy, at), sound=True)

    def told(self, happening: Happening) -> None:
        if isinstance(happening, TurnEnded):
            ledger = ledger_line(happening.ledger, self._provenance, words=True)
            self._put(lambda: self._line("turns", ledger))
            if self._key:
                numbers = {name: value for name, value in ledger.items() if name != "words"}
                self._put(lambda: self._line("numbers", numbers))
        elif not isinstance(happening, VIEWS):
            line = {"t": round(happening.at - self._start, 6), "kind": kind_of(type(happening)), "data": happening}
            self._put(lambda: self._line("events", line))

    def posed(self, time: float, weights: Weights) -> None:
        values = [round(weight, 4) for weight in weights.tolist()]
        self._put(lambda: self._pose(time - self._start, values, ARKIT), sound=True)

    async def aclose(self) -> None:
        """Writes what is left and completes the files, within :data:`CLOSE_SECONDS` whatever the disk does."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def wait() -> None:
            self._thread.join(CLOSE_SECONDS)
            with contextlib.suppress(RuntimeError):  # the loop has gone: nobody waits any more
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=wait, name="recording-close", daemon=True).start()
        await done.wait()

    def _put(self, work: Callable[[], None], *, sound: bool = False) -> None:
        room = MOST_WAITING - (WORDS_RESERVED if sound else 0)
        if self._closed or self._failed:
            return
        if self._waiting.qsize() >= room:
            self._refused += 1
            return
        self._waiting.put(work)

    def _write_all(self) -> None:
        """The writer's thread: everything that touches the disk after the beginning runs here."""
        try:
            while (work := self._waiting.get()) is not None:
                work()
                if self._waiting.empty():
                    for file in self._files.values():
                        file.flush()
            self._complete()
        except OSError as error:
            self._failed = True
            self._abandon()
            self._warn(
                f"recording stopped, the conversation goes on: {error.strerror or error} ({self.folder}); "
                f"what was written until now can be read"
            )

    def _complete(self) -> None:
        for file in self._files.values():
            file.close()
        for track in self._tracks.values():
            track.close()
        self._manifest(complete=True)

    def _abandon(self) -> None:
        """Closes what can be closed: each file on its own, for the disk may refuse any of them."""
        tracks, files = self._tracks.values(), self._files.values()
        for close in (*(track.close for track in tracks), *(file.close for file in files)):
            try:
                close()
            except OSError:
                continue

    def _private(self, name: str) -> Path:
        """Makes the file ``name`` for its owner alone; whoever opens it then leaves its rights as they are."""
        path = self.folder / name
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        return path

    def _wav(self, name: str, rate: int, secret: bytes | None) -> WavWriter | SealedFile:
        return SealedFile(self.folder / f"{name}{ENDING}", secret) if secret else WavWriter(self._private(name), rate)

    def _line(self, name: str, content: Mapping[str, Any]) -> None:
        self._files[name].write(json.dumps(_plain(content), ensure_ascii=False) + "\n")

    def _pose(self, at: float, weights: list[float], names: Sequence[str]) -> None:
        if "frames" not in self._files:
            self._files["frames"] = _lines(self._private("frames.jsonl"))
            self._line("frames", {"names": list(names)})
        self._line("frames", {"t": round(at, 6), "w": weights})

    def _manifest(self, *, complete: bool) -> None:
        content = {
            "schema": SCHEMA,
            "complete": complete,
            "began": wall.strftime("%Y-%m-%dT%H:%M:%S%z", wall.localtime(self._written_at)),
            "loop_time": self._start,
            "user_rate": EAR_RATE,
            "reply_rate": self._reply_rate,
            "refused": self._refused,
            "versions": {"python": platform.python_version(), "sophia-avatar": sophia_version()},
            **({"key": str(self._key)} if self._key else {}),
            "machine": f"{platform.system()} {platform.machine()}",
        }
        (self.folder / "manifest.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _lines(path: Path) -> TextIO:
    """Opens a file of JSON lines. Half a surrogate pair, which UTF-8 has no bytes for, becomes JSON's own escape."""
    return path.open("w", encoding="utf-8", errors="backslashreplace")


class _Track:
    """A WAV file on the conversation's clock: every sample stands where its time says."""

    def __init__(self, wav: WavWriter | SealedFile, rate: int) -> None:
        self._wav = wav
        self._rate = rate

    def write(self, pcm: Pcm, at: float) -> None:
        """Puts ``pcm`` at ``at`` seconds; what would stand before the beginning, or overlap by a lot, is cut."""
        place = round(at * self._rate)
        ahead = place - self._wav.samples
        tolerance = round(GAP_SECONDS * self._rate)
        if ahead > tolerance:
            self._silence(ahead)
        elif ahead < -tolerance:
            pcm = pcm[-ahead:]
        self._wav.write(pcm)

    def close(self) -> None:
        self._wav.close()

    def _silence(self, samples: int) -> None:
        second = np.zeros(self._rate, np.int16)
        while samples > 0:
            self._wav.write(second[:samples])
            samples -= len(second)


def kind_of(event: type) -> str:
    """What events of this class are called in ``events.jsonl``: ``VoiceStarted`` is ``voice_started``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()


def _plain(value: Any) -> Any:
    """``value`` as what JSON and YAML know; sound becomes its length in samples, anything else its text."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return {"samples": len(value)}
    if isinstance(value, ClauseSkipped | DeviceLost | EarsLost | Failed | Retrying):  # whose it is decides the words
        whose = "tts" if isinstance(value, ClauseSkipped) else "asr" if isinstance(value, EarsLost) else value.service
        failure = explain(value.error, whose)
        error = {"kind": failure.kind, "line": failure.line, "hint": failure.hint}
        return {**_fields(value), "error": error}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [_plain(item) for item in value]
    return str(value)


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
