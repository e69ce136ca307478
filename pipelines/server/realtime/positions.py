"""What a client tells of its playing, read with care: nothing of it is an error, for ten reports come a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.server.realtime.reading import mapping, number
from pipelines.server.realtime.wishes import PlayoutReport


def playout_report(event: Mapping[str, Any], generation: int, audio_ms: float, at: float) -> PlayoutReport:
    """A ``sophia.playout.position`` as a report on a generation."""
    return PlayoutReport(
        at=at,
        generation=generation,
        audio_ms=max(0.0, audio_ms),
        buffered_ms=max(0.0, number(event.get("buffered_ms")) or 0.0),
        playing=event.get("playing") is not False,
        underruns=max(0, int(number(event.get("underruns")) or 0)),
        face={
            name: value
            for name in ("skew_mean_ms", "skew_p95_ms", "missing", "late", "frames")
            if (value := number(mapping(event.get("face")).get(name))) is not None
        },
    )
