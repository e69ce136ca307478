"""``--json``: a line for each turn that is over, with its ledger, its words, and when it was written."""

from __future__ import annotations

import json
import time as wall
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pipelines.conversation.events import Happening, TurnEnded
from pipelines.conversation.observers import Observer
from pipelines.settings.outputs import opened
from pipelines.telemetry.provenance import Provenance, ledger_line


class LedgerLines(Observer):
    """Writes ``path``, which is overwritten; standard output is one. Raises ``OSError`` if it cannot be opened.

    A disk that refuses a line ends the file; ``lost`` is told so, once, and what was written before is kept.
    """

    def __init__(self, path: Path, provenance: Provenance, lost: Callable[[OSError], None]) -> None:
        self._file = opened(path)
        self._provenance = provenance
        self._lost = lost
        self._broken = False

    def told(self, happening: Happening) -> None:
        if not isinstance(happening, TurnEnded) or self._broken:
            return
        line = {**ledger_line(happening.ledger, self._provenance, words=True), "written_at": wall.time()}
        try:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            self._broken = True
            self._lost(error)

    def close(self) -> None:
        """Closes the file; each line was flushed, so whatever the disk refuses was told already."""
        with suppress(OSError):
            self._file.close()
