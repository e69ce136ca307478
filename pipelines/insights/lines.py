"""Lines of ledgers as they are found: read with bounds, checked, and counted where they are no use.

A line is not trusted. It may be of any length, of any depth and of any types. What is not a ledger of schema
:data:`SCHEMA` is counted by what is wrong with it, and passed over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder

SCHEMA: Final = 3
"""Of a ledger's line: the first that says which conversation it belongs to."""

LONGEST: Final = 1 << 20
"""Bytes of a line at most; a long turn has some ten thousand."""

CHUNK: Final = 1 << 22
"""Bytes that are read at once."""

Natural = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class Models(Struct, frozen=True, gc=False):
    """Names of what answered."""

    asr: str = ""
    llm: str = ""
    tts: str = ""
    face: str = ""


class Conversation(Struct, frozen=True, gc=False):
    """What a line says of its conversation."""

    id: str
    began: str
    loop_time: float
    person: str = ""
    site: str = ""
    mode: str = ""
    language: str = ""
    sophia: str = ""
    models: Models = Models()
    settings: str = ""
    arm: str = ""
    consent: str = "numbers"


class Marks(Struct, frozen=True, gc=False):
    """Instants in ``loop.time()`` seconds: the chain, and what is asked of the others."""

    voice_end: float | None = None
    captured: float | None = None
    transcript: float | None = None
    started: float | None = None
    first_token: float | None = None
    first_word: float | None = None
    first_clause: float | None = None
    first_audio: float | None = None
    released: float | None = None
    played: float | None = None
    voice_start: float | None = None
    end: float | None = None


class Utterance(Struct, frozen=True, gc=False):
    """How much the user said."""

    seconds: float | None = None
    words: Natural = 0


class Silence(Struct, frozen=True, gc=False):
    """A silence within the user's words, or after them."""

    length: float
    threshold: float | None = None
    sounds: str = ""
    ended_by: str = ""
    explored: bool = False


class Decision(Struct, frozen=True, gc=False):
    """A decision of turn taking, without its reason."""

    time: float
    kind: str


class Fault(Struct, frozen=True, gc=False):
    """A failure, without its words."""

    time: float
    service: str = ""
    kind: str = ""
    count: Natural = 1


class Counts(Struct, frozen=True, gc=False):
    """:data:`pipelines.insights.tables.COUNTS`."""

    speculations_started: Natural = 0
    speculations_dropped: Natural = 0
    wasted_tokens: Natural = 0
    tokens: Natural = 0
    false_cutoffs: Natural = 0
    false_interruptions: Natural = 0
    resumes: Natural = 0
    backchannels: Natural = 0
    underruns: Natural = 0
    overflows: Natural = 0
    dropped_frames: Natural = 0
    reopened_streams: Natural = 0
    late_frames: Natural = 0
    underflows: Natural = 0
    tool_calls: Natural = 0
    tool_failures: Natural = 0
    tool_calls_wasted: Natural = 0


class Line(Struct, frozen=True, gc=False):
    """A turn's ledger, as far as the tables want it. The words are passed over."""

    schema: int
    conversation: Conversation
    turn: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    outcome: str | None = None
    marks: Marks = Marks()
    counts: Counts = Counts()
    utterance: Utterance = Utterance()
    barge_in_latency: float | None = None
    lip_skew: float | None = None
    face_lateness: float | None = None
    face_missing: float | None = None
    sound_seconds: float = 0.0
    wasted_seconds: float = 0.0
    silences: list[Silence] = []
    decisions: list[Decision] = []
    faults: list[Fault] = []


class _Kind(Struct, frozen=True, gc=False):
    """Enough of a line to tell what it is."""

    schema: int = 0


_LINE, _KIND = Decoder(Line), Decoder(_Kind)
_ERRORS = (DecodeError, RecursionError, UnicodeDecodeError)
_SURROGATES = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")

OLDER: Final = "of an older schema, without a conversation"
NEWER: Final = "of a newer schema"
LONG: Final = f"longer than {LONGEST >> 20} MiB"
BROKEN: Final = "not a ledger's line"
UNFINISHED: Final = "still being written"


def read(path: Path, refused: Counter[str], progress: Callable[[int], None] = lambda size: None) -> Iterator[Line]:
    """The ledgers in a file of JSON lines; what is passed over is counted in ``refused``, by why.

    ``progress`` is told of bytes that were read. Raises ``OSError``.
    """
    for raw, ended in _split(path, refused, progress):
        if not raw.strip():
            continue
        try:
            line = _decoded(raw)
        except _ERRORS:
            refused[_why(raw) if ended else UNFINISHED] += 1
            continue
        if line.schema == SCHEMA:
            yield line
        else:
            refused[NEWER if line.schema > SCHEMA else BROKEN] += 1


def _decoded(raw: bytes) -> Line:
    """A line; half a surrogate pair in its words, which no strict reader takes, is no reason to lose its numbers."""
    try:
        return _LINE.decode(raw)
    except DecodeError:
        mended = _SURROGATES.sub(rb"\\ufffd", raw)
        if mended == raw:
            raise
        return _LINE.decode(mended)


def _why(raw: bytes) -> str:
    """What is wrong with a line that cannot be read."""
    try:
        schema = _KIND.decode(raw).schema
    except _ERRORS:
        return BROKEN
    return NEWER if schema > SCHEMA else OLDER if 0 < schema < SCHEMA else BROKEN


def _split(path: Path, refused: Counter[str], progress: Callable[[int], None]) -> Iterator[tuple[bytes, bool]]:
    """The lines of a file, and whether each has an end."""
    rest, skipping = b"", False
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            progress(len(chunk))
            *whole, last = chunk.split(b"\n")
            for part in whole:
                line, rest = rest + part, b""
                if skipping or len(line) > LONGEST:
                    refused[LONG] += 1
                    skipping = False
                else:
                    yield line, True
            rest = b"" if skipping else rest + last
            if len(rest) > LONGEST:
                rest, skipping = b"", True
    if skipping:
        refused[LONG] += 1
    elif rest:
        yield rest, False
