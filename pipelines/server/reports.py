"""What pages tell of playing and of the face: for the ledger of a turn, and counted at the end of each reply."""

from __future__ import annotations

from pipelines.conversation.events import FaceShown
from pipelines.server.realtime.wishes import PlayoutReport
from pipelines.telemetry.metrics import Metrics

FAR = 10.0
"""Seconds: a skew beyond it is no more than that."""

MOST_LATE = 100_000
"""Frames of one reply that a page may call late."""


class Reports:
    """The reports of one page; the figures of a reply are counted once, as they were when it had ended there."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._last: PlayoutReport | None = None
        self._underruns = 0

    def take(self, report: PlayoutReport) -> FaceShown | None:
        """Takes in a report; what it says of the face, if anything."""
        if self._last and self._last.generation != report.generation:
            self.close()
        self._last = report
        self._metrics.page_underruns(report.underruns - self._underruns)
        self._underruns = max(self._underruns, report.underruns)
        shown = _shown(report)
        return None if shown.skew is None and shown.missing is None else shown

    def close(self) -> None:
        """The reply is over there, or the page is gone: what was told last counts."""
        if last := self._last:
            self._last = None
            shown = _shown(last)
            self._metrics.page_reply(shown.skew, shown.missing, shown.late)


def _shown(report: PlayoutReport) -> FaceShown:
    skew, missing = report.face.get("skew_p95_ms"), report.face.get("missing")
    return FaceShown(
        at=report.at,
        generation=report.generation,
        skew=None if skew is None else min(max(skew / 1000, -FAR), FAR),
        missing=None if missing is None else min(max(missing, 0.0), 1.0),
        late=min(max(0, int(report.face.get("late", 0.0))), MOST_LATE),
    )
