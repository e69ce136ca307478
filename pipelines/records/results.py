"""What a replay found: one record for each line that was played, and the run that they belong to. Read back by schema.

All times are seconds. Times within a turn count from the line's first sample; ``at`` counts from the run's beginning.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

SCHEMA: Final = 2
"""Version of these records; raised when a reader of older files would misread a newer one."""

ENVELOPE_SECONDS: Final = 0.02
"""Time between two values of an envelope."""

Outcome = Literal["answered", "joined", "missed", "cut off", "ignored", "disturbed"]
"""How a line ended.

``answered``: she replied after its end. ``joined``: it ran on into the next line and both were answered as one.
``missed``: no reply came, ``reason`` says why. ``cut off``: she replied before its end and not after. ``ignored``: a
line that wants no reply got none. ``disturbed``: it got one, or stopped her.
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """One playing of one talk: what is run, saved and resumed as a whole. Numbers count from 0."""

    talk: int
    round: int
    session: int


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="null")


class Happened(_Record):
    """A decision of turn taking or a failure, ``at`` seconds from the line's first sample, and why."""

    at: float
    kind: str
    reason: str


class Turn(_Record):
    """One line, played once."""

    talk: str
    line: int = Field(description="place of the line in its talk, from 0")
    name: str
    round: int = Field(description="from 0; a repeat of the whole scenario")
    session: int = Field(description="from 0; sessions run side by side")
    at: float = Field(description="when its first sample was played, from the run's beginning")
    seconds: float = Field(description="length of its sound")
    voiced: tuple[float, float] | None = Field(description="first and last voiced sample, from the line's first")
    outcome: Outcome
    reason: str = ""
    voice_to_voice: float | None = Field(
        None, description="from the last voiced sample to the first audible one at the sink, both found in the audio"
    )
    contributions: dict[str, float] = Field(default_factory=dict, description="by stage, in the order of the chain")
    residue: float | None = Field(None, description="voice_to_voice less the sum of the contributions")
    end_error: float | None = Field(
        None, description="end of the voice as the detector told it, less the one in the audio"
    )
    transcript: str | None = Field(None, description="what is said, if known")
    heard: str = Field("", description="what was recognised")
    word_errors: int | None = Field(None, description="substitutions, insertions and deletions; None: no transcript")
    words: int = Field(0, description="words of the transcript")
    reply: str = ""
    as_expected: bool | None = Field(None, description="whether the reply holds what was expected; None: nothing was")
    false_cutoffs: int = Field(0, description="endpoints decided before the last voiced sample")
    speculations: int = 0
    speculations_dropped: int = 0
    wasted_tokens: int = 0
    tokens: int = 0
    sound_seconds: float = Field(0.0, description="sound made for the reply")
    wasted_seconds: float = Field(0.0, description="sound made for replies that were dropped")
    underruns: int = 0
    backchannels: int = 0
    tool_calls: int = Field(0, description="calls of the runtime's own tools")
    tool_failures: int = Field(0, description="of those, without a result")
    tool_calls_wasted: int = Field(0, description="of those, for replies that were dropped")
    tool_calls_unrecorded: int = Field(0, description="of those heard of, not in the recording that is replayed")
    barge_in: float | None = Field(
        None, description="from the line's first voiced sample to her last audible one, if the line took the floor"
    )
    lip_skew: float | None = Field(None, description="95th percentile of the distance; + the lips lead the sound")
    face_missing: float | None = Field(None, description="share of her speech, 0 to 1, without a frame of the face")
    face_lateness: float | None = None
    marks: dict[str, float] = Field(default_factory=dict, description="instants of the ledger, from the first sample")
    decisions: tuple[Happened, ...] = ()
    faults: tuple[Happened, ...] = Field((), description="kind is the service")
    user_envelope: str = Field("", description="see unpack_envelope; from the line's first sample")
    reply_envelope: str = Field("", description="as above, of what the sink played")

    @property
    def key(self) -> tuple[str, int]:
        """What pairs turns of different rounds and runs: the line."""
        return self.talk, self.line


class Counter(_Record):
    """A quantity of the machine over the run: ``values[i]`` at ``times[i]`` seconds from the run's beginning."""

    name: str
    unit: str
    times: tuple[float, ...]
    values: tuple[float, ...]


class Run(_Record):
    """A whole replay."""

    schema_: int = Field(SCHEMA, alias="schema")
    kind: Literal["sophia-replay"] = "sophia-replay"
    scenario: str
    fingerprint: str = Field(description="of everything that was played and expected")
    lines: int = Field(description="lines of one round")
    rounds: int
    sessions: int = 1
    simulated: str | None = Field(None, description="the profile whose delays were simulated; None: real services")
    complete: bool = Field(True, description="false: it was interrupted, and can be resumed")
    config: dict[str, Any] = Field(default_factory=dict, description="effective settings, without secrets")
    config_hash: str = ""
    environment: dict[str, Any] = Field(default_factory=dict, description="machine, commit, versions, date")
    turns: tuple[Turn, ...] = ()
    counters: tuple[Counter, ...] = ()

    model_config = ConfigDict(populate_by_name=True)


def pack_envelope(dbfs: Sequence[float] | npt.NDArray[np.floating[Any]]) -> str:
    """Levels in dB relative to full scale, one each :data:`ENVELOPE_SECONDS`, as text: base64 of bytes of -dB."""
    return base64.b64encode(np.clip(np.round(-np.asarray(dbfs, float)), 0, 96).astype(np.uint8).tobytes()).decode()


def unpack_envelope(packed: str) -> npt.NDArray[np.float64]:
    """Levels in dB relative to full scale, -96 for silence; shape ``(n,)``. Raises ``ValueError`` for what is none."""
    return -np.frombuffer(base64.b64decode(packed, validate=True), np.uint8).astype(np.float64)
